//! Laws that hold for any facts: the order and the steps of recording do not
//! matter, changes are told, and slices add up.

use proptest::prelude::*;

use super::Reason;
use super::tests::{Site, at, id, row, table};
use crate::event::{MeterInstalled, ReadingRow, kwh_text};
use crate::quantity::{Energy, Instant};

/// A fact of the random site.
#[derive(Debug, Clone)]
enum Fact {
    Row { time: i64, kwh: u32, lag: i64 },
    Withdraw { time: i64, received: i64 },
    Release { time: i64, received: i64 },
    Table { received: i64, max_kw: Option<u32>, start: Option<u32>, removed: Option<i64> },
}

fn any_fact() -> impl Strategy<Value = Fact> {
    prop_oneof![
        20 => (0i64..24, 0u32..30, 0i64..6).prop_map(|(time, kwh, lag)| Fact::Row { time, kwh, lag }),
        2 => (0i64..24, 0i64..30).prop_map(|(time, received)| Fact::Withdraw { time, received }),
        2 => (0i64..24, 0i64..30).prop_map(|(time, received)| Fact::Release { time, received }),
        1 => (-5i64..30, proptest::option::of(1u32..9), proptest::option::of(0u32..4), proptest::option::of(15i64..30))
            .prop_map(|(received, max_kw, start, removed)| Fact::Table { received, max_kw, start, removed }),
    ]
}

/// Records a fact. Its place is given, so that the order of recording does not matter.
fn record(site: &mut Site, index: usize, fact: &Fact) {
    // Tables and acts of one `received` and kind count in the order of the log: they are kept apart here.
    let apart = |received: i64| at(received).plus(i64::try_from(index).expect("few"));
    match fact {
        Fact::Row { time, kwh, lag } => {
            let place = u32::try_from(index + 2).expect("few");
            site.send(at(time + lag), ReadingRow { place, ..row("M", at(*time), &kwh.to_string()) });
        }
        Fact::Withdraw { time, received } => site.metering.withdraw(&id("M"), at(*time), apart(*received)),
        Fact::Release { time, received } => site.metering.release(&id("M"), at(*time), apart(*received)),
        Fact::Table { received, max_kw, start, removed } => {
            let table = MeterInstalled {
                max_kw: max_kw.map(Into::into),
                start_kwh: start.map(Into::into),
                removed: removed.map(at),
                modulus_kwh: Some(1000.into()),
                ..table("M")
            };
            site.metering.install(&table, apart(*received)).expect("a table that can be");
        }
    }
}

type Curve = Vec<(i64, i64)>;
type Reasons = Vec<(Instant, u32, Reason)>;

fn outcome(site: &mut Site) -> (Curve, Reasons) {
    drop(site.metering.advance(at(1000)));
    let reasons = site.metering.quarantine().iter().map(|q| (q.time, q.place, q.reason)).collect();
    let curve = if site.metering.register(&id("M")).is_some() { site.curve("M") } else { Vec::new() };
    (curve, reasons)
}

impl Site {
    fn outcomes(mut self) -> Vec<(Curve, Reasons)> {
        drop(self.metering.advance(at(10_000)));
        let reasons = |id: &str| {
            let all = self.metering.quarantine();
            all.into_iter().filter(|q| q.meter.as_str() == id).map(|q| (q.time, q.place, q.reason)).collect()
        };
        ["M", "N"].map(|id| (self.curve(id), reasons(id))).into()
    }
}

proptest! {
    #[test]
    fn advancing_at_any_instants_equals_from_zero(facts in proptest::collection::vec(any_fact(), 1..60), order in any::<u64>(), steps in proptest::collection::vec(-6i64..40, 60)) {
        let mut zero = Site::default();
        for (index, fact) in facts.iter().enumerate() {
            record(&mut zero, index, fact);
        }
        let mut shuffled: Vec<(usize, &Fact)> = facts.iter().enumerate().collect();
        shuffled.sort_by_key(|(index, _)| order.rotate_left(u32::try_from(index * 7).expect("few")) ^ u64::try_from(*index).expect("few"));
        let mut stepped = Site::default();
        for ((index, fact), step) in shuffled.into_iter().zip(&steps) {
            record(&mut stepped, index, fact);
            drop(stepped.metering.advance(at(*step)));
        }
        prop_assert_eq!(outcome(&mut zero), outcome(&mut stepped));
    }

    #[test]
    fn columns_taken_at_once_equal_rows_one_by_one(
        steps in proptest::collection::vec((0u32..4, 0u32..4, any::<u8>(), any::<bool>()), 1..90), lag in 0i64..400,
        start in proptest::option::of(0u32..3), max_kw in proptest::option::of(60u32..300), modulus in 20u32..90,
        late in proptest::collection::vec((0usize..90, 0u32..300), 0..3),
    ) {
        let of = |meter: &str| MeterInstalled {
            start_kwh: start.map(Into::into), max_kw: max_kw.map(Into::into), modulus_kwh: Some(modulus.into()), ..table(meter)
        };
        let (mut columns, mut rows) = (Site::with(&[of("M"), of("N")]), Site::with(&[of("M"), of("N")]));
        let (mut one, mut other, mut time) = (1u32, 1u32, at(0));
        for (index, (step, second, fault, advance)) in steps.iter().enumerate() {
            time = time.plus(if *fault == 7 { 3600 } else { 60 });
            one += step;
            other += second;
            let show = |kwh: u32| (kwh % modulus).to_string();
            let first = match fault { 0..4 => "0".to_owned(), 4..6 => show(one.saturating_sub(9)), 6 => "x".to_owned(), _ => show(one) };
            let both = [row("M", time, &first), row("N", time, &show(other))];
            columns.send_all(time.plus(lag), &both);
            for row in both {
                rows.send(time.plus(lag), row);
            }
            for (_, kwh) in late.iter().filter(|(at, _)| *at == index) {
                let early = row("N", time.plus(-90), &kwh.to_string());
                columns.send(time.plus(lag), early.clone());
                rows.send(time.plus(lag), early);
            }
            if *advance && index % 5 == 0 {
                columns.metering.advance(time.plus(lag)).expect("no fault of the tables");
                let earlier = columns.clone().outcomes();
                rows.metering.advance(time.plus(lag)).expect("no fault of the tables");
                prop_assert_eq!(earlier, rows.clone().outcomes());
            }
        }
        prop_assert_eq!(columns.outcomes(), rows.outcomes());
    }

    #[test]
    fn before_the_instant_of_a_change_nothing_changes(facts in proptest::collection::vec(any_fact(), 1..60)) {
        let mut site = Site::default();
        let mut known: Vec<i64> = Vec::new();
        for (index, fact) in facts.iter().enumerate() {
            record(&mut site, index, fact);
            drop(site.metering.advance(at(i64::try_from(index).expect("few"))));
            let from = site.metering.take_changed().first().map(|(_, from)| *from);
            let now: Vec<i64> = (-2..40).map(|hours| site.metering.energy(&id("M"), at(-100), at(hours)).get()).collect();
            for ((hours, old), new) in (-2..40).zip(&known).zip(&now) {
                prop_assert!(old == new || from.is_some_and(|from| from <= at(hours)), "{hours} {from:?}");
            }
            known = now;
        }
    }

    #[test]
    fn good_readings_in_any_order_give_the_same_curve(steps in proptest::collection::vec((1i64..5000, 1u32..900_000), 1..60), order in any::<u64>()) {
        let (mut time, mut mwh) = (at(0), 0);
        let rows: Vec<ReadingRow> = steps.iter().map(|(seconds, step)| {
            time = time.plus(*seconds);
            mwh += i64::from(*step);
            row("M", time, &kwh_text(mwh, 6))
        }).collect();
        let mut ordered = Site::with(&[table("M")]);
        for row in &rows {
            ordered.send(row.time, row.clone());
        }
        let mut shuffled: Vec<(usize, ReadingRow)> = rows.into_iter().enumerate().collect();
        shuffled.sort_by_key(|(index, _)| order.rotate_left(u32::try_from(index * 11).expect("few")));
        let mut late = Site::with(&[table("M")]);
        for (index, (_, row)) in shuffled.into_iter().enumerate() {
            let received = at(1000 + i64::try_from(index).expect("few"));
            late.send(received, row);
            drop(late.metering.advance(received));
        }
        let (ordered, late) = (outcome(&mut ordered), outcome(&mut late));
        prop_assert_eq!(&ordered.1, &[]);
        prop_assert_eq!(ordered.0, late.0);
    }

    #[test]
    fn slices_add_up_to_the_difference_of_the_register(
        steps in proptest::collection::vec((1i64..5000, 0u32..900_000), 1..60), units in 1i64..300_000_000,
        mut bounds in proptest::collection::vec(-1000i64..200_000, 2..20),
    ) {
        let mut site = Site::with(&[MeterInstalled { multiplier: rust_decimal::Decimal::new(units, 8), removed: Some(at(40)), ..table("M") }]);
        let (mut time, mut mwh) = (at(0), 1);
        for (seconds, step) in &steps {
            time = time.plus(*seconds);
            mwh += i64::from(*step);
            site.send(time, row("M", time, &kwh_text(mwh, 6)));
        }
        site.advance(1000);
        bounds.sort_unstable();
        let ends: Vec<Instant> = bounds.iter().map(|seconds| at(0).plus(*seconds)).collect();
        let register = site.metering.register(&id("M")).expect("it has a table");
        let parts: Energy = ends.windows(2).map(|ends| register.energy(ends[0], ends[1])).sum();
        let (first, last) = (ends[0], ends[ends.len() - 1]);
        prop_assert_eq!(parts, register.energy(first, last));
        prop_assert!(ends.windows(2).all(|ends| register.energy(ends[0], ends[1]) >= Energy::ZERO));
        let whole = register.installation().energy_of(register.register_at(last.min(at(40)))) - register.installation().energy_of(register.register_at(first.max(at(0)).min(at(40))));
        if last >= at(0) {
            prop_assert_eq!(parts.get(), whole);
        }
    }
}
