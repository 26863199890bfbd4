//! Alarms: what somebody has to look at. They change no bill and hold no reading.
//! Fields stand in sorted order, because that is the order of their bytes.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::catalogue::AlarmEvent;
use super::fact::payload;
use super::id::{AccountId, MeterId, PointId};
use crate::quantity::Instant;

/// What an alarm is about, in the order of the names. The unit of `level`, `raise` and `clear` stands with each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlarmKind {
    /// Hours that an account's balance lasts; raised at or below.
    LowBalance,
    /// Seconds without a reading of a meter.
    SilentMeter,
    /// Power of a meter, in percent of its limit.
    Overload,
    /// Power of a quarter of an hour, in percent of the highest of the day before.
    SuddenLoad,
    /// Seconds that a register stands still though energy flows, or usually does.
    StuckRegister,
    /// Seconds between a meter's clock and that of its poll.
    ClockOff,
    /// Wh between a meter's total and the sum of its rates.
    RatesOff,
    /// 1 while a point's relay is known to let current through though it was told not to.
    RelayWelded,
    /// 1 while a meter's relay does not obey, because its mode is not the one that commissioning set.
    RelayMode,
    /// Percent of the main meters' energy of a window that no other meter shows, or too much of it.
    Loss,
    /// Readings of a meter that were quarantined lately, but for ghost zeros.
    ReadingHeld,
}

impl AlarmKind {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::LowBalance,
        Self::SilentMeter,
        Self::Overload,
        Self::SuddenLoad,
        Self::StuckRegister,
        Self::ClockOff,
        Self::RatesOff,
        Self::RelayWelded,
        Self::RelayMode,
        Self::Loss,
        Self::ReadingHeld,
    ];

    /// Its published name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LowBalance => "low_balance",
            Self::SilentMeter => "silent_meter",
            Self::Overload => "overload",
            Self::SuddenLoad => "sudden_load",
            Self::StuckRegister => "stuck_register",
            Self::ClockOff => "clock_off",
            Self::RatesOff => "rates_off",
            Self::RelayWelded => "relay_welded",
            Self::RelayMode => "relay_mode",
            Self::Loss => "loss",
            Self::ReadingHeld => "reading_held",
        }
    }

    /// Of its name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether a low level is the bad one.
    pub const fn is_low(self) -> bool {
        matches!(self, Self::LowBalance)
    }
}

// Keys of a payload stand in the order of their bytes.
impl Ord for AlarmKind {
    fn cmp(&self, other: &Self) -> Ordering {
        self.name().cmp(other.name())
    }
}

impl PartialOrd for AlarmKind {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for AlarmKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whom or what an alarm is about; written as `meter/M-1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum AlarmSubject {
    /// An account.
    Account(AccountId),
    /// A meter.
    Meter(MeterId),
    /// A usage point.
    Point(PointId),
    /// The site as a whole.
    Site,
}

impl fmt::Display for AlarmSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(id) => write!(f, "account/{id}"),
            Self::Meter(id) => write!(f, "meter/{id}"),
            Self::Point(id) => write!(f, "point/{id}"),
            Self::Site => f.write_str("site"),
        }
    }
}

impl From<AlarmSubject> for String {
    fn from(subject: AlarmSubject) -> Self {
        subject.to_string()
    }
}

impl TryFrom<String> for AlarmSubject {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let subject = match text.split_once('/') {
            Some(("account", id)) => AccountId::try_new(id).map(Self::Account),
            Some(("meter", id)) => MeterId::try_new(id).map(Self::Meter),
            Some(("point", id)) => PointId::try_new(id).map(Self::Point),
            None if text == "site" => Some(Self::Site),
            _ => None,
        };
        subject.ok_or("an alarm is about account/ID, meter/ID, point/ID or site")
    }
}

payload!(
    /// From where on a kind of alarm is raised and cleared. Between the two it stays what it is.
    AlarmBound {
        /// The level at which it is over.
        pub clear: i64,
        /// Seconds that the level must stay there until the alarm is cleared.
        pub clear_for_s: i64,
        /// Whether it is raised at all.
        pub on: bool,
        /// The level at which it begins.
        pub raise: i64,
        /// Seconds without coming back to `clear`, until the alarm is raised.
        pub raise_for_s: i64,
    }
);

payload!(
    /// An account's own bound of low balance.
    AccountAlarm {
        /// Whose.
        pub account: AccountId,
        /// Raised when the balance lasts no longer than so many hours; cleared as many hours above as the site's.
        pub raise_hours: i64,
    }
);

payload!(
    /// A point's own limit of power.
    PointAlarm {
        /// Watts that are 100 percent.
        pub limit_w: i64,
        /// Which.
        pub point: PointId,
    }
);

payload!(
    /// When alarms are raised and cleared at a site.
    AlarmPolicy {
        /// Accounts with their own bound.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub accounts: Vec<AccountAlarm>,
        /// Seconds from an alarm to the next of its kind and subject, at least.
        pub again_after_s: i64,
        /// Of every kind.
        pub bounds: BTreeMap<AlarmKind, AlarmBound>,
        /// A reading is lately quarantined for so many seconds.
        pub held_s: i64,
        /// Seconds of the window over which loss is looked for.
        pub loss_window_s: i64,
        /// Points with their own limit of power.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub points: Vec<PointAlarm>,
        /// See `still_s`.
        pub still_least_wh: i64,
        /// A register that stands still for so many seconds is stuck, where nothing but readings is known, and each
        /// of the three stretches before brought `still_least_wh`.
        pub still_s: i64,
        /// Energy flows from so many watts on, where a meter tells its power.
        pub stuck_least_w: i64,
        /// Power below this is never a sudden load, in watts.
        pub sudden_least_w: i64,
    }
);

payload!(
    /// A version of the site's policy of alarms; it counts from the instant of its event.
    AlarmPolicyPublished {
        /// Who.
        pub by: String,
        /// The bounds.
        pub policy: AlarmPolicy,
        /// Why.
        pub reason: String,
        /// From 1, each by one more.
        pub version: i64,
    }
);

payload!(
    /// Something has gone beyond its bound.
    AlarmRaised {
        /// The number of this kind's alarms about this subject, from 1.
        pub episode: i64,
        /// What the level was found from, by name with unit.
        pub figures: BTreeMap<String, i64>,
        /// What.
        pub kind: AlarmKind,
        /// Where it stood.
        pub level: i64,
        /// The bound that it passed.
        pub limit: i64,
        /// The version of the policy; 0 before the first.
        pub policy: i64,
        /// Since when.
        pub since: Instant,
        /// About whom.
        pub subject: AlarmSubject,
    }
);

/// Why an alarm is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlarmEnd {
    /// The level came back, and stayed.
    Back,
    /// There is nothing left to look at: a meter was removed, a lease ended, the kind was switched off.
    Gone,
}

payload!(
    /// An alarm is over.
    AlarmCleared {
        /// Why.
        pub end: AlarmEnd,
        /// Which.
        pub episode: i64,
        /// What.
        pub kind: AlarmKind,
        /// Where it stands; none where nothing is left to look at.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub level: Option<i64>,
        /// Since when it is over.
        pub since: Instant,
        /// About whom.
        pub subject: AlarmSubject,
    }
);

payload!(
    /// A person has seen an alarm and sees to it.
    AlarmAcknowledged {
        /// Who.
        pub by: String,
        /// Which.
        pub episode: i64,
        /// What.
        pub kind: AlarmKind,
        /// What is done about it.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub note: Option<String>,
        /// About whom.
        pub subject: AlarmSubject,
    }
);

impl AlarmEvent {
    /// The kind, subject and episode; none of a policy.
    pub const fn about(&self) -> Option<(AlarmKind, &AlarmSubject, i64)> {
        match self {
            Self::AlarmPolicyPublished(_) => None,
            Self::AlarmRaised(data) => Some((data.kind, &data.subject, data.episode)),
            Self::AlarmCleared(data) => Some((data.kind, &data.subject, data.episode)),
            Self::AlarmAcknowledged(data) => Some((data.kind, &data.subject, data.episode)),
        }
    }
}
