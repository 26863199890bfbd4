//! The premises: every structural fact, by its key.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::{
    AccountId, Body, LeaseRecorded, MeterId, MeterInstalled, PointId, PointKind, PointRegistered, PoolId,
    RulePublished, SiteRegistered, TariffId, Tax, UnitId,
};
use crate::premises::Calendar;
use crate::quantity::{Date, Instant, Money, to_units};
use crate::tariff::Tariff;

/// What a tariff is assigned to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A point.
    Point(PointId),
    /// A pool.
    Pool(PoolId),
}

/// A pool and its points by date.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pool {
    /// For people.
    pub name: String,
    /// Its points before the first dated change.
    pub points: Vec<PointId>,
    /// Its points from a date on.
    pub dated_points: BTreeMap<Date, Vec<PointId>>,
}

/// Who holds a unit, and since when without a break.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holder {
    /// The account: the landlord's of a vacant unit.
    pub account: AccountId,
    /// Whether it holds by a lease.
    pub leased: bool,
    /// Since when: of leases of one account that follow each other, the first's start.
    pub since: Instant,
}

/// Every structural fact of a site, by its key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Premises {
    /// The site; the first fact of its log.
    pub site: Option<SiteRegistered>,
    /// Its local days.
    pub calendar: Calendar,
    /// Area in units of 10⁻⁸ m².
    pub units: BTreeMap<UnitId, i128>,
    /// Areas from a date on.
    pub areas: BTreeMap<(UnitId, Date), i128>,
    /// Points.
    pub points: BTreeMap<PointId, PointRegistered>,
    points_by_unit: BTreeMap<UnitId, BTreeSet<PointId>>,
    /// Meters.
    pub meters: BTreeMap<MeterId, MeterInstalled>,
    meters_by_point: BTreeMap<PointId, BTreeSet<MeterId>>,
    /// Opening balances.
    pub accounts: BTreeMap<AccountId, Money>,
    leases: BTreeMap<(AccountId, UnitId, Instant), LeaseRecorded>,
    leases_by_unit: BTreeMap<UnitId, Vec<LeaseRecorded>>,
    /// Tariff versions.
    pub tariffs: BTreeMap<(TariffId, i64), Tariff>,
    assignments: BTreeMap<Subject, BTreeMap<Date, TariffId>>,
    /// Pools.
    pub pools: BTreeMap<PoolId, Pool>,
    rules: BTreeMap<PoolId, BTreeMap<i64, RulePublished>>,
    taxes: BTreeMap<Date, Tax>,
    /// Holidays.
    pub holidays: BTreeSet<Date>,
    max_gaps: BTreeMap<Date, i64>,
    /// How many persons a change needs, where the site says.
    pub approvals: Option<i64>,
}

impl Premises {
    /// Whether an event is a structural fact: one that `apply` takes up.
    pub fn takes_up(body: &Body) -> bool {
        matches!(
            body,
            Body::SiteRegistered(_)
                | Body::CalendarPublished(_)
                | Body::UnitRegistered(_)
                | Body::PointRegistered(_)
                | Body::MeterInstalled(_)
                | Body::AccountOpened(_)
                | Body::LeaseRecorded(_)
                | Body::TariffPublished(_)
                | Body::TariffAssigned(_)
                | Body::PoolDefined(_)
                | Body::PoolPointsChanged(_)
                | Body::RulePublished(_)
                | Body::TaxSet(_)
                | Body::HolidayDeclared(_)
                | Body::AreaMeasured(_)
                | Body::MaxGapSet(_)
                | Body::ApprovalsSet(_)
        )
    }

    /// Takes up a structural fact; true if it was one.
    pub fn apply(&mut self, body: &Body) -> bool {
        match body {
            Body::SiteRegistered(data) => {
                self.holidays.extend(data.holidays.iter().copied());
                self.site = Some(data.clone());
            }
            Body::CalendarPublished(data) => self.calendar = Calendar::new(data),
            Body::UnitRegistered(data) => {
                self.units.insert(data.id.clone(), to_units(data.area_m2).expect("checked before it was appended"));
            }
            Body::PointRegistered(data) => {
                let before = self.points.insert(data.id.clone(), data.clone()).and_then(|point| point.unit);
                move_to(&mut self.points_by_unit, &data.id, before.as_ref(), data.unit.as_ref());
            }
            Body::MeterInstalled(data) => {
                let before = self.meters.insert(data.id.clone(), data.clone()).map(|meter| meter.point);
                move_to(&mut self.meters_by_point, &data.id, before.as_ref(), Some(&data.point));
            }
            Body::AccountOpened(data) => {
                self.accounts.insert(data.id.clone(), Money::new(data.opening_balance_minor));
            }
            Body::LeaseRecorded(data) => self.record_lease(data),
            Body::TariffPublished(data) => {
                self.tariffs.insert((data.id.clone(), data.version), Tariff::new(data));
            }
            Body::TariffAssigned(data) => {
                let subject = match (&data.point, &data.pool) {
                    (Some(point), _) => Subject::Point(point.clone()),
                    (None, Some(pool)) => Subject::Pool(pool.clone()),
                    (None, None) => return true,
                };
                self.assignments.entry(subject).or_default().insert(data.from, data.tariff.clone());
            }
            Body::PoolDefined(data) => {
                let pool = self.pools.entry(data.id.clone()).or_default();
                pool.name.clone_from(&data.name);
                pool.points.clone_from(&data.points);
            }
            Body::PoolPointsChanged(data) => {
                self.pools.entry(data.pool.clone()).or_default().dated_points.insert(data.from, data.points.clone());
            }
            Body::RulePublished(data) => {
                self.rules.entry(data.pool.clone()).or_default().insert(data.version, data.clone());
            }
            Body::TaxSet(data) => {
                self.taxes.insert(data.from, data.tax.clone());
            }
            Body::HolidayDeclared(data) => {
                self.holidays.insert(data.date);
            }
            Body::AreaMeasured(data) => {
                let area = to_units(data.area_m2).expect("checked before it was appended");
                self.areas.insert((data.unit.clone(), data.from), area);
            }
            Body::MaxGapSet(data) => {
                self.max_gaps.insert(data.from, data.max_gap_s);
            }
            Body::ApprovalsSet(data) => self.approvals = Some(data.persons),
            Body::ReadingsRecorded(_)
            | Body::ChangeRecorded(_)
            | Body::Supply(_)
            | Body::Alarm(_)
            | Body::Payment(_)
            | Body::ChangeProposed(_)
            | Body::RechargeSuspended(_)
            | Body::RechargeReceived(_)
            | Body::ReadingWithdrawn(_)
            | Body::ReadingReleased(_)
            | Body::PostingMade(_)
            | Body::PoolDayAllocated(_)
            | Body::AccountSettled(_)
            | Body::DaySettled(_)
            | Body::ComplianceChosen(_)
            | Body::SupplierBillReceived(_)
            | Body::ConsentGiven(_)
            | Body::FindingRaised(_)
            | Body::BillHeld(_)
            | Body::BillIssued(_) => return false,
        }
        true
    }

    fn record_lease(&mut self, lease: &LeaseRecorded) {
        let same = |one: &LeaseRecorded| one.account == lease.account && one.from == lease.from;
        let of_unit = self.leases_by_unit.entry(lease.unit.clone()).or_default();
        of_unit.retain(|one| !same(one));
        if lease.until.is_none_or(|until| until > lease.from) {
            of_unit.push(lease.clone());
        }
        of_unit.sort_by(|one, other| (one.from, &one.account).cmp(&(other.from, &other.account)));
        self.leases.insert((lease.account.clone(), lease.unit.clone(), lease.from), lease.clone());
    }

    /// The site's own facts.
    ///
    /// # Panics
    /// Before the site is registered: its first fact.
    pub fn site(&self) -> &SiteRegistered {
        self.site.as_ref().expect("a log begins with its site")
    }

    /// The leases of a unit in time order, without those that are none.
    pub fn leases_of(&self, unit: &UnitId) -> &[LeaseRecorded] {
        self.leases_by_unit.get(unit).map_or(&[], Vec::as_slice)
    }

    /// Who holds a unit at an instant (`from <= t < until`).
    pub fn holder_at(&self, unit: &UnitId, at: Instant) -> Holder {
        self.holder(unit, |lease| lease.from <= at && lease.until.is_none_or(|until| at < until), at)
    }

    /// The units that an account holds by lease at an instant, in the order of their ids.
    pub fn units_held(&self, account: &AccountId, at: Instant) -> Vec<&UnitId> {
        // No id is before a single space: control characters are in none.
        let Some(least) = UnitId::try_new(" ") else { return Vec::new() };
        let leases = self.leases.range((account.clone(), least, Instant::new(i64::MIN))..);
        let mut units: Vec<&UnitId> =
            leases.take_while(|((holder, ..), _)| holder == account).map(|((_, unit, _), _)| unit).collect();
        units.dedup();
        units.retain(|unit| {
            let holder = self.holder_at(unit, at);
            holder.leased && holder.account == *account
        });
        units
    }

    /// Who holds a unit at a day's end (`from < end <= until`).
    pub fn holder_at_end(&self, unit: &UnitId, end: Instant) -> Holder {
        self.holder(unit, |lease| lease.from < end && lease.until.is_none_or(|until| end <= until), end)
    }

    fn holder(&self, unit: &UnitId, covers: impl Fn(&LeaseRecorded) -> bool, at: Instant) -> Holder {
        let leases = self.leases_of(unit);
        let Some(index) = leases.iter().position(covers) else {
            let since = leases.iter().filter_map(|lease| lease.until.filter(|until| *until <= at)).max();
            return Holder {
                account: self.site().landlord.clone(),
                leased: false,
                since: since.unwrap_or(Instant::new(i64::MIN)),
            };
        };
        let mut before = leases.iter().take(index.saturating_add(1)).rev();
        let lease = before.next().expect("the index is of this list");
        let mut since = lease.from;
        for earlier in before {
            if earlier.account != lease.account || earlier.until != Some(since) {
                break;
            }
            since = earlier.from;
        }
        Holder { account: lease.account.clone(), leased: true, since }
    }

    /// Whether any tariff has prices or bounds that depend on the whole month.
    pub fn depends_on_month(&self) -> bool {
        self.tariffs.values().any(Tariff::depends_on_month)
    }

    /// The tariff version in force for a subject on a day.
    pub fn tariff_on(&self, subject: &Subject, day: Date) -> Option<&Tariff> {
        let id = self.assignments.get(subject)?.range(..=day).next_back()?.1;
        self.tariffs
            .range((id.clone(), i64::MIN)..=(id.clone(), i64::MAX))
            .map(|(_, tariff)| tariff)
            .filter(|tariff| tariff.from <= day)
            .max_by_key(|tariff| (tariff.from, tariff.version))
    }

    /// What a tariff is or was assigned to, points first.
    pub fn subjects_of<'a>(&'a self, tariff: &'a TariffId) -> impl Iterator<Item = &'a Subject> {
        let has = move |dated: &BTreeMap<Date, TariffId>| dated.values().any(|id| id == tariff);
        self.assignments.iter().filter(move |(_, dated)| has(dated)).map(|(subject, _)| subject)
    }

    /// The rule in force for a pool on a day.
    pub fn rule_on(&self, pool: &PoolId, day: Date) -> Option<&RulePublished> {
        self.rules.get(pool)?.values().filter(|rule| rule.from <= day).max_by_key(|rule| (rule.from, rule.version))
    }

    /// A version of a pool's rule.
    pub fn rule_version(&self, pool: &PoolId, version: i64) -> Option<&RulePublished> {
        self.rules.get(pool)?.get(&version)
    }

    /// The points of a pool on a day.
    pub fn pool_points(&self, pool: &PoolId, day: Date) -> &[PointId] {
        let Some(pool) = self.pools.get(pool) else { return &[] };
        pool.dated_points.range(..=day).next_back().map_or(&pool.points, |(_, points)| points)
    }

    /// Common points that no pool has on a day (BILLING §6).
    pub fn unallocated_points(&self, day: Date) -> Vec<&PointId> {
        let pooled: BTreeSet<&PointId> = self.pools.keys().flat_map(|pool| self.pool_points(pool, day)).collect();
        let common = self.points.values().filter(|point| point.kind == PointKind::Common);
        common.map(|point| &point.id).filter(|id| !pooled.contains(id)).collect()
    }

    /// The area of a unit on a day, in units of 10⁻⁸ m².
    pub fn area_on(&self, unit: &UnitId, day: Date) -> i128 {
        let dated = self.areas.range((unit.clone(), Date::new(i32::MIN))..=(unit.clone(), day)).next_back();
        dated.map_or_else(|| self.units.get(unit).copied().unwrap_or_default(), |(_, area)| *area)
    }

    /// The tax in force on a day.
    pub fn tax_on(&self, day: Date) -> Option<&Tax> {
        self.taxes.range(..=day).next_back().map(|(_, tax)| tax).or(self.site().tax.as_ref())
    }

    /// The longest gap on a day that is not called interpolated, in seconds.
    pub fn max_gap_on(&self, day: Date) -> i64 {
        self.max_gaps.range(..=day).next_back().map_or(self.site().max_gap_s, |(_, gap)| *gap)
    }

    /// The points of a unit, in the order of their ids.
    pub fn points_of<'a>(&'a self, unit: &'a UnitId) -> impl Iterator<Item = &'a PointRegistered> {
        self.points_by_unit.get(unit).into_iter().flatten().filter_map(|id| self.points.get(id))
    }

    /// The meters that are or were at a point, in the order of their ids.
    pub fn meters_of<'a>(&'a self, point: &'a PointId) -> impl Iterator<Item = &'a MeterInstalled> {
        self.meters_by_point.get(point).into_iter().flatten().filter_map(|id| self.meters.get(id))
    }
}

/// Moves a member from where it was to where it is.
fn move_to<K: Ord + Clone, V: Ord + Clone>(
    places: &mut BTreeMap<K, BTreeSet<V>>,
    member: &V,
    from: Option<&K>,
    to: Option<&K>,
) {
    if let Some(members) = from.and_then(|from| places.get_mut(from)) {
        members.remove(member);
    }
    if let Some(to) = to {
        places.entry(to.clone()).or_default().insert(member.clone());
    }
}
