//! What accounts paid and owe, by kind, so that only electricity can lead to a cut.

use std::collections::BTreeMap;

use super::situation::Dues;
use crate::billing::{BillingError, Site};
use crate::event::{AccountId, Component};
use crate::quantity::{Instant, Money};

/// The dues of every account by the facts received by now. Of each account, credit
/// less all dues is its live balance.
///
/// Energy is what is charged by kWh or kW; a share of a pool is shared electricity.
/// Standing charges, minimums, surcharges, roundings, tax that is added to prices, negative
/// opening balances and what people posted against an account are other dues.
pub fn dues(site: &mut Site, now: Instant) -> Result<BTreeMap<AccountId, Dues>, BillingError> {
    site.advance(now)?;
    let fresh = site.targets_at(now)?;
    let mut all = BTreeMap::new();
    for (account, opening) in &site.premises().accounts {
        let mut dues = Dues::default();
        dues.book(*opening);
        let until = now.plus(1);
        let start = Instant::new(i64::MIN);
        dues.credit_minor += site.ledger().recharges(account, start, until).map(|one| one.amount).sum();
        for posting in site.ledger().postings(account, start, until) {
            dues.book(posting.amount);
        }
        let posted = site.targets().iter().filter(|(month, _)| !fresh.contains_key(*month));
        for (_, target) in posted.chain(&fresh) {
            let Some(month) = target.accounts.get(account) else { continue };
            for (key, line) in &month.lines {
                match key.component {
                    Component::Energy | Component::Adder | Component::Demand => dues.energy_minor += line.amount,
                    Component::Fixed | Component::Minimum | Component::Surcharge | Component::Rounding => {
                        dues.other_minor += line.amount;
                    }
                }
            }
            dues.shared_minor += month.shared_amount();
            dues.other_minor += month.tax.as_ref().map_or(Money::ZERO, |tax| tax.amount);
        }
        all.insert(account.clone(), dues);
    }
    Ok(all)
}

impl Dues {
    /// Money for an account is credit; money against it is another due.
    fn book(&mut self, amount: Money) {
        if amount < Money::ZERO {
            self.other_minor -= amount;
        } else {
            self.credit_minor += amount;
        }
    }
}
