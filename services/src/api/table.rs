//! The one table of operations: path, who may, what it takes and what it gives.

use std::sync::Arc;

use axum::routing::{MethodRouter, get, post};

use super::{account, export, live, openapi, site, write};
use crate::identity::Permission::{
    Approve, ChangeRules, Export, HandleAlarms, MoveMoney, ReadAccount, ReadAudit, ReadSite, SwitchSupply,
};
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
    /// `table`: what rows there are.
    Table,
    /// `through`: the position of the log that it is by.
    Through,
    /// `known_at`: up to when, or where in the log, what was received counts.
    KnownAt,
    /// `event`: an event, by position or id.
    Event,
    /// `size`: how many events a tree is over.
    Size,
    /// `since`: the size of an older tree.
    Since,
}

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// It reads.
    Get,
    /// It writes, once under its key.
    Post,
}

/// An operation.
#[derive(Debug, Clone, Copy)]
pub struct Operation {
    /// Whether it reads or writes.
    pub method: Method,
    /// Its path, with axum's and `OpenAPI`'s `{parameters}`.
    pub path: &'static str,
    /// Who may.
    pub access: Access,
    /// What it is, in a few words.
    pub summary: &'static str,
    /// What it can be told.
    pub parameters: &'static [Parameter],
    /// The schema of a write's body.
    pub body: &'static str,
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
    /// A file of one of the formats of exports.
    File,
    /// A bundle.
    Bundle,
}

use Parameter::{Cursor, Event, From, KnownAt, Limit, LossPercent, Since, Size, Step, Table, Through, Until};

const NONE: &[Parameter] = &[];
const RANGE: &[Parameter] = &[From, Until];
const CURVE: &[Parameter] = &[From, Until, Step];
const PAGE: &[Parameter] = &[Limit, Cursor];
const KNOWN: &[Parameter] = &[KnownAt];
const KNOWN_RANGE: &[Parameter] = &[From, Until, KnownAt];
const KNOWN_PAGE: &[Parameter] = &[Limit, Cursor, KnownAt];
const PROOF: &[Parameter] = &[Event, Size, Since];
const PAGED_RANGE: &[Parameter] = &[From, Until, Limit, Cursor];

macro_rules! operations {
    (
        $($path:literal $access:expr, $parameters:expr, $form:ident $answer:literal, $handler:path, $summary:literal;)*
        write: $($at:literal $may:expr, $body:literal, $write:path, $what:literal;)*
    ) => {
        /// Every operation.
        pub const OPERATIONS: &[Operation] = &[$(Operation {
            method: Method::Get,
            path: $path,
            access: $access,
            summary: $summary,
            parameters: $parameters,
            body: "",
            answer: $answer,
            form: Form::$form,
            handler: || get($handler),
        },)* $(Operation {
            method: Method::Post,
            path: $at,
            access: $may,
            summary: $what,
            parameters: NONE,
            body: $body,
            answer: "Written",
            form: Form::One,
            handler: || post($write),
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
    "/api/v1/sites/{site}/pools/{pool}/days/{day}" Access::Site(ReadAudit), KNOWN, One "Allocation", site::allocation, "How a pool's day was split.";
    "/api/v1/sites/{site}/in-force/{day}" Access::Site(ReadAudit), KNOWN, One "InForce", site::in_force, "By which tariff each point is billed on a day, and by which rule each pool is split.";
    "/api/v1/sites/{site}/recharges" Access::Site(ReadSite), PAGED_RANGE, Page "RechargeRow", site::recharges, "Money in and back, the newest first.";
    "/api/v1/sites/{site}/quarantine" Access::Site(ReadSite), PAGED_RANGE, Page "QuarantinedReading", site::quarantine, "Readings that are kept, but not booked.";
    "/api/v1/sites/{site}/holds" Access::Site(ReadSite), NONE, One "Holds", site::holds, "Bills and steps of supply that are held.";
    "/api/v1/sites/{site}/changes" Access::Site(ReadAudit), PAGE, Page "ChangeRow", site::changes, "Who changed what and why, the newest first.";
    "/api/v1/sites/{site}/close-check/{month}" Access::Site(ReadAudit), &[LossPercent], One "CloseCheck", site::close_check, "Whether a month can be closed.";
    "/api/v1/sites/{site}/liability/{day}" Access::Site(Export), NONE, One "Owed", site::liability, "What is owed to tenants at a day's end: the closing balances of a journal export to that day.";
    "/api/v1/sites/{site}/replay" Access::Site(ReadAudit), NONE, One "Replayed", site::replay, "Every decision computed anew and compared.";
    "/api/v1/sites/{site}/proof" Access::Site(ReadAudit), PROOF, One "Proof", site::proof, "That an event is in the site's Merkle tree, and that the tree grew out of an older one.";
    "/api/v1/sites/{site}/bundle" Access::Site(ReadAudit), &[Through], Bundle "", export::bundle, "All events of the site as one file, as they are stored; `tallywatt verify` checks it.";
    "/api/v1/sites/{site}/export/{format}" Access::Site(Export), &[From, Until, Step, Table, Through], File "", export::get, "The books as a file; its ETag is the position that it is by.";
    "/api/v1/sites/{site}/accounts/{account}/balance" Access::Account(ReadAccount), NONE, One "Balance", account::balance, "What the account has now.";
    "/api/v1/sites/{site}/accounts/{account}/live" Access::Account(ReadAccount), NONE, Events "Balance", live::serve, "The balance as it changes.";
    "/api/v1/sites/{site}/accounts/{account}/curve" Access::Account(ReadAccount), CURVE, One "Curve", account::curve, "The account's load curve, with periods, tiers and prices.";
    "/api/v1/sites/{site}/accounts/{account}/months" Access::Account(ReadAccount), PAGE, Page "MonthSum", account::months, "The account's months, the newest first.";
    "/api/v1/sites/{site}/accounts/{account}/months/{month}/days" Access::Account(ReadAccount), KNOWN, One "Days", account::days, "The days of a month: energy by period, and charges.";
    "/api/v1/sites/{site}/accounts/{account}/tiers" Access::Account(ReadAccount), PAGE, Page "TierProgress", account::tiers, "Where the account stands in its tiers now.";
    "/api/v1/sites/{site}/accounts/{account}/bills" Access::Account(ReadAccount), KNOWN_PAGE, Page "BillRow", account::bills, "The account's bills, the newest first.";
    "/api/v1/sites/{site}/accounts/{account}/bills/{month}" Access::Account(ReadAccount), KNOWN, One "Bill", account::bill, "A bill: as issued, or as it stands.";
    "/api/v1/sites/{site}/accounts/{account}/bills/{month}/lines/{line}" Access::Account(ReadAccount), NONE, One "Explanation", account::explain, "How a line of an issued bill came about.";
    "/api/v1/sites/{site}/accounts/{account}/ledger" Access::Account(ReadAccount), KNOWN_RANGE, One "Ledger", account::ledger, "The account's ledger, with the balance after each row.";
    "/api/v1/sites/{site}/accounts/{account}/proof" Access::Account(ReadAccount), PROOF, One "Proof", account::proof, "That an event of the account is in the site's Merkle tree.";
    "/api/v1/sites/{site}/accounts/{account}/payments" Access::Account(ReadAccount), PAGED_RANGE, Page "RechargeRow", account::payments, "The account's payments and where each stands, the newest first.";
    write:
    "/api/v1/sites/{site}/accounts/{account}/recharges" Access::Account(MoveMoney), "RechargeOrder", write::recharge, "Credits money that a person took.";
    "/api/v1/sites/{site}/accounts/{account}/refunds" Access::Account(MoveMoney), "MoneyOrder", write::refund, "Gives money back.";
    "/api/v1/sites/{site}/accounts/{account}/postings" Access::Account(MoveMoney), "MoneyOrder", write::post, "Posts an amount by hand.";
    "/api/v1/sites/{site}/accounts/{account}/dispute/open" Access::Account(SwitchSupply), "ReasonOrder", write::open_dispute, "The account complains.";
    "/api/v1/sites/{site}/accounts/{account}/dispute/close" Access::Account(SwitchSupply), "ReasonOrder", write::close_dispute, "The account's complaint is settled.";
    "/api/v1/sites/{site}/tariffs" Access::Site(ChangeRules), "TablesOrder", write::tariff, "A tariff version comes into force.";
    "/api/v1/sites/{site}/rules" Access::Site(ChangeRules), "TablesOrder", write::rule, "A version of a pool's rule comes into force.";
    "/api/v1/sites/{site}/corrections" Access::Site(ChangeRules), "TablesOrder", write::correct, "Tables are said anew.";
    "/api/v1/sites/{site}/leases" Access::Site(ChangeRules), "LeaseOrder", write::lease, "A tenant moves in or out.";
    "/api/v1/sites/{site}/readings/withdraw" Access::Site(ChangeRules), "ReadingOrder", write::withdraw, "An accepted reading is left out.";
    "/api/v1/sites/{site}/readings/release" Access::Site(ChangeRules), "ReadingOrder", write::release, "A quarantined or withdrawn reading is let in.";
    "/api/v1/sites/{site}/proposals/{proposal}/approve" Access::Site(Approve), "PlainOrder", write::approve, "The second person approves what another one proposed.";
    "/api/v1/sites/{site}/points/{point}/supply" Access::Site(SwitchSupply), "SwitchOrder", write::switch, "Asks for supply to be cut or restored.";
    "/api/v1/sites/{site}/points/{point}/supply/approve" Access::Site(Approve), "PlainOrder", write::approve_switch, "The second person approves what another one asked for.";
    "/api/v1/sites/{site}/points/{point}/supply/confirm" Access::Site(SwitchSupply), "PlainOrder", write::confirm, "Supply may come back.";
    "/api/v1/sites/{site}/points/{point}/protect" Access::Site(SwitchSupply), "ReasonOrder", write::protect, "The point is never cut from now on.";
    "/api/v1/sites/{site}/points/{point}/unprotect" Access::Site(SwitchSupply), "ReasonOrder", write::unprotect, "Takes a protection back.";
    "/api/v1/sites/{site}/weather" Access::Site(SwitchSupply), "WeatherOrder", write::weather, "Holds cuts in extreme weather.";
    "/api/v1/sites/{site}/alarms/acknowledge" Access::Site(HandleAlarms), "AlarmOrder", write::acknowledge, "Sees to an open alarm.";
    "/api/v1/sites/{site}/suspense/match" Access::Site(MoveMoney), "MatchOrder", write::match_payment, "Credits a payment in suspense to its account.";
    "/api/v1/sites/{site}/suspense/return" Access::Site(MoveMoney), "ReturnOrder", write::return_payment, "Sends a payment in suspense back.";
}
