//! Checks on what is published: choices, tariffs, rules and assignments.

use super::finding::Finding;
use super::preset::{Act, Check, Field, PriceCap};
use super::state::{Acting, Compliance};
use crate::event::{
    Body, ComplianceChosen, ConsentTo, Fixed, RulePublished, SupplierBillReceived, TariffAssigned, TariffPublished,
    TaxMode,
};
use crate::premises::{Premises, Subject};
use crate::quantity::{Date, Month, UNITS_PER_ONE, to_units};

/// The far end of the months: a publication is compared with the newest supplier's bill.
const LAST_MONTH: i32 = 9999;

/// Everything that a publication is checked by; `premises` and `compliance` have it already.
pub fn check_publication(premises: &Premises, compliance: &Compliance, body: &Body) -> Vec<Finding> {
    if let Body::ComplianceChosen(chosen) = body {
        check_choice(chosen)
    } else if let Body::TariffPublished(tariff) = body {
        check_tariff(premises, compliance, tariff)
    } else if let Body::RulePublished(rule) = body {
        check_rule(premises, compliance, rule)
    } else if let Body::TariffAssigned(assigned) = body {
        check_assignment(premises, compliance, assigned)
    } else {
        Vec::new()
    }
}

/// A choice: what it states of retention, cuts and bill fields.
pub fn check_choice(chosen: &ComplianceChosen) -> Vec<Finding> {
    let place = format!("compliance {} from {}", chosen.preset, chosen.from);
    let mut found = Vec::new();
    for (preset, rule, severity) in Compliance::acting(chosen, Act::Choose) {
        let mut note = |why: String| found.push(Finding::new(preset, rule, severity, &place, why));
        match rule.check {
            Check::BillFields(fields) => {
                fields.iter().filter_map(|field| not_stated(chosen, *field)).for_each(&mut note);
            }
            Check::Retention(years) => {
                if let Some(stated) = chosen.retention_years.filter(|stated| *stated < years) {
                    note(format!("retention_years is {stated}, not {years} or more"));
                }
            }
            Check::HoldOnDispute if chosen.cuts.as_ref().is_some_and(|cuts| !cuts.hold_on_dispute) => {
                note("cuts.hold_on_dispute is false".to_owned());
            }
            Check::CutForElectricityOnly if chosen.cuts.as_ref().is_some_and(|cuts| cuts.other_dues) => {
                note("cuts.other_dues is true".to_owned());
            }
            Check::HoldOnDispute
            | Check::CutForElectricityOnly
            | Check::SharedWithinBill
            | Check::RecoveredWithinBill
            | Check::SupplierBillThere
            | Check::PriceCap(_)
            | Check::FeesApart(_)
            | Check::ActualReadings
            | Check::TimeOfUseConsent
            | Check::NoApportioning => {}
        }
    }
    found
}

/// What is wrong where a field that must be stated is not.
pub(super) fn not_stated(chosen: &ComplianceChosen, field: Field) -> Option<String> {
    match field {
        Field::Stated(name, what) => {
            let there = chosen.statements.iter().any(|one| one.name == name && !one.text.trim().is_empty());
            (!there).then(|| format!("statements.{name} is missing: {what}"))
        }
        Field::Always(_) | Field::PricePaid => None,
    }
}

/// A tariff version: its prices against the cap, its charges against fees apart, its periods against consent.
pub fn check_tariff(premises: &Premises, compliance: &Compliance, tariff: &TariffPublished) -> Vec<Finding> {
    let Some(chosen) = compliance.chosen_from(tariff.from) else { return Vec::new() };
    let place = format!("tariff {} version {}", tariff.id, tariff.version);
    let mut found = Vec::new();
    for acting in Compliance::acting(chosen, Act::Publish) {
        let (preset, rule, severity) = acting;
        let problem = match rule.check {
            Check::PriceCap(cap) => {
                let bill = match cap {
                    PriceCap::Stated => None,
                    PriceCap::PricePaid => newest_bill(premises, compliance, tariff),
                };
                highest_price(tariff).and_then(|price| above_cap(premises, chosen, cap, bill, price, tariff.from))
            }
            Check::FeesApart(names) => fee(tariff.fixed.iter(), tariff.minimum.is_some(), names),
            Check::TimeOfUseConsent
            | Check::NoApportioning
            | Check::SharedWithinBill
            | Check::RecoveredWithinBill
            | Check::SupplierBillThere
            | Check::BillFields(_)
            | Check::ActualReadings
            | Check::Retention(_)
            | Check::HoldOnDispute
            | Check::CutForElectricityOnly => None,
        };
        found.extend(problem.map(|why| Finding::new(preset, rule, severity, &place, why)));
    }
    found
}

fn newest_bill<'a>(
    premises: &Premises,
    compliance: &'a Compliance,
    tariff: &TariffPublished,
) -> Option<&'a SupplierBillReceived> {
    let mut pool = None;
    for subject in premises.subjects_of(&tariff.id) {
        match subject {
            Subject::Point(_) => return compliance.last_supplier_bill(None, Month::of(LAST_MONTH, 12)),
            Subject::Pool(id) => pool = Some(id),
        }
    }
    compliance.last_supplier_bill(pool, Month::of(LAST_MONTH, 12))
}

/// The highest energy price with all levies, in units of 10⁻⁸.
fn highest_price(tariff: &TariffPublished) -> Option<i128> {
    let tiers = tariff.energy.iter().flat_map(|row| &row.tiers);
    let highest = tiers.filter_map(|tier| to_units(tier.price)).max()?;
    let levies = tariff.adder.iter().filter_map(|adder| to_units(adder.price));
    Some(levies.fold(highest, i128::saturating_add))
}

/// A charge that is a fee of its own.
pub(super) fn fee<'a>(mut fixed: impl Iterator<Item = &'a Fixed>, has_minimum: bool, names: &[&str]) -> Option<String> {
    let named = |charge: &&Fixed| !names.iter().any(|name| name.eq_ignore_ascii_case(&charge.name));
    let odd = fixed.find(named).map(|charge| format!("charge '{}' is none of: {}", charge.name, names.join(", ")));
    odd.or_else(|| has_minimum.then(|| "it has a minimum, which charges for no energy".to_owned()))
}

/// What is wrong with a price per kWh (units of 10⁻⁸, levies included) on a day.
pub(super) fn above_cap(
    premises: &Premises,
    chosen: &ComplianceChosen,
    cap: PriceCap,
    bill: Option<&SupplierBillReceived>,
    price: i128,
    day: Date,
) -> Option<String> {
    let tax = premises.tax_on(day);
    let rate = |mode: TaxMode| tax.filter(|tax| tax.mode == mode).and_then(|tax| to_units(tax.rate)).unwrap_or(0);
    let one_and = |rate: i128| UNITS_PER_ONE.saturating_add(rate);
    let shown = show(price);
    let printed = match cap {
        PriceCap::Stated => Some(chosen.price_cap),
        PriceCap::PricePaid => bill.filter(|bill| bill.unit_price.is_some()).map(|bill| bill.unit_price),
    };
    if let Some(printed) = printed {
        let Some(limit) = printed.and_then(to_units) else {
            return Some("price_cap is missing".to_owned());
        };
        // Printed prices are without tax; an inclusive price has it in it.
        let limit = limit.checked_mul(one_and(rate(TaxMode::Inclusive)))?;
        let price = price.checked_mul(UNITS_PER_ONE)?;
        let of = bill.map_or(String::new(), |bill| format!(", by supplier's bill {}", bill.reference));
        return (price > limit).then(|| format!("{shown} per kWh is above {}{of}", printed.unwrap_or_default()));
    }
    let bill = bill?;
    // The bill's amount has its tax in it, so an exclusive price is compared with its tax.
    let minor = 10i128.checked_pow(premises.site().currency_decimals.into())?;
    let cost = price.checked_mul(minor)?.checked_mul(bill.energy_mwh.get().into())?;
    let cost = cost.checked_mul(one_and(rate(TaxMode::Exclusive)));
    let paid = i128::from(bill.amount_minor.get()).checked_mul(1_000_000)?;
    let paid = paid.checked_mul(UNITS_PER_ONE)?.checked_mul(UNITS_PER_ONE)?;
    let within = cost.is_some_and(|cost| cost <= paid);
    (!within).then(|| {
        format!(
            "{shown} per kWh is above the price paid: {} for {} kWh, by supplier's bill {}",
            bill.amount_minor.major(premises.site().currency_decimals),
            bill.energy_mwh.kwh(),
            bill.reference
        )
    })
}

/// Units of 10⁻⁸ as a decimal.
fn show(units: i128) -> String {
    crate::quantity::show_scaled(units, 8, 2)
}

/// A rule: that it does not apportion where that is forbidden.
pub fn check_rule(_premises: &Premises, compliance: &Compliance, rule: &RulePublished) -> Vec<Finding> {
    let Some(chosen) = compliance.chosen_from(rule.from) else { return Vec::new() };
    let acting = Compliance::acting(chosen, Act::Publish).into_iter();
    let forbidden = acting.filter(|(_, of_law, _)| of_law.check == Check::NoApportioning);
    let apportions = !rule.units.is_empty() && rule.parts.iter().any(|part| !part.percent.is_zero());
    let place = format!("rule {} version {}", rule.pool, rule.version);
    let found = forbidden.filter(|_| apportions).map(|(preset, of_law, severity)| {
        let why = format!("it apportions pool {} to {} units", rule.pool, rule.units.len());
        Finding { pool: Some(rule.pool.clone()), ..Finding::new(preset, of_law, severity, &place, why) }
    });
    found.collect()
}

/// An assignment: that whoever leases the point then consented to prices by the time of use.
pub fn check_assignment(premises: &Premises, compliance: &Compliance, assigned: &TariffAssigned) -> Vec<Finding> {
    let (Some(chosen), Some(point)) = (compliance.chosen_from(assigned.from), &assigned.point) else {
        return Vec::new();
    };
    let acting: Vec<Acting> = Compliance::acting(chosen, Act::Publish);
    let consent = acting.into_iter().filter(|(_, rule, _)| rule.check == Check::TimeOfUseConsent);
    let unit = premises.points.get(point).and_then(|point| point.unit.as_ref());
    let holder = unit.map(|unit| premises.holder_at_end(unit, premises.calendar.end_of(assigned.from)));
    let Some(holder) = holder.filter(|holder| holder.leased) else { return Vec::new() };
    let by_time =
        premises.tariff_on(&Subject::Point(point.clone()), assigned.from).is_some_and(|t| t.periods.len() > 1);
    let agreed = compliance.consents(&holder.account, ConsentTo::TimeOfUse, assigned.from);
    let place = format!("assignment of {point} from {}", assigned.from);
    let found = consent.filter(|_| by_time && !agreed).map(|(preset, rule, severity)| {
        let why =
            format!("tariff {} has prices by the time of use, and {} did not consent", assigned.tariff, holder.account);
        Finding { account: Some(holder.account.clone()), ..Finding::new(preset, rule, severity, &place, why) }
    });
    found.collect()
}
