//! What happens in the building, as lines: each is an event of the log.

use adapters::event_log::{EventLog, Filter, Follow, LogError, Sequence};
use domain::event::{Body, Decoder, Event, OutputState, RechargeKind, SupplyEvent};
use domain::premises::Calendar;
use domain::quantity::{Energy, Money, floor_div, show_scaled};

/// Money of the demo's currency.
fn pounds(amount: Money) -> String {
    match amount.major(2).strip_prefix('-') {
        Some(owed) => format!("-£{owed}"),
        None => format!("£{}", amount.major(2)),
    }
}

/// kWh with one decimal, cut.
fn tenths(energy: Energy) -> String {
    show_scaled(floor_div(energy.get().into(), 100_000), 1, 1)
}

/// Reads the log behind its owner.
pub(super) struct News {
    follow: Box<dyn Follow>,
    decoder: Decoder,
    calendar: Calendar,
    bills: (u64, Money),
}

impl News {
    /// What comes after an event of the log.
    pub(super) fn after(log: &dyn EventLog, after: Sequence, calendar: Calendar) -> Result<Self, LogError> {
        let follow = log.follow(after, Filter::default())?;
        Ok(Self { follow, decoder: Decoder::new(), calendar, bills: (0, Money::ZERO) })
    }

    /// The lines of what is there now.
    pub(super) fn take(&mut self) -> Result<Vec<String>, LogError> {
        let mut lines = Vec::new();
        while let Some(stored) = self.follow.next(std::time::Duration::ZERO)? {
            // Differences to an event from before are no news.
            let Ok(event) = self.decoder.decode(&stored.event.bytes) else { continue };
            let said = self.say(&event);
            let local = event.received.plus(self.calendar.offset_at(event.received)).to_string();
            let wall = local.get(..16).unwrap_or(&local).replace('T', " ");
            lines.extend(said.into_iter().map(|text| format!("{wall}  {text}")));
        }
        Ok(lines)
    }

    fn say(&mut self, event: &Event) -> Vec<String> {
        let mut lines = Vec::new();
        if let Body::BillIssued(bill) = &event.body {
            self.bills.0 = self.bills.0.saturating_add(1);
            self.bills.1 += bill.totals.charges_minor;
            if self.bills.0 <= 3 {
                let energy = tenths(bill.totals.indoor_mwh + bill.totals.shared_mwh);
                let charges = pounds(bill.totals.charges_minor);
                lines.push(format!(
                    "bill {} for {} to {}: {energy} kWh, {charges}",
                    bill.number, bill.month, bill.account
                ));
            }
            return lines;
        }
        lines.extend(match &event.body {
            Body::RechargeReceived(data) if data.kind == RechargeKind::Recharge => {
                Some(format!("{} pays {}", data.account, pounds(Money::new(data.amount_minor))))
            }
            Body::PoolDayAllocated(data) if data.page == 1 && data.run.starts_with("settlement/") => {
                let (energy, amount) = (tenths(data.energy_mwh), pounds(data.amount_minor));
                Some(format!(
                    "shared on {}: {energy} kWh, {amount}, split over the units of pool {}",
                    data.day, data.pool
                ))
            }
            Body::DaySettled(data) => self.settled(&data.run),
            Body::Supply(event) => supply(event),
            _ => None,
        });
        lines
    }
}

impl News {
    /// A run is whole.
    fn settled(&mut self, run: &str) -> Option<String> {
        if let Some(day) = run.strip_prefix("settlement/") {
            return Some(format!("{day} is settled: its charges are posted"));
        }
        let (count, sum) = std::mem::take(&mut self.bills);
        let month = run.trim_start_matches("bill/");
        (count > 0).then(|| format!("{count} bills for {month}, {} together", pounds(sum)))
    }
}

fn supply(event: &SupplyEvent) -> Option<String> {
    Some(match event {
        SupplyEvent::SupplyWarned(data) => match data.hours_left {
            Some(hours) => format!("{} is warned: its credit lasts {hours} h", data.account),
            None => format!("{} is warned", data.account),
        },
        SupplyEvent::SupplyCommandOrdered(data) => match data.to {
            OutputState::Disconnected => format!("{}: a cut is ordered, every check passed", data.point),
            OutputState::Connected => format!("{}: a restore is ordered", data.point),
        },
        SupplyEvent::SupplyCutConfirmed(data) => format!("{}: CUT, its relay was read back as off", data.point),
        SupplyEvent::SupplyRestoredConfirmed(data) => {
            format!("{}: RESTORED, its relay was read back as on", data.point)
        }
        SupplyEvent::SupplyCutHeld(data) => {
            let why = data.checks.iter().find(|check| check.code == data.reason);
            format!("{}: not cut yet: {}", data.point, why.map_or("", |check| check.figures.as_str()))
        }
        _ => return None,
    })
}
