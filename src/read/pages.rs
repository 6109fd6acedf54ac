//! R73: what pages of an API say of further pages, in the words of the usual senders. A set of pages of which none is
//! the last one lacks records, whatever their number.

use crate::error::{Code, Error, Result};
use serde_json::Value;

/// What the pages of one file say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PagesSaid {
    /// Pages after which another one comes.
    pub followed: u64,
    /// Pages that are the last, or say nothing.
    pub last: u64,
    /// How many records all pages have together, where they say so.
    pub total: Option<u64>,
}

/// What one page says while it is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PageSaid {
    more: bool,
    total: Option<u64>,
}

impl PageSaid {
    /// Whether the value of a key is worth being read.
    pub fn asks(key: &str) -> bool {
        const KEYS: [&str; 12] = [
            "done",
            "nextRecordsUrl",
            "totalSize",
            "next_page",
            "end_of_stream",
            "has_more",
            "meta",
            "paging",
            "info",
            "additional_data",
            "@odata.nextLink",
            "odata.nextLink",
        ];
        KEYS.contains(&key)
    }

    /// Takes the value of a key around the records, as written.
    pub fn take(&mut self, key: &str, value: &str) {
        let Ok(value) = serde_json::from_str::<Value>(value) else { return };
        let inside = |path: &[&str]| path.iter().try_fold(&value, |value, key| value.get(key));
        let link = |path: &[&str]| inside(path).is_some_and(|link| !matches!(link, Value::Null | Value::Bool(false)));
        let is = |path: &[&str], said: bool| inside(path) == Some(&Value::Bool(said));
        self.more |= match key {
            // Salesforce.
            "done" => is(&[], false),
            "nextRecordsUrl" => link(&[]),
            // Zendesk, by pages, by time and by cursor.
            "next_page" => link(&[]),
            "end_of_stream" => is(&[], false),
            "has_more" => is(&[], true),
            "meta" => is(&["has_more"], true),
            // HubSpot.
            "paging" => link(&["next"]),
            // Zoho.
            "info" => is(&["more_records"], true),
            // Pipedrive.
            "additional_data" => is(&["pagination", "more_items_in_collection"], true) || link(&["next_cursor"]),
            // Dataverse.
            "@odata.nextLink" | "odata.nextLink" => link(&[]),
            _ => false,
        };
        if key == "totalSize" {
            self.total = value.as_u64();
        }
    }
}

impl PagesSaid {
    /// Adds a page that is over.
    pub fn add(&mut self, page: PageSaid) {
        self.followed += u64::from(page.more);
        self.last += u64::from(!page.more);
        self.total = self.total.max(page.total);
    }
}

/// Refuses files whose pages say that another one comes, where none is the last, or that there are other than the `records`
/// read. Of each file its place is given.
///
/// # Errors
/// An input error that names the last of the files.
pub(super) fn check<'a>(files: impl Iterator<Item = (&'a str, PagesSaid)>, records: u64) -> Result<()> {
    let (mut all, mut last) = (PagesSaid::default(), None);
    for (place, said) in files {
        all = PagesSaid {
            followed: all.followed + said.followed,
            last: all.last + said.last,
            total: all.total.max(said.total),
        };
        last = Some(place);
    }
    let Some(place) = last else { return Ok(()) };
    if all.followed > 0 && all.last == 0 {
        let pages = if all.followed == 1 { "1 page".to_owned() } else { format!("{} pages", all.followed) };
        let what = format!("{place}: {pages}, and each says that another one follows");
        return Err(Error::new(Code::ExportNotWhole, what).help(
            "fetch the pages that follow, up to the one that names no next page, and put them beside these (R73)",
        ));
    }
    // A total that one page in two says may be that of a part.
    if let Some(total) = all.total.filter(|total| all.followed > 0 && all.last == 1 && *total != records) {
        let what = format!("{place}: its pages say that there are {total} records, and {records} were read");
        return Err(Error::new(Code::ExportCountDiffers, what).help("fetch all pages again: some may be missing (R73)"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn more(key: &str, value: &str) -> bool {
        let mut page = PageSaid::default();
        assert!(PageSaid::asks(key), "{key}");
        page.take(key, value);
        page.more
    }

    #[test]
    fn r73_each_sender_says_in_its_own_words_that_more_follows() {
        for (key, value) in [
            ("done", "false"),
            ("nextRecordsUrl", "\"/services/data/v66.0/query/01g-500\""),
            ("next_page", "\"https://acme.example/users.json?page=2\""),
            ("end_of_stream", "false"),
            ("meta", "{\"has_more\": true, \"after_cursor\": \"x\"}"),
            ("paging", "{\"next\": {\"after\": \"100\"}}"),
            ("info", "{\"more_records\": true, \"page\": 1}"),
            ("additional_data", "{\"pagination\": {\"more_items_in_collection\": true}}"),
            ("additional_data", "{\"next_cursor\": \"abc\"}"),
            ("@odata.nextLink", "\"https://acme.example/contacts?$skiptoken=1\""),
        ] {
            assert!(more(key, value), "{key} {value}");
        }
        for (key, value) in [
            ("done", "true"),
            ("nextRecordsUrl", "null"),
            ("next_page", "null"),
            ("end_of_stream", "true"),
            ("meta", "{\"has_more\": false}"),
            ("paging", "{}"),
            ("paging", "null"),
            ("info", "{\"more_records\": false}"),
            ("additional_data", "{\"pagination\": {\"more_items_in_collection\": false}}"),
            ("additional_data", "{\"next_cursor\": null}"),
            ("totalSize", "12"),
        ] {
            assert!(!more(key, value), "{key} {value}");
        }
        assert!(!PageSaid::asks("results"));
    }
}
