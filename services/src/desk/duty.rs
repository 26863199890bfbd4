//! What is done in every turn of a desk.

use domain::quantity::Instant;

use super::Moment;
use crate::owner::{Owner, OwnerError};

/// A part of the service that decides in every turn and acts after its commit: supply control, alarms.
///
/// # Contract
///
/// - `decide` only appends; it does not wait, and does not act on the world.
/// - `act` is called when all that was appended before is durable, and only then.
/// - A turn that could not be committed is followed by another `decide`, without `act`.
pub trait Duty: Send {
    /// Looks at the site, and appends what follows from it.
    fn decide(&mut self, owner: &mut Owner<'_>, now: Instant) -> Result<(), OwnerError>;

    /// Adds to the moment what this duty alone knows; whether that is new.
    fn tell(&self, _moment: &mut Moment) -> bool {
        false
    }

    /// Acts on what is durable.
    fn act(&mut self, owner: &Owner<'_>, now: Instant);
}
