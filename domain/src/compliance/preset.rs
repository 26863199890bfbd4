//! What a preset is made of: rules, each with its kind of check, its text, its
//! mend and its source.

use crate::event::Severity;

/// What every page about presets says.
pub const COUNSEL: &str = "A preset is a help, not legal advice: to be confirmed by counsel.";

/// A preset of the law's rules: data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preset {
    /// As a site chooses it.
    pub name: &'static str,
    /// From 1; a change of a rule is a new version, and the old one stays.
    pub version: i64,
    /// For people.
    pub title: &'static str,
    /// What it is for, and what it leaves out.
    pub scope: &'static str,
    /// The rules.
    pub rules: &'static [Rule],
}

/// A rule of a preset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Its code: `hk.source-bill`. Published, never reused.
    pub code: &'static str,
    /// What is checked.
    pub check: Check,
    /// What a finding does, where the site does not say otherwise.
    pub severity: Severity,
    /// What it asks for.
    pub text: &'static str,
    /// What to do about a finding.
    pub mend: &'static str,
    /// Where it is written.
    pub source: &'static str,
}

/// The kinds of checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// What others than the landlord pay of a pool is at most what was billed to the landlord for it.
    SharedWithinBill,
    /// What others than the landlord pay in all is at most what was billed to the landlord for the site.
    RecoveredWithinBill,
    /// The supplier's bill of the month is there.
    SupplierBillThere,
    /// A kWh costs at most so much.
    PriceCap(PriceCap),
    /// Beside energy, only charges of these names: fees are charged apart.
    FeesApart(&'static [&'static str]),
    /// A bill has these fields.
    BillFields(&'static [Field]),
    /// Energy is as read: none of it interpolated, no point silent.
    ActualReadings,
    /// Prices that depend on the time of use need the resident's consent.
    TimeOfUseConsent,
    /// Nobody but the landlord bears a share of a pool.
    NoApportioning,
    /// Bills are kept so many years.
    Retention(i64),
    /// Nobody is cut while a complaint is open.
    HoldOnDispute,
    /// Only electricity may lead to a cut.
    CutForElectricityOnly,
}

/// What a price is capped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PriceCap {
    /// What the landlord pays, by the supplier's bills.
    PricePaid,
    /// The `price_cap` of the site's choice.
    Stated,
}

/// A field that a bill must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// Every bill of ours has it.
    Always(&'static str),
    /// The price that the landlord pays: by the supplier's bill of the month.
    PricePaid,
    /// A statement of the site's choice, by its name and what it says.
    Stated(&'static str, &'static str),
}

/// Where a check acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// When a site chooses a preset.
    Choose,
    /// When a tariff, a rule or an assignment is published.
    Publish,
    /// When bills are issued.
    Issue,
}

impl Act {
    /// For people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Choose => "choose",
            Self::Publish => "publish",
            Self::Issue => "issue",
        }
    }
}

impl Check {
    /// Where it acts.
    pub const fn acts(self) -> &'static [Act] {
        match self {
            Self::SharedWithinBill | Self::RecoveredWithinBill | Self::SupplierBillThere | Self::ActualReadings => {
                &[Act::Issue]
            }
            Self::PriceCap(_) | Self::FeesApart(_) | Self::TimeOfUseConsent | Self::NoApportioning => {
                &[Act::Publish, Act::Issue]
            }
            Self::BillFields(_) => &[Act::Choose, Act::Issue],
            Self::Retention(_) | Self::HoldOnDispute | Self::CutForElectricityOnly => &[Act::Choose],
        }
    }

    /// Its kind, for people.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::SharedWithinBill => "shared within the supplier's bill",
            Self::RecoveredWithinBill => "recovered within the supplier's bill",
            Self::SupplierBillThere => "supplier's bill there",
            Self::PriceCap(_) => "price cap",
            Self::FeesApart(_) => "fees apart",
            Self::BillFields(_) => "bill fields",
            Self::ActualReadings => "actual readings",
            Self::TimeOfUseConsent => "consent",
            Self::NoApportioning => "no apportioning",
            Self::Retention(_) => "retention",
            Self::HoldOnDispute => "hold of cuts",
            Self::CutForElectricityOnly => "scope of cuts",
        }
    }
}
