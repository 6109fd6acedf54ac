//! Keys: read from files nobody else can read, used for hashing, never shown.
//! A `Key` cannot be formatted, cloned by accident or serialised. Must not know what is hashed with it.

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
    /// Takes 32 bytes.
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

/// The keys a run works with.
pub struct Keyring {
    /// Makes identities; never changes with the epoch.
    pub identity: Key,
    /// Makes tokens of this epoch.
    pub token: Key,
    /// The epoch's name.
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
}
