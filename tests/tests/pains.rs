//! What users of other systems suffer: each test cites its thread, and goes
//! from a site folder through the run to files, log, replay and explain.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context, ensure};
use domain::event::Body;
use domain::quantity::{Date, Energy, Instant};
use serde_json::Value;
use services::history;
use tests::run::{command, thousandths};
use tests::site::{Played, flat, head, one_price, play, tariff};

/// Readings of M-1 that rise by 1 kWh an hour.
fn one_kw(from: &str, hours: i64) -> anyhow::Result<String> {
    let from = Instant::parse(from)?;
    let mut rows = "time,meter,kwh\n".to_owned();
    for hour in 0..=hours {
        writeln!(rows, "{},M-1,{hour}", from.plus(hour * 3600))?;
    }
    Ok(rows)
}

/// kWh of an account's slices by local day and period, as the log's settlements have them.
fn slices(played: &Played, account: &str, period: Option<&str>) -> anyhow::Result<BTreeMap<Date, Energy>> {
    let entries = history::read(&played.out(), None)?;
    let (site, found) = history::replay(&entries, None)?;
    ensure!(found.differences.is_empty(), "a replay differs: {:?}", found.differences);
    let mut days: BTreeMap<Date, Energy> = BTreeMap::new();
    for entry in &entries {
        if let Body::AccountSettled(settled) = &entry.event.body
            && settled.account.as_str() == account
        {
            for slice in settled.slices.iter().filter(|slice| period.is_none() || slice.period.as_deref() == period) {
                *days.entry(site.premises().calendar.day_of(slice.from)).or_default() += slice.energy_mwh;
            }
        }
    }
    Ok(days)
}

fn amounts(bill: &Value, list: &str, member: &str) -> anyhow::Result<i64> {
    let lines = bill[list].as_array().context("a list")?;
    lines.iter().map(|line| thousandths(&line[member])).sum()
}

/// PAINS 1: killbill/killbill#1934 (offsets fixed when an account is made), home-assistant/core#114721,
/// getlago/lago-api#879 and #3911: months and tariff hours were cut in UTC or by one fixed offset.
#[test]
fn pain_01_local_time_across_the_changes_of_the_clock() -> anyhow::Result<()> {
    let valley = "default_period = \"day\"
schedule = [ { period = \"valley\", from = \"00:00\", to = \"06:00\" } ]
energy = [ { period = \"day\", tiers = [ { price = \"0.30\" } ] }, { period = \"valley\", tiers = [ { price = \"0.10\" } ] } ]";
    let months = [
        ("2026-02-28T23:00:00Z", 743, "2026-03", "2026-03-29", 5, "2026-04-02T00:00:00Z"),
        ("2026-09-30T22:00:00Z", 745, "2026-10", "2026-10-25", 7, "2026-11-02T00:00:00Z"),
    ];
    for (from, hours, month, changed, in_valley, until) in months {
        let toml = head("Europe/Berlin", "EUR") + &flat(1, from, "clock") + &tariff("clock", valley);
        let played = play(&toml, &one_kw(from, hours)?, until)?;
        let bill = played.bill("A-1", month)?;
        assert_eq!(thousandths(&bill["totals"]["indoor_kwh"])?, hours * 1000, "{month}");
        let days = slices(&played, "A-1", None)?;
        assert_eq!(days.values().copied().sum::<Energy>(), Energy::new(hours * 1_000_000), "{month}: the days add up");
        let valley = slices(&played, "A-1", Some("valley"))?;
        let (changed, usual) = (Date::parse(changed).context("a date")?, Energy::new(6_000_000));
        for (day, energy) in valley {
            let wanted = if day == changed { Energy::new(in_valley * 1_000_000) } else { usual };
            assert_eq!(energy, wanted, "valley of {day}");
        }
    }
    Ok(())
}

/// PAINS 2: jerryxiaosa/ems4j (code) takes one price for the whole interval that crosses a tier; getlago/lago#67.
#[test]
fn pain_02_the_edge_of_a_tier_is_split_whatever_the_readings() -> anyhow::Result<()> {
    let tiers = "default_period = \"all\"
energy = [ { period = \"all\", tiers = [ { up_to_kwh = \"200\", price = \"0.60\" }, { price = \"0.90\" } ] } ]";
    let installed = "2026-03-01T00:00:00Z";
    let toml = head("Etc/UTC", "EUR") + &flat(1, installed, "tiers") + &tariff("tiers", tiers);
    let edge = Instant::parse("2026-03-11T00:00:00Z")?;
    for readings in [1, 20] {
        let mut rows = format!("time,meter,kwh\n{edge},M-1,190\n");
        for n in 1..=readings {
            writeln!(rows, "{},M-1,{}", edge.plus(n * 86_400 / readings), 190 + n * 20 / readings)?;
        }
        let played = play(&toml, &rows, "2026-04-02T00:00:00Z")?;
        let bill = played.bill("A-1", "2026-03")?;
        // 190 kWh before the edge cost 114.00; the 20 kWh over it 10 × 0.60 + 10 × 0.90.
        assert_eq!(thousandths(&bill["totals"]["indoor"])?, 114_000 + 15_000, "as {readings} readings");
        let quantities: Vec<&Value> =
            bill["indoor"].as_array().context("lines")?.iter().map(|l| &l["quantity"]).collect();
        assert_eq!(quantities, ["200.00", "10.00"], "as {readings} readings");
    }
    Ok(())
}

/// PAINS 3: getlago/lago-api#4642, beancount/beancount#411: parts that are rounded one by one do not add up.
#[test]
fn pain_03_a_hundred_over_three_leaves_the_cent_with_the_owner() -> anyhow::Result<()> {
    let installed = "2026-03-01T00:00:00Z";
    let mut toml = head("Etc/UTC", "EUR") + &one_price("home", "0.20") + &one_price("lift", "1.00");
    for n in 1..=3 {
        toml += &flat(n, installed, "home");
    }
    toml += &common(installed, "[\"U-1\", \"U-2\", \"U-3\"]", "equal", "landlord");
    let played = play(&toml, "time,meter,kwh\n2026-04-01T00:00:00Z,M-C,100\n", "2026-04-02T00:00:00Z")?;
    let allocation = played.file("allocations/lift/2026-03.json")?;
    let mut logged: BTreeMap<String, i64> = BTreeMap::new();
    for entry in history::read(&played.out(), None)? {
        if let Body::BillIssued(bill) = entry.event.body {
            logged.insert(bill.account.to_string(), bill.totals.shared_minor.get() * 10);
        }
    }
    for (account, wanted) in [("A-1", 33_330), ("A-2", 33_330), ("A-3", 33_330), ("A-0", 10)] {
        assert_eq!(amounts(played.bill(account, "2026-03")?, "shared", "amount")?, wanted, "the bill of {account}");
        assert_eq!(logged.get(account), Some(&wanted), "the event of {account}");
        let last = allocation["days"].as_array().and_then(|days| days.last()).context("a day")?;
        let shares = last["accounts"].as_array().context("accounts")?;
        let share = shares.iter().find(|share| share["account"] == account).context("a share")?;
        assert_eq!(thousandths(&share["amount_to_date"])?, wanted, "the allocation of {account}");
    }
    Ok(())
}

/// A common meter M-C in the pool `lift`, shared by a rule from 1 March 2026 on.
fn common(installed: &str, units: &str, basis: &str, vacant: &str) -> String {
    format!(
        r#"
[[point]]
id = "P-C"
kind = "common"
[[meter]]
id = "M-C"
point = "P-C"
installed = {installed}
start_kwh = "0"
[[pool]]
id = "lift"
name = "Lift"
points = ["P-C"]
[[assign]]
pool = "lift"
tariff = "lift"
from = 2026-01-01
[[rule]]
pool = "lift"
version = 1
from = 2026-03-01
units = {units}
vacant = "{vacant}"
parts = [ {{ percent = "100", basis = "{basis}" }} ]
"#
    )
}

/// PAINS 9: dsmrreader/dsmr-reader#507 to #2052 (a new meter is a negative use), home-assistant/core#140300,
/// DarwinsBuddy/WienerNetzeSmartmeter#339 (garbage is booked).
#[test]
fn pain_09_swap_rollover_and_garbage() -> anyhow::Result<()> {
    let swapped = r#"
[[meter]]
id = "M-OLD"
point = "P-1"
installed = 2026-03-01T00:00:00Z
start_kwh = "5432.10"
removed = 2026-03-10T09:00:00Z
final_kwh = "5432.10"
"#;
    let base = |keys: &str| {
        let flat = flat(1, "2026-03-10T09:00:00Z", "home").replace("start_kwh = \"0\"", keys);
        head("Etc/UTC", "EUR") + &one_price("home", "0.20") + &flat
    };
    let cases = [
        ("swap", base("start_kwh = \"0.00\"") + swapped, "2026-03-20T00:00:00Z,M-1,3.00\n", 3_000, 0),
        (
            "rollover",
            base("start_kwh = \"999999.99\"\nmodulus_kwh = \"1000000\""),
            "2026-03-20T00:00:00Z,M-1,3.20\n",
            3_210,
            0,
        ),
        (
            "24 MWh in 15 minutes",
            base("start_kwh = \"0.00\"\nmax_kw = \"40\""),
            "2026-03-20T00:00:00Z,M-1,3.00\n2026-03-20T00:15:00Z,M-1,24003.00\n2026-03-20T00:30:00Z,M-1,3.10\n",
            3_100,
            1,
        ),
    ];
    for (name, toml, rows, wanted, held) in cases {
        let played = play(&toml, &format!("time,meter,kwh\n{rows}"), "2026-04-02T00:00:00Z")?;
        let kwh = thousandths(&played.bill("A-1", "2026-03")?["totals"]["indoor_kwh"])?;
        assert_eq!(kwh, wanted, "{name}");
        let quarantine = played.file("quarantine.json")?;
        let quarantine = quarantine.as_array().context("rows")?;
        assert_eq!(quarantine.len(), held, "{name}: {quarantine:?}");
        if let Some(row) = quarantine.first() {
            assert_eq!((&row["kwh"], &row["reason"]), (&"24003.00".into(), &"too_fast".into()), "{name}");
        }
    }
    Ok(())
}

/// PAINS 20: ems4j f2255ad ignored the closing reading of a move-out.
#[test]
fn pain_20_a_hand_over_at_14_37_splits_the_meter() -> anyhow::Result<()> {
    let flat = flat(1, "2026-03-01T00:00:00Z", "home");
    let handed = flat.replace("[[assign]]", "until = 2026-03-17T14:37:00Z\n[[assign]]");
    let next = "[[account]]\nid = \"A-2\"\n[[lease]]\naccount = \"A-2\"\nunit = \"U-1\"\nfrom = 2026-03-17T14:37:00Z\n";
    let toml = head("Etc/UTC", "EUR") + &one_price("home", "0.20") + &handed + next;
    let rows = "time,meter,kwh\n2026-03-17T14:00:00Z,M-1,100.5\n2026-03-17T14:37:00Z,M-1,101.234\n2026-03-17T15:00:00Z,M-1,101.9\n2026-04-01T00:00:00Z,M-1,160.777\n";
    let played = play(&toml, rows, "2026-04-02T00:00:00Z")?;
    let kwh = |account| thousandths(&played.bill(account, "2026-03")?["totals"]["indoor_kwh"]);
    assert_eq!(kwh("A-1")?, 101_234, "up to the closing reading");
    assert_eq!(kwh("A-1")? + kwh("A-2")?, 160_777, "both together are the meter's");
    Ok(())
}

/// PAINS 21: openshwprojects/OpenBK7231T_App#916 (an average price makes neighbours pay), and landlords who
/// recovered more than they were billed; in Hong Kong that is an offence.
#[test]
fn pain_21_shares_add_up_in_each_period_and_no_more_is_recovered_than_was_billed() -> anyhow::Result<()> {
    let installed = "2026-03-01T00:00:00Z";
    let clock = "default_period = \"day\"
schedule = [ { period = \"night\", from = \"00:00\", to = \"08:00\" } ]
energy = [ { period = \"day\", tiers = [ { price = \"0.37\" } ] }, { period = \"night\", tiers = [ { price = \"0.13\" } ] } ]";
    let mut site = head("Etc/UTC", "HKD") + &one_price("home", "0.20") + &tariff("lift", clock);
    for n in 1..=3 {
        site += &flat(n, installed, "home");
    }
    // Unit 3 is empty from the 11th on: its share is the owner's.
    site = site.replacen(
        "unit = \"U-3\"\nfrom = 2026-03-01T00:00:00Z\n",
        "unit = \"U-3\"\nfrom = 2026-03-01T00:00:00Z\nuntil = 2026-03-11T00:00:00Z\n",
        1,
    );
    site += &common(installed, "[\"U-1\", \"U-2\", \"U-3\"]", "area", "landlord");
    let mut rows = "time,meter,kwh\n".to_owned();
    for hour in 0..=31 * 24 {
        writeln!(
            rows,
            "{},M-C,{}.{:02}",
            Instant::parse(installed)?.plus(hour * 3600),
            hour * 7 / 10,
            hour * 7 % 10 * 10
        )?;
    }
    let until = "2026-04-02T00:00:00Z";
    let played = play(&site, &rows, until)?;
    let entries = history::read(&played.out(), None)?;
    let mut periods = 0;
    for entry in &entries {
        let Body::PoolDayAllocated(day) = &entry.event.body else { continue };
        let shares = || day.parts.iter().flat_map(|part| &part.shares);
        let rest = day.rest_mwh + day.parts.iter().map(|part| part.rest_mwh).sum();
        assert_eq!(shares().map(|share| share.energy_mwh).sum::<Energy>() + rest, day.energy_mwh, "{}", day.day);
        let nano = |text: &str| text.parse::<i128>();
        let mut sum = nano(&day.rest_nano)?;
        for part in &day.parts {
            sum += nano(&part.rest_nano)?;
            for share in &part.shares {
                sum += nano(&share.nano)?;
                let vacant = share.unit.as_str() == "U-3" && day.day.to_string().as_str() >= "2026-03-11";
                assert_eq!(share.account.as_str() == "A-0", vacant, "unit {} on {}", share.unit, day.day);
            }
        }
        assert_eq!(sum, i128::from(day.amount_minor.get()) * 1_000_000_000, "{}", day.day);
        periods += 1;
    }
    assert_eq!(periods, 31);
    let cost = thousandths(&played.bill("A-1", "2026-03")?["shared"][0]["pool_amount"])?;
    let all: i64 = ["A-0", "A-1", "A-2", "A-3"]
        .iter()
        .map(|a| amounts(played.bill(a, "2026-03")?, "shared", "amount"))
        .sum::<anyhow::Result<_>>()?;
    assert_eq!(all, cost, "the shares add up to the common cost");
    recovery_is_blocked(&site, &rows, until, all - amounts(played.bill("A-0", "2026-03")?, "shared", "amount")?)
}

/// With what tenants pay (thousandths) billed to the owner nothing is found; with a cent less it is blocked.
fn recovery_is_blocked(site: &str, rows: &str, until: &str, tenants: i64) -> anyhow::Result<()> {
    for (billed, found) in [(tenants, 0), (tenants - 10, 1)] {
        let amount = format!("{}.{:02}", billed / 1000, billed % 1000 / 10);
        let law = format!(
            "[[compliance]]\npreset = \"hk\"\nfrom = 2026-03-01\nby = \"J. Doe\"\nstatements = {{ payer = \"Owner Ltd\" }}\n\
             [[supplier_bill]]\nmonth = \"2026-03\"\nkwh = \"9000\"\namount = \"2000.00\"\nreference = \"CLP-3\"\n\
             [[supplier_bill]]\npool = \"lift\"\nmonth = \"2026-03\"\nkwh = \"520\"\namount = \"{amount}\"\nreference = \"CLP-3b\"\n"
        );
        let played = play(&format!("{site}{law}"), rows, until)?;
        let raised: Vec<_> = history::read(&played.out(), None)?
            .into_iter()
            .filter_map(|entry| if let Body::FindingRaised(finding) = entry.event.body { Some(finding) } else { None })
            .collect();
        assert_eq!(raised.len(), found, "{amount} billed: {raised:?}");
        if let Some(finding) = raised.first() {
            assert_eq!(
                (finding.rule.as_str(), finding.severity),
                ("hk.shared-within-bill", domain::event::Severity::Block)
            );
            let blocked = played.bill("A-1", "2026-03").is_err() && played.bill("A-0", "2026-03").is_ok();
            assert!(blocked, "the tenants' bills are held, the owner's is not");
        }
    }
    Ok(())
}

/// PAINS 23: missing data are hidden: a gap is filled in silence, and nobody learns when the data come.
#[test]
fn pain_23_a_gap_of_four_hours_is_said_and_later_adjusted() -> anyhow::Result<()> {
    let clock = "default_period = \"day\"
schedule = [ { period = \"noon\", from = \"12:00\", to = \"13:00\" } ]
energy = [ { period = \"day\", tiers = [ { price = \"0.20\" } ] }, { period = \"noon\", tiers = [ { price = \"0.40\" } ] } ]";
    let installed = "2026-03-01T00:00:00Z";
    let toml = head("Etc/UTC", "EUR") + &flat(1, installed, "clock") + &tariff("clock", clock);
    let mut rows = "time,meter,kwh,received\n".to_owned();
    let gap = Instant::parse("2026-03-10T10:00:00Z")?;
    for hour in 0..=62 * 24 {
        let at = Instant::parse(installed)?.plus(hour * 3600);
        // All 4 kWh of the gap were used in its first hour; the readings within it come on 5 April.
        let within = gap < at && at < gap.plus(4 * 3600);
        let kwh = if within { gap.since(Instant::parse(installed)?) / 3600 + 4 } else { hour };
        let received = if within { "2026-04-05T00:00:00Z" } else { "" };
        writeln!(rows, "{at},M-1,{kwh},{received}")?;
    }
    let played = play(&toml, &rows, "2026-05-02T00:00:00Z")?;
    let march = played.bill("A-1", "2026-03")?;
    assert_eq!(amounts(march, "indoor", "interpolated_kwh")?, 24_000, "the three slices of that day");
    let (code, said) = command(&["explain", &played.dir(), "--bill", "A-1/2026-03", "--line", "2"])?;
    assert_eq!(code, 0, "{said}");
    let wanted = "interpolated 4 h: 1.00 kWh, no reading from 2026-03-10T10:00:00Z to 2026-03-10T14:00:00Z";
    assert!(said.contains(wanted), "{said}");
    let april = played.bill("A-1", "2026-04")?;
    let adjusted: Vec<(String, i64)> = april["adjustments"]
        .as_array()
        .context("adjustments")?
        .iter()
        .map(|one| Ok((one["line"]["period"].to_string(), thousandths(&one["amount"])?)))
        .collect::<anyhow::Result<_>>()?;
    assert_eq!(adjusted, [("\"day\"".to_owned(), 200), ("\"noon\"".to_owned(), -400)], "1 kWh was not used at noon");
    assert_eq!(amounts(april, "indoor", "interpolated_kwh")?, 0);
    Ok(())
}
