//! What can be wrong with a tariff version, and how it is mended.

use rust_decimal::Decimal;

/// Why a tariff version cannot bill anyone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each variant is its message")]
pub enum TariffFault {
    #[error("'{value}' has more than {places} decimals")]
    TooManyDecimals { value: Decimal, places: u32 },
    #[error("is too large")]
    TooLarge,
    #[error("is negative")]
    Negative,
    #[error("is 0")]
    Zero,
    #[error("'{value}' is more than 10, which is 1,000 %")]
    RateAboveTen { value: Decimal },
    #[error("is empty")]
    Empty,
    #[error("{value} is not within {least} to {most}")]
    OutOfRange { value: i64, least: i64, most: i64 },
    #[error("{value} minutes are no interval")]
    NoInterval { value: u8 },
    #[error("has no tier")]
    NoTier,
    #[error("the last tier has a bound, so there is a gap above it")]
    GapAbove,
    #[error("a tier before the last has no bound")]
    OpenBeforeLast,
    #[error("the last band has a bound, so more than {bound} kWh has no value")]
    BandsDoNotCover { bound: Decimal },
    #[error("a band before the last has no bound")]
    OpenBandBeforeLast,
    #[error("the bound {bound} does not rise")]
    BoundDoesNotRise { bound: Decimal },
    #[error("the bound {bound} is there twice, so two tiers overlap")]
    BoundTwice { bound: Decimal },
    #[error("'{name}' is there twice")]
    NameTwice { name: String },
    #[error("two rows have the same days, months and times, but different periods")]
    SameWindow,
    #[error("period '{period}' has no price")]
    NoPrice { period: String },
    #[error("period '{period}' is not in schedule or default_period")]
    UnknownPeriod { period: String, known: Vec<String> },
    #[error("period '{period}' has no price in month {month}")]
    NoPriceInMonth { period: String, month: u8 },
    #[error("period '{period}' has no price in month {month} above {bound} kWh in the month")]
    NoPriceAbove { period: String, month: u8, bound: Decimal },
    #[error("period '{period}' has two prices in month {month}, so these rows overlap")]
    PricesOverlap { period: String, month: u8 },
    #[error("a row before it has every month of period '{period}', so it is never used")]
    NeverUsed { period: String },
    #[error("with tier_basis \"total\" the bounds of all rows agree, and these do not")]
    BoundsDiffer,
    #[error("the adders take the energy price {least} below 0")]
    AddersBelowZero { least: Decimal },
    #[error("has both {plain} and bands")]
    PlainAndBands { plain: &'static str },
    #[error("has neither {plain} nor bands")]
    NeitherPlainNorBands { plain: &'static str },
    #[error("'{text}' names no line")]
    UnknownLine { text: String, known: Vec<String> },
    #[error("surcharges are on one another in a circle: {}", names.join(", "))]
    SurchargeCircle { names: Vec<String> },
    #[error("has each = true, but is on other lines than energy")]
    EachOnOthers,
    #[error("has tiers_from = {tier}, but the energy it is on has at most {most} tiers")]
    NoSuchTier { tier: i64, most: usize },
    #[error("has tiers_from, but is on no energy")]
    TiersWithoutEnergy,
    #[error("is on adder '{adder}', which is negative, without all energy")]
    OnNegative { adder: String },
    #[error("the unit {to} is not a whole number of {part}")]
    UnitDoesNotFit { to: Decimal, part: String },
    #[error("bounds follow the days of a month, but tier_window is not \"month\"")]
    ScaleNeedsMonth,
    #[error("a pool cannot have {what}")]
    NotForPools { what: &'static str },
}

impl TariffFault {
    /// What to do about it.
    pub fn mend(&self) -> String {
        let one_of = |known: &[String]| format!("write one of {}", known.join(", "));
        match self {
            Self::TooManyDecimals { places, .. } => format!("round it to {places} decimals"),
            Self::TooLarge => "write a smaller number".to_owned(),
            Self::Negative => "write 0 or more".to_owned(),
            Self::Zero => "write more than 0".to_owned(),
            Self::RateAboveTen { .. } => "write a fraction: 0.10 is 10 %".to_owned(),
            Self::Empty => "write at least one".to_owned(),
            Self::OutOfRange { least, most, .. } => format!("write {least} to {most}"),
            Self::NoInterval { .. } => "write 15, 30 or 60".to_owned(),
            Self::NoTier => "add a tier { price = \"…\" }".to_owned(),
            Self::GapAbove => "add a last tier without a bound".to_owned(),
            Self::OpenBeforeLast | Self::OpenBandBeforeLast => "give it a bound".to_owned(),
            Self::BandsDoNotCover { .. } => "add a last band without up_to_kwh".to_owned(),
            Self::BoundDoesNotRise { .. } => "let the bounds rise from row to row".to_owned(),
            Self::BoundTwice { .. } => "take one of the two out".to_owned(),
            Self::NameTwice { .. } => "give each its own name".to_owned(),
            Self::SameWindow => "keep one of the two".to_owned(),
            Self::NoPrice { .. } => "add a row for it".to_owned(),
            Self::UnknownPeriod { known, .. } | Self::UnknownLine { known, .. } => one_of(known),
            Self::NoPriceInMonth { .. } => "add the month to a row, or a row without months".to_owned(),
            Self::NoPriceAbove { .. } => "add a row without band_up_to_kwh after it".to_owned(),
            Self::PricesOverlap { .. } => "name each month in one row of a period and band".to_owned(),
            Self::NeverUsed { .. } => "take it out, or put it before that row".to_owned(),
            Self::BoundsDiffer => "give all rows the same bounds, or write tier_basis = \"period\"".to_owned(),
            Self::AddersBelowZero { .. } => "let adders and any energy price be 0 or more together".to_owned(),
            Self::PlainAndBands { plain } => format!("keep either {plain} or bands"),
            Self::NeitherPlainNorBands { plain } => format!("add {plain} = \"…\", or bands"),
            Self::SurchargeCircle { .. } => "let one of them be on other lines only".to_owned(),
            Self::EachOnOthers => "let on name energy only, or take each out".to_owned(),
            Self::NoSuchTier { .. } => "name a tier that is there, from 1".to_owned(),
            Self::TiersWithoutEnergy => "take tiers_from out, or let on name energy".to_owned(),
            Self::OnNegative { .. } => "add \"energy\" to on, so that the base is never negative".to_owned(),
            Self::UnitDoesNotFit { part, .. } => format!("write a multiple of {part}"),
            Self::ScaleNeedsMonth => "take scale out, or write tier_window = \"month\"".to_owned(),
            Self::NotForPools { .. } => "assign a tariff without it".to_owned(),
        }
    }
}
