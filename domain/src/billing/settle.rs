//! A run's decisions: the differences between the target and what is posted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::due::{Due, RunKind};
use super::site::{RULES_VERSION, Site};
use super::target::{AccountMonth, MonthTarget, Share, TaxLine};
use crate::allocation::{PartSplit, PoolDay, basis_name};
use crate::event::{
    AccountId, AccountSettled, AllocatedPart, AllocatedShare, Body, DaySettled, PoolDayAllocated, PoolId, SettledLine,
    SettledShare, SettledSlice, SettledTax, Unit,
};
use crate::quantity::{Energy, Money, Month};
use crate::rating::{Facts, Line, LineKeyExt};

const SHARES_A_PAGE: usize = 250;
const ROWS_A_PART: usize = 80;

impl Site {
    /// The decisions of a run, but for bills and the last one.
    pub(super) fn differences(&self, due: Due, fresh: &BTreeMap<Month, MonthTarget>) -> Vec<Body> {
        let run = due.kind.to_string();
        let mut decisions = Vec::new();
        let mut settled: BTreeMap<&AccountId, AccountSettled> = BTreeMap::new();
        let empty = MonthTarget::default();
        for (month, target) in fresh {
            let posted = self.targets.get(month).unwrap_or(&empty);
            for (pool, rated) in &target.pools {
                let before: BTreeMap<_, _> =
                    posted.pools.get(pool).into_iter().flat_map(|p| &p.days).map(|day| (day.day, day)).collect();
                let same = |day: &Arc<PoolDay>, before: &Arc<PoolDay>| Arc::ptr_eq(day, before) || day == before;
                let changed =
                    rated.days.iter().filter(|day| !before.get(&day.day).is_some_and(|before| same(day, before)));
                decisions.extend(changed.flat_map(|day| pages(pool, day, &run)));
            }
            let accounts: BTreeSet<&AccountId> = target.accounts.keys().chain(posted.accounts.keys()).collect();
            let none = AccountMonth::default();
            for account in accounts {
                let (now, then) = (target.accounts.get(account), posted.accounts.get(account));
                let shared = now.zip(then).is_some_and(|(now, then)| Arc::ptr_eq(now, then));
                let (now, then) = (now.map_or(&none, |of| of), then.map_or(&none, |of| of));
                if !shared && now != then {
                    let of = settled.entry(account).or_insert_with(|| empty_settlement(account, &run));
                    of.lines.extend(line_differences(*month, now, then));
                    of.shared.extend(share_differences(*month, now, then));
                    of.tax.extend(tax_differences(*month, now.tax.as_ref(), then.tax.as_ref()));
                }
            }
        }
        if let RunKind::Settlement(day) = due.kind
            && let Some(target) = fresh.get(&day.month())
        {
            let facts = Facts::new(&self.premises, &self.metering);
            for slice in target.slices().filter(|slice| slice.day == day && !slice.energy.is_zero()) {
                let of = settled.entry(&slice.holder.account);
                of.or_insert_with(|| empty_settlement(&slice.holder.account, &run)).slices.push(SettledSlice {
                    energy_mwh: slice.energy,
                    from: slice.from,
                    interpolated: slice.interpolated,
                    period: slice.tariff.as_ref().map(|(_, _, period)| period.to_string()),
                    point: slice.point.clone(),
                    registers: facts.slice_registers(&slice.point, slice.from, slice.until),
                    until: slice.until,
                });
            }
        }
        decisions.extend(settled.into_values().flat_map(parts));
        decisions
    }
}

fn empty_settlement(account: &AccountId, run: &str) -> AccountSettled {
    AccountSettled {
        account: account.clone(),
        lines: Vec::new(),
        part: 1,
        parts: 1,
        run: run.to_owned(),
        shared: Vec::new(),
        slices: Vec::new(),
        tax: Vec::new(),
    }
}

/// Cuts a settlement that is too long for one event.
fn parts(whole: AccountSettled) -> Vec<Body> {
    let chunks = |len: usize| len.div_ceil(ROWS_A_PART);
    let lens = [whole.lines.len(), whole.shared.len(), whole.slices.len(), whole.tax.len()];
    let count = lens.into_iter().map(chunks).max().unwrap_or(1).max(1);
    let (mut lines, mut shared) = (whole.lines.into_iter(), whole.shared.into_iter());
    let (mut slices, mut tax) = (whole.slices.into_iter(), whole.tax.into_iter());
    let number = |index: usize| i64::try_from(index).expect("few parts");
    (1..=count)
        .map(|part| {
            Body::AccountSettled(AccountSettled {
                account: whole.account.clone(),
                lines: lines.by_ref().take(ROWS_A_PART).collect(),
                part: number(part),
                parts: number(count),
                run: whole.run.clone(),
                shared: shared.by_ref().take(ROWS_A_PART).collect(),
                slices: slices.by_ref().take(ROWS_A_PART).collect(),
                tax: tax.by_ref().take(ROWS_A_PART).collect(),
            })
        })
        .collect()
}

fn line_differences(month: Month, now: &AccountMonth, then: &AccountMonth) -> Vec<SettledLine> {
    let keys: BTreeSet<_> = now.lines.keys().chain(then.lines.keys()).collect();
    keys.into_iter()
        .filter(|key| now.lines.get(key) != then.lines.get(key))
        .map(|key| {
            let (line, before) = (now.lines.get(key), then.lines.get(key));
            let amount = |line: Option<&Line>| line.map_or(Money::ZERO, |line| line.amount);
            SettledLine {
                amount_minor: amount(line),
                days: line.and_then(|line| line.days),
                interpolated_mwh: line.map_or(Energy::ZERO, |line| line.interpolated),
                key: key.sorted(),
                month,
                of_days: line.and_then(|line| line.of_days),
                posted_minor: amount(line) - amount(before),
                price: line.map(|line| line.price),
                quantity: line.map_or(0, |line| line.quantity),
                round: line.and_then(|line| line.round),
                unit: line.or(before).map_or(Unit::Kwh, |line| line.unit),
            }
        })
        .collect()
}

fn share_differences(month: Month, now: &AccountMonth, then: &AccountMonth) -> Vec<SettledShare> {
    let pools: BTreeSet<&PoolId> = now.shared.keys().chain(then.shared.keys()).collect();
    let none = Share::default();
    pools
        .into_iter()
        .filter(|pool| now.shared.get(pool) != then.shared.get(pool))
        .map(|pool| {
            let (share, before) = (now.shared.get(pool).unwrap_or(&none), then.shared.get(pool).unwrap_or(&none));
            SettledShare {
                amount_minor: share.amount,
                energy_mwh: share.energy,
                month,
                nano: share.nano.to_string(),
                pool: pool.clone(),
                posted_minor: share.amount - before.amount,
            }
        })
        .collect()
}

fn tax_differences(month: Month, now: Option<&TaxLine>, then: Option<&TaxLine>) -> Vec<SettledTax> {
    let same_tax = |a: &TaxLine, b: &TaxLine| a.name == b.name;
    let row = |tax: &TaxLine, amount: Money, base: Money, posted: Money| SettledTax {
        amount_minor: amount,
        base_minor: base,
        mode: tax.mode,
        month,
        name: tax.name.clone(),
        posted_minor: posted,
        rate: tax.rate,
    };
    match (now, then) {
        (None, None) => Vec::new(),
        (Some(now), Some(then)) if now == then => Vec::new(),
        (Some(now), Some(then)) if same_tax(now, then) => {
            vec![row(now, now.amount, now.base, now.amount - then.amount)]
        }
        (now, then) => {
            let gone = then.map(|tax| row(tax, Money::ZERO, Money::ZERO, -tax.amount));
            gone.into_iter().chain(now.map(|tax| row(tax, tax.amount, tax.base, tax.amount))).collect()
        }
    }
}

fn allocated(part: &PartSplit, number: i64, shares: &[crate::allocation::ShareOf]) -> AllocatedPart {
    AllocatedPart {
        applied: part.applied.map_or("landlord", basis_name).to_owned(),
        basis: basis_name(part.basis).to_owned(),
        energy_mwh: part.energy,
        nano: part.nano.to_string(),
        part: number,
        percent: part.percent,
        rest_mwh: part.rest_energy,
        rest_nano: part.rest_nano.to_string(),
        shares: shares
            .iter()
            .map(|share| AllocatedShare {
                account: share.account.clone(),
                energy_mwh: share.energy,
                nano: share.nano.to_string(),
                unit: share.unit.clone(),
                weight: part.weight_text(share.weight),
            })
            .collect(),
        total_weight: part.applied.map(|_| part.weight_text(part.total_weight)),
    }
}

/// A pool's day in pages of at most 250 shares.
fn pages(pool: &PoolId, day: &PoolDay, run: &str) -> Vec<Body> {
    let mut pages: Vec<Vec<AllocatedPart>> = vec![Vec::new()];
    let mut room = SHARES_A_PAGE;
    for (part, number) in day.split.parts.iter().zip(1i64..) {
        let mut shares = part.shares.as_slice();
        loop {
            let (now, later) = shares.split_at(shares.len().min(room));
            if let Some(page) = pages.last_mut() {
                page.push(allocated(part, number, now));
            }
            room = room.saturating_sub(now.len());
            shares = later;
            if shares.is_empty() {
                break;
            }
            pages.push(Vec::new());
            room = SHARES_A_PAGE;
        }
    }
    let count = i64::try_from(pages.len()).expect("few pages");
    let page = |(parts, page): (Vec<AllocatedPart>, i64)| {
        Body::PoolDayAllocated(PoolDayAllocated {
            amount_minor: day.amount,
            amount_to_date_minor: day.amount_to_date,
            day: day.day,
            energy_mwh: day.energy,
            interpolated_mwh: day.interpolated,
            page,
            pages: count,
            parts,
            pool: pool.clone(),
            rest_mwh: day.split.rest_energy,
            rest_nano: day.split.rest_nano.to_string(),
            rule: day.split.rule,
            run: run.to_owned(),
        })
    };
    pages.into_iter().zip(1i64..).map(page).collect()
}

/// The last decision of a run.
pub(super) fn closing(due: Due, seen: u64, digest: &[u8; 32], decisions: &[Body]) -> Body {
    let count =
        |of: fn(&Body) -> bool| i64::try_from(decisions.iter().filter(|body| of(body)).count()).expect("few decisions");
    Body::DaySettled(DaySettled {
        accounts: count(|body| matches!(body, Body::AccountSettled(_))),
        bills: count(|body| matches!(body, Body::BillIssued(_))),
        digest: crate::event::hex(digest),
        due: due.at,
        pool_days: count(|body| matches!(body, Body::PoolDayAllocated(_))),
        rules: RULES_VERSION,
        run: due.kind.to_string(),
        seen,
    })
}
