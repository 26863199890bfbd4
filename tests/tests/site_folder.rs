//! Site folders: every site case loads, and bad input gets one clear error.

use std::path::{Path, PathBuf};

use adapters::site_folder::SiteFolder;
use domain::event::Body;

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("site-cases")
}

#[test]
fn every_site_case_loads() {
    let mut count = 0;
    for case in std::fs::read_dir(cases()).expect("site-cases is there") {
        let case = case.expect("it can be listed").path();
        if !case.is_dir() {
            continue;
        }
        let folder = SiteFolder::open(&case).unwrap_or_else(|error| panic!("{}: {error}", case.display()));
        let lines = std::fs::read_to_string(case.join("readings.csv")).expect("readings").lines().count();
        assert_eq!(folder.readings.len() + 1, lines, "{}", case.display());
        assert!(matches!(folder.facts[0].body, Body::SiteRegistered(_)));
        assert!(matches!(folder.facts[1].body, Body::CalendarPublished(_)));
        assert!(folder.facts.is_sorted_by_key(|fact| fact.received));
        let mut keys: Vec<&str> = folder.facts.iter().map(|fact| fact.key.as_str()).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), folder.facts.len(), "keys are unique: {}", case.display());
        count += 1;
    }
    assert_eq!(count, 39);
}

/// Copies a good folder with one edit, and gives the error's text.
fn refusal(file: &str, from: &str, to: &str) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for name in ["site.toml", "readings.csv", "recharges.csv"] {
        let mut text = std::fs::read_to_string(cases().join("everything-1").join(name)).expect("the case is there");
        if name == file {
            assert!(text.contains(from), "'{from}' is in {file}");
            text = text.replacen(from, to, 1);
        }
        std::fs::write(folder.path().join(name), text).expect("the copy is written");
    }
    SiteFolder::open(folder.path()).err().map_or_else(|| "no error".to_owned(), |error| error.to_string())
}

#[test]
fn bad_input_gets_one_clear_error() {
    let edits = [
        (
            "site.toml",
            "time_zone = \"America/Chicago\"",
            "time_zone = \"America/Chicgo\"",
            "site.toml:6: [site] time_zone: no IANA time zone is called 'America/Chicgo'; the nearest name is 'America/Chicago'; mend: write an IANA name such as \"Europe/London\"",
        ),
        (
            "site.toml",
            "currency = \"USD\"",
            "currency = \"USX\"",
            "site.toml:7: [site] currency: 'USX' is no currency; mend: write a code of ISO 4217, such as \"EUR\"",
        ),
        (
            "site.toml",
            "area_m2",
            "aera_m2",
            "site.toml:16: [[unit]] aera_m2: unknown key; mend: did you mean 'area_m2'?",
        ),
        (
            "site.toml",
            "settle_after = \"00:15\"",
            "settle_after = \"09:15\"",
            "site.toml:11: [site] bill_after: is less than settle_after; mend: write at least the value of settle_after",
        ),
        (
            "site.toml",
            "until = 2026-03-26T03:28:00Z",
            "until = 2026-01-26T03:28:00Z",
            "site.toml:146: [[lease]] until: is before from; mend: correct one of the two",
        ),
        (
            "site.toml",
            "until = 2026-03-26T03:28:00Z",
            "",
            "site.toml:148: [[lease]] from: unit 'U-101' has two leases from 2026-03-30T05:00:00Z: of 'A-001' (line 142) and 'A-002' (line 148); mend: end one before the other begins",
        ),
        (
            "site.toml",
            "price = \"0.1577\"",
            "price = \"0.157712345\"",
            "site.toml:213: [[tariff]] energy.tiers.price: '0.157712345' has more than 8 decimals; mend: round it to 8 decimals",
        ),
        (
            "site.toml",
            "price = \"0.1577\"",
            "price = \"-0.1577\"",
            "site.toml:213: [[tariff]] energy.tiers.price: is negative; mend: write 0 or more",
        ),
        (
            "site.toml",
            "unit = \"U-101\"",
            "unit = \"U-1O1\"",
            "site.toml:33: [[point]] unit: 'U-1O1' is not defined; mend: did you mean 'U-101'?",
        ),
        (
            "site.toml",
            "percent = \"69.43\"",
            "percent = \"79.43\"",
            "site.toml:321: [[rule]] parts: are more than 100 percent together; mend: let percent sum to at most 100",
        ),
        (
            "site.toml",
            "default_period = \"night\"",
            "default_period = \"nihgt\"",
            "site.toml:213: [[tariff]] energy: period 'nihgt' has no price; mend: add a row for it",
        ),
        (
            "site.toml",
            "id = \"U-102\"",
            "id = \"U-101\"",
            "site.toml:38: [[point]] unit: 'U-102' is not defined; mend: did you mean 'U-101'?",
        ),
        (
            "site.toml",
            "points = [\"P-C1\"]",
            "points = [\"P-101\"]",
            "site.toml:286: [[pool]] points: 'P-101' is a unit's point; mend: name points of kind common, main or virtual",
        ),
        (
            "readings.csv",
            "M-103",
            "M-199",
            "readings.csv:2: meter: no [[meter]] has the id 'M-199'; mend: did you mean 'M-101'?",
        ),
        (
            "readings.csv",
            "999962.000,,",
            "999962.000",
            "readings.csv:2: row has 3 columns, the header 5; mend: complete the row or take it out",
        ),
        (
            "readings.csv",
            "time,meter,kwh",
            "time,meter,kWh",
            "readings.csv:1: kWh: unknown column; mend: did you mean 'kwh'?",
        ),
    ];
    let found: Vec<String> = edits.iter().map(|(file, from, to, _)| refusal(file, from, to)).collect();
    let wanted: Vec<&str> = edits.iter().map(|(.., wanted)| *wanted).collect();
    assert_eq!(found, wanted);
}
