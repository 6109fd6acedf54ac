//! Listing of an S3 bucket key by key: what the trait of stores cannot address (`a//b`, `../c`, a tab) fails its whole
//! listing, and a leading slash is lost.

use super::listing::{Listing, addressable};
use super::{Object, Root};
use crate::clock::Instant;
use crate::error::{Code, Error, Result};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct KeyPage {
    #[serde(default)]
    is_truncated: bool,
    next_continuation_token: Option<String>,
    encoding_type: Option<String>,
    #[serde(default)]
    contents: Vec<Item>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Item {
    key: String,
    last_modified: String,
    #[serde(default)]
    size: u64,
    #[serde(rename = "ETag")]
    e_tag: Option<String>,
}

impl Root {
    /// Everything below `prefix` in a bucket.
    ///
    /// # Errors
    /// A storage error when the store is away, refuses, or breaks off: part of a listing is none.
    pub(super) fn keys(&self, prefix: &str) -> Result<Listing> {
        let Some(bucket) = &self.bucket else { return Ok(Listing::default()) };
        let (mut found, mut from, mut plus) = (Listing::default(), None::<String>, None);
        loop {
            let asked =
                [("list-type", Some("2")), ("encoding-type", Some("url")), ("continuation-token", from.as_deref())];
            let page: KeyPage = self.page(bucket, ("listing", ""), prefix, &asked)?;
            let encoded = page.encoding_type.as_deref() == Some("url");
            for item in page.contents {
                let key = if encoded { self.decoded(&item.key, &mut plus)? } else { Some(item.key.clone()) };
                self.key(key.ok_or_else(|| self.broken(prefix))?, &item, prefix, &mut found)?;
            }
            match (page.is_truncated, page.next_continuation_token) {
                (false, _) => return Ok(found),
                (true, next) if next.is_some() && next != from => from = next,
                _ => return Err(self.broken(prefix)),
            }
        }
    }

    fn key(&self, key: String, item: &Item, prefix: &str, found: &mut Listing) -> Result<()> {
        let above = if self.prefix.as_ref().is_empty() { String::new() } else { format!("{}/", self.prefix) };
        let path = key.strip_prefix(&above).ok_or_else(|| self.broken(prefix))?.to_string();
        // Consoles make these to show a folder that has nothing in it.
        if item.size == 0 && (path.is_empty() || path.ends_with('/')) {
            return Ok(());
        }
        if !addressable(&key) {
            found.unseen.push(self.unaddressable(path.into_bytes()));
            return Ok(());
        }
        let modified = Instant::parse(&item.last_modified).ok_or_else(|| self.broken(prefix))?;
        found.objects.push(Object { path, bytes: item.size, etag: item.e_tag.clone(), version: None, modified });
        Ok(())
    }

    /// The key that an answer has percent-encoded; none when it is no text. Some stores write a blank as `+` and a plus
    /// as `%2B`, others a plus as it is: `plus` remembers which, once an answer has shown it.
    fn decoded(&self, text: &str, plus: &mut Option<bool>) -> Result<Option<String>> {
        if plus.is_none() && text.contains("%2B") {
            *plus = Some(false);
        } else if plus.is_none() && text.contains("%20") {
            *plus = Some(true);
        } else if plus.is_none() && text.contains('+') {
            let as_it_is = decode(text, true).filter(|key| addressable(key));
            let path = as_it_is.as_deref().and_then(|key| key.strip_prefix(self.prefix.as_ref()));
            let there = path.map(|path| self.head(path.trim_start_matches('/'))).transpose()?.flatten();
            *plus = Some(there.is_some());
        }
        Ok(decode(text, plus.unwrap_or(true)))
    }

    pub(super) fn broken(&self, prefix: &str) -> Error {
        Error::new(
            Code::StoreAway,
            format!("listing {}: the store broke off, or gave an answer that makes no sense", self.display(prefix)),
        )
        .help("nothing is concluded from a part of a listing; run again")
    }
}

fn decode(text: &str, plus: bool) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                out.push(u8::try_from(digit()? * 16 + digit()?).ok()?);
            }
            b'+' if !plus => out.push(b' '),
            byte => out.push(byte),
        }
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_decoded_in_both_spellings() {
        assert_eq!(decode("a+b%2Bc%09%C3%BC", false).as_deref(), Some("a b+c\tü"));
        assert_eq!(decode("a+b%20c", true).as_deref(), Some("a+b c"));
        assert_eq!(decode("a%f", true), None);
        assert_eq!(decode("a%ff", true), None);
    }
}
