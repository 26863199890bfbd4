//! A line explained out of a site at work: what it follows from is taken out of the owner's state in a turn, and the
//! events that it names are read from the log one by one, at their positions. The log is not folded.

use std::collections::BTreeSet;
use std::sync::Arc;

use adapters::event_log::{EventLog, LogError};
use domain::billing::MonthAsOf;
use domain::event::{AccountId, BillIssued, Component, Event, MeterId, PointId, PointKind, SiteId};
use domain::metering::{About, Metering};
use domain::premises::Premises;
use domain::quantity::{Instant, Month};
use domain::rating::{Facts, PointSlice};
use serde_json::Value;

use super::events::InLog;
use super::{AsOf, Explained, Found, Step, bill_of, find};
use crate::desk::Moment;
use crate::exit::{Exit, Failure};
use crate::owner::Owner;

/// A line of an issued bill, with what it follows from: as of the bill's run, whatever came later.
#[derive(Debug)]
pub struct Case {
    site: SiteId,
    premises: Arc<Premises>,
    metering: Metering,
    month: Arc<MonthAsOf>,
    bill: Vec<BillIssued>,
    line: usize,
    chain: Vec<Event>,
}

/// What a line asks of curves.
struct Wanted {
    meters: BTreeSet<MeterId>,
    instants: BTreeSet<Instant>,
    /// Whether everything between the first and the last of them is asked for.
    all: bool,
}

impl Case {
    /// A line of an account's bill of a month, from 1; `moment` is one of the owner's. An error where there is no such
    /// line; nothing where there is no such bill.
    pub fn of(
        owner: &Owner<'_>,
        moment: &Moment,
        (account, month): (&AccountId, Month),
        line: usize,
    ) -> Result<Option<Self>, Failure> {
        let Ok((number, bill)) = bill_of(owner.site(), account.as_str(), month) else { return Ok(None) };
        let Some(month) = owner.site().as_issued(number).cloned() else { return Ok(None) };
        let found = find(bill, line)?;
        let premises = premises_of(owner, moment, month.seen);
        let wanted = Wanted::of(&found, &premises, &month);
        let ends = wanted.instants.first().zip(wanted.instants.last());
        let about = match ends.filter(|_| wanted.all) {
            Some((first, last)) => About::Span(*first, *last),
            None => About::Instants(&wanted.instants),
        };
        let metering = owner.site().metering().excerpt(&wanted.meters, month.at, about);
        let key = match &found {
            Found::Own(_, line) => format!("tariff/{}", line.key.tariff),
            Found::Share(_, share) => format!("rule/{}", share.pool),
        };
        // What is not durable yet is in no log that somebody else could look at.
        let durable = owner.facts().published(&key).filter(|event| event.position <= owner.durable());
        let (site, chain, bill) = (owner.site_id().clone(), durable.cloned().collect(), bill.to_vec());
        Ok(Some(Self { site, premises, metering, month, bill, line, chain }))
    }

    /// What `tallywatt explain` says, before it has a language.
    pub fn steps(&self, log: &dyn EventLog) -> Result<Vec<Step>, Failure> {
        self.explained(log, |explained| explained.steps(self.line))
    }

    /// What `tallywatt explain --json` says.
    pub fn document(&self, log: &dyn EventLog) -> Result<Value, Failure> {
        self.explained(log, |explained| explained.document(self.line))
    }

    fn explained<T>(
        &self,
        log: &dyn EventLog,
        ask: impl FnOnce(&Explained<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let events = InLog::new(log, &self.site, &self.chain);
        let state = (&*self.premises, &self.metering);
        let answer = ask(&Explained::new(state, &self.month, &self.bill, &events, AsOf::default()));
        match events.fault() {
            None => answer,
            Some(error) => Err(unread(error)),
        }
    }
}

fn unread(error: LogError) -> Failure {
    Failure { exit: Exit::Storage, error: Box::new(error), mend: "see that the log is there and whole".to_owned() }
}

/// What was in force by the facts up to a position.
fn premises_of(owner: &Owner<'_>, moment: &Moment, seen: u64) -> Arc<Premises> {
    if owner.structure() > seen {
        Arc::new(owner.facts().premises_at(seen))
    } else if moment.position >= owner.structure() {
        Arc::clone(&moment.premises)
    } else {
        Arc::new(owner.site().premises().clone())
    }
}

impl Wanted {
    fn of(found: &Found<'_>, premises: &Premises, month: &MonthAsOf) -> Self {
        let mut wanted = Self { meters: BTreeSet::new(), instants: BTreeSet::new(), all: false };
        let calendar = &premises.calendar;
        match found {
            Found::Own(_, line) => {
                wanted.all = line.key.component == Component::Demand;
                let of_curves = matches!(line.key.component, Component::Energy | Component::Adder | Component::Demand);
                if of_curves {
                    wanted.meters = meters_of(premises, std::iter::once(&line.key.point));
                    // Where slices are cut has nothing to do with readings.
                    let without = Metering::new();
                    let slices = month.slices_of(&Facts::new(premises, &without), &line.key.point);
                    wanted.instants = slices.iter().flat_map(|slice: &PointSlice| [slice.from, slice.until]).collect();
                }
            }
            Found::Share(_, share) => {
                let rated = month.target.as_ref().and_then(|target| target.pools.get(&share.pool));
                let days = rated.into_iter().flat_map(|rated| &rated.days).map(|day| day.day);
                for day in days {
                    wanted.instants.extend([calendar.start_of(day), calendar.end_of(day)]);
                    wanted.meters.extend(meters_of(premises, premises.pool_points(&share.pool, day).iter()));
                }
            }
        }
        wanted
    }
}

/// The meters that the energy of points comes from.
fn meters_of<'a>(premises: &Premises, points: impl Iterator<Item = &'a PointId>) -> BTreeSet<MeterId> {
    let mut metered: BTreeSet<&PointId> = BTreeSet::new();
    for point in points {
        match premises.points.get(point).filter(|one| one.kind == PointKind::Virtual) {
            Some(formula) => metered.extend(formula.formula.iter().map(|term| &term.point)),
            None => drop(metered.insert(point)),
        }
    }
    metered.into_iter().flat_map(|point| premises.meters_of(point)).map(|table| table.id.clone()).collect()
}
