//! An explained line as a document, with the sentences that the command says.

use domain::event::{BillIssued, BillLine, BillShare, Component, PointId, PoolId, hex};
use domain::quantity::{Date, Energy, Instant};
use serde_json::{Value, json};

use super::Explained;
use super::events::Ground;
use super::step::Steps;

/// What is said, in English.
fn said(say: impl FnOnce(&mut Steps)) -> Vec<String> {
    let mut steps = Steps::default();
    say(&mut steps);
    steps.0.iter().map(|step| step.told.english()).collect()
}

impl Explained<'_> {
    /// A line of a point of the account's own.
    pub(super) fn line_document(&self, bill: &BillIssued, line: &BillLine) -> Value {
        let key = &line.key;
        let decimals = self.decimals();
        let of_energy = matches!(key.component, Component::Energy | Component::Adder);
        let slices: Vec<Value> = if of_energy {
            let all = self.slices_of(bill, line).into_iter();
            all.map(|(slice, part)| {
                json!({
                    "from": slice.from, "until": slice.until, "energy_kwh": slice.energy.kwh(),
                    "in_line_kwh": part.kwh(), "interpolated": slice.interpolated,
                    "registers": self.registers_of(&slice.point, slice.from, slice.until),
                })
            })
            .collect()
        } else {
            Vec::new()
        };
        json!({
            "bill": bill.number, "account": bill.account, "month": bill.month,
            "line": {
                "key": key, "unit": line.unit, "price": line.price, "days": line.days, "of_days": line.of_days,
                "quantity": projections::bill::show_quantity(line.quantity, line.unit, decimals),
                "amount": line.amount_minor.major(decimals), "interpolated_kwh": line.interpolated_mwh.kwh(),
            },
            "published": self.published_of(Ground::Tariff(key)),
            "slices": slices,
            "text": said(|steps| self.line(bill, line, steps)),
        })
    }

    /// A share of a pool.
    pub(super) fn share_document(&self, bill: &BillIssued, share: &BillShare) -> Value {
        let decimals = self.decimals();
        let rated = self.month.target.as_ref().and_then(|target| target.pools.get(&share.pool));
        let days = rated.into_iter().flat_map(|rated| &rated.days).filter(|day| self.is_asked(day.day));
        let days: Vec<Value> = days
            .map(|day| {
                let mut shares = Vec::new();
                for part in &day.split.parts {
                    for one in part.shares.iter().filter(|one| one.account == bill.account) {
                        shares.push(json!({
                            "percent": part.percent, "unit": one.unit, "weight": part.weight_text(one.weight),
                            "of": part.weight_text(part.total_weight), "energy_kwh": one.energy.kwh(),
                            "nano": one.nano.to_string(),
                        }));
                    }
                }
                // What no unit and no part gets is the landlord's.
                let landlord = self.premises().site().landlord == bill.account;
                let rests = day.split.parts.iter().map(|part| part.rest_energy);
                let rest: Energy = rests.chain([day.split.rest_energy]).filter(|_| landlord).sum();
                json!({
                    "rest_kwh": rest.kwh(),
                    "day": day.day, "energy_kwh": day.energy.kwh(), "amount": day.amount.major(decimals),
                    "rule": day.split.rule, "shares": shares, "registers": self.registers_of_pool(&share.pool, day.day),
                })
            })
            .collect();
        json!({
            "bill": bill.number, "account": bill.account, "month": bill.month,
            "share": {
                "pool": share.pool, "energy_kwh": share.energy_mwh.kwh(),
                "pool_energy_kwh": share.pool_energy_mwh.kwh(), "amount": share.amount_minor.major(decimals),
                "pool_amount": share.pool_amount_minor.major(decimals),
            },
            "published": self.published_of(Ground::Rule(&share.pool)),
            "days": days,
            "text": said(|steps| self.share(bill, share, steps)),
        })
    }

    fn published_of(&self, ground: Ground<'_>) -> Vec<Value> {
        let facts = self.events.published(ground);
        facts
            .iter()
            .map(|entry| {
                json!({
                    "type": entry.event.body.type_name(), "position": entry.event.position, "id": entry.event.id,
                    "received": entry.event.received, "by": entry.event.actor, "leaf": hex(&entry.leaf),
                })
            })
            .collect()
    }

    fn registers_of(&self, point: &PointId, from: Instant, until: Instant) -> Vec<Value> {
        let registers = self.facts.slice_registers(point, from, until).into_iter();
        registers
            .map(|register| {
                let events: Vec<Value> = register
                    .sources
                    .iter()
                    .map(|position| json!({"position": position, "leaf": self.events.leaf(*position)}))
                    .collect();
                json!({
                    "point": point, "meter": register.meter, "events": events,
                    "from_kwh": Energy::new(register.start_mwh).kwh(),
                    "until_kwh": Energy::new(register.end_mwh).kwh(),
                })
            })
            .collect()
    }

    fn registers_of_pool(&self, pool: &PoolId, day: Date) -> Vec<Value> {
        let premises = self.premises();
        let (from, until) = (premises.calendar.start_of(day), premises.calendar.end_of(day));
        let points = premises.pool_points(pool, day);
        points.iter().flat_map(|point| self.registers_of(point, from, until)).collect()
    }
}
