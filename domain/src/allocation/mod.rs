//! Shared costs: a pool is rated like a point, and each of its days is split
//! by the rule in force (BILLING §6).

mod carry;
mod pool_month;
mod split;

pub use pool_month::{PoolAccount, PoolDay, PoolMonth};
pub use split::{Day, PartSplit, ShareOf, Split, basis_name, show_weight, split_day};
