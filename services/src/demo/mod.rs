//! `tallywatt demo`: a simulated building of 40 units, fast-forward, on the
//! embedded log, with a live view in the terminal.

mod building;
mod simulation;
mod view;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant as Clock};

use adapters::event_log;
use adapters::site_folder::SiteFolder;
use clap::Args as ClapArgs;
use domain::prepayment;
use domain::quantity::Instant;

use crate::console::Console;
use crate::exit::{Exit, Failure, bad};
use crate::owner::{COMMIT, Owner, OwnerError};
use crate::run::output;
use building::Building;
use simulation::Simulation;
use view::Figures;

/// Polls in a day.
const POLLS: u32 = 288;
/// Between two frames: 10 a second.
const FRAME: Duration = Duration::from_millis(100);
/// Figures cost a recomputation: once a second.
const FIGURES: Duration = Duration::from_secs(1);
/// A page of units stays so many refreshes of the figures.
const PAGE_STAYS: usize = 6;

/// Set by Ctrl-C. The process has one handler.
static STOP: AtomicBool = AtomicBool::new(false);

/// Watch a simulated building of 40 units, fast-forward; Ctrl-C stops it and keeps its log.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  tallywatt demo
  tallywatt demo --days 6 --day-seconds 0 --plain")]
pub struct Args {
    /// Where the logs go: each start makes a new numbered folder there.
    #[arg(long, value_name = "DIR", default_value = "demo-data")]
    dir: PathBuf,
    /// How long a simulated day takes; 0 is as fast as it goes.
    #[arg(long, value_name = "SECONDS", default_value_t = 24)]
    day_seconds: u32,
    /// Stop when this many days are settled; by default it goes on.
    #[arg(long, value_name = "DAYS")]
    days: Option<u16>,
    /// Lines instead of a redrawn screen; so without a terminal too.
    #[arg(long)]
    plain: bool,
}

fn disk(error: impl Into<Box<dyn Error + Send + Sync>>) -> Failure {
    Failure::new(Exit::Storage, error, "make room or give rights in the folder of --dir, or name another")
}

fn bug(error: impl Into<Box<dyn Error + Send + Sync>>) -> Failure {
    bad(error, "this is a bug of the demo; report it with the log's folder")
}

fn stop(error: OwnerError) -> Failure {
    if matches!(error, OwnerError::Log(_)) { disk(error) } else { bug(error) }
}

/// Runs the command.
pub fn run(args: Args, console: &mut Console) -> Result<Exit, Failure> {
    STOP.store(false, Ordering::SeqCst);
    match ctrlc::set_handler(|| STOP.store(true, Ordering::SeqCst)) {
        Ok(()) | Err(ctrlc::Error::MultipleHandlers) => {}
        Err(error) => return Err(disk(error)),
    }
    let (dir, earlier) = numbered(&args.dir).map_err(disk)?;
    let mut log = event_log::open(&dir.join("log.db").display().to_string()).map_err(disk)?;
    let folder = site_folder()?;
    let building = Building::try_new().ok_or_else(|| bug("an id of the building is malformed"))?;
    let owner = Owner::open(log.as_mut(), folder.site.clone(), COMMIT).map_err(stop)?;
    let mut sim = Simulation::start(owner, folder, building).map_err(stop)?;
    let mut screen = Screen::open(args.plain || !console.is_terminal(), console);
    if screen.plain {
        screen.console.line(format!("a new log in {}; {earlier} earlier ones are kept", dir.display()));
    }
    let played = play(&mut sim, &mut screen, &args);
    screen.close();
    played?;
    finish(sim, &dir, console)?;
    Ok(Exit::Done)
}

/// A new folder with the next number, and how many were there.
fn numbered(dir: &Path) -> std::io::Result<(PathBuf, usize)> {
    fs::create_dir_all(dir)?;
    let mut numbers: Vec<u32> = Vec::new();
    for entry in fs::read_dir(dir)? {
        numbers.extend(entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()));
    }
    let next = numbers.iter().max().map_or(1, |last| last.saturating_add(1));
    let folder = dir.join(next.to_string());
    fs::create_dir(&folder)?;
    Ok((folder, numbers.len()))
}

/// The building as the facts of a site folder: the demo sets up what an operator writes.
fn site_folder() -> Result<SiteFolder, Failure> {
    let folder = tempfile::tempdir().map_err(disk)?;
    let files = [
        ("site.toml", building::site_toml()),
        ("readings.csv", "time,meter,kwh\n".to_owned()),
        ("recharges.csv", "time,account,amount,reference\n".to_owned()),
    ];
    for (name, text) in files {
        fs::write(folder.path().join(name), text).map_err(disk)?;
    }
    SiteFolder::open(folder.path()).map_err(bug)
}

/// When the day after the last one asked for is settled, and its bills are out.
fn end_of(sim: &Simulation<'_>, days: Option<u16>) -> Option<Instant> {
    let premises = sim.owner.site().premises();
    let last = sim.today().plus(i32::from(days?));
    Some(premises.calendar.start_of(last).plus(premises.site().bill_after_s))
}

fn play(sim: &mut Simulation<'_>, screen: &mut Screen<'_>, args: &Args) -> Result<(), Failure> {
    let end = end_of(sim, args.days);
    let poll = Duration::from_secs(args.day_seconds.into()).checked_div(POLLS).unwrap_or_default();
    let running = || !STOP.load(Ordering::SeqCst);
    let mut next = Clock::now();
    screen.show(sim).map_err(stop)?;
    while running() && end.is_none_or(|end| sim.now < end) {
        sim.step().map_err(stop)?;
        if !poll.is_zero() {
            sim.owner.flush().map_err(stop)?;
        }
        screen.show(sim).map_err(stop)?;
        // A machine that cannot keep up does not run after the lost time.
        next = next.checked_add(poll).unwrap_or(next).max(Clock::now().checked_sub(FRAME).unwrap_or(next));
        while running() && Clock::now() < next {
            thread::sleep(next.saturating_duration_since(Clock::now()).min(FRAME));
            screen.show(sim).map_err(stop)?;
        }
    }
    sim.settle_due().map_err(stop)?;
    sim.owner.flush().map_err(stop)?;
    screen.lines(sim);
    Ok(())
}

/// What shows the simulation: a redrawn screen, or lines.
struct Screen<'a> {
    console: &'a mut Console,
    plain: bool,
    figures: Option<Figures>,
    drawn: Option<Clock>,
    counted: (Clock, u64),
    per_second: u128,
    refreshes: usize,
}

impl<'a> Screen<'a> {
    fn open(plain: bool, console: &'a mut Console) -> Self {
        if !plain {
            console.frame(view::OPEN);
        }
        Self { console, plain, figures: None, drawn: None, counted: (Clock::now(), 0), per_second: 0, refreshes: 0 }
    }

    /// Shows what is new, if the last frame is old enough.
    fn show(&mut self, sim: &mut Simulation<'_>) -> Result<(), OwnerError> {
        if self.plain {
            self.lines(sim);
            return Ok(());
        }
        if self.drawn.is_some_and(|at| at.elapsed() < FRAME) {
            return Ok(());
        }
        self.drawn = Some(Clock::now());
        let old = self.figures.is_none() || self.counted.0.elapsed() >= FIGURES;
        if old {
            self.count(sim.owner.events());
            let now = sim.now;
            self.figures = Some(Figures::of(sim.owner.site_mut(), now)?);
        }
        if let Some(figures) = &self.figures {
            let page = self.refreshes.div_euclid(PAGE_STAYS);
            self.console.frame(&view::screen(sim, figures, page, self.per_second));
        }
        sim.news.take_unread();
        Ok(())
    }

    fn count(&mut self, events: u64) {
        let (since, before) = self.counted;
        let appended = u128::from(events.saturating_sub(before)).saturating_mul(1000);
        self.per_second = appended.checked_div(since.elapsed().as_millis()).unwrap_or(0);
        self.counted = (Clock::now(), events);
        self.refreshes = self.refreshes.saturating_add(1);
    }

    /// Writes the news that were not written yet, where there is no screen.
    fn lines(&mut self, sim: &mut Simulation<'_>) {
        if self.plain {
            for line in sim.news.take_unread() {
                self.console.line(line);
            }
        }
    }

    fn close(self) {
        if !self.plain {
            self.console.frame(view::CLOSE);
        }
    }
}

/// Writes the files of BILLING §9 beside the log, and says where all is.
fn finish(mut sim: Simulation<'_>, dir: &Path, console: &mut Console) -> Result<(), Failure> {
    let now = sim.now;
    let live = prepayment::live(sim.owner.site_mut(), now).map_err(bug)?;
    let bills = output::write(dir, sim.owner.site(), now, &sim.settled, &live).map_err(disk)?;
    let dir = dir.display();
    console.line(format!(
        "stopped at {now}: {} events, {bills} bills, root {}",
        sim.owner.events(),
        domain::event::hex(&sim.owner.root())
    ));
    console.line(format!("log:    {dir}/log.db, kept"));
    console.line(format!("files:  {dir}/balances.json, quarantine.json, allocations/, bills/"));
    let program = std::env::args().next().unwrap_or_else(|| "tallywatt".to_owned());
    console.line(format!("replay: {program} replay {dir}"));
    Ok(())
}
