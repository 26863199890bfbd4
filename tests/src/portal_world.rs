//! The portal's building with relays that move: two flats' meters on the simulator behind the service's own collector,
//! readings that are held, money in suspense, and rules of supply that ask for two persons.

use adapters::clock::GivenClock;
use anyhow::{Context as _, Result};
use domain::event::{PaymentKind, SupplyEvent, SupplyPolicy, SupplyPolicyPublished};
use domain::quantity::Instant;
use domain::recharge::GatewayMessage;
use serde_json::{Value, json};

use crate::portal_site::{NOW, Plan, Portal, SITE};
use crate::sim::Sim;
use crate::supply_world::quick_policy;

/// The building at work.
pub struct World {
    /// Its service.
    pub portal: Portal,
    /// Its meters.
    pub sim: Sim,
    clock: GivenClock,
}

/// The last reading of a meter.
fn last(readings: &str, meter: &str) -> Option<String> {
    let row = readings.lines().rev().find(|row| row.contains(&format!(",{meter},")))?;
    Some(row.rsplit(',').next()?.to_owned())
}

/// A register some whole kWh further.
fn further(kwh: &str, by: u32) -> Option<String> {
    let (whole, part) = kwh.split_once('.')?;
    Some(format!("{}.{part}", whole.parse::<u32>().ok()? + by))
}

/// Meters 1 and 2 of gateway `g`, a little further than their last readings.
fn meters(readings: &str) -> Option<Value> {
    let mut plan = Sim::plan("tcp", 0);
    plan["start"] = json!(NOW.trim_end_matches('Z'));
    let of = plan["gateway"][0]["meter"][0].clone();
    let meters: Option<Vec<Value>> = [(1, "M-101"), (2, "M-103")]
        .into_iter()
        .map(|(unit, meter)| {
            let mut one = of.clone();
            (one["unit"], one["count"]) = (json!(unit), json!(1));
            one["serial"] = json!(format!("33B12259{unit:05}"));
            one["import_kwh"] = json!(further(&last(readings, meter)?, 1)?);
            Some(one)
        })
        .collect();
    plan["gateway"][0]["meter"] = json!(meters?);
    Some(plan)
}

/// The readings; the last ones of M-102 and the lift are more than their meters can measure, so that they are held.
fn readings(plain: &str) -> Option<String> {
    let mut text = plain.to_owned();
    for meter in ["M-102", "M-LIFT"] {
        let kwh = last(plain, meter)?;
        text = text.replace(&format!("{NOW},{meter},{kwh}"), &format!("{NOW},{meter},{}", further(&kwh, 40)?));
    }
    Some(text)
}

impl World {
    /// Starts it, and lets its meters be polled once.
    pub fn start() -> Result<Self> {
        let plain = Plan::default();
        let sim = Sim::start(meters(&plain.readings).context("registers")?);
        let station = |unit: u8, meter: &str| {
            format!(
                "[[bus.meter]]\nmeter = \"{meter}\"\nunit = {unit}\nprofile = \"kpm33b\"\nserial = \"33B12259{unit:05}\"\n"
            )
        };
        let collector = format!(
            "site = \"{SITE}\"\ncollector = \"cellar\"\n[intake]\nspool = \"unused.db\"\n[[bus]]\nname = \"g\"\ntcp = \"{}\"\n{}{}",
            sim.gateway("g"),
            station(1, "M-101"),
            station(2, "M-103")
        );
        let limit = |site: String, meter: &str| {
            let point = meter.replace("M-", "P-");
            let row = format!("point = \"{point}\"\ninstalled");
            site.replacen(&row, &format!("point = \"{point}\"\nmax_kw = \"5\"\ninstalled"), 1)
        };
        let clock = plain.clock.clone();
        let plan = Plan {
            site: limit(limit(plain.site, "M-102"), "M-LIFT"),
            readings: readings(&plain.readings).context("readings")?,
            served: "collector = \"collector.toml\"\n".to_owned(),
            collector,
            clock: clock.clone(),
        };
        let world = Self { portal: plan.start()?, sim, clock };
        world.portal.say(vec![published().into()])?;
        world.suspend("pi_1", 2_500)?;
        world.suspend("pi_2", 1_750)?;
        world.minute();
        Ok(world)
    }

    /// Lets a minute pass: the meters are polled after it.
    pub fn minute(&self) {
        self.clock.set(Instant::new(self.sim.step(60)));
    }

    /// A payment comes in for an account that nobody has.
    fn suspend(&self, payment: &str, amount_minor: i64) -> Result<()> {
        let message = GatewayMessage {
            gateway: "stripe".to_owned(),
            kind: PaymentKind::Captured,
            payment: payment.to_owned(),
            movement: payment.to_owned(),
            account: "A-1O1".to_owned(),
            amount_minor,
            currency: "GBP".to_owned(),
            time: Instant::parse(NOW)?,
        };
        let desk = &self.portal.server.app.site(SITE).context("the site")?.desk;
        let said = desk.change_blocking(move |turn| {
            services::recharge::receive(turn.owner, turn.now, "stripe", &message).map(|_| ())
        });
        said.map_err(|error| anyhow::anyhow!("{error}"))
    }
}

/// Two persons for a cut by hand, complaints that hold one, and nobody who has to confirm.
fn published() -> SupplyEvent {
    let policy = SupplyPolicy { persons: 2, hold_on_dispute: true, stale_after_s: 3_600, ..quick_policy() };
    let data = SupplyPolicyPublished { by: "J. Doe".to_owned(), policy, preset: None, version: 1 };
    SupplyEvent::SupplyPolicyPublished(data)
}
