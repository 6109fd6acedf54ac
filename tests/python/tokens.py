"""Identities and tokens as docs/tokens.md defines them, made with PyPI's blake3 and nothing of tamis."""

import unicodedata
from pathlib import Path

from blake3 import blake3

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
SPACE = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"


def prefixed(text):
    data = text.encode()
    return len(data).to_bytes(4, "little") + data


def key(folder, name):
    return bytes.fromhex((Path(folder) / name).read_text().strip())


def identity(identity_key, kind, value):
    derived = blake3(identity_key + prefixed(kind), derive_key_context="tamis v1 identity").digest()
    return blake3(value.encode(), key=derived).digest()


def token(token_key, domain, epoch, of):
    derived = blake3(token_key + prefixed(domain) + prefixed(epoch), derive_key_context="tamis v1 token").digest()
    return blake3(of, key=derived).digest()[:16].hex()


def raw(value):
    return unicodedata.normalize("NFC", value.strip(SPACE)).casefold()


def email(value):
    """R6 for ordinary addresses; none when it does not normalise."""
    local, at, domain = unicodedata.normalize("NFC", value.strip(SPACE)).rpartition("@")
    if not at or not local or not domain or any(c in '@<>",;:()' or c in SPACE for c in local):
        return None
    labels = [label.lower().encode("idna").decode() for label in domain.split(".")]
    return f"{local.lower()}@{'.'.join(labels)}" if all(labels) else None


def salesforce_id(value):
    """R7; none when it does not normalise."""
    value = value.strip(SPACE)
    if not value.isascii() or not value.isalnum() or len(value) not in (15, 18):
        return None
    if len(value) == 15:
        return value + checksum(value)
    letters = list(value[:15])
    for block, code in enumerate(value[15:].upper()):
        if code not in LETTERS:
            return None
        for place in range(5):
            upper = LETTERS.index(code) >> place & 1
            letter = letters[block * 5 + place]
            if upper and letter.isdigit():
                return None
            letters[block * 5 + place] = letter.upper() if upper else letter.lower()
    return "".join(letters) + checksum("".join(letters))


def checksum(fifteen):
    blocks = (fifteen[start : start + 5] for start in (0, 5, 10))
    return "".join(LETTERS[sum(1 << k for k, c in enumerate(block) if c.isupper())] for block in blocks)


NORMAL = {"email/1": email, "salesforce-id/1": salesforce_id}


def of_value(identity_key, kind, value):
    """Identity of a value, of its raw form when it does not normalise; none for blank."""
    if not value.strip(SPACE):
        return None
    normal = NORMAL[kind](value)
    if normal is None:
        return identity(identity_key, f"{kind}?raw", raw(value))
    return identity(identity_key, kind, normal)
