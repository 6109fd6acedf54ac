//! Shares: parts of a whole, as specs and evidence write them.

/// A share such as `"2%"`, in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Share(pub u32);

impl Share {
    /// Reads a percentage from 0% to 100% with at most four decimals, such as `2%` or `0.1%`; none for any other text.
    pub fn read(text: &str) -> Option<Share> {
        let number = text.strip_suffix('%')?;
        let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
        let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(part) || whole.len() > 3 || part.len() > 4 {
            return None;
        }
        let share = whole.parse::<u32>().ok()? * 10_000 + format!("{part:0<4}").parse::<u32>().ok()?;
        (share <= 1_000_000).then_some(Share(share))
    }

    /// Whether `part` of `whole` exceeds the share (R37: a limit trips when exceeded).
    pub fn exceeded(self, part: u64, whole: u64) -> bool {
        u128::from(part) * 1_000_000 > u128::from(whole) * u128::from(self.0)
    }
}

impl std::fmt::Display for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}%", f64::from(self.0) / 10_000.0)
    }
}

impl From<Share> for String {
    fn from(share: Share) -> String {
        share.to_string()
    }
}

impl TryFrom<String> for Share {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Share, &'static str> {
        Share::read(&text).ok_or("not a share")
    }
}

impl schemars::JsonSchema for Share {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Share".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        String::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_millionths_and_end_at_all() {
        let read = |text| Share::read(text).map(|share| share.0);
        assert_eq!(read("2%"), Some(20_000));
        assert_eq!(read("0.1%"), Some(1_000));
        assert_eq!(read("0.0001%"), Some(1));
        assert_eq!(read("100%"), Some(1_000_000));
        for bad in ["", "%", "2", "-1%", "100.1%", "101%", "1.%", ".5%", "0.00001%", "1e1%", "+1%"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
