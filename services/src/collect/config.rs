//! The collector's file: which meters are on which bus, and where polls go.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use adapters::event_log::jetstream::Options;
use adapters::meter_bus::{Endpoint, Patience, Port, ProfileError, Profiles, Station};
use chrono_tz::Tz;
use domain::event::{MeterId, SiteId};
use serde::Deserialize;

use super::mqtt::Frames;

/// A bus carries so many meters at one-minute reads (METERS.md).
pub const METERS_A_BUS: usize = 32;

/// A commented file, as `--example` prints it.
pub const EXAMPLE: &str = include_str!("example.toml");

/// What is wrong with a file of settings: a collector's or the service's.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("{}: cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Not TOML, or a key that is unknown or of another kind.
    #[error("{}:{line}: {problem}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: usize,
        /// What is wrong there.
        problem: String,
    },
    /// A value that makes no sense.
    #[error("{}: {key}: {problem}", path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// Table and key.
        key: String,
        /// What is wrong.
        problem: String,
    },
    /// A meter model of the user's.
    #[error(transparent)]
    Profile(#[from] ProfileError),
}

impl ConfigError {
    /// An error of TOML, with its line.
    pub(crate) fn malformed(path: &Path, text: &str, error: &toml_edit::de::Error) -> Self {
        let start = error.span().map_or(0, |span| span.start);
        let before = text.bytes().take(start).filter(|byte| *byte == b'\n').count();
        let line = before.saturating_add(1);
        Self::Malformed { path: path.to_owned(), line, problem: error.message().to_owned() }
    }
}

/// A collector.
#[derive(Debug, Clone)]
pub struct Config {
    /// The site of every meter.
    pub site: SiteId,
    /// The collector's name.
    pub collector: String,
    /// The zone of the meters' clocks.
    pub zone: Tz,
    /// Seconds between two polls, aligned to the clock.
    pub period_s: u32,
    /// The local file in which polls wait.
    pub spool: PathBuf,
    /// Where they go; none leaves them in the spool, for an owner on this machine.
    pub server: Option<String>,
    /// The buses.
    pub buses: Vec<Bus>,
    /// Folders that are watched for CSV files.
    pub csv: Vec<PathBuf>,
    /// Brokers whose frames are readings.
    pub mqtt: Vec<Broker>,
}

/// A nats-server with an MQTT listener.
#[derive(Debug, Clone)]
pub struct Broker {
    /// Its address for NATS.
    pub server: Options,
    /// Topics, by their names.
    pub topics: Vec<String>,
    /// How frames become readings.
    pub frames: Frames,
}

/// A bus.
#[derive(Debug, Clone)]
pub struct Bus {
    /// Its name, once in a collector.
    pub name: String,
    /// Where it is.
    pub endpoint: Endpoint,
    /// How long it waits.
    pub patience: Patience,
    /// Its meters, in the order in which they are polled.
    pub stations: Arc<[Station]>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    site: String,
    collector: String,
    #[serde(default = "utc")]
    time_zone: String,
    #[serde(default = "minute")]
    period_s: u32,
    profiles: Option<PathBuf>,
    intake: FileIntake,
    #[serde(default)]
    bus: Vec<FileBus>,
    #[serde(default)]
    csv: Vec<FileCsv>,
    #[serde(default)]
    mqtt: Vec<FileMqtt>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileCsv {
    folder: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileMqtt {
    name: String,
    server: String,
    topics: Vec<String>,
    refused: PathBuf,
    meter: Vec<FileMqttMeter>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileMqttMeter {
    meter: String,
    serial: String,
}

fn utc() -> String {
    "UTC".to_owned()
}

const fn minute() -> u32 {
    60
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileIntake {
    spool: PathBuf,
    server: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileBus {
    name: String,
    tcp: Option<String>,
    rtu_over_tcp: Option<String>,
    serial: Option<String>,
    baud: Option<u32>,
    parity: Option<char>,
    data_bits: Option<u8>,
    stop_bits: Option<u8>,
    #[serde(default = "answer")]
    answer_ms: u64,
    #[serde(default)]
    meter: Vec<FileMeter>,
}

const fn answer() -> u64 {
    1_000
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileMeter {
    meter: String,
    unit: u8,
    profile: String,
    serial: Option<String>,
}

impl Config {
    /// Reads a file; paths in it are from its folder.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        Self::parse(path, &text)
    }

    /// Reads the text of a file of this name.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let file: File = toml_edit::de::from_str(text).map_err(|error| ConfigError::malformed(path, text, &error))?;
        let wrong = |key: &str, problem: &str| ConfigError::Value {
            path: path.to_owned(),
            key: key.to_owned(),
            problem: problem.to_owned(),
        };
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut profiles = Profiles::shipped()?;
        if let Some(own) = &file.profiles {
            profiles.add_folder(&folder.join(own))?;
        }
        if !(1..=3600).contains(&file.period_s) || 3600u32.checked_rem(file.period_s) != Some(0) {
            return Err(wrong("period_s", "seconds that divide an hour, such as 60"));
        }
        if file.bus.is_empty() && file.csv.is_empty() && file.mqtt.is_empty() {
            return Err(wrong("bus", "at least one [[bus]], [[csv]] or [[mqtt]]"));
        }
        let mut seen = (BTreeSet::new(), BTreeSet::new());
        let buses = file.bus.iter().map(|raw| bus(raw, &profiles, &mut seen, &wrong)).collect::<Result<_, _>>()?;
        let site = SiteId::try_new(&file.site).ok_or_else(|| wrong("site", "1 to 64 bytes without a slash"))?;
        let zone = file.time_zone.parse().map_err(|_| wrong("time_zone", "a name such as Europe/Vienna"))?;
        let frames = |raw: &FileMqtt, meters| Frames {
            site: site.clone(),
            collector: file.collector.clone(),
            name: raw.name.clone(),
            zone,
            meters,
            refused: folder.join(&raw.refused),
        };
        let mqtt = file.mqtt.iter().map(|raw| broker(raw, &mut seen, frames, &wrong)).collect::<Result<_, _>>()?;
        Ok(Self {
            csv: file.csv.iter().map(|csv| folder.join(&csv.folder)).collect(),
            mqtt,
            site,
            collector: file.collector,
            zone,
            period_s: file.period_s,
            spool: folder.join(file.intake.spool),
            server: file.intake.server,
            buses,
        })
    }
}

fn broker(
    raw: &FileMqtt,
    seen: &mut Seen,
    frames: impl Fn(&FileMqtt, BTreeMap<String, MeterId>) -> Frames,
    wrong: &impl Fn(&str, &str) -> ConfigError,
) -> Result<Broker, ConfigError> {
    let key = |key: &str| format!("mqtt {}: {key}", raw.name);
    if raw.name.is_empty() || !seen.0.insert(raw.name.clone()) {
        return Err(wrong(&key("name"), "a name of its own"));
    }
    let server = Options::parse(&raw.server).map_err(|error| wrong(&key("server"), &error.to_string()))?;
    if raw.topics.is_empty() || raw.topics.iter().any(|topic| topic.contains(['#', '+'])) {
        return Err(wrong(&key("topics"), "at least one, each in full, without # and +"));
    }
    let mut meters = BTreeMap::new();
    for meter in &raw.meter {
        let id = MeterId::try_new(&meter.meter).filter(|id| seen.1.insert(id.clone()));
        let id = id.ok_or_else(|| wrong(&key(&format!("meter {}", meter.meter)), "is there twice, or is no id"))?;
        if meters.insert(meter.serial.clone(), id).is_some() {
            return Err(wrong(&key(&format!("meter {}: serial", meter.meter)), "is there twice"));
        }
    }
    Ok(Broker { server, topics: raw.topics.clone(), frames: frames(raw, meters) })
}

type Seen = (BTreeSet<String>, BTreeSet<MeterId>);

fn bus(
    raw: &FileBus,
    profiles: &Profiles,
    seen: &mut Seen,
    wrong: &impl Fn(&str, &str) -> ConfigError,
) -> Result<Bus, ConfigError> {
    let key = |key: &str| format!("bus {}: {key}", raw.name);
    if raw.name.is_empty() || !seen.0.insert(raw.name.clone()) {
        return Err(wrong(&key("name"), "a name of its own"));
    }
    if !(10..=60_000).contains(&raw.answer_ms) {
        return Err(wrong(&key("answer_ms"), "10 to 60000"));
    }
    let mut units = BTreeSet::new();
    let mut stations = Vec::with_capacity(raw.meter.len());
    for meter in &raw.meter {
        let key = |name: &str| key(&format!("meter {}: {name}", meter.meter));
        let id = MeterId::try_new(&meter.meter).ok_or_else(|| wrong(&key("meter"), "1 to 64 bytes without a slash"))?;
        let profile = profiles.get(&meter.profile).ok_or_else(|| {
            let known: Vec<&str> = profiles.ids().collect();
            wrong(&key("profile"), &format!("`{}` is none of {}", meter.profile, known.join(", ")))
        })?;
        if !(1..=247).contains(&meter.unit) || !units.insert(meter.unit) {
            return Err(wrong(&key("unit"), "1 to 247, once on a bus"));
        }
        if !seen.1.insert(id.clone()) {
            return Err(wrong(&key("meter"), "is on two buses or twice on one"));
        }
        let (profile, serial) = (Arc::clone(profile), meter.serial.clone());
        stations.push(Station { meter: id, unit: meter.unit, profile, serial });
    }
    let Some(first) = stations.first() else { return Err(wrong(&key("meter"), "at least one [[bus.meter]]")) };
    let endpoint = endpoint(raw, first.profile.port, wrong)?;
    let patience = Patience { answer: Duration::from_millis(raw.answer_ms), ..Patience::default() };
    Ok(Bus { name: raw.name.clone(), endpoint, patience, stations: stations.into() })
}

/// Serial settings are those of the first meter's model where they are not given.
fn endpoint(raw: &FileBus, port: Port, wrong: &impl Fn(&str, &str) -> ConfigError) -> Result<Endpoint, ConfigError> {
    let settings = raw.baud.is_some() || raw.parity.is_some() || raw.data_bits.is_some() || raw.stop_bits.is_some();
    let endpoint = match (&raw.tcp, &raw.rtu_over_tcp, &raw.serial) {
        (Some(at), None, None) => Endpoint::Tcp(at.clone()),
        (None, Some(at), None) => Endpoint::RtuOverTcp(at.clone()),
        (None, None, Some(path)) => Endpoint::Serial {
            path: path.clone(),
            port: Port {
                baud: raw.baud.unwrap_or(port.baud),
                parity: raw.parity.unwrap_or(port.parity),
                data_bits: raw.data_bits.unwrap_or(port.data_bits),
                stop_bits: raw.stop_bits.unwrap_or(port.stop_bits),
            },
        },
        _ => return Err(wrong(&format!("bus {}", raw.name), "one of tcp, rtu_over_tcp and serial")),
    };
    match &endpoint {
        Endpoint::Serial { port, .. } if !matches!(port.parity, 'N' | 'E' | 'O') => {
            Err(wrong(&format!("bus {}: parity", raw.name), "N, E or O"))
        }
        Endpoint::Tcp(_) | Endpoint::RtuOverTcp(_) if settings => {
            Err(wrong(&format!("bus {}: baud", raw.name), "only a serial port has settings; a gateway has its own"))
        }
        _ => Ok(endpoint),
    }
}
