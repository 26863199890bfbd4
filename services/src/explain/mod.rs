//! `tallywatt explain`: from a bill's line down to slices, registers and the
//! readings events that they came from.

mod axes;
mod document;
mod events;
mod live;
mod step;
mod terms;

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args as ClapArgs;
use domain::billing::{MonthAsOf, Site};
use domain::event::{BillIssued, BillLine, BillShare, Component, PointId, SiteId, hex};
use domain::metering::Metering;
use domain::premises::Premises;
use domain::quantity::{Date, Energy, Instant, Money, Month};
use domain::rating::{Counters, EnergyLines, Facts, LineKeyExt, MonthShape, PointSlice, RatedEnergy, highest};
use domain::tariff::DemandCharge;
use serde_json::Value;

use crate::audit::{Axes, Known};
use crate::console::Console;
use crate::exit::{Exit, Failure, bad};
use crate::history::{self, Entry};
use crate::replay::failed;
use crate::told::{Told, Value as Said, told};
pub use axes::AsOf;
use events::{Events, Ground};
pub use live::Case;
pub use step::Step;
use step::{Steps, name_of, unit_of};

/// Show how a line of a bill came about.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  tallywatt explain target/hand-late --bill A-1/2026-02 --line 1
  tallywatt explain target/hand-late --bill A-1/2026-02 --line 1 --known-at 2026-04-02T00:00:00Z

Lines count from 1: the bill's own lines first, then its shared ones.")]
pub struct Args {
    /// The output folder of a run, with its log.db.
    dir: PathBuf,
    /// The bill: ACCOUNT/YYYY-MM.
    #[arg(long, value_name = "ACCOUNT/MONTH")]
    bill: String,
    /// The line.
    #[arg(long, value_name = "N")]
    line: usize,
    #[command(flatten)]
    axes: Axes,
    /// Another log: a file, or nats://HOST:PORT/STREAM.
    #[arg(long, value_name = "LOG")]
    log: Option<String>,
    /// The site, where the log has several.
    #[arg(long, value_name = "SITE", value_parser = history::site_id)]
    site: Option<SiteId>,
    /// Write it as JSON.
    #[arg(long)]
    json: bool,
}

/// Seconds as hours and minutes.
fn hours(seconds: i64) -> Told {
    let (hours, minutes) = (seconds.div_euclid(3600), seconds.rem_euclid(3600).div_euclid(60));
    let told = if minutes == 0 { told("length-hours") } else { told("length-both").with("minutes", minutes) };
    told.with("hours", hours)
}

/// Runs the command.
pub fn run(args: Args, console: &mut Console) -> Result<Exit, Failure> {
    let parsed = args.bill.rsplit_once('/').and_then(|(account, month)| Some((account, Month::parse(month)?)));
    let Some((account, month)) = parsed else {
        return Err(bad(format!("{} names no bill", args.bill), "write it as A-101/2026-03"));
    };
    let entries = history::read_site(&args.dir, args.log.as_deref(), args.site.as_ref()).map_err(failed)?;
    let as_of = AsOf { known_at: args.axes.known_at()?, effective: args.axes.effective()? };
    let (entries, site) = if as_of.known_at.is_some() {
        let known = Known::at(entries, as_of.known_at)?;
        (known.entries, known.site)
    } else {
        let run = history::issued_by(&entries, account, month);
        let (site, _) = history::replay(&entries, run.as_deref()).map_err(failed)?;
        (entries, site)
    };
    let (_, bill) = bill_of(&site, account, month)?;
    let (month, entries) = (site.month_as_of(month), entries.as_slice());
    let explained = Explained::new((site.premises(), site.metering()), &month, bill, &entries, as_of);
    if args.json {
        console.line(explained.document(args.line)?.to_string());
    } else {
        explained.steps(args.line)?.iter().for_each(|step| console.line(step.to_string()));
    }
    Ok(Exit::Done)
}

/// The number and the parts of an account's bill of a month.
fn bill_of<'a>(site: &'a Site, account: &str, month: Month) -> Result<(i64, &'a [BillIssued]), Failure> {
    let is_it = |bill: &BillIssued| bill.account.as_str() == account && bill.month == month;
    let found = site.issued().iter().find(|(_, parts)| parts.first().is_some_and(is_it));
    let none = || bad(format!("there is no bill of {account} for {month}"), "look at the files under bills/");
    found.map(|(number, parts)| (*number, parts.as_slice())).ok_or_else(none)
}

/// Opens a line of an account's bill of a month, in a site as of that bill's run.
pub fn open(
    site: &Site,
    entries: &[Entry],
    of: (&str, Month),
    line: usize,
    console: &mut Console,
) -> Result<(), Failure> {
    steps(site, entries, of, line)?.iter().for_each(|step| console.line(step.to_string()));
    Ok(())
}

/// The same, before it has a language.
pub fn steps(
    site: &Site,
    entries: &[Entry],
    (account, month): (&str, Month),
    line: usize,
) -> Result<Vec<Step>, Failure> {
    let (_, bill) = bill_of(site, account, month)?;
    let month = site.month_as_of(month);
    Explained::new((site.premises(), site.metering()), &month, bill, &entries, AsOf::default()).steps(line)
}

/// The same as a document.
pub fn document(
    site: &Site,
    entries: &[Entry],
    (account, month): (&str, Month),
    line: usize,
) -> Result<Value, Failure> {
    let (_, bill) = bill_of(site, account, month)?;
    let month = site.month_as_of(month);
    Explained::new((site.premises(), site.metering()), &month, bill, &entries, AsOf::default()).document(line)
}

/// A line of a bill.
enum Found<'a> {
    Own(&'a BillIssued, &'a BillLine),
    Share(&'a BillIssued, &'a BillShare),
}

/// A line of a bill, from 1: its own first, then the shared ones.
fn find(bill: &[BillIssued], line: usize) -> Result<Found<'_>, Failure> {
    let lines: Vec<&BillLine> = bill.iter().flat_map(|part| &part.indoor).collect();
    let shared: Vec<&BillShare> = bill.iter().flat_map(|part| &part.shared).collect();
    let index = line.checked_sub(1);
    let own = index.and_then(|index| lines.get(index));
    let share = index.and_then(|index| shared.get(index.checked_sub(lines.len())?));
    match (own, share, bill.first()) {
        (Some(line), _, Some(bill)) => Ok(Found::Own(bill, line)),
        (None, Some(share), Some(bill)) => Ok(Found::Share(bill, share)),
        _ => {
            let count = lines.len().saturating_add(shared.len());
            Err(bad(format!("the bill has {count} lines"), "name one of them"))
        }
    }
}

struct Explained<'a> {
    facts: Facts<'a>,
    month: &'a MonthAsOf,
    bill: &'a [BillIssued],
    events: &'a dyn Events,
    as_of: AsOf,
}

impl<'a> Explained<'a> {
    fn new(
        (premises, metering): (&'a Premises, &'a Metering),
        month: &'a MonthAsOf,
        bill: &'a [BillIssued],
        events: &'a dyn Events,
        as_of: AsOf,
    ) -> Self {
        Self { facts: Facts::new(premises, metering), month, bill, events, as_of }
    }

    fn steps(&self, line: usize) -> Result<Vec<Step>, Failure> {
        let mut steps = Steps::default();
        match find(self.bill, line)? {
            Found::Own(bill, line) => self.line(bill, line, &mut steps),
            Found::Share(bill, share) => self.share(bill, share, &mut steps),
        }
        Ok(steps.0)
    }

    fn document(&self, line: usize) -> Result<Value, Failure> {
        Ok(match find(self.bill, line)? {
            Found::Own(bill, line) => self.line_document(bill, line),
            Found::Share(bill, share) => self.share_document(bill, share),
        })
    }

    fn premises(&self) -> &'a Premises {
        self.facts.premises
    }
}

impl Explained<'_> {
    fn decimals(&self) -> u8 {
        self.premises().site().currency_decimals
    }

    fn line(&self, bill: &BillIssued, line: &BillLine, steps: &mut Steps) {
        let key = &line.key;
        let quantity = projections::bill::show_quantity(line.quantity, line.unit, self.decimals());
        let head = Self::head(told("working-line"), bill)
            .with("point", key.point.as_str())
            .with("name", name_of(key))
            .with("tariff", key.tariff.as_str())
            .with("version", key.version.to_string());
        steps.say(0, head);
        let sum = if key.component == Component::Rounding {
            told("working-rounded")
        } else {
            let days = line.days.zip(line.of_days);
            let days =
                days.map(|(days, of)| told("working-days").with("days", days.to_string()).with("of", of.to_string()));
            let less = self.others_of_minimum(bill, line);
            told("working-sum").with("unit", unit_of(line.unit)).with("days", days).with("less", less)
        };
        let amount = line.amount_minor.major(self.decimals());
        steps.say(0, sum.with("quantity", quantity).with("price", line.price.to_string()).with("amount", amount));
        self.now(bill, line, steps);
        self.terms(bill, line, steps);
        self.published(Ground::Tariff(key), steps);
        if matches!(key.component, Component::Energy | Component::Adder) {
            self.interpolated(bill, line, steps);
            self.slices(bill, line, steps);
        } else if key.component == Component::Demand {
            self.peak(bill, line, steps);
        }
    }

    fn head(told: Told, bill: &BillIssued) -> Told {
        let (account, month) = (bill.account.as_str(), bill.month.to_string());
        told.with("bill", bill.number.to_string()).with("account", account).with("month", month)
    }

    /// What a minimum line leaves out: the lines of its point and version that come before it.
    fn others_of_minimum(&self, bill: &BillIssued, line: &BillLine) -> Option<Told> {
        (line.key.component == Component::Minimum).then(|| {
            let others: Money = self.under(bill, line).into_iter().map(|(_, line)| line.amount).sum();
            told("working-less").with("amount", others.major(self.decimals()))
        })
    }

    /// The interval that a demand line is of.
    fn peak(&self, bill: &BillIssued, line: &BillLine, steps: &mut Steps) {
        let key = &line.key;
        let Some(tariff) = self.premises().tariffs.get(&(key.tariff.clone(), key.version)) else { return };
        let named = |charge: &&DemandCharge| {
            Some(&charge.name) == key.name.as_ref()
                && charge.period.map(|p| tariff.period_name(p)) == key.period.as_deref()
        };
        let Some(charge) = tariff.demand.iter().find(named) else { return };
        let of_month = self.month.slices_of(&self.facts, &key.point);
        let slices: Vec<&PointSlice> = of_month.iter().filter(|slice| slice.holder.account == bill.account).collect();
        let Some(peak) = highest(&self.facts, &slices, tariff, charge) else { return };
        let (minutes, kw) = (charge.interval_minutes, peak.power.kw());
        let highest = told("working-peak").with("minutes", i64::from(minutes)).with("kw", kw);
        steps.say(1, highest.with("from", peak.from).with("until", peak.until));
        self.registers(&key.point, peak.from, peak.until, steps);
    }

    /// How much of a line is interpolated, and for how long no reading came.
    fn interpolated(&self, bill: &BillIssued, line: &BillLine, steps: &mut Steps) {
        if line.interpolated_mwh.is_zero() {
            return;
        }
        let mut gaps = BTreeSet::new();
        for slice in self.slices_of(bill, line).into_iter().filter(|(slice, _)| slice.interpolated) {
            gaps.extend(self.gaps(&slice.0));
        }
        let seconds = gaps.iter().map(|(from, until)| until.since(*from)).fold(0, i64::saturating_add);
        let when = gaps.iter().map(|(from, until)| told("from-to").with("from", *from).with("until", *until));
        let said = told("working-interpolated").with("length", hours(seconds));
        let said = said.with("kwh", line.interpolated_mwh.kwh());
        steps.say(1, said.with("when", Said::List("list-comma", when.collect())));
    }

    /// The gaps between readings in which a slice begins or ends.
    fn gaps(&self, slice: &PointSlice) -> Vec<(Instant, Instant)> {
        let longer = self.premises().max_gap_on(slice.day);
        let registers = self.facts.slice_registers(&slice.point, slice.from, slice.until);
        let curves = registers.iter().filter_map(|register| self.facts.metering.register(&register.meter));
        let gaps = curves.flat_map(|curve| curve.gaps(slice.from, slice.until, longer));
        let cut = |at: Instant, (from, until): (Instant, Instant)| from < at && at < until;
        gaps.filter(|gap| cut(slice.from, *gap) || cut(slice.until, *gap)).collect()
    }

    /// What a line is by: who published what when.
    fn published(&self, ground: Ground<'_>, steps: &mut Steps) {
        for entry in self.events.published(ground) {
            let said = told("working-published")
                .with("type", entry.event.body.type_name())
                .with("position", entry.event.position.to_string())
                .with("received", entry.event.received)
                .with("by", entry.event.actor.as_str());
            steps.say(1, said.with("leaf", hex(&entry.leaf)));
        }
    }

    fn slices(&self, bill: &BillIssued, line: &BillLine, steps: &mut Steps) {
        for (slice, part) in self.slices_of(bill, line) {
            self.slice(&slice, part, steps);
        }
    }

    /// The slices that are in a line, and how much of each.
    fn slices_of(&self, bill: &BillIssued, line: &BillLine) -> Vec<(PointSlice, Energy)> {
        let mut all = Vec::new();
        let mut counters = self.month.counters_before(&line.key.point);
        for slice in self.month.slices_of(&self.facts, &line.key.point) {
            let part = self.part_in(&slice, line, &mut counters);
            if !part.is_zero() && slice.holder.account == bill.account && self.is_asked(slice.day) {
                all.push((slice, part));
            }
        }
        all
    }

    /// What bands and scaled bounds of a point go by in the bill's month.
    fn shape(&self, point: &PointId) -> MonthShape {
        self.month.shape_of(&self.facts, point)
    }

    /// How much of a slice is in a line.
    fn part_in(&self, slice: &PointSlice, line: &BillLine, counters: &mut Counters) -> Energy {
        let premises = self.premises();
        let Some((id, version, period)) = &slice.tariff else { return Energy::ZERO };
        if line.key.component == Component::Adder {
            let same = *id == line.key.tariff && *version == line.key.version;
            return if same { slice.energy } else { Energy::ZERO };
        }
        let Some(tariff) = premises.tariffs.get(&(id.clone(), *version)) else { return Energy::ZERO };
        let Some(period) = tariff.periods.iter().position(|name| name == period) else { return Energy::ZERO };
        let mut lines = EnergyLines::default();
        let rated = RatedEnergy {
            tariff,
            period,
            day: slice.day,
            holder: Some(&slice.holder),
            energy: slice.energy,
            interpolated: Energy::ZERO,
            terms: self.shape(&slice.point).tenancy(tariff, Some(&slice.holder)),
        };
        lines.rate(&slice.point, rated, counters);
        let lines = lines.lines(self.decimals());
        let found = lines.into_iter().find(|(key, _)| key.sorted() == line.key);
        found.map_or(Energy::ZERO, |(_, line)| Energy::new(line.quantity))
    }

    fn slice(&self, slice: &PointSlice, part: Energy, steps: &mut Steps) {
        let said = if slice.interpolated { told("working-slice-interpolated") } else { told("working-slice") };
        let said = said.with("from", slice.from).with("until", slice.until);
        steps.say(1, said.with("kwh", slice.energy.kwh()).with("part", part.kwh()));
        self.registers(&slice.point, slice.from, slice.until, steps);
    }

    fn registers(&self, point: &PointId, from: Instant, until: Instant, steps: &mut Steps) {
        for register in self.facts.slice_registers(point, from, until) {
            let sources = register.sources.iter().map(|position| self.source(*position)).collect();
            let said = told("working-register").with("meter", register.meter.as_str());
            let said = said.with("from", Energy::new(register.start_mwh).kwh());
            let said = said.with("until", Energy::new(register.end_mwh).kwh());
            steps.say(2, said.with("sources", Said::List("list-and", sources)));
        }
    }

    fn source(&self, position: u64) -> Told {
        let leaf = self.events.leaf(position);
        let leaf = leaf.as_deref().and_then(|leaf| leaf.get(..16)).unwrap_or("").to_owned();
        told("working-source").with("position", position.to_string()).with("leaf", leaf)
    }

    fn share(&self, bill: &BillIssued, share: &BillShare, steps: &mut Steps) {
        let head = Self::head(told("working-share"), bill)
            .with("pool", share.pool.as_str())
            .with("kwh", share.energy_mwh.kwh())
            .with("of", share.pool_energy_mwh.kwh())
            .with("amount", share.amount_minor.major(self.decimals()))
            .with("cost", share.pool_amount_minor.major(self.decimals()));
        steps.say(0, head);
        self.published(Ground::Rule(&share.pool), steps);
        let rated = self.month.target.as_ref().and_then(|target| target.pools.get(&share.pool));
        let days = rated.into_iter().flat_map(|rated| &rated.days);
        for day in days.filter(|day| self.is_asked(day.day)) {
            let said = match day.split.rule {
                Some(rule) => told("working-pool-day").with("rule", rule.to_string()),
                None => told("working-pool-day-none"),
            };
            let said = said.with("day", day.day.to_string()).with("kwh", day.energy.kwh());
            steps.say(1, said.with("amount", day.amount.major(self.decimals())));
            for part in &day.split.parts {
                for one in part.shares.iter().filter(|one| one.account == bill.account) {
                    let said = told("working-weight")
                        .with("percent", part.percent.to_string())
                        .with("unit", one.unit.as_str())
                        .with("weight", part.weight_text(one.weight))
                        .with("of", part.weight_text(part.total_weight))
                        .with("kwh", one.energy.kwh());
                    steps.say(2, said.with("nano", one.nano.to_string()));
                }
            }
            self.pool_registers(&share.pool, day.day, steps);
        }
    }

    fn pool_registers(&self, pool: &domain::event::PoolId, day: Date, steps: &mut Steps) {
        let premises = self.premises();
        let (from, until) = (premises.calendar.start_of(day), premises.calendar.end_of(day));
        for point in premises.pool_points(pool, day) {
            for register in self.facts.slice_registers(point, from, until) {
                let sources = register.sources.iter().map(|position| self.source(*position)).collect();
                let said = told("working-pool-register").with("point", point.as_str());
                let said = said.with("meter", register.meter.as_str());
                let said = said.with("from", Energy::new(register.start_mwh).kwh());
                let said = said.with("until", Energy::new(register.end_mwh).kwh());
                steps.say(2, said.with("sources", Said::List("list-and", sources)));
            }
        }
    }
}
