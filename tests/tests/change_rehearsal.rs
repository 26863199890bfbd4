//! A change is rehearsed on entries and appended through an owner who is there already, as a service does.

use adapters::event_log::EmbeddedLog;
use domain::event::{Body, EventId};
use services::change::{AppendError, Appended, Order, Rehearsal, append, correct};
use services::command::Key;
use services::history;
use services::owner::{COMMIT, Draft, Owner};
use tests::site::{Played, flat, head, one_price, play};

const FROM: &str = "2026-01-01T00:00:00Z";

fn site() -> anyhow::Result<Played> {
    let mut rows = "time,meter,kwh\n".to_owned();
    let start = domain::quantity::Instant::parse(FROM)?;
    for day in 0..=40 {
        rows += &format!("{},M-1,{}\n", start.plus(day * 86_400), day * 24);
    }
    play(&(head("UTC", "EUR") + &flat(1, FROM, "t") + &one_price("t", "1")), &rows, "2026-02-05T00:00:00Z")
}

fn posting(reference: &str, amount: &str) -> Vec<(String, String)> {
    let text = format!("[[posting]]\naccount = \"A-1\"\namount = \"{amount}\"\nreference = \"{reference}\"\n");
    vec![("the form".to_owned(), text)]
}

struct Desk {
    played: Played,
    log: EmbeddedLog,
}

impl Desk {
    fn new() -> anyhow::Result<Self> {
        let played = site()?;
        let log = EmbeddedLog::open(&played.out().join("log.db"))?;
        Ok(Self { played, log })
    }

    fn rehearsal(&self) -> Rehearsal {
        let entries = history::read_site(&self.played.out(), None, None).expect("the log is there");
        let at = entries.last().expect("events").event.received;
        Rehearsal::new(entries, at).expect("it folds")
    }
}

fn keyed<'a>(rehearsal: &Rehearsal, key: &'a Key) -> Order<'a> {
    Order { at: rehearsal.at(), propose: false, seen: rehearsal.seen(), key: Some(key) }
}

#[test]
fn a_change_goes_through_the_owner_once() -> anyhow::Result<()> {
    let mut desk = Desk::new()?;
    let mut before = desk.rehearsal();
    let plan = |rehearsal: &Rehearsal, amount: &str| {
        correct::plan(rehearsal, &posting("P-1", amount), "j.moore".to_owned(), "goodwill".to_owned())
            .expect("the tables are right")
    };
    let one = plan(&before, "-1.50");
    before.rehearse(&one).expect("nothing stands against it");

    let played = &desk.played;
    let site_id = before.site().premises().site().id.clone();
    let mut owner = Owner::open(&mut desk.log, site_id, COMMIT)?;
    let events = owner.events();
    let key = Key::try_new("form-1").expect("a key");
    let Appended { change, facts, repeated } = append(&mut owner, &one, keyed(&before, &key))?;
    owner.flush()?;
    assert_eq!((owner.events() - events, facts.len(), repeated), (2, 1, false));

    // The answer was lost and the form is sent again: with what was read before, and with what is read anew.
    let made = Appended { change, facts: facts.clone(), repeated: true };
    assert_eq!(append(&mut owner, &one, keyed(&before, &key))?, made);
    let entries = history::read_site(&played.out(), None, None).expect("the log is there");
    let after = Rehearsal::new(entries.clone(), before.at()).expect("it folds");
    let then = Rehearsal::keyed(entries, before.at(), Some(&key)).expect("it folds");
    assert!(then.repeats() && then.events().len() < after.events().len(), "it is read as it was then");
    assert_eq!(append(&mut owner, &plan(&then, "-1.50"), keyed(&then, &key))?, made);
    let other = append(&mut owner, &plan(&before, "-9.99"), keyed(&after, &key));
    assert!(matches!(other, Err(AppendError::KeyReused { .. })), "{other:?}");
    assert_eq!(owner.events() - events, 2);
    assert!(matches!(after.event(facts[0]).map(|event| &event.body), Some(Body::PostingMade(_))));
    assert_eq!(after.event(facts[0]).and_then(|event| event.cause), Some(change));
    Ok(())
}

#[test]
fn a_fact_in_between_refuses_what_was_rehearsed_and_nothing_is_appended() -> anyhow::Result<()> {
    let mut desk = Desk::new()?;
    let rehearsal = desk.rehearsal();
    let plan = correct::plan(&rehearsal, &posting("P-1", "2.00"), "j.moore".to_owned(), "goodwill".to_owned())
        .expect("the tables are right");
    let site_id = rehearsal.site().premises().site().id.clone();
    let mut owner = Owner::open(&mut desk.log, site_id, COMMIT)?;
    let between = Body::PostingMade(domain::event::PostingMade {
        account: domain::event::AccountId::try_new("A-1").expect("an id"),
        amount_minor: 100,
        by: "m.roe".to_owned(),
        reason: "another".to_owned(),
        reference: "P-2".to_owned(),
    });
    let (id, at) = (EventId::derive(&[b"between"]), rehearsal.at());
    owner.append(Draft { id, time: at, received: at, actor: "m.roe".to_owned(), body: between })?;
    let events = owner.events();
    let stale = append(&mut owner, &plan, keyed(&rehearsal, &Key::try_new("form-1").expect("a key")));
    assert!(matches!(stale, Err(AppendError::Stale { .. })), "{stale:?}");
    assert_eq!(owner.events(), events);
    Ok(())
}
