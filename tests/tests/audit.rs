//! `tallywatt audit`, and the two time axes of `explain`, on small buildings
//! whose arithmetic is written out beside them.

use std::path::Path;

use tests::run::{self, command};

/// A run of a case of `site-cases/` until an instant.
fn log_of(case: &str, until: &str) -> anyhow::Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    let site = Path::new(env!("CARGO_MANIFEST_DIR")).join("site-cases").join(case);
    run::run(&site, until, &folder.path().join("out"), &[])?;
    Ok(folder)
}

/// What a command says of the log in a folder: `audit KIND OUT …` or `explain OUT …`.
fn said(folder: &tempfile::TempDir, command_words: &[&str], more: &[&str]) -> anyhow::Result<(u8, String)> {
    let out = folder.path().join("out").display().to_string();
    let line: Vec<&str> = command_words.iter().copied().chain([out.as_str()]).chain(more.iter().copied()).collect();
    command(&line)
}

/// What follows the first line that begins with a word, that line included.
fn from<'a>(text: &'a str, word: &str) -> Vec<&'a str> {
    text.trim_end().lines().skip_while(|line| !line.starts_with(word)).collect()
}

/// The words of a table's rows, without the columns of positions and leaves.
fn cells(text: &str, row: &str) -> Vec<String> {
    let rows = text.lines().filter(|line| line.starts_with(row));
    rows.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// A-1's February bill stays 4.41; version 2, learnt on 2 March, is in force on 28 February from then on.
#[test]
fn a_back_dated_tariff_on_both_axes() -> anyhow::Result<()> {
    let log = log_of("hand-backdated-tariff", "2026-04-02T00:00:00Z")?;
    let account = ["audit", "account"];
    let (code, now) = said(&log, &account, &["A-1", "--effective", "2026-02-28"])?;
    assert_eq!(code, 0, "{now}");
    assert_eq!(from(&now, "on "), ["on 2026-02-28:", "  point P-1 of unit U-1: tariff t version 2 from 2026-02-28"]);
    let known = ["A-1", "--effective", "2026-02-28", "--known-at", "2026-03-01T12:00:00Z"];
    let (code, then) = said(&log, &account, &known)?;
    assert_eq!(code, 0, "{then}");
    assert_eq!(from(&then, "on "), ["on 2026-02-28:", "  point P-1 of unit U-1: tariff t version 1 from 2026-02-01"]);
    let balance = |text: &str, row: &str| -> Vec<String> {
        let last = cells(text, row).pop().unwrap_or_default();
        last.split(' ').map(str::to_owned).collect()
    };
    let of_bill = balance(&then, "bill 1");
    assert!(of_bill.contains(&"15.59".to_owned()), "{then}");
    assert!(!then.contains("settlement/2026-03"), "what came later was not known: {then}");
    assert!(balance(&now, "settlement/2026-03-31").contains(&"9.04".to_owned()), "{now}");
    Ok(())
}

#[test]
fn a_bill_names_what_later_bills_took_back_of_it() -> anyhow::Result<()> {
    let log = log_of("hand-backdated-tariff", "2026-04-02T00:00:00Z")?;
    let (code, now) = said(&log, &["audit", "bill"], &["A-1/2026-02"])?;
    assert_eq!(code, 0, "{now}");
    let adjusted = "adjusted by bill 3 of 2026-04-01T02:00:00Z:";
    assert_eq!(
        from(&now, "line"),
        [
            "line                        quantity  price  amount".to_owned(),
            "P-1 energy all 1           20.00 kWh   0.20    4.00".to_owned(),
            "P-1 fixed Standing charge      2 day   0.10    0.20".to_owned(),
            "tax                                            0.21".to_owned(),
            "adjustments                                    0.00".to_owned(),
            "charges                                        4.41".to_owned(),
            format!("{adjusted} P-1 energy all 1 by t version 1 -10.00, -2.00"),
            format!("{adjusted} P-1 fixed Standing charge by t version 1 -1, -0.10"),
            format!("{adjusted} P-1 energy all 1 by t version 2 10.00, 3.00"),
            format!("{adjusted} P-1 fixed Standing charge by t version 2 1, 0.12"),
            format!("{adjusted} VAT -, 0.05"),
        ]
    );
    let (_, then) = said(&log, &["audit", "bill"], &["A-1/2026-02", "--known-at", "2026-03-01T12:00:00Z"])?;
    assert_eq!(from(&then, "charges"), ["charges                                        4.41"]);
    let (code, early) = said(&log, &["audit", "bill"], &["A-1/2026-02", "--known-at", "2026-02-28T12:00:00Z"])?;
    assert_eq!(code, 2);
    assert!(early.contains("no bill of A-1 for 2026-02 was issued by 2026-02-28T12:00:00Z"), "{early}");
    Ok(())
}

#[test]
fn a_line_is_explained_as_known_at_an_instant_and_of_one_day() -> anyhow::Result<()> {
    let log = log_of("hand-backdated-tariff", "2026-04-02T00:00:00Z")?;
    let line = ["--bill", "A-1/2026-02", "--line", "1"];
    let explain = |more: &[&str]| -> anyhow::Result<Vec<String>> {
        let (code, text) = said(&log, &["explain"], &[&line, more].concat())?;
        assert_eq!(code, 0, "{text}");
        let kept = text.lines().filter(|line| !line.contains(" at position ") && !line.contains("readings event"));
        Ok(kept.skip(1).map(str::to_owned).collect())
    };
    let first = "  2026-02-27T00:00:00Z to 2026-02-28T00:00:00Z: 10.00 kWh, of which 10.00 kWh in this line";
    let second = "  2026-02-28T00:00:00Z to 2026-03-01T00:00:00Z: 10.00 kWh, of which 10.00 kWh in this line";
    assert_eq!(explain(&[])?, ["20.00 kWh x 0.20 = 4.00", first, second], "as billed");
    assert_eq!(
        explain(&["--known-at", "2026-03-01T12:00:00Z"])?,
        [
            "20.00 kWh x 0.20 = 4.00",
            "as known at 2026-03-01T12:00:00Z, by the last run until then: 20.00 x 0.20 = 4.00",
            first,
            second,
        ]
    );
    assert_eq!(
        explain(&["--known-at", "2026-03-05T00:00:00Z"])?,
        [
            "20.00 kWh x 0.20 = 4.00",
            "as known at 2026-03-05T00:00:00Z, by the last run until then: 10.00 x 0.20 = 2.00",
            first,
        ]
    );
    assert_eq!(
        explain(&["--effective", "2026-02-28"])?,
        ["20.00 kWh x 0.20 = 4.00", "in force on 2026-02-28: tariff t version 1 from 2026-02-01", second]
    );
    assert_eq!(
        explain(&["--known-at", "2026-03-05T00:00:00Z", "--effective", "2026-02-28"])?,
        [
            "20.00 kWh x 0.20 = 4.00",
            "as known at 2026-03-05T00:00:00Z, by the last run until then: 10.00 x 0.20 = 2.00",
            "in force on 2026-02-28: tariff t version 2 from 2026-02-28",
        ]
    );
    Ok(())
}

#[test]
fn changes_say_who_and_why() -> anyhow::Result<()> {
    let log = log_of("hand-correct-undo-correct", "2026-06-02T00:00:00Z")?;
    let changes = |more: &[&str]| -> anyhow::Result<Vec<String>> {
        let (code, text) = said(&log, &["audit", "changes"], more)?;
        assert_eq!(code, 0, "{text}");
        let rows = cells(&text, "correct");
        Ok(rows.iter().map(|row| row.split(' ').skip(2).collect::<Vec<_>>().join(" ")).collect())
    };
    let spike = "2026-03-05T09:00:00Z j.moore looks like a spike";
    let goodwill = "2026-03-10T09:00:00Z j.moore goodwill";
    let right = "2026-04-05T09:00:00Z j.moore the tenant says it is right";
    let tested = "2026-05-05T09:00:00Z j.moore the meter was tested";
    assert_eq!(changes(&[])?, [spike, goodwill, right, tested]);
    assert_eq!(changes(&["meter/M-2"])?, [spike, right, tested]);
    assert_eq!(changes(&["account/A-2"])?, [goodwill]);
    assert_eq!(changes(&["--known-at", "2026-03-31T00:00:00Z"])?, [spike, goodwill]);
    let (code, none) = said(&log, &["audit", "changes"], &["account/A-1"])?;
    assert_eq!((code, none.trim_end()), (0, "no change was made to account/A-1"));
    let (code, unknown) = said(&log, &["audit", "changes"], &["account/A-9"])?;
    assert_eq!(code, 2);
    assert!(unknown.starts_with("error: nothing was known of account/A-9\nmend: name a chain"), "{unknown}");
    Ok(())
}

/// The wall was moved on the 3rd: 60 : 40 as known in February, 35 : 40 since 5 March.
#[test]
fn a_pools_day_as_known_before_and_after() -> anyhow::Result<()> {
    let log = log_of("hand-area-changes", "2026-06-02T00:00:00Z")?;
    let day = |more: &[&str]| -> anyhow::Result<Vec<String>> {
        let (code, text) = said(&log, &["audit", "pool"], &[&["pool", "--effective", "2026-02-03"], more].concat())?;
        assert_eq!(code, 0, "{text}");
        let mut rows = cells(&text, "part 1");
        rows.extend(cells(&text, "U-"));
        Ok(rows)
    };
    assert_eq!(
        day(&["--known-at", "2026-03-01T00:00:00Z"])?,
        [
            "part 1: 100 % by area (applied: area), 5.00 kWh, 100000000000 nano-units; left over: 0.00 kWh, 0 nano-units",
            "U-1 A-1 60 3.00 60000000000",
            "U-2 A-2 40 2.00 40000000000",
        ]
    );
    assert_eq!(
        day(&[])?,
        [
            "part 1: 100 % by area (applied: area), 5.00 kWh, 100000000000 nano-units; left over: 0.000001 kWh, 1 nano-units",
            "U-1 A-1 35 2.333333 46666666666",
            "U-2 A-2 40 2.666666 53333333333",
        ]
    );
    Ok(())
}
