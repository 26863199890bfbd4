//! Who may call which method: one table. A method that is not in it is not served.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant as Clock};

use domain::event::{AccountId, SiteId, sha256};

use super::refusal::{Kind, Refusal};
use crate::identity::{Actor, Identity, Permission};
use crate::serve::{App, ServedSite};

/// What a method is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// One account.
    Account,
    /// A site as a whole.
    Site,
}

/// A method, and what calling it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Its path.
    pub path: &'static str,
    /// What is needed.
    pub permission: Permission,
    /// Of what.
    pub of: Of,
}

const fn rule(path: &'static str, permission: Permission, of: Of) -> Rule {
    Rule { path, permission, of }
}

/// Every method.
pub const RULES: [Rule; 36] = [
    rule("/tallywatt.v1.Balance/Get", Permission::ReadAccount, Of::Account),
    rule("/tallywatt.v1.Balance/Watch", Permission::ReadAccount, Of::Account),
    rule("/tallywatt.v1.Bills/List", Permission::ReadAccount, Of::Account),
    rule("/tallywatt.v1.Bills/Get", Permission::ReadAccount, Of::Account),
    rule("/tallywatt.v1.Bills/Explain", Permission::ReadAccount, Of::Account),
    rule("/tallywatt.v1.Bills/Payments", Permission::ReadAccount, Of::Account),
    rule("/tallywatt.v1.Bills/Proof", Permission::ReadAccount, Of::Account),
    rule("/tallywatt.v1.Consumption/Curve", Permission::ReadAccount, Of::Account),
    rule("/tallywatt.v1.Consumption/Watch", Permission::ReadAccount, Of::Account),
    rule("/tallywatt.v1.Ledger/Recharge", Permission::MoveMoney, Of::Account),
    rule("/tallywatt.v1.Ledger/Refund", Permission::MoveMoney, Of::Account),
    rule("/tallywatt.v1.Ledger/Post", Permission::MoveMoney, Of::Account),
    rule("/tallywatt.v1.Ledger/PublishTariff", Permission::ChangeRules, Of::Site),
    rule("/tallywatt.v1.Ledger/PublishRule", Permission::ChangeRules, Of::Site),
    rule("/tallywatt.v1.Ledger/RecordLease", Permission::ChangeRules, Of::Site),
    rule("/tallywatt.v1.Ledger/Correct", Permission::ChangeRules, Of::Site),
    rule("/tallywatt.v1.Ledger/WithdrawReading", Permission::ChangeRules, Of::Site),
    rule("/tallywatt.v1.Ledger/ReleaseReading", Permission::ChangeRules, Of::Site),
    rule("/tallywatt.v1.Ledger/Approve", Permission::Approve, Of::Site),
    rule("/tallywatt.v1.Ledger/SwitchSupply", Permission::SwitchSupply, Of::Site),
    rule("/tallywatt.v1.Ledger/ApproveSupply", Permission::Approve, Of::Site),
    rule("/tallywatt.v1.Ledger/ConfirmSupply", Permission::SwitchSupply, Of::Site),
    rule("/tallywatt.v1.Ledger/ProtectPoint", Permission::SwitchSupply, Of::Site),
    rule("/tallywatt.v1.Ledger/UnprotectPoint", Permission::SwitchSupply, Of::Site),
    rule("/tallywatt.v1.Ledger/OpenDispute", Permission::SwitchSupply, Of::Account),
    rule("/tallywatt.v1.Ledger/CloseDispute", Permission::SwitchSupply, Of::Account),
    rule("/tallywatt.v1.Ledger/HoldWeather", Permission::SwitchSupply, Of::Site),
    rule("/tallywatt.v1.Ledger/AcknowledgeAlarm", Permission::HandleAlarms, Of::Site),
    rule("/tallywatt.v1.Ledger/MatchPayment", Permission::MoveMoney, Of::Site),
    rule("/tallywatt.v1.Ledger/ReturnPayment", Permission::MoveMoney, Of::Site),
    rule("/tallywatt.v1.Audit/Root", Permission::ReadAudit, Of::Site),
    rule("/tallywatt.v1.Audit/Allocation", Permission::ReadAudit, Of::Site),
    rule("/tallywatt.v1.Audit/Changes", Permission::ReadAudit, Of::Site),
    rule("/tallywatt.v1.Audit/Replay", Permission::ReadAudit, Of::Site),
    rule("/tallywatt.v1.Audit/Proof", Permission::ReadAudit, Of::Site),
    rule("/tallywatt.v1.Export/Get", Permission::Export, Of::Site),
];

impl Rule {
    /// The rule of a path.
    pub fn of_path(path: &str) -> Option<&'static Self> {
        RULES.iter().find(|rule| rule.path == path)
    }
}

/// A call that was let in: by whom, and by which rule.
#[derive(Debug, Clone)]
pub struct Call {
    /// Who calls.
    pub actor: Arc<Actor>,
    /// What the method needs.
    pub rule: &'static Rule,
    /// The token, to ask again whether it is good while a stream lasts.
    pub(super) bearer: Arc<str>,
}

impl Call {
    /// A call of whom another surface has let in.
    pub(crate) fn by(actor: Actor, rule: &'static Rule) -> Self {
        Self { actor: Arc::new(actor), rule, bearer: "".into() }
    }

    /// The account that it is about, of a site that is served here, if the actor may.
    pub(crate) fn account<'a>(
        &self,
        app: &'a App,
        site: &str,
        account: &str,
    ) -> Result<(&'a ServedSite, AccountId), Refusal> {
        let account = AccountId::try_new(account).ok_or_else(|| Refusal::field("account", "is no id"))?;
        let served = self.site_of(app, site, Some(&account))?;
        Ok((served, account))
    }

    /// The site that it is about, served here, if the actor may.
    pub(crate) fn site<'a>(&self, app: &'a App, site: &str) -> Result<&'a ServedSite, Refusal> {
        self.site_of(app, site, None)
    }

    fn site_of<'a>(&self, app: &'a App, site: &str, account: Option<&AccountId>) -> Result<&'a ServedSite, Refusal> {
        let id = SiteId::try_new(site).ok_or_else(|| Refusal::field("site", "is no id"))?;
        if (self.rule.of == Of::Account) != account.is_some() {
            return Err(Refusal::new(Kind::Internal, "INTERNAL", "the method's rule names another thing"));
        }
        self.actor.may(self.rule.permission, &id, account)?;
        app.sites.get(&id).ok_or_else(|| Refusal::new(Kind::NotFound, "NOT_FOUND", "no such site or account"))
    }
}

/// A token's actor is asked for again after this: so long a revoked token may still be good.
const FRESH: Duration = Duration::from_secs(1);
/// So many tokens are remembered.
const MOST: usize = 10_000;

type Known = HashMap<[u8; 32], (Clock, Arc<Actor>)>;

/// Finds who calls.
#[derive(Debug)]
pub struct Gate {
    identity: Arc<Identity>,
    known: Mutex<Known>,
}

impl Gate {
    /// By these identities.
    pub fn new(identity: Arc<Identity>) -> Self {
        Self { identity, known: Mutex::default() }
    }

    /// Lets a call of a method in, or refuses it.
    pub async fn admit(&self, path: &str, authorization: Option<&str>) -> Result<Call, Refusal> {
        let unserved = || Refusal::new(Kind::Unserved, "METHOD_UNKNOWN", "no such method");
        let rule = Rule::of_path(path).ok_or_else(unserved)?;
        let bearer = authorization.and_then(|text| text.strip_prefix("Bearer ")).map(str::trim);
        let bearer: Arc<str> = bearer.ok_or_else(Refusal::no_token)?.into();
        let actor = self.actor(&bearer).await?;
        actor.has(rule.permission)?;
        Ok(Call { actor, rule, bearer })
    }

    /// Whether a call that was let in would be let in again.
    pub(super) async fn still(&self, call: &Call, site: &SiteId, account: Option<&AccountId>) -> Result<(), Refusal> {
        let actor = self.actor(&call.bearer).await?;
        Ok(actor.may(call.rule.permission, site, account)?)
    }

    async fn actor(&self, bearer: &Arc<str>) -> Result<Arc<Actor>, Refusal> {
        let key = sha256(&[bearer.as_bytes()]);
        if let Some((asked, actor)) = self.known().get_mut(&key) {
            if asked.elapsed() < FRESH {
                return Ok(Arc::clone(actor));
            }
            // One asks again; the others go by what is known until it has an answer.
            *asked = Clock::now();
        }
        let (identity, bearer) = (Arc::clone(&self.identity), Arc::clone(bearer));
        let found = tokio::task::spawn_blocking(move || identity.token(&bearer)).await;
        let found = found.map_err(|error| Refusal::internal(&error))?.map_err(|error| Refusal::internal(&error))?;
        let mut known = self.known();
        let Some(actor) = found else {
            known.remove(&key);
            return Err(Refusal::no_token());
        };
        if known.len() >= MOST {
            known.retain(|_, (asked, _)| asked.elapsed() < FRESH);
        }
        let actor = Arc::new(actor);
        known.insert(key, (Clock::now(), Arc::clone(&actor)));
        Ok(actor)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
