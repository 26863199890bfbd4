//! Who would gain and who would pay more, and that it all adds up.

use domain::billing::{Imbalance, MonthTarget, Site, WhatIf};
use domain::event::{AccountId, Body, PoolId};
use domain::premises::Subject;
use domain::quantity::{Energy, Money, Month};
use serde_json::{Value, json};

use crate::console::Console;
use crate::table;

/// An account's month.
#[derive(Debug)]
struct Row {
    account: AccountId,
    billed: Option<Money>,
    now: Money,
    then: Money,
}

/// A pool's month.
#[derive(Debug)]
struct PoolRow {
    pool: PoolId,
    energy: Energy,
    now: Money,
    then: Money,
}

/// What other tariffs or rules would have made of a month.
#[derive(Debug)]
pub(crate) struct Report {
    site: String,
    month: Month,
    currency: String,
    decimals: u8,
    moved: bool,
    rows: Vec<Row>,
    pools: Vec<PoolRow>,
    imbalances: Vec<Imbalance>,
    findings: Vec<String>,
}

fn charges(target: &MonthTarget, account: &AccountId) -> Money {
    target.accounts.get(account).map_or(Money::ZERO, |of| of.charges())
}

/// What the issued bill of an account's month has, adjustments of earlier months aside.
fn billed(site: &Site, account: &AccountId, month: Month) -> Option<Money> {
    let bills = site.issued().values().filter_map(|parts| parts.first());
    let bill = bills.into_iter().find(|bill| bill.account == *account && bill.month == month)?;
    Some(bill.totals.charges_minor - bill.totals.adjustments_minor)
}

impl Report {
    /// The report of a comparison; `facts` are the hypothetical ones, `moved` whether their dates were.
    pub(crate) fn new(site: &Site, month: Month, facts: &[Body], found: &WhatIf, moved: bool) -> Self {
        let accounts = site.premises().accounts.keys();
        let rows = accounts.map(|account| Row {
            account: account.clone(),
            billed: billed(site, account, month),
            now: charges(&found.now, account),
            then: charges(&found.then, account),
        });
        let rows = rows.filter(|row| row.billed.is_some() || !row.now.is_zero() || !row.then.is_zero()).collect();
        let pools = found.then.pools.iter().map(|(pool, rated)| PoolRow {
            pool: pool.clone(),
            energy: rated.energy(),
            now: found.now.pools.get(pool).map_or(Money::ZERO, domain::allocation::PoolMonth::amount),
            then: rated.amount(),
        });
        let facts_of_site = site.premises().site();
        Self {
            site: facts_of_site.id.to_string(),
            month,
            currency: facts_of_site.currency.clone(),
            decimals: facts_of_site.currency_decimals,
            moved,
            rows,
            pools: pools.collect(),
            imbalances: found.then.imbalances(),
            findings: findings(site, month, facts, &found.then),
        }
    }

    /// Whether all adds up.
    pub(crate) fn balances(&self) -> bool {
        self.imbalances.is_empty()
    }

    fn totals(&self) -> (Money, Money, Money) {
        (
            self.rows.iter().filter_map(|row| row.billed).sum(),
            self.rows.iter().map(|row| row.now).sum(),
            self.rows.iter().map(|row| row.then).sum(),
        )
    }

    /// How many would pay less, more and the same.
    fn counts(&self) -> [usize; 3] {
        let count = |of: fn(&Row) -> bool| self.rows.iter().filter(|row| of(row)).count();
        [count(|row| row.then < row.now), count(|row| row.then > row.now), count(|row| row.then == row.now)]
    }

    /// The report as a document.
    pub(crate) fn document(&self) -> Value {
        let money = |amount: Money| amount.major(self.decimals);
        let rows = self.rows.iter().map(|row| {
            json!({"account": row.account, "billed": row.billed.map(money), "now": money(row.now),
                "what_if": money(row.then), "difference": money(row.then - row.now)})
        });
        let pools = self.pools.iter().map(
            |row| json!({"pool": row.pool, "kwh": row.energy.kwh(), "now": money(row.now), "what_if": money(row.then)}),
        );
        let (billed, now, then) = self.totals();
        let [winners, losers, unchanged] = self.counts();
        json!({
            "site": self.site, "month": self.month, "currency": self.currency, "from_moved_to_month": self.moved,
            "accounts": rows.collect::<Vec<_>>(), "pools": pools.collect::<Vec<_>>(),
            "winners": winners, "losers": losers, "unchanged": unchanged,
            "totals": {"billed": money(billed), "now": money(now), "what_if": money(then), "difference": money(then - now)},
            "conserved": self.balances(),
            "imbalances": self.imbalances.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "findings": self.findings,
        })
    }

    /// The report as a table.
    pub(crate) fn write(&self, console: &mut Console) {
        let money = |amount: Money| amount.major(self.decimals);
        let signed = |amount: Money| if amount > Money::ZERO { format!("+{}", money(amount)) } else { money(amount) };
        let mut rows: Vec<[String; 5]> = self
            .rows
            .iter()
            .map(|row| {
                let billed = row.billed.map_or_else(|| "-".to_owned(), money);
                [row.account.to_string(), billed, money(row.now), money(row.then), signed(row.then - row.now)]
            })
            .collect();
        let (billed, now, then) = self.totals();
        rows.push(["all".to_owned(), money(billed), money(now), money(then), signed(then - now)]);
        console.line(format!("{} {}, in {}", self.site, self.month, self.currency));
        if self.moved {
            console.line(format!("in force later: taken as in force from {}", self.month.first()));
        }
        table::write(["account", "billed", "now", "what if", "difference"], &rows, console);
        let [winners, losers, unchanged] = self.counts();
        console.line(format!("{winners} would pay less, {losers} more, {unchanged} the same"));
        for row in &self.pools {
            let (kwh, now, then) = (row.energy.kwh(), money(row.now), money(row.then));
            console.line(format!("pool {}: {kwh} kWh, {now} now, {then} what if", row.pool));
        }
        if self.balances() {
            console.line("shares are their pools' cost, parts their days, lines their slices");
        }
        for one in &self.imbalances {
            console.line(format!("does not add up: {one}"));
        }
        for one in &self.findings {
            console.line(format!("finding: {one}"));
        }
    }
}

/// What a person should know before publishing.
fn findings(site: &Site, month: Month, facts: &[Body], then: &MonthTarget) -> Vec<String> {
    let mut found = Vec::new();
    for bare in &then.bare {
        found.push(format!(
            "point {} would have used energy on {} without a tariff: {}'s bill would be held",
            bare.point, bare.day, bare.account
        ));
    }
    let law = site.check_publication(&facts.iter().collect::<Vec<_>>());
    found.extend(law.iter().map(ToString::to_string));
    let premises = site.premises();
    for body in facts {
        let Body::TariffPublished(tariff) = body else { continue };
        let subjects = premises.points.keys().map(|point| Subject::Point(point.clone()));
        let pools = premises.pools.keys().map(|pool| Subject::Pool(pool.clone()));
        let has_it = |subject: Subject| {
            premises.tariff_on(&subject, month.last()).is_some_and(|in_force| in_force.id == tariff.id)
        };
        let assigned = facts.iter().any(|other| matches!(other, Body::TariffAssigned(one) if one.tariff == tariff.id));
        if !assigned && !subjects.chain(pools).any(has_it) {
            found.push(format!("no point or pool has tariff {}: add [[assign]]", tariff.id));
        }
    }
    found
}
