//! The building as its meters and people are while somebody looks on: meters on two
//! gateways speak Modbus, people pay, and now and then something breaks.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use adapters::clock::{Clock as _, SharedClock};
use adapters::meter_bus::{Endpoint, Patience, Profiles, Station};
use chrono::DateTime;
use domain::event::{AccountId, Body, EventId, MeterId, OutputState, PointId, RechargeKind, RechargeReceived};
use domain::quantity::Instant;
use tokio::runtime::Runtime;

use super::building::{self, Building, FORGETFUL, UNITS, below, seed};
use crate::collect;
use crate::desk::{ChangeError, Desk, Moment};
use crate::owner::{Draft, OwnerError};
use crate::simulator::{Gateway, KpmMeter, Pace};

/// Meters of a gateway.
const A_BUS: usize = 22;
/// How long after a cut the forgetful tenant pays, in seconds.
const REMEMBERS_S: i64 = 2_400;

/// The meters behind their gateways.
pub(super) struct Meters {
    building: Building,
    gateways: Vec<(Gateway, Vec<MeterId>)>,
    /// Gateways answer on threads of their own.
    runtime: Runtime,
    at: Instant,
}

impl Meters {
    /// Puts the building's meters on gateways.
    pub(super) fn open(building: Building, at: Instant) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let mut gateways = Vec::new();
        for chunk in building.gauges.chunks(A_BUS) {
            let meters: Vec<MeterId> = chunk.iter().map(|gauge| gauge.meter.clone()).collect();
            let on_bus = (1u8..).zip(chunk).map(|(unit, gauge)| {
                let meter = KpmMeter {
                    serial: serial(&gauge.meter),
                    import_mwh: gauge.register_mwh,
                    load_mw: 0,
                    relay_on: true,
                    clock: DateTime::UNIX_EPOCH.naive_utc(),
                };
                (unit, meter)
            });
            let gateway = runtime.block_on(Gateway::open(on_bus.collect(), Pace::Free))?;
            gateways.push((gateway, meters));
        }
        Ok(Self { building, gateways, runtime, at })
    }

    /// A collector of them; none if the model is not shipped.
    pub(super) fn collector(&self, site: &domain::event::SiteId) -> Option<collect::Config> {
        let profile = Arc::clone(Profiles::shipped().ok()?.get("kpm33b")?);
        let bus = |(number, (gateway, meters)): (usize, &(Gateway, Vec<MeterId>))| {
            let station = |(unit, meter): (u8, &MeterId)| Station {
                meter: meter.clone(),
                unit,
                profile: Arc::clone(&profile),
                serial: Some(serial(meter)),
            };
            collect::Bus {
                name: format!("floor-{}", number.saturating_add(1)),
                endpoint: Endpoint::Tcp(gateway.address().to_string()),
                patience: Patience { answer: Duration::from_millis(500), ..Patience::default() },
                stations: (1u8..).zip(meters).map(station).collect(),
            }
        };
        Some(collect::Config {
            site: site.clone(),
            collector: "cellar".to_owned(),
            zone: "Europe/London".parse().ok()?,
            period_s: 60,
            spool: std::path::PathBuf::new(),
            server: None,
            buses: self.gateways.iter().enumerate().map(bus).collect(),
            csv: Vec::new(),
            mqtt: Vec::new(),
        })
    }

    /// Lets time pass up to now.
    pub(super) fn pass(&mut self, now: Instant, offset_s: i64) {
        let seconds = now.since(self.at);
        if seconds <= 0 {
            return;
        }
        let mut off = BTreeSet::new();
        for (gateway, meters) in &self.gateways {
            let cut = |all: &mut BTreeMap<u8, KpmMeter>| {
                let dark = (1u8..).zip(meters).filter(|(unit, _)| all.get(unit).is_some_and(|meter| !meter.relay_on));
                dark.map(|(_, meter)| meter.clone()).collect::<Vec<_>>()
            };
            off.extend(gateway.change(cut));
        }
        self.building.pass(now, seconds, offset_s, |meter| !off.contains(meter));
        let clock = DateTime::from_timestamp(now.plus(offset_s).get(), 0).unwrap_or_default().naive_utc();
        for ((gateway, _), gauges) in self.gateways.iter().zip(self.building.gauges.chunks(A_BUS)) {
            gateway.change(|all| {
                for (meter, gauge) in all.values_mut().zip(gauges) {
                    meter.import_mwh = gauge.register_mwh;
                    meter.load_mw = gauge.watts.saturating_mul(1000);
                    meter.clock = clock;
                }
            });
        }
        self.at = now;
    }

    /// Gateways fall silent.
    pub(super) fn close(self) {
        self.runtime.shutdown_timeout(Duration::from_millis(200));
    }
}

/// The serial number of a meter: 13 characters.
pub(super) fn serial(meter: &MeterId) -> String {
    format!("33B{:0>10}", meter.as_str().trim_start_matches("M-").to_uppercase())
}

/// The building's people.
pub(super) struct People {
    desk: Desk,
    clock: SharedClock,
    hour: i64,
    paid: u64,
    /// When each paid last: a balance is seen a moment later.
    last: BTreeMap<AccountId, Instant>,
}

impl People {
    /// The people of a site.
    pub(super) fn new(desk: Desk, clock: SharedClock) -> Self {
        let hour = clock.now().get().div_euclid(3600);
        Self { desk, clock, hour, paid: 0, last: BTreeMap::new() }
    }

    /// What can be seen of their site.
    pub(super) fn moment(&self) -> Arc<Moment> {
        self.desk.moment()
    }

    /// Does what people do since the last call.
    pub(super) fn live(&mut self, offset_s: i64) -> Result<(), ChangeError<OwnerError>> {
        let now = self.clock.now();
        self.remember(now)?;
        let hour = now.get().div_euclid(3600);
        if hour == self.hour {
            return Ok(());
        }
        self.hour = hour;
        let wall = now.plus(offset_s).get().rem_euclid(86_400).div_euclid(3600);
        if !(8..=21).contains(&wall) {
            return Ok(());
        }
        for unit in (1..=UNITS).filter(|unit| *unit != FORGETFUL) {
            let Some(account) = building::account(unit) else { continue };
            let at = seed(hour);
            let balance = self.desk.moment().live.get(&account).map_or(0, |live| live.balance.get());
            if balance < building::enough(unit) && below(3, seed(unit), at) == 0 {
                let tens = below(10, at, seed(unit)).saturating_add(3);
                self.pay(account, i64::try_from(tens).unwrap_or(3).saturating_mul(1000))?;
            }
        }
        Ok(())
    }

    /// The forgetful tenant pays some time after the lights went out.
    fn remember(&mut self, now: Instant) -> Result<(), ChangeError<OwnerError>> {
        let point = PointId::try_new(&format!("P-{FORGETFUL:02}"));
        let (Some(point), Some(account)) = (point, building::account(FORGETFUL)) else { return Ok(()) };
        let moment = self.desk.moment();
        let supply = moment.supply.point(&point);
        let is_off = supply.control.output() == Some(OutputState::Disconnected);
        let owes = moment.live.get(&account).is_some_and(|live| live.balance.get() <= 0);
        let since = supply.cut_at.map_or(0, |at| now.since(at));
        if is_off && owes && since >= REMEMBERS_S { self.pay(account, 1_500) } else { Ok(()) }
    }

    fn pay(&mut self, account: AccountId, amount_minor: i64) -> Result<(), ChangeError<OwnerError>> {
        let now = self.clock.now();
        if self.last.insert(account.clone(), now).is_some_and(|last| now.since(last) < REMEMBERS_S) {
            return Ok(());
        }
        self.paid = self.paid.saturating_add(1);
        let number = self.paid;
        self.desk.change_blocking(move |turn| {
            let reference = format!("APP-{}-{number}", turn.now.get());
            let id = EventId::derive(&[b"demo", reference.as_bytes()]);
            let kind = RechargeKind::Recharge;
            let body = Body::RechargeReceived(RechargeReceived { account, amount_minor, kind, reference });
            let (time, received) = (turn.now, turn.now);
            turn.owner.append(Draft { id, time, received, actor: "app".to_owned(), body }).map(|_| ())
        })
    }
}
