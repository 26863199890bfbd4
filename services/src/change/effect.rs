//! What a change would do: charges by account and month before and after.

use std::collections::BTreeMap;

use domain::billing::{BillingError, MonthTarget, Site};
use domain::compliance::Finding;
use domain::event::{AccountId, Body, RechargeKind};
use domain::quantity::{Money, Month};
use serde_json::{Value, json};

use super::Plan;
use crate::console::Console;
use crate::table;

/// A change of an account's month.
#[derive(Debug)]
struct Row {
    account: AccountId,
    month: Month,
    before: Money,
    after: Money,
}

/// What a change would do.
#[derive(Debug)]
pub struct Effect {
    decimals: u8,
    rows: Vec<Row>,
    postings: Vec<(AccountId, Money)>,
    findings: Vec<String>,
    last_month: Option<Month>,
}

/// The last month of which all days are settled; where none is, that of the last settled day.
fn last_month(site: &Site) -> Option<Month> {
    let (first, last) = (site.first_day()?.month(), site.settled_to()?);
    let month = last.month();
    Some(if last == month.last() { month } else { month.plus(-1).max(first) })
}

type Targets = BTreeMap<Month, MonthTarget>;

impl Effect {
    /// The targets of all settled days by the facts known now.
    pub(crate) fn targets(site: &Site) -> Result<Targets, BillingError> {
        let Some(last) = site.settled_to() else { return Ok(Targets::new()) };
        site.targets_until(site.premises().calendar.end_of(last), last)
    }

    pub(crate) fn new(site: &Site, before: &Targets, after: &Targets, plan: &Plan, law: &[Finding]) -> Self {
        let charges = |targets: &Targets, month: &Month, account: &AccountId| {
            let of = targets.get(month).and_then(|target| target.accounts.get(account));
            of.map_or(Money::ZERO, |of| of.charges())
        };
        let mut rows = Vec::new();
        for month in after.keys() {
            for account in site.premises().accounts.keys() {
                let (was, is) = (charges(before, month, account), charges(after, month, account));
                if was != is {
                    rows.push(Row { account: account.clone(), month: *month, before: was, after: is });
                }
            }
        }
        let posting = |(_, body): &(_, Body)| match body {
            Body::PostingMade(data) => Some((data.account.clone(), Money::new(data.amount_minor))),
            Body::RechargeReceived(data) => {
                let amount = Money::new(data.amount_minor);
                let amount = if data.kind == RechargeKind::Recharge { amount } else { -amount };
                Some((data.account.clone(), amount))
            }
            _ => None,
        };
        let known: Vec<_> = before.values().flat_map(|target| &target.bare).collect();
        let bare = after.values().flat_map(|target| &target.bare).filter(|one| !known.contains(one));
        let mut findings: Vec<String> = bare
            .map(|one| {
                format!(
                    "point {} would have used energy on {} without a tariff: {}'s bill would be held",
                    one.point, one.day, one.account
                )
            })
            .collect();
        findings.extend(law.iter().map(ToString::to_string));
        findings.extend(after.values().flat_map(MonthTarget::imbalances).map(|one| one.to_string()));
        Self {
            decimals: site.premises().site().currency_decimals,
            rows,
            postings: plan.facts.iter().filter_map(posting).collect(),
            findings,
            last_month: last_month(site),
        }
    }

    /// The effect as a document.
    pub fn document(&self) -> Value {
        let money = |amount: Money| amount.major(self.decimals);
        let rows = self.rows.iter().map(|row| {
            json!({"account": row.account, "month": row.month, "before": money(row.before), "after": money(row.after),
                "difference": money(row.after - row.before)})
        });
        let postings =
            self.postings.iter().map(|(account, amount)| json!({"account": account, "amount": money(*amount)}));
        json!({"charges": rows.collect::<Vec<_>>(), "postings": postings.collect::<Vec<_>>(),
            "findings": self.findings, "last_settled_month": self.last_month})
    }

    /// The effect as a table.
    pub fn write(&self, console: &mut Console) {
        let money = |amount: Money| amount.major(self.decimals);
        if self.rows.is_empty() {
            console.line("no charge of a settled day changes");
        } else {
            let cells: Vec<[String; 5]> = self
                .rows
                .iter()
                .map(|row| {
                    let difference = money(row.after - row.before);
                    [row.account.to_string(), row.month.to_string(), money(row.before), money(row.after), difference]
                })
                .collect();
            table::write(["account", "month", "before", "after", "difference"], &cells, console);
        }
        for (account, amount) in &self.postings {
            console.line(format!("posting to {account}: {}", money(*amount)));
        }
        for finding in &self.findings {
            console.line(format!("finding: {finding}"));
        }
    }
}
