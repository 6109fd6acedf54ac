"""Names of countries as CRMs write them, for `region_from` (R8), from CLDR and ISO 3166.

    regions.py names      prints src/minimize/region_names.tsv
    regions.py expected   prints tests/python/regions.tsv: names as they are written, each with its code

Needs PyPI `babel` (CLDR) and `pycountry` (ISO 3166), in the versions that the head of the files names; no test needs
them. Names are compared folded, see `folded`; src/minimize/region.rs folds in the same way. A name that two regions
share is in no file: such a number is counted as one without a normal form, and never guessed.
"""

import importlib.metadata
import re
import sys
import unicodedata
from collections import defaultdict
from pathlib import Path

import pycountry
from babel import Locale

CODES = Path(__file__).parent.parent.parent / "src/minimize/regions.tsv"
LANGUAGES = (
    "en de fr es it pt pt_PT nl pl cs sk hu ro bg hr sl sr sr_Latn bs mk sq da sv nb nn fi is et lv lt el ga mt tr ru uk be "
    "ja zh zh_Hant ko ar he fa hi id ms vi th ca eu gl cy lb"
).split()
# What people write, and neither CLDR nor ISO has.
COMMON = {
    "AE": ["UAE", "Emirates"], "BA": ["Bosnia", "Bosnia-Herzegovina"], "BN": ["Brunei Darussalam"],
    "CD": ["DRC", "DR Congo", "Zaire", "Congo (DRC)", "Congo, Democratic Republic of the", "Congo Kinshasa"],
    "CG": ["Congo (Republic)", "Republic of the Congo", "Congo, Republic of the", "Congo Brazzaville"],
    "CI": ["Ivory Coast", "Cote d'Ivoire"], "CN": ["PRC", "PR China", "Mainland China", "China (PRC)"],
    "CV": ["Cape Verde", "Cabo Verde"], "CZ": ["Czech Republic", "Czechia"], "DE": ["BRD", "Federal Republic of Germany"],
    "FK": ["Falkland Islands", "Malvinas"], "FM": ["Micronesia"],
    "GB": [
        "UK", "Great Britain", "Britain", "England", "Scotland", "Wales", "Northern Ireland",
        "Great Britain and Northern Ireland", "United Kingdom of Great Britain and Northern Ireland", "United Kingdom (UK)",
        "Großbritannien", "Grande-Bretagne", "Gran Bretaña", "Gran Bretagna", "Groot-Brittannië", "Angleterre", "Inglaterra",
        "Inghilterra", "Schottland",
    ],
    "HK": ["Hong Kong", "Hong Kong SAR", "Hongkong"], "IE": ["Eire", "Republic of Ireland", "Ireland, Republic of"],
    "IR": ["Iran"], "KP": ["North Korea", "DPRK", "Korea North"], "KR": ["South Korea", "Korea South", "ROK"],
    "LA": ["Laos"], "LY": ["Libyan Arab Jamahiriya"], "MK": [
        "Macedonia", "FYROM", "Republic of Macedonia", "Macedonia, the former Yugoslav Republic of",
    ],
    "MM": ["Burma"], "MO": ["Macau", "Macao", "Macau SAR"], "MF": ["Saint Martin (French part)"], "NL": ["Holland"],
    "NZ": ["Aotearoa"], "PF": ["Tahiti"], "PH": ["The Philippines"], "PS": ["Palestine", "State of Palestine"],
    "RU": ["Russia"], "SA": ["KSA"], "SK": ["Slovak Republic"], "SX": ["Sint Maarten (Dutch part)"], "SY": ["Syria"],
    "SZ": ["Swaziland"], "TL": ["East Timor"], "TR": ["Turkey"], "TT": ["Trinidad"], "TW": ["Taiwan", "Chinese Taipei"],
    "US": [
        "USA", "United States of America", "United States (USA)", "United States of America (USA)", "Vereinigte Staaten von Amerika",
        "États-Unis d'Amérique", "Estados Unidos de América", "Stati Uniti d'America", "EEUU", "EUA", "Verenigde Staten van Amerika",
    ],
    "VA": ["Vatican", "Vatican City", "Holy See (Vatican City State)"], "VG": ["British Virgin Islands"],
    "VI": ["US Virgin Islands"], "XK": ["Kosovo"],
}
# Two countries each, whatever a list says.
AMBIGUOUS = ["Korea", "Corea", "Corée", "Coreia", "Congo", "Kongo", "Konga", "Virgin Islands", "Guiana", "America", "Amerika"]
LETTERS = str.maketrans(
    {"ı": "i", "ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe"}
)
BETWEEN = re.compile("[\\s!-%'-/:-@\\[-`{-~\u00b7\u02bb\u02bc\u2010-\u2015\u2018\u2019\u201c\u201d\u2032\u3001\u30fb]+")


def folded(name):
    """Without marks, case, spaces and punctuation; `&` is `and`, `saint` is `st`, and `the` is nothing."""
    name = "".join(c for c in name if unicodedata.category(c) != "Cf")
    name = "".join(c for c in unicodedata.normalize("NFKD", name) if not "\u0300" <= c <= "\u036f")
    name = name.casefold().translate(LETTERS).replace("&", " and ")
    words = [word for word in BETWEEN.split(name) if word and word != "the"]
    return "".join("st" if word in ("saint", "sainte", "sankt") else word for word in words)


def turned(name):
    """`Korea, Republic of` also as `Republic of Korea`."""
    before, comma, after = name.partition(", ")
    return [name, f"{after} {before}"] if comma else [name]


def written():
    """Every name as it is written, by code, most official first."""
    lines = [line.split("\t") for line in CODES.read_text(encoding="utf-8").splitlines() if line[:1] != "#"]
    names = {code: list(own) for code, *own in lines}
    for code, own in names.items():
        own += COMMON.get(code, [])
        country = pycountry.countries.get(alpha_2=code)
        if country:
            own += [country.alpha_3, *turned(country.name)]
            own += [getattr(country, key) for key in ("common_name", "official_name") if hasattr(country, key)]
        for language in LANGUAGES:
            own += [Locale.parse(language).territories[code]] if code in Locale.parse(language).territories else []
    return names


def unambiguous(names):
    by_key = defaultdict(set)
    for code, own in names.items():
        for name in own:
            by_key[folded(name)].add(code)
    # A code of three letters is that country, whatever it means in some language.
    for country in pycountry.countries:
        if country.alpha_2 in names:
            by_key[country.alpha_3.lower()] = {country.alpha_2}
    never = {folded(name) for name in AMBIGUOUS} | {""}
    # Two letters are a code, and nothing else but `U.K.` and `U.S.`.
    kept = {key: min(codes) for key, codes in by_key.items() if len(codes) == 1 and key not in never}
    return {key: code for key, code in kept.items() if len(key) > 2 or not key.isascii() or key in ("uk", "us")}


def head(what):
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("babel", "pycountry"))
    print(f"# {what}; made by tests/python/regions.py with PyPI {versions} (CLDR, Unicode-3.0; ISO 3166)")


def main():
    names = written()
    kept = unambiguous(names)
    if sys.argv[1:] == ["names"]:
        head("ISO 3166-1 code, then names of the country, folded")
        for code, own in names.items():
            print(code, *sorted({folded(name) for name in own} & {key for key in kept if kept[key] == code}), sep="\t")
    elif sys.argv[1:] == ["expected"]:
        head("ISO 3166-1 code, then names of the country as they are written")
        for code, own in names.items():
            country = pycountry.countries.get(alpha_2=code)
            own = [name for name in dict.fromkeys(own) if kept.get(folded(name)) == code]
            local = [Locale.parse(language).territories.get(code) for language in ("de", "fr", "es", "pt", "pl", "ja")]
            wanted = {*COMMON.get(code, []), *local}
            if country:
                wanted |= {country.alpha_3, country.name, getattr(country, "common_name", None)}
            print(code, *[name for name in own if name in wanted], sep="\t")
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
