//! Policies as data, with where each rule is written. A site publishes one as it
//! is or changed; a preset that changes is a new version of what is published, not of what was.

use crate::event::{CutCharge, DayName, NoCutWindow, SupplyPolicy};
use crate::quantity::Money;

pub use crate::compliance::COUNSEL;

use CutCharge::{Energy, SharedElectricity};
use DayName::{Fri, Holiday, Mon, Sat, Sun, Thu, Tue, Wed};

/// A preset of supply policies: data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a rule of its own")]
pub struct Preset {
    /// As a site names it.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// Whether a balance may lead to a cut.
    pub cuts: bool,
    /// In minor units of the country's currency.
    pub emergency_credit_minor: i64,
    /// Which charges may lead to a cut.
    pub for_charges: &'static [CutCharge],
    /// When nobody is cut: days, first minute, end.
    pub no_cut: &'static [(&'static [DayName], i64, i64)],
    /// Seconds from the warning at zero to the earliest cut.
    pub notice_s: i64,
    /// Whether nobody is cut while a complaint is open.
    pub hold_on_dispute: bool,
    /// Whether nobody is cut in extreme weather.
    pub hold_on_weather: bool,
    /// Whether the tenant confirms before supply comes back.
    pub confirm_restore: bool,
    /// Persons that a manual cut needs.
    pub persons: i64,
    /// The rules that these figures stand for.
    pub rules: &'static [PresetRule],
}

/// A rule of a preset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PresetRule {
    /// Which.
    pub kind: RuleKind,
    /// What it asks for.
    pub text: &'static str,
    /// Where it is written.
    pub source: &'static str,
}

/// The kinds of rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RuleKind {
    /// No balance leads to a cut.
    NoCuts,
    /// Warned in steps.
    WarnSteps,
    /// Electricity may be owed up to a sum.
    EmergencyCredit,
    /// A time between the warning at zero and the cut.
    Notice,
    /// Nights, weekends, holidays.
    NoCutWindow,
    /// Points that are never cut.
    Protected,
    /// A complaint holds.
    Dispute,
    /// The weather holds.
    Weather,
    /// Only these charges lead to a cut.
    Charges,
    /// The balance at which supply comes back.
    RestoreAt,
    /// The tenant confirms.
    TenantConfirms,
    /// A second person for a manual cut.
    Persons,
    /// Fresh readings.
    Fresh,
    /// A meter that answers.
    Link,
    /// Points an hour.
    BlastRadius,
    /// Restores one after the other.
    Staggered,
}

impl RuleKind {
    /// Its name, for people and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoCuts => "no_cuts",
            Self::WarnSteps => "warn_steps",
            Self::EmergencyCredit => "emergency_credit",
            Self::Notice => "notice",
            Self::NoCutWindow => "no_cut_window",
            Self::Protected => "protected",
            Self::Dispute => "dispute",
            Self::Weather => "weather",
            Self::Charges => "charges",
            Self::RestoreAt => "restore_at",
            Self::TenantConfirms => "tenant_confirms",
            Self::Persons => "persons",
            Self::Fresh => "fresh",
            Self::Link => "link",
            Self::BlastRadius => "blast_radius",
            Self::Staggered => "staggered",
        }
    }
}

const HOUSE: &str = "Tallywatt's own default";
const DAY_END: i64 = 1440;
const DAY_S: i64 = 86_400;

/// What every preset has, beside its own rules.
const COMMON: [PresetRule; 6] = [
    rule(RuleKind::WarnSteps, "the account is warned three days, one day before credit is used up, and at zero", HOUSE),
    rule(RuleKind::Protected, "a protected point is never cut", HOUSE),
    rule(RuleKind::Fresh, "readings older than two hours cut nobody", HOUSE),
    rule(RuleKind::Link, "a meter that does not answer is not cut", HOUSE),
    rule(RuleKind::BlastRadius, "at most the greater of 3 and 5 % of the site's points are cut in an hour", HOUSE),
    rule(RuleKind::Staggered, "restores of a site are at least two seconds apart", HOUSE),
];

const fn rule(kind: RuleKind, text: &'static str, source: &'static str) -> PresetRule {
    PresetRule { kind, text, source }
}

/// Every preset.
pub const PRESETS: [Preset; 6] = [UK_PREPAY, TEXAS_PREPAID, INDIA_UP, EU, CHINA, NONE];

const BASE: Preset = Preset {
    name: "none",
    title: "no cut by a balance; people may cut and restore by hand",
    cuts: false,
    emergency_credit_minor: 0,
    for_charges: &[Energy],
    no_cut: &[],
    notice_s: 0,
    hold_on_dispute: true,
    hold_on_weather: true,
    confirm_restore: false,
    persons: 1,
    rules: &[],
};

const NONE: Preset =
    Preset { rules: &[rule(RuleKind::NoCuts, "no balance leads to a cut, however much is owed", HOUSE)], ..BASE };

const UK_PREPAY: Preset = Preset {
    name: "uk-prepay",
    title: "Great Britain: prepayment by the standard of licensed suppliers",
    cuts: true,
    emergency_credit_minor: 500,
    for_charges: &[Energy],
    no_cut: &[
        (&[Mon, Tue, Wed, Thu, Fri], 0, 600),
        (&[Mon, Tue, Wed, Thu, Fri], 960, DAY_END),
        (&[Sat, Sun, Holiday], 0, DAY_END),
    ],
    confirm_restore: true,
    rules: &[
        rule(
            RuleKind::EmergencyCredit,
            "emergency credit of 5.00 before supply is cut; the next recharge repays it",
            "Ofgem, electricity supply licence, standard condition 27A; the sum is the supplier's to set",
        ),
        rule(
            RuleKind::NoCutWindow,
            "friendly hours: no cut from 16:00 to 10:00, at weekends and on holidays",
            "Ofgem, electricity supply licence, standard condition 27A; the hours are the supplier's to set",
        ),
        rule(
            RuleKind::RestoreAt,
            "supply comes back when the emergency credit is repaid and credit is above zero",
            "Ofgem, electricity supply licence, standard condition 27A",
        ),
        rule(
            RuleKind::TenantConfirms,
            "supply is armed, and the consumer turns it on",
            "Smart Metering Equipment Technical Specifications (SMETS2), arm supply",
        ),
        rule(RuleKind::Dispute, "no cut while a complaint is open", HOUSE),
        rule(RuleKind::Weather, "no cut in extreme weather", HOUSE),
        rule(RuleKind::Charges, "only the unit's own electricity leads to a cut", HOUSE),
    ],
    ..BASE
};

const TEXAS_PREPAID: Preset = Preset {
    name: "texas-prepaid",
    title: "Texas: prepaid service of retail electric providers",
    cuts: true,
    no_cut: &[(&[Sat, Sun, Holiday], 0, DAY_END)],
    notice_s: DAY_S,
    rules: &[
        rule(
            RuleKind::Weather,
            "no cut in an extreme weather emergency of the county",
            "16 Tex. Admin. Code 25.483(j); taken up here although 25.498(a) does not name it for prepaid service",
        ),
        rule(
            RuleKind::EmergencyCredit,
            "supply may be cut below the disconnection balance, which is at most 10.00; here below 0.00",
            "16 Tex. Admin. Code 25.498(b)(4)",
        ),
        rule(
            RuleKind::RestoreAt,
            "the balance to reconnect is at most 75.00; here above 0.00",
            "16 Tex. Admin. Code 25.498(b)(1)",
        ),
        rule(RuleKind::Notice, "a day from the warning at zero to the cut", HOUSE),
        rule(RuleKind::NoCutWindow, "no cut at weekends and on holidays", HOUSE),
        rule(RuleKind::Dispute, "no cut while a complaint is open", HOUSE),
        rule(RuleKind::Charges, "only the unit's own electricity leads to a cut", HOUSE),
    ],
    ..BASE
};

const INDIA_UP: Preset = Preset {
    name: "india-up",
    title: "Uttar Pradesh: prepaid smart meters",
    cuts: true,
    for_charges: &[Energy, SharedElectricity],
    no_cut: &[
        (&[Mon, Tue, Wed, Thu, Fri], 0, 480),
        (&[Mon, Tue, Wed, Thu, Fri], 1080, DAY_END),
        (&[Sat, Sun, Holiday], 0, DAY_END),
    ],
    notice_s: 3 * DAY_S,
    rules: &[
        rule(
            RuleKind::Notice,
            "three days of emergency credit from a balance of zero",
            "UPPCL, operating procedure for prepaid connections, January 2026, as the press reports it",
        ),
        rule(
            RuleKind::NoCutWindow,
            "no cut from 18:00 to 08:00, on Sundays, holidays and second Saturdays; here on every Saturday",
            "UPPCL, September 2025 and January 2026, as the press reports it; the hours differ between reports",
        ),
        rule(RuleKind::Charges, "only own and common electricity lead to a cut, never a charge for maintenance", HOUSE),
        rule(RuleKind::RestoreAt, "supply comes back when the balance is above zero", HOUSE),
        rule(RuleKind::Dispute, "no cut while a complaint is open", HOUSE),
        rule(RuleKind::Weather, "no cut in extreme weather", HOUSE),
    ],
    ..BASE
};

const EU: Preset = Preset {
    name: "eu",
    title: "European Union: a common ground; each member state has more",
    cuts: true,
    no_cut: &[
        (&[Mon, Tue, Wed, Thu], 0, 480),
        (&[Mon, Tue, Wed, Thu], 960, DAY_END),
        (&[Fri, Sat, Sun, Holiday], 0, DAY_END),
    ],
    notice_s: 14 * DAY_S,
    persons: 2,
    rules: &[
        rule(
            RuleKind::Dispute,
            "no cut while a complaint is open",
            "Directive (EU) 2019/944, article 28a, as amended by Directive (EU) 2024/1711",
        ),
        rule(
            RuleKind::Notice,
            "customers hear of alternatives to disconnection well before it; here 14 days",
            "Directive (EU) 2019/944, article 10(11); member states set the time",
        ),
        rule(RuleKind::NoCutWindow, "no cut from 16:00 to 08:00, from Friday to Sunday and on holidays", HOUSE),
        rule(RuleKind::Persons, "a cut by hand needs a second person", HOUSE),
        rule(RuleKind::Weather, "no cut in extreme weather", HOUSE),
        rule(RuleKind::RestoreAt, "supply comes back when the balance is above zero", HOUSE),
        rule(RuleKind::Charges, "only the unit's own electricity leads to a cut", HOUSE),
    ],
    ..BASE
};

const CHINA: Preset = Preset {
    name: "china",
    title: "China: supply resold in a building",
    cuts: true,
    no_cut: &[(&[Mon, Tue, Wed, Thu, Fri, Sat, Sun], 0, 480), (&[Mon, Tue, Wed, Thu, Fri, Sat, Sun], 1080, DAY_END)],
    notice_s: 7 * DAY_S,
    rules: &[
        rule(
            RuleKind::Notice,
            "a notice goes out three to seven days before supply is stopped; here seven",
            "Rules for the Supply of Electric Power (order 14 of 2024 of the NDRC), chapter on stopping supply",
        ),
        rule(RuleKind::NoCutWindow, "no cut from 18:00 to 08:00", HOUSE),
        rule(RuleKind::Dispute, "no cut while a complaint is open", HOUSE),
        rule(RuleKind::Weather, "no cut in extreme weather", HOUSE),
        rule(RuleKind::RestoreAt, "supply comes back when the balance is above zero", HOUSE),
        rule(RuleKind::Charges, "only the unit's own electricity leads to a cut", HOUSE),
    ],
    ..BASE
};

/// A preset by its name.
pub fn preset(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

impl Preset {
    /// Its own rules, then what every preset has.
    pub fn rules(&self) -> impl Iterator<Item = &'static PresetRule> {
        self.rules.iter().chain(COMMON.iter())
    }

    /// As a policy.
    pub fn policy(&self) -> SupplyPolicy {
        let window = |(days, from_minute, to_minute): &(&[DayName], i64, i64)| {
            let (from_minute, to_minute) = (*from_minute, *to_minute);
            NoCutWindow { days: days.to_vec(), from_minute, to_minute }
        };
        SupplyPolicy {
            blast_least: 3,
            blast_percent: 5,
            command_valid_s: 300,
            confirm_restore: self.confirm_restore,
            cuts: self.cuts,
            emergency_credit_minor: Money::new(self.emergency_credit_minor),
            for_charges: self.for_charges.to_vec(),
            hold_on_dispute: self.hold_on_dispute,
            hold_on_weather: self.hold_on_weather,
            no_cut: self.no_cut.iter().map(window).collect(),
            notice_s: self.notice_s,
            persons: self.persons,
            rearm_tenths: 10,
            restore_at_minor: Money::new(1),
            restore_spacing_s: 2,
            stale_after_s: 7200,
            warn_tenths: vec![30, 10, 0],
        }
    }
}
