//! How a source says that numbers and booleans of a column are written (R53).

use super::finding::Page;
use super::plan::{BooleanWords, CellForms, NumberForm};
use super::source_spec::{ColumnSpec, NumberSpec, TypeName};
use super::spec::At;
use super::value;

/// Reads `number`, `yes` and `no` of a column; what is wrong with them has a finding.
pub(super) fn of_column(page: Page, spec: &ColumnSpec) -> CellForms {
    let kind = spec.kind();
    if let Some(at) = spec.number.as_ref().filter(|_| !matches!(kind, TypeName::Integer | TypeName::Decimal)) {
        let help = "leave it out, or change the column's type";
        page.fault(at.span(), "unused-key", "`number` is for integers and decimals", help);
    }
    for at in [&spec.yes, &spec.no].into_iter().flatten().filter(|_| kind != TypeName::Boolean) {
        page.fault(at.span(), "unused-key", "words are for booleans", "leave them out, or change the column's type");
    }
    if let (Some(at), None) | (None, Some(at)) = (&spec.yes, &spec.no) {
        let help = "say with both `yes` and `no` what the column's words are";
        page.fault(at.span(), "boolean-words", "the words of the other answer are missing", help);
    }
    CellForms {
        numbers: spec.number.as_ref().map_or(NumberForm::default(), |at| number(page, at, kind)),
        words: spec.yes.as_ref().zip(spec.no.as_ref()).map(|(yes, no)| words(page, yes, no)),
    }
}

fn number(page: Page, spec: &NumberSpec, kind: TypeName) -> NumberForm {
    let wrong = |at: &At<String>, what: &str, help: &str| page.fault(at.span(), "number-form", what, help);
    if let Some(at) = spec.decimal.as_ref().filter(|at| !matches!(at.as_str(), "." | ",")) {
        wrong(at, "not a decimal mark", "write \".\" or \",\"");
    }
    if let Some(at) = spec.thousands.as_ref().filter(|at| !matches!(at.as_str(), "." | "," | " " | "'")) {
        wrong(at, "not a mark between thousands", "write \".\", \",\", \"'\" or \" \", which is any space");
    }
    let comma = spec.decimal.as_ref().is_some_and(|at| at.as_str() == ",");
    let thousands = spec.thousands.as_ref().and_then(|at| at.chars().next());
    if let Some(at) = spec.thousands.as_ref().filter(|_| thousands == Some(if comma { ',' } else { '.' })) {
        wrong(at, "the decimal mark stands between thousands", "choose another one of the two");
    }
    for at in spec.currency.iter().flat_map(|list| list.iter()) {
        let odd = |c: char| c.is_ascii_digit() || "+-.,'()".contains(c);
        if at.trim().is_empty() || at.trim() != at.as_str() || at.contains(odd) {
            wrong(at, "not a sign or word of a currency", "write it without digits, marks and blanks around it");
        }
    }
    if let Some(at) = spec.zeros.as_ref().filter(|_| kind == TypeName::Decimal) {
        page.fault(at.span(), "unused-key", "`zeros` is for integers", "leave it out: decimals may end in zeros");
    }
    let yes = |at: &Option<At<bool>>| at.as_ref().is_some_and(|at| **at);
    NumberForm {
        comma,
        thousands,
        currency: spec.currency.iter().flat_map(|list| list.iter()).map(|at| at.to_string()).collect(),
        exponents: yes(&spec.exponents),
        zeros: yes(&spec.zeros),
        brackets: yes(&spec.brackets),
    }
}

/// A word says one thing, and none of the usual words says the opposite of what it says elsewhere.
fn words(page: Page, yes: &At<Vec<At<String>>>, no: &At<Vec<At<String>>>) -> BooleanWords {
    let folded = |list: &At<Vec<At<String>>>| list.iter().map(|at| value::folded(at)).collect::<Vec<_>>();
    let read = BooleanWords { yes: folded(yes), no: folded(no) };
    for list in [yes, no].into_iter().filter(|list| list.is_empty()) {
        page.fault(list.span(), "boolean-words", "there is no word", "write at least one");
    }
    for (at, means, others) in
        yes.iter().map(|at| (at, "true", &read.no)).chain(no.iter().map(|at| (at, "false", &read.yes)))
    {
        let word = value::folded(at);
        let opposite = value::boolean(&word).is_some_and(|usual| usual != means);
        if word.is_empty() {
            page.fault(at.span(), "boolean-words", "blank is null, and neither yes nor no", "leave it out");
        } else if others.contains(&word) || opposite {
            let help = "a word means yes or no, and true, 1, yes, false, 0 and no mean what they say";
            page.fault(at.span(), "boolean-words", "the word usually means the opposite", help);
        }
    }
    read
}
