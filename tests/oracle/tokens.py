"""Recomputes every vector of docs/tokens.md with PyPI `blake3`.

    tokens.py [docs/tokens.md]     fails when a published vector is wrong, or when there are suspiciously few

Normal forms are recomputed too, with nothing of tamis: phone numbers with PyPI `phonenumbers`, domains of e-mail
addresses with PyPI `idna`; where such a package is not installed, the published normal form is taken as it is.
"""

import json
import re
import sys
import unicodedata

from blake3 import blake3

# Unicode White_Space; str.strip() would take more.
WHITE = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
CHECKSUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def lp(text):
    data = text.encode()
    return len(data).to_bytes(4, "little") + data


def derive(context, *parts):
    return blake3(b"".join(parts), derive_key_context=context).digest()


def keyed(key, data):
    return blake3(data, key=key).digest()


def nfc(text):
    return unicodedata.normalize("NFC", text)


def email(value, _):
    local, at, domain = nfc(value).rpartition("@")
    if not at or not local or any(c in '@<>",;:()' or c in WHITE for c in local):
        return None
    try:
        import idna
    except ImportError:
        return "unknown" if not domain.isascii() else f"{local.lower()}@{domain.lower()}"
    try:
        domain = idna.encode(domain, uts46=True, std3_rules=True, transitional=False).decode()
    except idna.IDNAError:
        return None
    return f"{local.lower()}@{domain.lower()}"


def salesforce_id(value, _):
    if not re.fullmatch(r"[A-Za-z0-9]{15}([A-Za-z0-9]{3})?", value):
        return None
    blocks = [value[at : at + 5] for at in (0, 5, 10)]
    if len(value) == 15:
        bits = [sum(1 << k for k, c in enumerate(block) if "A" <= c <= "Z") for block in blocks]
        return value + "".join(CHECKSUM[b] for b in bits)
    out = ""
    for block, check in zip(blocks, value[15:].upper()):
        bits = CHECKSUM.find(check)
        if bits < 0 or any(bits >> k & 1 and c.isdigit() for k, c in enumerate(block)):
            return None
        out += "".join(c.upper() if bits >> k & 1 else c.lower() for k, c in enumerate(block))
    return out + value[15:].upper()


def phone(value, region):
    try:
        import phones
    except ImportError:
        return "unknown"
    return phones.judge(value, region) or None


def text(value, _):
    return nfc(value)


RULES = {"email/1": email, "phone/1": phone, "salesforce-id/1": salesforce_id}


def rows(lines, title):
    """Cells of the table whose header starts with `title`, code marks taken off."""
    inside = False
    for line in lines:
        cells = [cell.strip().strip("`") for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and cells[0] == title:
            inside = True
        elif not line.startswith("|"):
            inside = False
        elif inside and not set(cells[0]) <= set("-"):
            yield cells


def check(path):
    lines = open(path, encoding="utf-8").read().splitlines()
    keys, faults, checked = {}, [], 0

    def compare(what, published, computed):
        nonlocal checked
        checked += 1
        if published != computed:
            faults.append(f"{what}: published {published}, recomputed {computed}")

    for name, key, key_id in rows(lines, "key"):
        keys[name] = bytes.fromhex(key)
        compare(f"id of {name}", key_id, keyed(derive("tamis v1 key id", keys[name]), b"")[:8].hex())
    for kind, region, value, form, normal, identity in rows(lines, "kind"):
        value, normal = json.loads(value).strip(WHITE), json.loads(normal)
        found = RULES.get(kind, text)(value, region)
        if found != "unknown":
            compare(f"form of {value!r}", form, "normal" if found is not None else "raw")
            raw = nfc(value).casefold()
            compare(f"{form} form of {value!r}", normal, raw if found is None else found)
        kind += "?raw" if form == "raw" else ""
        key = derive("tamis v1 identity", keys["identity"], lp(kind))
        compare(f"identity of {value!r}", identity, keyed(key, normal.encode()).hex())
    for identity, name, domain, epoch, token in rows(lines, "identity of"):
        key = derive("tamis v1 token", keys[name], lp(domain), lp(epoch))
        compare(f"token in {domain} {epoch}", token, keyed(key, bytes.fromhex(identity))[:16].hex())
    print(*faults, f"{checked} vectors recomputed, {len(faults)} wrong", sep="\n")
    return bool(faults) or checked < 40


if __name__ == "__main__":
    sys.exit(check(sys.argv[1] if len(sys.argv) > 1 else "docs/tokens.md"))
