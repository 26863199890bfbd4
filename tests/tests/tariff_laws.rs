//! Laws of tariffs with bands, scaled bounds, surcharges and rounding: tiers add
//! up to the energy, a base is the sum of its lines, what is posted adds up to
//! the bill, and incremental is from zero.

use std::collections::BTreeMap;

use domain::event::{BillLine, Body, Component, SortedLineKey};
use domain::quantity::{Date, Energy, Money};
use proptest::prelude::*;
use services::history;
use tests::{run, tariff_site::TariffSite};

fn tariffs(band: i64, first: i64, second: i64, of_days: i64, to: &str, mode: &str) -> String {
    format!(
        r#"[[tariff]]
id = "t"
version = 1
from = 2026-01-01
default_period = "day"
schedule = [ {{ period = "night", from = "22:00", to = "06:00" }} ]
scale = {{ of_days = {of_days} }}
energy = [
  {{ period = "day", band_up_to_kwh = "{band}", tiers = [ {{ up_to_kwh = "{first}", price = "0.213" }}, {{ up_to_kwh = "{second}", price = "0.307" }}, {{ price = "0.411" }} ] }},
  {{ period = "day", tiers = [ {{ price = "0.523" }} ] }},
  {{ period = "night", band_up_to_kwh = "{band}", tiers = [ {{ up_to_kwh = "{first}", price = "0.101" }}, {{ up_to_kwh = "{second}", price = "0.203" }}, {{ price = "0.307" }} ] }},
  {{ period = "night", tiers = [ {{ price = "0.349" }} ] }},
]
adder = [ {{ name = "Fuel", price = "0.0137" }} ]
fixed = [ {{ name = "Basic", per = "month", bands = [ {{ up_to_kwh = "{band}", amount = "3.70" }}, {{ amount = "8.21" }} ] }} ]
minimum = "9.00"
surcharge = [
  {{ name = "Duty", rate = "0.107", on = ["energy", "adder", "fixed", "minimum"] }},
  {{ name = "Each", rate = "0.403", on = ["energy"], each = true, round = {{ to = "{to}", mode = "{mode}" }} }},
  {{ name = "Cess", rate = "0.0113", on = ["surcharge/Duty"] }},
]
round_lines = {{ to = "{to}", mode = "{mode}" }}
round_total = {{ to = "0.10", mode = "{mode}" }}
"#
    )
}

/// The sum of the amounts of lines that a condition holds for.
fn sum(lines: &[BillLine], wanted: impl Fn(&SortedLineKey) -> bool) -> i64 {
    lines.iter().filter(|line| wanted(&line.key)).map(|line| line.amount_minor.get()).sum()
}

fn check_bill(lines: &[BillLine], energy: i64) {
    let of = |component: Component| lines.iter().filter(move |line| line.key.component == component);
    let tiers: i64 = of(Component::Energy).map(|line| line.quantity).sum();
    assert_eq!(tiers, energy, "tiers add up to the energy");
    let seasons: Vec<_> = of(Component::Energy).map(|line| line.key.season).collect();
    assert!(seasons.windows(2).all(|pair| pair[0] == pair[1]), "one band for the month");
    for line in of(Component::Surcharge) {
        let base = match line.key.name.as_deref() {
            Some("Duty") => sum(lines, |key| !matches!(key.component, Component::Surcharge | Component::Rounding)),
            Some("Cess") => sum(lines, |key| key.name.as_deref() == Some("Duty")),
            _ => sum(lines, |key| {
                key.component == Component::Energy && key.period == line.key.period && key.tier == line.key.tier
            }),
        };
        assert_eq!(line.quantity, base, "the base of {:?} is the sum of its lines", line.key.name);
    }
    let total = sum(lines, |_| true);
    assert_eq!(total.rem_euclid(10), 0, "the total is a multiple of the unit");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn bands_and_rounding_keep_the_laws(
        days in prop::collection::vec(0i64..14_000_000, 59),
        band in 100i64..400,
        first in 10i64..90,
        more in 10i64..200,
        of_days in 28i64..32,
        to in prop::sample::select(vec!["0.01", "0.05", "1"]),
        mode in prop::sample::select(vec!["half_up", "half_even", "down", "up"]),
    ) {
        let site = TariffSite {
            zone: "Etc/UTC".to_owned(),
            offset: "Z".to_owned(),
            currency: "EUR".to_owned(),
            site_keys: String::new(),
            tariffs: tariffs(band, first, first + more, of_days, to, mode),
            points: vec![("P-1".to_owned(), "t".to_owned(), days.clone())],
            first: Date::parse("2026-01-01").expect("a date"),
            tables: String::new(),
        };
        let folder = tempfile::tempdir().expect("a temporary folder");
        let out = folder.path().join("out");
        site.write(&folder.path().join("site")).expect("the folder is written");
        run::run(&folder.path().join("site"), "2026-03-01T12:00:00Z", &out, &[]).expect("it runs");
        let entries = history::read(&out, None).expect("the log can be read");
        let mut posted: BTreeMap<(String, String), Money> = BTreeMap::new();
        for entry in &entries {
            if let Body::AccountSettled(settled) = &entry.event.body {
                for line in &settled.lines {
                    let key = (line.month.to_string(), format!("{:?}", line.key));
                    *posted.entry(key).or_default() += line.posted_minor;
                }
            }
        }
        let (site, found) = history::replay(&entries, None).expect("the log can be folded");
        prop_assert_eq!(found.differences, []);
        for (parts, energy) in site.issued().values().zip([&days[..31], &days[31..]]) {
            let lines: Vec<BillLine> = parts.iter().flat_map(|part| part.indoor.clone()).collect();
            check_bill(&lines, energy.iter().sum());
            let month = parts[0].month.to_string();
            for line in &lines {
                let key = (month.clone(), format!("{:?}", line.key));
                prop_assert_eq!(posted.remove(&key), Some(line.amount_minor), "postings of {:?}", line.key);
            }
        }
        prop_assert_eq!(site.issued().len(), 2);
        prop_assert!(posted.values().all(|left| left.is_zero()), "what left the bill is posted back: {:?}", posted);
        let settled_to = site.settled_to().expect("a settled day");
        let until = site.premises().calendar.end_of(settled_to);
        let from_zero = site.targets_until(until, settled_to).expect("a target");
        for (month, target) in site.targets() {
            prop_assert_eq!(&target.accounts, &from_zero[month].accounts, "{}: incremental is from zero", month);
        }
        let charged: Energy = site.targets().values().flat_map(|target| target.charged()).map(|(_, energy)| energy).sum();
        prop_assert_eq!(charged.get(), days.iter().sum::<i64>());
    }
}
