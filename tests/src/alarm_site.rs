//! A house of two flats behind a main meter, minute by minute: what its meters are asked, and what is alarmed.

use std::collections::BTreeMap;
use std::fs;

use adapters::clock::GivenClock;
use adapters::event_log::EventLog;
use adapters::intake::{Arrival, Intake as _, MemoryIntake, Poll, PolledMeter};
use adapters::site_folder::SiteFolder;
use domain::event::{
    AccountId, AlarmEvent, AlarmKind, Body, EventId, MeterId, RechargeKind, RechargeReceived, SiteId, kwh_text,
};
use domain::quantity::{Instant, Money};
use services::alarm::AlarmDuty;
use services::desk::Duty as _;
use services::owner::{COMMIT, Draft, Feed, Inlet, Owner};

/// Monday, 2 March 2026, midnight.
pub const START: Instant = Instant::new(1_772_409_600);

const SITE: &str = r#"format = 1
[site]
id = "alarms"
name = "Alarms"
time_zone = "Europe/London"
currency = "GBP"
landlord = "A-0"
settle_after = "00:15"
bill_after = "03:00"
max_gap = "01:00"
[[account]]
id = "A-0"
[[point]]
id = "P-M"
kind = "main"
[[meter]]
id = "M-M"
point = "P-M"
installed = 2026-03-02T00:00:00Z
start_kwh = "0"
[[tariff]]
id = "t"
version = 1
from = 2026-03-01
default_period = "all"
energy = [{ period = "all", tiers = [{ price = "0.20" }] }]
"#;

/// The site's id.
pub fn site_id() -> SiteId {
    SiteId::try_new("alarms").expect("an id")
}

/// The house, with so many flats.
pub fn site_toml(flats: usize) -> String {
    let mut text = SITE.to_owned();
    for n in 1..=flats {
        text += &format!(
            r#"[[unit]]
id = "U-{n}"
area_m2 = "50"
[[point]]
id = "P-{n}"
kind = "unit"
unit = "U-{n}"
[[meter]]
id = "M-{n}"
point = "P-{n}"
installed = 2026-03-02T00:00:00Z
start_kwh = "0"
max_kw = "20"
[[account]]
id = "A-{n}"
[[lease]]
account = "A-{n}"
unit = "U-{n}"
from = 2026-03-02T00:00:00Z
[[assign]]
point = "P-{n}"
tariff = "t"
from = 2026-03-01
"#
        );
    }
    text
}

/// The house at work.
pub struct Course<'l> {
    /// The owner of its log.
    pub owner: Owner<'l>,
    /// What looks for alarms.
    pub duty: AlarmDuty,
    /// When it is.
    pub now: Instant,
    /// Registers in mWh.
    pub registers: BTreeMap<String, i64>,
    /// Whether somebody looks after every step.
    pub looks: bool,
    recharges: u32,
}

impl<'l> Course<'l> {
    /// A house of two flats in an empty log.
    pub fn start(log: &'l mut dyn EventLog, duty: AlarmDuty) -> anyhow::Result<Self> {
        Self::of(log, duty, 2)
    }

    /// A house of so many flats in an empty log.
    pub fn of(log: &'l mut dyn EventLog, duty: AlarmDuty, flats: usize) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        fs::write(folder.path().join("site.toml"), site_toml(flats))?;
        let facts = SiteFolder::open_structure(folder.path())?.facts;
        let mut course = Self::resume(log, duty)?;
        for fact in facts {
            let id = EventId::derive(&[b"fact", fact.key.as_bytes()]);
            course.owner.append(Draft { id, time: fact.time, received: START, actor: fact.actor, body: fact.body })?;
        }
        let meters = (1..=flats).map(|n| format!("M-{n}"));
        course.registers = meters.chain(["M-M".to_owned()]).map(|id| (id, 0)).collect();
        course.owner.flush()?;
        Ok(course)
    }

    /// A house whose log is there.
    pub fn resume(log: &'l mut dyn EventLog, duty: AlarmDuty) -> anyhow::Result<Self> {
        let owner = Owner::open(log, site_id(), COMMIT)?;
        let now = owner.received().unwrap_or(START);
        Ok(Self { owner, duty, now, registers: BTreeMap::new(), looks: true, recharges: 0 })
    }

    /// A meter with its register as it is.
    pub fn polled(&self, meter: &str) -> PolledMeter {
        let register = self.registers.get(meter).copied().unwrap_or_default();
        PolledMeter::new(MeterId::try_new(meter).expect("an id"), &kwh_text(register, 6))
    }

    /// Takes up a poll, and looks.
    pub fn poll(&mut self, meters: Vec<PolledMeter>) -> anyhow::Result<()> {
        let (mut intake, clock) = (MemoryIntake::new(), GivenClock::new(self.now));
        if !meters.is_empty() {
            let poll = Poll::new(site_id(), "cellar", "rtu-1", self.now, meters);
            let (id, bytes) = Arrival::Poll(poll).encode()?;
            intake.offer(id, &bytes)?;
        }
        let mut inlet = Inlet::new(&mut intake, &clock, Feed::Buses { patience_s: 0 });
        let taken = inlet.pump(&mut self.owner)?;
        anyhow::ensure!(taken.refused.is_empty(), "{:?}", taken.refused);
        self.look()
    }

    /// A turn of the desk.
    pub fn look(&mut self) -> anyhow::Result<()> {
        self.owner.settle_before(self.now)?;
        if self.looks {
            self.duty.decide(&mut self.owner, self.now)?;
        }
        self.owner.flush()?;
        if self.looks {
            self.duty.act(&self.owner, self.now);
        }
        Ok(())
    }

    /// So many steps of so many seconds: each meter uses so many watts, the main one what all the others do and `lost`.
    pub fn steps(&mut self, steps: usize, step_s: i64, watts: &[(&str, i64)], lost: i64) -> anyhow::Result<()> {
        self.steps_with(steps, step_s, watts, lost, |_| Some(()))
    }

    /// As `steps`, with each meter's answer changed; none where it does not answer.
    pub fn steps_with(
        &mut self,
        steps: usize,
        step_s: i64,
        watts: &[(&str, i64)],
        lost: i64,
        change: impl Fn(&mut PolledMeter) -> Option<()>,
    ) -> anyhow::Result<()> {
        for _ in 0..steps {
            self.now = self.now.plus(step_s);
            let mut sum = lost;
            for (meter, watts) in watts {
                *self.registers.entry((*meter).to_owned()).or_default() += watts * 1000 * step_s / 3600;
                sum += watts;
            }
            *self.registers.entry("M-M".to_owned()).or_default() += sum * 1000 * step_s / 3600;
            let names: Vec<String> = self.registers.keys().cloned().collect();
            let mut meters: Vec<PolledMeter> = names.iter().map(|name| self.polled(name)).collect();
            meters.retain_mut(|polled| change(polled).is_some());
            self.poll(meters)?;
        }
        Ok(())
    }

    /// Somebody pays.
    pub fn recharge(&mut self, account: &str, minor: i64) -> anyhow::Result<()> {
        self.recharges += 1;
        let reference = format!("R-{}", self.recharges);
        let body = Body::RechargeReceived(RechargeReceived {
            account: AccountId::try_new(account).expect("an id"),
            amount_minor: Money::new(minor).get(),
            kind: RechargeKind::Recharge,
            reference: reference.clone(),
        });
        self.append(&reference, body)
    }

    /// Appends a fact, and looks.
    pub fn append(&mut self, key: &str, body: Body) -> anyhow::Result<()> {
        let id = EventId::derive(&[b"test", key.as_bytes()]);
        self.owner.append(Draft { id, time: self.now, received: self.now, actor: "test".to_owned(), body })?;
        self.look()
    }

    /// What happened of a kind: subject, `raised`, `cleared` or `acknowledged`, in order.
    pub fn happened(&self, kind: AlarmKind) -> Vec<(String, &'static str)> {
        let all: Vec<_> = self.owner.alarms().after(0).collect();
        let of = all.iter().filter_map(|one| {
            let (of, subject, _) = one.event.about()?;
            let what = match one.event {
                AlarmEvent::AlarmRaised(_) => "raised",
                AlarmEvent::AlarmCleared(_) => "cleared",
                AlarmEvent::AlarmAcknowledged(_) => "acknowledged",
                AlarmEvent::AlarmPolicyPublished(_) => "policy",
            };
            (of == kind).then(|| (subject.to_string(), what))
        });
        of.collect()
    }

    /// All kinds that something happened of.
    pub fn kinds(&self) -> Vec<AlarmKind> {
        AlarmKind::ALL.into_iter().filter(|kind| !self.happened(*kind).is_empty()).collect()
    }
}
