//! Countries as CRMs write them (R8): ISO 3166 codes and names of CLDR and ISO, in many languages, compared folded.
//! What two countries share is no region: nothing is guessed.

use crate::cell::text::{canonical, trim, with_canonical};
use crate::invisible::seen;
use icu_casemap::CaseMapper;
use icu_normalizer::DecomposingNormalizer;
use rlibphonenumber::Region;
use std::collections::HashMap;
use std::sync::LazyLock;

/// The region that a text names; none if it names none, or none for sure.
pub fn region(text: &str) -> Option<Region> {
    region_before(text).or_else(|| NAMES.get(folded(text).as_str()).copied())
}

/// The region of an ISO 3166 code or an English name of CLDR, in any case: all that was a region at first. Numbers of
/// other countries were hashed as raw forms then, and stored requests may name these.
pub fn region_before(text: &str) -> Option<Region> {
    let text = trim(text);
    if let [a @ (b'A'..=b'Z' | b'a'..=b'z'), b @ (b'A'..=b'Z' | b'a'..=b'z')] = text.as_bytes() {
        let code = [a.to_ascii_uppercase(), b.to_ascii_uppercase()];
        if let Some(region) = std::str::from_utf8(&code).ok().and_then(|code| ENGLISH.codes.get(code)) {
            return Some(*region);
        }
    }
    with_canonical(text, |name| ENGLISH.names.get(name).copied())
}

/// Folded names, made by `tests/python/regions.py`.
static NAMES: LazyLock<HashMap<&'static str, Region>> = LazyLock::new(|| {
    let lines = include_str!("region_names.tsv").lines().filter(|line| !line.starts_with('#'));
    let named = lines.filter_map(|line| {
        let (code, names) = line.split_once('\t')?;
        let region = Region::from_code(code).ok()?;
        Some(names.split('\t').map(move |name| (name, region)))
    });
    named.flatten().collect()
});

static ENGLISH: LazyLock<English> = LazyLock::new(English::load);

struct English {
    codes: HashMap<&'static str, Region>,
    names: HashMap<String, Region>,
}

impl English {
    fn load() -> English {
        let (mut codes, mut names) = (HashMap::new(), HashMap::new());
        for line in include_str!("regions.tsv").lines().filter(|line| !line.starts_with('#')) {
            let mut cells = line.split('\t');
            let Some((code, region)) = cells.next().and_then(|c| Some((c, Region::from_code(c).ok()?))) else {
                continue;
            };
            codes.insert(code, region);
            names.extend(cells.map(|name| (canonical(name).into_owned(), region)));
        }
        English { codes, names }
    }
}

/// A name without marks, case, spaces and punctuation; `&` is `and`, `saint` is `st`, and `the` is nothing.
fn folded(name: &str) -> String {
    let decomposed = DecomposingNormalizer::new_nfkd();
    let marked = |c: &char| ('\u{300}'..='\u{36f}').contains(c);
    let bare: String = decomposed.normalize(&seen(name)).chars().filter(|c| !marked(c)).collect();
    let mut plain = String::with_capacity(bare.len());
    CaseMapper::new().fold_string(&bare).chars().for_each(|c| push_plain(c, &mut plain));
    let word = |word| match word {
        "the" => "",
        "saint" | "sainte" | "sankt" => "st",
        other => other,
    };
    plain.split(is_between).map(word).collect()
}

/// Letters that no decomposition takes apart.
fn push_plain(c: char, out: &mut String) {
    match c {
        '\u{131}' => out.push('i'),
        '\u{142}' => out.push('l'),
        '\u{f8}' => out.push('o'),
        '\u{111}' | '\u{f0}' => out.push('d'),
        '\u{fe}' => out.push_str("th"),
        '\u{e6}' => out.push_str("ae"),
        '\u{153}' => out.push_str("oe"),
        '&' => out.push_str(" and "),
        c => out.push(c),
    }
}

/// White space and punctuation, straight and curly apostrophes among it.
fn is_between(c: char) -> bool {
    let marks = "\u{b7}\u{2bb}\u{2bc}\u{2018}\u{2019}\u{201c}\u{201d}\u{2032}\u{3001}\u{30fb}";
    c.is_whitespace() || c.is_ascii_punctuation() || ('\u{2010}'..='\u{2015}').contains(&c) || marks.contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r8_regions_are_iso_codes_or_english_names() {
        assert_eq!(region(" de "), region("GERMANY"));
        assert_eq!(region("United Kingdom"), region("GB"));
        assert_eq!(region("åland islands"), region("AX"));
        assert_eq!((region("Atlantis"), region("ZZ"), region("")), (None, None, None));
        assert!(region_before("DE").is_some() && region_before("Deutschland").is_none());
    }

    #[test]
    fn r8_names_are_known_in_every_usual_spelling() {
        for (code, names) in [
            ("US", &["USA", "U.S.A.", "usa", "United States of America", "Vereinigte Staaten", "\u{200b}USA"][..]),
            ("KR", &["Korea, Republic of", "Republic of Korea", "KOR", "South Korea", "대한민국"]),
            ("GB", &["UK", "U.K.", "England", "Great Britain", "GBR", "Vereinigtes Königreich"]),
            ("CI", &["Côte d'Ivoire", "Côte d’Ivoire", "COTE D`IVOIRE", "Ivory Coast"]),
            ("LC", &["Saint Lucia", "St. Lucia", "St Lucia", "Sainte-Lucie"]),
            ("BA", &["Bosnia and Herzegovina", "Bosnia & Herzegovina", "BIH"]),
            ("AT", &["Österreich", "O\u{308}sterreich", "AUT"]),
            ("VN", &["Viet Nam", "Vietnam"]),
            ("RU", &["Russian Federation", "Россия", "RUS"]),
            ("CD", &["Congo, The Democratic Republic of the", "DR Congo"]),
        ] {
            for name in names {
                assert_eq!(region(name).map(Some), Some(Region::from_code(code).ok()), "{name}");
            }
        }
    }

    #[test]
    fn r8_names_of_two_countries_are_no_region() {
        for name in ["Korea", "Congo", "Kongo", "Virgin Islands", "America", "-", "n/a"] {
            assert_eq!(region(name), None, "{name}");
        }
    }

    #[test]
    fn r8_every_country_is_known_by_the_names_of_iso_and_cldr() {
        let (mut names, mut wrong) = (0, Vec::new());
        let lines = include_str!("../../tests/python/regions.tsv").lines();
        for cells in lines.filter(|line| !line.starts_with('#')).map(|line| line.split('\t').collect::<Vec<_>>()) {
            let wanted = Region::from_code(cells[0]).ok();
            for name in &cells[1..] {
                names += 1;
                wrong.extend((region(name) != wanted || wanted.is_none()).then_some(*name));
            }
        }
        assert_eq!((names > 1_500, wrong), (true, vec![]));
        let odd: Vec<_> = NAMES.keys().filter(|name| folded(name) != ***name).collect();
        assert!(odd.is_empty(), "the file is folded as names are: {odd:?}");
    }
}
