//! Each kind of alarm by a course of readings that raises and clears it once, and by a near miss that raises nothing.

use adapters::event_log::MemoryLog;
use adapters::intake::PolledMeter;
use domain::event::{AlarmKind, AlarmSubject, Body, MeterId};
use domain::quantity::Instant;
use services::alarm::AlarmDuty;
use tests::alarm_site::{Course, START};
use tests::samples;

const HOUR_S: i64 = 3600;
const BOTH: [(&str, i64); 2] = [("M-1", 1000), ("M-2", 300)];

/// A house in a fresh log.
fn house(then: impl FnOnce(&mut Course<'_>) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let mut log = MemoryLog::new();
    let mut course = Course::start(&mut log, AlarmDuty::default())?;
    then(&mut course)?;
    course.owner.flush()?;
    // Whatever happened is there again when the log is opened anew.
    let kept = course.owner.alarms().clone();
    drop(course);
    let again = Course::resume(&mut log, AlarmDuty::default())?;
    assert_eq!(*again.owner.alarms(), kept);
    Ok(())
}

fn is_of(polled: &PolledMeter, meter: &str) -> bool {
    polled.meter.as_str() == meter
}

fn once(subject: &str) -> Vec<(String, &'static str)> {
    vec![(subject.to_owned(), "raised"), (subject.to_owned(), "cleared")]
}

fn raised(subject: &str) -> Vec<(String, &'static str)> {
    vec![(subject.to_owned(), "raised")]
}

/// A house in which nothing is the matter: 50.00 each.
fn well(course: &mut Course<'_>) -> anyhow::Result<()> {
    course.recharge("A-1", 50_00)?;
    course.recharge("A-2", 50_00)?;
    course.steps(48, HOUR_S / 2, &BOTH, 20)
}

#[test]
fn nothing_is_alarmed_in_a_house_that_is_well() -> anyhow::Result<()> {
    house(|course| {
        well(course)?;
        course.steps(180, 60, &BOTH, 20)?;
        assert_eq!(course.kinds(), []);
        Ok(())
    })
}

#[test]
fn pains_13_a_hundred_swings_about_the_threshold_are_one_alert_with_its_hours() -> anyhow::Result<()> {
    // flexprice/flexprice#2155: 0.20 an hour, 24 hours are 4.80.
    house(|course| {
        course.recharge("A-2", 90_00)?;
        course.recharge("A-1", 10_10)?;
        course.steps(25, HOUR_S, &BOTH, 0)?;
        assert_eq!(course.happened(AlarmKind::LowBalance), [], "25 hours left");
        let mut beyond = 0;
        for _ in 0..100 {
            course.steps(2, HOUR_S, &BOTH, 0)?;
            beyond += usize::from(course.owner.alarms().open().count() == 1);
            course.recharge("A-1", 40)?;
        }
        assert!(beyond > 90, "{beyond}");
        assert_eq!(course.happened(AlarmKind::LowBalance), raised("account/A-1"));
        let open = course.owner.alarms().open().next().expect("one is open").clone();
        assert!((23..=24).contains(&open.raised.level), "{open:?}");
        let text = services::alarm::raised_text(&open.raised, 2);
        assert!(text.contains("hours left: the balance is 4."), "{text}");
        assert!(text.contains("cost 4.80 a day"), "{text}");
        // Above the threshold, but not by enough: 30 hours.
        course.recharge("A-1", 1_20)?;
        course.steps(2, HOUR_S, &BOTH, 0)?;
        assert_eq!(course.happened(AlarmKind::LowBalance).len(), 1);
        // A full balance, but not for long enough.
        course.recharge("A-1", 20_00)?;
        course.steps(9, 60, &BOTH, 0)?;
        assert_eq!(course.happened(AlarmKind::LowBalance).len(), 1);
        course.steps(2, 60, &BOTH, 0)?;
        assert_eq!(course.happened(AlarmKind::LowBalance), once("account/A-1"));
        Ok(())
    })
}

#[test]
fn an_accounts_own_bound_and_other_bounds_count_from_when_they_are_published() -> anyhow::Result<()> {
    house(|course| {
        course.recharge("A-1", 12_00)?;
        course.recharge("A-2", 90_00)?;
        course.steps(25, HOUR_S, &BOTH, 0)?;
        assert_eq!(course.happened(AlarmKind::LowBalance), []);
        let (_, mut policy) = domain::alarm::in_force(course.owner.alarms());
        policy.accounts = serde_json::from_value(serde_json::json!([{"account": "A-1", "raise_hours": 48}]))?;
        let now = course.now;
        let publish = |course: &mut Course<'_>, policy| {
            services::alarm::publish(&mut course.owner, now, policy, "J. Doe", "asked for")
        };
        let mut wrong = policy.clone();
        wrong.bounds.get_mut(&AlarmKind::Loss).expect("a bound").clear = 10;
        let refused = publish(course, wrong).expect_err("a bound that flutters").to_string();
        assert!(refused.contains("clear must lie below raise"), "{refused}");
        publish(course, policy.clone())?;
        course.look()?;
        assert_eq!(course.happened(AlarmKind::LowBalance), raised("account/A-1"));
        assert_eq!(course.owner.alarms().open().next().expect("one").raised.policy, 1);
        // Switched off, it is over.
        policy.bounds.get_mut(&AlarmKind::LowBalance).expect("a bound").on = false;
        publish(course, policy)?;
        course.look()?;
        assert_eq!(course.happened(AlarmKind::LowBalance), once("account/A-1"));
        Ok(())
    })
}

#[test]
fn a_meter_that_does_not_answer_is_silent_after_half_an_hour() -> anyhow::Result<()> {
    let mute = |polled: &mut PolledMeter| (!is_of(polled, "M-2")).then_some(());
    house(|course| {
        course.steps(30, 60, &BOTH, 0)?;
        course.steps_with(29, 60, &BOTH, 0, mute)?;
        course.steps(5, 60, &BOTH, 0)?;
        assert_eq!(course.happened(AlarmKind::SilentMeter), [], "29 minutes");
        course.steps_with(60, 60, &BOTH, 0, mute)?;
        assert_eq!(course.happened(AlarmKind::SilentMeter), raised("meter/M-2"));
        course.steps(5, 60, &BOTH, 0)?;
        assert_eq!(course.happened(AlarmKind::SilentMeter), once("meter/M-2"));
        assert_eq!(course.kinds(), [AlarmKind::SilentMeter]);
        Ok(())
    })
}

#[test]
fn power_at_its_limit_is_an_overload_by_the_register_or_by_the_meters_own_word() -> anyhow::Result<()> {
    house(|course| {
        course.steps(60, 60, &BOTH, 0)?;
        course.steps(20, 60, &[("M-1", 18_800), ("M-2", 300)], 0)?;
        assert_eq!(course.happened(AlarmKind::Overload), [], "94 %");
        course.steps(20, 60, &[("M-1", 19_600), ("M-2", 300)], 0)?;
        assert_eq!(course.happened(AlarmKind::Overload), raised("meter/M-1"));
        course.steps(10, 60, &[("M-1", 17_200), ("M-2", 300)], 0)?;
        assert_eq!(course.happened(AlarmKind::Overload), raised("meter/M-1"), "between its bounds");
        course.steps(20, 60, &BOTH, 0)?;
        assert_eq!(course.happened(AlarmKind::Overload), once("meter/M-1"));
        let told = |polled: &mut PolledMeter| {
            polled.power_mw = is_of(polled, "M-2").then_some(21_000_000);
            Some(())
        };
        course.steps_with(5, 60, &BOTH, 0, told)?;
        assert_eq!(course.happened(AlarmKind::Overload)[2..], raised("meter/M-2"));
        Ok(())
    })
}

#[test]
fn a_load_of_four_times_the_days_highest_is_sudden() -> anyhow::Result<()> {
    house(|course| {
        let at = |watts| [("M-1", watts), ("M-2", 300)];
        course.steps(8 * 60, 60, &at(500), 0)?;
        course.steps(30, 60, &at(1500), 0)?;
        course.steps(60, 60, &at(500), 0)?;
        course.steps(20, 60, &at(5_000), 0)?;
        assert_eq!(course.happened(AlarmKind::SuddenLoad), [], "3.3 times the highest of the day");
        course.steps(60, 60, &[("M-1", 500), ("M-2", 4_000)], 0)?;
        assert_eq!(course.happened(AlarmKind::SuddenLoad), once("meter/M-2"));
        Ok(())
    })
}

#[test]
fn a_register_that_stands_still_while_power_flows_is_stuck() -> anyhow::Result<()> {
    let flows = |polled: &mut PolledMeter| {
        polled.power_mw = Some(250_000);
        Some(())
    };
    house(|course| {
        course.steps_with(30, 60, &BOTH, 0, flows)?;
        course.steps_with(59, 60, &[("M-1", 1000)], 0, flows)?;
        course.steps_with(1, 60, &BOTH, 0, flows)?;
        assert_eq!(course.happened(AlarmKind::StuckRegister), [], "it moved within the hour");
        course.steps_with(70, 60, &[("M-1", 1000)], 0, flows)?;
        assert_eq!(course.happened(AlarmKind::StuckRegister), raised("meter/M-2"));
        course.steps_with(2, 60, &BOTH, 0, flows)?;
        assert_eq!(course.happened(AlarmKind::StuckRegister), once("meter/M-2"));
        // Nothing flows: nothing is stuck.
        let idle = |polled: &mut PolledMeter| {
            polled.power_mw = Some(if is_of(polled, "M-2") { 0 } else { 250_000 });
            Some(())
        };
        course.steps_with(90, 60, &[("M-1", 1000)], 0, idle)?;
        assert_eq!(course.happened(AlarmKind::StuckRegister), once("meter/M-2"));
        Ok(())
    })
}

#[test]
fn a_register_that_stands_still_for_a_day_is_stuck_where_the_flat_always_uses_energy() -> anyhow::Result<()> {
    let quarter = HOUR_S / 4;
    house(|course| {
        // M-2 was still two days before: it is no news that it is again.
        course.steps(96 * 2, quarter, &BOTH, 0)?;
        course.steps(97, quarter, &[("M-1", 1000)], 0)?;
        course.steps(96, quarter, &BOTH, 0)?;
        assert_eq!(course.happened(AlarmKind::StuckRegister), []);
        course.steps(95, quarter, &[], 1300)?;
        assert_eq!(course.happened(AlarmKind::StuckRegister), []);
        course.steps(5, quarter, &[], 1300)?;
        assert_eq!(course.happened(AlarmKind::StuckRegister), raised("meter/M-1"));
        course.steps(2, quarter, &BOTH, 0)?;
        assert_eq!(course.happened(AlarmKind::StuckRegister), once("meter/M-1"));
        Ok(())
    })
}

#[test]
fn a_clock_that_is_off_is_alarmed() -> anyhow::Result<()> {
    house(|course| {
        let now = std::cell::Cell::new(0);
        let off = |seconds: i64, now: Instant| {
            move |polled: &mut PolledMeter| {
                polled.device_time = is_of(polled, "M-1").then_some(now.plus(seconds));
                Some(())
            }
        };
        let minutes = |course: &mut Course<'_>, count, seconds| -> anyhow::Result<()> {
            now.set(now.get() + count);
            for _ in 0..count {
                let at = course.now.plus(60);
                course.steps_with(1, 60, &BOTH, 0, off(seconds, at))?;
            }
            Ok(())
        };
        minutes(course, 20, -290)?;
        minutes(course, 2, 4000)?;
        minutes(course, 10, 0)?;
        assert_eq!(course.happened(AlarmKind::ClockOff), [], "290 s, and a slip of two minutes");
        minutes(course, 5, -310)?;
        assert_eq!(course.happened(AlarmKind::ClockOff), raised("meter/M-1"));
        minutes(course, 10, -200)?;
        assert_eq!(course.happened(AlarmKind::ClockOff), raised("meter/M-1"));
        minutes(course, 5, 30)?;
        assert_eq!(course.happened(AlarmKind::ClockOff), once("meter/M-1"));
        Ok(())
    })
}

#[test]
fn rates_that_do_not_add_up_and_a_relay_that_does_not_obey_are_alarmed() -> anyhow::Result<()> {
    house(|course| {
        let rates = |less: i64, remote: bool| {
            move |polled: &mut PolledMeter| {
                let total = domain::event::register_mwh(&polled.kwh).expect("a number");
                if is_of(polled, "M-M") {
                    let text = domain::event::kwh_text((total - less).max(0), 6);
                    polled.rates_kwh = vec!["0.000".to_owned(), text];
                    polled.remote = Some(remote);
                }
                Some(())
            }
        };
        course.steps_with(60, HOUR_S, &BOTH, 0, rates(900_000, true))?;
        assert_eq!(course.kinds(), [AlarmKind::LowBalance], "0.9 kWh apart");
        course.steps_with(5, 60, &BOTH, 0, rates(1_000_000, false))?;
        assert_eq!(course.happened(AlarmKind::RatesOff), raised("meter/M-M"));
        assert_eq!(course.happened(AlarmKind::RelayMode), raised("meter/M-M"));
        course.steps_with(5, 60, &BOTH, 0, rates(400_000, true))?;
        assert_eq!(course.happened(AlarmKind::RatesOff), once("meter/M-M"));
        assert_eq!(course.happened(AlarmKind::RelayMode), once("meter/M-M"));
        Ok(())
    })
}

#[test]
fn a_welded_relay_is_alarmed_at_once_until_it_is_seen_to_open() -> anyhow::Result<()> {
    house(|course| {
        let sample = |name: &str, with: &[(&str, &str)]| -> anyhow::Result<Body> {
            let mut data = samples::event(name)?.body.to_value().expect("a payload");
            for (key, value) in with {
                data[*key] = (*value).into();
            }
            Ok(Body::from_parts(name, data)?)
        };
        course.steps(5, 60, &BOTH, 0)?;
        let failed = "supply.command.failed.v1";
        course.append("one", sample(failed, &[("point", "P-1"), ("reason", "not_moved")])?)?;
        assert_eq!(course.kinds(), []);
        course.append("two", sample(failed, &[("point", "P-1"), ("reason", "relay_welded")])?)?;
        assert_eq!(course.happened(AlarmKind::RelayWelded), raised("point/P-1"));
        course.append("three", sample(failed, &[("point", "P-1"), ("reason", "relay_welded")])?)?;
        assert_eq!(course.happened(AlarmKind::RelayWelded), raised("point/P-1"));
        course.append("four", sample("supply.cut.confirmed.v1", &[("point", "P-1")])?)?;
        assert_eq!(course.happened(AlarmKind::RelayWelded), once("point/P-1"));
        // Welded again within the hour: it waits, and is one alarm.
        course.append("five", sample(failed, &[("point", "P-1"), ("reason", "relay_welded")])?)?;
        course.steps(50, 60, &BOTH, 0)?;
        assert_eq!(course.happened(AlarmKind::RelayWelded), once("point/P-1"));
        course.steps(15, 60, &BOTH, 0)?;
        assert_eq!(course.happened(AlarmKind::RelayWelded).len(), 3);
        Ok(())
    })
}

#[test]
fn energy_that_no_meter_shows_is_a_loss() -> anyhow::Result<()> {
    let quarter = HOUR_S / 4;
    house(|course| {
        course.steps(96 + 20, quarter, &BOTH, 120)?;
        assert_eq!(course.happened(AlarmKind::Loss), [], "8 % of 1420 W");
        course.steps(96, quarter, &BOTH, 200)?;
        assert_eq!(course.happened(AlarmKind::Loss), raised("site"), "13 % of 1500 W");
        course.steps(96, quarter, &BOTH, 20)?;
        assert_eq!(course.happened(AlarmKind::Loss), once("site"));
        Ok(())
    })
}

#[test]
fn pains_9_24_mwh_in_15_minutes_are_held_not_billed_and_alarmed() -> anyhow::Result<()> {
    // home-assistant/core#140300
    house(|course| {
        well(course)?;
        let before = domain::prepayment::live(course.owner.site_mut(), course.now)?;
        course.now = course.now.plus(900);
        let mut wrong = course.polled("M-1");
        wrong.kwh = "24024.000".to_owned();
        course.poll(vec![wrong])?;
        let meter = MeterId::try_new("M-1").expect("an id");
        let held = services::quarantine::list(course.owner.site(), Some(&meter), course.now);
        let [row] = held.as_slice() else { panic!("{held:?}") };
        assert_eq!((row.reason, row.kwh.as_str()), ("too_fast", "24024.000"));
        assert_eq!(row.before.as_ref().map(|one| one.kwh.as_str()), Some("24.000"));
        assert_eq!((&row.after, &row.refusal), (&None, &None));
        assert_eq!(course.happened(AlarmKind::ReadingHeld), raised("meter/M-1"));
        let text = services::alarm::raised_text(&course.owner.alarms().open().next().expect("one").raised, 2);
        assert!(text.contains("24024 kWh") && text.contains("too_fast"), "{text}");
        let now = domain::prepayment::live(course.owner.site_mut(), course.now)?;
        assert_eq!(now, before, "nothing was booked");
        course.steps(70, 60, &BOTH, 0)?;
        assert_eq!(course.happened(AlarmKind::ReadingHeld), once("meter/M-1"));
        Ok(())
    })
}

#[test]
fn a_released_reading_is_no_longer_held_and_its_withdrawal_holds_it_again() -> anyhow::Result<()> {
    house(|course| {
        well(course)?;
        course.now = course.now.plus(60);
        let time = course.now;
        let mut wrong = course.polled("M-1");
        wrong.kwh = "30.000".to_owned();
        course.poll(vec![wrong])?;
        assert_eq!(course.happened(AlarmKind::ReadingHeld), raised("meter/M-1"));
        let meter = MeterId::try_new("M-1").expect("an id");
        let ask = services::quarantine::Ask { meter: meter.clone(), time, by: "J. Doe".into(), reason: "read".into() };
        let none = services::quarantine::Ask { time: time.plus(1), ..ask.clone() };
        let events = course.owner.events();
        assert!(services::quarantine::release(&mut course.owner, time, &none).is_err());
        let silent = services::quarantine::Ask { reason: " ".into(), ..ask.clone() };
        assert!(services::quarantine::release(&mut course.owner, time, &silent).is_err());
        assert!(services::quarantine::withdraw(&mut course.owner, time, &ask).is_err(), "nothing is accepted there");
        assert_eq!(course.owner.events(), events, "a refusal appends nothing");
        let done = services::quarantine::release(&mut course.owner, time, &ask)?;
        assert!(!done.proposed);
        course.look()?;
        assert_eq!(course.happened(AlarmKind::ReadingHeld), once("meter/M-1"));
        assert_eq!(services::quarantine::list(course.owner.site(), None, course.now), []);
        let register = |course: &Course<'_>| {
            course.owner.site().metering().register(&meter).and_then(|one| one.last_accepted()).expect("a reading")
        };
        assert_eq!(register(course), time);
        services::quarantine::withdraw(&mut course.owner, time.plus(60), &ask)?;
        course.now = time.plus(60);
        course.look()?;
        assert!(register(course) < time);
        Ok(())
    })
}

#[test]
fn a_person_sees_to_an_alarm_once_and_it_stays_open() -> anyhow::Result<()> {
    house(|course| {
        course.steps(5, 60, &BOTH, 0)?;
        let mute = |polled: &mut PolledMeter| is_of(polled, "M-M").then_some(());
        course.steps_with(40, 60, &BOTH, 0, mute)?;
        assert_eq!(course.owner.alarms().open().count(), 2);
        let (kind, now) = (AlarmKind::SilentMeter, course.now);
        let subject = AlarmSubject::try_from("meter/M-1".to_owned()).expect("a subject");
        let say = |course: &mut Course<'_>, by: &str| {
            services::alarm::acknowledge(&mut course.owner, now, kind, &subject, by, Some("fuse"))
        };
        assert!(say(course, " ").is_err());
        say(course, "J. Doe")?;
        let again = say(course, "R. Roe").expect_err("somebody sees to it").to_string();
        assert!(again.contains("J. Doe"), "{again}");
        let open = course.owner.alarms().open_of(kind, &subject).expect("it is open");
        assert_eq!(open.acknowledged, Some(("J. Doe".to_owned(), now)));
        let other = AlarmSubject::try_from("meter/M-M".to_owned()).expect("a subject");
        assert!(services::alarm::acknowledge(&mut course.owner, now, kind, &other, "J. Doe", None).is_err());
        Ok(())
    })
}

#[test]
fn a_start_raises_nothing_again_and_clears_what_came_back_meanwhile() -> anyhow::Result<()> {
    let mut log = MemoryLog::new();
    let mut course = Course::start(&mut log, AlarmDuty::default())?;
    course.steps(5, 60, &BOTH, 0)?;
    let mute = |polled: &mut PolledMeter| (!is_of(polled, "M-2")).then_some(());
    course.steps_with(60, 60, &BOTH, 0, mute)?;
    assert_eq!(course.happened(AlarmKind::SilentMeter), raised("meter/M-2"));
    let registers = course.registers.clone();
    drop(course);
    let mut course = Course::resume(&mut log, AlarmDuty::default())?;
    course.registers = registers;
    // A day later nobody has answered yet: it was nobody's fault but ours.
    course.now = course.now.plus(86_400);
    course.look()?;
    assert_eq!(course.happened(AlarmKind::SilentMeter), raised("meter/M-2"));
    course.steps(5, 60, &BOTH, 0)?;
    assert_eq!(course.happened(AlarmKind::SilentMeter), once("meter/M-2"));
    assert!(course.now > START);
    Ok(())
}
