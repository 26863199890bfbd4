//! Commands of people over a log that nobody else appends to: each is rehearsed, shown, and appended with `--yes`.

use adapters::clock::{Clock as _, SystemClock};
use adapters::event_log;
use clap::Args as ClapArgs;
use domain::billing::Site;
use domain::event::{AccountId, Body, Event, EventId, OutputState, PointId, SupplyEvent};
use domain::prepayment::{Settled, settled};
use domain::quantity::Instant;
use domain::supply::{PRESETS, Preset, Supply, preset};
use serde_json::{Value, json};

use super::ask::{Ask, AskError, answer, ask, says};
use super::status::{PointStatus, status_of};
use crate::change::Target;
use crate::command::Key;
use crate::console::Console;
use crate::exit::{Exit, Failure, bad};
use crate::history::{self, HistoryError};
use crate::owner::{COMMIT, Owner, OwnerError};
use crate::replay::failed;

/// Which points.
#[derive(Debug, ClapArgs)]
pub(super) struct Choice {
    /// The points.
    #[arg(value_name = "POINT", required_unless_present = "all", conflicts_with = "all")]
    points: Vec<String>,
    /// Every unit's point; the filters below leave some out.
    #[arg(long)]
    all: bool,
    /// Of --all, those whose electricity balance is below this sum in minor units.
    #[arg(long, value_name = "MINOR", requires = "all", allow_negative_numbers = true)]
    balance_below: Option<i64>,
    /// Of --all, those whose relay was read so: connected, disconnected, `ready_for_reconnection`, unknown.
    #[arg(long, value_name = "STATE", requires = "all")]
    state: Option<String>,
}

/// `tallywatt supply cut` and `restore`
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  tallywatt supply cut target/hand-late P-1 P-2 --by 'J. Doe' --reason 'empty flats'          # a dry run
  tallywatt supply restore target/hand-late --all --state disconnected --by 'J. Doe' --reason 'storm' --yes

The request is carried out by the service that owns the site, when the checks of the policy pass: it is not valid for
more than a day. Where the policy asks for two persons, somebody else approves a cut.")]
pub(super) struct SwitchArgs {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    choice: Choice,
    /// Who asks.
    #[arg(long, value_name = "NAME")]
    by: String,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// `tallywatt supply approve` and `confirm`
#[derive(Debug, ClapArgs)]
pub(super) struct PointsArgs {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    choice: Choice,
    /// Who says so.
    #[arg(long, value_name = "NAME")]
    by: String,
}

/// `tallywatt supply protect` and `unprotect`
#[derive(Debug, ClapArgs)]
pub(super) struct ReasonArgs {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    choice: Choice,
    /// Who says so.
    #[arg(long, value_name = "NAME")]
    by: String,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum DisputeStep {
    Open,
    Close,
}

/// `tallywatt supply dispute`
#[derive(Debug, ClapArgs)]
pub(super) struct DisputeArgs {
    /// Whether the complaint is opened or settled.
    step: DisputeStep,
    #[command(flatten)]
    target: Target,
    /// The accounts.
    #[arg(value_name = "ACCOUNT", required = true)]
    accounts: Vec<String>,
    /// Who writes it down.
    #[arg(long, value_name = "NAME")]
    by: String,
    /// What about, or how it was settled.
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// `tallywatt supply weather`
#[derive(Debug, ClapArgs)]
pub(super) struct WeatherArgs {
    #[command(flatten)]
    target: Target,
    /// Until when; an instant that has passed ends the hold.
    #[arg(long, value_name = "INSTANT", value_parser = Instant::parse)]
    until: Instant,
    /// Which weather.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who says so.
    #[arg(long, value_name = "NAME")]
    by: String,
}

/// `tallywatt supply publish`
#[derive(Debug, ClapArgs)]
pub(super) struct PublishArgs {
    #[command(flatten)]
    target: Target,
    /// The preset; `site.toml` can say more than that (`adapters/src/site_folder/SUPPLY.md`).
    #[arg(long, value_name = "PRESET")]
    preset: String,
    /// Who publishes it.
    #[arg(long, value_name = "NAME")]
    by: String,
}

/// `tallywatt supply status`
#[derive(Debug, ClapArgs)]
pub(super) struct StatusArgs {
    #[command(flatten)]
    target: Target,
}

/// A log, folded.
struct Ground {
    site: Site,
    supply: Supply,
    spent: Settled,
    at: Instant,
    /// The key, and what it brought before.
    key: Option<Key>,
    said: Vec<Event>,
}

impl Ground {
    fn read(target: &Target) -> Result<Self, Failure> {
        let entries = history::read(&target.dir, target.log.as_deref()).map_err(failed)?;
        let last = entries.last().map_or(Instant::default(), |entry| entry.event.received);
        let at = match &target.at {
            None => SystemClock.now().max(last),
            Some(text) => Instant::parse(text).map_err(|error| bad(error, "give --at as in 2026-04-02T00:00:00Z"))?,
        };
        if at < last {
            return Err(bad(format!("the log's last event was received at {last}, after {at}"), "give a later --at"));
        }
        let mut supply = Supply::default();
        for entry in &entries {
            supply.apply(&entry.event);
        }
        let position = entries.last().map_or(0, |entry| entry.event.position);
        let (site, _) = history::replay(&entries, None).map_err(failed)?;
        let spent = settled(&site).map_err(|error| failed(HistoryError::Billing { position, error }))?;
        let id = |key: &Key, index| entries.first().map(|entry| key.id(&entry.event.site, index));
        let find = |id| entries.iter().map(|entry| &entry.event).find(|event| Some(event.id) == id);
        let said = target.key.iter().flat_map(|key| (0u64..).map_while(move |index| find(id(key, index)).cloned()));
        let said = said.collect();
        Ok(Self { site, supply, spent, at, key: target.key.clone(), said })
    }

    /// What an ask comes to; where its key came before, what it came to then.
    fn answer(&self, by: &str, ask: &Ask) -> Result<SupplyEvent, AskError> {
        match self.said.as_slice() {
            [] => answer(&self.site, &self.supply, self.at, by, ask.clone()),
            [Event { actor, body: Body::Supply(event), .. }] if actor == by && says(event, ask) => Ok(event.clone()),
            _ => Err(AskError::KeyReused(self.key.as_ref().map_or_else(String::new, |key| key.as_str().to_owned()))),
        }
    }

    fn status(&mut self) -> Result<Vec<PointStatus>, Failure> {
        // A log does not say whether meters answer: what is due is shown as if they did.
        status_of(&mut self.site, &self.spent, &self.supply, self.at, |_| true)
            .map_err(|error| bad(error, "mend the fact that the message names"))
    }

    fn points(&mut self, choice: &Choice) -> Result<Vec<PointId>, Failure> {
        if !choice.all {
            let id = |text: &String| {
                PointId::try_new(text).ok_or_else(|| bad(format!("'{text}' is no id"), "name a point of the site"))
            };
            return choice.points.iter().map(id).collect();
        }
        let below = |status: &PointStatus| {
            choice.balance_below.is_none_or(|sum| status.balance_minor.is_some_and(|balance| balance.get() < sum))
        };
        let stands = |status: &PointStatus| choice.state.as_ref().is_none_or(|state| status.control == state);
        Ok(self.status()?.into_iter().filter(|one| below(one) && stands(one)).map(|one| one.point).collect())
    }
}

/// What something is about, and the type of its event with its id where it was appended, or why it is refused.
type Row = (String, Result<(String, Option<EventId>), String>);

/// What is asked, and the name of what it is about.
type Asks = Vec<(String, Ask)>;

pub(super) fn switch(args: &SwitchArgs, to: OutputState, console: &mut Console) -> Result<Exit, Failure> {
    let mut ground = Ground::read(&args.target)?;
    let of = |point: PointId| (point.to_string(), Ask::Switch { point, to, reason: args.reason.clone() });
    let asks = ground.points(&args.choice)?.into_iter().map(of).collect();
    carry_out(&ground, &args.target, &args.by, asks, console)
}

pub(super) fn approve(args: &PointsArgs, console: &mut Console) -> Result<Exit, Failure> {
    let mut ground = Ground::read(&args.target)?;
    let asks = ground.points(&args.choice)?.into_iter().map(|point| (point.to_string(), Ask::Approve { point }));
    let asks = asks.collect();
    carry_out(&ground, &args.target, &args.by, asks, console)
}

pub(super) fn confirm(args: &PointsArgs, console: &mut Console) -> Result<Exit, Failure> {
    let mut ground = Ground::read(&args.target)?;
    let asks = ground.points(&args.choice)?.into_iter().map(|point| (point.to_string(), Ask::Confirm { point }));
    let asks = asks.collect();
    carry_out(&ground, &args.target, &args.by, asks, console)
}

pub(super) fn protect(args: &ReasonArgs, on: bool, console: &mut Console) -> Result<Exit, Failure> {
    let mut ground = Ground::read(&args.target)?;
    let of = |point: PointId| {
        let (name, reason) = (point.to_string(), args.reason.clone());
        (name, if on { Ask::Protect { point, reason } } else { Ask::Unprotect { point, reason } })
    };
    let asks = ground.points(&args.choice)?.into_iter().map(of).collect();
    carry_out(&ground, &args.target, &args.by, asks, console)
}

pub(super) fn dispute(args: &DisputeArgs, console: &mut Console) -> Result<Exit, Failure> {
    let ground = Ground::read(&args.target)?;
    let of = |text: &String| {
        let account = AccountId::try_new(text).ok_or_else(|| bad(format!("'{text}' is no id"), "name an account"))?;
        let reason = args.reason.clone();
        Ok((
            text.clone(),
            match args.step {
                DisputeStep::Open => Ask::OpenDispute { account, reason },
                DisputeStep::Close => Ask::CloseDispute { account, reason },
            },
        ))
    };
    let asks = args.accounts.iter().map(of).collect::<Result<_, Failure>>()?;
    carry_out(&ground, &args.target, &args.by, asks, console)
}

pub(super) fn weather(args: &WeatherArgs, console: &mut Console) -> Result<Exit, Failure> {
    let ground = Ground::read(&args.target)?;
    let asks = vec![("the site".to_owned(), Ask::Weather { until: args.until, reason: args.reason.clone() })];
    carry_out(&ground, &args.target, &args.by, asks, console)
}

pub(super) fn publish(args: &PublishArgs, console: &mut Console) -> Result<Exit, Failure> {
    let ground = Ground::read(&args.target)?;
    let names = || PRESETS.iter().map(|preset| preset.name).collect::<Vec<_>>().join(", ");
    let policy = preset(&args.preset)
        .map(Preset::policy)
        .ok_or_else(|| bad(format!("no preset is called '{}'", args.preset), &format!("name one of {}", names())))?;
    let ask = Ask::Publish { policy: Box::new(policy), preset: Some(args.preset.clone()) };
    carry_out(&ground, &args.target, &args.by, vec![("the site".to_owned(), ask)], console)
}

pub(super) fn status(args: &StatusArgs, console: &mut Console) -> Result<Exit, Failure> {
    let mut ground = Ground::read(&args.target)?;
    let all = ground.status()?;
    if args.target.json {
        console.line(json!({"at": ground.at, "points": all}).to_string());
        return Ok(Exit::Done);
    }
    for one in &all {
        let account = one.account.as_ref().map_or("vacant", AccountId::as_str);
        let protected = if one.protected { ", protected" } else { "" };
        let pending = one.pending.map(|pending| format!(", {} pending since {}", to_word(pending.to), pending.since));
        let held_by = one.due.as_ref().and_then(|due| due.held_by);
        let held_by = held_by.map(|code| format!(", held by {}", json!(code).as_str().unwrap_or_default()));
        let earliest = one.earliest_cut.map(|at| format!(", cut at {at} at the earliest"));
        let rest = [pending, held_by, earliest].into_iter().flatten().collect::<String>();
        console.line(format!("{} of {account}: {}{protected}{rest}", one.point, one.control));
    }
    console.line(format!("at {}; by the log alone, as if every meter answered", ground.at));
    Ok(Exit::Done)
}

const fn to_word(to: OutputState) -> &'static str {
    match to {
        OutputState::Connected => "restore",
        OutputState::Disconnected => "cut",
    }
}

/// Rehearses each ask by itself; with `--yes` those that are not refused are appended.
fn carry_out(ground: &Ground, target: &Target, by: &str, asks: Asks, console: &mut Console) -> Result<Exit, Failure> {
    if target.key.is_some() && asks.len() > 1 {
        return Err(bad("one key is for one thing", "name one with --key, or several without it"));
    }
    let try_one = |(name, one): (String, Ask)| {
        let answer = ground.answer(by, &one);
        (name, one, answer)
    };
    let mut rehearsed: Vec<_> = asks.into_iter().map(try_one).collect();
    // What is asked of one is an error where it is refused; of several, the others are asked.
    if rehearsed.len() == 1
        && let Some((_, _, Err(error))) = rehearsed.pop_if(|(_, _, answer)| answer.is_err())
    {
        return Err(bad(error, "say something else; nothing was appended"));
    }
    let mut rows: Vec<Row> = Vec::new();
    let mut wanted = Vec::new();
    for (name, one, answer) in rehearsed {
        match answer {
            Ok(event) => {
                rows.push((name, Ok((Body::Supply(event).type_name().to_owned(), None))));
                wanted.push((rows.len().saturating_sub(1), one));
            }
            Err(error) => rows.push((name, Err(error.to_string()))),
        }
    }
    if target.yes {
        for (row, id) in append(ground, target, by, wanted)? {
            if let Some((_, Ok((_, of)))) = rows.get_mut(row) {
                *of = Some(id);
            }
        }
    }
    show(ground, target, &rows, console);
    Ok(Exit::Done)
}

fn append(
    ground: &Ground,
    target: &Target,
    by: &str,
    asks: Vec<(usize, Ask)>,
) -> Result<Vec<(usize, EventId)>, Failure> {
    let location = target.log.clone().unwrap_or_else(|| target.dir.join("log.db").display().to_string());
    let mut log = event_log::open(&location).map_err(|error| owner_failed(error.into()))?;
    let site = ground.site.premises().site().id.clone();
    let mut owner = Owner::open(log.as_mut(), site, COMMIT).map_err(owner_failed)?;
    owner.site_mut().hold_errors();
    owner.settle_before(ground.at).map_err(owner_failed)?;
    let mut done = Vec::new();
    for (row, one) in asks {
        // Without a key, the same words a second time are said a second time.
        let (events, nth) = (owner.events().to_be_bytes(), row.to_string());
        let key = target.key.clone().unwrap_or_else(|| Key::of(&[b"console", &events, nth.as_bytes()]));
        match ask(&mut owner, ground.at, by, &key, one) {
            Ok(asked) => done.push((row, asked.id)),
            Err(AskError::Owner(error)) => return Err(owner_failed(error)),
            Err(error) => return Err(bad(error, "the log has changed meanwhile: try again")),
        }
    }
    owner.flush().map_err(owner_failed)?;
    Ok(done)
}

fn owner_failed(error: OwnerError) -> Failure {
    Failure::new(Exit::Storage, error, "see that the log is there, yours, and that nobody else writes to it")
}

fn show(ground: &Ground, target: &Target, rows: &[Row], console: &mut Console) {
    if target.json {
        let row = |(name, of): &Row| match of {
            Ok((kind, id)) => json!({"about": name, "event": id, "type": kind}),
            Err(refused) => json!({"about": name, "refused": refused}),
        };
        let rows: Vec<Value> = rows.iter().map(row).collect();
        console.line(json!({"appended": target.yes, "at": ground.at, "asked": rows}).to_string());
        return;
    }
    for (name, of) in rows {
        match of {
            Ok((kind, None)) => console.line(format!("{name}: would be {kind}")),
            Ok((kind, Some(id))) => console.line(format!("{name}: {kind}, event {id}")),
            Err(refused) => console.line(format!("{name}: refused: {refused}")),
        }
    }
    if rows.is_empty() {
        console.line("no point is chosen");
    }
    if !target.yes {
        console.line(format!("nothing is written; add --yes to append it as known at {}", ground.at));
    }
}
