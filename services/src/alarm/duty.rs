//! The duty of alarms: it looks once a minute, and at once after a recharge, a failed relay, other bounds; appends what
//! was raised and cleared, and hands it to whoever is to be told when it is durable.

use adapters::notifier::Notifier;
use domain::alarm::{View, Watch, decide, look};
use domain::billing::BillingError;
use domain::prepayment;
use domain::quantity::Instant;

use super::command::append;
use super::notice::notice;
use crate::desk::Duty;
use crate::owner::{Balances, CORE, Owner, OwnerError};

/// An endpoint, and the position up to which it was told.
struct Told {
    notifier: Box<dyn Notifier>,
    to: Option<u64>,
    /// The last error, so that it is said once.
    error: Option<String>,
}

/// Looks, raises, clears, tells.
#[derive(Default)]
pub struct AlarmDuty {
    watch: Watch,
    told: Vec<Told>,
    /// The minute and the count of urgent events that were looked at last.
    last: Option<(i64, u64)>,
    has_begun: bool,
}

impl AlarmDuty {
    /// Tells these.
    pub fn new(notifiers: Vec<Box<dyn Notifier>>) -> Self {
        let told = notifiers.into_iter().map(|notifier| Told { notifier, to: None, error: None }).collect();
        Self { told, ..Self::default() }
    }

    /// An endpoint that was never told anything hears of what happens from now on.
    fn begin(&mut self, owner: &Owner<'_>) {
        self.has_begun = true;
        for told in &mut self.told {
            match told.notifier.offered_to() {
                Ok(to) => told.to = Some(to.unwrap_or_else(|| owner.events())),
                Err(error) => {
                    self.has_begun = false;
                    told.say(owner, error.to_string());
                }
            }
        }
    }
}

impl Duty for AlarmDuty {
    fn decide(&mut self, owner: &mut Owner<'_>, now: Instant) -> Result<(), OwnerError> {
        if !self.has_begun {
            self.begin(owner);
        }
        let last = (now.get().div_euclid(60), owner.alarms().stirred());
        if self.last == Some(last) || owner.site().premises().site.is_none() {
            return Ok(());
        }
        self.last = Some(last);
        // A balance that cannot be computed is said by whoever shows it; the other kinds go on.
        let balances = balances(owner, now).unwrap_or_else(|error| {
            tracing::warn!(site = %owner.site_id(), %error, "alarms are looked for without balances");
            Balances::default()
        });
        let view = View {
            now,
            alarms: owner.alarms(),
            site: owner.site(),
            supply: owner.supply(),
            sights: owner.sights(),
            balances: &balances,
            settled: owner.settled(),
        };
        let levels = look(&view);
        let is_gone = |kind, subject: &_| view.is_gone(kind, subject);
        let events = decide(owner.alarms(), &mut self.watch, &levels, is_gone, now);
        for event in events {
            append(owner, now, CORE, event)?;
        }
        Ok(())
    }

    fn act(&mut self, owner: &Owner<'_>, _now: Instant) {
        for told in &mut self.told {
            told.tell(owner);
        }
    }
}

/// Those of the desk, which computes them as often as it has time to; its own where there is no desk.
fn balances(owner: &mut Owner<'_>, now: Instant) -> Result<Balances, BillingError> {
    if let Some(balances) = owner.balances() {
        owner.site_mut().advance(now)?;
        return Ok(balances);
    }
    Ok(Balances::new(prepayment::live(owner.site_mut(), now)?))
}

impl Told {
    fn tell(&mut self, owner: &Owner<'_>) {
        let Some(to) = self.to else { return };
        for happened in owner.alarms().after(to).take_while(|one| one.position <= owner.durable()) {
            let of = notice(owner.site_id(), owner.site(), happened).filter(|one| self.notifier.wants(one.kind));
            let kept = of.map_or(Ok(()), |notice| self.notifier.offer(&notice));
            if let Err(error) = kept {
                self.say(owner, error.to_string());
                return;
            }
            self.to = Some(happened.position);
            self.error = None;
        }
    }

    fn say(&mut self, owner: &Owner<'_>, error: String) {
        if self.error.as_ref() != Some(&error) {
            tracing::error!(site = %owner.site_id(), to = self.notifier.name(), error, "an alarm waits to be told");
            self.error = Some(error);
        }
    }
}
