//! What makes a command the same command.

use super::CommandError;

/// An idempotency key: unique in a site, whoever commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// A key of 1 to 128 visible ASCII characters.
    pub fn try_new(text: &str) -> Result<Self, CommandError> {
        let fits = (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self(text.to_owned())) } else { Err(CommandError::BadKey) }
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
