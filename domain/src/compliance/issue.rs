//! Checks on bills before they are issued.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::Finding;
use super::preset::{Act, Check, Field};
use super::publish::{above_cap, fee, not_stated};
use super::state::{Acting, Compliance};
use crate::event::{
    AccountId, BillIssued, ComplianceChosen, Component, ConsentTo, Fixed, Per, PointId, PoolId, SupplierBillReceived,
};
use crate::premises::{Premises, Subject};
use crate::quantity::{Energy, Money, Month, UNITS_PER_ONE, div_round, to_units};

struct Issue<'a> {
    premises: &'a Premises,
    compliance: &'a Compliance,
    chosen: &'a ComplianceChosen,
    month: Month,
    /// Bills of others than the landlord.
    bills: Vec<&'a BillIssued>,
}

/// Judges the drafts of a month's bills, each whole; nothing where the site chose no preset.
pub fn check_bills(premises: &Premises, compliance: &Compliance, month: Month, drafts: &[BillIssued]) -> Vec<Finding> {
    let Some(chosen) = compliance.chosen_on(month.first()) else { return Vec::new() };
    let landlord = &premises.site().landlord;
    let charged = |bill: &&BillIssued| !(bill.indoor.is_empty() && bill.shared.is_empty());
    let bills = drafts.iter().filter(|bill| bill.account != *landlord).filter(charged).collect();
    let issue = Issue { premises, compliance, chosen, month, bills };
    let mut found: Vec<Finding> = Vec::new();
    for acting in Compliance::acting(chosen, Act::Issue) {
        match acting.1.check {
            Check::SharedWithinBill => found.extend(issue.shared(acting)),
            Check::RecoveredWithinBill => found.extend(issue.recovered(acting)),
            Check::SupplierBillThere => found.extend(issue.source_bill(acting)),
            Check::NoApportioning
            | Check::PriceCap(_)
            | Check::FeesApart(_)
            | Check::BillFields(_)
            | Check::ActualReadings
            | Check::TimeOfUseConsent => found.extend(issue.bills.iter().filter_map(|bill| issue.bill(acting, bill))),
            Check::Retention(_) | Check::HoldOnDispute | Check::CutForElectricityOnly => {}
        }
    }
    found
}

impl Issue<'_> {
    fn decimals(&self) -> u8 {
        self.premises.site().currency_decimals
    }

    /// A charge with its exclusive tax.
    fn taxed(&self, amount: Money) -> Money {
        let tax = self.premises.tax_on(self.month.first());
        let rate = tax.filter(|tax| tax.mode == crate::event::TaxMode::Exclusive).and_then(|tax| to_units(tax.rate));
        let top = i128::from(amount.get()).saturating_mul(UNITS_PER_ONE.saturating_add(rate.unwrap_or(0)));
        Money::new(i64::try_from(div_round(top, UNITS_PER_ONE)).unwrap_or(i64::MAX))
    }

    /// What others than the landlord bear of each pool, with tax.
    fn by_pool(&self) -> BTreeMap<&PoolId, Money> {
        let mut pools: BTreeMap<&PoolId, Money> = BTreeMap::new();
        for share in self.bills.iter().flat_map(|bill| &bill.shared) {
            *pools.entry(&share.pool).or_default() += share.amount_minor;
        }
        pools.into_iter().map(|(pool, amount)| (pool, self.taxed(amount))).collect()
    }

    /// A pool is compared with its own supplier's bill; pools without one, together, with the site's.
    fn shared(&self, (preset, rule, severity): Acting) -> Vec<Finding> {
        let mut found = Vec::new();
        let mut rest: (Money, BTreeSet<&PoolId>) = Default::default();
        for (pool, amount) in self.by_pool() {
            match self.compliance.supplier_bill(Some(pool), self.month) {
                Some(bill) if amount > bill.amount_minor => {
                    let place = format!("pool {pool} {}", self.month);
                    let finding = Finding::new(preset, rule, severity, &place, self.more(amount, bill));
                    found.push(Finding { pool: Some(pool.clone()), holds: self.sharers(&[pool].into()), ..finding });
                }
                Some(_) => {}
                None => {
                    rest.0 += amount;
                    rest.1.insert(pool);
                }
            }
        }
        if let Some(bill) = self.compliance.supplier_bill(None, self.month).filter(|bill| rest.0 > bill.amount_minor) {
            let finding =
                Finding::new(preset, rule, severity, &format!("site {}", self.month), self.more(rest.0, bill));
            found.push(Finding { holds: self.sharers(&rest.1), ..finding });
        }
        found
    }

    fn more(&self, amount: Money, bill: &SupplierBillReceived) -> String {
        format!(
            "{} is recovered, {} was billed, by supplier's bill {}",
            amount.major(self.decimals()),
            bill.amount_minor.major(self.decimals()),
            bill.reference
        )
    }

    fn sharers(&self, pools: &BTreeSet<&PoolId>) -> Vec<AccountId> {
        let with = |bill: &&&BillIssued| bill.shared.iter().any(|share| pools.contains(&share.pool));
        self.bills.iter().filter(with).map(|bill| bill.account.clone()).collect()
    }

    fn all(&self) -> Vec<AccountId> {
        self.bills.iter().map(|bill| bill.account.clone()).collect()
    }

    fn recovered(&self, (preset, rule, severity): Acting) -> Option<Finding> {
        let bill = self.compliance.supplier_bill(None, self.month)?;
        let totals = self.bills.iter().map(|bill| &bill.totals);
        let recovered = totals.map(|of| of.indoor_minor + of.shared_minor + of.tax_minor).sum();
        let finding = Finding::new(preset, rule, severity, &format!("site {}", self.month), self.more(recovered, bill));
        (recovered > bill.amount_minor).then(|| Finding { holds: self.all(), ..finding })
    }

    /// The site's bill covers everything; else each pool needs its own, and whoever is billed for energy the site's.
    fn source_bill(&self, (preset, rule, severity): Acting) -> Vec<Finding> {
        if self.compliance.supplier_bill(None, self.month).is_some() {
            return Vec::new();
        }
        let lacking = |pool: &&PoolId| self.compliance.supplier_bill(Some(pool), self.month).is_none();
        let pools: BTreeSet<&PoolId> = self.by_pool().into_keys().filter(lacking).collect();
        let why = format!("no supplier's bill of {} was received", self.month);
        let needs = |bill: &&&BillIssued| {
            !bill.indoor.is_empty() || bill.shared.iter().any(|share| pools.contains(&share.pool))
        };
        let holds: Vec<AccountId> = self.bills.iter().filter(needs).map(|bill| bill.account.clone()).collect();
        let finding = Finding::new(preset, rule, severity, &format!("site {}", self.month), why);
        if holds.is_empty() { Vec::new() } else { vec![Finding { holds, ..finding }] }
    }

    fn bill(&self, (preset, rule, severity): Acting, bill: &BillIssued) -> Option<Finding> {
        let problem = match rule.check {
            Check::NoApportioning => bill.shared.iter().find(|share| share.amount_minor > Money::ZERO).map(|share| {
                let amount = share.amount_minor.major(self.decimals());
                format!("{amount} is apportioned from pool {}", share.pool)
            }),
            Check::PriceCap(cap) => self.dear_line(cap, bill),
            Check::FeesApart(names) => fees(bill, names),
            Check::BillFields(fields) => fields.iter().find_map(|field| self.missing(*field)),
            Check::ActualReadings => not_read(bill),
            Check::TimeOfUseConsent => self.without_consent(bill),
            Check::SharedWithinBill
            | Check::RecoveredWithinBill
            | Check::SupplierBillThere
            | Check::Retention(_)
            | Check::HoldOnDispute
            | Check::CutForElectricityOnly => None,
        }?;
        let place = format!("bill {}/{}", bill.account, self.month);
        let finding = Finding::new(preset, rule, severity, &place, problem);
        Some(Finding { account: Some(bill.account.clone()), holds: vec![bill.account.clone()], ..finding })
    }

    fn dear_line(&self, cap: super::preset::PriceCap, bill: &BillIssued) -> Option<String> {
        let paid = match cap {
            super::preset::PriceCap::Stated => None,
            super::preset::PriceCap::PricePaid => {
                let paid = self.compliance.last_supplier_bill(None, self.month);
                if paid.is_none() && !bill.indoor.is_empty() {
                    return Some(format!("no supplier's bill up to {} tells the price paid", self.month));
                }
                paid
            }
        };
        let energy = bill.indoor.iter().filter(|line| line.key.component == Component::Energy);
        energy.into_iter().find_map(|line| {
            let tariff = self.premises.tariffs.get(&(line.key.tariff.clone(), line.key.version));
            let levies = tariff.map_or(0, crate::tariff::Tariff::adder_units);
            let price = to_units(line.price)?.checked_add(levies)?;
            let why = above_cap(self.premises, self.chosen, cap, paid, price, self.month.first())?;
            Some(format!("point {}: {why}", line.key.point))
        })
    }

    fn missing(&self, field: Field) -> Option<String> {
        match field {
            Field::Stated(..) => not_stated(self.chosen, field),
            Field::PricePaid => {
                let none = self.compliance.supplier_bill(None, self.month).is_none();
                none.then(|| format!("the price paid is missing: no supplier's bill of {} was received", self.month))
            }
            Field::Always(_) => None,
        }
    }

    /// The first day on which the account leased a point with prices by the time of use, and had not consented.
    fn without_consent(&self, bill: &BillIssued) -> Option<String> {
        let energy = bill.indoor.iter().filter(|line| line.key.component == Component::Energy);
        let points: BTreeSet<&PointId> = energy.map(|line| &line.key.point).collect();
        let mut day = self.month.first();
        while day <= self.month.last() {
            let end = self.premises.calendar.end_of(day);
            let agreed = self.compliance.consents(&bill.account, ConsentTo::TimeOfUse, day);
            for point in points.iter().filter(|_| !agreed) {
                let unit = self.premises.points.get(*point).and_then(|point| point.unit.as_ref());
                let holds = unit.is_some_and(|unit| self.premises.holder_at_end(unit, end).account == bill.account);
                let tariff = self.premises.tariff_on(&Subject::Point((*point).clone()), day);
                if let Some(tariff) = tariff.filter(|tariff| holds && tariff.periods.len() > 1) {
                    let id = &tariff.id;
                    return Some(format!(
                        "{id} has prices by the time of use, and {} did not consent on {day}",
                        bill.account
                    ));
                }
            }
            day = day.next();
        }
        None
    }
}

fn fees(bill: &BillIssued, names: &[&str]) -> Option<String> {
    let fixed: Vec<Fixed> = bill
        .indoor
        .iter()
        .filter(|line| line.key.component == Component::Fixed)
        .map(|line| Fixed {
            amount: Some(line.price),
            bands: Vec::new(),
            name: line.key.name.clone().unwrap_or_default(),
            per: Per::Month,
        })
        .collect();
    let minimum = bill.indoor.iter().any(|line| line.key.component == Component::Minimum);
    fee(fixed.iter(), minimum, names)
}

fn not_read(bill: &BillIssued) -> Option<String> {
    if let Some(point) = bill.silent.first() {
        return Some(format!("point {point} has no reading at or after the month's end"));
    }
    let energy = bill.indoor.iter().filter(|line| line.key.component == Component::Energy);
    let interpolated: Energy = energy.map(|line| line.interpolated_mwh).sum();
    (!interpolated.is_zero()).then(|| format!("{} kWh are interpolated", interpolated.kwh()))
}
