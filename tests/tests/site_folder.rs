//! Site folders: every site case loads, and bad input gets one clear error.

use std::path::{Path, PathBuf};

use adapters::site_folder::{Change, SiteFolder, read_change, rule_toml, tariff_toml};
use domain::event::{Body, RulePublished, TariffPublished};
use domain::quantity::Date;

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

/// What an editor begins with is what is in force: each version is written as a table that is read as the same.
#[test]
fn versions_of_tariffs_and_rules_are_written_as_tables_that_read_the_same() {
    let (mut tariffs, mut rules) = (0, 0);
    for case in tests::cases::all().expect("the cases") {
        let folder = SiteFolder::open(&case.path).expect("it loads");
        let received = folder.facts.iter().map(|fact| fact.received).max().expect("facts");
        let known = || folder.facts.iter().map(|fact| (fact.received, &fact.body));
        let from = Date::parse("2090-01-01").expect("a date");
        for (_, body) in known() {
            let (table, text, next) = match body {
                Body::TariffPublished(one) => {
                    tariffs += 1;
                    let next = TariffPublished { version: 900, from, ..one.clone() };
                    (["tariff"], tariff_toml(&next), Body::TariffPublished(next))
                }
                Body::RulePublished(one) => {
                    rules += 1;
                    let next = RulePublished { version: 900, from, ..one.clone() };
                    (["rule"], rule_toml(&next), Body::RulePublished(next))
                }
                _ => continue,
            };
            let change = Change { by: "j.moore", reason: "new", received, tables: &table };
            let facts = read_change(&text, &change, known()).unwrap_or_else(|error| panic!("{error}:\n{text}"));
            assert_eq!(facts.iter().map(|fact| &fact.body).collect::<Vec<_>>(), [&next], "{text}");
        }
    }
    assert!(tariffs > 39 && rules > 20, "{tariffs} tariffs, {rules} rules");
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
    check_edits(&edits);
}

/// Compares what each edit of a good folder is refused with.
fn check_edits(edits: &[(&str, &str, &str, &str)]) {
    let found: Vec<String> = edits.iter().map(|(file, from, to, _)| refusal(file, from, to)).collect();
    let wanted: Vec<&str> = edits.iter().map(|(.., wanted)| *wanted).collect();
    assert_eq!(found, wanted);
}

#[test]
fn tables_that_cannot_be_get_one_clear_error() {
    check_edits(&[
        (
            "site.toml",
            "[[account]]\nid = \"A-002\"\n",
            "[[account]]\nid = \"A-002\"\nid = \"A-003\"\n",
            "site.toml:187: duplicate key; mend: write TOML as in BILLING.md section 8",
        ),
        (
            "site.toml",
            "version = 2\nfrom = 2026-03-15",
            "version = 1\nfrom = 2026-03-15",
            "site.toml:217: [[tariff]] received: 't1/1' is there twice with the same received, first in line 205; mend: take one out, or say when it became known",
        ),
        (
            "site.toml",
            "points = [\"P-C1\"]",
            "points = [\"P-C1\"]\n\n[[pool]]\nid = \"pool-2\"\nname = \"Pool 2\"\npoints = [\"P-C1\"]",
            "site.toml:291: [[pool]] points: 'P-C1' is in pool 'pool-1' (line 286) and in 'pool-2' (line 291); mend: name each point in one pool at a time",
        ),
        (
            "site.toml",
            "pool = \"pool-1\"\ntariff = \"s1\"",
            "pool = \"pool-1\"\ntariff = \"t1\"",
            "site.toml:302: [[assign]] tariff: tariff 't1' (line 205): minimum: a pool cannot have minimum; mend: assign a tariff without it",
        ),
        (
            "site.toml",
            "up_to_kwh = \"59\", price = \"0.224306\"",
            "up_to_kwh = \"52.2\", price = \"0.224306\"",
            "site.toml:213: [[tariff]] energy.tiers: the bound 52.2 is there twice, so two tiers overlap; mend: take one of the two out",
        ),
        (
            "site.toml",
            "{ price = \"0.31\" }] }",
            "{ up_to_kwh = \"99\", price = \"0.31\" }] }",
            "site.toml:213: [[tariff]] energy.tiers: the last tier has a bound, so there is a gap above it; mend: add a last tier without a bound",
        ),
        (
            "site.toml",
            "mode = \"exclusive\" }\n",
            "mode = \"exclusive\" }\n\n[[tax]]\nfrom = 2026-04-02\nname = \"VAT\"\nrate = \"0.10\"\nmode = \"exclusive\"\n",
            "site.toml:15: [[tax]] from: 2026-04-02 is not the first of a month; mend: write the first of a month",
        ),
        (
            "site.toml",
            "from = 2026-03-28T05:00:00Z",
            "from = 2026-03-20T05:00:00Z",
            "site.toml:160: [[lease]] from: unit 'U-102' has two leases from 2026-03-20T05:00:00Z: of 'A-003' (line 154) and 'A-004' (line 160); mend: end one before the other begins",
        ),
        (
            "site.toml",
            "from = 2026-03-05T22:24:00Z",
            "from = 2026-03-05 22:24:00",
            "site.toml:175: [[lease]] from: not an RFC 3339 instant with its offset, such as 2026-03-01T00:00:00Z; mend: write an instant without quotes, such as 2026-01-01T00:00:00Z",
        ),
        ("site.toml", "format = 1", "format = 2", "site.toml:1: format: is not 1; mend: write format = 1"),
        (
            "site.toml",
            "id = \"A-001\"\nname",
            "id = \"A-001\"\nopening_balance = \"1.005\"\nname",
            "site.toml:183: [[account]] opening_balance: '1.005' has more than 2 decimals; mend: round it to 2 decimals",
        ),
        (
            "site.toml",
            "serial = \"33B301994\"\npoint = \"P-102\"",
            "serial = \"33B301994\"\npoint = \"P-199\"",
            "site.toml:67: [[meter]] point: 'P-199' is not defined; mend: did you mean 'P-101'?",
        ),
        (
            "site.toml",
            "default_period = \"valley\"",
            "default_period = valley",
            "site.toml:246: string values must be quoted, expected literal string; mend: write TOML as in BILLING.md section 8",
        ),
    ]);
}

#[test]
fn rows_that_cannot_be_get_one_clear_error() {
    check_edits(&[
        (
            "recharges.csv",
            "213.04",
            "213.045",
            "recharges.csv:2: amount: '213.045' has more than 2 decimals; mend: round it to 2 decimals",
        ),
        (
            "recharges.csv",
            "213.04",
            "-213.04",
            "recharges.csv:2: amount: is not positive, or too large; mend: write a positive amount; the kind says which way",
        ),
        (
            "recharges.csv",
            "A-003,213.04",
            "A-033,213.04",
            "recharges.csv:2: account: no [[account]] has the id 'A-033'; mend: did you mean 'A-003'?",
        ),
        (
            "recharges.csv",
            ",R0005,recharge",
            ",R0003,recharge",
            "recharges.csv:3: reference: 'recharge/R0003' stands in line 2 with another account or amount; mend: use a reference once, or repeat the row as it was",
        ),
        (
            "recharges.csv",
            ",R0005,recharge",
            ",R0005",
            "recharges.csv:2: row has 4 columns, the header 5; mend: complete the row or take it out",
        ),
        (
            "recharges.csv",
            "amount,reference,kind",
            "amount,kind",
            "recharges.csv:1: reference: column is missing; mend: begin the file with a header of time,account,amount,reference,kind",
        ),
        (
            "readings.csv",
            "time,meter,kwh,received,serial\n",
            "",
            "readings.csv:1: header is missing; mend: begin the file with a header of time,meter,kwh,received,serial,device_time",
        ),
        (
            "readings.csv",
            "2026-03-01T04:30:00Z,M-103",
            "2026-03-01T04:30:00,M-103",
            "readings.csv:2: time: not an RFC 3339 instant with its offset, such as 2026-03-01T00:00:00Z; mend: write an instant such as 2026-03-01T00:00:00Z",
        ),
    ]);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    for name in ["site.toml", "readings.csv", "recharges.csv"] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for other in ["site.toml", "readings.csv", "recharges.csv"].into_iter().filter(|other| *other != name) {
            std::fs::copy(cases().join("everything-1").join(other), folder.path().join(other)).expect("copies");
        }
        let error = SiteFolder::open(folder.path()).expect_err("a file is missing").to_string();
        assert!(error.starts_with(&format!("{name}: No such file")), "{error}");
        assert!(error.contains("; mend: put the file into the site's folder"), "{error}");
    }
}
