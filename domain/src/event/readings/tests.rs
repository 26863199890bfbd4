//! What goes in comes out, in the same bytes; nothing else is accepted.

use proptest::prelude::*;

use super::{BatchError, Decoder, ReadingRow, ReadingsBatch, readings_id};
use crate::event::{Body, Event, EventError, MeterId, SiteId};
use crate::quantity::Instant;

const NOON: Instant = Instant::new(1_772_366_400);

fn row(meter: &str, kwh: &str) -> ReadingRow {
    let meter = MeterId::try_new(meter).expect("a meter id");
    ReadingRow { meter, time: NOON, kwh: kwh.into(), serial: None, device_time: None, place: 0 }
}

fn event(position: u64, batch: ReadingsBatch) -> Event {
    let site = SiteId::try_new("riverside").expect("a site id");
    Event {
        position,
        id: readings_id(&site, &batch),
        site,
        time: batch.time(),
        received: batch.time().plus(2),
        actor: "collector-1".to_owned(),
        cause: None,
        chains: Vec::new(),
        body: Body::ReadingsRecorded(batch),
    }
}

fn batch(rows: &[ReadingRow], base: Option<(u64, &ReadingsBatch)>) -> ReadingsBatch {
    ReadingsBatch::try_new(0, NOON, rows, base).expect("rows make a batch")
}

/// Encodes, decodes with a decoder that has seen `before`, and compares events, rows and bytes.
fn check(before: &[&Event], event: &Event, rows: &[ReadingRow]) -> Vec<u8> {
    let mut decoder = Decoder::new();
    for event in before {
        decoder.remember(event);
    }
    let bytes = event.encode().expect("it encodes");
    let again = decoder.decode(&bytes).expect("it decodes");
    assert_eq!(&again, event);
    assert_eq!(again.encode().expect("it encodes again"), bytes);
    assert_eq!(again.readings().expect("readings").rows().collect::<Vec<_>>(), rows);
    bytes
}

#[test]
fn odd_texts_serials_times_and_places_are_kept() {
    let mut rows: Vec<ReadingRow> =
        ["0", "1204.50", "007.5", ".5", "5.", "NaN", "-1.00", "1e3", "0.0000001", "", "9007199254.740992"]
            .iter()
            .enumerate()
            .map(|(index, kwh)| ReadingRow {
                place: u32::try_from(index).expect("few") + 2,
                ..row(&format!("M-{index}"), kwh)
            })
            .collect();
    rows[1].serial = Some("33B0101".into());
    rows[2].time = NOON.plus(-3600);
    rows[2].device_time = Some(Instant::new(1_104_537_600));
    rows[3].serial = Some("".into());
    check(&[], &event(1, batch(&rows, None)), &rows);
}

#[test]
fn a_delta_keeps_what_differs_from_its_base() {
    let first: Vec<_> =
        ["10.000", "20.50", "30", "NaN", "40.1", "1", "2", "3", "4"].iter().map(|kwh| row("M", kwh)).collect();
    let base = event(7, batch(&first, None));
    let mut rows: Vec<_> =
        ["10.5", "20.50", "30", "5", "40.1", "1", "2", "99999999", "4"].iter().map(|kwh| row("M", kwh)).collect();
    rows[1].serial = Some("33B".into());
    let of = base.readings().map(|batch| (7, batch));
    rows[5].kwh = "1.0".into();
    assert_eq!(batch(&rows, of).base_position(), None, "three misfits of nine rows are worth a full event");
    rows[5].kwh = "1".into();
    let small = event(9, batch(&rows, of));
    assert_eq!(small.readings().and_then(ReadingsBatch::base_position), Some(7));
    let bytes = check(&[&base], &small, &rows);
    assert_eq!(Event::decode(&bytes), Err(EventError::MissingBase(7)));
    let full = event(9, batch(&rows, None));
    assert_eq!(full.id, small.id, "the same rows are the same event");
}

#[test]
fn a_lower_register_or_another_roster_makes_a_full_event() {
    let base = batch(&[row("A", "5.0"), row("B", "6.0")], None);
    for rows in [vec![row("A", "4.9"), row("B", "6.0")], vec![row("B", "6.0"), row("A", "5.0")], vec![row("A", "5.0")]]
    {
        assert_eq!(batch(&rows, Some((1, &base))).base_position(), None);
    }
}

#[test]
fn an_event_of_another_time_or_before_its_base_is_refused() {
    let base = batch(&[row("A", "5.0")], None);
    let mut later = event(3, batch(&[row("A", "5.1")], Some((3, &base))));
    assert!(matches!(later.encode(), Err(EventError::Batch(BatchError::Envelope(_)))));
    later.position = 4;
    assert!(later.encode().is_ok());
    later.time = NOON.plus(60);
    assert!(matches!(later.encode(), Err(EventError::Batch(BatchError::Envelope(_)))));
    assert_eq!(ReadingsBatch::try_new(0, NOON, &[], None), Err(BatchError::Empty));
}

#[test]
fn rows_are_split_so_that_each_part_fits() {
    let rows: Vec<_> = (0..9000).map(|index| row(&format!("meter-with-a-long-name-{index}"), "123456.789")).collect();
    let parts = ReadingsBatch::split(rows.clone());
    assert!(parts.len() > 1);
    assert_eq!(parts.concat(), rows);
    for part in &parts {
        assert!(event(1, batch(part, None)).encode().is_ok());
    }
    assert!(matches!(event(1, batch(&rows, None)).encode(), Err(EventError::Batch(BatchError::TooLong(_)))));
}

/// An hour of 1,000 meters of up to 12 kW and a main meter: at most 2.5 bytes a reading.
#[test]
fn an_hour_of_a_thousand_meters_is_small() {
    let rows = |minute: i64| -> Vec<ReadingRow> {
        (0..1000)
            .map(|meter: i64| {
                let watt_hours = 1_204_500 + meter * 977 + minute * (if meter == 0 { 9000 } else { meter * 37 % 200 });
                let kwh = super::kwh_text(watt_hours * 1000, 3);
                ReadingRow { serial: Some(format!("33B{:05}", meter * 31).into()), ..row(&format!("M-{meter}"), &kwh) }
            })
            .collect()
    };
    let base = event(1, batch(&rows(0), None));
    let mut bytes = check(&[], &base, &rows(0)).len();
    for minute in 1..60 {
        let delta = event(minute + 1, batch(&rows(minute.cast_signed()), base.readings().map(|batch| (1, batch))));
        bytes += check(&[&base], &delta, &rows(minute.cast_signed())).len();
    }
    assert!(bytes <= 150_000, "{bytes} bytes for 60,000 readings");
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![8 => (0u32..2_000_000, 0u8..=6).prop_map(|(units, decimals)| super::kwh_text(i64::from(units) * 1_000_000, decimals)), 1 => "[0-9.eN-]{0,8}"]
}

fn any_row() -> impl Strategy<Value = ReadingRow> {
    let serial = proptest::option::weighted(0.3, "[AB]{0,2}");
    let device = proptest::option::weighted(0.2, -100i64..100);
    (
        0u8..4,
        any_text(),
        prop_oneof![8 => Just(0i64), 1 => -400i64..400],
        serial,
        device,
        prop_oneof![3 => Just(0u32), 1 => any::<u32>()],
    )
        .prop_map(|(meter, kwh, offset, serial, device, place)| {
            let time = NOON.plus(offset);
            ReadingRow {
                time,
                serial: serial.map(Into::into),
                device_time: device.map(|d| time.plus(d)),
                place,
                ..row(&format!("M-{meter}"), &kwh)
            }
        })
}

/// A base, and later rows most of which fit it.
fn pairs() -> impl Strategy<Value = (Vec<ReadingRow>, Vec<ReadingRow>)> {
    proptest::collection::vec(
        (any_row(), prop_oneof![9 => Just(None), 1 => any_row().prop_map(Some)], 0i64..70_000),
        1..40,
    )
    .prop_map(|rows| {
        let later = rows.iter().map(|(row, other, step)| match (other, super::register::plain(&row.kwh)) {
            (Some(other), _) => ReadingRow { meter: row.meter.clone(), ..other.clone() },
            (None, Some(held)) => {
                ReadingRow { kwh: super::register::units_text(held.units + step, held.decimals).into(), ..row.clone() }
            }
            (None, None) => row.clone(),
        });
        (rows.iter().map(|(row, ..)| row.clone()).collect(), later.collect())
    })
}

proptest! {
    #[test]
    fn every_batch_comes_back((first, second) in pairs()) {
        let base = event(5, batch(&first, None));
        check(&[], &base, &first);
        let later = event(6, batch(&second, base.readings().map(|batch| (5, batch))));
        check(&[&base], &later, &second);
        prop_assert_eq!(later.id, event(6, batch(&second, None)).id);
    }

    #[test]
    fn a_flipped_byte_is_refused_or_canonical((first, second) in pairs(), at in any::<prop::sample::Index>(), flip in 1u8..) {
        let base = event(5, batch(&first, None));
        let later = event(6, batch(&second, base.readings().map(|batch| (5, batch))));
        for event in [&base, &later] {
            let mut bytes = event.encode().expect("it encodes");
            bytes[at.index(event.encode().expect("it encodes").len())] ^= flip;
            // Having decoded the base, it knows the roster's bytes too.
            let mut decoder = Decoder::new();
            decoder.decode(&base.encode().expect("it encodes")).expect("it decodes");
            if let Ok(other) = decoder.decode(&bytes) {
                prop_assert_eq!(other.encode().expect("it encodes"), bytes);
                prop_assert!(other.readings().is_none_or(|batch| batch.rows().count() == batch.len()));
            }
        }
    }

    #[test]
    fn bytes_cut_short_are_refused((first, _) in pairs(), at in any::<prop::sample::Index>()) {
        let bytes = event(5, batch(&first, None)).encode().expect("it encodes");
        prop_assert!(Event::decode(&bytes[..at.index(bytes.len())]).is_err());
    }
}
