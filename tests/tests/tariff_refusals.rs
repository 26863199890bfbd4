//! An impossible tariff is refused with its place and the mend before it can
//! bill anyone: through a site folder, and by `domain::tariff::findings`.

use adapters::site_folder::SiteFolder;
use domain::event::{Body, TariffPublished};
use domain::quantity::Date;
use domain::tariff::{findings, pool_findings};
use tests::tariff_site::TariffSite;

/// A good tariff with every part that an edit can spoil; its lines are counted from 1.
const GOOD: &str = r#"[[tariff]]
id = "t"
version = 1
from = 2026-01-01
default_period = "day"
tier_window = "month"
schedule = [ { period = "night", from = "22:00", to = "06:00" } ]
energy = [
  { period = "day", band_up_to_kwh = "250", tiers = [ { up_to_kwh = "50", price = "0.20" }, { price = "0.30" } ] },
  { period = "day", months = [1, 2], tiers = [ { up_to_kwh = "60", price = "0.25" }, { price = "0.35" } ] },
  { period = "day", tiers = [ { up_to_kwh = "60", price = "0.40" }, { price = "0.50" } ] },
  { period = "night", tiers = [ { up_to_kwh = "60", price = "0.10" }, { price = "0.15" } ] },
]
adder = [ { name = "Fuel", price = "0.01" }, { name = "Rebate", price = "-0.02" } ]
fixed = [ { name = "Basic", per = "month", bands = [ { up_to_kwh = "100", amount = "3.70" }, { amount = "8.20" } ] }, { name = "Rent", per = "day", amount = "0.10" } ]
demand = [ { name = "Capacity", interval_minutes = 30, period = "day", tiers = [ { up_to_kw = "10", price = "3" }, { price = "4" } ] } ]
minimum = "5.00"
scale = { of_days = 30, round = { to = "1", mode = "down" } }
surcharge = [
  { name = "Duty", rate = "0.10", on = ["energy", "adder/Rebate"] },
  { name = "Cess", rate = "0.01", on = ["surcharge/Duty", "fixed/Rent"] },
  { name = "Each", rate = "0.40", on = ["energy/day"], each = true, tiers_from = 2 },
]
round_lines = { to = "0.01", mode = "half_up" }
round_total = { to = "0.05", mode = "half_even" }
"#;

fn site(tariffs: &str) -> TariffSite {
    TariffSite {
        zone: "Etc/UTC".to_owned(),
        offset: "Z".to_owned(),
        currency: "EUR".to_owned(),
        site_keys: String::new(),
        tariffs: tariffs.to_owned(),
        points: vec![("P-1".to_owned(), "t".to_owned(), vec![0; 31])],
        first: Date::parse("2026-03-01").expect("a date"),
        tables: String::new(),
    }
}

/// What a site folder says of a tariff, with lines counted from the tariff's first.
fn folder_says(site: &TariffSite) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    site.write(folder.path()).expect("the folder is written");
    let first = site.toml().lines().position(|line| line == "[[tariff]]").expect("a tariff");
    let Err(mut error) = SiteFolder::open(folder.path()) else { return "accepted".to_owned() };
    error.line = error.line.map(|line| line.saturating_sub(first));
    error.to_string().replacen("site.toml:", "", 1)
}

fn edited(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "'{from}' is in the good tariff");
    GOOD.replacen(from, to, 1)
}

/// Each edit with what the folder says of it.
const EDITS: &[(&str, &str, &str)] = &[
    (
        "{ price = \"0.30\" } ] }",
        "{ up_to_kwh = \"90\", price = \"0.30\" } ] }",
        "9: [[tariff]] energy.tiers: the last tier has a bound, so there is a gap above it; mend: add a last tier without a bound",
    ),
    (
        "{ up_to_kwh = \"50\", price = \"0.20\" }",
        "{ price = \"0.20\" }",
        "9: [[tariff]] energy.tiers: a tier before the last has no bound; mend: give it a bound",
    ),
    (
        "{ up_to_kwh = \"50\", price = \"0.20\" },",
        "{ up_to_kwh = \"50\", price = \"0.20\" }, { up_to_kwh = \"40\", price = \"0.25\" },",
        "9: [[tariff]] energy.tiers: the bound 40 does not rise; mend: let the bounds rise from row to row",
    ),
    (
        "{ up_to_kwh = \"50\", price = \"0.20\" },",
        "{ up_to_kwh = \"50\", price = \"0.20\" }, { up_to_kwh = \"50\", price = \"0.25\" },",
        "9: [[tariff]] energy.tiers: the bound 50 is there twice, so two tiers overlap; mend: take one of the two out",
    ),
    (
        "  { period = \"day\", tiers",
        "  { period = \"day\", months = [3, 4], tiers",
        "9: [[tariff]] energy.band_up_to_kwh: period 'day' has no price in month 5 above 250 kWh in the month; mend: add a row without band_up_to_kwh after it",
    ),
    (
        "  { period = \"night\", tiers",
        "  { period = \"night\", months = [1], tiers",
        "8: [[tariff]] energy: period 'night' has no price in month 2; mend: add the month to a row, or a row without months",
    ),
    (
        "  { period = \"day\", tiers",
        "  { period = \"day\", months = [2, 3], tiers = [ { up_to_kwh = \"60\", price = \"1\" }, { price = \"2\" } ] },\n  { period = \"day\", tiers",
        "11: [[tariff]] energy.months: period 'day' has two prices in month 2, so these rows overlap; mend: name each month in one row of a period and band",
    ),
    (
        "  { period = \"night\", tiers",
        "  { period = \"day\", months = [12], tiers = [ { up_to_kwh = \"60\", price = \"1\" }, { price = \"2\" } ] },\n  { period = \"night\", tiers",
        "12: [[tariff]] energy: a row before it has every month of period 'day', so it is never used; mend: take it out, or put it before that row",
    ),
    (
        "period = \"day\", tiers = [ { up_to_kw ",
        "period = \"dya\", tiers = [ { up_to_kw ",
        "16: [[tariff]] demand.period: period 'dya' is not in schedule or default_period; mend: write one of day, night",
    ),
    (
        "{ period = \"night\", from",
        "{ period = \"eve\", from",
        "8: [[tariff]] energy: period 'eve' has no price; mend: add a row for it",
    ),
    (
        "price = \"0.20\"",
        "price = \"0.123456789\"",
        "9: [[tariff]] energy.tiers.price: '0.123456789' has more than 8 decimals; mend: round it to 8 decimals",
    ),
    ("price = \"0.20\"", "price = \"-0.20\"", "9: [[tariff]] energy.tiers.price: is negative; mend: write 0 or more"),
    ("amount = \"0.10\"", "amount = \"-0.10\"", "15: [[tariff]] fixed.amount: is negative; mend: write 0 or more"),
    ("rate = \"0.10\"", "rate = \"-0.10\"", "20: [[tariff]] surcharge.rate: is negative; mend: write 0 or more"),
    (
        "rate = \"0.10\"",
        "rate = \"10.5\"",
        "20: [[tariff]] surcharge.rate: '10.5' is more than 10, which is 1,000 %; mend: write a fraction: 0.10 is 10 %",
    ),
    (
        "price = \"-0.02\"",
        "price = \"-0.12\"",
        "14: [[tariff]] adder: the adders take the energy price 0.10 below 0; mend: let adders and any energy price be 0 or more together",
    ),
    (
        "on = [\"energy\", \"adder/Rebate\"]",
        "on = [\"adder/Rebate\"]",
        "20: [[tariff]] surcharge.on: is on adder 'Rebate', which is negative, without all energy; mend: add \"energy\" to on, so that the base is never negative",
    ),
    (
        "\"fixed/Rent\"",
        "\"fixed/Rant\"",
        "21: [[tariff]] surcharge.on: 'fixed/Rant' names no line; mend: write one of energy, energy/day, energy/night, adder, adder/Fuel, adder/Rebate, demand, demand/Capacity, fixed, fixed/Basic, fixed/Rent, minimum, surcharge/Duty, surcharge/Cess, surcharge/Each",
    ),
    (
        "on = [\"energy\", \"adder/Rebate\"]",
        "on = [\"surcharge/Cess\"]",
        "20: [[tariff]] surcharge.on: surcharges are on one another in a circle: Duty, Cess; mend: let one of them be on other lines only",
    ),
    (
        "{ amount = \"8.20\" }",
        "{ up_to_kwh = \"200\", amount = \"8.20\" }",
        "15: [[tariff]] fixed.bands: the last band has a bound, so more than 200 kWh has no value; mend: add a last band without up_to_kwh",
    ),
    (
        "amount = \"0.10\" }",
        "amount = \"0.10\", bands = [ { amount = \"1\" } ] }",
        "15: [[tariff]] fixed.bands: has both amount and bands; mend: keep either amount or bands",
    ),
    (
        ", amount = \"0.10\" }",
        " }",
        "15: [[tariff]] fixed.amount: has neither amount nor bands; mend: add amount = \"…\", or bands",
    ),
    ("to = \"0.05\"", "to = \"0\"", "25: [[tariff]] round_total.to: is 0; mend: write more than 0"),
    (
        "to = \"0.01\"",
        "to = \"0.005\"",
        "24: [[tariff]] round_lines.to: the unit 0.005 is not a whole number of 0.01; mend: write a multiple of 0.01",
    ),
    (
        "on = [\"energy/day\"], each",
        "on = [\"fixed\"], each",
        "22: [[tariff]] surcharge.each: has each = true, but is on other lines than energy; mend: let on name energy only, or take each out",
    ),
    (
        "tiers_from = 2",
        "tiers_from = 3",
        "22: [[tariff]] surcharge.tiers_from: has tiers_from = 3, but the energy it is on has at most 2 tiers; mend: name a tier that is there, from 1",
    ),
    (
        "name = \"Cess\"",
        "name = \"Duty\"",
        "21: [[tariff]] surcharge.name: 'Duty' is there twice; mend: give each its own name",
    ),
    (
        "tier_window = \"month\"",
        "tier_window = \"year\"",
        "18: [[tariff]] scale: bounds follow the days of a month, but tier_window is not \"month\"; mend: take scale out, or write tier_window = \"month\"",
    ),
    ("of_days = 30", "of_days = 0", "18: [[tariff]] scale.of_days: 0 is not within 1 to 366; mend: write 1 to 366"),
    (
        "interval_minutes = 30",
        "interval_minutes = 20",
        "16: [[tariff]] demand.interval_minutes: 20 minutes are no interval; mend: write 15, 30 or 60",
    ),
];

#[test]
fn a_site_folder_refuses_each_with_line_and_mend() {
    assert_eq!(folder_says(&site(GOOD)), "accepted");
    let found: Vec<String> = EDITS.iter().map(|(from, to, _)| folder_says(&site(&edited(from, to)))).collect();
    let wanted: Vec<&str> = EDITS.iter().map(|(.., wanted)| *wanted).collect();
    assert_eq!(found, wanted);
}

#[test]
fn a_pool_cannot_have_what_waits_for_the_month() {
    let mut pooled = site(GOOD);
    pooled.tables =
        "[[point]]\nid = \"P-C\"\nkind = \"common\"\n[[pool]]\nid = \"lift\"\nname = \"Lift\"\npoints = [\"P-C\"]\n\
        [[assign]]\npool = \"lift\"\ntariff = \"t\"\nfrom = 2026-03-01\n"
            .to_owned();
    let said = folder_says(&pooled);
    assert!(said.contains("demand: a pool cannot have demand; mend: assign a tariff without it"), "{said}");
}

/// The same function, without a folder: all faults at once, each with its place.
#[test]
fn findings_names_every_fault_of_a_publication() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    site(GOOD).write(folder.path()).expect("the folder is written");
    let opened = SiteFolder::open(folder.path()).unwrap_or_else(|error| panic!("{error}"));
    let published = opened.facts.into_iter().find_map(|fact| match fact.body {
        Body::TariffPublished(tariff) => Some(tariff),
        _ => None,
    });
    let mut tariff: TariffPublished = published.expect("the folder has a tariff");
    assert_eq!(findings(&tariff, 2), []);
    tariff.energy[1].tiers[0].price = "0.123456789".parse().expect("a decimal");
    tariff.energy[2].tiers[1].up_to_kwh = Some("900".parse().expect("a decimal"));
    tariff.surcharge[1].on.push("surcharge/Cess".to_owned());
    if let Some(round) = &mut tariff.round_total {
        round.to = "-1".parse().expect("a decimal");
    }
    let said: Vec<String> = findings(&tariff, 2).iter().map(ToString::to_string).collect();
    let wanted = [
        "energy[2].tiers[1].price: '0.123456789' has more than 8 decimals; mend: round it to 8 decimals",
        "energy[3].tiers: the last tier has a bound, so there is a gap above it; mend: add a last tier without a bound",
        "round_total.to: is negative; mend: write 0 or more",
        "energy: with tier_basis \"total\" the bounds of all rows agree, and these do not; mend: give all rows the same bounds, or write tier_basis = \"period\"",
        "surcharge[2].on: surcharges are on one another in a circle: Cess; mend: let one of them be on other lines only",
    ];
    assert_eq!(said, wanted);
    let pooled: Vec<String> = pool_findings(&tariff).iter().map(|one| one.place.to_string()).collect();
    assert_eq!(pooled, ["demand", "minimum", "energy[1]", "scale"]);
}
