//! Identities and tokens (R2 to R4): of one value for lists, of a whole column for rows.

use super::normal::{Formed, normalise, normalise_before};
use super::phone;
use super::region;
use super::simd::{hash_column, hash_identities};
use crate::cell::text::canonical;
use crate::cell::why::WhyRaw;

use crate::invisible;
use crate::key::{Key, Keyring};
use crate::policy::{Identifier, Normal, PhoneRegion, Several};
use crate::read::RawBatch;

/// Makes identities of one kind.
pub struct IdentityMaker {
    rule: Normal,
    /// Derived for `<kind>`, for normal forms.
    normal: Key,
    /// Derived for `<kind>?raw`, for raw forms (R4).
    raw: Key,
    /// Of numbers without `+`, when it is the same for all.
    region: Option<phone::Region>,
    /// Columns of which a value is put together, and how many values that takes (R51).
    parts: (Vec<usize>, usize),
    /// Of cells of several values, which one.
    one_of: Option<(Several, usize)>,
}

impl IdentityMaker {
    /// With the keys of the identifier's kind.
    pub fn new(keys: &Keyring, identifier: &Identifier) -> IdentityMaker {
        let region = match &identifier.normal {
            Normal::Phone(PhoneRegion::Fixed(code)) => region::region(code),
            _ => None,
        };
        IdentityMaker {
            rule: identifier.normal.clone(),
            normal: keys.identity_key(&identifier.kind),
            raw: keys.identity_key(&format!("{}?raw", identifier.kind)),
            region,
            parts: (Vec::new(), identifier.parts),
            one_of: None,
        }
    }

    /// For value number `at`, from 0, of cells with several.
    pub fn of_several(self, several: &Several, at: usize) -> IdentityMaker {
        IdentityMaker { one_of: Some((several.clone(), at)), ..self }
    }

    /// For values that are put together of these columns.
    pub fn of_columns(self, columns: &[usize]) -> IdentityMaker {
        IdentityMaker { parts: (columns.to_vec(), self.parts.1), ..self }
    }

    /// The identity of one value, given in its parts, mostly one, and whether it is that of a raw form; none when a part
    /// is blank. `region` is an ISO code or a country name and stands in for a fixed region.
    pub fn make(&self, parts: &[&str], region: Option<&str>) -> Option<(bool, [u8; 32])> {
        if parts.len() != self.parts.1 || parts.iter().any(|part| invisible::is_blank(part)) {
            return None;
        }
        let region = region.and_then(region::region).or(self.region);
        let mut normal = zeroize::Zeroizing::new(Vec::with_capacity(64));
        let mut raw = zeroize::Zeroizing::new(Vec::new());
        let is_raw = self.form(parts, region, &mut normal, &mut raw).why.is_some();
        let (key, form) = if is_raw { (&self.raw, &raw) } else { (&self.normal, &normal) };
        Some((is_raw, *blake3::keyed_hash(key.expose(), form).as_bytes()))
    }

    /// Appends the normal form of a value, or to `raw` its raw form when it has none. Parts of one have their lengths
    /// before them, so that no two values have the same form (R51).
    fn form(&self, parts: &[&str], region: Option<phone::Region>, normal: &mut Vec<u8>, raw: &mut Vec<u8>) -> Formed {
        let start = normal.len();
        let mut all = Formed { why: None, unseen: false, renewed: false };
        for part in parts {
            let formed = match parts.len() {
                1 => normalise(&self.rule, part, region, normal),
                _ => with_length(normal, |normal| normalise(&self.rule, part, region, normal)),
            };
            all.why = all.why.or(formed.why);
            all.unseen |= formed.unseen;
            all.renewed |= formed.renewed;
        }
        if all.why.is_some() {
            normal.truncate(start);
            for part in parts {
                let form = canonical(part);
                match parts.len() {
                    1 => raw.extend_from_slice(form.as_bytes()),
                    _ => with_length(raw, |raw| raw.extend_from_slice(form.as_bytes())),
                }
            }
        }
        all
    }

    /// The identity that a value had by the rules before: see `normalise_before`.
    fn before(&self, value: &str, region: Option<phone::Region>) -> [u8; 32] {
        let mut bytes = zeroize::Zeroizing::new(Vec::new());
        let key = if normalise_before(&self.rule, value, region, &mut bytes) { &self.normal } else { &self.raw };
        *blake3::keyed_hash(key.expose(), &bytes).as_bytes()
    }

    /// The column that says the region of each number.
    fn region_column(&self) -> Option<usize> {
        match self.rule {
            Normal::Phone(PhoneRegion::Column(column)) => Some(column),
            _ => None,
        }
    }
}

/// Appends something with its length in bytes before it.
fn with_length<T>(bytes: &mut Vec<u8>, append: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    let at = bytes.len();
    bytes.extend([0; 4]);
    let appended = append(bytes);
    let length = u32::try_from(bytes.len() - at - 4).unwrap_or(u32::MAX);
    bytes[at..at + 4].copy_from_slice(&length.to_le_bytes());
    appended
}

/// Value number `at`, from 0, of a cell with several; blank ones do not count.
fn value_of<'a>(cell: &'a str, several: &Several, at: usize) -> Option<&'a str> {
    let inner = |part: &'a str| several.inside.and_then(|marks| between(part, marks));
    let cut =
        |value: &'a str| several.until.and_then(|until| value.split_once(until)).map_or(value, |(value, _)| value);
    let whole = |value: &'a str| cut(inner(value).unwrap_or(value));
    cell.split(several.separator).map(|value| whole(value).trim()).filter(|value| !invisible::is_blank(value)).nth(at)
}

/// What stands between the marks of a part (R65); none where that is nothing, or where an address outside of them may be
/// what was meant.
fn between(part: &str, (open, close): (char, char)) -> Option<&str> {
    let (before, rest) = part.rsplit_once(open)?;
    let (value, after) = rest.split_once(close)?;
    let other = |word: &str| {
        let word = word.trim_matches(|sign: char| sign.is_ascii_punctuation());
        word.contains('@') && !word.eq_ignore_ascii_case(value.trim())
    };
    let others = before.split_whitespace().chain(after.split_whitespace()).any(other);
    (!others && !invisible::is_blank(value.trim())).then_some(value)
}

/// Counts of a column's values in one batch; those of rows that are not kept count too.
#[derive(Default)]
pub struct BatchCounts {
    /// Values of the column that are not null.
    pub values: u64,
    /// Raw forms, by the number of `WhyRaw`.
    pub why: [u64; WhyRaw::COUNT],
    /// Record of the first raw form.
    pub first_raw: Option<u32>,
    /// Values with characters that nobody sees.
    pub unseen: u64,
    /// Values of which a part is missing: they are none.
    pub partial: u64,
    /// Record of the first of them.
    pub first_partial: Option<u32>,
}

impl BatchCounts {
    /// Counts what came of a value.
    fn form(&mut self, formed: &Formed, record: u32) {
        if let Some(why) = formed.why {
            self.why[why as usize] += 1;
            self.first_raw.get_or_insert(record);
        }
        self.unseen += u64::from(formed.unseen);
    }
}

/// The region that a cell names.
#[derive(Clone, Copy, Default)]
struct NamedRegion {
    region: Option<phone::Region>,
    /// What it named by the rules before.
    before: Option<phone::Region>,
}

/// The identities of a column in one batch: of the kept rows that have a value, in order. Buffers are reused.
#[derive(Default)]
pub struct Identified {
    /// What was counted while they were made.
    pub seen: BatchCounts,
    /// Rows with a value: indexes of output rows.
    pub rows: Vec<u32>,
    /// Identities of the values, in their order.
    pub identities: Vec<[u8; 32]>,
    /// The first record with more values in its cell than its column may have.
    pub too_many: Option<u32>,
    /// Which of them (indexes into `rows`) are raw forms.
    pub raw: Vec<u32>,
    /// Which of them had another identity by the rules before, and that one, as far as it was asked for.
    pub renewed: Vec<(u32, [u8; 32])>,
    /// Tokens, after `tokens` has been called.
    pub tokens: Vec<[u8; 16]>,
    values: Vec<u8>,
    ends: Vec<u32>,
    raw_values: Vec<u8>,
    raw_ends: Vec<u32>,
    raw_identities: Vec<[u8; 32]>,
    /// The last cell of a region column and what it said: neighbours often say the same.
    region: (String, NamedRegion),
}

impl Identified {
    /// Makes the identities of a column. `records` says which record of the batch is behind each output row; of rows that
    /// are not to be kept values are counted only. `known` says whether a request names an identity.
    pub fn read(
        &mut self,
        maker: &IdentityMaker,
        batch: &RawBatch,
        column: usize,
        records: &[u32],
        keep: impl Fn(usize) -> bool,
        known: &dyn Fn(&[u8; 32]) -> bool,
    ) {
        self.clear();
        if !maker.parts.0.is_empty() {
            return self.read_parts(maker, batch, records, keep);
        }
        let values = batch.values(column);
        let regions = maker.region_column().map(|column| batch.values(column));
        for (row, record) in records.iter().enumerate() {
            let Some(mut value) = values.get(*record as usize) else { continue };
            if let Some((several, part)) = &maker.one_of {
                if *part == 0 && self.too_many.is_none() && value_of(value, several, several.most).is_some() {
                    self.too_many = Some(*record);
                }
                let Some(one) = value_of(value, several, *part) else { continue };
                value = one;
            }
            self.seen.values += 1;
            let kept = keep(row);
            let named = match &regions {
                Some(regions) => {
                    regions.get(*record as usize).map_or(NamedRegion::default(), |text| self.region_of(text))
                }
                None => NamedRegion { region: maker.region, before: maker.region },
            };
            let (start, raw_start) = (self.values.len(), self.raw_values.len());
            let formed = maker.form(&[value], named.region, &mut self.values, &mut self.raw_values);
            self.seen.form(&formed, *record);
            if !kept {
                self.values.truncate(start);
                self.raw_values.truncate(raw_start);
                continue;
            }
            if formed.renewed || named.region != named.before {
                let before = maker.before(value, named.before);
                if known(&before) {
                    self.renewed.push((self.rows.len() as u32, before));
                }
            }
            self.take(row, formed.why.is_some());
        }
        self.hash(maker);
    }

    /// As `read`, of values that are put together of several columns. One of which a part is missing is none.
    fn read_parts(&mut self, maker: &IdentityMaker, batch: &RawBatch, records: &[u32], keep: impl Fn(usize) -> bool) {
        let columns: Vec<_> = maker.parts.0.iter().map(|column| batch.values(*column)).collect();
        let mut parts = Vec::with_capacity(columns.len());
        for (row, record) in records.iter().enumerate() {
            parts.clear();
            parts.extend(columns.iter().filter_map(|values| values.get(*record as usize)));
            if parts.len() < columns.len() {
                self.seen.partial += u64::from(!parts.is_empty());
                self.seen.first_partial = self.seen.first_partial.or((!parts.is_empty()).then_some(*record));
                continue;
            }
            self.seen.values += 1;
            let (start, raw_start) = (self.values.len(), self.raw_values.len());
            let formed = maker.form(&parts, maker.region, &mut self.values, &mut self.raw_values);
            self.seen.form(&formed, *record);
            if keep(row) {
                self.take(row, formed.why.is_some());
            } else {
                self.values.truncate(start);
                self.raw_values.truncate(raw_start);
            }
        }
        self.hash(maker);
    }

    /// Takes the value whose form has just been appended.
    fn take(&mut self, row: usize, raw: bool) {
        if raw {
            self.raw.push(self.rows.len() as u32);
            self.raw_ends.push(self.raw_values.len() as u32);
        }
        self.rows.push(row as u32);
        self.ends.push(self.values.len() as u32);
    }

    fn hash(&mut self, maker: &IdentityMaker) {
        hash_column(maker.normal.expose(), &self.values, &self.ends, &mut self.identities);
        if !self.raw.is_empty() {
            hash_column(maker.raw.expose(), &self.raw_values, &self.raw_ends, &mut self.raw_identities);
            for (at, identity) in self.raw.iter().zip(&self.raw_identities) {
                self.identities[*at as usize] = *identity;
            }
        }
    }

    fn region_of(&mut self, text: &str) -> NamedRegion {
        if self.region.0 != text {
            self.region.0.clear();
            self.region.0.push_str(text);
            self.region.1 = NamedRegion { region: region::region(text), before: region::region_before(text) };
        }
        self.region.1
    }

    /// The second level: makes the token of every identity.
    pub fn make_tokens(&mut self, key: &Key) {
        hash_identities(key.expose(), &self.identities, &mut self.tokens);
    }

    /// Forgets the rows that `keep` does not want.
    pub fn retain(&mut self, keep: impl Fn(u32) -> bool) {
        let mut kept = 0;
        for at in 0..self.rows.len() {
            if keep(self.rows[at]) {
                self.rows[kept] = self.rows[at];
                self.identities[kept] = self.identities[at];
                kept += 1;
            }
        }
        self.rows.truncate(kept);
        self.identities.truncate(kept);
        self.raw.clear();
        self.renewed.clear();
        self.tokens.clear();
    }

    fn clear(&mut self) {
        self.seen = BatchCounts::default();
        self.renewed.clear();
        self.too_many = None;
        self.rows.clear();
        self.identities.clear();
        self.raw.clear();
        self.tokens.clear();
        self.values.clear();
        self.ends.clear();
        self.raw_values.clear();
        self.raw_ends.clear();
    }
}

impl Drop for Identified {
    /// Normal forms and regions are raw values.
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.values);
        zeroize::Zeroize::zeroize(&mut self.raw_values);
        zeroize::Zeroize::zeroize(&mut self.region.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_of_several_values_is_taken_apart() {
        let several = Several { separator: ';', until: Some(':'), inside: None, most: 3 };
        let values = |cell| (0..4).map_while(|at| value_of(cell, &several, at)).collect::<Vec<_>>();
        assert_eq!(values("17:1600000000000; 4:9;;"), ["17", "4"]);
        assert_eq!(values("a;b;c;d"), ["a", "b", "c", "d"]);
        assert_eq!(values(" ; :5;"), [""; 0]);
        assert_eq!(value_of("a:b", &Several { until: None, ..several.clone() }, 0), Some("a:b"));
        let named = Several { until: None, inside: Some(('<', '>')), ..several };
        let cell = "Ada <ada@example.org>; bob@example.org ;\"Lee <x>\" <lee@example.org>";
        let values: Vec<_> = (0..4).map(|at| value_of(cell, &named, at)).collect();
        assert_eq!(values, [Some("ada@example.org"), Some("bob@example.org"), Some("lee@example.org"), None], "R65");
        assert_eq!(value_of("Ada <ada@example.org", &named, 0), Some("Ada <ada@example.org"), "nothing is guessed");
        for said in
            ["\"ada@example.org\" <Ada@example.org>", "Ada @ Work <Ada@example.org>", "<Ada@example.org> (office)"]
        {
            assert_eq!(value_of(said, &named, 0), Some("Ada@example.org"), "{said}");
        }
        for unclear in [
            "ada@example.org <>",
            "Ada <ada@example.org>, <lee@example.org>",
            "<lee@example.org> ada@example.org",
            "<ada@example.org> Ada <Sales>",
        ] {
            assert_eq!(value_of(unclear, &named, 0), Some(unclear), "the whole part has no normal form and is counted");
        }
    }
}
