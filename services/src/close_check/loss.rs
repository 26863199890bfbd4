//! Where the energy went: main meters = tenants + common + loss, by period.

use std::collections::BTreeMap;

use domain::alarm::EnergyBalance;
use domain::billing::Site;
use domain::event::{PointKind, TariffId};
use domain::premises::Subject;
use domain::quantity::{Instant, Month, show_scaled, to_units};
use domain::rating::Facts;
use domain::tariff::period_cuts;
use rust_decimal::Decimal;

use super::Finding;
use crate::exit::{Failure, bad};
use crate::told::told;

/// The stretches of a month with their periods: those of the tariff that most points have on the day.
fn stretches(site: &Site, month: Month) -> Vec<(String, Instant, Instant)> {
    let premises = site.premises();
    let mut all = Vec::new();
    let first = site.first_day().unwrap_or(month.first()).max(month.first());
    let mut day = first;
    while day <= month.last() && site.settled_to().is_some_and(|settled| day <= settled) {
        let (from, until) = (premises.calendar.start_of(day), premises.calendar.end_of(day));
        let mut count: BTreeMap<&TariffId, usize> = BTreeMap::new();
        for point in premises.points.values().filter(|point| point.kind == PointKind::Unit) {
            if let Some(tariff) = premises.tariff_on(&Subject::Point(point.id.clone()), day) {
                let of = count.entry(&tariff.id).or_default();
                *of = of.saturating_add(1);
            }
        }
        let most = count.iter().max_by(|a, b| a.1.cmp(b.1).then(b.0.cmp(a.0))).map(|(id, _)| (*id).clone());
        let point = premises.points.values().find_map(|point| {
            let tariff = premises.tariff_on(&Subject::Point(point.id.clone()), day)?;
            (Some(&tariff.id) == most.as_ref()).then_some(tariff)
        });
        match point {
            Some(tariff) => all.extend(
                period_cuts(tariff, &premises.calendar, &premises.holidays, from, until)
                    .into_iter()
                    .map(|cut| (tariff.period_name(cut.period).to_owned(), cut.from, cut.until)),
            ),
            None => all.push(("all".to_owned(), from, until)),
        }
        day = day.next();
    }
    all
}

/// Periods whose loss, or excess, is more than so many percent of what the main meters measured.
pub(super) fn check(site: &Site, month: Month, bound: Decimal) -> Result<Vec<Finding>, Failure> {
    let premises = site.premises();
    if !premises.points.values().any(|point| point.kind == PointKind::Main) {
        return Ok(Vec::new());
    }
    let percent = to_units(bound).ok_or_else(|| bad("--loss-percent has too many decimals", "write at most 8"))?;
    let facts = Facts::new(premises, site.metering());
    let mut periods: BTreeMap<String, EnergyBalance> = BTreeMap::new();
    for (name, from, until) in stretches(site, month) {
        periods.entry(name).or_default().add(&facts, from, until);
    }
    let mut found = Vec::new();
    for (name, of) in periods {
        let loss = of.loss();
        // |loss| × 100 % against main × percent, both in units of 10⁻⁸.
        let measured = i128::from(of.main.get()).saturating_mul(percent);
        let lost = i128::from(loss.get()).saturating_abs().saturating_mul(10_000_000_000);
        if lost > measured {
            let share = show_scaled(lost.checked_div(i128::from(of.main.get()).max(1)).unwrap_or_default(), 8, 0);
            let cut = share.find('.').map_or(share.len(), |dot| share.len().min(dot.saturating_add(3)));
            let said = told("close-loss")
                .with("main", of.main.kwh())
                .with("tenants", of.tenants.kwh())
                .with("common", of.common.kwh())
                .with("loss", loss.kwh())
                .with("percent", share.get(..cut).unwrap_or(&share))
                .with("bound", bound.to_string());
            found.push(Finding::new("loss", format!("{month} {name}"), said));
        }
    }
    Ok(found)
}
