//! The bill of a load, for scripts and for people.

use std::collections::BTreeMap;

use domain::quantity::Exact;
use domain::rating::load::{LoadBill, LoadMonth};
use serde::Serialize;

use super::Tiers;

/// The bill as JSON: every number is an exact decimal, or `n/d` in lowest terms where it does not end.
#[derive(Debug, Serialize)]
pub(super) struct Document {
    tiers: &'static str,
    interval_minutes: u8,
    months: Vec<MonthRow>,
    annual: Annual,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ignored: Vec<String>,
}

#[derive(Debug, Serialize)]
struct MonthRow {
    month: u32,
    kwh: String,
    peak_kw: String,
    energy_charge: String,
    demand_flat_charge: String,
    demand_tou_charge: String,
    fixed_charge: String,
    minimum_topup: String,
    total: String,
    use_kwh: BTreeMap<String, Vec<String>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tou_demand_peak_kw: BTreeMap<String, String>,
}

#[derive(Debug, Serialize)]
struct Annual {
    kwh: String,
    energy_charge: String,
    demand_flat_charge: String,
    demand_tou_charge: String,
    fixed_charge: String,
    minimum_topup: String,
    total: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    prorata_total: Option<String>,
}

impl Document {
    pub(super) fn new(tiers: Tiers, interval_minutes: u8, bill: &LoadBill, ignored: Vec<String>) -> Self {
        let tiers = match tiers {
            Tiers::Chronological => "chronological",
            Tiers::Prorata => "prorata",
        };
        let annual = Annual {
            kwh: sum(bill, |month| &month.kwh).to_string(),
            energy_charge: sum(bill, |month| &month.energy_charge).to_string(),
            demand_flat_charge: sum(bill, |month| &month.demand_flat_charge).to_string(),
            demand_tou_charge: sum(bill, |month| &month.demand_tou_charge).to_string(),
            fixed_charge: sum(bill, |month| &month.fixed_charge).to_string(),
            minimum_topup: sum(bill, |month| &month.minimum_topup).to_string(),
            total: sum(bill, |month| &month.total).to_string(),
            prorata_total: bill.prorata_total.as_ref().map(Exact::to_string),
        };
        Self { tiers, interval_minutes, months: bill.months.iter().map(MonthRow::new).collect(), annual, ignored }
    }
}

impl MonthRow {
    fn new(month: &LoadMonth) -> Self {
        let tiers = |tiers: &Vec<Exact>| tiers.iter().map(Exact::to_string).collect();
        Self {
            month: month.month.number(),
            kwh: month.kwh.to_string(),
            peak_kw: month.peak_kw.to_string(),
            energy_charge: month.energy_charge.to_string(),
            demand_flat_charge: month.demand_flat_charge.to_string(),
            demand_tou_charge: month.demand_tou_charge.to_string(),
            fixed_charge: month.fixed_charge.to_string(),
            minimum_topup: month.minimum_topup.to_string(),
            total: month.total.to_string(),
            use_kwh: month.use_kwh.iter().map(|(period, used)| (period.clone(), tiers(used))).collect(),
            tou_demand_peak_kw: month
                .tou_demand_peak_kw
                .iter()
                .map(|(period, peak)| (period.clone(), peak.to_string()))
                .collect(),
        }
    }
}

fn sum(bill: &LoadBill, part: impl Fn(&LoadMonth) -> &Exact) -> Exact {
    bill.months.iter().map(|month| part(month).clone()).sum()
}

const COLUMNS: [&str; 9] =
    ["month", "kWh", "peak kW", "energy", "flat demand", "TOU demand", "fixed", "minimum", "total"];

/// The bill as lines, rounded.
pub(super) fn table(bill: &LoadBill, document: &Document) -> Vec<String> {
    let line = |cells: [String; 9]| cells.map(|cell| format!("{cell:>11}")).join(" ").trim_end().to_owned();
    let mut lines = vec![line(COLUMNS.map(str::to_owned))];
    let money = |exact: &Exact| exact.rounded(2);
    lines.extend(bill.months.iter().map(|month| {
        line([
            month.month.to_string(),
            month.kwh.rounded(3),
            month.peak_kw.rounded(3),
            money(&month.energy_charge),
            money(&month.demand_flat_charge),
            money(&month.demand_tou_charge),
            money(&month.fixed_charge),
            money(&month.minimum_topup),
            money(&month.total),
        ])
    }));
    lines.push(line([
        "all".to_owned(),
        sum(bill, |month| &month.kwh).rounded(3),
        String::new(),
        money(&sum(bill, |month| &month.energy_charge)),
        money(&sum(bill, |month| &month.demand_flat_charge)),
        money(&sum(bill, |month| &month.demand_tou_charge)),
        money(&sum(bill, |month| &month.fixed_charge)),
        money(&sum(bill, |month| &month.minimum_topup)),
        money(&sum(bill, |month| &month.total)),
    ]));
    lines.push(format!("tiers {}; rounded to read: --json is exact", document.tiers));
    lines.extend(document.ignored.iter().map(|field| format!("not charged: {field}")));
    lines
}
