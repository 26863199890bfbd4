//! What comes in: its bytes are for ever, since a spool may wait for weeks.

use std::path::Path;

use adapters::intake::{Arrival, ArrivalError, Fact, MAX_BYTES, Poll, PolledMeter};
use anyhow::Context as _;
use domain::event::{Body, EventId, MeterId, OutputState, ReadingRow, SiteId};
use domain::quantity::Instant;
use proptest::prelude::*;
use tests::samples;

const NOON: Instant = Instant::new(1_772_366_400);

fn site() -> SiteId {
    SiteId::try_new("riverside").expect("a site's id")
}

fn meter(id: &str) -> MeterId {
    MeterId::try_new(id).expect("a meter's id")
}

fn fact() -> anyhow::Result<Arrival> {
    let body = samples::event("recharge.received.v1")?.body;
    let id = EventId::derive(&[b"sample"]);
    Ok(Arrival::Fact(Box::new(Fact { id, site: site(), time: NOON, actor: "J. Doe".to_owned(), body })))
}

fn poll() -> Arrival {
    let full = PolledMeter {
        device_time: Some(NOON.plus(-2)),
        place: 7,
        profile: Some("kpm33b/2".to_owned()),
        serial: Some("33B1".to_owned()),
        time: Some(NOON.plus(1)),
        words: Some("44969000".to_owned()),
        ..PolledMeter::new(meter("M-1"), "1204.500")
    };
    let bare = PolledMeter::new(meter("M-2"), "NaN");
    Arrival::Poll(Poll::new(site(), "cellar", "rtu-1", NOON, vec![full, bare]))
}

/// What a collector says of relays since it reads them; the poll above is still taken.
fn poll_with_relay() -> Arrival {
    let (relay, remote) = (Some(OutputState::Disconnected), Some(true));
    let polled = PolledMeter { relay, remote, ..PolledMeter::new(meter("M-1"), "1204.500") };
    Arrival::Poll(Poll::new(site(), "cellar", "rtu-1", NOON, vec![polled]))
}

#[test]
fn the_bytes_of_both_kinds_are_the_golden_ones() -> anyhow::Result<()> {
    for (name, arrival) in [
        ("intake.fact.v1.json", fact()?),
        ("intake.poll.v1.json", poll()),
        ("intake.poll.relay.v1.json", poll_with_relay()),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(name);
        let (_, bytes) = arrival.encode()?;
        if std::env::var("TALLYWATT_BLESS").is_ok_and(|bless| bless == "1") {
            std::fs::write(&path, &bytes)?;
        }
        let held = std::fs::read(&path).with_context(|| format!("{name} is not there"))?;
        assert_eq!(String::from_utf8_lossy(&bytes), String::from_utf8_lossy(&held), "{name}");
        assert_eq!(Arrival::decode(&held)?, arrival);
    }
    Ok(())
}

#[test]
fn a_fact_has_its_own_id_and_a_poll_that_of_what_it_says() -> anyhow::Result<()> {
    assert_eq!(fact()?.encode()?.0, EventId::derive(&[b"sample"]));
    let (id, bytes) = poll().encode()?;
    assert_eq!(id, EventId::derive(&[b"poll", &bytes]));
    Ok(())
}

/// The golden poll with one piece of its text in place of another.
fn altered(from: &str, to: &str) -> Result<Arrival, ArrivalError> {
    let text = String::from_utf8(poll().encode()?.1).expect("JSON is UTF-8");
    assert!(text.contains(from), "{text} has no {from}");
    Arrival::decode(text.replacen(from, to, 1).as_bytes())
}

#[test]
fn anything_but_the_one_form_is_refused() -> anyhow::Result<()> {
    use ArrivalError as E;
    let refused = |from, to| altered(from, to).expect_err(to);
    assert!(matches!(refused("{\"bus\"", "{ \"bus\""), E::NotCanonical));
    assert!(matches!(refused(",\"collector\"", ", \"collector\""), E::NotCanonical));
    assert!(matches!(refused("\"place\":7", "\"place\":7.0"), E::Json(_)));
    assert!(matches!(refused("\"place\":7", "\"place\":0"), E::NotCanonical));
    assert!(matches!(refused("\"place\":7", "\"plaice\":7"), E::Json(_)));
    assert!(matches!(refused("\"serial\":\"33B1\"", "\"serial\":null"), E::NotCanonical));
    assert!(matches!(refused("T12:00:00Z\"}", "T12:00:00+00:00\"}"), E::NotCanonical));
    assert!(matches!(refused("\"format\":1", "\"format\":2"), E::Format(2)));
    assert!(matches!(refused("\"kind\":\"poll\"", "\"kind\":\"pole\""), E::Json(_)));
    assert!(matches!(refused("\"44969000\"", "\"4496900\""), E::Words(_)));
    assert!(matches!(refused("\"44969000\"", "\"4496900G\""), E::Words(_)));
    assert!(matches!(refused("\"profile\":\"kpm33b/2\",", ""), E::Words(_)));
    assert!(matches!(Arrival::decode(b"\xff"), Err(E::Json(_))));
    assert!(matches!(Arrival::Poll(Poll::new(site(), "c", "b", NOON, Vec::new())).encode(), Err(E::Empty)));
    let decision = Fact {
        id: EventId::default(),
        site: site(),
        time: NOON,
        actor: "core".to_owned(),
        body: samples::event("day.settled.v1")?.body,
    };
    assert!(matches!(Arrival::Fact(Box::new(decision)).encode(), Err(E::NotAFact("day.settled.v1"))));
    let batch = Fact {
        id: EventId::default(),
        site: site(),
        time: NOON,
        actor: "x".to_owned(),
        body: samples::event("readings.recorded.v1")?.body,
    };
    assert!(matches!(batch.body, Body::ReadingsRecorded(_)));
    assert!(matches!(Arrival::Fact(Box::new(batch)).encode(), Err(E::NotAFact("readings.recorded.v1"))));
    Ok(())
}

fn any_row() -> impl Strategy<Value = ReadingRow> {
    let text = "[ -~\u{1}\"\\\\]{0,40}";
    let times = (-90i64..90, proptest::option::of(-1000i64..1000));
    ("M-[0-9]{1,3}", text, proptest::option::of(text), times, 0u32..9).prop_map(
        |(id, kwh, serial, (time, device), place)| ReadingRow {
            meter: meter(&id),
            time: NOON.plus(time),
            kwh: kwh.as_str().into(),
            serial: serial.as_deref().map(Into::into),
            device_time: device.map(|seconds| NOON.plus(seconds)),
            place,
        },
    )
}

proptest! {
    #[test]
    fn rows_come_back_from_polls_that_fit(few in proptest::collection::vec(any_row(), 1..20), copies in 1usize..200) {
        let rows: Vec<ReadingRow> = std::iter::repeat_n(few, copies).flatten().collect();
        let mut back = Vec::new();
        for poll in Poll::of_rows(&site(), "cellar", "rtu-1", &rows) {
            let (_, bytes) = Arrival::Poll(poll).encode().expect("it fits");
            prop_assert!(bytes.len() <= MAX_BYTES);
            let Ok(Arrival::Poll(again)) = Arrival::decode(&bytes) else { panic!("a poll") };
            back.extend(again.rows());
        }
        prop_assert_eq!(back, rows);
    }
}
