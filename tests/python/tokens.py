"""Identities and tokens as docs/tokens.md defines them, made with PyPI's blake3 and nothing of tamis.

usage: tokens.py [docs/tokens.md]    recomputes every published vector; fails when one is wrong, or when there are
suspiciously few. Normal forms are recomputed too, phone numbers by PyPI phonenumbers, domains by PyPI idna.
"""

import json
import re
import sys
import unicodedata
from pathlib import Path

import idna
from blake3 import blake3

import phones

CHECKSUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
# Unicode White_Space; str.strip() would take more.
SPACE = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"

IGNORABLE = [
    (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x200B, 0x200F),
    (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
]
PLACEHOLDERS = [
    "n/a", "#n/a", "n.a.", "na", "nan", "nil", "none", "null", "(null)", "<null>", "[null]", "\\n", "undefined", "unknown",
    "not available", "#ref!", "#value!", "#name?", "#null!", "#num!", "#div/0!",
]


def prefixed(text):
    data = text.encode()
    return len(data).to_bytes(4, "little") + data


def derive(context, *parts):
    return blake3(b"".join(parts), derive_key_context=context).digest()


def keyed(key, data):
    return blake3(data, key=key).digest()


def key(folder, name):
    return bytes.fromhex((Path(folder) / name).read_text().strip())


def key_id(of):
    return keyed(derive("tamis v1 key id", of), b"")[:8].hex()


def identity(identity_key, kind, value):
    """Of a text, or of a list of parts (R51)."""
    form = value.encode() if isinstance(value, str) else b"".join(map(prefixed, value))
    return keyed(derive("tamis v1 identity", identity_key, prefixed(kind)), form)


def token(token_key, domain, epoch, of):
    return keyed(derive("tamis v1 token", token_key, prefixed(domain), prefixed(epoch)), of)[:16].hex()


def unseen(c):
    """R5: what nobody sees. Default_Ignorable_Code_Point of Unicode, control characters, marks of annotations."""
    return any(first <= ord(c) <= last for first, last in IGNORABLE) or (
        c not in SPACE and (unicodedata.category(c) == "Cc" or "\ufff9" <= c <= "\ufffb")
    )


def trim(value):
    return "".join(c for c in value if not unseen(c)).strip(SPACE)


def nfc(value):
    return unicodedata.normalize("NFC", trim(value))


def raw(value):
    return [raw(part) for part in value] if isinstance(value, list) else nfc(value).casefold()


def stands_for_none(value):
    """R4: says that there is no value, or has only the first digits of one."""
    value = trim(value)
    says_nothing = all(c == "0" or not c.isalnum() for c in value)
    rounded = re.fullmatch(r"[+-]?[0-9]([eE][+]|[.,][0-9]+[eE][+]?)[0-9]{1,3}", value)
    cut = re.fullmatch(r"[+-]?[1-9][0-9]{14}000+([.,]0+)?", value)
    return bool(says_nothing or rounded or cut or value.lower() in PLACEHOLDERS)


def email(value, region=None):
    """R6; none when it does not normalise."""
    local, at, domain = nfc(value).rpartition("@")
    if not at or not local or any(c in '@<>",;:()' or c in SPACE for c in local):
        return None
    try:
        domain = idna.encode(domain, uts46=True, std3_rules=True, transitional=False).decode()
    except idna.IDNAError:
        return None
    return f"{local.lower()}@{domain.lower()}"


def salesforce_id(value, region=None):
    """R7; none when it does not normalise."""
    value = trim(value)
    if not re.fullmatch(r"[A-Za-z0-9]{15}([A-Za-z0-9]{3})?", value) or value.startswith("0" * 15):
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


def phone(value, region=None):
    """R8; none when it does not normalise."""
    return phones.judge(trim(value), region) or None


def text(value, region=None):
    """R9."""
    return nfc(value)


def guid(value, region=None):
    """R50; none when it does not normalise."""
    value = trim(value)
    if value[:1] + value[-1:] in ("{}", "()"):
        value = value[1:-1]
    if not re.fullmatch(r"[0-9a-fA-F]{8}(-?)[0-9a-fA-F]{4}\1[0-9a-fA-F]{4}\1[0-9a-fA-F]{4}\1[0-9a-fA-F]{12}", value):
        return None
    digits = value.replace("-", "").lower()
    return "-".join([digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]])


def normal_form(kind, value, region=None):
    """None when there is none; of a list of parts a list (R51)."""
    if isinstance(value, list):
        rule = kind.split("/")[1] == "any-case"
        parts = [normal_form("x/any-case/1" if rule else "text/1", part) for part in value]
        return None if None in parts else parts
    if stands_for_none(value):
        return None
    rule = raw_text if kind.endswith("/any-case/1") else text
    return NORMAL.get(kind, rule)(value, region)


def raw_text(value, region=None):
    return raw(value)


NORMAL = {"email/1": email, "phone/1": phone, "salesforce-id/1": salesforce_id, "guid/1": guid}


def of_value(identity_key, kind, value, region=None):
    """Identity of a value, of its raw form when it does not normalise; none for blank."""
    if not all(map(trim, value if isinstance(value, list) else [value])):
        return None
    normal = normal_form(kind, value, region)
    if normal is None:
        return identity(identity_key, f"{kind}?raw", raw(value))
    return identity(identity_key, kind, normal)


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
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    keys, faults, checked = {}, [], 0

    def compare(what, published, computed):
        nonlocal checked
        checked += 1
        if published != computed:
            faults.append(f"{what}: published {published}, recomputed {computed}")

    for name, published, its_id in rows(lines, "key"):
        keys[name] = bytes.fromhex(published)
        compare(f"id of {name}", its_id, key_id(keys[name]))
    for kind, region, value, form, normal, its_identity in rows(lines, "kind"):
        value, normal = json.loads(value), json.loads(normal)
        found = normal_form(kind, value, region)
        compare(f"form of {value!r}", form, "normal" if found is not None else "raw")
        compare(f"{form} form of {value!r}", normal, raw(value) if found is None else found)
        compare(f"identity of {value!r}", its_identity, of_value(keys["identity"], kind, value, region).hex())
    for of, name, domain, epoch, published in rows(lines, "identity of"):
        compare(f"token in {domain} {epoch}", published, token(keys[name], domain, epoch, bytes.fromhex(of)))
    print(*faults, f"{checked} vectors recomputed, {len(faults)} wrong", sep="\n")
    return bool(faults) or checked < 40


if __name__ == "__main__":
    sys.exit(check(sys.argv[1] if len(sys.argv) > 1 else "docs/tokens.md"))
