//! One event of each type of the catalogue, with every field that its payload
//! may have: what the golden files hold.

use anyhow::Context;
use domain::event::{Body, CATALOGUE, Event, EventId, Link, MeterId, ReadingRow, ReadingsBatch, SiteId, readings_id};
use domain::quantity::Instant;
use serde_json::{Value, json};

const NOON: Instant = Instant::new(1_772_366_400);

/// The payload of a type's sample.
fn payload(name: &str) -> Option<Value> {
    let key = json!({"component": "energy", "name": "levy", "period": "day", "point": "P-1", "season": 1,
        "tariff": "home", "tier": 2, "version": 1});
    let register = json!({"end_mwh": 2_000_000, "meter": "M-1", "sources": [7, 9], "start_mwh": 1_000_000});
    let tax = json!({"mode": "exclusive", "name": "VAT", "rate": "0.05"});
    let share = json!({"account": "A-1", "energy_mwh": 5, "nano": "33333333333", "unit": "U-1", "weight": "40"});
    Some(match name {
        "site.registered.v1" => json!({"bill_after_s": 10_800, "currency": "GBP", "currency_decimals": 2,
            "holidays": ["2026-12-25"], "id": "riverside", "landlord": "A-0", "max_gap_s": 3600,
            "name": "Riverside", "settle_after_s": 900, "tax": tax, "time_zone": "Europe/London"}),
        "calendar.published.v1" => json!({"base_offset_s": 0,
            "transitions": [{"at": "2026-03-29T01:00:00Z", "offset_s": 3600}],
            "tz_version": "2025b", "zone": "Europe/London"}),
        "unit.registered.v1" => json!({"area_m2": "61.5", "id": "U-1"}),
        "point.registered.v1" => json!({"formula": [{"minus": true, "point": "P-2"}], "id": "P-1", "kind": "virtual",
            "unit": "U-1"}),
        "meter.installed.v1" => json!({"final_kwh": "900.5", "id": "M-1", "installed": "2026-01-01T00:00:00Z",
            "max_kw": "20", "modulus_kwh": "100000", "multiplier": "40", "point": "P-1",
            "removed": "2026-06-01T00:00:00Z", "serial": "33B1", "start_kwh": "12.345"}),
        "account.opened.v1" => json!({"id": "A-1", "opening_balance_minor": -250}),
        "lease.recorded.v1" => json!({"account": "A-1", "from": "2026-01-01T00:00:00Z", "unit": "U-1",
            "until": "2026-07-01T00:00:00Z"}),
        "tariff.published.v1" => json!({"adder": [{"name": "levy", "price": "0.01"}], "default_period": "day",
            "demand": [{"interval_minutes": 15, "name": "peak", "period": "day",
                "tiers": [{"price": "3", "up_to_kw": "10"}, {"price": "4"}]}],
            "energy": [{"months": [1, 2], "period": "day", "tiers": [{"price": "0.2", "up_to_kwh": "100"}, {"price": "0.3"}]}],
            "fixed": [{"amount": "5", "name": "standing", "per": "month"}], "from": "2026-01-01", "id": "home",
            "minimum": "7.5", "schedule": [{"days": ["mon", "holiday"], "from_minute": 0, "months": [12],
                "period": "night", "to_minute": 420}],
            "tier_basis": "period", "tier_window": "month", "version": 1}),
        "tariff.assigned.v1" => json!({"from": "2026-01-01", "point": "P-1", "pool": "lifts", "tariff": "home"}),
        "pool.defined.v1" => json!({"id": "lifts", "name": "Lifts", "points": ["P-C1", "P-C2"]}),
        "rule.published.v1" => json!({"from": "2026-01-01",
            "parts": [{"basis": "fixed", "fixed": [{"percent": "100", "unit": "U-1"}], "percent": "60", "zero": "area"}],
            "pool": "lifts", "units": ["U-1"], "vacant": "redistribute", "version": 1}),
        "tax.set.v1" => json!({"from": "2026-04-01", "tax": tax}),
        "holiday.declared.v1" => json!({"date": "2026-05-04"}),
        "area.measured.v1" => json!({"area_m2": "62", "from": "2026-02-01", "unit": "U-1"}),
        "pool.points.changed.v1" => json!({"from": "2026-02-01", "points": ["P-C1"], "pool": "lifts"}),
        "max_gap.set.v1" => json!({"from": "2026-02-01", "max_gap_s": 7200}),
        "recharge.received.v1" => {
            json!({"account": "A-1", "amount_minor": 5000, "kind": "recharge", "reference": "R-1"})
        }
        "reading.withdrawn.v1" | "reading.released.v1" => json!({"by": "J. Doe", "meter": "M-1",
            "reading_time": "2026-02-01T00:00:00Z", "reason": "a spike"}),
        "posting.made.v1" => json!({"account": "A-1", "amount_minor": -100, "by": "J. Doe", "reason": "goodwill",
            "reference": "P-1"}),
        "pool.day.allocated.v1" => json!({"amount_minor": 100, "amount_to_date_minor": 300, "day": "2026-02-02",
            "energy_mwh": 5_000_000, "interpolated_mwh": 0, "page": 1, "pages": 1,
            "parts": [{"applied": "area", "basis": "area", "energy_mwh": 5_000_000, "nano": "100000000000", "part": 1,
                "percent": "100", "rest_mwh": 2, "rest_nano": "1", "shares": [share], "total_weight": "120"}],
            "pool": "lifts", "rest_mwh": 0, "rest_nano": "0", "rule": 1, "run": "settlement/2026-02-02"}),
        "account.settled.v1" => json!({"account": "A-1",
            "lines": [{"amount_minor": 20, "days": 28, "interpolated_mwh": 0, "key": key, "month": "2026-02", "of_days": 28,
                "posted_minor": 10, "price": "0.2", "quantity": 1_000_000, "unit": "kWh"}],
            "part": 1, "parts": 1, "run": "settlement/2026-02-02",
            "shared": [{"amount_minor": 33, "energy_mwh": 5, "month": "2026-02", "nano": "33333333333", "pool": "lifts",
                "posted_minor": 3}],
            "slices": [{"energy_mwh": 1_000_000, "from": "2026-02-02T00:00:00Z", "interpolated": false, "period": "day",
                "point": "P-1", "registers": [register], "until": "2026-02-03T00:00:00Z"}],
            "tax": [{"amount_minor": 1, "base_minor": 20, "mode": "inclusive", "month": "2026-02", "name": "VAT",
                "posted_minor": 1, "rate": "0.05"}]}),
        "day.settled.v1" => json!({"accounts": 1, "bills": 0, "digest": "00".repeat(32), "due": "2026-02-03T00:15:00Z",
            "pool_days": 1, "rules": 1, "run": "settlement/2026-02-02", "seen": 41}),
        "bill.issued.v1" => json!({"account": "A-1",
            "adjustments": [{"amount_minor": -5, "days": -1, "line": key, "month": "2026-01", "quantity": -250_000, "unit": "kWh"},
                {"amount_minor": 2, "month": "2026-01", "pool": "lifts", "quantity": 1, "unit": "kWh"},
                {"amount_minor": 1, "month": "2026-01", "tax": "VAT"}],
            "closing_balance_minor": 4890, "currency": "GBP",
            "indoor": [{"amount_minor": 20, "days": 28, "interpolated_mwh": 0, "key": key, "of_days": 28, "price": "0.2",
                "quantity": 1_000_000, "unit": "kWh"}],
            "issued": "2026-03-01T03:00:00Z", "month": "2026-02", "number": 1, "opening_balance_minor": 0, "part": 1,
            "parts": 1, "postings": [{"amount_minor": -100, "reference": "P-1", "time": "2026-02-05T00:00:00Z"}],
            "recharges": [{"amount_minor": 5000, "kind": "refund", "reference": "R-1", "time": "2026-02-01T10:00:00Z"}],
            "shared": [{"amount_minor": 33, "energy_mwh": 5, "pool": "lifts", "pool_amount_minor": 100,
                "pool_energy_mwh": 5_000_000, "rules": [1, 2]}],
            "silent": ["P-1"], "tax": {"amount_minor": 1, "mode": "exclusive", "name": "VAT", "rate": "0.05"},
            "totals": {"adjustments_minor": -2, "charges_minor": 52, "indoor_minor": 20, "indoor_mwh": 1_000_000,
                "shared_minor": 33, "shared_mwh": 5, "tax_minor": 1}}),
        "compliance.chosen.v1" => json!({"by": "J. Doe", "cuts": {"hold_on_dispute": true, "other_dues": false},
            "from": "2026-01-01", "overrides": [{"reason": "not a subdivided unit", "rule": "hk.source-bill",
                "severity": "warn"}], "preset": "hk", "price_cap": "0.25", "retention_years": 7,
            "statements": [{"name": "payer", "text": "Riverside Ltd"}], "version": 1}),
        "supplier_bill.received.v1" => json!({"amount_minor": 120_000, "energy_mwh": 5_000_000_000_i64,
            "month": "2026-02", "pool": "lifts", "reference": "SB-2", "unit_price": "0.2245"}),
        "consent.given.v1" => json!({"account": "A-1", "from": "2026-01-01", "reference": "lease, annex 2",
            "to": "time_of_use", "until": "2027-01-01"}),
        "finding.raised.v1" => json!({"account": "A-1", "mend": "lower the price", "month": "2026-02",
            "place": "bill A-1/2026-02", "pool": "lifts", "preset": "uk-resale", "rule": "uk-resale.price-paid",
            "run": "bill/2026-02", "severity": "block", "text": "0.30 per kWh is above 0.2245", "version": 1}),
        "change.recorded.v1" => {
            json!({"about": ["account/A-1", "tariff/home"], "approver": "M. Roe", "author": "J. Doe",
            "kind": "undo", "proposal": "11".repeat(16), "reason": "the notice was wrong", "reverses": "22".repeat(16)})
        }
        "change.proposed.v1" => json!({"about": ["tariff/home"], "author": "J. Doe",
            "facts": [{"data": "{\"date\":\"2026-05-04\"}", "type": "holiday.declared.v1"}], "kind": "publish",
            "reason": "new prices", "reverses": "22".repeat(16)}),
        "approvals.set.v1" => json!({"persons": 2}),
        "recharge.suspended.v1" => {
            json!({"account": "A-l", "amount_minor": 5000, "kind": "recharge", "reference": "R-2"})
        }
        "bill.held.v1" => json!({"account": "A-1", "month": "2026-02",
            "reasons": [{"code": "no_tariff", "day": "2026-02-03", "meter": "M-1", "point": "P-1"}], "run": "bill/2026-02"}),
        _ => return supply(name).or_else(|| payment(name)),
    })
}

/// The payload of an alarm's sample.
fn alarm(name: &str) -> Option<Value> {
    let bound = json!({"clear": 36, "clear_for_s": 600, "on": true, "raise": 24, "raise_for_s": 0});
    Some(match name {
        "alarm.policy.published.v1" => json!({"by": "J. Doe", "policy": {
            "accounts": [{"account": "A-1", "raise_hours": 48}], "again_after_s": 3600,
            "bounds": {"loss": bound, "low_balance": bound, "silent_meter": bound}, "held_s": 3600, "loss_window_s": 86_400,
            "points": [{"limit_w": 3680, "point": "P-1"}], "still_least_wh": 500, "still_s": 86_400,
            "stuck_least_w": 200, "sudden_least_w": 3000}, "reason": "winter", "version": 1}),
        "alarm.raised.v1" => json!({"episode": 2, "figures": {"balance_minor": 1140, "days": 7, "per_day_minor": 1140},
            "kind": "low_balance", "level": 24, "limit": 24, "policy": 1, "since": "2026-03-01T12:00:00Z",
            "subject": "account/A-1"}),
        "alarm.cleared.v1" => json!({"end": "back", "episode": 2, "kind": "silent_meter", "level": 60,
            "since": "2026-03-01T11:59:00Z", "subject": "meter/M-1"}),
        "alarm.acknowledged.v1" => json!({"by": "J. Doe", "episode": 2, "kind": "relay_welded", "note": "called in",
            "subject": "point/P-1"}),
        _ => return None,
    })
}

/// The payload of the sample of a type of supply.
fn supply(name: &str) -> Option<Value> {
    let checks = json!([{"code": "need", "figures": "electricity balance -501, cut below -500", "passed": true},
        {"code": "link", "figures": "the meter answers", "passed": true}]);
    let evidence = |read_back: &str| {
        json!({"at": "2026-03-01T12:00:02Z", "current_ma": 0, "echoed": true, "read_back": read_back, "sent": true,
            "serial": "33B1"})
    };
    Some(match name {
        "supply.policy.published.v1" => json!({"by": "J. Doe", "policy": {"blast_least": 3, "blast_percent": 5,
            "command_valid_s": 300, "confirm_restore": true, "cuts": true, "emergency_credit_minor": 500,
            "for_charges": ["energy", "shared_electricity"], "hold_on_dispute": true, "hold_on_weather": true,
            "no_cut": [{"days": ["mon", "holiday"], "from_minute": 960, "to_minute": 1440}], "notice_s": 86_400,
            "persons": 2, "rearm_tenths": 10, "restore_at_minor": 1, "restore_spacing_s": 2, "stale_after_s": 7200,
            "warn_tenths": [30, 10, 0]}, "preset": "uk-prepay", "version": 1}),
        "supply.point.protected.v1" | "supply.point.unprotected.v1" => {
            json!({"by": "J. Doe", "point": "P-1", "reason": "dialysis at home"})
        }
        "supply.dispute.opened.v1" | "supply.dispute.closed.v1" => {
            json!({"account": "A-1", "by": "J. Doe", "reason": "the bill of February"})
        }
        "supply.weather.held.v1" => json!({"by": "weather service", "from": "2026-03-01T12:00:00Z", "reason": "frost",
            "until": "2026-03-03T12:00:00Z"}),
        "supply.requested.v1" => json!({"by": "J. Doe", "point": "P-1", "reason": "the flat is empty", "request": 1,
            "to": "disconnected"}),
        "supply.approved.v1" => json!({"by": "M. Roe", "point": "P-1", "request": 1}),
        "supply.reconnection.confirmed.v1" => json!({"by": "tenant of U-1", "point": "P-1"}),
        "supply.mode.observed.v1" => json!({"meter": "M-1", "point": "P-1", "remote": false}),
        "supply.observed.v1" => json!({"meter": "M-1", "point": "P-1", "read_back": "connected"}),
        "supply.warned.v1" => json!({"account": "A-1", "balance_minor": 310, "hours_left": 23, "point": "P-1",
            "step_tenths": 10}),
        "supply.warning.cleared.v1" => {
            json!({"account": "A-1", "balance_minor": 5000, "point": "P-1", "step_tenths": 10})
        }
        "supply.reconnection.offered.v1" => json!({"account": "A-1", "checks": checks, "point": "P-1"}),
        "supply.command.ordered.v1" => json!({"account": "A-1", "checks": checks, "command": 7, "meter": "M-1",
            "point": "P-1", "policy": 1, "reason": "person", "request": 1, "to": "disconnected",
            "valid_until": "2026-03-01T12:05:00Z"}),
        "supply.command.sent.v1" => json!({"command": 7, "point": "P-1"}),
        "supply.cut.confirmed.v1" => json!({"command": 7, "evidence": evidence("disconnected"), "point": "P-1"}),
        "supply.restored.confirmed.v1" => json!({"command": 8, "evidence": evidence("connected"), "point": "P-1"}),
        "supply.command.failed.v1" => json!({"command": 7, "evidence": evidence("connected"), "point": "P-1",
            "reason": "not_moved"}),
        "supply.command.expired.v1" => {
            json!({"command": 7, "point": "P-1", "valid_until": "2026-03-01T12:05:00Z"})
        }
        "supply.command.cancelled.v1" => {
            json!({"checks": checks, "command": 7, "point": "P-1", "reason": "newer_recharge"})
        }
        "supply.cut.held.v1" | "supply.restore.held.v1" => {
            json!({"account": "A-1", "checks": checks, "point": "P-1", "reason": "link"})
        }
        _ => return alarm(name),
    })
}

/// The payload of the sample of a type of payment.
fn payment(name: &str) -> Option<Value> {
    let moved = json!({"amount_minor": 5000, "gateway": "stripe", "kind": "charged_back", "movement": "dp_1",
        "payment": "pi_1"});
    Some(match name {
        "recharge.requested.v1" | "recharge.captured.v1" => {
            json!({"account": "A-1", "amount_minor": 5000, "gateway": "stripe", "payment": "pi_1"})
        }
        "recharge.moved.v1" => {
            let mut data = moved;
            data["receivable_minor"] = json!(4200);
            data
        }
        "recharge.parked.v1" => moved,
        "recharge.matched.v1" => json!({"account": "A-1", "by": "J. Doe", "gateway": "stripe", "payment": "pi_1",
            "reason": "the payer rang up"}),
        "recharge.returned.v1" => json!({"amount_minor": 5000, "by": "J. Doe", "gateway": "stripe", "payment": "pi_1",
            "reason": "nobody knows the payer"}),
        "recharge.refused.v1" => json!({"account": "A-1", "amount_minor": 6000, "currency": "GBP", "gateway": "stripe",
            "kind": "captured", "movement": "pi_1", "payment": "pi_1", "reason": "other_amount"}),
        _ => return None,
    })
}

/// The payload of a type's sample with the fields that it has gained since; none where it has not.
fn grown(name: &str) -> Option<Value> {
    let mut data = payload(name)?;
    let (unit, round) = (json!("amount"), json!({"mode": "down", "to": "10"}));
    let key = json!({"component": "surcharge", "name": "fund", "point": "P-1", "tariff": "home", "version": 1});
    match name {
        "tariff.published.v1" => {
            data["energy"][0]["band_up_to_kwh"] = json!("250");
            data["fixed"][0]["bands"] = json!([{"amount": "370", "up_to_kwh": "100"}, {"amount": "820"}]);
            data["round_lines"] = json!({"mode": "down", "to": "1"});
            data["round_total"] = round.clone();
            data["scale"] = json!({"of_days": 30, "round": {"mode": "half_up", "to": "1"}});
            data["surcharge"] = json!([{"each": true, "name": "fuel", "on": ["energy"], "rate": "0.4"},
                {"bands": [{"rate": "0.05", "up_to_kwh": "400"}, {"rate": "0.1"}], "name": "fund",
                    "on": ["energy/day", "fixed"], "round": round, "tiers_from": 2}]);
        }
        "account.settled.v1" => {
            let line = &mut data["lines"][0];
            (line["key"], line["unit"], line["round"]) = (key, unit, round);
        }
        "bill.issued.v1" => {
            let line = &mut data["indoor"][0];
            (line["key"], line["unit"], line["round"]) = (key.clone(), unit, round);
            data["adjustments"][0]["line"] = key;
        }
        _ => return None,
    }
    Some(data)
}

/// A batch with every kind of oddity that a full event may have.
fn batch() -> anyhow::Result<ReadingsBatch> {
    let row = |meter: &str, kwh: &str| -> anyhow::Result<ReadingRow> {
        let meter = MeterId::try_new(meter).context("a meter's id")?;
        Ok(ReadingRow { meter, time: NOON, kwh: kwh.into(), serial: None, device_time: None, place: 0 })
    };
    let late = ReadingRow { time: NOON.plus(-900), place: 2, ..row("M-1", "1204.50")? };
    let odd =
        ReadingRow { serial: Some("33B1".into()), device_time: Some(NOON.plus(-5)), place: 3, ..row("M-2", "NaN")? };
    let plain = ReadingRow { serial: Some("33B2".into()), place: 4, ..row("M-3", "0.125")? };
    Ok(ReadingsBatch::try_new(0, NOON, &[late, odd, plain], None)?)
}

/// The sample of a type.
pub fn event(name: &str) -> anyhow::Result<Event> {
    let body = if name == "readings.recorded.v1" {
        Body::ReadingsRecorded(batch()?)
    } else {
        Body::from_parts(name, payload(name).with_context(|| format!("{name} has no sample: add one here"))?)?
    };
    sample(name, body)
}

/// The samples of the types that have gained fields, with those fields.
pub fn all_grown() -> anyhow::Result<Vec<Event>> {
    let of_type = |name: &&str| Some(grown(name).map(|data| sample(name, Body::from_parts(name, data)?)));
    CATALOGUE.iter().filter_map(of_type).flatten().collect()
}

fn sample(name: &str, body: Body) -> anyhow::Result<Event> {
    let site = SiteId::try_new("riverside").context("a site's id")?;
    let (id, chains, cause) = if let Body::ReadingsRecorded(batch) = &body {
        (readings_id(&site, batch), Vec::new(), None)
    } else {
        let links = body.chain_keys().into_iter().map(|key| Link { key, prev: "ab".repeat(32), seq: 2 }).collect();
        (EventId::derive(&[b"sample", name.as_bytes()]), links, Some(EventId::derive(&[b"cause"])))
    };
    let position = 42;
    Ok(Event {
        position,
        id,
        site,
        time: NOON,
        received: NOON.plus(2),
        actor: "J. Doe".to_owned(),
        cause,
        chains,
        body,
    })
}

/// The samples of the whole catalogue, in its order.
pub fn all() -> anyhow::Result<Vec<Event>> {
    CATALOGUE.iter().map(|name| event(name)).collect()
}

/// A full batch and one that is written as differences to it, with what differs from the roster.
pub fn delta() -> anyhow::Result<[Event; 2]> {
    let rows = |time: Instant, kwh: &[&str]| -> anyhow::Result<Vec<ReadingRow>> {
        let row = |(index, kwh): (usize, &&str)| {
            let meter = MeterId::try_new(&format!("M-{index:02}")).context("a meter's id")?;
            let serial = Some(format!("33B{index:02}").as_str().into());
            Ok(ReadingRow { meter, time, kwh: (*kwh).into(), serial, device_time: None, place: 0 })
        };
        kwh.iter().enumerate().map(row).collect()
    };
    let texts = ["1204.500"; 20];
    let base = ReadingsBatch::try_new(1, NOON, &rows(NOON, &texts)?, None)?;
    let later = NOON.plus(60);
    let mut texts = ["1204.517"; 20];
    (texts[3], texts[7], texts[9]) = ("NaN", "9999.999", "1204.6");
    let mut later_rows = rows(later, &texts)?;
    later_rows[5].serial = None;
    later_rows[6].time = later.plus(-7);
    later_rows[8].device_time = Some(later.plus(-3));
    let delta = ReadingsBatch::try_new(1, later, &later_rows, Some((41, &base)))?;
    let event = |position, batch: ReadingsBatch| -> anyhow::Result<Event> {
        let site = SiteId::try_new("riverside").context("a site's id")?;
        let (id, time) = (readings_id(&site, &batch), batch.time());
        let (received, actor, body) = (time.plus(2), "cellar".to_owned(), Body::ReadingsRecorded(batch));
        Ok(Event { position, id, site, time, received, actor, cause: None, chains: Vec::new(), body })
    };
    Ok([event(41, base)?, event(42, delta)?])
}
