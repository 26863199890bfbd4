//! `tallywatt explain` on lines that follow from other lines, from a band of
//! the month, or from bounds that follow the days.

use std::{fs, path::Path};

use domain::quantity::Date;
use tests::run::command;
use tests::tariff_site::{TariffSite, even};

const KWH: i64 = 1_000_000;

/// What `explain` says of each line of A-1's bill for a month's whole kWh by a tariff of `tests/tariffs`, without the
/// facts and the readings.
fn explained(
    file: &str,
    [zone, offset, currency]: [&str; 3],
    first: &str,
    (tariff, kwh): (&str, i64),
) -> anyhow::Result<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tariffs/{file}.toml"));
    explained_by(fs::read_to_string(path)?, [zone, offset, currency], first, (tariff, kwh))
}

/// As `explained`, of the text of a tariff.
fn explained_by(
    tariffs: String,
    [zone, offset, currency]: [&str; 3],
    first: &str,
    (tariff, kwh): (&str, i64),
) -> anyhow::Result<Vec<String>> {
    let first = Date::parse(first).expect("a date");
    let month = first.month();
    let site = TariffSite {
        zone: zone.to_owned(),
        offset: offset.to_owned(),
        currency: currency.to_owned(),
        site_keys: String::new(),
        tariffs,
        points: vec![("P-1".to_owned(), tariff.to_owned(), even(kwh * KWH, i64::from(month.days())))],
        first,
        tables: String::new(),
    };
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("out");
    let bills = site.bills(month.last(), &out)?;
    let bill = bills.get(&("A-1".to_owned(), month.to_string())).expect("a bill");
    let (out, of) = (out.display().to_string(), format!("A-1/{month}"));
    let count = bill["indoor"].as_array().map_or(0, Vec::len);
    let mut texts = Vec::new();
    for line in 1..=count {
        let (code, said) = command(&["explain", &out, "--bill", &of, "--line", &line.to_string()])?;
        assert_eq!(code, 0, "{said}");
        let lines = said.lines().filter(|line| {
            !line.contains(" at position ") && !line.contains("in this line") && !line.contains("readings event")
        });
        texts.push(lines.collect::<Vec<_>>().join("\n"));
    }
    Ok(texts)
}

/// The one text that holds a word in its first line.
fn of<'a>(texts: &'a [String], word: &str) -> &'a str {
    let first = |text: &&String| text.lines().next().is_some_and(|line| line.contains(word));
    texts.iter().find(first).map_or("", String::as_str)
}

const KERALA: [&str; 3] = ["Asia/Kolkata", "+05:30", "INR"];

#[test]
fn a_price_names_its_band_and_its_tier() -> anyhow::Result<()> {
    let texts = explained("in-kseb", KERALA, "2020-06-01", ("kseb-domestic", 117))?;
    assert_eq!(
        of(&texts, "energy all 2"),
        "bill 1 of A-1 for 2020-06: P-1 energy all 2, tariff kseb-domestic version 1\n\
         50.00 kWh x 3.70 = 185.00\n\
         \x20 the month's 117.00 kWh lie in the band up to 250.00 kWh\n\
         \x20 tier 2 of a month: above 50.00, up to 100.00 kWh"
    );
    let texts = explained("in-kseb", KERALA, "2020-06-01", ("kseb-domestic", 351))?;
    assert_eq!(
        of(&texts, "energy all 1"),
        "bill 1 of A-1 for 2020-06: P-1 energy all 1, tariff kseb-domestic version 1\n\
         351.00 kWh x 6.90 = 2421.90\n\
         \x20 the month's 351.00 kWh lie in the band above 350.00, up to 400.00 kWh"
    );
    Ok(())
}

#[test]
fn a_surcharge_lists_the_lines_that_it_is_on() -> anyhow::Result<()> {
    let texts = explained("in-kseb", KERALA, "2020-06-01", ("kseb-domestic", 117))?;
    assert_eq!(
        of(&texts, "surcharge Duty"),
        "bill 1 of A-1 for 2020-06: P-1 surcharge Duty, tariff kseb-domestic version 1\n\
         424.10 x 0.10 = 42.41\n\
         \x20 on energy all 1: 50.00 kWh x 3.15 = 157.50\n\
         \x20 on energy all 2: 50.00 kWh x 3.70 = 185.00\n\
         \x20 on energy all 3: 17.00 kWh x 4.80 = 81.60"
    );
    assert!(of(&texts, "Meter rent tax").ends_with("\n  on fixed Meter rent: 1 month x 6.00 = 6.00"));
    let korea = ["Asia/Seoul", "+09:00", "KRW"];
    let texts = explained("kr-kepco", korea, "2014-05-01", ("kepco-residential", 229))?;
    assert_eq!(
        of(&texts, "surcharge Fund"),
        "bill 1 of A-1 for 2014-05: P-1 surcharge Fund, tariff kepco-residential version 1\n\
         23200 x 0.037 = 850\n\
         \x20 rounded down to a multiple of 10\n\
         \x20 on energy all 1: 100.00 kWh x 55.1 = 5510\n\
         \x20 on energy all 2: 100.00 kWh x 113.8 = 11380\n\
         \x20 on energy all 3: 29.00 kWh x 168.3 = 4880\n\
         \x20 on fixed Basic charge: 1 month x 1430 = 1430"
    );
    assert_eq!(
        of(&texts, "Basic charge"),
        "bill 1 of A-1 for 2014-05: P-1 fixed Basic charge, tariff kepco-residential version 1\n\
         1 month x 1430 x 31 / 31 = 1430\n\
         \x20 the month's 229.00 kWh lie in the band above 200.00, up to 300.00 kWh\n\
         \x20 rounded down to a multiple of 1"
    );
    Ok(())
}

#[test]
fn scaled_bounds_are_shown_as_they_apply() -> anyhow::Result<()> {
    let ceylon = ["Asia/Colombo", "+05:30", "LKR"];
    let texts = explained("lk-ceb", ceylon, "2014-05-01", ("ceb-domestic", 210))?;
    assert_eq!(
        of(&texts, "P-1 energy all 5"),
        "bill 1 of A-1 for 2014-05: P-1 energy all 5, tariff ceb-domestic version 1\n\
         62.00 kWh x 24.00 = 1488.00\n\
         \x20 tier 5 of a month: above 124.00, up to 186.00 kWh\n\
         \x20 bounds are the published ones x 31 days held / 30"
    );
    assert!(
        of(&texts, "Fuel adjustment all 5").ends_with("40 = 595.20\n  on energy all 5: 62.00 kWh x 24.00 = 1488.00")
    );
    Ok(())
}

/// 5 kWh are 1.00 and cost 3.00 at least; 10 % on both are 0.30; 3.30 rounds up to 3.50.
#[test]
fn a_minimum_leaves_surcharges_out_and_the_total_rounds_all() -> anyhow::Result<()> {
    let tariff = r#"
[[tariff]]
id = "m"
version = 1
from = 2026-01-01
default_period = "all"
minimum = "3.00"
round_total = { mode = "up", to = "0.50" }
energy = [ { period = "all", tiers = [ { price = "0.20" } ] } ]
surcharge = [ { name = "Levy", rate = "0.10", on = ["energy", "minimum"] } ]
"#;
    let place = ["Europe/Dublin", "+00:00", "EUR"];
    let texts = explained_by(tariff.to_owned(), place, "2026-01-01", ("m", 5))?;
    assert_eq!(
        of(&texts, "P-1 minimum"),
        "bill 1 of A-1 for 2026-01: P-1 minimum, tariff m version 1\n\
         1 month x 3.00 x 31 / 31 less 1.00 of other lines = 2.00\n\
         \x20 on energy all 1: 5.00 kWh x 0.20 = 1.00"
    );
    assert_eq!(
        of(&texts, "P-1 rounding"),
        "bill 1 of A-1 for 2026-01: P-1 rounding, tariff m version 1\n\
         3.30 to a multiple of 0.50 = 0.20\n\
         \x20 rounded up to a multiple of 0.50\n\
         \x20 on energy all 1: 5.00 kWh x 0.20 = 1.00\n\
         \x20 on minimum: 1 month x 3.00 = 2.00\n\
         \x20 on surcharge Levy: 3.00 x 0.10 = 0.30"
    );
    Ok(())
}
