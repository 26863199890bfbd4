//! `tallywatt export`: other programs accept the books, their control totals
//! are the balances, and the same days of the same log give the same bytes.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use domain::event::Body;
use serde_json::Value;
use services::{cli::Cli, history};
use tests::{
    cases::{self, Case},
    judges,
    run::{command, json, run},
    site::{Played, flat, head, one_price, play},
};

/// Cases with each currency's decimals, adjustments, corrections, postings, refunds and reversals.
const CASES: [&str; 11] = [
    "hand-late",
    "hand-correct-undo-correct",
    "hand-backdated-tariff",
    "hand-dst",
    "backdated-2",
    "everything-1",
    "everything-2",
    "everything-3",
    "late-1",
    "leases-3",
    "tou-2",
];

/// Exports; gives the file and the summary.
fn export(format: &str, out: &Path, name: &str, more: &[&str]) -> anyhow::Result<(PathBuf, Value)> {
    let (dir, file) = (out.display().to_string(), out.join(name));
    let path = file.display().to_string();
    let line = ["tallywatt", "export", format, &dir, "--out", &path, "--json"];
    let summary = json(line.into_iter().chain(more.iter().copied()))?;
    Ok((file, summary))
}

fn text(value: &Value) -> anyhow::Result<&str> {
    value.as_str().with_context(|| format!("{value} is no text"))
}

/// A decimal as an integer of its last place.
fn minor(text: &str) -> anyhow::Result<i64> {
    Ok(text.replace('.', "").parse()?)
}

/// Accounts with a member of the summary.
fn accounts(summary: &Value, member: &str) -> anyhow::Result<BTreeMap<String, i64>> {
    let all = summary["accounts"].as_array().context("accounts")?;
    all.iter().map(|one| Ok((text(&one["account"])?.to_owned(), minor(text(&one[member])?)?))).collect()
}

fn nonzero(mut all: BTreeMap<String, i64>) -> BTreeMap<String, i64> {
    all.retain(|_, amount| *amount != 0);
    all
}

/// The balances of `balances.json`.
fn balances(out: &Path) -> anyhow::Result<BTreeMap<String, i64>> {
    let document: Value = serde_json::from_slice(&fs::read(out.join("balances.json"))?)?;
    accounts(&document, "balance")
}

type Rows = Vec<BTreeMap<String, String>>;

fn table(file: &Path) -> anyhow::Result<Rows> {
    Ok(csv::Reader::from_path(file)?.deserialize().collect::<Result<_, _>>()?)
}

fn played(case: &Case) -> anyhow::Result<(tempfile::TempDir, PathBuf)> {
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("out");
    run(&case.path, &case.until, &out, &[])?;
    Ok((folder, out))
}

/// The months of an export of all days.
fn months(summary: &Value) -> anyhow::Result<BTreeSet<String>> {
    let month = |name: &str| Ok::<_, anyhow::Error>(text(&summary["days"][name])?[..7].to_owned());
    let (first, last) = (month("first")?, month("last")?);
    let all = (2000..2100).flat_map(|year| (1..=12).map(move |month| format!("{year}-{month:02}")));
    Ok(all.filter(|month| first <= *month && *month <= last).collect())
}

fn judged(case: &Case) -> anyhow::Result<()> {
    let (_folder, out) = played(case)?;
    for format in ["hledger", "beancount"] {
        let (file, summary) = export(format, &out, &format!("all.{format}"), &[])?;
        judges::accept(format, &file)?;
        let closing = accounts(&summary, "closing")?;
        ensure!(nonzero(closing.clone()) == nonzero(balances(&out)?), "{format}: {closing:?}");
        let mut brought = BTreeMap::new();
        for month in months(&summary)? {
            let name = format!("{month}.{format}");
            let (file, summary) = export(format, &out, &name, &["--month", &month])
                .with_context(|| format!("{month} of {}", summary["days"]))?;
            judges::accept(format, &file)?;
            ensure!(nonzero(accounts(&summary, "brought")?) == brought, "{month}: {summary}");
            brought = nonzero(accounts(&summary, "closing")?);
        }
        ensure!(brought == nonzero(closing), "{format}: the months do not add up");
    }
    Ok(())
}

#[test]
fn hledger_ledger_and_beancount_accept_the_books_and_they_close_at_the_balances() -> anyhow::Result<()> {
    let all: Vec<Case> = CASES.into_iter().map(cases::named).collect::<Result<_, _>>()?;
    cases::check_each(&all, judged);
    Ok(())
}

#[test]
fn each_judge_refuses_a_cent_too_much() -> anyhow::Result<()> {
    let (_folder, out) = played(&cases::named("hand-late")?)?;
    for (format, of) in [("hledger", " = -"), ("beancount", " balance Liabilities:Prepaid:")] {
        let (file, _) = export(format, &out, format, &[])?;
        let whole = fs::read_to_string(&file)?;
        let line = whole.lines().find(|line| line.contains(of)).context("an assertion")?;
        let digit = line.rfind(|one: char| one.is_ascii_digit() && one != '0').context("a digit")?;
        let digit =
            if format == "beancount" { line[..line.find('~').context("~")?].trim_end().len() - 1 } else { digit };
        let other = if line[digit..].starts_with('9') { "8" } else { "9" };
        let wrong = format!("{}{other}{}", &line[..digit], &line[digit + 1..]);
        fs::write(&file, whole.replace(line, &wrong))?;
        for (name, judge) in [
            ("hledger", judges::hledger as fn(&Path) -> _),
            ("ledger", judges::ledger),
            ("beancount", judges::beancount),
        ] {
            if (name == "beancount") == (format == "beancount") {
                let (accepts, said) = judge(&file)?;
                assert!(!accepts, "{name} accepts {wrong}: {said}");
            }
        }
    }
    Ok(())
}

#[test]
fn the_csv_files_add_up() -> anyhow::Result<()> {
    for case in ["everything-1", "everything-2", "everything-3"] {
        let (_folder, out) = played(&cases::named(case)?)?;
        let (file, summary) = export("charges", &out, "charges.csv", &[])?;
        let mut changes: BTreeMap<String, i64> = BTreeMap::new();
        for row in table(&file)? {
            *changes.entry(row["account"].clone()).or_default() += minor(&row["balance_change"])?;
            ensure!(row["tariff"].is_empty() || !row["tariff_version"].is_empty(), "{row:?}");
        }
        assert_eq!(nonzero(changes), nonzero(balances(&out)?), "{case}");
        let manifest: Value = serde_json::from_slice(&fs::read(out.join("charges.csv.manifest.json"))?)?;
        assert_eq!(manifest, summary);
        let mut journals: BTreeMap<String, i64> = BTreeMap::new();
        for row in table(&export("xero", &out, "xero.csv", &[])?.0)? {
            *journals.entry(row["*Narration"].clone()).or_default() += minor(&row["*Amount"])?;
        }
        ensure!(journals.len() > 10 && nonzero(journals.clone()).is_empty(), "{case}: {journals:?}");
        let mut journals: BTreeMap<String, i64> = BTreeMap::new();
        for row in table(&export("quickbooks", &out, "quickbooks.csv", &[])?.0)? {
            let amount = |name: &str| if row[name].is_empty() { Ok(0) } else { minor(&row[name]) };
            *journals.entry(row["JournalNo"].clone()).or_default() += amount("Debits")? - amount("Credits")?;
        }
        ensure!(journals.len() > 10 && nonzero(journals.clone()).is_empty(), "{case}: {journals:?}");
    }
    Ok(())
}

#[test]
fn the_same_days_of_the_same_log_give_the_same_bytes() -> anyhow::Result<()> {
    let case = cases::named("everything-1")?;
    let (_folder, out) = played(&case)?;
    let (_folder, again) = played(&case)?;
    for format in ["hledger", "beancount", "charges", "xero", "quickbooks"] {
        let (one, _) = export(format, &out, &format!("one.{format}"), &[])?;
        let (other, _) = export(format, &again, &format!("other.{format}"), &[])?;
        let one = fs::read(one)?;
        assert_eq!(one, fs::read(other)?, "{format}");
        let dir = out.display().to_string();
        let (code, said) = command(&["export", format, &dir])?;
        assert_eq!((code, said.as_bytes() == one), (0, true), "{format} on the terminal");
    }
    Ok(())
}

/// A run that did not end does not count: through the event before its last, the books are those of the run before.
#[test]
fn nothing_of_a_run_counts_before_its_last_event() -> anyhow::Result<()> {
    let (_folder, out) = played(&cases::named("hand-late")?)?;
    let entries = history::read(&out, None)?;
    let of = |is: fn(&Body) -> bool| {
        entries.iter().filter(move |entry| is(&entry.event.body)).map(|entry| entry.event.position).collect::<Vec<_>>()
    };
    let ends = of(|body| matches!(body, Body::DaySettled(_)));
    let posted = of(|body| matches!(body, Body::AccountSettled(_)));
    let cut = ends.windows(2).find(|two| two[0] > posted[0] && posted.iter().any(|one| two[0] < *one && *one < two[1]));
    let cut = cut.context("a run that posts, after another")?;
    let books = |through: u64, name: &str| {
        let (_, summary) = export("charges", &out, name, &["--through", &through.to_string()])?;
        Ok::<_, anyhow::Error>((accounts(&summary, "charges")?, summary["log"]["settled_to_event"].clone()))
    };
    let (before, unfinished, whole) =
        (books(cut[0], "before")?, books(cut[1] - 1, "unfinished")?, books(cut[1], "whole")?);
    assert_eq!(before.1, cut[0]);
    assert_eq!(before, unfinished);
    assert_ne!(before.0, whole.0);
    Ok(())
}

/// A log that went on gives an earlier export again, by the position that it names.
#[test]
fn an_earlier_export_can_be_had_again() -> anyhow::Result<()> {
    let case = cases::named("hand-late")?;
    let (_folder, out) = played(&case)?;
    let (whole, summary) = export("hledger", &out, "whole", &[])?;
    let entries = history::read(&out, None)?;
    let early = entries.iter().filter(|entry| matches!(entry.event.body, Body::DaySettled(_))).nth(2);
    let early = early.context("three runs")?.event.position.to_string();
    let (first, _) = export("hledger", &out, "first", &["--through", &early])?;
    let (second, _) = export("hledger", &out, "second", &["--through", &early])?;
    let through = summary["log"]["events"].to_string();
    let (again, _) = export("hledger", &out, "again", &["--through", &through])?;
    assert_eq!(fs::read(first)?, fs::read(&second)?);
    assert_ne!(fs::read(&second)?, fs::read(&whole)?);
    assert_eq!(fs::read(whole)?, fs::read(again)?);
    Ok(())
}

/// Berlin, a flat 1 kW at 1.00, and recharges about a month's end.
fn berlin(from: &str, hours: i64, until: &str) -> anyhow::Result<Played> {
    use domain::quantity::Instant;
    let start = Instant::parse(from)?;
    let mut rows = "time,meter,kwh\n".to_owned();
    for hour in 0..=hours {
        rows += &format!("{},M-1,{hour}\n", start.plus(hour * 3600));
    }
    let site = head("Europe/Berlin", "EUR") + &flat(1, from, "t") + &one_price("t", "1");
    play(&site, &rows, until)
}

/// Rows of a month by booked day: how much the balance of A-1 changed, in cents.
fn by_day(out: &Path, month: &str) -> anyhow::Result<BTreeMap<String, i64>> {
    let (file, _) = export("charges", out, &format!("{month}.csv"), &["--month", month])?;
    let mut days = BTreeMap::new();
    for row in table(&file)?.into_iter().filter(|row| row["account"] == "A-1") {
        *days.entry(row["day"].clone()).or_default() += minor(&row["balance_change"])?;
        let utc = domain::quantity::Instant::parse(&row["time_utc"])?;
        let offset = if row["time_local"].ends_with("+02:00") { 7200 } else { 3600 };
        let wall = utc.plus(offset).to_string();
        ensure!(row["time_local"].starts_with(wall.trim_end_matches('Z')), "{row:?}");
        ensure!(
            (offset == 7200)
                == ("2026-03-29T01:00:00Z" <= row["time_utc"].as_str()
                    && row["time_utc"].as_str() < "2026-10-25T01:00:00Z")
        );
    }
    Ok(days)
}

/// An export of August had 31 July to 30 August (home-assistant/frontend#21848), and energy moved by
/// the offset of who looked at it (OpenEMS/openems#2360): days are the site's own, both ends included, over a change of the clock.
#[test]
fn pains_14_a_month_has_its_own_local_days() -> anyhow::Result<()> {
    let spring = berlin("2026-02-27T23:00:00Z", 33 * 24 + 40, "2026-04-03T00:00:00Z")?;
    let march = by_day(&spring.out(), "2026-03")?;
    let days: Vec<&str> = march.keys().map(String::as_str).collect();
    assert_eq!((days.len(), days[0], days[30]), (31, "2026-03-01", "2026-03-31"));
    for (day, cents) in &march {
        assert_eq!(*cents, if day == "2026-03-29" { -2_300 } else { -2_400 }, "{day}");
    }
    let autumn = berlin("2026-09-29T22:00:00Z", 34 * 24 + 40, "2026-11-03T00:00:00Z")?;
    let october = by_day(&autumn.out(), "2026-10")?;
    assert_eq!((october.len(), october["2026-10-25"]), (31, -2_500));
    assert_eq!(-(march.values().sum::<i64>()), 74_300);
    assert_eq!(-(october.values().sum::<i64>()), 74_500);
    Ok(())
}

/// What is posted after a month's bill is booked in the month that is open then: an exported month does not change.
#[test]
fn a_billed_month_keeps_its_books() -> anyhow::Result<()> {
    let case = cases::named("hand-late")?;
    let folder = tempfile::tempdir()?;
    let closing = |until: &str, name: &str| {
        let out = folder.path().join(name);
        run(&case.path, until, &out, &[])?;
        let (_, summary) = export("hledger", &out, "february", &["--month", "2026-02"])?;
        Ok::<_, anyhow::Error>(nonzero(accounts(&summary, "closing")?))
    };
    assert_eq!(closing("2026-03-02T00:00:00Z", "early")?, closing(&case.until, "late")?);
    Ok(())
}

fn refused(line: &[&str], words: &str) -> anyhow::Result<()> {
    let (code, said) = command(line)?;
    ensure!(code == 2 && said.contains(words), "{line:?}: exit {code}: {said}");
    Ok(())
}

#[test]
fn bad_input_is_refused_with_its_mend_and_leaves_nothing() -> anyhow::Result<()> {
    let (folder, out) = played(&cases::named("hand-late")?)?;
    let (dir, there) = (out.display().to_string(), out.join("there.csv"));
    fs::write(&there, "mine")?;
    let names = || -> anyhow::Result<Vec<_>> {
        let names = fs::read_dir(&out)?.map(|entry| Ok(entry?.file_name())).collect::<anyhow::Result<Vec<_>>>()?;
        Ok(names.into_iter().filter(|name| !name.to_string_lossy().starts_with("log.db")).collect())
    };
    let before = names()?;
    let path = |name: &str| out.join(name).display().to_string();
    let new = path("new");
    refused(&["export", "hledger", &dir, "--month", "2031-01", "--out", &new], "the log has entries from 2026-0")?;
    refused(&["export", "hledger", &dir, "--month", "2026-13", "--out", &new], "give --month as in")?;
    refused(&["export", "hledger", &dir, "--from", "2026-03-02", "--to", "2026-03-01"], "last day, itself included")?;
    refused(&["export", "charges", &dir, "--out", &there.display().to_string()], "name another file")?;
    refused(&["export", "charges", &dir, "--out", &path("no/where.csv")], "make it, or name another")?;
    refused(&["export", "beancount", &dir, "--tolerance", "1e3"], "give --tolerance as in")?;
    refused(&["export", "hledger", &folder.path().display().to_string(), "--out", &new], "there is no log")?;
    let missing = path("missing.db");
    refused(&["export", "hledger", &dir, "--log", &missing, "--out", &new], "there is no log")?;
    ensure!(!Path::new(&missing).exists(), "a log was made by reading it");
    assert_eq!(fs::read(&there)?, b"mine");
    assert_eq!(names()?, before, "something was left");
    let unknown = Cli::try_from_args(["tallywatt", "export", "lotus", &dir]).err().context("an error")?;
    assert_eq!(unknown.exit_code(), 2);
    ensure!(unknown.to_string().contains("quickbooks"), "{unknown}");
    Ok(())
}
