//! A building for the portal's tests: a month and some days of readings played
//! into a log, and the service that answers for it at a given instant.

use std::fmt::Write as _;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;

use adapters::clock::{GivenClock, SharedClock, SystemClock};
use anyhow::Context as _;
use domain::event::{AccountId, Body, Event, EventId, SiteId};
use domain::quantity::Instant;
use services::identity::{Grant, Identity, Role};
use services::owner::{Draft, OwnerError};
use services::serve::{Config, Server};
use tempfile::TempDir;

use crate::random::Random;
use crate::run;

/// When the portal is looked at: five past two in the afternoon in London.
pub const NOW: &str = "2026-04-09T13:05:00Z";
/// The site.
pub const SITE: &str = "riverside";
/// The password of everybody.
pub const PASSWORD: &str = "correct horse battery";

/// First reading: 1 March in London, where that is UTC.
const START: i64 = 1_772_323_200;
/// Readings come each minute from here on: the start of 8 April in London.
const MINUTES_FROM: i64 = 1_775_602_800;
/// The gateway was silent on 17 March from 05:00 to 09:00, across the end of the night's price.
const SILENT: (i64, i64) = (1_773_723_600, 1_773_738_000);

/// Meters and their size in tenths.
const METERS: [(&str, u64); 4] = [("M-101", 10), ("M-102", 7), ("M-103", 14), ("M-LIFT", 6)];

/// A service at work on the building.
pub struct Portal {
    /// The service.
    pub server: Server,
    /// Its folder.
    pub folder: TempDir,
}

fn grant(account: Option<&str>) -> anyhow::Result<Grant> {
    let site = SiteId::try_new(SITE).context("an id")?;
    Ok(Grant { site, account: account.and_then(AccountId::try_new) })
}

/// What is played and served; a test may change it before it starts.
pub struct Plan {
    /// `site.toml`.
    pub site: String,
    /// `readings.csv`.
    pub readings: String,
    /// More keys of the service's `[[site]]`.
    pub served: String,
    /// The collector's file, where `served` names `collector.toml`.
    pub collector: String,
    /// The service's clock.
    pub clock: GivenClock,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            site: include_str!("portal_site.toml").to_owned(),
            readings: readings(),
            served: String::new(),
            collector: String::new(),
            clock: GivenClock::new(Instant::parse(NOW).expect("an instant")),
        }
    }
}

/// Plays the building, and starts the service with a user of each role.
pub fn start() -> anyhow::Result<Portal> {
    Plan::default().start()
}

/// As `start`; the meter of A-103 has a relay, on a bus where nobody answers.
pub fn start_with_relay() -> anyhow::Result<Portal> {
    let collector = "site = \"riverside\"\ncollector = \"c\"\n[intake]\nspool = \"unused.db\"\n\
        [[bus]]\nname = \"b\"\ntcp = \"127.0.0.1:9\"\n\
        [[bus.meter]]\nmeter = \"M-103\"\nunit = 3\nprofile = \"kpm33b\"\nserial = \"33B1225950103\"\n";
    let served = "collector = \"collector.toml\"\n".to_owned();
    Plan { served, collector: collector.to_owned(), ..Plan::default() }.start()
}

impl Plan {
    /// Plays the building, and starts the service with a user of each role, and two managers.
    pub fn start(self) -> anyhow::Result<Portal> {
        let folder = tempfile::tempdir()?;
        let (site, out) = (folder.path().join("site"), folder.path().join("out"));
        fs::create_dir(&site)?;
        fs::write(site.join("site.toml"), &self.site)?;
        fs::write(site.join("readings.csv"), &self.readings)?;
        fs::write(site.join("recharges.csv"), include_str!("portal_recharges.csv"))?;
        fs::write(folder.path().join("collector.toml"), &self.collector)?;
        run::run(&site, NOW, &out, &[])?;
        let data = folder.path().join("data");
        fs::create_dir_all(data.join(SITE))?;
        fs::copy(out.join("log.db"), data.join(SITE).join("log.db"))?;
        let identity = Identity::open(&data.join("identity.db"), SystemClock)?;
        let users = [
            ("ada", Role::Tenant, vec![grant(Some("A-101"))?]),
            ("bob", Role::Tenant, vec![grant(Some("A-102"))?]),
            ("eve", Role::Tenant, vec![grant(Some("A-103"))?]),
            ("mia", Role::Manager, vec![grant(None)?]),
            ("max", Role::Manager, vec![grant(None)?]),
            ("tom", Role::Auditor, vec![grant(None)?]),
            ("fay", Role::Finance, vec![grant(None)?]),
        ];
        for (name, role, grants) in users {
            identity.user_add(name, role, &grants, "test")?;
            identity.password_set(name, PASSWORD, "test")?;
        }
        drop(identity);
        let served = &self.served;
        let text = format!(
            "[serve]\ndata = \"data\"\nhttp = \"127.0.0.1:0\"\nrequests_per_s = 1000000\n\
             [[site]]\nfolder = \"site\"\npatience_s = 0\n{served}"
        );
        let config = Config::parse(&folder.path().join("tallywatt.toml"), &text)?;
        let server = Server::start(&config, SharedClock::new(self.clock))?;
        Ok(Portal { server, folder })
    }
}

impl Portal {
    /// Cookie and mark of somebody who signs in.
    pub fn enter(&self, user: &str) -> anyhow::Result<(String, String)> {
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let entered = self.server.app.identity.sign_in(user, PASSWORD, address)?;
        Ok((entered.cookie.expose().to_owned(), entered.session.csrf()))
    }

    /// Every event of the log.
    pub fn events(&self) -> anyhow::Result<Vec<Event>> {
        let site = self.server.app.site(SITE).context("the site")?;
        site.desk.change_blocking(|_| Ok::<_, OwnerError>(()))?;
        let entries = services::history::read(self.folder.path(), Some(&site.log))?;
        Ok(entries.into_iter().map(|entry| entry.event).collect())
    }

    /// Appends what others would say.
    pub fn say(&self, bodies: Vec<Body>) -> anyhow::Result<()> {
        let desk = &self.server.app.site(SITE).context("the site")?.desk;
        let said = desk.change_blocking(move |turn| {
            for body in bodies {
                let (time, received) = (turn.now, turn.now);
                let id = EventId::derive(&[b"test", &turn.owner.events().to_be_bytes()]);
                turn.owner.append(Draft { id, time, received, actor: "test".to_owned(), body })?;
            }
            Ok::<_, OwnerError>(())
        });
        Ok(said?)
    }
}

/// A flat's power in watts at a minute of the day: a fridge that comes and goes, a
/// base that follows the day, and now and then something large for some minutes.
struct Flat {
    random: Random,
    large: u64,
    left: u64,
}

/// Watts at each full hour; between them the base goes evenly.
const HOURS: [u64; 25] = [
    190, 150, 140, 140, 140, 150, 260, 520, 480, 300, 260, 280, 360, 330, 270, 280, 380, 620, 840, 900, 760, 600, 430,
    280, 190,
];

impl Flat {
    fn watts(&mut self, minute: u64) -> u64 {
        let (hour, past) = (minute / 60, minute % 60);
        let of = |hour: u64| HOURS[usize::try_from(hour).expect("an hour of a day")];
        let base = (of(hour) * (60 - past) + of(hour + 1) * past) / 60;
        let fridge = if minute % 38 < 13 { 90 } else { 0 };
        if self.left == 0 {
            self.large = 0;
            let awake = (6..23).contains(&hour);
            if awake && self.random.below(70) == 0 {
                self.large = [2_000, 1_200, 900, 600][self.random.index(4)];
                self.left = 2 + self.random.below(22);
            }
        } else {
            self.left -= 1;
        }
        base + fridge + self.large + self.random.below(40)
    }
}

fn readings() -> String {
    let end = Instant::parse(NOW).expect("an instant").get();
    let mut text = String::from("time,meter,kwh\n");
    for (index, (meter, size)) in METERS.iter().enumerate() {
        let mut flat = Flat { random: Random(77 + index as u64), large: 0, left: 0 };
        let mut mwh: u64 = 0;
        let mut at = START;
        while at <= end {
            let silent = SILENT.0 < at && at < SILENT.1;
            if !silent && (at >= MINUTES_FROM || at % 900 == 0) {
                let time = Instant::new(at);
                writeln!(text, "{time},{meter},{}.{:06}", mwh / 1_000_000, mwh % 1_000_000).expect("text");
            }
            // London is an hour ahead of UTC from 29 March 01:00 on.
            let wall = if at >= 1_774_746_000 { at + 3_600 } else { at };
            let minute = u64::try_from(wall.rem_euclid(86_400) / 60).expect("a minute of a day");
            mwh += flat.watts(minute) * size * 1_000 / 600;
            at += 60;
        }
    }
    text
}

/// The folder of the tests' tools, if it has what a browser test needs.
pub fn tools() -> anyhow::Result<std::path::PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/browser");
    anyhow::ensure!(
        folder.join("node_modules/playwright-core").exists() && Path::new("/usr/bin/chromium").exists(),
        "run `make tools`: it brings playwright-core, axe-core and Debian's chromium"
    );
    Ok(folder)
}

/// Runs a script of `tests/browser/` in a real browser, on the service at an address; what it finds wrong it says.
pub fn browse(at: SocketAddr, script: &str, more: &[&str]) -> anyhow::Result<()> {
    let script = format!("{}/browser/{script}", env!("CARGO_MANIFEST_DIR"));
    let mut browser = Command::new("node");
    browser.args([script, format!("http://{at}")]).args(more).env("BROWSER_TOOLS", tools()?);
    let done = browser.status().context("node is there")?;
    anyhow::ensure!(done.success(), "see what the browser said above");
    Ok(())
}
