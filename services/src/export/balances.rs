//! What the books have of each account at a day's end: the closing balances of every export to that day.

use std::collections::BTreeMap;

use domain::event::AccountId;
use domain::quantity::{Date, Money};

use super::{Source, of_scan};
use crate::exit::Failure;
use crate::replay::failed;

/// The balance of every account that has an entry in the books, at the end of a local day.
pub(crate) fn balances(source: Source<'_>, day: Date) -> Result<BTreeMap<AccountId, Money>, Failure> {
    let extent = source.extent(None).map_err(failed)?;
    let mut all = BTreeMap::<AccountId, Money>::new();
    let read = source.entries(
        &extent,
        |_, entry| {
            let balance = all.entry(entry.account.clone()).or_default();
            if entry.day <= day {
                *balance += entry.change();
            }
            Ok(())
        },
        |_| {},
    );
    read.map_err(of_scan)?;
    Ok(all)
}
