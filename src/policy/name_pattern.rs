//! Patterns over names of columns, and what covers a column that a source does not list by its name: a pattern line, a
//! word that it is of no interest, or one that it must not be declared.

use super::spec::Category;
use super::value::{folded, trimmed};

/// A name in which `*` stands for any characters; `\*` is a star of the name itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamePattern {
    text: String,
    /// What stands between the stars: one part more than there are stars.
    parts: Vec<String>,
}

impl NamePattern {
    /// Reads a name or pattern as a spec has it.
    pub fn read(text: &str) -> NamePattern {
        let (mut parts, text) = (vec![String::new()], trimmed(text));
        let mut letters = text.chars().peekable();
        while let Some(letter) = letters.next() {
            let end = parts.len() - 1;
            match letter {
                '*' => parts.push(String::new()),
                '\\' => parts[end].push(letters.next_if_eq(&'*').unwrap_or('\\')),
                other => parts[end].push(other),
            }
        }
        NamePattern { text, parts }
    }

    /// Reads one that is compared after case folding.
    fn read_folded(text: &str) -> NamePattern {
        NamePattern::read(&folded(text))
    }

    /// Returns the name when it is one and no pattern.
    pub fn exact(&self) -> Option<&str> {
        match &self.parts[..] {
            [name] => Some(name),
            _ => None,
        }
    }

    /// Returns it as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns how many letters of a name it says; one with more is the more specific.
    pub fn letters(&self) -> usize {
        self.parts.iter().map(|part| part.chars().count()).sum()
    }

    /// Returns whether a name, trimmed and NFC, matches.
    pub fn matches(&self, name: &str) -> bool {
        let (first, rest) = (&self.parts[0], &self.parts[1..]);
        let Some((last, middle)) = rest.split_last() else { return name == first };
        let Some(mut left) = name.strip_prefix(first.as_str()) else { return false };
        for part in middle {
            let Some(at) = left.find(part.as_str()) else { return false };
            left = &left[at + part.len()..];
        }
        left.ends_with(last.as_str())
    }
}

/// A pattern line of `[columns]`, as far as a report names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternLine {
    /// Which names it covers.
    pub pattern: NamePattern,
    /// Category of the columns that the pattern meets.
    pub category: Category,
    /// Purposes that columns of it may serve.
    pub purposes: Vec<String>,
}

/// What a source says of columns that it does not list by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnCover {
    /// Pattern lines, the most specific first.
    lines: Vec<PatternLine>,
    ignore: Vec<NamePattern>,
    /// Names that no column may have, after case folding.
    deny: Vec<NamePattern>,
}

/// What covers a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CoveredBy<'a> {
    /// It must not be declared.
    Deny,
    /// It is of no interest.
    Ignore,
    /// A pattern line, the most specific that matches.
    Line(&'a PatternLine),
}

impl ColumnCover {
    /// Returns the rules that patterns and `deny` give together.
    pub fn new<'a>(
        mut lines: Vec<PatternLine>,
        ignore: impl Iterator<Item = &'a str>,
        deny: impl Iterator<Item = &'a str>,
    ) -> ColumnCover {
        let order = |line: &PatternLine| (std::cmp::Reverse(line.pattern.letters()), line.pattern.text.clone());
        lines.sort_by_key(order);
        ColumnCover {
            lines,
            ignore: ignore.map(NamePattern::read).collect(),
            deny: deny.map(NamePattern::read_folded).collect(),
        }
    }

    /// Returns what covers a column, trimmed and NFC, that no line names; none when nothing does.
    pub fn of(&self, name: &str) -> Option<CoveredBy<'_>> {
        if self.denies(name) {
            return Some(CoveredBy::Deny);
        }
        if self.ignore.iter().any(|pattern| pattern.matches(name)) {
            return Some(CoveredBy::Ignore);
        }
        self.lines.iter().find(|line| line.pattern.matches(name)).map(CoveredBy::Line)
    }

    /// Returns how the names begin that lines cover or that are of no interest, up to their first star.
    pub fn beginnings(&self) -> Vec<String> {
        let lines = self.lines.iter().map(|line| &line.pattern);
        lines.chain(&self.ignore).map(|pattern| pattern.parts[0].clone()).collect()
    }

    /// Returns whether a name must not be declared, whatever its case.
    pub fn denies(&self, name: &str) -> bool {
        let name = folded(name);
        self.deny.iter().any(|pattern| pattern.matches(&name))
    }

    /// Returns whether a name is of no interest by itself, and not by a pattern.
    pub fn ignores_by_name(&self, name: &str) -> bool {
        self.ignore.iter().any(|pattern| pattern.exact() == Some(name))
    }

    /// Returns the other pattern line that is as specific for a name as the one that covers it.
    pub fn rival(&self, name: &str) -> Option<(&PatternLine, &PatternLine)> {
        let mut matching = self.lines.iter().filter(|line| line.pattern.matches(name));
        let (first, second) = (matching.next()?, matching.next()?);
        (first.pattern.letters() == second.pattern.letters()).then_some((first, second))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters_and_can_be_written_as_itself() {
        let matches = |pattern: &str, name: &str| NamePattern::read(pattern).matches(name);
        for (pattern, name) in [("*_c", "a_c"), ("hs_*", "hs_"), ("*a*b*", "xaybz"), ("a*a", "aa"), ("é*", "e\u{301}x")]
        {
            assert!(matches(pattern, &trimmed(name)), "{pattern} {name}");
        }
        for (pattern, name) in [("*_c", "a_C"), ("a*a", "a"), ("*a*b*", "ba"), ("Name", "Name "), ("ab*bc", "abc")] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
        assert_eq!(NamePattern::read(r"Name \*").exact(), Some("Name *"));
        assert_eq!(NamePattern::read(r"a\b").exact(), Some(r"a\b"));
        assert_eq!(NamePattern::read("*_c").letters(), 2);
    }

    #[test]
    fn the_most_specific_line_covers_a_column_and_deny_and_ignore_come_first() {
        let line = |text| PatternLine {
            pattern: NamePattern::read(text),
            category: Category::Technical,
            purposes: Vec::new(),
        };
        let deny = ["*PASS*"];
        let cover = ColumnCover::new(
            vec![line("hs_*"), line("hs_email_*"), line("*_date")],
            ["hs_legacy_*", "Old"].into_iter(),
            deny.into_iter(),
        );
        let by = |name| match cover.of(name) {
            Some(CoveredBy::Line(line)) => line.pattern.as_str().to_owned(),
            other => format!("{other:?}"),
        };
        assert_eq!(by("hs_email_open"), "hs_email_*");
        assert_eq!(by("hs_open"), "hs_*");
        assert_eq!(by("hs_legacy_email_x"), "Some(Ignore)");
        assert_eq!(by("hs_email_Passcode"), "Some(Deny)");
        assert_eq!(by("Name"), "None");
        assert!(cover.rival("hs_open").is_none() && cover.rival("hs_email_date").is_none());
        let even = ColumnCover::new(vec![line("ab*"), line("*cd")], [].into_iter(), [].into_iter());
        assert_eq!(
            even.rival("abcd").map(|(one, other)| (one.pattern.as_str(), other.pattern.as_str())),
            Some(("*cd", "ab*"))
        );
    }
}
