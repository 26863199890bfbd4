//! Secrets: drawn here and nowhere else, shown once, kept only as their hash.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::event::sha256;
use ring::hmac;
use ring::rand::{SecureRandom as _, SystemRandom};

use super::error::IdentityError;

const BYTES: usize = 32;
const CSRF: &[u8] = b"tallywatt/csrf/v1";

/// A secret in clear: handed over once. Its debug text does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// 256 random bits behind a prefix that says what it opens.
    pub(super) fn draw(prefix: &str) -> Result<Self, IdentityError> {
        let mut bytes = [0; BYTES];
        SystemRandom::new().fill(&mut bytes).map_err(|_| IdentityError::NoRandomness)?;
        Ok(Self(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes))))
    }

    /// A password that a person can type: 125 random bits in lower-case letters and digits.
    pub(super) fn password() -> Result<Self, IdentityError> {
        const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";
        let mut bytes = [0; 25];
        SystemRandom::new().fill(&mut bytes).map_err(|_| IdentityError::NoRandomness)?;
        let letter = |byte: &u8| LETTERS.get(usize::from(byte & 31)).copied().map_or('a', char::from);
        let groups: Vec<String> = bytes.chunks(5).map(|group| group.iter().map(letter).collect()).collect();
        Ok(Self(groups.join("-")))
    }

    /// Its text.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is stored of it.
    pub(super) fn hash(&self) -> [u8; 32] {
        hash(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(not shown)")
    }
}

/// What is stored of a secret. With 256 random bits no salt is needed, and
/// looking a hash up tells by its time nothing of the secret.
pub(super) fn hash(secret: &str) -> [u8; 32] {
    sha256(&[secret.as_bytes()])
}

/// The token that forms of a session carry: bound to its cookie, and stored nowhere.
pub(super) fn csrf(cookie: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, cookie.as_bytes());
    URL_SAFE_NO_PAD.encode(hmac::sign(&key, CSRF))
}

/// Compares in a time that does not depend on where they differ.
pub(super) fn same_csrf(cookie: &str, given: &str) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, cookie.as_bytes());
    URL_SAFE_NO_PAD.decode(given).is_ok_and(|tag| hmac::verify(&key, CSRF, &tag).is_ok())
}
