//! `tallywatt demo`: a simulated building of 40 units in fast motion. Its month so far is
//! played into the log; then the service runs as it does anywhere, on a fast clock: it polls
//! the building's meters over Modbus, settles, bills, cuts and restores.
//!
//! Reading order: `building` (the site and its loads), `history` (before), `live`
//! (meters and people), `news` (what is printed).

mod building;
mod history;
mod live;
mod news;

use std::error::Error;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use adapters::clock::{Clock as _, FastClock, SharedClock};
use adapters::event_log::{self, EventLog, Sequence};
use adapters::site_folder::SiteFolder;
use clap::Args as ClapArgs;
use domain::quantity::Instant;
use indicatif::{ProgressBar, ProgressStyle};

use crate::console::Console;
use crate::exit::{Exit, Failure, bad};
use crate::identity::{Grant, Role};
use crate::serve::access::Rate;
use crate::serve::{Config, Server, SiteConfig};
use building::Building;
use live::{Meters, People};
use news::News;

/// Between two looks at meters, people and news.
const LOOK: Duration = Duration::from_millis(20);

/// On a slow machine the building's time waits: readings are never further behind, in seconds,
const READ_BEHIND_S: i64 = 900;
/// nor balances.
const BALANCES_BEHIND_S: i64 = 1_800;

/// Set by Ctrl-C. The process has one handler.
static STOP: AtomicBool = AtomicBool::new(false);

/// Watch a simulated building of 40 units in fast motion; Ctrl-C stops it and keeps its log.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  tallywatt demo
  tallywatt demo --day-seconds 60 --http 127.0.0.1:9000")]
pub struct Args {
    /// Where the logs go: each start makes a new numbered folder there.
    #[arg(long, value_name = "DIR", default_value = "demo-data")]
    dir: PathBuf,
    /// How long a simulated day takes.
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u32).range(10..=86_400))]
    day_seconds: u32,
    /// Stop when so many days have passed; by default it goes on.
    #[arg(long, value_name = "DAYS")]
    days: Option<u16>,
    /// Where the portal is; another port is taken where this one is not free.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8380")]
    http: SocketAddr,
}

fn disk(error: impl Into<Box<dyn Error + Send + Sync>>) -> Failure {
    Failure::new(Exit::Storage, error, "make room or give rights in the folder of --dir, or name another")
}

fn bug(error: impl Into<Box<dyn Error + Send + Sync>>) -> Failure {
    bad(error, "this is a bug of the demo; report it with the log's folder")
}

/// Runs the command.
pub fn run(args: Args, console: &mut Console) -> Result<Exit, Failure> {
    STOP.store(false, Ordering::SeqCst);
    match ctrlc::set_handler(|| STOP.store(true, Ordering::SeqCst)) {
        Ok(()) | Err(ctrlc::Error::MultipleHandlers) => {}
        Err(error) => return Err(disk(error)),
    }
    let (dir, earlier) = numbered(&args.dir).map_err(disk)?;
    let (folder, log) = (dir.join("site"), dir.join("log.db"));
    fs::create_dir(&folder).and_then(|()| fs::write(folder.join("site.toml"), building::site_toml())).map_err(disk)?;
    let site = SiteFolder::open_structure(&folder).map_err(bug)?;
    let mut building = Building::try_new().ok_or_else(|| bug("an id of the building is malformed"))?;
    console.line(format!("a new log in {}; {earlier} earlier ones are kept", dir.display()));
    let live = Instant::parse(building::LIVE).map_err(bug)?;
    play_month(&log, site.clone(), &mut building, live)?;
    let mut meters = Meters::open(building, live).map_err(disk)?;
    let collector = meters.collector(&site.site);
    let config = Config {
        data: dir.join("data"),
        http: free(args.http),
        grpc: None,
        nats: None,
        certificate: None,
        cors: Vec::new(),
        rate: Rate::default(),
        sites: vec![SiteConfig {
            folder,
            log: Some(log.display().to_string()),
            intake: None,
            collector,
            patience_s: 120,
            // A slow machine may leave out an hour of polls of a day that takes seconds.
            silent_after_s: 3600,
            notify: Vec::new(),
            gateways: Vec::new(),
        }],
    };
    let fast = FastClock::new(live, Duration::from_secs(args.day_seconds.into()));
    let clock = SharedClock::new(fast.clone());
    let told = event_log::open(&log.display().to_string()).map_err(disk)?;
    let head = told.head().map_err(disk)?;
    let server = Server::start(&config, clock.clone()).map_err(disk)?;
    greet(&server, console)?;
    let end = args.days.map(|days| live.plus(i64::from(days).saturating_mul(86_400)));
    let watched = watch(&server, &mut meters, (&fast, &clock), (told.as_ref(), head), end, console);
    let served = server.app.sites.values().next();
    let moment = served.map(|served| served.desk.moment()).unwrap_or_default();
    drop(server);
    meters.close();
    watched?;
    let (events, root) = (moment.position, domain::event::hex(&moment.root));
    console.line(format!("stopped at {}: {events} events, root {root}", clock.now()));
    console.line(format!("log:    {}, kept", log.display()));
    let program = std::env::args().next().unwrap_or_else(|| "tallywatt".to_owned());
    console.line(format!("replay: {program} replay {}", dir.display()));
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

/// The address, or one with another port where that is taken.
fn free(address: SocketAddr) -> SocketAddr {
    if TcpListener::bind(address).is_ok() { address } else { SocketAddr::new(address.ip(), 0) }
}

/// Plays the month up to where somebody looks on.
fn play_month(path: &Path, site: SiteFolder, building: &mut Building, until: Instant) -> Result<(), Failure> {
    let mut log = event_log::open(&path.display().to_string()).map_err(disk)?;
    let bar = ProgressBar::new(31);
    let style = ProgressStyle::with_template("playing the month so far {bar:30} {pos} days of {len}");
    bar.set_style(style.unwrap_or(ProgressStyle::default_bar()));
    history::play(log.as_mut(), site, building, until, |owner| bar.set_position(owner.runs())).map_err(bug)?;
    bar.finish_and_clear();
    Ok(())
}

/// Makes a tenant, a manager and an auditor, and says how to sign in.
fn greet(server: &Server, console: &mut Console) -> Result<(), Failure> {
    let site = server.app.sites.keys().next().ok_or_else(|| bug("no site is served"))?;
    let tenant = building::account(building::FORGETFUL).ok_or_else(|| bug("nobody forgets to pay"))?;
    console.line(format!("the building is at http://{}; sign in as", server.http));
    let of_site = Grant { site: site.clone(), account: None };
    let of_tenant = Grant { site: site.clone(), account: Some(tenant.clone()) };
    for (name, role, grant, what) in [
        ("tenant", Role::Tenant, of_tenant, format!("{tenant}, who forgets to pay")),
        ("manager", Role::Manager, of_site.clone(), "the property manager".to_owned()),
        ("auditor", Role::Auditor, of_site, "who checks the books".to_owned()),
    ] {
        let identity = &server.app.identity;
        identity.user_add(name, role, &[grant], "demo").map_err(bug)?;
        let password = identity.password_draw(name, "demo").map_err(bug)?;
        console.line(format!("  {name:<8} password {}   {what}", password.expose()));
    }
    Ok(())
}

/// Lets meters and people live until it is stopped, and prints what happens.
fn watch(
    server: &Server,
    meters: &mut Meters,
    (fast, clock): (&FastClock, &SharedClock),
    (log, head): (&dyn EventLog, Sequence),
    end: Option<Instant>,
    console: &mut Console,
) -> Result<(), Failure> {
    let served = server.app.sites.values().next().ok_or_else(|| bug("no site is served"))?;
    let desk = served.desk.clone();
    let calendar =
        desk.change_blocking(|turn| Ok::<_, std::convert::Infallible>(turn.owner.site().premises().calendar.clone()));
    let calendar = calendar.map_err(bug)?;
    let mut news = News::after(log, head, calendar.clone()).map_err(disk)?;
    let mut people = People::new(desk, clock.clone());
    let started = clock.now();
    while !STOP.load(Ordering::SeqCst) && end.is_none_or(|end| clock.now() < end) {
        let moment = people.moment();
        let read = moment.newest_reading.unwrap_or(moment.at).max(started).plus(READ_BEHIND_S);
        fast.hold(read.min(moment.live_at.1.max(started).plus(BALANCES_BEHIND_S)));
        let now = clock.now();
        let offset_s = calendar.offset_at(now);
        meters.pass(now, offset_s);
        people.live(offset_s).map_err(bug)?;
        for line in news.take().map_err(disk)? {
            console.line(line);
        }
        thread::sleep(LOOK);
    }
    Ok(())
}
