//! What HTML pages are made of: texts put in their places and escaped, and bars. No script is in a page, and its policy
//! lets none in. Must not know what a page is about.

use crate::plain::shown;

/// Length of a full bar.
pub(super) const WIDTH: u64 = 480;

/// Puts each text in its place. What was put in is not looked at again.
pub(super) fn filled(page: &str, places: &[(&str, String)]) -> String {
    let mut out = String::new();
    let mut rest = page;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").unwrap_or((after, ""));
        out.push_str(before);
        out.push_str(places.iter().find(|(place, _)| *place == name).map_or("", |(_, text)| text));
        rest = after;
    }
    out + rest
}

/// A text without anything that a browser takes for markup or that turns the direction of writing.
pub(super) fn escaped(text: &str) -> String {
    let text = shown(text);
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// A table row of texts.
pub(super) fn row(cells: &[&str]) -> String {
    let cells: String = cells.iter().map(|cell| format!("<td>{}</td>", escaped(cell))).collect();
    format!("<tr>{cells}</tr>\n")
}

/// A table row of a name and a value, which may have several lines.
pub(super) fn value_row(name: &str, value: &str) -> String {
    let lines: Vec<String> = value.lines().map(escaped).collect();
    format!("<tr><td>{}</td><td>{}</td></tr>\n", escaped(name), lines.join("<br>"))
}

/// An item of a list.
pub(super) fn item(text: &str) -> String {
    format!("<li>{}</li>\n", escaped(text))
}

/// Names and what is said of them, side by side.
pub(super) fn facts(facts: &[(&str, String)]) -> String {
    let rows: String =
        facts.iter().map(|(name, said)| format!("<dt>{name}</dt><dd>{}</dd>\n", escaped(said))).collect();
    format!("<dl>\n{rows}</dl>\n")
}

/// A table with its heads, which scrolls by itself where the page is narrow.
pub(super) fn table(heads: &[&str], rows: &str) -> String {
    let heads: String = heads.iter().map(|head| format!("<th>{}</th>", escaped(head))).collect();
    format!("<div class=\"wide\"><table>\n<tr>{heads}</tr>\n{rows}</table></div>\n")
}

/// A bar as long as `part` of `whole`, with words for those who do not see it. Any part shows.
pub(super) fn bar(part: u64, whole: u64, color: &str, label: &str) -> String {
    let length = if whole == 0 { 0 } else { (u128::from(WIDTH) * u128::from(part) / u128::from(whole)) as u64 };
    let length = length.max(u64::from(part > 0));
    format!(
        "<svg width=\"{WIDTH}\" height=\"12\" viewBox=\"0 0 {WIDTH} 12\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{}\">\
         <rect width=\"{WIDTH}\" height=\"12\" fill=\"#eee\"/><rect width=\"{length}\" height=\"12\" fill=\"{color}\"/></svg>",
        escaped(label)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_put_in_is_markup_or_a_place() {
        assert_eq!(escaped("<a href=\"x\" id='y'>&"), "&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;");
        assert_eq!(escaped("a\u{202e}b\n"), "a\\u{202e}b\\n");
        assert_eq!(value_row("n", "a\r\n<b>"), "<tr><td>n</td><td>a<br>&lt;b&gt;</td></tr>\n");
        let page = filled("a {{one}} b {{two}}{{three}} c", &[("one", "{{two}}".into()), ("two", "2".into())]);
        assert_eq!(page, "a {{two}} b 2 c");
        assert_eq!(row(&["<"]), "<tr><td>&lt;</td></tr>\n");
    }

    #[test]
    fn a_bar_is_as_long_as_its_share_and_the_least_shows() {
        assert!(bar(1, 2, "red", "half").contains("width=\"240\""));
        assert!(bar(1, 1_000_000, "red", "little").contains("width=\"1\""));
        assert!(bar(0, 0, "red", "none").contains("width=\"0\""));
    }
}
