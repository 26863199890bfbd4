//! The simulated building: a mall of 40 units, a lift and a lobby, as a site
//! folder's text, and its loads in integers from a fixed seed: every start
//! gives the same building and the same readings.

use domain::event::{AccountId, MeterId, ReadingRow};
use domain::quantity::{Date, Instant, Weekday, show_scaled};

/// The building's clock begins here.
pub(super) const START: &str = "2026-03-01T00:00:00Z";
/// A person looks on from here, an hour before a month's end and its bills; what is before is told by the log.
pub(super) const LIVE: &str = "2026-03-31T22:00:00Z";
/// How many units.
pub(super) const UNITS: usize = 40;
/// Between two polls of the time before, in seconds.
pub(super) const POLL_S: i64 = 900;
/// The unit whose tenant forgets to pay.
pub(super) const FORGETFUL: usize = 12;
/// Since when that tenant is here.
const MOVED_IN: &str = "2026-03-30T07:00:00Z";
/// Units that nobody leases, by number.
const VACANT: [usize; 2] = [17, 33];
/// The main meter counts a step of its register for so much energy.
const MAIN_RATIO: i64 = 40;
const HOLIDAY: &str = "2026-04-03";

/// What kind of tenant: a name, square metres, watts at its busiest, and percent of them by local hour.
struct Kind(&'static str, u64, i64, [i64; 24]);

const KINDS: [Kind; 8] = [
    Kind("Bakery", 64, 7200, [5, 5, 8, 40, 90, 100, 95, 80, 60, 50, 45, 45, 50, 45, 40, 40, 35, 30, 20, 8, 5, 5, 5, 5]),
    Kind("Cafe", 48, 3900, [8, 8, 8, 8, 8, 10, 40, 85, 100, 90, 80, 85, 95, 90, 75, 75, 80, 70, 40, 15, 8, 8, 8, 8]),
    Kind(
        "Grocer",
        210,
        8800,
        [45, 45, 45, 45, 45, 50, 65, 80, 85, 90, 90, 95, 95, 95, 95, 95, 100, 100, 95, 85, 70, 50, 45, 45],
    ),
    Kind("Salon", 52, 3400, [3, 3, 3, 3, 3, 3, 3, 5, 30, 80, 90, 90, 85, 90, 95, 100, 100, 90, 60, 20, 3, 3, 3, 3]),
    Kind("Clothes", 95, 2600, [6, 6, 6, 6, 6, 6, 6, 10, 40, 90, 95, 95, 95, 95, 95, 95, 100, 100, 95, 60, 10, 6, 6, 6]),
    Kind(
        "Office",
        140,
        4100,
        [9, 9, 9, 9, 9, 10, 15, 45, 85, 100, 100, 95, 80, 90, 95, 95, 90, 60, 30, 15, 10, 9, 9, 9],
    ),
    Kind(
        "Noodles",
        70,
        6100,
        [7, 7, 7, 7, 7, 7, 8, 12, 25, 45, 70, 100, 100, 75, 40, 35, 50, 85, 100, 95, 70, 30, 8, 7],
    ),
    Kind(
        "Arcade",
        120,
        5200,
        [15, 10, 6, 6, 6, 6, 6, 6, 8, 30, 50, 60, 65, 65, 70, 75, 85, 95, 100, 100, 100, 95, 70, 35],
    ),
];

const LIFT: [i64; 24] = [6, 5, 5, 5, 5, 8, 20, 45, 70, 75, 75, 85, 100, 90, 75, 75, 80, 95, 95, 70, 45, 25, 12, 8];
const LOBBY: [i64; 24] =
    [60, 40, 40, 40, 40, 60, 90, 90, 60, 50, 50, 50, 50, 50, 50, 60, 80, 100, 100, 100, 100, 100, 90, 70];

/// Two numbers mixed into one (the finalizer of `SplitMix64`).
pub(super) fn noise(a: u64, b: u64) -> u64 {
    let seed = a.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(b.wrapping_mul(0xD1B5_4A32_D192_ED03));
    let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// A number from 0 up to, and without, `bound`.
pub(super) fn below(bound: u64, a: u64, b: u64) -> u64 {
    noise(a, b).checked_rem(bound).unwrap_or(0)
}

/// A number as a seed.
pub(super) fn seed(number: impl TryInto<u64>) -> u64 {
    number.try_into().unwrap_or(u64::MAX)
}

fn kind(unit: usize) -> &'static Kind {
    let [first, ..] = &KINDS;
    unit.checked_rem(KINDS.len()).and_then(|index| KINDS.get(index)).unwrap_or(first)
}

/// What a unit is called.
pub(super) fn name(unit: usize) -> String {
    if VACANT.contains(&unit) {
        return "(vacant)".to_owned();
    }
    let number = unit.saturating_sub(1).div_euclid(KINDS.len()).saturating_add(1);
    format!("{} {number}", kind(unit).0)
}

/// The account that leases a unit; none of a vacant one.
pub(super) fn account(unit: usize) -> Option<AccountId> {
    if VACANT.contains(&unit) { None } else { AccountId::try_new(&format!("A-{unit:02}")) }
}

/// What a tenant spends in a day or two, in pence; with less left, those who take care pay.
pub(super) fn enough(unit: usize) -> i64 {
    let careless = unit.checked_rem(9) == Some(4);
    kind(unit).2.div_euclid(if careless { 12 } else { 2 })
}

/// The `site.toml` of the building.
pub(super) fn site_toml() -> String {
    let head = format!("{HEAD}holidays = [{HOLIDAY}]\n{TARIFFS}");
    let units = (1..=UNITS).map(unit_toml);
    let others = [("LIFT", "common", 1), ("LOBBY", "common", 1), ("MAIN", "main", MAIN_RATIO)].map(|(point, kind, multiplier)| {
        let start = wh(start_mwh(point.len()));
        format!(
            "[[point]]\nid = \"P-{point}\"\nkind = \"{kind}\"\n[[meter]]\nid = \"M-{point}\"\npoint = \"P-{point}\"\n\
             installed = {START}\nstart_kwh = \"{start}\"\nmultiplier = \"{multiplier}\"\n"
        )
    });
    let ids: Vec<String> = (1..=UNITS).map(|unit| format!("\"U-{unit:02}\"")).collect();
    let rule = format!(
        "[[rule]]\npool = \"shared\"\nversion = 1\nfrom = 2026-03-01\nvacant = \"landlord\"\nunits = [{}]\n\
         parts = [ {{ percent = \"60\", basis = \"area\" }}, {{ percent = \"40\", basis = \"consumption\", zero = \"area\" }} ]\n",
        ids.join(", ")
    );
    [head].into_iter().chain(units).chain(others).chain([rule]).collect()
}

fn unit_toml(unit: usize) -> String {
    let (start, of) = (wh(start_mwh(unit)), seed(unit));
    let area = kind(unit).1.saturating_add(below(30, of, 1));
    let (from, balance) =
        if unit == FORGETFUL { (MOVED_IN, 500) } else { (START, below(seed(kind(unit).2), of, 2).saturating_add(400)) };
    let structure = format!(
        "[[unit]]\nid = \"U-{unit:02}\"\narea_m2 = \"{area}\"\n[[point]]\nid = \"P-{unit:02}\"\nkind = \"unit\"\n\
         unit = \"U-{unit:02}\"\n[[meter]]\nid = \"M-{unit:02}\"\npoint = \"P-{unit:02}\"\ninstalled = {START}\n\
         start_kwh = \"{start}\"\nmax_kw = \"60\"\n[[assign]]\npoint = \"P-{unit:02}\"\ntariff = \"shop\"\nfrom = 2026-03-01\n"
    );
    if account(unit).is_none() {
        return structure;
    }
    format!(
        "{structure}[[account]]\nid = \"A-{unit:02}\"\nname = \"{}\"\nopening_balance = \"{}\"\n\
         [[lease]]\naccount = \"A-{unit:02}\"\nunit = \"U-{unit:02}\"\nfrom = {from}\n",
        name(unit),
        show_scaled(balance.into(), 2, 2)
    )
}

const HEAD: &str = r#"format = 1
[site]
id = "riverside-mall"
name = "Riverside Mall"
time_zone = "Europe/London"
currency = "GBP"
landlord = "A-00"
settle_after = "00:15"
bill_after = "00:30"
tax = { name = "VAT", rate = "0.05", mode = "exclusive" }
"#;

const TARIFFS: &str = r#"
[[supply_policy]]
version = 1
preset = "uk-prepay"
by = "Riverside Mall"
emergency_credit = "0.00"
restore_at = "0.00"
for_charges = ["energy", "shared_electricity"]
warn_days = ["0.5", "0"]
notice = "00:15"
command_valid_s = 3600
no_cut = [
  { days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday"], from = "00:00", to = "08:00" },
  { days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday"], from = "18:00", to = "24:00" },
]
confirm_restore = false
stale_after = "02:00"
[[account]]
id = "A-00"
name = "Landlord"
[[tariff]]
id = "shop"
version = 1
from = 2026-03-01
default_period = "day"
tier_window = "month"
schedule = [
  { period = "night", from = "00:00", to = "07:00" },
  { period = "peak", from = "16:00", to = "20:00", days = ["mon", "tue", "wed", "thu", "fri"] },
]
energy = [
  { period = "night", tiers = [ { up_to_kwh = "300", price = "0.1620" }, { price = "0.1780" } ] },
  { period = "day", tiers = [ { up_to_kwh = "300", price = "0.2450" }, { price = "0.2710" } ] },
  { period = "peak", tiers = [ { up_to_kwh = "300", price = "0.3390" }, { price = "0.3720" } ] },
]
fixed = [ { name = "Standing charge", per = "day", amount = "0.4500" } ]
[[tariff]]
id = "common"
version = 1
from = 2026-03-01
default_period = "all"
energy = [ { period = "all", tiers = [ { price = "0.2380" } ] } ]
[[pool]]
id = "shared"
name = "Lift and lobby"
points = ["P-LIFT", "P-LOBBY"]
[[assign]]
pool = "shared"
tariff = "common"
from = 2026-03-01
"#;

/// Where a meter's register stands at the start: whole kWh, so that nothing is cut.
fn start_mwh(of: usize) -> i64 {
    i64::try_from(below(9000, seed(of), 3)).unwrap_or(0).saturating_add(500).saturating_mul(1_000_000)
}

/// A register as a meter sends it: kWh with 3 decimals.
fn wh(mwh: i64) -> String {
    show_scaled(mwh.div_euclid(1000).into(), 3, 3)
}

/// A meter, and how far it has counted.
pub(super) struct Gauge {
    /// Its id.
    pub(super) meter: MeterId,
    /// What it has counted, in mWh, by its own register.
    pub(super) register_mwh: i64,
    /// What it draws now, in W.
    pub(super) watts: i64,
    mwh: i64,
    of: usize,
    ratio: i64,
}

/// The meters.
pub(super) struct Building {
    /// In the order of the site.
    pub(super) gauges: Vec<Gauge>,
}

impl Building {
    /// All meters at the start; none if an id is malformed.
    pub(super) fn try_new() -> Option<Self> {
        let gauge = |meter: String, of: usize, start: usize, ratio: i64| {
            let (meter, register_mwh) = (MeterId::try_new(&meter)?, start_mwh(start));
            Some(Gauge { meter, register_mwh, watts: 0, mwh: register_mwh.saturating_mul(ratio), of, ratio })
        };
        let units = (1..=UNITS).map(|unit| gauge(format!("M-{unit:02}"), unit, unit, 1));
        let others = [("LIFT", 101, 1), ("LOBBY", 102, 1), ("MAIN", 0, MAIN_RATIO)];
        let others = others.map(|(point, of, ratio)| gauge(format!("M-{point}"), of, point.len(), ratio));
        Some(Self { gauges: units.chain(others).collect::<Option<_>>()? })
    }

    /// Lets seconds pass up to `at`; who is cut off draws nothing.
    pub(super) fn pass(&mut self, at: Instant, seconds: i64, offset_s: i64, is_on: impl Fn(&MeterId) -> bool) {
        let wall = at.plus(offset_s).get();
        let hour = usize::try_from(wall.rem_euclid(86_400).div_euclid(3600)).unwrap_or(0);
        let date = Date::new(i32::try_from(wall.div_euclid(86_400)).unwrap_or(0));
        let mut total: i64 = 0;
        for gauge in &mut self.gauges {
            // The wiring's losses are what the main meter counts beside the others.
            gauge.watts = if gauge.of == 0 {
                total.saturating_mul(101).div_euclid(100)
            } else if is_on(&gauge.meter) {
                watts(gauge.of, hour, date, at)
            } else {
                0
            };
            total = total.saturating_add(gauge.watts);
            let mwh = gauge.watts.saturating_mul(1000).saturating_mul(seconds).div_euclid(3600);
            gauge.mwh = gauge.mwh.saturating_add(mwh);
            gauge.register_mwh = gauge.mwh.div_euclid(gauge.ratio);
        }
    }

    /// Every meter as a collector reads it.
    pub(super) fn rows(&self, at: Instant) -> Vec<ReadingRow> {
        let row = |gauge: &Gauge| ReadingRow {
            meter: gauge.meter.clone(),
            time: at,
            kwh: wh(gauge.register_mwh).into(),
            serial: None,
            device_time: None,
            place: 0,
        };
        self.gauges.iter().map(row).collect()
    }
}

/// The power of a unit, the lift (101) or the lobby (102).
fn watts(of: usize, hour: usize, date: Date, at: Instant) -> i64 {
    let (peak, profile) = match of {
        101 => (9000, &LIFT),
        102 => (6500, &LOBBY),
        _ => (kind(of).2, &kind(of).3),
    };
    let percent = profile.get(hour).copied().unwrap_or(0);
    let closed = of <= UNITS && (VACANT.contains(&of) || (kind(of).0 == "Office" && weekend(date)));
    let percent = if closed { 2 } else { percent };
    // Each its own size, each day its own trade, each poll its own flicker.
    let own = 70u64.saturating_add(below(60, seed(of), 4));
    let trade = 88u64.saturating_add(below(25, seed(of), seed(date.get())));
    let flicker = 90u64.saturating_add(below(21, seed(of), seed(at.get())));
    let scale =
        [own, trade, flicker].into_iter().fold(1i64, |all, one| all.saturating_mul(i64::try_from(one).unwrap_or(100)));
    peak.saturating_mul(percent).saturating_mul(scale).div_euclid(100_000_000)
}

fn weekend(date: Date) -> bool {
    matches!(date.weekday(), Weekday::Sat | Weekday::Sun)
}
