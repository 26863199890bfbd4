//! What comes from outside: the policy, holds, people's requests, relays that were read.

use serde::{Deserialize, Serialize};

use crate::event::fact::{DayName, payload};
use crate::event::id::{AccountId, MeterId, PointId};
use crate::quantity::{Instant, Money};

/// Where supply is to go, or was read: the `output_state` of COSEM's disconnect control (IEC 62056-6-2, class 70).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputState {
    /// The load is supplied.
    Connected,
    /// The load is cut off.
    Disconnected,
}

/// Charges that may lead to a cut. Others have no name here, so that they never can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CutCharge {
    /// The unit's own electricity.
    Energy,
    /// Its share of the building's electricity.
    SharedElectricity,
}

payload!(
    /// When nobody is cut, by the site's wall clock.
    NoCutWindow {
        /// On which days; `holiday` are the site's.
        pub days: Vec<DayName>,
        /// First minute of the day, 0 to 1439.
        pub from_minute: i64,
        /// Its end, after `from_minute`, up to 1440.
        pub to_minute: i64,
    }
);

payload!(
    /// How supply is cut and restored at a site.
    SupplyPolicy {
        /// At least so many points may be cut in an hour.
        pub blast_least: i64,
        /// So many percent of the site's points may be cut in an hour, where that is more.
        pub blast_percent: i64,
        /// How long a command may be sent, in seconds: 1 to 3600.
        pub command_valid_s: i64,
        /// Whether a restore waits until the tenant has said that appliances are safe.
        pub confirm_restore: bool,
        /// Whether a balance may lead to a cut at all.
        pub cuts: bool,
        /// How far electricity may be owed before a cut, in minor units.
        pub emergency_credit_minor: Money,
        /// Which charges may lead to a cut.
        pub for_charges: Vec<CutCharge>,
        /// Whether nobody is cut while a complaint is open.
        pub hold_on_dispute: bool,
        /// Whether nobody is cut in extreme weather.
        pub hold_on_weather: bool,
        /// When nobody is cut.
        pub no_cut: Vec<NoCutWindow>,
        /// Seconds from the warning that credit is used up to the earliest cut.
        pub notice_s: i64,
        /// Persons that a manual cut needs: 1 or 2.
        pub persons: i64,
        /// How far the days left must rise above a warning step before it may warn again, in tenths of a day.
        pub rearm_tenths: i64,
        /// The electricity balance at which supply is restored, in minor units.
        pub restore_at_minor: Money,
        /// Least seconds from one restore of the site to the next.
        pub restore_spacing_s: i64,
        /// Readings older than this many seconds cut nobody.
        pub stale_after_s: i64,
        /// Warning steps: days left in tenths, falling, the last 0.
        pub warn_tenths: Vec<i64>,
    }
);

payload!(
    /// A version of the site's policy; it counts from the instant of its event.
    SupplyPolicyPublished {
        /// Who.
        pub by: String,
        /// The rules.
        pub policy: SupplyPolicy,
        /// The preset that it was made from.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub preset: Option<String>,
        /// From 1, each by one more.
        pub version: i64,
    }
);

payload!(
    /// A point is never cut from now on: a medical need, a lift, a fire pump.
    PointProtected {
        /// Who.
        pub by: String,
        /// Which.
        pub point: PointId,
        /// Why.
        pub reason: String,
    }
);

payload!(
    /// A point is no longer protected.
    PointUnprotected {
        /// Who.
        pub by: String,
        /// Which.
        pub point: PointId,
        /// Why.
        pub reason: String,
    }
);

payload!(
    /// An account complains about its charges.
    DisputeOpened {
        /// Whose.
        pub account: AccountId,
        /// Who wrote it down.
        pub by: String,
        /// What about.
        pub reason: String,
    }
);

payload!(
    /// An account's complaint is settled.
    DisputeClosed {
        /// Whose.
        pub account: AccountId,
        /// Who wrote it down.
        pub by: String,
        /// How.
        pub reason: String,
    }
);

payload!(
    /// Extreme weather, as somebody outside says. A later one takes its place.
    WeatherHeld {
        /// Who says so: a weather service, a person.
        pub by: String,
        /// From when.
        pub from: Instant,
        /// Which weather.
        pub reason: String,
        /// Until when; `from` itself ends the hold.
        pub until: Instant,
    }
);

payload!(
    /// A person asks to open or close supply.
    SupplyRequested {
        /// Who.
        pub by: String,
        /// Which.
        pub point: PointId,
        /// Why.
        pub reason: String,
        /// The point's requests, counted from 1.
        pub request: i64,
        /// Where to.
        pub to: OutputState,
    }
);

payload!(
    /// A second person approves a request.
    SupplyApproved {
        /// Who: somebody else.
        pub by: String,
        /// Which.
        pub point: PointId,
        /// The request's number.
        pub request: i64,
    }
);

payload!(
    /// Whoever lives there says that supply may come back.
    ReconnectionConfirmed {
        /// Who.
        pub by: String,
        /// Which.
        pub point: PointId,
    }
);

payload!(
    /// A relay was read outside of a command.
    SupplyObserved {
        /// The meter that was read.
        pub meter: MeterId,
        /// Which.
        pub point: PointId,
        /// What it said.
        pub read_back: OutputState,
    }
);

payload!(
    /// A relay's mode was read, and it is another than before: only in remote mode does a relay obey.
    SupplyModeObserved {
        /// The meter that was read.
        pub meter: MeterId,
        /// Which.
        pub point: PointId,
        /// Whether it obeys.
        pub remote: bool,
    }
);
