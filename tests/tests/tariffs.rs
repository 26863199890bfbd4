//! The tariffs of the world against their published bills, to the cent, and the
//! examples of the tariff reference.

use std::{fs, path::Path};

use anyhow::{Context, ensure};
use domain::quantity::Date;
use serde_json::Value;
use tests::tariff_site::{TariffSite, even, lines};

const KWH: i64 = 1_000_000;

fn text(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn worked(name: &str) -> anyhow::Result<Value> {
    Ok(serde_json::from_str(&text(&format!("tariffs/worked/{name}.json")))?)
}

fn day(text: &str) -> Date {
    Date::parse(text).expect("a date")
}

/// A building under a tariff of `tests/tariffs`, with a point's whole kWh spread evenly over a month.
fn site(file: &str, place: [&str; 3], first: &str, points: &[(&str, i64)]) -> TariffSite {
    let [zone, offset, currency] = place.map(str::to_owned);
    let first = day(first);
    let days = i64::from(first.month().days());
    let point = |(index, (tariff, kwh)): (usize, &(&str, i64))| {
        (format!("P-{}", index + 1), (*tariff).to_owned(), even(kwh * KWH, days))
    };
    TariffSite {
        zone,
        offset,
        currency,
        site_keys: String::new(),
        tariffs: text(&format!("tariffs/{file}.toml")),
        points: points.iter().enumerate().map(point).collect(),
        first,
        tables: String::new(),
    }
}

/// A value of a published bill, number or text.
fn published(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The amounts of a bill's lines of a component and name.
fn amounts(bill: &Value, component: &str, name: Option<&str>) -> Vec<String> {
    let lines = bill["indoor"].as_array().into_iter().flatten();
    let wanted = lines.filter(|line| line["component"] == component && line["name"].as_str() == name);
    wanted.map(|line| published(&line["amount"])).collect()
}

fn list(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(published).collect()
}

#[test]
fn kerala_117_units() -> anyhow::Result<()> {
    let expected = &worked("in_kseb_117units")?["expected"];
    let bill = site("in-kseb", ["Asia/Kolkata", "+05:30", "INR"], "2020-06-01", &[("kseb-domestic", 117)]).bill()?;
    assert_eq!(
        lines(&bill),
        [
            "energy all 1: 50.00 kWh x 3.15 = 157.50",
            "energy all 2: 50.00 kWh x 3.70 = 185.00",
            "energy all 3: 17.00 kWh x 4.80 = 81.60",
            "adder Fuel surcharge: 117.00 kWh x 0.10 = 11.70",
            "fixed Fixed charge: 1 month x 55.00 = 55.00",
            "fixed Meter rent: 1 month x 6.00 = 6.00",
            "surcharge Duty: 424.10 x 0.10 = 42.41",
            "surcharge Meter rent cess: 6.00 x 0.01 = 0.06",
            "surcharge Meter rent tax: 6.00 x 0.18 = 1.08",
        ]
    );
    let of = |component, name| amounts(&bill, component, Some(name)).join(" ");
    assert_eq!(of("surcharge", "Duty"), published(&expected["duty"]));
    assert_eq!(of("surcharge", "Meter rent tax"), published(&expected["rent_tax"]));
    assert_eq!(of("surcharge", "Meter rent cess"), published(&expected["rent_cess"]));
    assert_eq!(of("adder", "Fuel surcharge"), published(&expected["fuel_surcharge"]));
    assert_eq!(of("fixed", "Fixed charge"), published(&expected["fixed"]));
    assert_eq!(of("fixed", "Meter rent"), published(&expected["meter_rent"]));
    assert_eq!(bill["totals"]["charges"], expected["total"]);
    Ok(())
}

/// Above 250 units one price is for all of them: 251 at 5.80, not 250 in blocks.
#[test]
fn kerala_above_the_blocks() -> anyhow::Result<()> {
    let energy = |kwh| -> anyhow::Result<Vec<String>> {
        let bill =
            site("in-kseb", ["Asia/Kolkata", "+05:30", "INR"], "2020-06-01", &[("kseb-domestic", kwh)]).bill()?;
        Ok(amounts(&bill, "energy", None))
    };
    assert_eq!(energy(250)?, ["157.50", "185.00", "240.00", "320.00", "380.00"]);
    assert_eq!(energy(251)?, ["1455.80"]);
    Ok(())
}

#[test]
fn korea_229_kwh() -> anyhow::Result<()> {
    let expected = &worked("kr_kepco_229kwh")?["expected"];
    let bill = site("kr-kepco", ["Asia/Seoul", "+09:00", "KRW"], "2014-05-01", &[("kepco-residential", 229)]).bill()?;
    assert_eq!(
        lines(&bill),
        [
            "energy all 1: 100.00 kWh x 55.1 = 5510",
            "energy all 2: 100.00 kWh x 113.8 = 11380",
            "energy all 3: 29.00 kWh x 168.3 = 4880",
            "fixed Basic charge: 1 month x 1430 = 1430",
            "surcharge Fund: 23200 x 0.037 = 850",
            "surcharge VAT: 23200 x 0.10 = 2320",
        ]
    );
    assert_eq!(amounts(&bill, "energy", None), list(&expected["energy_lines"]));
    assert_eq!(amounts(&bill, "fixed", Some("Basic charge")), [published(&expected["basic"])]);
    assert_eq!(amounts(&bill, "surcharge", Some("VAT")), [published(&expected["vat"])]);
    assert_eq!(amounts(&bill, "surcharge", Some("Fund")), [published(&expected["fund"])]);
    assert_eq!(published(&bill["totals"]["charges"]), published(&expected["total"]));
    assert_eq!(
        bill["indoor"][4]["round"],
        serde_json::json!({"mode": "down", "to": "10"}),
        "a line states its rounding"
    );
    Ok(())
}

/// 225 kWh: 5510 + 11380 + 4207 + 1430 = 22527; VAT 2252.7 → 2253; fund 833.4 → 830; 25610 is a ten already, so a
/// total of 224 kWh shows the truncation: 5510 + 11380 + 4039 + 1430 = 22359; 2236 + 820 = 25415 → 25410.
#[test]
fn korea_truncates_the_total() -> anyhow::Result<()> {
    let bill =
        |kwh| site("kr-kepco", ["Asia/Seoul", "+09:00", "KRW"], "2014-05-01", &[("kepco-residential", kwh)]).bill();
    assert_eq!(published(&bill(225)?["totals"]["charges"]), "25610");
    let cut = bill(224)?;
    assert_eq!(lines(&cut).last().map(String::as_str), Some("rounding: 25415 to 10 = -5"));
    assert_eq!(published(&cut["totals"]["charges"]), "25410");
    Ok(())
}

#[test]
fn sri_lanka_210_units_in_31_days() -> anyhow::Result<()> {
    let expected = &worked("lk_ceb_210units_31days")?["expected"];
    let bill = site("lk-ceb", ["Asia/Colombo", "+05:30", "LKR"], "2014-03-01", &[("ceb-domestic", 210)]).bill()?;
    let energy = amounts(&bill, "energy", None);
    assert_eq!(energy, list(&expected["energy_lines"]));
    let adjusted = amounts(&bill, "surcharge", Some("Fuel adjustment"));
    let cents = |text: &str| text.replace('.', "").parse::<i64>().expect("cents");
    let sums: Vec<i64> = energy.iter().zip(&adjusted).map(|(line, fuel)| cents(line) + cents(fuel)).collect();
    let wanted: Vec<i64> = list(&expected["lines_with_fuel_adjustment"]).iter().map(|text| cents(text)).collect();
    assert_eq!(sums, wanted);
    let kwh: Vec<String> = bill["indoor"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|line| line["component"] == "energy")
        .map(|line| published(&line["quantity"]))
        .collect();
    assert_eq!(kwh, ["31.00", "31.00", "31.00", "31.00", "62.00", "24.00"], "bounds are for 31 days");
    Ok(())
}

#[test]
fn malaysia_350_kwh_and_the_minimum() -> anyhow::Result<()> {
    let expected = &worked("my_tnb_350kwh")?["expected"];
    let bill = |kwh| site("my-tnb", ["Asia/Kuala_Lumpur", "+08:00", "MYR"], "2024-09-01", &[("tnb-a", kwh)]).bill();
    let of_350 = bill(350)?;
    assert_eq!(amounts(&of_350, "energy", None), list(&expected["energy_lines"]));
    assert_eq!(of_350["totals"]["charges"], expected["total"]);
    let of_10 = bill(10)?;
    assert_eq!(lines(&of_10), ["energy all 1: 10.00 kWh x 0.218 = 2.18", "minimum: up to 3.00 = 0.82"]);
    Ok(())
}

#[test]
fn great_britain_two_fuels_30_days() -> anyhow::Result<()> {
    let expected = &worked("uk_utilitypoint_dualfuel_30days")?["expected"];
    let fuels = [("utility-point-electricity", 180), ("utility-point-gas", 750)];
    let mut site = site("uk-utility-point", ["Europe/London", "+01:00", "GBP"], "2020-06-01", &fuels);
    site.site_keys = "tax = { name = \"VAT\", rate = \"0.05\", mode = \"exclusive\" }".to_owned();
    let bill = site.bill()?;
    let found: Vec<String> =
        bill["indoor"].as_array().into_iter().flatten().map(|line| published(&line["amount"])).collect();
    let order = ["electricity_energy", "electricity_standing", "gas_energy", "gas_standing"];
    assert_eq!(found, order.map(|key| published(&expected[key])));
    assert_eq!(bill["totals"]["indoor"], expected["subtotal"]);
    assert_eq!(bill["totals"]["tax"], expected["vat"]);
    assert_eq!(bill["totals"]["charges"], expected["total"]);
    Ok(())
}

/// A year at an even 24 kWh a day (14 in the peak, 10 in the valley): 2,760 kWh are full after 115 days, on 25 April, and
/// 4,800 after 200, on 19 July. Under the flat tariff the same days are 24 kWh at one price. A whole month of 31 days in
/// the first tier is 434 × 0.568 = 246.51 and 310 × 0.288 = 89.28, in the second 434 × 0.618 = 268.21 and
/// 310 × 0.338 = 104.78, in the third 434 × 0.868 = 376.71 and 310 × 0.588 = 182.28.
#[test]
fn zhejiang_crosses_both_thresholds_of_the_year() -> anyhow::Result<()> {
    let mut site = site("cn-zhejiang", ["Asia/Shanghai", "+08:00", "CNY"], "2025-01-01", &[("zhejiang-tou", 0)]);
    let year = vec![24 * KWH; 365];
    site.points = vec![
        ("P-1".to_owned(), "zhejiang-tou".to_owned(), year.clone()),
        ("P-2".to_owned(), "zhejiang-flat".to_owned(), year),
    ];
    let folder = tempfile::tempdir()?;
    let bills = site.bills(day("2025-12-31"), &folder.path().join("out"))?;
    let bill = |month: &str| bills.get(&("A-1".to_owned(), month.to_owned())).with_context(|| month.to_owned());
    assert_eq!(
        lines(bill("2025-04")?),
        [
            "energy peak 1: 350.00 kWh x 0.568 = 198.80",
            "energy peak 2: 70.00 kWh x 0.618 = 43.26",
            "energy valley 1: 250.00 kWh x 0.288 = 72.00",
            "energy valley 2: 50.00 kWh x 0.338 = 16.90",
            "energy all 1: 600.00 kWh x 0.538 = 322.80",
            "energy all 2: 120.00 kWh x 0.588 = 70.56",
        ]
    );
    assert_eq!(
        lines(bill("2025-07")?),
        [
            "energy peak 2: 266.00 kWh x 0.618 = 164.39",
            "energy peak 3: 168.00 kWh x 0.868 = 145.82",
            "energy valley 2: 190.00 kWh x 0.338 = 64.22",
            "energy valley 3: 120.00 kWh x 0.588 = 70.56",
            "energy all 2: 456.00 kWh x 0.588 = 268.13",
            "energy all 3: 288.00 kWh x 0.838 = 241.34",
        ]
    );
    let tou = |month: &str| -> anyhow::Result<i64> {
        let lines = bill(month)?["indoor"].as_array().context("lines")?;
        let amounts = lines.iter().filter(|line| line["point"] == "P-1").map(|line| published(&line["amount"]));
        Ok(amounts.map(|text| text.replace('.', "").parse::<i64>().expect("cents")).sum())
    };
    let months: Vec<i64> = (1..=12).map(|month| tou(&format!("2025-{month:02}"))).collect::<anyhow::Result<_>>()?;
    let by_hand = [33_579, 30_330, 33_579, 33_096, 37_299, 36_096, 44_499, 55_899, 54_096, 55_899, 54_096, 55_899];
    assert_eq!(months, by_hand);
    // The year by hand, unrounded: 1610 × 0.568 + 1150 × 0.288 + 1190 × 0.618 + 850 × 0.338 + 2310 × 0.868 + 1650 × 0.588
    // = 5243.68; twelve bills are rounded each, and give a cent less.
    assert_eq!(months.iter().sum::<i64>(), 524_367);
    Ok(())
}

/// The examples of a page: each `toml` block with the `text` block that follows it.
fn examples(page: &str) -> Vec<(String, String)> {
    let blocks: Vec<&str> = page.split("```").skip(1).step_by(2).collect();
    let body = |block: &str, kind: &str| block.strip_prefix(kind).map(|rest| rest.trim_start_matches('\n').to_owned());
    let pairs = blocks.windows(2);
    pairs.filter_map(|pair| Some((body(pair[0], "toml\n")?, body(pair[1], "text\n")?))).collect()
}

/// Runs an example: its text begins with `KWH kWh in DAYS days, CURRENCY`, and the bill's lines follow.
fn check_example(toml: &str, wanted: &str) -> anyhow::Result<String> {
    let head = wanted.lines().next().context("a first line")?;
    let words: Vec<&str> = head.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    let [kwh, "kWh", "in", days, "days", currency] = words[..] else { anyhow::bail!("'{head}' names no month") };
    let days: i64 = days.parse()?;
    let first = match days {
        28 => "2026-02-01",
        30 => "2026-04-01",
        31 => "2026-03-01",
        _ => anyhow::bail!("no month has {days} days"),
    };
    let id = toml.lines().find_map(|line| line.strip_prefix("id = \"")).context("an id")?;
    let id = id.trim_end_matches('"').to_owned();
    let site = TariffSite {
        zone: "Etc/UTC".to_owned(),
        offset: "Z".to_owned(),
        currency: currency.to_owned(),
        site_keys: String::new(),
        tariffs: toml.to_owned(),
        points: vec![("P-1".to_owned(), id, even(kwh.parse::<i64>()? * KWH, days))],
        first: day(first),
        tables: String::new(),
    };
    let bill = site.bill()?;
    let total = format!("total: {}", published(&bill["totals"]["charges"]));
    Ok([vec![head.to_owned()], lines(&bill), vec![total]].concat().join("\n") + "\n")
}

#[test]
fn every_example_of_the_reference_gives_its_bill() -> anyhow::Result<()> {
    let page = text("../adapters/src/site_folder/TARIFFS.md");
    let examples = examples(&page);
    ensure!(examples.len() == page.matches("```toml").count(), "each toml block has a text block after it");
    ensure!(examples.len() >= 8, "only {} examples were found", examples.len());
    for (toml, wanted) in examples {
        let found = check_example(&toml, &wanted).with_context(|| toml.clone())?;
        assert_eq!(found, wanted, "{toml}");
    }
    Ok(())
}
