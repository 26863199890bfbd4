//! Bills: those that were issued, as they were issued, and those under way, by the facts of now.

use std::collections::BTreeMap;

use domain::billing::AccountMonth;
use domain::event::{
    AccountId, BillAdjustment, BillIssued, BillLine, BillShare, PoolId, RechargeKind, SortedLineKey, TaxMode, Unit, hex,
};
use domain::quantity::{Energy, Instant, Money, Month};
use domain::rating::LineKeyExt as _;
use projections::bill::show_quantity;
use serde::Serialize;
use utoipa::ToSchema;

use super::room::name_of;
use super::{Amount, Kwh, QueryError, View, When};

/// A bill in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct BillRow {
    /// The local month.
    pub month: String,
    /// Its number; none while it is under way.
    pub number: Option<i64>,
    /// When it was issued.
    pub issued: Option<When>,
    /// All charges.
    pub charges: Amount,
    /// The balance at its end.
    pub closing_balance: Amount,
    /// Why it is held; nothing where it is not.
    pub held: Vec<String>,
}

/// Where a line comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Source {
    /// The account's own point.
    Point {
        /// The point.
        point: String,
        /// The tariff.
        tariff: String,
        /// Its version.
        version: i64,
    },
    /// A share of a pool.
    Pool {
        /// The pool.
        pool: String,
        /// Versions of the rule that applied.
        rules: Vec<i64>,
        /// Energy of the whole pool.
        pool_kwh: Kwh,
        /// Cost of the whole pool.
        pool_amount: Amount,
    },
}

/// A line of a bill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Line {
    /// From 1: the account's own lines first, then its shares.
    pub line: usize,
    /// `energy`, `adder`, `demand`, `fixed`, `minimum`, `surcharge`, `rounding` or `share`.
    pub component: String,
    /// Of a line that the tariff names.
    pub name: Option<String>,
    /// Of an energy line, or a demand line that names one.
    pub period: Option<String>,
    /// Of an energy or demand line, from 1.
    pub tier: Option<i64>,
    /// In its unit.
    pub quantity: String,
    /// `kWh`, `kW`, `day`, `month` or `amount`.
    pub unit: String,
    /// As published; none of a share.
    pub price: Option<String>,
    /// Days held, of lines by the month.
    pub days: Option<i64>,
    /// Days of the month, of lines by the month.
    pub of_days: Option<i64>,
    /// How much of the energy is interpolated.
    pub interpolated: Kwh,
    /// The amount.
    pub amount: Amount,
    /// Where it comes from.
    pub source: Source,
}

/// The tax of a bill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Tax {
    /// As the law names it.
    pub name: String,
    /// 0.05 is 5 %.
    pub rate: String,
    /// `exclusive`: added; `inclusive`: in the prices.
    pub mode: String,
    /// Added, or contained.
    pub amount: Amount,
}

/// A change of an earlier month since the bill before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Adjustment {
    /// The earlier month.
    pub month: String,
    /// What of it.
    pub what: String,
    /// Difference of the quantities, in the line's unit.
    pub quantity: Option<String>,
    /// Difference of the amounts.
    pub amount: Amount,
}

/// Money in or back, or a manual posting, of the month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Cash {
    /// When.
    pub time: When,
    /// `recharge`, `refund`, `reversal` or `posting`.
    pub kind: String,
    /// Its reference.
    pub reference: String,
    /// With sign.
    pub amount: Amount,
}

/// An event that a bill is recorded in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct BillEvent {
    /// Its number in the site's order, from 1.
    pub position: u64,
    /// The hash of its bytes: its leaf in the site's Merkle tree, in hexadecimal.
    pub leaf: String,
}

/// A bill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Bill {
    /// The account.
    pub account: String,
    /// The local month.
    pub month: String,
    /// Its number; none while it is under way.
    pub number: Option<i64>,
    /// When it was issued; none while it is under way.
    pub issued: Option<When>,
    /// Balance at the month's beginning.
    pub opening_balance: Amount,
    /// Balance at its end; while it is under way, now.
    pub closing_balance: Amount,
    /// Lines of the account's own points.
    pub indoor: Vec<Line>,
    /// Shares of pools.
    pub shared: Vec<Line>,
    /// Their tax.
    pub tax: Option<Tax>,
    /// Changes of earlier months.
    pub adjustments: Vec<Adjustment>,
    /// Money in and back, and manual postings.
    pub cash: Vec<Cash>,
    /// Energy of the account's own points.
    pub indoor_kwh: Kwh,
    /// Energy of its shares.
    pub shared_kwh: Kwh,
    /// Sum of the account's own lines.
    pub indoor_amount: Amount,
    /// Sum of its shares.
    pub shared_amount: Amount,
    /// All charges.
    pub charges: Amount,
    /// Points without a reading at or after the month's end.
    pub silent: Vec<String>,
    /// Why it is held; nothing where it is not.
    pub held: Vec<String>,
    /// Where it stands in the log, with its hash: a long bill is several events; none while it is under way.
    pub events: Vec<BillEvent>,
}

/// The parts of an issued bill.
pub(super) fn issued<'a>(view: &View<'a>, account: &AccountId, month: Month) -> Option<&'a Vec<BillIssued>> {
    let mut all = view.site.issued().values();
    all.find(|parts| parts.first().is_some_and(|bill| bill.account == *account && bill.month == month))
}

fn held(view: &View<'_>, account: &AccountId, month: Month) -> Vec<String> {
    let reasons = view.site.held().get(&(month, account.clone()));
    reasons.into_iter().flatten().map(|reason| reason.code.clone()).collect()
}

/// The instants of a month, up to now.
fn span(view: &View<'_>, month: Month) -> (Instant, Instant) {
    let calendar = &view.premises().calendar;
    let (from, until) = (calendar.start_of(month.first()), calendar.end_of(month.last()));
    (from, until.min(view.until().plus(1)).max(from))
}

/// Charges of all months before one, by the facts of now.
fn charged_before(view: &View<'_>, account: &AccountId, month: Month) -> Money {
    let before = view.months().filter(|one| *one < month).filter_map(|one| view.target(one)?.accounts.get(account));
    before.map(|of| of.charges()).sum()
}

fn opening(view: &View<'_>, account: &AccountId, month: Month) -> Money {
    let premises = view.premises();
    let start = premises.calendar.start_of(month.first());
    let opened = premises.accounts.get(account).copied().unwrap_or_default();
    opened + view.site.ledger().cash(account, start.plus(-1)) - charged_before(view, account, month)
}

fn charges(view: &View<'_>, account: &AccountId, month: Month) -> Money {
    view.target(month).and_then(|target| target.accounts.get(account)).map_or(Money::ZERO, |of| of.charges())
}

fn closing(view: &View<'_>, account: &AccountId, month: Month) -> Money {
    let (from, until) = span(view, month);
    let ledger = view.site.ledger();
    let cash: Money = ledger.recharges(account, from, until).map(|one| one.amount).sum();
    let posted: Money = ledger.postings(account, from, until).map(|one| one.amount).sum();
    opening(view, account, month) + cash + posted - charges(view, account, month)
}

/// The bills of an account, the newest first; the months that are not billed yet come first, as they stand.
pub fn bills(view: &View<'_>, account: &AccountId) -> Result<Vec<BillRow>, QueryError> {
    view.account(account)?;
    let show = view.show();
    let row = |month: Month| {
        let bill = issued(view, account, month).and_then(|parts| parts.first());
        BillRow {
            month: month.to_string(),
            number: bill.map(|bill| bill.number),
            issued: bill.map(|bill| show.when(bill.issued)),
            charges: show.money(bill.map_or_else(|| charges(view, account, month), |bill| bill.totals.charges_minor)),
            closing_balance: show
                .money(bill.map_or_else(|| closing(view, account, month), |bill| bill.closing_balance_minor)),
            held: held(view, account, month),
        }
    };
    Ok(months_of(view, account).into_iter().rev().map(row).collect())
}

/// The months that an account has a bill of, or will have.
fn months_of(view: &View<'_>, account: &AccountId) -> Vec<Month> {
    let bills = view.site.issued().values().filter_map(|parts| parts.first());
    let mut all: Vec<Month> = bills.filter(|bill| bill.account == *account).map(|bill| bill.month).collect();
    let open = |month: &Month| issued(view, account, *month).is_none() && has_something(view, account, *month);
    all.extend(view.months().filter(open));
    all.sort_unstable();
    all.dedup();
    all
}

fn has_something(view: &View<'_>, account: &AccountId, month: Month) -> bool {
    let (from, until) = span(view, month);
    let ledger = view.site.ledger();
    view.target(month).is_some_and(|target| target.accounts.contains_key(account))
        || ledger.recharges(account, from, until).next().is_some()
        || ledger.postings(account, from, until).next().is_some()
}

/// A bill of an account: as issued, or, while it is under way, as it stands.
pub fn bill(view: &View<'_>, account: &AccountId, month: Month) -> Result<Bill, QueryError> {
    view.account(account)?;
    if let Some(parts) = issued(view, account, month)
        && let Some(first) = parts.first()
    {
        return Ok(as_issued(view, parts, first));
    }
    let of = view.target(month).and_then(|target| target.accounts.get(account));
    if of.is_none() && !has_something(view, account, month) {
        return Err(QueryError::UnknownBill { account: account.clone(), month });
    }
    let nothing = AccountMonth::default();
    Ok(under_way(view, account, month, of.map_or(&nothing, |of| of)))
}

fn decimals(view: &View<'_>) -> u8 {
    view.premises().site().currency_decimals
}

fn own_line(view: &View<'_>, number: usize, line: &BillLine) -> Line {
    let key = &line.key;
    Line {
        line: number,
        component: name_of(key.component),
        name: key.name.clone(),
        period: key.period.clone(),
        tier: key.tier,
        quantity: show_quantity(line.quantity, line.unit, decimals(view)),
        unit: name_of(line.unit),
        price: Some(line.price.to_string()),
        days: line.days,
        of_days: line.of_days,
        interpolated: Kwh::new(line.interpolated_mwh),
        amount: view.show().money(line.amount_minor),
        source: Source::Point { point: key.point.to_string(), tariff: key.tariff.to_string(), version: key.version },
    }
}

fn share_line(view: &View<'_>, number: usize, share: &BillShare) -> Line {
    let show = view.show();
    Line {
        line: number,
        component: "share".to_owned(),
        name: Some(pool_name(view, &share.pool)),
        period: None,
        tier: None,
        quantity: share.energy_mwh.kwh(),
        unit: name_of(Unit::Kwh),
        price: None,
        days: None,
        of_days: None,
        interpolated: Kwh::new(Energy::ZERO),
        amount: show.money(share.amount_minor),
        source: Source::Pool {
            pool: share.pool.to_string(),
            rules: share.rules.clone(),
            pool_kwh: Kwh::new(share.pool_energy_mwh),
            pool_amount: show.money(share.pool_amount_minor),
        },
    }
}

fn pool_name(view: &View<'_>, pool: &PoolId) -> String {
    view.premises()
        .pools
        .get(pool)
        .map(|pool| pool.name.clone())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| pool.to_string())
}

fn what_of(view: &View<'_>, one: &BillAdjustment) -> String {
    let of_key = |key: &SortedLineKey| {
        let parts =
            [Some(name_of(key.component)), key.name.clone(), key.period.clone(), key.tier.map(|tier| tier.to_string())];
        format!("{} {}", key.point, parts.into_iter().flatten().collect::<Vec<_>>().join(" "))
    };
    match (&one.line, &one.pool, &one.tax) {
        (Some(key), ..) => of_key(key),
        (None, Some(pool), _) => pool_name(view, pool),
        (None, None, tax) => tax.clone().unwrap_or_default(),
    }
}

fn as_issued(view: &View<'_>, parts: &[BillIssued], first: &BillIssued) -> Bill {
    let (show, decimals) = (view.show(), decimals(view));
    let own: Vec<&BillLine> = parts.iter().flat_map(|part| &part.indoor).collect();
    let shares = parts.iter().flat_map(|part| &part.shared);
    let after = own.len().saturating_add(1);
    let cash = parts.iter().flat_map(|part| &part.recharges).map(|one| Cash {
        time: show.when(one.time),
        kind: name_of(one.kind),
        reference: one.reference.clone(),
        amount: show.money(one.amount_minor),
    });
    let posted = parts.iter().flat_map(|part| &part.postings).map(|one| Cash {
        time: show.when(one.time),
        kind: "posting".to_owned(),
        reference: one.reference.clone(),
        amount: show.money(one.amount_minor),
    });
    let adjustments = parts.iter().flat_map(|part| &part.adjustments).map(|one| Adjustment {
        month: one.month.to_string(),
        what: what_of(view, one),
        quantity: one.quantity.zip(one.unit).map(|(quantity, unit)| show_quantity(quantity, unit, decimals)),
        amount: show.money(one.amount_minor),
    });
    let tax = first.tax.as_ref().map(|tax| Tax {
        name: tax.name.clone(),
        rate: tax.rate.to_string(),
        mode: name_of(tax.mode),
        amount: show.money(tax.amount_minor),
    });
    let totals = &first.totals;
    Bill {
        account: first.account.to_string(),
        month: first.month.to_string(),
        number: Some(first.number),
        issued: Some(show.when(first.issued)),
        opening_balance: show.money(first.opening_balance_minor),
        closing_balance: show.money(first.closing_balance_minor),
        indoor: own.iter().zip(1..).map(|(line, number)| own_line(view, number, line)).collect(),
        shared: shares.zip(after..).map(|(share, number)| share_line(view, number, share)).collect(),
        tax,
        adjustments: adjustments.collect(),
        cash: cash.chain(posted).collect(),
        indoor_kwh: Kwh::new(totals.indoor_mwh),
        shared_kwh: Kwh::new(totals.shared_mwh),
        indoor_amount: show.money(totals.indoor_minor),
        shared_amount: show.money(totals.shared_minor),
        charges: show.money(totals.charges_minor),
        silent: parts.iter().flat_map(|part| &part.silent).map(ToString::to_string).collect(),
        held: Vec::new(),
        events: events(view, first.number),
    }
}

fn events(view: &View<'_>, number: i64) -> Vec<BillEvent> {
    let event = |(position, leaf): &(u64, [u8; 32])| BillEvent { position: *position, leaf: hex(leaf) };
    view.site.bill_events(number).iter().map(event).collect()
}

/// The lines of a month to date in the form of a bill's.
fn lines_to_date(of: &AccountMonth) -> Vec<BillLine> {
    let line = |(key, line): (&domain::event::LineKey, &domain::rating::Line)| BillLine {
        amount_minor: line.amount,
        days: line.days,
        interpolated_mwh: line.interpolated,
        key: key.sorted(),
        of_days: line.of_days,
        price: line.price,
        quantity: line.quantity,
        round: line.round,
        unit: line.unit,
    };
    of.lines.iter().map(line).collect()
}

fn shares_to_date(view: &View<'_>, month: Month, of: &AccountMonth) -> Vec<BillShare> {
    let pools = view.target(month).map(|target| &target.pools);
    let share = |(pool, share): (&PoolId, &domain::billing::Share)| {
        let rated = pools.and_then(|pools| pools.get(pool));
        BillShare {
            amount_minor: share.amount,
            energy_mwh: share.energy,
            pool: pool.clone(),
            pool_amount_minor: rated.map_or(Money::ZERO, domain::allocation::PoolMonth::amount),
            pool_energy_mwh: rated.map_or(Energy::ZERO, domain::allocation::PoolMonth::energy),
            rules: rated.map(domain::allocation::PoolMonth::rules).unwrap_or_default(),
        }
    };
    of.shared.iter().map(share).collect()
}

fn under_way(view: &View<'_>, account: &AccountId, month: Month, of: &AccountMonth) -> Bill {
    let show = view.show();
    let (own, shares) = (lines_to_date(of), shares_to_date(view, month, of));
    let after = own.len().saturating_add(1);
    let tax = of.tax.as_ref().map(|tax| Tax {
        name: tax.name.clone(),
        rate: tax.rate.to_string(),
        mode: name_of(tax.mode),
        amount: show.money(match tax.mode {
            TaxMode::Exclusive => tax.amount,
            TaxMode::Inclusive => Money::ZERO,
        }),
    });
    let by_period: BTreeMap<_, Energy> = super::month::energy_by_period(of);
    Bill {
        account: account.to_string(),
        month: month.to_string(),
        number: None,
        issued: None,
        opening_balance: show.money(opening(view, account, month)),
        closing_balance: show.money(closing(view, account, month)),
        indoor: own.iter().zip(1..).map(|(line, number)| own_line(view, number, line)).collect(),
        shared: shares.iter().zip(after..).map(|(share, number)| share_line(view, number, share)).collect(),
        tax,
        adjustments: Vec::new(),
        cash: cash_of(view, account, span(view, month)),
        indoor_kwh: Kwh::new(by_period.values().copied().sum()),
        shared_kwh: Kwh::new(of.shared.values().map(|share| share.energy).sum()),
        indoor_amount: show.money(of.indoor()),
        shared_amount: show.money(of.shared_amount()),
        charges: show.money(of.charges()),
        silent: Vec::new(),
        held: held(view, account, month),
        events: Vec::new(),
    }
}

/// Money in and back, and manual postings, within `[from, until)`.
pub(super) fn cash_of(view: &View<'_>, account: &AccountId, (from, until): (Instant, Instant)) -> Vec<Cash> {
    let (show, ledger) = (view.show(), view.site.ledger());
    let cash = ledger.recharges(account, from, until).map(|one| {
        let kind: RechargeKind = one.kind;
        (one.time, name_of(kind), one.reference.clone(), one.amount)
    });
    let posted = ledger
        .postings(account, from, until)
        .map(|one| (one.counts, "posting".to_owned(), one.reference.clone(), one.amount));
    let mut all: Vec<_> = cash.chain(posted).collect();
    all.sort_by_key(|(time, ..)| *time);
    let row =
        |(time, kind, reference, amount)| Cash { time: show.when(time), kind, reference, amount: show.money(amount) };
    all.into_iter().map(row).collect()
}
