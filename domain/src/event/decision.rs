//! Decisions: what the core derived and committed to, with its full working,
//! so that a replay can recompute and compare it (DESIGN §2).

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::fact::Rounding;
use super::fact::{TaxMode, payload};
use super::id::{AccountId, MeterId, PointId, PoolId, TariffId, UnitId};
use crate::quantity::{Date, Energy, Instant, Money, Month};

payload!(
    /// A pool's day and how it was split (BILLING §6): a page of at most 250 shares.
    PoolDayAllocated {
        /// Cost of the day.
        pub amount_minor: Money,
        /// Cost of the month to date.
        pub amount_to_date_minor: Money,
        /// The local day.
        pub day: Date,
        /// Energy of the day.
        pub energy_mwh: Energy,
        /// How much of it is interpolated.
        pub interpolated_mwh: Energy,
        /// From 1.
        pub page: i64,
        /// How many pages the day has.
        pub pages: i64,
        /// The parts, in the rule's order.
        pub parts: Vec<AllocatedPart>,
        /// The pool.
        pub pool: PoolId,
        /// Energy that no part gets: the landlord's.
        pub rest_mwh: Energy,
        /// Nano-units that no part gets, as text: they may exceed 2^53.
        pub rest_nano: String,
        /// Version of the rule in force.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub rule: Option<i64>,
        /// The settlement run.
        pub run: String,
    }
);

payload!(
    /// A part of a pool's day.
    AllocatedPart {
        /// What was used after `zero`: `area`, `equal`, `fixed`, `consumption` or `landlord`.
        pub applied: String,
        /// What the rule says.
        pub basis: String,
        /// Energy of the part.
        pub energy_mwh: Energy,
        /// Nano-units of the part.
        pub nano: String,
        /// From 1.
        pub part: i64,
        /// Of the day's total.
        pub percent: Decimal,
        /// Energy that no unit gets: the landlord's.
        pub rest_mwh: Energy,
        /// Nano-units that no unit gets: the landlord's.
        pub rest_nano: String,
        /// By unit.
        pub shares: Vec<AllocatedShare>,
        /// Sum of the weights; absent where the landlord takes all.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub total_weight: Option<String>,
    }
);

payload!(
    /// A unit's share of a part, and who holds the unit.
    AllocatedShare {
        /// Who holds the unit at the day's end.
        pub account: AccountId,
        /// Energy of the share.
        pub energy_mwh: Energy,
        /// Nano-units of the share.
        pub nano: String,
        /// The unit.
        pub unit: UnitId,
        /// m², 1, percent or kWh.
        pub weight: String,
    }
);

payload!(
    /// What a run posts to an account: the differences (BILLING §2), with their working.
    AccountSettled {
        /// Whose.
        pub account: AccountId,
        /// Lines of its own points that changed.
        pub lines: Vec<SettledLine>,
        /// From 1.
        pub part: i64,
        /// How many parts the account's settlement has.
        pub parts: i64,
        /// The settlement run.
        pub run: String,
        /// Shares of pools that changed.
        pub shared: Vec<SettledShare>,
        /// The slices of the run's own day: registers at their ends and the readings they come from.
        pub slices: Vec<SettledSlice>,
        /// Taxes that changed.
        pub tax: Vec<SettledTax>,
    }
);

/// What makes a line that line, in the order of bills.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineKey {
    /// Whose energy.
    pub point: PointId,
    /// By which tariff.
    pub tariff: TariffId,
    /// Its version.
    pub version: i64,
    /// What it charges for.
    pub component: Component,
    /// Of an adder, demand, fixed or surcharge line.
    pub name: Option<String>,
    /// Of an energy line.
    pub season: Option<i64>,
    /// Of an energy line, or a demand line that names one.
    pub period: Option<String>,
    /// Of an energy or demand line, from 1.
    pub tier: Option<i64>,
}

/// The component of a line, in the order in which bills have them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "they are the words of BILLING §5 and of the tariff reference")]
pub enum Component {
    Energy,
    Adder,
    Demand,
    Fixed,
    Minimum,
    Surcharge,
    Rounding,
}

/// What a line's quantity counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[expect(missing_docs, reason = "they are what bills show")]
pub enum Unit {
    #[serde(rename = "kWh")]
    Kwh,
    #[serde(rename = "kW")]
    Kw,
    #[serde(rename = "day")]
    Day,
    #[serde(rename = "month")]
    Month,
    #[serde(rename = "amount")]
    Amount,
}

payload!(
    /// A line to date, and what of it was posted by this event.
    SettledLine {
        /// Amount to date.
        pub amount_minor: Money,
        /// Days held under the version.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub days: Option<i64>,
        /// How much of the energy is interpolated.
        pub interpolated_mwh: Energy,
        /// What makes it that line.
        pub key: SortedLineKey,
        /// The local month.
        pub month: Month,
        /// Days of the month.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub of_days: Option<i64>,
        /// Amount to date less the amount posted before.
        pub posted_minor: Money,
        /// Price; absent where the line is gone.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub price: Option<Decimal>,
        /// mWh, mW, days, months or minor units to date.
        pub quantity: i64,
        /// Rounding of the amount; absent: half up to the minor unit.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub round: Option<Rounding>,
        /// What the quantity counts.
        pub unit: Unit,
    }
);

payload!(
    /// A line's key with its fields in the order of bytes.
    SortedLineKey {
        /// What it charges for.
        pub component: Component,
        /// Of an adder, demand, fixed or surcharge line.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub name: Option<String>,
        /// Of an energy line, or a demand line that names one.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub period: Option<String>,
        /// Whose energy.
        pub point: PointId,
        /// Of an energy line.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub season: Option<i64>,
        /// By which tariff.
        pub tariff: TariffId,
        /// Of an energy or demand line, from 1.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub tier: Option<i64>,
        /// Its version.
        pub version: i64,
    }
);

payload!(
    /// An account's share of a pool's month to date.
    SettledShare {
        /// Amount to date.
        pub amount_minor: Money,
        /// Energy to date.
        pub energy_mwh: Energy,
        /// The local month.
        pub month: Month,
        /// Nano-units to date.
        pub nano: String,
        /// The pool.
        pub pool: PoolId,
        /// Amount to date less the amount posted before.
        pub posted_minor: Money,
    }
);

payload!(
    /// An account's tax of a month to date.
    SettledTax {
        /// Amount to date.
        pub amount_minor: Money,
        /// What it is on.
        pub base_minor: Money,
        /// Whether prices are without it.
        pub mode: TaxMode,
        /// The local month.
        pub month: Month,
        /// As bills name it.
        pub name: String,
        /// Amount to date less the amount posted before.
        pub posted_minor: Money,
        /// 0.05 is 5 %.
        pub rate: Decimal,
    }
);

payload!(
    /// A slice: one period, one price table, one account (BILLING §4).
    SettledSlice {
        /// Its energy.
        pub energy_mwh: Energy,
        /// Its start.
        pub from: Instant,
        /// Whether it is interpolated.
        pub interpolated: bool,
        /// Its period; absent without a tariff.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub period: Option<String>,
        /// Whose energy.
        pub point: PointId,
        /// The registers it is the difference of.
        pub registers: Vec<SliceRegister>,
        /// Its end.
        pub until: Instant,
    }
);

payload!(
    /// A meter's register at a slice's ends, and the readings it comes from.
    SliceRegister {
        /// Register at the end, unwrapped, before the multiplier.
        pub end_mwh: i64,
        /// The meter.
        pub meter: MeterId,
        /// Positions of the readings events around the ends.
        pub sources: Vec<u64>,
        /// Register at the start, unwrapped, before the multiplier.
        pub start_mwh: i64,
    }
);

payload!(
    /// The last event of a run: nothing of the run counts before it.
    DaySettled {
        /// `AccountSettled` events of the run.
        pub accounts: i64,
        /// `BillIssued` events of the run.
        pub bills: i64,
        /// SHA-256 over the leaf hashes of the facts since the run before, up to `seen`.
        pub digest: String,
        /// The instant up to which facts count.
        pub due: Instant,
        /// `PoolDayAllocated` events of the run.
        pub pool_days: i64,
        /// Version of the rules code.
        pub rules: i64,
        /// `settlement/YYYY-MM-DD` or `bill/YYYY-MM`.
        pub run: String,
        /// Last position whose `received` is not after `due`.
        pub seen: u64,
    }
);

payload!(
    /// An issued bill (BILLING §9), or a part of a long one. Never changes.
    BillIssued {
        /// Whose.
        pub account: AccountId,
        /// Changes of earlier months since the bill before.
        pub adjustments: Vec<BillAdjustment>,
        /// Balance at the month's end.
        pub closing_balance_minor: Money,
        /// ISO 4217.
        pub currency: String,
        /// Lines of the account's own points.
        pub indoor: Vec<BillLine>,
        /// When.
        pub issued: Instant,
        /// The local month.
        pub month: Month,
        /// 1, 2, 3, … in the site.
        pub number: i64,
        /// Balance at the month's beginning.
        pub opening_balance_minor: Money,
        /// From 1.
        pub part: i64,
        /// How many parts the bill has.
        pub parts: i64,
        /// Manual postings of the month.
        pub postings: Vec<BillPosting>,
        /// Recharges, refunds and reversals of the month.
        pub recharges: Vec<BillRecharge>,
        /// Shares of pools.
        pub shared: Vec<BillShare>,
        /// Points without a reading at or after the month's end.
        pub silent: Vec<PointId>,
        /// The tax.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub tax: Option<BillTax>,
        /// The sums, of all parts.
        pub totals: BillTotals,
    }
);

payload!(
    /// A line of a bill.
    BillLine {
        /// Amount.
        pub amount_minor: Money,
        /// Days held under the version.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub days: Option<i64>,
        /// How much of the energy is interpolated.
        pub interpolated_mwh: Energy,
        /// What makes it that line.
        pub key: SortedLineKey,
        /// Days of the month.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub of_days: Option<i64>,
        /// Price.
        pub price: Decimal,
        /// mWh, mW, days, months or minor units.
        pub quantity: i64,
        /// Rounding of the amount; absent: half up to the minor unit.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub round: Option<Rounding>,
        /// What the quantity counts.
        pub unit: Unit,
    }
);

payload!(
    /// An account's share of a pool on a bill.
    BillShare {
        /// Amount of the share.
        pub amount_minor: Money,
        /// Energy of the share.
        pub energy_mwh: Energy,
        /// The pool.
        pub pool: PoolId,
        /// Cost of the pool.
        pub pool_amount_minor: Money,
        /// Energy of the pool.
        pub pool_energy_mwh: Energy,
        /// Versions of the rule that applied.
        pub rules: Vec<i64>,
    }
);

payload!(
    /// Money in or back, on a bill.
    BillRecharge {
        /// With sign.
        pub amount_minor: Money,
        /// Which way.
        pub kind: super::fact::RechargeKind,
        /// Its reference.
        pub reference: String,
        /// When.
        pub time: Instant,
    }
);

payload!(
    /// A manual posting, on a bill.
    BillPosting {
        /// With sign.
        pub amount_minor: Money,
        /// Its reference.
        pub reference: String,
        /// As given.
        pub time: Instant,
    }
);

payload!(
    /// The tax on a bill.
    BillTax {
        /// Added, or, with mode inclusive, contained.
        pub amount_minor: Money,
        /// Whether prices are without it.
        pub mode: TaxMode,
        /// As the law names it.
        pub name: String,
        /// 0.05 is 5 %.
        pub rate: Decimal,
    }
);

payload!(
    /// What changed of an earlier month's line since the bill before.
    BillAdjustment {
        /// Difference of the amounts.
        pub amount_minor: Money,
        /// Difference of the days, of lines with days.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub days: Option<i64>,
        /// The line: exactly one of `line`, `pool` and `tax`.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub line: Option<SortedLineKey>,
        /// The earlier month.
        pub month: Month,
        /// The pool.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub pool: Option<PoolId>,
        /// Difference of the quantities; absent for tax, and where the unit changed.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub quantity: Option<i64>,
        /// The tax.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub tax: Option<String>,
        /// What the quantity counts.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub unit: Option<Unit>,
    }
);

payload!(
    /// The sums of a bill.
    BillTotals {
        /// Of adjustments.
        pub adjustments_minor: Money,
        /// Of all.
        pub charges_minor: Money,
        /// Of indoor lines.
        pub indoor_minor: Money,
        /// Of energy lines.
        pub indoor_mwh: Energy,
        /// Of shares.
        pub shared_minor: Money,
        /// Of shares.
        pub shared_mwh: Energy,
        /// Exclusive tax.
        pub tax_minor: Money,
    }
);
