//! What happens to supply. Where it is, is said by reading relays alone
//! (`SupplyCutConfirmed`, `SupplyRestoredConfirmed`, `SupplyObserved`): not by an
//! order, and not by its echo. Fields stand in sorted order, because that is the order of their bytes.

mod command;
mod fact;

use super::catalogue::SupplyEvent;
use super::id::{AccountId, PointId};

pub use command::{
    CancelReason, CheckCode, ReconnectionOffered, SupplyCheck, SupplyCommandCancelled, SupplyCommandExpired,
    SupplyCommandFailed, SupplyCommandOrdered, SupplyCommandSent, SupplyCutConfirmed, SupplyCutHeld, SupplyReason,
    SupplyRestoreHeld, SupplyRestoredConfirmed, SupplyWarned, SwitchEvidence, SwitchFailure, WarningCleared,
};
pub use fact::{
    CutCharge, DisputeClosed, DisputeOpened, NoCutWindow, OutputState, PointProtected, PointUnprotected,
    ReconnectionConfirmed, SupplyApproved, SupplyModeObserved, SupplyObserved, SupplyPolicy, SupplyPolicyPublished,
    SupplyRequested, WeatherHeld,
};

impl SupplyEvent {
    /// The account and the point that it is about.
    pub fn about(&self) -> (Option<&AccountId>, Option<&PointId>) {
        match self {
            Self::SupplyPolicyPublished(_) | Self::WeatherHeld(_) => (None, None),
            Self::PointProtected(data) => (None, Some(&data.point)),
            Self::PointUnprotected(data) => (None, Some(&data.point)),
            Self::DisputeOpened(data) => (Some(&data.account), None),
            Self::DisputeClosed(data) => (Some(&data.account), None),
            Self::SupplyRequested(data) => (None, Some(&data.point)),
            Self::SupplyApproved(data) => (None, Some(&data.point)),
            Self::ReconnectionConfirmed(data) => (None, Some(&data.point)),
            Self::SupplyObserved(data) => (None, Some(&data.point)),
            Self::SupplyWarned(data) => (Some(&data.account), Some(&data.point)),
            Self::WarningCleared(data) => (Some(&data.account), Some(&data.point)),
            Self::ReconnectionOffered(data) => (data.account.as_ref(), Some(&data.point)),
            Self::SupplyCommandOrdered(data) => (data.account.as_ref(), Some(&data.point)),
            Self::SupplyCommandSent(data) => (None, Some(&data.point)),
            Self::SupplyCutConfirmed(data) => (None, Some(&data.point)),
            Self::SupplyRestoredConfirmed(data) => (None, Some(&data.point)),
            Self::SupplyCommandFailed(data) => (None, Some(&data.point)),
            Self::SupplyCommandExpired(data) => (None, Some(&data.point)),
            Self::SupplyCommandCancelled(data) => (None, Some(&data.point)),
            Self::SupplyCutHeld(data) => (data.account.as_ref(), Some(&data.point)),
            Self::SupplyRestoreHeld(data) => (data.account.as_ref(), Some(&data.point)),
            Self::SupplyModeObserved(data) => (None, Some(&data.point)),
        }
    }

    /// The keys of the chains that it belongs to, sorted.
    pub fn chain_keys(&self) -> Vec<String> {
        let (account, point) = self.about();
        let account = account.map(|id| format!("account/{id}"));
        account.into_iter().chain(point.map(|id| format!("point/{id}"))).collect()
    }
}
