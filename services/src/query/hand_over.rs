//! A unit changes hands: what its meters show at that instant, and the bill of who leaves.

use domain::event::{AccountId, MeterId, PointId, UnitId};
use domain::metering::MeterRegister;
use domain::premises::Subject;
use domain::quantity::{Date, Energy, Instant, Money, Month};

use super::{Amount, Bill, Kwh, QueryError, View, When, bill, bills};

/// How a register at an instant is known (BILLING §3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// It was read at that instant.
    Read,
    /// It lies between two readings, in proportion to the time.
    Between(When, When),
    /// It was not read since; what was used after the last reading comes with the next one.
    Waits(Option<When>),
}

/// A meter at the hand-over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandedMeter {
    /// The meter.
    pub meter: MeterId,
    /// Where it measures.
    pub point: PointId,
    /// What it shows.
    pub register: Kwh,
    /// How that is known.
    pub known: Known,
}

/// What the meters of a unit show at an instant: the one's last figure and the other's first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandOver {
    /// The unit.
    pub unit: UnitId,
    /// The instant.
    pub at: When,
    /// Its meters.
    pub meters: Vec<HandedMeter>,
}

/// What is not in a final bill yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToCome {
    /// The hand-over is still ahead: what is used until then.
    Use,
    /// A meter was not read since the hand-over.
    Reading(MeterId),
    /// Charges by day and shared costs up to this day are settled then.
    Settlement(Date, When),
    /// The account holds another unit.
    Lease(UnitId),
    /// The tariff has a minimum charge, which the month's end decides.
    Minimum(Month),
    /// The month's bill is held.
    Held(Month),
    /// The month's bill is issued then.
    Bill(Month, When),
}

/// What is owed by who leaves, as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinalBill {
    /// Whose.
    pub account: AccountId,
    /// Up to when energy is counted.
    pub as_of: When,
    /// The months that are not billed yet, and that of the hand-over.
    pub bills: Vec<Bill>,
    /// The balance that is left, with all energy up to `as_of`.
    pub balance: Amount,
    /// What can be paid back now: not above the settled balance (BILLING §7).
    pub refund: Amount,
    /// What is still to come.
    pub to_come: Vec<ToCome>,
}

impl FinalBill {
    /// Whether nothing moves the balance any more but a correction.
    pub fn is_final(&self) -> bool {
        self.to_come.is_empty()
    }
}

/// A move: what is handed over, and of one who leaves the bill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// What is handed over.
    pub hand_over: HandOver,
    /// The bill of who leaves.
    pub leaves: Option<FinalBill>,
}

fn handed(view: &View<'_>, register: MeterRegister<'_>, at: Instant) -> HandedMeter {
    let show = view.show();
    let table = register.installation();
    let exact = register.accepted(at, at.plus(1)).next().is_some();
    let [before, after] = register.neighbours(at).map(|one| one.map(|(time, _)| show.when(time)));
    let known = match (before, after) {
        _ if exact => Known::Read,
        (Some(before), Some(after)) => Known::Between(before, after),
        (before, None) => Known::Waits(before),
        // Before its first reading it stood as it was installed.
        (None, Some(_)) => Known::Read,
    };
    let mwh = register.register_at(at);
    let mwh = table.modulus_mwh.and_then(|modulus| mwh.checked_rem_euclid(modulus)).unwrap_or(mwh);
    HandedMeter {
        meter: register.id().clone(),
        point: table.point.clone(),
        register: Kwh::new(Energy::new(mwh)),
        known,
    }
}

/// What the meters of a unit show at an instant.
pub fn hand_over(view: &View<'_>, unit: &UnitId, at: Instant) -> HandOver {
    let (premises, metering) = (view.premises(), view.site.metering());
    let points: Vec<&PointId> = premises.points_of(unit).map(|point| &point.id).collect();
    let registers = premises.meters.values().filter_map(|meter| metering.register(&meter.id));
    let here = registers.filter(|one| points.contains(&&one.installation().point) && one.installed_at(at));
    let meters = here.map(|register| handed(view, register, at)).collect();
    HandOver { unit: unit.clone(), at: view.show().when(at), meters }
}

/// What is still to come of an account that leaves a unit, by the facts of now.
fn to_come(view: &View<'_>, account: &AccountId, handed: &HandOver, settles: bool) -> Vec<ToCome> {
    let (premises, show, at) = (view.premises(), view.show(), handed.at.utc);
    let calendar = &premises.calendar;
    let site = premises.site();
    let last = calendar.day_of(at.plus(-1));
    let mut all = Vec::new();
    if view.until() < at {
        all.push(ToCome::Use);
    } else {
        let waits = handed.meters.iter().filter(|meter| matches!(meter.known, Known::Waits(_)));
        all.extend(waits.map(|meter| ToCome::Reading(meter.meter.clone())));
    }
    let others = premises.units_held(account, at.max(view.until()));
    all.extend(others.into_iter().filter(|unit| **unit != handed.unit).map(|unit| ToCome::Lease(unit.clone())));
    let settled = view.site.settled_to().is_some_and(|day| last <= day);
    if !settled {
        all.push(ToCome::Settlement(last, show.when(calendar.end_of(last).plus(site.settle_after_s))));
    } else if settles && let Some(due) = view.site.next_due() {
        all.push(ToCome::Settlement(calendar.day_of(view.until()).previous(), show.when(due.at)));
    }
    let month = last.month();
    let billed = |month: Month| bill::issued(view, account, month).is_some();
    let minimum = |point: &PointId| {
        let tariff = premises.tariff_on(&Subject::Point(point.clone()), last);
        tariff.is_some_and(|tariff| tariff.minimum.is_some())
    };
    if !billed(month) && premises.points_of(&handed.unit).any(|point| minimum(&point.id)) {
        all.push(ToCome::Minimum(month));
    }
    let held = view.site.held().keys().filter(|(_, of)| of == account);
    all.extend(held.map(|(month, _)| ToCome::Held(*month)));
    if !billed(month) {
        all.push(ToCome::Bill(month, show.when(calendar.end_of(month.last()).plus(site.bill_after_s))));
    }
    all
}

/// The bill of an account that leaves a unit at an instant.
pub fn final_bill(view: &View<'_>, account: &AccountId, unit: &UnitId, at: Instant) -> Result<FinalBill, QueryError> {
    let handed = hand_over(view, unit, at);
    let month = view.premises().calendar.day_of(at.plus(-1)).month();
    let open = bills(view, account)?;
    let mut months: Vec<Month> = open
        .iter()
        .filter_map(|row| Some((row.number, Month::parse(&row.month)?)))
        .filter(|(number, one)| number.is_none() || *one == month)
        .map(|(_, one)| one)
        .collect();
    months.sort_unstable();
    let bills = months.into_iter().map(|month| bill(view, account, month)).collect::<Result<_, _>>()?;
    let unknown = || QueryError::UnknownAccount(account.clone());
    let balance = view.moment.live.get(account).ok_or_else(unknown)?.balance;
    let settled = view.site.balance(account, view.until());
    let show = view.show();
    Ok(FinalBill {
        account: account.clone(),
        as_of: show.when(view.until()),
        bills,
        balance: show.money(balance),
        refund: show.money(balance.min(settled).max(Money::ZERO)),
        to_come: to_come(view, account, &handed, balance != settled),
    })
}
