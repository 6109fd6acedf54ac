"""Phone numbers judged by PyPI `phonenumbers`, the reference of rule R8.

    phones.py numbers [COUNT] [SEED]   prints COUNT lines: region, number, E.164 or nothing; tab separated
    phones.py compare FILE             reads region, number, E.164 lines (ours) and fails when one differs
    phones.py plans                    prints src/minimize/phone_plans.tsv (needs PyPI `regex` too)

Empty region: only numbers with a plus sign. E.164 is given for possible numbers that are not only locally dialable.
The metadata must be that of the Rust crate: phonenumbers 9.0.42.
"""

import random
import sys

import phonenumbers
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, PhoneNumberFormat, ValidationResult

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
COMMON = ["DE", "US", "GB", "FR", "IN", "IT", "BR", "CA", "AU", "JP", "CN", "ES", "AR", "MX", "RU", "CH", "AT", "NL"]
FORMATS = [PhoneNumberFormat.E164, PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.NATIONAL, PhoneNumberFormat.RFC3966]
EXTENSIONS = [" ext. 12", " x123", "#45", " ext 9", ";ext=7", " extension 12", ",77", " доб. 5", " int 3", " anexo 4"]
ODD = [
    "", "-", "n/a", "unknown", "+", "00", "0", "110", "112", "911", "+1", "+49", "+999 123456", "1-800-FLOWERS",
    "0800 REPAIR", "+1 (650) 253-0000 / x12", "tel:+49-30-1234567", "tel:030-1234567;phone-context=+49",
    "+49 (0)30 123456", "++49 30 123456", "+ 49 30 123456", "0049 30 123456", "011 49 30 123456", "(030) 12 34 56",
    "030/123456", "030-12-34-56-78-90-12-34-56", "١٢٣٤٥٦٧٨٩٠", "+٤٩٣٠١٢٣٤٥٦", "＋4930123456", "+49\u00a030\u00a0123456",
    "+49.30.123456", "030 123456 oder 030 654321", "030 123456; 0170 1234567", "Tel. 030 123456", "mobil: 0170 1234567",
    "+390612345678", "06 1234 5678", "+3900612345", "+549 11 2345 6789", "+54 9 11 2345 6789", "011 15 2345-6789",
    "+52 1 55 1234 5678", "+7 8 495 1234567", "8 (495) 123-45-67", "+80012345678", "+88213123456", "0000000", "+490000000",
    "555-1234", "(212) 555-1234", "1 212 555 1234", "+1-212-555-1234", "12", "123", "1234", "12345", "123456", "1234567",
    "+4917012345678901234", "٠١٧٠ ١٢٣٤٥٦٧", "O170 1234567", "0170 12345x7", "[030] 123456", "030~123456", "*31#030123456",
]


def judge(number, region):
    try:
        parsed = phonenumbers.parse(number, region or None)
    except phonenumbers.NumberParseException:
        return ""
    if phonenumbers.is_possible_number_with_reason(parsed) != ValidationResult.IS_POSSIBLE:
        return ""
    return phonenumbers.format_number(parsed, PhoneNumberFormat.E164)


def regular(rng):
    region = rng.choice(COMMON if rng.random() < 0.5 else REGIONS)
    kind = rng.choice([phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE])
    example = phonenumbers.example_number_for_type(region, kind) or phonenumbers.example_number(region)
    digits = list(phonenumbers.national_significant_number(example))
    for at in range(rng.choice([1, 2, 4, len(digits) - 1]), len(digits)):
        digits[at] = rng.choice("0123456789")
    number = phonenumbers.PhoneNumber(country_code=example.country_code, national_number=int("".join(digits)))
    zeros = len(digits) - len("".join(digits).lstrip("0"))
    if zeros:
        number.italian_leading_zero = True
        number.number_of_leading_zeros = zeros
    return region, phonenumbers.format_number(number, rng.choice(FORMATS))


def disturbed(rng, region, text):
    what = rng.randrange(16)
    if what == 0:
        return text + rng.choice(EXTENSIONS)
    if what == 1:
        return text.replace("+", "00")
    if what == 2:
        return text.replace(" ", rng.choice(["", "-", ".", "/", "  ", "\u00a0"]))
    if what == 3:
        return text[: max(1, len(text) - rng.randrange(1, 6))]
    if what == 4:
        return text + "".join(rng.choice("0123456789") for _ in range(rng.randrange(1, 9)))
    if what == 5:
        return "(" + text[: len(text) // 2] + ")" + text[len(text) // 2 :]
    if what == 6:
        return rng.choice(["Tel ", "mobil ", "Fax: ", " ", "(", "T. "]) + text
    if what == 7:
        return text.replace("+", "")
    if what == 8:
        at = rng.randrange(len(text) + 1)
        return text[:at] + rng.choice("abcxyz#*;,~()[]+- 0123456789") + text[at:]
    if what == 9:
        return "".join(rng.choice("0123456789") for _ in range(rng.randrange(1, 19)))
    if what == 10:
        return "+" + "".join(rng.choice("0123456789") for _ in range(rng.randrange(1, 19)))
    if what == 11:
        code = phonenumbers.country_code_for_region(region)
        return f"+{code} (0)" + "".join(rng.choice("0123456789") for _ in range(rng.randrange(4, 12)))
    if what == 12:
        return rng.choice(ODD)
    return text


def numbers(count, seed):
    rng = random.Random(seed)
    for _ in range(count):
        region, text = regular(rng)
        text = disturbed(rng, region, text)
        if rng.random() < 0.15:
            region = rng.choice(REGIONS + [""] * 40)
        text = text.replace("\t", " ").strip()
        print(region, text, judge(text, region), sep="\t")


def compare(path):
    different = total = 0
    with open(path, encoding="utf-8") as lines:
        for at, line in enumerate(lines, 1):
            region, number, ours = line.rstrip("\n").split("\t")
            total += 1
            if judge(number, region) != ours:
                different += 1
                print(f"line {at}: region {region!r}: {number!r}: ours {ours!r}, reference {judge(number, region)!r}")
    print(f"{total} numbers, {different} differ, phonenumbers {phonenumbers.__version__}")
    return different


def alternatives(pattern):
    out, depth, start = [], 0, 0
    for at, char in enumerate(pattern):
        depth += (char in "([") - (char in ")]")
        if char == "|" and depth == 0:
            out.append(pattern[start:at])
            start = at + 1
    return out + [pattern[start:]]


def plans():
    import regex

    def may_start(pattern, text):
        return regex.match(pattern, text, partial=True) is not None

    pairs = [f"{pair:02}" for pair in range(100)]
    print("# Made by tests/python/phones.py plans; metadata of phonenumbers", phonenumbers.__version__)
    print("# region, calling code, main region of the code, starts that are no prefix, trunk prefix, starts after it,")
    print("# the same two for numbers without a plus sign; starts are sets of first two digits, bit n for n, hex;")
    print("# international prefix when it is digits and nothing else")
    for code, regions in sorted(COUNTRY_CODE_TO_REGION_CODE.items()):
        for rank, region in enumerate(regions):
            if region == "001":
                continue
            data = PhoneMetadata.metadata_for_region(region)
            prefix, general = data.national_prefix_for_parsing, data.general_desc.national_number_pattern
            clear = {p for p in pairs[10:] + pairs[1:10] if not (prefix and may_start(prefix, p))}
            trunk, after = "-", set()
            for option in alternatives(prefix) if prefix else []:
                others = [other for other in alternatives(prefix) if other != option]
                if option.isdigit() and data.national_prefix_for_parsing and trunk == "-":
                    trunk = option
                    after = {
                        p
                        for p in pairs[10:]
                        if regex.fullmatch(general, trunk + p, partial=True) is None
                        and not any(may_start(other, trunk + p) for other in others)
                    }
            idd = data.international_prefix
            free = lambda text: not (idd and may_start(idd, text))
            mask = lambda starts: format(sum(1 << int(p) for p in starts), "x")
            bare = {p for p in clear if free(p)}
            dialled = {p for p in after if free((trunk + p)[: max(2, len(trunk) + 2)])}
            main = "main" if rank == 0 else "-"
            abroad = idd if idd and idd.isdigit() else "-"
            print(region, code, main, mask(clear), trunk, mask(after), mask(bare), mask(dialled), abroad, sep="\t")


if __name__ == "__main__":
    command, arguments = sys.argv[1], sys.argv[2:]
    if command == "numbers":
        numbers(int(arguments[0]) if arguments else 10_000, int(arguments[1]) if len(arguments) > 1 else 8)
    elif command == "compare":
        sys.exit(1 if compare(arguments[0]) else 0)
    elif command == "plans":
        plans()
    else:
        sys.exit(__doc__)
