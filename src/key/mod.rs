//! Keys: read from files nobody else can read, used for hashing, never shown.
//! A `Key` cannot be formatted, cloned by accident or serialised. Must not know what is hashed with it.

mod command;
mod create;
mod custody;
mod digits;
mod load;

pub use create::{KeyFile, create, nonce, random};

use zeroize::Zeroize;

/// 32 secret bytes, wiped when dropped.
pub struct Key([u8; 32]);

impl Drop for Key {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// What may be said of a key: 8 bytes in hex, from a derivation of its own (R2).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct KeyId(pub String);

impl Key {
    /// Makes a key of 32 bytes, which it wipes when dropped.
    pub fn new(bytes: [u8; 32]) -> Key {
        Key(bytes)
    }
    /// `derive_key(context, key ‖ LP(part)…)` (R2); LP = length as 4 bytes little-endian, then the bytes.
    pub fn derive(&self, context: &'static str, parts: &[&[u8]]) -> Key {
        let mut hasher = blake3::Hasher::new_derive_key(context);
        hasher.update(&self.0);
        for part in parts {
            hasher.update(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes());
            hasher.update(part);
        }
        let key = Key(*hasher.finalize().as_bytes());
        hasher.zeroize();
        key
    }
    /// `keyed_hash(derive_key("tamis v1 key id", key), "")[..8]` in hex.
    pub fn id(&self) -> KeyId {
        let hash = blake3::keyed_hash(&self.derive("tamis v1 key id", &[]).0, b"");
        KeyId(hash.to_hex()[..16].to_string())
    }
    /// The bytes, for hashing only.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Which keys a run works with, as far as that may be said.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyIds {
    /// Of the identity key.
    pub identity: KeyId,
    /// Of the token key.
    pub token: KeyId,
    /// Epoch of the token key.
    pub epoch: String,
}

/// The keys a run works with.
pub struct Keyring {
    /// Makes identities; never changes with the epoch.
    pub identity: Key,
    /// Makes tokens of this epoch.
    pub token: Key,
    /// Name of the epoch that tokens are of.
    pub epoch: String,
}

impl Keyring {
    /// The key that makes identities of one kind (R2).
    pub fn identity_key(&self, kind: &str) -> Key {
        self.identity.derive("tamis v1 identity", &[kind.as_bytes()])
    }
    /// The key that makes tokens of one domain (R2, R3).
    pub fn token_key(&self, domain: &str) -> Key {
        self.token.derive("tamis v1 token", &[domain.as_bytes(), self.epoch.as_bytes()])
    }
    /// What may be said of them.
    pub fn ids(&self) -> KeyIds {
        KeyIds { identity: self.identity.id(), token: self.token.id(), epoch: self.epoch.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    /// Vectors computed with the independent PyPI package blake3: identity key 00 01 … 1f, token key 20 21 … 3f.
    #[test]
    fn r2_identities_tokens_and_ids_agree_with_an_independent_implementation() {
        let [identity, token] = [0, 32].map(|from| Key::new(std::array::from_fn(|i| from + i as u8)));
        let ring = Keyring { identity, token, epoch: "2026a".into() };
        let ids = ring.ids();
        assert_eq!((ids.identity.0.as_str(), ids.token.0.as_str()), ("3f721688408c152d", "c02314236e5bf2c1"));
        let vectors = [
            (
                ("email/1", "ana@example.org", "sales-analytics"),
                "121c9e964b2875a13aab5ea43f86cd990a19add7f65f54e123ac097ea0d72c82",
                "8a3d1cbba349c73402164ecfad72b456",
            ),
            (
                ("email/1", "ana@example.org", "marketing/ad-network"),
                "121c9e964b2875a13aab5ea43f86cd990a19add7f65f54e123ac097ea0d72c82",
                "cad93239d5a6ba12bbf322cc9c4406e4",
            ),
            (
                ("salesforce-id/1", "0035g00000ABCDEAA4", "sales-analytics"),
                "f9820e6a2735cfe6bb6336ef38f20d8e37be6520f16515509acfefcfbd70dcf7",
                "18ffdb10d038ee20e2a3bf761dbbf639",
            ),
        ];
        for ((kind, value, domain), identity, token) in vectors {
            let made = blake3::keyed_hash(ring.identity_key(kind).expose(), value.as_bytes());
            assert_eq!(hex(made.as_bytes()), identity, "{kind}");
            let made = blake3::keyed_hash(ring.token_key(domain).expose(), made.as_bytes());
            assert_eq!(hex(&made.as_bytes()[..16]), token, "{kind} {domain}");
        }
    }

    #[test]
    fn r2_parts_do_not_run_into_each_other() {
        let key = Key::new([7; 32]);
        let derived = |parts: &[&[u8]]| *key.derive("tamis v1 identity", parts).expose();
        assert!(derived(&[b"ab", b"c"]) != derived(&[b"a", b"bc"]));
        assert!(derived(&[b"ab"]) != derived(&[b"ab", b""]));
    }
}
