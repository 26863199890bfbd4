//! Whether everything that a service needs is as it should be: its file, its
//! folder, clock, users, each site's structure and log, and on request its meters.

use std::fs;
use std::path::Path;
use std::time::Instant as Moment;

use adapters::clock::{Clock as _, SystemClock};
use adapters::event_log;
use adapters::meter_bus::{Modbus, Nothing, Poller};
use adapters::site_folder::SiteFolder;
use domain::event::{Body, SiteId};
use domain::quantity::Instant;

use super::{Examined, Line, UNREADABLE, examine};
use crate::collect::Bus;
use crate::history;
use crate::identity::{Identity, Role};
use crate::serve::{Config, SiteConfig};

/// A service needs at least so much room.
const ROOM: usize = 64 << 20;

fn line(check: impl Into<String>, problems: Vec<String>, good: impl Into<String>, mend: &'static str) -> Line {
    Line { check: check.into(), problems, good: good.into(), mend }
}

/// Every check of a service.
pub(super) fn service(config: &Config, meters: bool) -> Vec<Line> {
    let mut lines = vec![room(&config.data), users(config)];
    for site in &config.sites {
        lines.extend(of_site(config, site));
        if meters {
            lines.extend(site.collector.iter().flat_map(|collector| &collector.buses).map(answering));
        }
    }
    lines
}

/// Whether the data folder can be written, and has room.
fn room(data: &Path) -> Line {
    let path = data.join("doctor.tmp");
    let tried = fs::create_dir_all(data).and_then(|()| fs::write(&path, vec![0u8; ROOM]));
    let removed = if path.exists() { fs::remove_file(&path) } else { Ok(()) };
    let problems = [tried, removed].into_iter().filter_map(Result::err).map(|error| error.to_string()).collect();
    let good = format!("{} can be written, and has room for 64 MiB more", data.display());
    line("disk", problems, good, "free some space, or give rights in the data folder")
}

/// Whether somebody can run the service.
fn users(config: &Config) -> Line {
    let mend = "tallywatt user add NAME --role operator --config FILE, then `tallywatt user link`";
    let found =
        Identity::open(&config.data.join(crate::identity::FILE), SystemClock).and_then(|identity| identity.users());
    match found {
        Err(error) => line("users", vec![error.to_string()], "", mend),
        Ok(users) => {
            let operators = users.iter().filter(|user| user.role == Role::Operator && !user.disabled).count();
            let none = (operators == 0).then(|| "nobody is an operator: no one can add users in the portal".to_owned());
            line("users", none.into_iter().collect(), format!("{} users, {operators} operators", users.len()), mend)
        }
    }
}

fn of_site(config: &Config, site: &SiteConfig) -> Vec<Line> {
    let folder = match SiteFolder::open_structure(&site.folder) {
        Ok(folder) => folder,
        Err(error) => {
            let mend = "mend the site's file as the message says";
            return vec![line(site.folder.display().to_string(), vec![error.to_string()], "", mend)];
        }
    };
    let id = &folder.site;
    let mut lines = vec![line(format!("{id}: site.toml"), Vec::new(), format!("{} facts", folder.facts.len()), "")];
    let own = config.data.join(id.as_str());
    let location = site.log.clone().unwrap_or_else(|| own.join("log.db").display().to_string());
    if site.log.is_none() && !Path::new(&location).exists() {
        lines.push(line(format!("{id}: log"), Vec::new(), "will be made when the service starts", ""));
        return lines;
    }
    // Opening it for writing is what finds out about a server's settings.
    if let Err(error) = event_log::open(&location) {
        lines.push(line(format!("{id}: log"), vec![error.to_string()], "", UNREADABLE));
        return lines;
    }
    lines.extend(of_log(&own, &location, id, &folder));
    lines
}

fn of_log(own: &Path, location: &str, id: &SiteId, folder: &SiteFolder) -> Vec<Line> {
    let stored = match history::stored(own, Some(location), Some(id)) {
        Ok(stored) => stored,
        Err(history::HistoryError::Empty) => Vec::new(),
        Err(error) => return vec![line(format!("{id}: log"), vec![error.to_string()], "", UNREADABLE)],
    };
    let mut lines = Vec::new();
    let Examined { entries, root } = examine(&stored, None, &mut lines);
    for one in &mut lines {
        one.check = format!("{id}: {}", one.check);
    }
    lines.push(line(format!("{id}: log"), Vec::new(), format!("{} events, root {root}", stored.len()), ""));
    let last = entries.last().map(|entry| entry.event.received);
    lines.push(clock(id, last, SystemClock.now()));
    let zone_of = |body: &Body| match body {
        Body::CalendarPublished(calendar) => Some(calendar.tz_version.clone()),
        _ => None,
    };
    let here = folder.facts.iter().find_map(|fact| zone_of(&fact.body));
    let there = entries.iter().rev().find_map(|entry| zone_of(&entry.event.body));
    let other = there.as_ref().is_some_and(|there| here.as_ref() != Some(there));
    let text = format!("the log has {}, this program {}", there.unwrap_or_default(), here.unwrap_or_default());
    let problems = if other { vec![text.clone()] } else { Vec::new() };
    let mend = "publish the new calendar, after a look at what it changes";
    lines.push(line(format!("{id}: time zone data"), problems, text, mend));
    lines
}

fn clock(id: &SiteId, last: Option<Instant>, now: Instant) -> Line {
    let ahead =
        last.filter(|last| *last > now).map(|last| format!("the log's last event was received at {last}, after {now}"));
    let mend = "set the machine's clock (NTP): until then new events are received at the log's last instant";
    line(format!("{id}: clock"), ahead.into_iter().collect(), format!("{now} is not before the log's last event"), mend)
}

/// Asks every meter of a bus once.
fn answering(bus: &Bus) -> Line {
    let check = format!("bus {}", bus.name);
    let mend = "see that the gateway is on and reached, and that addresses and speed are those of the meters";
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return line(check, vec![error.to_string()], "", mend),
    };
    let modbus = Modbus::new(bus.endpoint.clone(), bus.patience);
    let period = bus.patience.worst().saturating_mul(u32::try_from(bus.stations.len()).unwrap_or(u32::MAX));
    let mut poller = Poller::new(modbus, std::sync::Arc::clone(&bus.stations), period, bus.patience.worst());
    let round = runtime.block_on(poller.round(&SystemClock, &Moment::now(), &mut Nothing));
    let problems = round.silent.iter().map(|(meter, error)| format!("{meter} does not answer: {error}")).collect();
    line(check, problems, format!("{} meters answer", round.answers.len()), mend)
}
