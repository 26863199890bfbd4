//! What a read looks at.

use domain::billing::{MonthTarget, Site};
use domain::event::{AccountId, PointId};
use domain::premises::Premises;
use domain::quantity::{Instant, Month};
use domain::recharge::Payments;

use super::{QueryError, Show};
use crate::desk::{Desk, Moment, Turn};

/// A site in a turn of its desk.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// Its state.
    pub site: &'a Site,
    /// What was shown after the turn before: its live figures.
    pub moment: &'a Moment,
    /// What gateways reported.
    pub payments: &'a Payments,
}

impl<'a> View<'a> {
    /// The view of a turn.
    pub fn of(turn: &'a Turn<'_, '_>) -> Self {
        Self { site: turn.owner.site(), moment: turn.moment, payments: turn.owner.payments() }
    }

    /// What is in force.
    pub fn premises(&self) -> &'a Premises {
        self.site.premises()
    }

    /// How quantities look here.
    pub fn show(&self) -> Show<'a> {
        Show(self.premises())
    }

    /// The instant up to which energy is counted: that of the live figures, so that all that is shown adds up.
    pub fn until(&self) -> Instant {
        self.moment.live_at.1
    }

    /// What is owed for a month to date: live where it differs from what is posted.
    pub fn target(&self, month: Month) -> Option<&'a MonthTarget> {
        self.moment.targets.get(&month).or_else(|| self.site.targets().get(&month))
    }

    /// The months from the first settled day to now.
    pub fn months(&self) -> impl DoubleEndedIterator<Item = Month> + use<'a> {
        let now = self.premises().calendar.day_of(self.until()).month();
        let first = self.site.first_day().map_or(now.next(), domain::quantity::Date::month);
        let count = now.get().saturating_sub(first.get()).saturating_add(1).max(0);
        (0..count).map(move |number| first.plus(number))
    }

    /// An account of the site.
    pub fn account(&self, id: &AccountId) -> Result<(), QueryError> {
        let known = self.premises().accounts.contains_key(id);
        if known { Ok(()) } else { Err(QueryError::UnknownAccount(id.clone())) }
    }

    /// A point of the site.
    pub fn point(&self, id: &PointId) -> Result<(), QueryError> {
        let known = self.premises().points.contains_key(id);
        if known { Ok(()) } else { Err(QueryError::UnknownPoint(id.clone())) }
    }
}

/// Reads a site in a turn of its desk.
pub async fn read<T: Send + 'static>(
    desk: &Desk,
    ask: impl FnOnce(View<'_>) -> Result<T, QueryError> + Send + 'static,
) -> Result<T, QueryError> {
    desk.read(move |turn| ask(View::of(turn))).await?
}
