//! The live view: figures of the site at an instant, and how a screen shows them.

use std::collections::BTreeMap;

use domain::billing::{BillingError, Site};
use domain::event::{AccountId, PointId};
use domain::prepayment;
use domain::quantity::{Energy, Instant, Money, floor_div, show_scaled};

use super::building::{self, UNITS};
use super::simulation::Simulation;

/// The tariff's periods, in the order of the columns.
const PERIODS: [&str; 3] = ["night", "day", "peak"];
/// Rows on a page.
const PAGE: usize = 10;
const WIDTH: usize = 79;

/// Takes the screen: no cursor, no wrapping, all clear.
pub(super) const OPEN: &str = "\x1b[?25l\x1b[?7l\x1b[2J\x1b[H";
/// Gives it back.
pub(super) const CLOSE: &str = "\x1b[?7h\x1b[?25h\n";

/// Money of the demo's currency.
pub(super) fn pounds(amount: Money) -> String {
    match amount.major(2).strip_prefix('-') {
        Some(owed) => format!("-£{owed}"),
        None => format!("£{}", amount.major(2)),
    }
}

/// kWh with one decimal, cut.
pub(super) fn tenths(energy: Energy) -> String {
    show_scaled(floor_div(energy.get().into(), 100_000), 1, 1)
}

/// A unit now.
struct UnitNow {
    unit: usize,
    balance: Option<Money>,
    remaining: Option<Energy>,
    today: [Energy; 3],
}

/// The pool's day so far.
#[derive(Default)]
struct PoolNow {
    energy: Energy,
    amount: Money,
    /// Energy and nano-units by account, the biggest first.
    shares: Vec<(AccountId, Energy, i128)>,
}

/// The site's figures at an instant.
pub(super) struct Figures {
    units: Vec<UnitNow>,
    pool: PoolNow,
    quarantined: usize,
}

impl Figures {
    /// Computes them; it takes a recomputation of all targets.
    pub(super) fn of(site: &mut Site, now: Instant) -> Result<Self, BillingError> {
        let live = prepayment::live(site, now)?;
        let today = site.premises().calendar.day_of(now);
        let targets = site.targets_at(now)?;
        let mut by_point: BTreeMap<&PointId, [Energy; 3]> = BTreeMap::new();
        let mut pool = PoolNow::default();
        if let Some(target) = targets.get(&today.month()) {
            for slice in target.slices().filter(|slice| slice.day == today) {
                let Some((_, _, period)) = &slice.tariff else { continue };
                let columns = PERIODS.iter().zip(by_point.entry(&slice.point).or_default());
                for (_, energy) in columns.filter(|(name, _)| ***name == **period) {
                    *energy += slice.energy;
                }
            }
            let days = target.pools.values().flat_map(|pool| &pool.days).filter(|of| of.day == today);
            for of in days {
                pool = PoolNow { energy: of.energy, amount: of.amount, shares: shares(&of.split.parts) };
            }
        }
        let units = (1..=UNITS).map(|unit| {
            let account = building::account(unit).and_then(|account| live.get(&account));
            let point = PointId::try_new(&format!("P-{unit:02}"));
            let today = point.and_then(|point| by_point.get(&point).copied()).unwrap_or_default();
            let (balance, remaining) = (account.map(|of| of.balance), account.and_then(|of| of.remaining));
            UnitNow { unit, balance, remaining, today }
        });
        Ok(Self { units: units.collect(), pool, quarantined: site.metering().quarantine().len() })
    }
}

fn shares(parts: &[domain::allocation::PartSplit]) -> Vec<(AccountId, Energy, i128)> {
    let mut all: BTreeMap<&AccountId, (Energy, i128)> = BTreeMap::new();
    for share in parts.iter().flat_map(|part| &part.shares) {
        let of = all.entry(&share.account).or_default();
        of.0 += share.energy;
        of.1 = of.1.saturating_add(share.nano);
    }
    let mut shares: Vec<_> = all.into_iter().map(|(account, (energy, nano))| (account.clone(), energy, nano)).collect();
    shares.sort_by_key(|(account, _, nano)| (std::cmp::Reverse(*nano), account.clone()));
    shares
}

/// A full screen as text for a terminal of 80 × 24; `page` turns the units' pages, `per_second` counts events.
pub(super) fn screen(sim: &Simulation<'_>, figures: &Figures, page: usize, per_second: u128) -> String {
    let pages = UNITS.div_ceil(PAGE);
    let page = page.checked_rem(pages).unwrap_or(0);
    let head = format!(
        "Riverside Mall   {}   {} events, {per_second}/s   {} quarantined",
        sim.wall(),
        sim.owner.events(),
        figures.quarantined
    );
    let mut lines = vec![bold(&head), String::new()];
    lines.push(dim(&format!(
        "{:<5} {:<10} {:>10} {:>10}   {:>7} {:>7} {:>7} {:>9}",
        "unit", "", "balance", "kWh left", "night", "day", "peak", "today kWh"
    )));
    for unit in figures.units.iter().skip(page.saturating_mul(PAGE)).take(PAGE) {
        lines.push(unit_line(unit));
    }
    lines.push(dim(&format!("page {} of {pages}", page.saturating_add(1))));
    lines.push(format!(
        "{}  today {} kWh, {}",
        bold("Lift and lobby"),
        tenths(figures.pool.energy),
        pounds(figures.pool.amount)
    ));
    let biggest = figures.pool.shares.iter().take(3);
    let biggest: Vec<String> = biggest
        .map(|(account, energy, nano)| {
            let minor = i64::try_from(floor_div(*nano, 1_000_000_000)).unwrap_or(i64::MAX);
            format!("{account} {} kWh {}", tenths(*energy), pounds(Money::new(minor)))
        })
        .collect();
    lines.push(format!("  {}", biggest.join(" | ")));
    lines.push(String::new());
    let events: Vec<String> = sim.news.last().map(|line| line.chars().take(WIDTH).collect()).collect();
    lines.extend(events);
    let mut text = String::from("\x1b[H");
    for line in lines {
        text.push_str(&line);
        text.push_str("\x1b[K\r\n");
    }
    text.push_str("\x1b[J");
    text.push_str(&dim("Ctrl-C stops and keeps the log"));
    text
}

fn unit_line(unit: &UnitNow) -> String {
    let shown = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    let [night, day, peak] = unit.today;
    let line = format!(
        "U-{:02}  {:<10} {:>10} {:>10}   {:>7} {:>7} {:>7} {:>9}",
        unit.unit,
        building::name(unit.unit),
        shown(unit.balance.map(pounds)),
        shown(unit.remaining.map(tenths)),
        tenths(night),
        tenths(day),
        tenths(peak),
        tenths(night + day + peak)
    );
    match unit.balance {
        Some(balance) if balance <= Money::ZERO => format!("\x1b[31m{line}\x1b[0m"),
        Some(balance) if balance < Money::new(500) => format!("\x1b[33m{line}\x1b[0m"),
        _ => line,
    }
}

fn bold(text: &str) -> String {
    format!("\x1b[1m{text}\x1b[0m")
}

fn dim(text: &str) -> String {
    format!("\x1b[2m{text}\x1b[0m")
}
