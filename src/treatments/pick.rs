//! `pick`: of a cell that lists several words, such as tags, those that the job names. Nothing else can leave.

use super::about::{About, FieldKeys, KeyAbout, KeyShape, Treats};
use super::apply::{Apply, Given, Row, TreatOutcome};
use crate::cell::dates::Calendars;
use crate::cell::kind::TypeName;
use crate::cell::text::{canonical, with_canonical};
use crate::error::Result;

/// The words of a list that a job names.
#[derive(Clone, Debug, PartialEq)]
pub struct Pick {
    /// As they are published, in their order.
    pub tags: Vec<String>,
    /// Stands between words, in cells and in what is published.
    pub separator: char,
}

impl Treats for Pick {
    const ABOUT: About = About {
        name: "pick",
        does: "Those words of a list in a cell that the job names.",
        keys: &[
            KeyAbout {
                name: "tags",
                shape: KeyShape::Words,
                says: "words that stay, as they are published.",
                allows: "\u{2014} ; not empty",
            },
            KeyAbout {
                name: "separator",
                shape: KeyShape::Text,
                says: "one character between words. Default `;`.",
                allows: "`;`, one character",
            },
        ],
        takes: &[TypeName::Text],
        takes_note: "; words compared after trim, NFC and case folding",
        gives: "Utf8, the words once each in the job's order; none of them: null",
        example: "tags VIP, partner: `vip;met at fair;VIP` -> `VIP`",
        counted: false,
        ..About::USUAL
    };

    fn read(keys: &mut dyn FieldKeys) -> Option<Self> {
        let (separator, tags) = (keys.character("separator", ';'), keys.words("tags"));
        let (separator, tags) = (separator?, tags?);
        Some(Pick { tags: keys.without(tags, "tags", separator)?, separator })
    }

    fn words(&self) -> String {
        format!("pick of {} words", self.tags.len())
    }

    fn ready(&self, _: &Given<'_>) -> Result<Option<Box<dyn Apply>>> {
        let canonical = self.tags.iter().map(|tag| canonical(tag).into_owned()).collect();
        Ok(Some(Box::new(Picker { pick: self.clone(), canonical })))
    }
}

struct Picker {
    pick: Pick,
    /// Per word, as cells are compared with it.
    canonical: Vec<String>,
}

impl Apply for Picker {
    fn apply(&self, value: &str, row: &mut Row<'_>, _: &mut Option<Calendars>, out: &mut Vec<u8>) -> TreatOutcome {
        let Pick { tags, separator } = &self.pick;
        let (mut there, mut left_out) = (vec![false; tags.len()], 0);
        for word in value.split(*separator) {
            let at = with_canonical(word, |word| match word.is_empty() {
                true => None,
                false => Some(self.canonical.iter().position(|tag| tag == word)),
            });
            match at {
                Some(Some(at)) => there[at] = true,
                Some(None) => left_out += 1,
                None => {}
            }
        }
        if left_out > 0 {
            *row.counts.entry("other words").or_default() += left_out;
        }
        let kept: Vec<&str> = tags.iter().zip(there).filter(|(_, there)| *there).map(|(tag, _)| tag.as_str()).collect();
        if kept.is_empty() {
            return TreatOutcome::Null;
        }
        out.extend_from_slice(kept.join(&separator.to_string()).as_bytes());
        TreatOutcome::Value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::kind::ValueType;
    use crate::treatments::tests::treated_text;

    #[test]
    fn r20_only_named_words_leave_in_the_order_of_the_job() {
        let pick = Pick { tags: vec!["VIP".into(), "Stra\u{df}e".into()], separator: ';' };
        let treated = |cell: &str| treated_text(pick.clone(), ValueType::Text, cell);
        assert_eq!(treated("STRASSE; vip ;called, ill;vip").as_deref(), Ok("VIP;Stra\u{df}e"));
        assert_eq!(treated("vip").as_deref(), Ok("VIP"));
        for none in ["called", ";;", "vip and more", "v\u{200b}i p"] {
            assert_eq!(treated(none), Err(TreatOutcome::Null), "{none}");
        }
    }
}
