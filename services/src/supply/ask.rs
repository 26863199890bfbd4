//! What people say and ask about supply. Each is one fact, refused before anything is appended.

use domain::billing::Site;
use domain::event::{
    AccountId, Body, DisputeClosed, DisputeOpened, Event, EventId, OutputState, PointId, PointKind, PointProtected,
    PointUnprotected, SupplyEvent, SupplyPolicy, WeatherHeld,
};
use domain::quantity::Instant;
use domain::supply::{Command, Refusal, Supply, decide};

use super::scene::bare;
use crate::command::Key;
use crate::owner::{Draft, Owner, OwnerError};

/// What a person says or asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// Cut a point off, or give supply back.
    Switch {
        /// Which.
        point: PointId,
        /// Where to.
        to: OutputState,
        /// Why.
        reason: String,
    },
    /// Approve what somebody else asked for at a point.
    Approve {
        /// Which.
        point: PointId,
    },
    /// Say that supply may come back: whoever lives there knows that appliances are safe.
    Confirm {
        /// Which.
        point: PointId,
    },
    /// Never cut a point from now on.
    Protect {
        /// Which.
        point: PointId,
        /// Why.
        reason: String,
    },
    /// Take a protection back.
    Unprotect {
        /// Which.
        point: PointId,
        /// Why.
        reason: String,
    },
    /// An account complains.
    OpenDispute {
        /// Which.
        account: AccountId,
        /// What about.
        reason: String,
    },
    /// A complaint is settled.
    CloseDispute {
        /// Which.
        account: AccountId,
        /// How.
        reason: String,
    },
    /// Extreme weather; until now, or before, it ends.
    Weather {
        /// Until when.
        until: Instant,
        /// Which.
        reason: String,
    },
    /// Publish a policy.
    Publish {
        /// The rules.
        policy: Box<SupplyPolicy>,
        /// The preset that it was made from.
        preset: Option<String>,
    },
}

/// Why a person is refused.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// By the rules of supply.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// No such point, or one without a unit.
    #[error("the site has no unit's point {0}")]
    NoPoint(PointId),
    /// No such account.
    #[error("the site has no account {0}")]
    NoAccount(AccountId),
    /// It is so already.
    #[error("{0} already")]
    Already(&'static str),
    /// The key is another command's.
    #[error("key {0:?} was used for another command: draw a new one")]
    KeyReused(String),
    /// The log.
    #[error(transparent)]
    Owner(#[from] OwnerError),
}

/// What became of an ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// The event.
    pub id: EventId,
    /// Whether it is new; with a key that was used before it is not.
    pub is_new: bool,
}

/// Appends what a person says, once for each key, as every command; durable with the next flush.
pub fn ask(owner: &mut Owner<'_>, now: Instant, by: &str, key: &Key, ask: Ask) -> Result<Asked, AskError> {
    let id = key.id(owner.site_id(), 0);
    match key.said(owner).as_slice() {
        [] => {}
        [Event { actor, body: Body::Supply(event), .. }] if actor == by && says(event, &ask) => {
            return Ok(Asked { id, is_new: false });
        }
        _ => return Err(AskError::KeyReused(key.as_str().to_owned())),
    }
    let event = answer(owner.site(), owner.supply(), now, by, ask)?;
    let draft = Draft { id, time: now, received: now, actor: by.to_owned(), body: Body::Supply(event) };
    let is_new = owner.append(draft)?;
    Ok(Asked { id, is_new })
}

/// Whether an event is what the ask came to when it was said before.
pub(crate) fn says(event: &SupplyEvent, ask: &Ask) -> bool {
    let why = |said: &str, reason: &String| said == reason.trim();
    match (ask, event) {
        (Ask::Switch { point, to, reason }, SupplyEvent::SupplyRequested(data)) => {
            data.point == *point && data.to == *to && why(&data.reason, reason)
        }
        (Ask::Approve { point }, SupplyEvent::SupplyApproved(data)) => data.point == *point,
        (Ask::Confirm { point }, SupplyEvent::ReconnectionConfirmed(data)) => data.point == *point,
        (Ask::Protect { point, reason }, SupplyEvent::PointProtected(data)) => {
            data.point == *point && why(&data.reason, reason)
        }
        (Ask::Unprotect { point, reason }, SupplyEvent::PointUnprotected(data)) => {
            data.point == *point && why(&data.reason, reason)
        }
        (Ask::OpenDispute { account, reason }, SupplyEvent::DisputeOpened(data)) => {
            data.account == *account && why(&data.reason, reason)
        }
        (Ask::CloseDispute { account, reason }, SupplyEvent::DisputeClosed(data)) => {
            data.account == *account && why(&data.reason, reason)
        }
        (Ask::Weather { until, reason }, SupplyEvent::WeatherHeld(data)) => {
            data.until == (*until).max(data.from) && why(&data.reason, reason)
        }
        (Ask::Publish { policy, preset }, SupplyEvent::SupplyPolicyPublished(data)) => {
            data.policy == **policy && data.preset == *preset
        }
        _ => false,
    }
}

/// The event of an ask, or why it is refused. Nothing is appended.
pub fn answer(site: &Site, supply: &Supply, now: Instant, by: &str, ask: Ask) -> Result<SupplyEvent, AskError> {
    let by = said(by, "by")?;
    let command = |point: &PointId, command: Command| {
        has_point(site, point)?;
        let situation = bare(site.premises(), point, now);
        let event = decide(supply, situation, command)?.into_iter().next();
        event.ok_or(AskError::Already("nothing is left to be said"))
    };
    match ask {
        Ask::Switch { point, to, reason } => command(&point, Command::Request { by, to, reason }),
        Ask::Approve { point } => command(&point, Command::Approve { by }),
        Ask::Confirm { point } => command(&point, Command::ConfirmReconnection { by }),
        Ask::Protect { point, reason } => {
            has_point(site, &point)?;
            once(!supply.point(&point).protected, "the point is protected")?;
            let reason = said(&reason, "reason")?;
            Ok(SupplyEvent::PointProtected(PointProtected { by, point, reason }))
        }
        Ask::Unprotect { point, reason } => {
            has_point(site, &point)?;
            once(supply.point(&point).protected, "the point is not protected")?;
            let reason = said(&reason, "reason")?;
            Ok(SupplyEvent::PointUnprotected(PointUnprotected { by, point, reason }))
        }
        Ask::OpenDispute { account, reason } => {
            has_account(site, &account)?;
            once(!supply.disputes.contains(&account), "a complaint of the account is open")?;
            let reason = said(&reason, "reason")?;
            Ok(SupplyEvent::DisputeOpened(DisputeOpened { account, by, reason }))
        }
        Ask::CloseDispute { account, reason } => {
            has_account(site, &account)?;
            once(supply.disputes.contains(&account), "no complaint of the account is open")?;
            let reason = said(&reason, "reason")?;
            Ok(SupplyEvent::DisputeClosed(DisputeClosed { account, by, reason }))
        }
        Ask::Weather { until, reason } => {
            let reason = said(&reason, "reason")?;
            Ok(SupplyEvent::WeatherHeld(WeatherHeld { by, from: now, reason, until: until.max(now) }))
        }
        Ask::Publish { policy, preset } => {
            let nowhere = PointId::try_new("policy").ok_or(AskError::Already("no policy"))?;
            let situation = bare(site.premises(), &nowhere, now);
            let event = decide(supply, situation, Command::Publish { by, policy: *policy, preset })?.into_iter().next();
            event.ok_or(AskError::Already("nothing is left to be said"))
        }
    }
}

fn said(text: &str, what: &'static str) -> Result<String, AskError> {
    let text = text.trim();
    if text.is_empty() { Err(Refusal::Empty(what).into()) } else { Ok(text.to_owned()) }
}

fn once(is_new: bool, what: &'static str) -> Result<(), AskError> {
    if is_new { Ok(()) } else { Err(AskError::Already(what)) }
}

fn has_point(site: &Site, point: &PointId) -> Result<(), AskError> {
    let found = site.premises().points.get(point).is_some_and(|point| point.kind == PointKind::Unit);
    if found { Ok(()) } else { Err(AskError::NoPoint(point.clone())) }
}

fn has_account(site: &Site, account: &AccountId) -> Result<(), AskError> {
    if site.premises().accounts.contains_key(account) { Ok(()) } else { Err(AskError::NoAccount(account.clone())) }
}
