//! The gate reason by reason, people's acts, and the two worked sites.

use super::columns::{check_block, check_step, cuts, slice_registers};
use super::{Metering, MeteringError, Reason, TableReading};
use crate::event::{MeterId, MeterInstalled, PointId, ReadingRow, ReadingsBatch};
use crate::quantity::{Energy, Instant};

/// 2026-02-01T00:00:00Z; the instants of these tests are hours after it.
const START: i64 = 1_769_904_000;
const HOUR: i64 = 3600;

pub(super) fn at(hours: i64) -> Instant {
    Instant::new(START + hours * HOUR)
}

pub(super) fn id(meter: &str) -> MeterId {
    MeterId::try_new(meter).expect("a meter id")
}

pub(super) fn table(meter: &str) -> MeterInstalled {
    MeterInstalled {
        final_kwh: None,
        id: id(meter),
        installed: at(0),
        max_kw: None,
        modulus_kwh: None,
        multiplier: 1.into(),
        point: PointId::try_new("P").expect("a point id"),
        removed: None,
        serial: Some("33B".to_owned()),
        start_kwh: None,
    }
}

fn kwh(text: &str) -> Option<rust_decimal::Decimal> {
    text.parse().ok()
}

pub(super) fn row(meter: &str, time: Instant, kwh: &str) -> ReadingRow {
    ReadingRow { meter: id(meter), time, kwh: kwh.into(), serial: None, device_time: None, place: 0 }
}

/// A site under test: each call is an event of its own.
#[derive(Default, Clone)]
pub(super) struct Site {
    pub(super) metering: Metering,
    position: u64,
}

impl Site {
    pub(super) fn with(tables: &[MeterInstalled]) -> Self {
        let mut site = Self::default();
        for table in tables {
            site.metering.install(table, Instant::new(START - 1000 * HOUR)).expect("a table that can be");
        }
        site
    }

    pub(super) fn send(&mut self, received: Instant, row: ReadingRow) {
        self.position += 1;
        let batch = ReadingsBatch::try_new(0, received, &[row], None).expect("a row makes a batch");
        self.metering.record(self.position, received, &batch);
    }

    /// Rows of one instant in one event.
    pub(super) fn send_all(&mut self, received: Instant, rows: &[ReadingRow]) {
        self.position += 1;
        let batch = ReadingsBatch::try_new(0, rows[0].time, rows, None).expect("rows make a batch");
        self.metering.record(self.position, received, &batch);
    }

    fn sends(&mut self, meter: &str, readings: &[(i64, &str)]) {
        for (hours, kwh) in readings {
            self.send(at(*hours), row(meter, at(*hours), kwh));
        }
    }

    pub(super) fn advance(&mut self, hours: i64) {
        self.metering.advance(at(hours)).expect("no error of the site");
    }

    fn reasons(&self) -> Vec<(i64, Reason)> {
        self.metering.quarantine().iter().map(|q| (q.time.since(at(0)).div_euclid(HOUR), q.reason)).collect()
    }

    pub(super) fn curve(&self, meter: &str) -> Vec<(i64, i64)> {
        let register = self.metering.register(&id(meter)).expect("it has a table");
        register
            .accepted(Instant::new(i64::MIN + 1), Instant::new(i64::MAX))
            .map(|(time, mwh)| (time.get(), mwh))
            .collect()
    }
}

/// Sends readings to one meter and compares what is quarantined.
fn check(table: MeterInstalled, readings: &[(i64, &str)], quarantined: &[(i64, Reason)]) {
    let mut site = Site::with(&[table]);
    site.sends("M", readings);
    site.advance(10_000);
    assert_eq!(site.reasons(), quarantined);
}

#[test]
fn anything_but_digits_and_a_point_is_not_a_number() {
    let readings = [
        (1, "NaN"),
        (2, "-1.00"),
        (3, "1e3"),
        (4, ""),
        (5, "."),
        (6, "1.2.3"),
        (7, "0.0000001"),
        (8, "9007199254.740992"),
        (9, " 1"),
        (10, "+1"),
    ];
    check(table("M"), &readings, &readings.map(|(hours, _)| (hours, Reason::NotANumber)));
    check(table("M"), &[(1, ".5"), (2, "5."), (3, "007.5"), (4, "9007199254.740991")], &[]);
}

#[test]
fn another_serial_is_a_mismatch_but_none_is_not() {
    let mut site = Site::with(&[table("M"), MeterInstalled { serial: None, ..table("N") }]);
    for (hours, serial) in [(1, Some("33B")), (2, None), (3, Some("33C"))] {
        let serial = serial.map(Into::into);
        site.send(at(hours), ReadingRow { serial: serial.clone(), ..row("M", at(hours), "5") });
        site.send(at(hours), ReadingRow { serial, ..row("N", at(hours), "5") });
    }
    site.advance(9);
    assert_eq!(site.reasons(), [(3, Reason::SerialMismatch)]);
}

#[test]
fn a_reading_outside_the_installation_is_not_booked() {
    let held = MeterInstalled { installed: at(2), removed: Some(at(5)), ..table("M") };
    check(
        held,
        &[(1, "5"), (2, "5"), (5, "5"), (6, "5")],
        &[(1, Reason::BeforeInstallation), (6, Reason::AfterRemoval)],
    );
}

#[test]
fn a_reading_may_be_300_s_ahead_of_its_receipt() {
    let mut site = Site::with(&[table("M")]);
    site.send(at(1), row("M", at(1).plus(300), "5"));
    site.send(at(2), row("M", at(2).plus(301), "6"));
    site.advance(9);
    assert_eq!(site.reasons(), [(2, Reason::Future)]);
}

#[test]
fn the_same_register_again_is_a_duplicate_another_a_conflict() {
    check(
        table("M"),
        &[(1, "5.0"), (1, "5.00"), (1, "5.01"), (1, "0")],
        &[(1, Reason::Conflict), (1, Reason::Conflict)],
    );
}

#[test]
fn a_zero_beside_a_register_is_a_ghost() {
    check(table("M"), &[(1, "0"), (2, "0"), (3, "5"), (4, "0"), (5, "6")], &[(4, Reason::GhostZero)]);
    let mut site = Site::with(&[table("M")]);
    site.send(at(3), row("M", at(3), "5"));
    site.send(at(4), row("M", at(1), "0"));
    site.advance(9);
    assert_eq!(site.reasons(), [(1, Reason::GhostZero)]);
}

#[test]
fn a_register_below_the_one_before_or_above_the_one_after_goes_backwards() {
    let mut site = Site::with(&[table("M")]);
    site.sends("M", &[(1, "5"), (2, "4"), (3, "7")]);
    site.send(at(4), row("M", at(2), "7.5"));
    site.send(at(5), row("M", at(2), "6"));
    site.advance(9);
    assert_eq!(site.reasons(), [(2, Reason::Backwards), (2, Reason::Backwards)]);
}

#[test]
fn more_power_than_the_meter_carries_is_too_fast() {
    let held = || MeterInstalled { max_kw: kwh("60"), multiplier: 10.into(), ..table("M") };
    check(held(), &[(1, "1"), (2, "7"), (3, "13.000001"), (4, "13")], &[(3, Reason::TooFast)]);
    // Within a minute, a minute's energy: 60 kW × 60 s = 1 kWh, 0.1 of the register.
    let mut site = Site::with(&[held()]);
    for (seconds, kwh) in [(0, "1"), (1, "1.1"), (2, "1.200001"), (3, "1.2")] {
        site.send(at(1).plus(seconds), row("M", at(1).plus(seconds), kwh));
    }
    site.advance(9);
    assert_eq!(site.reasons(), [(1, Reason::TooFast)]);
    let mut late = Site::with(&[held()]);
    late.sends("M", &[(1, "1"), (4, "13")]);
    late.send(at(5), row("M", at(3), "6.5"));
    late.advance(9);
    assert_eq!(late.reasons(), [(3, Reason::TooFast)], "too fast to the one after");
}

#[test]
fn the_first_reason_that_applies_is_the_one() {
    let mut site = Site::with(&[MeterInstalled { start_kwh: kwh("3"), ..table("M") }]);
    let wrong = |time, kwh| ReadingRow { serial: Some("33C".into()), ..row("M", time, kwh) };
    site.send(at(1), wrong(at(-1), "x"));
    site.send(at(1), wrong(at(-1), "4"));
    site.send(at(1), row("M", at(2), "0"));
    site.send(at(3), row("M", at(0), "0"));
    site.advance(9);
    assert_eq!(
        site.reasons(),
        [(-1, Reason::SerialMismatch), (-1, Reason::NotANumber), (0, Reason::Conflict), (2, Reason::Future)]
    );
}

#[test]
fn a_wrapping_register_is_brought_near_its_neighbour() {
    let held = MeterInstalled { modulus_kwh: kwh("1000"), ..table("M") };
    let mut site = Site::with(std::slice::from_ref(&held));
    site.sends("M", &[(24, "999"), (48, "2.25"), (48, "2.25"), (48, "2.30"), (60, "2.00"), (72, "4")]);
    site.send(at(80), row("M", at(0), "997.5"));
    site.advance(99);
    assert_eq!(site.reasons(), [(48, Reason::Conflict), (60, Reason::Backwards)]);
    let registers: Vec<i64> = site.curve("M").iter().map(|(_, mwh)| *mwh).collect();
    assert_eq!(registers, [997_500_000, 999_000_000, 1_002_250_000, 1_004_000_000]);
    // Without a reading before, the one after; a tie goes up.
    let mut late = Site::with(&[held]);
    late.sends("M", &[(10, "2.25")]);
    late.send(at(11), row("M", at(5), "999"));
    late.send(at(20), row("M", at(20), "502.25"));
    late.advance(99);
    let registers: Vec<i64> = late.curve("M").iter().map(|(_, mwh)| *mwh).collect();
    assert_eq!(registers, [-1_000_000, 2_250_000, 502_250_000]);
}

#[test]
fn what_a_table_states_comes_first_and_must_be_accepted() {
    let held = MeterInstalled { start_kwh: kwh("5"), final_kwh: kwh("8"), removed: Some(at(10)), ..table("M") };
    let mut site = Site::with(std::slice::from_ref(&held));
    site.sends("M", &[(0, "5.1"), (10, "8.1"), (10, "8")]);
    site.advance(99);
    assert_eq!(site.reasons(), [(0, Reason::Conflict), (10, Reason::Conflict)]);
    let mut site = Site::with(&[held]);
    site.sends("M", &[(5, "9")]);
    let (meter, time, reason) = (id("M"), at(10), Reason::Backwards);
    let error = MeteringError::TableReadingQuarantined { meter, which: TableReading::Final, time, reason };
    site.advance(9);
    assert_eq!(site.metering.advance(at(10)), Err(error));
    site.advance(11);
}

#[test]
fn tables_that_cannot_be_are_refused() {
    let install = |table: &MeterInstalled| Site::with(&[]).metering.install(table, at(0));
    for wrong in [
        MeterInstalled { multiplier: 0.into(), ..table("M") },
        MeterInstalled { start_kwh: kwh("-1"), ..table("M") },
        MeterInstalled { modulus_kwh: kwh("0"), ..table("M") },
        MeterInstalled { max_kw: kwh("0.0000001"), ..table("M") },
        MeterInstalled { final_kwh: kwh("1"), ..table("M") },
        MeterInstalled { removed: Some(at(-1)), ..table("M") },
    ] {
        assert!(matches!(install(&wrong), Err(MeteringError::Table { .. })), "{wrong:?}");
    }
    let mut site = Site::with(&[table("M")]);
    let other = MeterInstalled { multiplier: 2.into(), ..table("M") };
    assert_eq!(site.metering.install(&other, at(1)), Err(MeteringError::MultiplierChanged { meter: id("M") }));
}

#[test]
fn rows_wait_for_their_table_and_are_judged_anew_by_another() {
    let mut site = Site::with(&[]);
    site.sends("M", &[(1, "5"), (2, "9"), (3, "9.5")]);
    site.advance(4);
    assert!(site.metering.register(&id("M")).is_none() && site.reasons().is_empty());
    site.metering.install(&MeterInstalled { max_kw: kwh("1"), ..table("M") }, at(5)).expect("a table");
    site.advance(5);
    assert_eq!(site.reasons(), [(2, Reason::TooFast), (3, Reason::TooFast)]);
    site.metering.take_changed();
    site.metering.install(&MeterInstalled { max_kw: kwh("4"), ..table("M") }, at(6)).expect("a table");
    site.advance(6);
    assert_eq!(site.reasons(), []);
    assert_eq!(site.metering.take_changed(), [(id("M"), at(1).plus(1))]);
}

/// `site-cases/hand-swap`: the sums stand in its README.
#[test]
fn a_swap_and_a_wrap_as_worked_by_hand() {
    let day = |date: i64| (date - 1) * 24;
    let one = MeterInstalled {
        serial: None,
        installed: at(day(1)),
        removed: Some(at(day(3) + 10)),
        start_kwh: kwh("200.00"),
        final_kwh: kwh("207.50"),
        ..table("M-1a")
    };
    let two = MeterInstalled {
        installed: at(day(3) + 12),
        start_kwh: kwh("50.00"),
        multiplier: 10.into(),
        max_kw: kwh("20"),
        ..table("M-1b")
    };
    let mut site = Site::with(&[one, two]);
    site.sends("M-1a", &[(day(2), "200.00"), (day(3), "205.00")]);
    site.send(at(day(3)).plus(37_800), row("M-1a", at(day(3)).plus(37_800), "207.50"));
    site.sends(
        "M-1b",
        &[
            (day(3) + 11, "50.00"),
            (day(3) + 18, "50.60"),
            (day(4), "51.00"),
            (day(4) + 6, "0.00"),
            (day(4) + 12, "80.00"),
            (day(4) + 18, "50.90"),
            (day(5), "51.50"),
        ],
    );
    site.advance(day(6));
    let reasons: Vec<Reason> = site.reasons().into_iter().map(|(_, reason)| reason).collect();
    assert_eq!(
        reasons,
        [Reason::AfterRemoval, Reason::BeforeInstallation, Reason::GhostZero, Reason::TooFast, Reason::Backwards]
    );
    let energy = |meter, from, to| site.metering.energy(&id(meter), at(from), at(to));
    assert_eq!(energy("M-1a", day(2), day(28)), Energy::new(7_500_000));
    assert_eq!(energy("M-1b", day(2), day(28)), Energy::new(15_000_000));
    assert_eq!(energy("M-1a", day(3) + 10, day(3) + 12), Energy::ZERO);
}

/// `site-cases/hand-withdrawn-spike`.
#[test]
fn a_spike_is_withdrawn_and_a_true_reading_released() {
    let mut site = Site::with(&[table("M-1"), MeterInstalled { max_kw: kwh("5"), ..table("M-2") }]);
    site.sends(
        "M-1",
        &[
            (0, "0"),
            (12, "5.00"),
            (24, "10.00"),
            (30, "80.00"),
            (36, "15.00"),
            (48, "20.00"),
            (60, "24.00"),
            (72, "28.00"),
        ],
    );
    site.sends("M-2", &[(46, "4.00"), (48, "24.00"), (52, "24.00")]);
    site.advance(80);
    assert_eq!(
        site.reasons(),
        [
            (36, Reason::Backwards),
            (48, Reason::Backwards),
            (60, Reason::Backwards),
            (72, Reason::Backwards),
            (48, Reason::TooFast)
        ]
    );
    site.metering.take_changed();
    site.metering.withdraw(&id("M-1"), at(30), at(90));
    site.metering.release(&id("M-2"), at(48), at(100));
    site.advance(100);
    assert_eq!(site.reasons(), []);
    assert_eq!(site.metering.take_changed(), [(id("M-1"), at(24).plus(1)), (id("M-2"), at(46).plus(1))]);
    assert_eq!(site.metering.energy(&id("M-1"), at(0), at(48)), Energy::new(20_000_000));
    assert_eq!(site.metering.energy(&id("M-2"), at(46), at(48)), Energy::new(20_000_000));
}

#[test]
fn the_later_of_a_withdrawal_and_a_release_counts() {
    let mut site = Site::with(&[table("M")]);
    site.sends("M", &[(1, "5"), (2, "6"), (2, "6.0"), (3, "7"), (2, "6.5")]);
    site.advance(3);
    let reading = |site: &Site| site.curve("M").get(1).map(|(_, mwh)| mwh / 10_000);
    assert_eq!((reading(&site), site.reasons().len()), (Some(600), 1));
    site.metering.withdraw(&id("M"), at(2), at(4));
    site.advance(4);
    assert_eq!((reading(&site), site.reasons().len()), (Some(650), 0), "another row of that instant is accepted");
    site.metering.withdraw(&id("M"), at(2), at(5));
    site.metering.release(&id("M"), at(2), at(5));
    site.advance(5);
    assert_eq!((reading(&site), site.reasons().len()), (Some(600), 0), "of the withdrawn ones the first is released");
    site.metering.withdraw(&id("M"), at(2), at(6));
    site.advance(6);
    assert_eq!((reading(&site), site.reasons().len()), (Some(700), 0), "both are withdrawn now");
}

#[test]
fn acts_that_name_nothing_are_errors_without_effect() {
    let (meter, unknown) = (id("M"), id("X"));
    let mut site = Site::with(&[MeterInstalled { start_kwh: kwh("5"), max_kw: kwh("10"), ..table("M") }]);
    site.sends("M", &[(1, "6"), (2, "20"), (3, "7"), (4, "NaN"), (5, "6.5")]);
    site.advance(9);
    let withdraw = |meter, hours| site.metering.check_withdraw(meter, at(hours), at(10));
    let release = |meter, hours| site.metering.check_release(meter, at(hours), at(10));
    let (m, time) = (meter.clone(), at);
    assert_eq!(withdraw(&unknown, 1), Err(MeteringError::UnknownMeter { meter: unknown.clone() }));
    assert_eq!(withdraw(&meter, 2), Err(MeteringError::NothingAccepted { meter: m.clone(), time: time(2) }));
    assert_eq!(
        withdraw(&meter, 0),
        Err(MeteringError::OfTheTable { meter: m.clone(), time: time(0), which: TableReading::Start })
    );
    assert_eq!(release(&meter, 1), Err(MeteringError::AlreadyAccepted { meter: m.clone(), time: time(1) }));
    assert_eq!(release(&meter, 4), Err(MeteringError::NothingQuarantined { meter: m.clone(), time: time(4) }));
    assert_eq!(release(&meter, 5), Err(MeteringError::WouldDecrease { meter: m.clone(), time: time(5) }));
    assert_eq!((withdraw(&meter, 1), release(&meter, 2)), (Ok(()), Ok(())));
    let before = site.curve("M");
    site.metering.release(&meter, at(5), at(10));
    assert_eq!(site.metering.advance(at(10)), Err(MeteringError::WouldDecrease { meter: m, time: at(5) }));
    assert_eq!(site.curve("M"), before);
    site.advance(11);
}

#[test]
fn a_curve_answers_between_before_and_after_its_readings() {
    let mut site = Site::with(&[MeterInstalled { removed: Some(at(20)), ..table("M") }]);
    site.sends("M", &[(2, "1.000000"), (4, "1.000003"), (5, "2")]);
    site.advance(9);
    let register = site.metering.register(&id("M")).expect("it has a table");
    let registers: Vec<i64> = [0, 2, 3, 4, 5, 9].map(|hours| register.register_at(at(hours))).to_vec();
    assert_eq!(registers, [1_000_000, 1_000_000, 1_000_001, 1_000_003, 2_000_000, 2_000_000]);
    let sources: Vec<Vec<u64>> = [0, 2, 3, 4, 9].map(|hours| register.sources(at(hours)).collect()).to_vec();
    assert_eq!(sources, [vec![1], vec![1], vec![1, 2], vec![2], vec![3]]);
    assert_eq!((register.first_accepted(), register.last_accepted()), (Some(at(2)), Some(at(5))));
    assert!(register.has_reading_at_or_after(at(5)) && !register.has_reading_at_or_after(at(5).plus(1)));
    assert!(register.installed_at(at(0)) && !register.installed_at(at(20)) && !register.installed_at(at(-1)));
    let interpolated = |a, b| register.interpolated(at(a), at(b), HOUR);
    assert!(
        interpolated(2, 3) && interpolated(3, 4) && !interpolated(2, 4) && !interpolated(4, 6) && interpolated(5, 7)
    );
    assert!(interpolated(0, 2) && !interpolated(1, 2) && !interpolated(-5, 2) && !interpolated(4, 30));
    let gap = |a: Instant, b: Instant| register.gap_within(a, b, HOUR);
    assert!(
        gap(at(3), at(5)) && !gap(at(4), at(5)) && gap(at(1), at(3)) && gap(at(5), at(6)) && gap(at(4).plus(-1), at(5))
    );
    assert!(!gap(at(20), at(30)) && !register.gap_within(at(2), at(5), 2 * HOUR));
}

#[test]
fn kernels_find_what_is_unsound_and_cut_as_the_curve_does() {
    let mut registers: Vec<i64> = (0..100).map(|minute| minute * minute).collect();
    assert_eq!((check_block(&registers).sound, check_block(&registers).max_step), (true, 197));
    assert!(check_step(&registers[..99], &registers[1..]).sound);
    for at in 0..100 {
        for wrong in [-1, i64::MIN, i64::MAX, 1 << 53] {
            let mut registers = registers.clone();
            registers[at] = wrong;
            assert!(!check_block(&registers).sound, "{wrong} at {at}");
        }
    }
    registers[50] -= 200;
    assert!(!check_block(&registers).sound);
    let times = [0, 60, 120, 300];
    let places = cuts(&times, &[-5, 0, 30, 60, 299, 300, 400]);
    assert_eq!(slice_registers(&[10, 11, 20, 30], &places), Some(vec![10, 10, 10, 11, 29, 30, 30]));
    assert_eq!(slice_registers(&[10, 11], &places), None);
}
