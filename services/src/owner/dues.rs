//! What accounts paid and owe, computed once for all who ask: supply control in its turn, and pages.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::billing::BillingError;
use domain::event::AccountId;
use domain::quantity::Instant;
use domain::supply::{Dues, dues};

use super::Owner;

/// What every account paid and owes.
pub type AllDues = Arc<BTreeMap<AccountId, Dues>>;

/// What dues are computed from. While it is the same, they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Basis {
    /// The last event that is neither of readings, of supply nor of alarms.
    pub books_at: u64,
    /// The newest reading.
    pub newest_reading: Option<Instant>,
    /// Minutes since 1970.
    pub minute: i64,
}

impl Owner<'_> {
    /// What dues of now are computed from.
    pub fn basis(&self, now: Instant) -> Basis {
        let minute = now.get().div_euclid(60);
        Basis { books_at: self.books_at, newest_reading: self.newest_reading, minute }
    }

    /// The dues of every account by the facts received by now: those of before, where they are of the same basis.
    pub fn dues(&mut self, now: Instant) -> Result<AllDues, BillingError> {
        let basis = self.basis(now);
        if let Some((of, known)) = self.dues.as_ref()
            && *of == basis
        {
            return Ok(Arc::clone(known));
        }
        let fresh = Arc::new(dues(&mut self.site, now)?);
        self.dues = Some((basis, Arc::clone(&fresh)));
        Ok(fresh)
    }
}
