//! Tokens made anew from identities (R2, R3), and how a published token is read. Its own way to both: what `minimize`
//! and `publish` make is what is looked at here.

use crate::key::Keyring;
use arrow::array::{Array, AsArray};
use arrow::datatypes::DataType;

/// Makes the tokens of one domain and epoch.
pub(super) struct TokenMaker([u8; 32]);

impl TokenMaker {
    /// For the domain of a dataset.
    pub fn new(keys: &Keyring, domain: &str) -> TokenMaker {
        let mut hasher = blake3::Hasher::new_derive_key("tamis v1 token");
        hasher.update(keys.token.expose());
        for part in [domain, &keys.epoch] {
            let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
            hasher.update(&length.to_le_bytes()).update(part.as_bytes());
        }
        TokenMaker(*hasher.finalize().as_bytes())
    }

    /// Returns the token of an identity.
    pub fn token(&self, identity: &[u8; 32]) -> [u8; 16] {
        blake3::keyed_hash(&self.0, identity).as_bytes().as_chunks().0[0]
    }
}

/// What stands in a field of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InField {
    Null,
    Token([u8; 16]),
    /// Something that is no token by its form.
    Other,
}

/// Reads a row of a field of tokens: 32 lower-case hex digits, or 16 bytes.
pub(super) fn read(column: &dyn Array, row: usize) -> InField {
    if column.is_null(row) {
        return InField::Null;
    }
    let token = match column.data_type() {
        DataType::Utf8 => of_hex(column.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => of_hex(column.as_string::<i64>().value(row)),
        DataType::Utf8View => of_hex(column.as_string_view().value(row)),
        DataType::FixedSizeBinary(16) => column.as_fixed_size_binary().value(row).try_into().ok(),
        DataType::Binary => column.as_binary::<i32>().value(row).try_into().ok(),
        _ => None,
    };
    token.filter(|token| !is_text(token)).map_or(InField::Other, InField::Token)
}

fn of_hex(text: &str) -> Option<[u8; 16]> {
    let digit = |byte: &u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let digits: Vec<u8> = text.as_bytes().iter().map(digit).collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits.chunks(2).map(|pair| pair.iter().fold(0, |sum, digit| sum << 4 | digit)).collect();
    if text.len() == 32 { bytes.try_into().ok() } else { None }
}

/// Whether bytes are text that somebody has written as a token, such as an address: of 10^12 tokens not one is.
fn is_text(token: &[u8; 16]) -> bool {
    let ends = token.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
    token[..ends].iter().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'@' | b'.' | b'-' | b'_' | b'+' | b' '))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;
    use arrow::array::StringArray;

    /// The vector of docs/tokens.md, made by another implementation.
    #[test]
    fn r2_a_token_made_anew_is_that_of_the_documented_vector() {
        let [identity, token] = [0, 32].map(|from| Key::new(std::array::from_fn(|i| from + i as u8)));
        let ring = Keyring { identity, token, epoch: "2026a".into() };
        let of_text = |text: &str| {
            let bytes: Vec<u8> =
                (0..text.len() / 2).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).expect("hex")).collect();
            bytes
        };
        let identity = of_text("121c9e964b2875a13aab5ea43f86cd990a19add7f65f54e123ac097ea0d72c82");
        let made = TokenMaker::new(&ring, "sales-analytics").token(&identity.try_into().expect("32 bytes"));
        assert_eq!(made.to_vec(), of_text("8a3d1cbba349c73402164ecfad72b456"));
    }

    #[test]
    fn what_is_no_token_by_its_form_is_told_apart() {
        let hex: String = "person@example.x".bytes().map(|byte| format!("{byte:02x}")).collect();
        let cells =
            ["8a3d1cbba349c73402164ecfad72b456", "8A3D1CBBA349C73402164ECFAD72B456", "8a3d", "ana@example.org", &hex];
        let column = StringArray::from_iter(cells.iter().map(Some).chain([None]));
        let found: Vec<InField> = (0..column.len()).map(|row| read(&column, row)).collect();
        assert!(matches!(found[0], InField::Token(_)));
        assert_eq!(found[1..5], [InField::Other; 4]);
        assert_eq!(found[5], InField::Null);
    }
}
