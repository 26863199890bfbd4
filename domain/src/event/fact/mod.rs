//! Facts: what came from outside. Never judged wrong once appended (DESIGN §2).
//! Fields stand in sorted order, because that is the order of their bytes.

mod compliance;
mod ledger;
mod metering;
mod pool;
mod premises;
mod tariff;
mod tariff_terms;

pub use compliance::{
    ComplianceChosen, ConsentGiven, ConsentTo, CutPolicy, RuleOverride, Severity, Statement, SupplierBillReceived,
};
pub use ledger::{AccountOpened, PostingMade, RechargeKind, RechargeReceived};
pub use metering::{MeterInstalled, ReadingReleased, ReadingWithdrawn};
pub use pool::{Basis, FixedShare, Part, PoolDefined, PoolPointsChanged, RulePublished, Vacant, Zero};
pub use premises::{
    AreaMeasured, CalendarPublished, HolidayDeclared, LeaseRecorded, MaxGapSet, PointKind, PointRegistered,
    SiteRegistered, Tax, TaxMode, TaxSet, Term, Transition, UnitRegistered,
};
pub use tariff::{
    Adder, DayName, Demand, DemandTier, EnergyRow, EnergyTier, Fixed, Per, ScheduleRow, TariffAssigned,
    TariffPublished, TierBasis, TierWindow,
};
pub use tariff_terms::{AmountBand, BoundScale, RateBand, Rounding, RoundingMode, Surcharge};

macro_rules! payload {
    ($(#[$doc:meta])* $name:ident { $($body:tt)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $($body)* }
    };
}
pub(super) use payload;
