//! `tallywatt export parquet` and `xlsx`: DuckDB and openpyxl read what the log
//! has, to the last decimal, and the same days give the same bytes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use domain::quantity::Instant;
use serde_json::Value;
use tests::cases;
use tests::judges::{duckdb, openpyxl};
use tests::run::{command, json, run};
use tests::site::{Played, flat, head, one_price, play};

const CASES: [&str; 4] = ["hand-late", "hand-dst", "everything-1", "everything-3"];

fn export(format: &str, dir: &Path, name: &str, more: &[&str]) -> anyhow::Result<(PathBuf, Value)> {
    let (dir, file) = (dir.display().to_string(), dir.join(name));
    let path = file.display().to_string();
    let line = ["tallywatt", "export", format, &dir, "--out", &path, "--json"];
    let summary = json(line.into_iter().chain(more.iter().copied()))?;
    Ok((file, summary))
}

fn played(name: &str) -> anyhow::Result<(tempfile::TempDir, PathBuf)> {
    let case = cases::named(name)?;
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("out");
    run(&case.path, &case.until, &out, &[])?;
    Ok((folder, out))
}

fn pairs(rows: Vec<Vec<String>>) -> BTreeMap<String, String> {
    rows.into_iter().filter_map(|row| Some((row.first()?.clone(), row.get(1)?.clone()))).collect()
}

/// The columns of the CSV of charges that a Parquet row has, as an expression of each.
const AS_CSV: [(&str, &str); 22] = [
    ("event", "p.event::VARCHAR"),
    ("id", "p.id"),
    ("kind", "p.kind"),
    ("account", "p.account"),
    ("day", "p.day::VARCHAR"),
    ("time_utc", "strftime(p.time_utc AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ')"),
    ("left(time_local, 19)", "strftime(p.time_local, '%Y-%m-%dT%H:%M:%S')"),
    ("month", "coalesce(p.month, '')"),
    ("component", "coalesce(p.component, '')"),
    ("point", "coalesce(p.point, '')"),
    ("tariff", "coalesce(p.tariff, '')"),
    ("tariff_version", "coalesce(p.tariff_version::VARCHAR, '')"),
    ("name", "coalesce(p.name, '')"),
    ("season", "coalesce(p.season::VARCHAR, '')"),
    ("period", "coalesce(p.period, '')"),
    ("tier", "coalesce(p.tier::VARCHAR, '')"),
    ("pool", "coalesce(p.pool, '')"),
    ("rule_version", "coalesce(p.rule_version::VARCHAR, '')"),
    ("unit", "coalesce(p.unit, '')"),
    ("amount_to_date", "coalesce(p.amount_to_date::VARCHAR, '')"),
    ("balance_change", "p.balance_change::VARCHAR"),
    ("reference", "coalesce(p.reference, '')"),
];

#[test]
fn duckdb_reads_each_line_as_the_csv_has_it() -> anyhow::Result<()> {
    for name in CASES {
        let (_folder, out) = played(name)?;
        let (file, summary) = export("parquet", &out, "charges.parquet", &[])?;
        let (csv, _) = export("charges", &out, "charges.csv", &[])?;
        let (p, c) = (file.display(), csv.display());
        let joined = format!(
            "(SELECT *, row_number() OVER () AS n FROM '{p}') p JOIN \
             (SELECT *, row_number() OVER () AS n FROM read_csv('{c}', all_varchar=true)) c USING (n)"
        );
        let mut differences = vec!["count(*)".to_owned()];
        for (column, expression) in AS_CSV {
            let c = if column.contains('(') { column.replace("time", "c.time") } else { format!("c.{column}") };
            differences.push(format!("count(*) FILTER ({expression} <> coalesce({c}, ''))"));
        }
        for (column, places) in [("quantity_to_date", 6), ("price", 12)] {
            let csv = format!("c.{column}::DECIMAL(38, {places})");
            differences.push(format!("count(*) FILTER (p.{column} IS DISTINCT FROM {csv})"));
        }
        let found = duckdb(&format!("SELECT {} FROM {joined}", differences.join(", ")))?;
        let mut expected = vec!["0".to_owned(); differences.len()];
        expected[0] = summary["totals"]["lines"].to_string();
        assert_eq!(found, [expected], "{name}: {differences:?}");
    }
    Ok(())
}

#[test]
fn the_columns_types_are_exact() -> anyhow::Result<()> {
    let (_folder, out) = played("hand-dst")?;
    let (file, summary) = export("parquet", &out, "c.parquet", &["--table", "postings"])?;
    let types = pairs(duckdb(&format!("DESCRIBE SELECT * FROM '{}'", file.display()))?);
    for (column, kind) in [
        ("event", "BIGINT"),
        ("day", "DATE"),
        ("time_utc", "TIMESTAMP WITH TIME ZONE"),
        ("time_local", "TIMESTAMP"),
        ("debit", "DECIMAL(18,2)"),
        ("price", "DECIMAL(38,12)"),
        ("quantity_to_date", "DECIMAL(38,6)"),
    ] {
        assert_eq!(types.get(column).map(String::as_str), Some(kind), "{column}");
    }
    let facts = duckdb(&format!("SELECT decode(key), decode(value) FROM parquet_kv_metadata('{}')", file.display()))?;
    let facts = pairs(facts);
    assert_eq!(facts["tallywatt.root"], summary["log"]["root"].as_str().context("root")?);
    let about: Value = serde_json::from_str(&facts["tallywatt"])?;
    assert_eq!(about, summary);
    for member in ["tariffs", "accounts", "books"] {
        ensure!(about[member].as_array().is_some_and(|all| !all.is_empty()), "{member}");
    }
    assert!(about["log"]["first_id"].is_string() && about["log"]["last_event"].is_u64());
    Ok(())
}

#[test]
fn postings_balance_and_close_at_the_ledgers_totals() -> anyhow::Result<()> {
    for name in CASES {
        let (_folder, out) = played(name)?;
        let (file, summary) = export("parquet", &out, "p.parquet", &["--table", "postings"])?;
        let from = format!("FROM '{}'", file.display());
        let unequal = duckdb(&format!("SELECT event, day, account {from} GROUP BY ALL HAVING sum(debit) <> 0"))?;
        assert_eq!(unequal, Vec::<Vec<String>>::new(), "{name}");
        let books = pairs(duckdb(&format!("SELECT book, sum(debit) {from} GROUP BY book"))?);
        let told = summary["books"].as_array().context("books")?;
        let told: BTreeMap<String, String> = told
            .iter()
            .map(|one| (one["name"].as_str().unwrap_or("").to_owned(), one["debit"].as_str().unwrap_or("").to_owned()))
            .collect();
        assert_eq!(books, told, "{name}");
    }
    Ok(())
}

/// Berlin, a flat 1 kW at 1.00, read at each full hour.
fn berlin(from: &str, hours: i64, until: &str) -> anyhow::Result<Played> {
    let start = Instant::parse(from)?;
    let mut rows = "time,meter,kwh\n".to_owned();
    for hour in 0..=hours {
        rows += &format!("{},M-1,{hour}\n", start.plus(hour * 3600));
    }
    let site = head("Europe/Berlin", "EUR") + &flat(1, from, "t") + &one_price("t", "1");
    play(&site, &rows, until)
}

/// PAINS 14 and 24: the curve has the site's own days, over a change of the
/// clock, and adds up to the bill.
#[test]
fn pains_14_the_curve_adds_up_to_the_bill_on_local_days() -> anyhow::Result<()> {
    let spring = berlin("2026-02-27T23:00:00Z", 33 * 24 + 40, "2026-04-03T00:00:00Z")?;
    let more = ["--table", "readings", "--month", "2026-03"];
    let (file, summary) = export("parquet", &spring.out(), "r.parquet", &more)?;
    let from = format!("FROM '{}'", file.display());
    let days = duckdb(&format!(
        "SELECT start_local::DATE AS d, count(*), sum(energy_kwh), min(start_local)::TIME {from} GROUP BY d ORDER BY d"
    ))?;
    assert_eq!(days.len(), 31);
    for day in &days {
        let (minutes, kwh) = if day[0] == "2026-03-29" { ("1380", "23.000000") } else { ("1440", "24.000000") };
        assert_eq!((&day[1][..], &day[2][..], &day[3][..]), (minutes, kwh, "00:00:00"), "{day:?}");
    }
    let whole = duckdb(&format!("SELECT sum(energy_kwh), sum(CASE WHEN interpolated THEN 1 ELSE 0 END) {from}"))?;
    let bill = spring.bill("A-1", "2026-03")?;
    assert_eq!(whole[0][0], "743.000000");
    ensure!(bill.to_string().contains("743"), "{bill}");
    assert_eq!(summary["meters"][0]["energy_kwh"].as_str().map(|kwh| format!("{kwh:0<10}")), Some(whole[0][0].clone()));
    let wall = duckdb(&format!(
        "SELECT count(*) {from} WHERE start_local <> (start_utc AT TIME ZONE 'Europe/Berlin')
         OR epoch(start_local) - epoch(start_utc) <> utc_offset_s"
    ))?;
    assert_eq!(wall, [["0"]]);
    Ok(())
}

#[test]
fn the_curve_of_any_site_adds_up_to_its_registers() -> anyhow::Result<()> {
    for name in ["everything-1", "everything-3", "hand-late"] {
        let (_folder, out) = played(name)?;
        for step in ["60", "3600", "777"] {
            let file = format!("{step}.parquet");
            let (file, summary) = export("parquet", &out, &file, &["--table", "readings", "--step", step])?;
            let from = format!("FROM '{}'", file.display());
            let sums = pairs(duckdb(&format!("SELECT meter, sum(energy_kwh) {from} GROUP BY meter"))?);
            let meters = summary["meters"].as_array().context("meters")?;
            assert_eq!(sums.len(), meters.len(), "{name}");
            for meter in meters {
                let sum = &sums[meter["meter"].as_str().context("meter")?];
                let (whole, fraction) = sum.split_once('.').context("a sum has its places")?;
                let told = meter["energy_kwh"].as_str().context("energy")?;
                let (told_whole, told_fraction) = told.split_once('.').unwrap_or((told, ""));
                assert_eq!((whole, fraction), (told_whole, &*format!("{told_fraction:0<6}")), "{name} {step} {meter}");
            }
        }
    }
    Ok(())
}

#[test]
fn openpyxl_reads_the_workbook_and_its_totals() -> anyhow::Result<()> {
    for name in CASES {
        let (_folder, out) = played(name)?;
        let (book, summary) = export("xlsx", &out, "charges.xlsx", &[])?;
        let (csv, _) = export("charges", &out, "charges.csv", &[])?;
        let sheets = openpyxl(&book)?;
        let rows = &sheets["rows"];
        let lines: Vec<BTreeMap<String, String>> =
            csv::Reader::from_path(csv)?.deserialize().collect::<Result<_, _>>()?;
        assert_eq!(rows.len(), lines.len() + 1, "{name}");
        let plain = |text: &str| match text.split_once('.') {
            Some((whole, fraction)) if !fraction.trim_end_matches('0').is_empty() => {
                format!("{whole}.{}", fraction.trim_end_matches('0'))
            }
            Some((whole, _)) => whole.to_owned(),
            None => text.to_owned(),
        };
        for (row, line) in rows[1..].iter().zip(&lines) {
            for (head, cell) in rows[0].iter().zip(row) {
                let Some(expected) = line.get(head) else { continue };
                match head.as_str() {
                    "time_local" => assert_eq!(cell, &expected[..19], "{name}"),
                    "balance_change" | "amount_to_date" | "price" | "quantity_to_date" => {
                        assert_eq!(plain(cell), plain(expected), "{name} {head}");
                    }
                    _ => assert_eq!(cell, expected, "{name} {head}"),
                }
            }
        }
        let totals = pairs(sheets["control totals"].clone());
        assert_eq!(totals["log.root"], summary["log"]["root"].as_str().context("root")?);
        assert_eq!(plain(&totals["totals.debits"]), plain(summary["totals"]["debits"].as_str().context("debits")?));
    }
    Ok(())
}

#[test]
fn the_same_days_give_the_same_bytes() -> anyhow::Result<()> {
    let (_folder, out) = played("everything-1")?;
    let all = |run: &str| -> anyhow::Result<Vec<Vec<u8>>> {
        let mut files = Vec::new();
        for format in ["parquet", "xlsx"] {
            for table in ["charges", "postings", "readings"] {
                let more = ["--table", table, "--step", "3600"];
                let (file, _) = export(format, &out, &format!("{run}-{table}.{format}"), &more)?;
                files.push(fs::read(file)?);
            }
        }
        Ok(files)
    };
    let second = || std::time::UNIX_EPOCH.elapsed().map(|since| since.as_secs());
    let (first, began) = (all("1")?, second()?);
    // A workbook that said when it was made would differ a second later.
    while second()? == began {
        std::thread::yield_now();
    }
    assert!(first == all("2")?);
    Ok(())
}

#[test]
fn binary_formats_need_a_file() -> anyhow::Result<()> {
    let (_folder, out) = played("hand-late")?;
    let dir = out.display().to_string();
    let (code, said) = command(&["export", "parquet", &dir])?;
    assert_eq!((code, said.contains("name its file with --out")), (2, true), "{said}");
    let file = out.join("x").display().to_string();
    let (code, said) = command(&["export", "parquet", &dir, "--table", "readings", "--step", "0", "--out", &file])?;
    assert_eq!((code, said.contains("--step 1 to 86400")), (2, true), "{said}");
    Ok(())
}

fn most_kb(format: &str, rows: &str) -> anyhow::Result<(i64, i64)> {
    let output = Command::new(env!("CARGO_BIN_EXE_table_rows")).args([format, rows]).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout)?;
    let (most, bytes) = said.trim().split_once(' ').context("two numbers")?;
    Ok((most.parse()?, bytes.parse()?))
}

/// A million lines take no more memory than a tenth of them: a row group is held, and its place in the foot.
#[test]
fn parquet_takes_constant_memory() -> anyhow::Result<()> {
    let (few, _) = most_kb("parquet", "100000")?;
    let (many, bytes) = most_kb("parquet", "1000000")?;
    println!("parquet: {few} kB for 100,000 rows, {many} kB for 1,000,000 ({bytes} bytes)");
    assert!(bytes > 40_000_000, "the rows are not compressed away: {bytes}");
    assert!(many - few < 8 * 1024, "{few} kB, then {many} kB");
    Ok(())
}

/// The rows of a workbook wait in a file, and it is handed on while it is made.
#[test]
fn xlsx_takes_constant_memory() -> anyhow::Result<()> {
    let (few, _) = most_kb("xlsx", "20000")?;
    let (many, bytes) = most_kb("xlsx", "200000")?;
    println!("xlsx: {few} kB for 20,000 rows, {many} kB for 200,000 ({bytes} bytes)");
    assert!(bytes > 8_000_000, "the rows are not compressed away: {bytes}");
    assert!(many - few < 4 * 1024, "{few} kB, then {many} kB");
    Ok(())
}
