//! A load curve with its periods and prices. Its bars are cuts of the slices that bills are made of, by the same
//! register curves and the same tier counters: whole months of bars are the bill's kWh by period and tier, exactly.

use std::collections::{BTreeMap, BTreeSet};

use domain::event::{AccountId, PointId, PointKind};
use domain::premises::{Holder, Premises, Subject};
use domain::quantity::{Date, Energy, Instant, Month};
use domain::rating::{Carry, Counters, EnergyLines, Facts, MonthShape, PointSlice, RatedEnergy};
use domain::tariff::Tariff;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Kwh, QueryError, View, When};

/// A curve has at most so many bars.
const MOST: usize = 50_000;

/// How long a bar is, by the wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// A minute.
    Minute,
    /// A quarter of an hour.
    Quarter,
    /// An hour.
    Hour,
    /// A local day.
    Day,
}

/// Whose curve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// Of what an account used, while it held the point.
    Account(AccountId),
    /// Of a point, whoever held it.
    Point(PointId),
}

/// Energy of a stretch that lies in one step, one period, one tenancy and one tier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Bar {
    /// Its point.
    pub point: String,
    /// Its start, in UTC.
    #[schema(value_type = String, format = DateTime)]
    pub from: Instant,
    /// Its end, in UTC.
    #[schema(value_type = String, format = DateTime)]
    pub until: Instant,
    /// Its start by the site's wall clock.
    #[schema(format = DateTime)]
    pub local: String,
    /// Its time-of-use period; none without a tariff.
    pub period: Option<String>,
    /// Its tier, from 1.
    pub tier: Option<i64>,
    /// The published price of a kWh there.
    pub price: Option<String>,
    /// Its energy.
    pub kwh: Kwh,
    /// Whether readings are missing, and it lies on the straight line between those that are there.
    pub interpolated: bool,
}

/// The sum of a curve's bars of one period and tier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Part {
    /// The period; none without a tariff.
    pub period: Option<String>,
    /// The tier, from 1.
    pub tier: Option<i64>,
    /// The published price of a kWh there.
    pub price: Option<String>,
    /// Its energy.
    pub kwh: Kwh,
}

/// A load curve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Curve {
    /// Its start.
    pub from: When,
    /// Its end: what was asked for, or now.
    pub until: When,
    /// How long a bar is.
    pub step: Step,
    /// The sum of its bars.
    pub total: Kwh,
    /// The sums by period and tier.
    pub parts: Vec<Part>,
    /// Its bars: of each point in turn, in the order of time.
    pub bars: Vec<Bar>,
}

impl Step {
    /// Reads its name.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "minute" => Self::Minute,
            "quarter" => Self::Quarter,
            "hour" => Self::Hour,
            "day" => Self::Day,
            _ => return None,
        })
    }

    /// Seconds; none of a day, which has as many as it has.
    const fn seconds(self) -> Option<i64> {
        match self {
            Self::Minute => Some(60),
            Self::Quarter => Some(900),
            Self::Hour => Some(3600),
            Self::Day => None,
        }
    }
}

/// The stretches of `[from, until)` that a wall clock's steps and the given instants cut.
fn stretches(
    premises: &Premises,
    step: Step,
    (from, until): (Instant, Instant),
    at: &[Instant],
) -> Vec<(Instant, Instant)> {
    let mut cuts: BTreeSet<Instant> = at.iter().copied().filter(|at| from < *at && *at < until).collect();
    for span in step.seconds().map(|_| premises.calendar.spans(from, until)).into_iter().flatten() {
        let seconds = step.seconds().unwrap_or(60);
        let past = span.from.plus(span.offset_s).get().rem_euclid(seconds);
        let mut cut = span.from.plus(seconds.saturating_sub(past));
        while cut < span.until {
            cuts.insert(cut);
            cut = cut.plus(seconds);
        }
    }
    let ends: Vec<Instant> = cuts.iter().copied().chain([until]).collect();
    [from].into_iter().chain(cuts).zip(ends).collect()
}

/// A period, a tier and its price.
type Rated = (Option<String>, Option<i64>, Option<String>);

/// A month of a unit's point, cut.
struct Cutter<'a> {
    view: &'a View<'a>,
    facts: &'a Facts<'a>,
    step: Step,
    from: Instant,
    until: Instant,
    bars: Vec<Bar>,
    sums: BTreeMap<Rated, Energy>,
}

impl Cutter<'_> {
    fn put(&mut self, mut bar: Bar, energy: Energy) -> Result<(), QueryError> {
        if self.bars.len() >= MOST {
            return Err(QueryError::TooManySteps { most: MOST });
        }
        bar.kwh = Kwh::new(energy);
        *self.sums.entry((bar.period.clone(), bar.tier, bar.price.clone())).or_default() += energy;
        self.bars.push(bar);
        Ok(())
    }

    fn bar(&self, point: &PointId, (from, until): (Instant, Instant), interpolated: bool) -> Bar {
        let (local, kwh) = (self.view.show().local(from), Kwh::new(Energy::ZERO));
        let (period, tier, price) = (None, None, None);
        Bar { point: point.to_string(), from, until, local, period, tier, price, kwh, interpolated }
    }

    /// The energies of the stretches of a slice: their sum is the slice's.
    fn energies(&self, slice: &PointSlice, cuts: &[(Instant, Instant)]) -> Vec<(Energy, bool)> {
        let gap = self.view.premises().max_gap_on(slice.day);
        let of = |(a, b): &(Instant, Instant)| self.facts.slice(&slice.point, *a, *b, gap, &mut Carry::new());
        let is_virtual =
            self.view.premises().points.get(&slice.point).is_some_and(|point| point.kind == PointKind::Virtual);
        if !is_virtual {
            return cuts.iter().map(of).collect();
        }
        // Of a virtual point a negative stretch is carried, so its stretches follow the slice's own sum.
        let (mut raw, mut done) = (Energy::ZERO, Energy::ZERO);
        let last = cuts.len().saturating_sub(1);
        let mut carry = Carry::new();
        let stretch = |(index, (a, b)): (usize, &(Instant, Instant))| {
            let (energy, interpolated) = self.facts.slice(&slice.point, *a, *b, gap, &mut carry);
            raw += energy;
            let to = if index == last { slice.energy } else { raw.min(slice.energy).max(done) };
            let part = to - done;
            done = to;
            (part, interpolated)
        };
        cuts.iter().enumerate().map(stretch).collect()
    }

    fn month(&mut self, whose: &Whose, point: &PointId, month: Month) -> Result<(), QueryError> {
        let Some(rated) = self.view.site.point_month(point, month, self.view.until()) else { return Ok(()) };
        let shape = rated.shape(self.view.premises(), point, month);
        let mut counters = self.view.site.counters_before(point, month);
        let end = self.until;
        for slice in rated.slices.iter().filter(|slice| slice.from < end) {
            let ours = match whose {
                Whose::Account(account) => slice.holder.account == *account,
                Whose::Point(_) => true,
            };
            let shown = ours && slice.until > self.from;
            let ends = [self.from, self.until];
            let cuts = if shown {
                stretches(self.view.premises(), self.step, (slice.from, slice.until), &ends)
            } else {
                vec![(slice.from, slice.until)]
            };
            for (cut, (energy, interpolated)) in cuts.iter().zip(self.energies(slice, &cuts)) {
                let shown = shown && self.from <= cut.0 && cut.1 <= self.until;
                let bar = self.bar(point, *cut, interpolated);
                self.rate(slice, (energy, &shape), bar, shown, &mut counters)?;
            }
        }
        Ok(())
    }

    /// Rates a stretch as bills do, and shows it by tier.
    fn rate(
        &mut self,
        slice: &PointSlice,
        (energy, shape): (Energy, &MonthShape),
        bar: Bar,
        shown: bool,
        counters: &mut Counters,
    ) -> Result<(), QueryError> {
        let found = slice.tariff.as_ref().and_then(|(id, version, name)| {
            let tariff = self.view.premises().tariffs.get(&(id.clone(), *version))?;
            Some((tariff, tariff.periods.iter().position(|one| one == name)?))
        });
        let Some((tariff, period)) = found else { return if shown { self.put(bar, energy) } else { Ok(()) } };
        let holder = Some(&slice.holder);
        let terms = shape.tenancy(tariff, holder);
        let (day, interpolated) = (slice.day, Energy::ZERO);
        let mut lines = EnergyLines::default();
        let bar = Bar { period: Some(tariff.period_name(period).to_owned()), ..bar };
        if energy.is_zero() && shown {
            let (tier, price) = tier_at(tariff, period, (&slice.holder, day), shape, counters);
            return self.put(Bar { tier, price, ..bar }, energy);
        }
        lines.rate(&slice.point, RatedEnergy { tariff, period, day, holder, energy, interpolated, terms }, counters);
        for (key, price, energy) in lines.energies().filter(|_| shown) {
            self.put(Bar { tier: key.tier, price: Some(price.published.to_string()), ..bar.clone() }, energy)?;
        }
        Ok(())
    }

    /// A point without a unit: by its pool's periods, without prices, which are of the pool.
    fn common(&mut self, point: &PointId) -> Result<(), QueryError> {
        let premises = self.view.premises();
        let first = self.view.site.first_day().map_or(self.from, |day| premises.calendar.start_of(day));
        let mut day = premises.calendar.day_of(self.from.max(first));
        while premises.calendar.start_of(day) < self.until {
            let tariff = pool_tariff(premises, point, day);
            let end = premises.calendar.end_of(day).min(self.until);
            let mut carry = Carry::new();
            for cut in &*self.facts.period_cuts(tariff, day, end) {
                let from = cut.from.max(self.from);
                if from >= cut.until {
                    continue;
                }
                for stretch in stretches(premises, self.step, (from, cut.until), &[]) {
                    let gap = premises.max_gap_on(day);
                    let (energy, flag) = self.facts.slice(point, stretch.0, stretch.1, gap, &mut carry);
                    let period = tariff.map(|tariff| tariff.period_name(cut.period).to_owned());
                    let bar = Bar { period, ..self.bar(point, stretch, flag) };
                    self.put(bar, energy)?;
                }
            }
            day = day.next();
        }
        Ok(())
    }
}

/// The tier that the counter stands in, and its price.
fn tier_at(
    tariff: &Tariff,
    period: usize,
    (holder, day): (&Holder, Date),
    shape: &MonthShape,
    counters: &mut Counters,
) -> (Option<i64>, Option<String>) {
    let terms = shape.tenancy(tariff, Some(holder));
    let at = counters.at(tariff, period, Some(holder), day);
    let tiers = tariff.prices(period, day.month().number(), terms).into_iter().flat_map(|prices| &prices.tiers);
    let open = tiers.zip(1i64..).find(|(tier, _)| tier.up_to.is_none_or(|bound| tariff.bound(bound, terms) > at));
    open.map_or((None, None), |(tier, number)| (Some(number), Some(tier.price.published.to_string())))
}

fn pool_tariff<'a>(premises: &'a Premises, point: &PointId, day: Date) -> Option<&'a Tariff> {
    let mut pools = premises.pools.keys().filter(|pool| premises.pool_points(pool, day).contains(point));
    premises.tariff_on(&Subject::Pool(pools.next()?.clone()), day)
}

/// The load curve of an account or a point over `[from, until)`, up to now.
pub fn curve(view: &View<'_>, whose: &Whose, from: Instant, until: Instant, step: Step) -> Result<Curve, QueryError> {
    if from >= until {
        return Err(QueryError::EmptyRange { from, until });
    }
    let premises = view.premises();
    let points: Vec<&PointId> = match whose {
        Whose::Account(account) => {
            view.account(account)?;
            premises.points.values().filter(|point| point.unit.is_some()).map(|point| &point.id).collect()
        }
        Whose::Point(point) => {
            view.point(point)?;
            vec![point]
        }
    };
    let until = until.min(view.until()).max(from);
    let facts = Facts::new(premises, view.site.metering());
    let mut cutter = Cutter { view, facts: &facts, step, from, until, bars: Vec::new(), sums: BTreeMap::new() };
    let (first, last) = (premises.calendar.day_of(from).month(), premises.calendar.day_of(until.plus(-1)).month());
    for point in points {
        let of_unit = premises.points.get(point).is_some_and(|point| point.unit.is_some());
        if !of_unit {
            cutter.common(point)?;
            continue;
        }
        if let Whose::Account(account) = whose
            && !held(premises, point, account)
        {
            continue;
        }
        for month in view.months().filter(|month| (first..=last).contains(month)) {
            cutter.month(whose, point, month)?;
        }
    }
    let total = cutter.sums.values().copied().sum();
    let part = |((period, tier, price), energy): (_, Energy)| Part { period, tier, price, kwh: Kwh::new(energy) };
    Ok(Curve {
        from: view.show().when(from),
        until: view.show().when(until),
        step,
        total: Kwh::new(total),
        parts: cutter.sums.into_iter().map(part).collect(),
        bars: cutter.bars,
    })
}

/// Whether an account ever held a point: the landlord holds what nobody leases.
fn held(premises: &Premises, point: &PointId, account: &AccountId) -> bool {
    let unit = premises.points.get(point).and_then(|point| point.unit.as_ref());
    let Some(unit) = unit else { return false };
    premises.site().landlord == *account || premises.leases_of(unit).iter().any(|lease| lease.account == *account)
}
