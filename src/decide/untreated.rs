//! R37, R21: values that could not be treated or have no normal form, and tokens of columns with too few values to hide anything.
//! Plain numbers in. Must not know values or treatments.

use super::brake::over;
use crate::error::{Code, Error, Result};
use crate::policy::{MaxUntreated, Share};

/// What was counted of one published field.
#[derive(Clone, Debug)]
pub struct Untreated<'a> {
    /// The field's name.
    pub field: &'a str,
    /// Values that became null because they could not be treated.
    pub untreated: u64,
    /// Where the first of them is: object and record.
    pub first: Option<String>,
    /// Non-null values read.
    pub values: u64,
    /// The field's limit.
    pub limit: MaxUntreated,
}

/// R37: refuses when a field exceeds `max_untreated`, by default the larger of 0.1 % and 10.
///
/// # Errors
/// A gate error that names every such field with its numbers.
pub fn check_untreated(fields: &[Untreated<'_>]) -> Result<()> {
    let found: Vec<String> = fields.iter().filter(|f| untreated_exceeds(f)).map(told).collect();
    if found.is_empty() {
        return Ok(());
    }
    Err(Error::new(Code::TooManyUntreated, found.join("; "))
        .help("look at these columns in the export; then correct the source's types or formats, or raise the field's max_untreated"))
}

const DEFAULT: Share = Share(1_000);
const ALWAYS: u64 = 10;

fn untreated_exceeds(field: &Untreated<'_>) -> bool {
    match field.limit {
        MaxUntreated::Default => field.untreated > ALWAYS && DEFAULT.exceeded(field.untreated, field.values),
        MaxUntreated::Share(share) => share.exceeded(field.untreated, field.values),
    }
}

fn told(field: &Untreated<'_>) -> String {
    let share = match field.limit {
        MaxUntreated::Default => DEFAULT,
        MaxUntreated::Share(share) => share,
    };
    let what = format!("of field {} could not be treated", field.field);
    let text = over("max_untreated", &what, field.untreated, field.values, "non-null values", share);
    let text = match field.limit {
        MaxUntreated::Default => format!("{text}, and more than {ALWAYS}"),
        MaxUntreated::Share(_) => text,
    };
    field.first.as_ref().map_or(text.clone(), |first| format!("{text}; the first is {first}"))
}

/// What was counted of one column of identifiers that has a limit.
#[derive(Clone, Debug)]
pub struct RawValues {
    /// Source and column.
    pub column: String,
    /// Values read.
    pub values: u64,
    /// Of these, values without a normal form.
    pub raw: u64,
    /// Why they have none, in words.
    pub why: String,
    /// Where the first of them is: object and record.
    pub first: Option<String>,
    /// The column's limit.
    pub limit: Share,
}

/// R37: refuses when a column exceeds its `max_raw`.
///
/// # Errors
/// A gate error that names every such column with its numbers.
pub fn check_raw(columns: &[RawValues]) -> Result<()> {
    let told = |column: &RawValues| {
        let what = format!("of column {} have no normal form ({})", column.column, column.why);
        let text = over("max_raw", &what, column.raw, column.values, "values", column.limit);
        column.first.as_ref().map_or(text.clone(), |first| format!("{text}; the first is {first}"))
    };
    let found: Vec<String> = columns.iter().filter(|c| c.limit.exceeded(c.raw, c.values)).map(told).collect();
    if found.is_empty() {
        return Ok(());
    }
    Err(Error::new(Code::TooManyRaw, found.join("; ")).help(
        "no request can reach these rows but by the same spelling: have the column exported as it is, \
         or raise its max_raw in the source",
    ))
}

/// What was counted of one pseudonymized column.
#[derive(Clone, Debug)]
pub struct Distinct<'a> {
    /// The field's name.
    pub field: &'a str,
    /// Whether the source declares an identifier for the column.
    pub identified: bool,
    /// Distinct non-null values; counting may stop at 20.
    pub distinct: u64,
    /// Rows read.
    pub rows: u64,
}

/// R21: refuses to pseudonymize a column without identifier that has 1 to 19 distinct values in 1,000 or more rows.
///
/// # Errors
/// A gate error that names every such field.
pub fn check_distinct(fields: &[Distinct<'_>]) -> Result<()> {
    let few = |f: &&Distinct<'_>| !f.identified && (1..20).contains(&f.distinct) && f.rows >= 1_000;
    let found: Vec<String> = fields
        .iter()
        .filter(few)
        .map(|f| format!("field {} pseudonymizes a column with only {} distinct values", f.field, f.distinct))
        .collect();
    if found.is_empty() {
        return Ok(());
    }
    Err(Error::new(Code::TooFewValues, found.join("; "))
        .help("a token of so few values hides nothing: publish it by map or bucket, or not at all"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(untreated: u64, values: u64, limit: MaxUntreated) -> bool {
        check_untreated(&[Untreated { field: "city", untreated, first: None, values, limit }]).is_err()
    }

    #[test]
    fn r37_the_default_is_the_larger_of_a_thousandth_and_ten() {
        assert!(!refused(10, 10, MaxUntreated::Default));
        assert!(refused(11, 100, MaxUntreated::Default));
        assert!(!refused(100, 100_000, MaxUntreated::Default));
        assert!(refused(101, 100_000, MaxUntreated::Default));
    }

    #[test]
    fn r37_a_share_of_its_own_is_exact() {
        let none = MaxUntreated::Share(Share(0));
        assert!(!refused(0, 0, none));
        assert!(refused(1, 1_000_000, none));
        let half = MaxUntreated::Share(Share(500_000));
        assert!(!refused(5, 10, half));
        assert!(refused(6, 10, half));
    }

    #[test]
    fn r37_the_message_names_field_and_numbers() {
        let first = Some("raw:x.csv, record 7".to_owned());
        let field = Untreated { field: "birth_year", untreated: 50, first, values: 100, limit: MaxUntreated::Default };
        let error = check_untreated(&[field]).expect_err("refused");
        assert_eq!(error.code(), Code::TooManyUntreated);
        assert_eq!(
            error.message(),
            "max_untreated: 50 of 100 non-null values of field birth_year could not be treated (50.00 %, limit 0.1 %), and more than 10; the first is raw:x.csv, record 7"
        );
    }

    #[test]
    fn r37_raw_values_beyond_their_limit_are_refused_with_their_numbers() {
        let column = |raw, values| RawValues {
            column: "contact.Email".into(),
            values,
            raw,
            why: "no @".into(),
            first: Some("raw:x.csv, record 7".into()),
            limit: Share(10_000),
        };
        assert!(check_raw(&[column(1, 100), column(0, 0)]).is_ok());
        let error = check_raw(&[column(2, 100)]).expect_err("refused");
        assert_eq!(error.code(), Code::TooManyRaw);
        assert_eq!(
            error.message(),
            "max_raw: 2 of 100 values of column contact.Email have no normal form (no @) (2.00 %, limit 1 %); the first is raw:x.csv, record 7"
        );
    }

    #[test]
    fn r21_few_distinct_values_are_refused() {
        let refused = |identified, distinct, rows| {
            let found = check_distinct(&[Distinct { field: "sex", identified, distinct, rows }]);
            found.is_err_and(|error| error.code() == Code::TooFewValues)
        };
        assert!(refused(false, 1, 1_000));
        assert!(refused(false, 19, 5_000));
        assert!(!refused(false, 20, 5_000));
        assert!(!refused(false, 0, 5_000));
        assert!(!refused(false, 2, 999));
        assert!(!refused(true, 2, 5_000));
    }
}
