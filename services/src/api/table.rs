//! The one table of operations: path, who may, what it takes and what it gives.

use std::sync::Arc;

use axum::routing::{MethodRouter, get};

use super::{account, live, openapi, site};
use crate::identity::Permission::{ReadAccount, ReadAudit, ReadSite};
use crate::serve::App;
use crate::serve::access::Access;

/// What an operation can be told beside its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parameter {
    /// `from`: an instant, or a local day.
    From,
    /// `until`: an instant, or a local day, itself not included.
    Until,
    /// `step`: `minute`, `quarter`, `hour` or `day`.
    Step,
    /// `limit`: how many rows.
    Limit,
    /// `cursor`: where the page before ended.
    Cursor,
    /// `loss_percent`: how much may be lost.
    LossPercent,
}

/// An operation: all of them read.
#[derive(Debug, Clone, Copy)]
pub struct Operation {
    /// Its path, with axum's and `OpenAPI`'s `{parameters}`.
    pub path: &'static str,
    /// Who may.
    pub access: Access,
    /// What it is, in a few words.
    pub summary: &'static str,
    /// What it can be told.
    pub parameters: &'static [Parameter],
    /// The schema of its answer; of a page, of an item.
    pub answer: &'static str,
    /// What its answer is a form of.
    pub form: Form,
    pub(super) handler: fn() -> MethodRouter<Arc<App>>,
}

/// What an answer looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// An object.
    One,
    /// A page: `items` and `next`.
    Page,
    /// Server-sent events with such objects.
    Events,
    /// A JSON document that describes itself.
    Document,
}

use Parameter::{Cursor, From, Limit, LossPercent, Step, Until};

const NONE: &[Parameter] = &[];
const RANGE: &[Parameter] = &[From, Until];
const CURVE: &[Parameter] = &[From, Until, Step];
const PAGE: &[Parameter] = &[Limit, Cursor];
const PAGED_RANGE: &[Parameter] = &[From, Until, Limit, Cursor];

macro_rules! operations {
    ($($path:literal $access:expr, $parameters:expr, $form:ident $answer:literal, $handler:path, $summary:literal;)*) => {
        /// Every operation.
        pub const OPERATIONS: &[Operation] = &[$(Operation {
            path: $path,
            access: $access,
            summary: $summary,
            parameters: $parameters,
            answer: $answer,
            form: Form::$form,
            handler: || get($handler),
        }),*];
    };
}

operations! {
    "/api/v1/openapi.json" Access::Public, NONE, Document "", openapi::serve, "This document.";
    "/api/v1/me" Access::Known, NONE, One "Me", site::me, "Who asks, and what they see.";
    "/api/v1/sites" Access::Known, PAGE, Page "SiteRow", site::sites, "The sites that are seen.";
    "/api/v1/sites/{site}" Access::Enters, NONE, One "SiteRow", site::site, "A site.";
    "/api/v1/sites/{site}/accounts" Access::Site(ReadSite), PAGE, Page "AccountRow", site::accounts, "The accounts, with their live balances.";
    "/api/v1/sites/{site}/units" Access::Site(ReadSite), PAGE, Page "UnitState", site::units, "The units at a glance: on, low, cut, silent, vacant.";
    "/api/v1/sites/{site}/points" Access::Site(ReadSite), PAGE, Page "PointState", site::points, "The points, with their supply.";
    "/api/v1/sites/{site}/points/{point}/curve" Access::Site(ReadSite), CURVE, One "Curve", site::curve, "The load curve of a point.";
    "/api/v1/sites/{site}/energy-flow" Access::Site(ReadSite), RANGE, One "EnergyFlow", site::energy_flow, "From main to units, common points and losses.";
    "/api/v1/sites/{site}/pools" Access::Site(ReadSite), PAGE, Page "PoolRow", site::pools, "The pools of shared costs.";
    "/api/v1/sites/{site}/pools/{pool}/days/{day}" Access::Site(ReadAudit), NONE, One "Allocation", site::allocation, "How a pool's day was split.";
    "/api/v1/sites/{site}/recharges" Access::Site(ReadSite), PAGED_RANGE, Page "RechargeRow", site::recharges, "Money in and back, the newest first.";
    "/api/v1/sites/{site}/quarantine" Access::Site(ReadSite), PAGED_RANGE, Page "QuarantinedReading", site::quarantine, "Readings that are kept, but not booked.";
    "/api/v1/sites/{site}/holds" Access::Site(ReadSite), NONE, One "Holds", site::holds, "Bills and steps of supply that are held.";
    "/api/v1/sites/{site}/changes" Access::Site(ReadAudit), PAGE, Page "ChangeRow", site::changes, "Who changed what and why, the newest first.";
    "/api/v1/sites/{site}/close-check/{month}" Access::Site(ReadAudit), &[LossPercent], One "CloseCheck", site::close_check, "Whether a month can be closed.";
    "/api/v1/sites/{site}/replay" Access::Site(ReadAudit), NONE, One "Replayed", site::replay, "Every decision computed anew and compared.";
    "/api/v1/sites/{site}/accounts/{account}/balance" Access::Account(ReadAccount), NONE, One "Balance", account::balance, "What the account has now.";
    "/api/v1/sites/{site}/accounts/{account}/live" Access::Account(ReadAccount), NONE, Events "Balance", live::serve, "The balance as it changes.";
    "/api/v1/sites/{site}/accounts/{account}/curve" Access::Account(ReadAccount), CURVE, One "Curve", account::curve, "The account's load curve, with periods, tiers and prices.";
    "/api/v1/sites/{site}/accounts/{account}/months" Access::Account(ReadAccount), PAGE, Page "MonthSum", account::months, "The account's months, the newest first.";
    "/api/v1/sites/{site}/accounts/{account}/months/{month}/days" Access::Account(ReadAccount), NONE, One "Days", account::days, "The days of a month: energy by period, and charges.";
    "/api/v1/sites/{site}/accounts/{account}/tiers" Access::Account(ReadAccount), PAGE, Page "TierProgress", account::tiers, "Where the account stands in its tiers now.";
    "/api/v1/sites/{site}/accounts/{account}/bills" Access::Account(ReadAccount), PAGE, Page "BillRow", account::bills, "The account's bills, the newest first.";
    "/api/v1/sites/{site}/accounts/{account}/bills/{month}" Access::Account(ReadAccount), NONE, One "Bill", account::bill, "A bill: as issued, or as it stands.";
    "/api/v1/sites/{site}/accounts/{account}/bills/{month}/lines/{line}" Access::Account(ReadAccount), NONE, One "Explanation", account::explain, "How a line of an issued bill came about.";
    "/api/v1/sites/{site}/accounts/{account}/ledger" Access::Account(ReadAccount), RANGE, One "Ledger", account::ledger, "The account's ledger, with the balance after each row.";
}
