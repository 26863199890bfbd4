//! What makes a command the same command, on whatever surface it is given.

use domain::event::{Event, EventId, SiteId};

use super::CommandError;
use crate::owner::Owner;

/// An idempotency key: unique in a site, whoever commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// A key of 1 to 128 visible ASCII characters.
    pub fn try_new(text: &str) -> Result<Self, CommandError> {
        let fits = (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self(text.to_owned())) } else { Err(CommandError::BadKey) }
    }

    /// The key of what only one place of the program says, made of what makes it the same.
    pub(crate) fn of(parts: &[&[u8]]) -> Self {
        Self(EventId::derive(parts).to_string())
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id of one of its events. A command's events have these ids and no others, so that
    /// the log itself remembers every key, whoever brings it: a page, a program, a console.
    pub fn id(&self, site: &SiteId, index: u64) -> EventId {
        EventId::derive(&[b"command", site.as_str().as_bytes(), self.0.as_bytes(), &index.to_be_bytes()])
    }

    /// What was appended under it, if it came before.
    pub(crate) fn said<'o>(&self, owner: &'o Owner<'_>) -> Vec<&'o Event> {
        let (site, facts) = (owner.site_id(), owner.facts());
        (0u64..).map_while(|index| facts.get(self.id(site, index))).collect()
    }
}
