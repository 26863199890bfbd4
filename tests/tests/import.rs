//! The importer of KPM33B logs against the field log and its expected counts.

use serde_json::Value;
use services::import::{self, Registry, kpm_mqtt};
use std::{collections::BTreeSet, fs, path::Path};
use tests::field;

#[test]
fn every_count_is_the_expected_one() -> anyhow::Result<()> {
    let expected: Value = serde_json::from_str(&fs::read_to_string(field::path("expected.json"))?)?;
    let mut report = serde_json::to_value(field::imported()?.report)?;
    let Value::Object(fields) = &mut report else { anyhow::bail!("a report is an object") };
    assert_eq!(fields.remove("frames"), Some(2072.into()));
    assert_eq!(fields.remove("bursts"), Some(208.into()));
    for meter in fields["meters"].as_object_mut().into_iter().flat_map(|meters| meters.values_mut()) {
        meter.as_object_mut().and_then(|meter| meter.remove("clock"));
    }
    assert_eq!(report, expected["arrival_order"]);
    Ok(())
}

#[test]
fn times_are_quarter_hours_and_the_odd_clock_is_flagged() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let imported = field::write_site(folder.path())?;
    let text = fs::read_to_string(folder.path().join("readings.csv"))?;
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("time,meter,kwh,received,serial,device_time"));
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), 624);
    assert_eq!(rows[0][..3], ["2026-01-12T16:00:00Z", "M-28", "31.057"]);
    assert_eq!(
        rows[2],
        ["2026-01-12T16:00:00Z", "M-29", "117.607", "2026-01-12T16:00:00Z", "33B1225950029", "2005-01-13T16:00:00Z"]
    );
    assert_eq!(rows[623][..3], ["2026-01-14T19:45:00Z", "M-29", "138.108"]);
    assert!(rows.is_sorted_by_key(|row| row[0]));
    let instants: BTreeSet<&str> = rows.iter().map(|row| row[0]).collect();
    assert_eq!(instants.len(), 208);
    for instant in instants {
        assert!([":00:00Z", ":15:00Z", ":30:00Z", ":45:00Z"].iter().any(|end| instant.ends_with(end)), "{instant}");
    }
    for (serial, meter) in &imported.report.meters {
        let (off, offset_s) = if serial.ends_with("029") { (208, -7669 * 86_400) } else { (0, 0) };
        assert_eq!((meter.clock.implausible, meter.clock.differs, meter.clock.last_offset_s), (off, off, offset_s));
    }
    Ok(())
}

#[test]
fn nothing_is_lost() -> anyhow::Result<()> {
    let imported = field::imported()?;
    let lines: BTreeSet<usize> =
        imported.accepted.iter().map(|row| row.line).chain(imported.refused.iter().map(|row| row.line)).collect();
    assert_eq!(lines, (1..=2072).collect());
    Ok(())
}

#[test]
fn the_rules_that_the_field_log_never_breaks() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let log = folder.path().join("made.log");
    let frame = |time: &str, import: &str, rate: &str| {
        let rest = "fygsz zwgsz fwgsz zszsz fyjsz zyfsz fyfsz zypsz fypsz zyvsz fyvsz zydvsz fydvsz".split(' ');
        let rest: String = rest.map(|name| format!("\"{name}\":0.000,")).collect();
        format!(
            "MQTT_ENY_NOW {{\"id\":\"M\",\"zygsz\":{import},\"zyjsz\":{rate},{rest}\"time\":\"{time}\",\"isend\":\"1\"}}\n"
        )
    };
    let text = frame("20050112170000", "5.000", "5.000")
        + "half a line\n"
        + &frame("20260112170000", "10.000", "9.997")
        + &frame("20260112171500", "9.999", "9.999")
        + &frame("20260112173000", "11.000", "11.006")
        + &frame("20260112174500", "11.000", "11.005").replace("\"isend\":\"1\"", "\"isend\":\"0\"")
        + &frame("20260112180000", "11.000", "11.005");
    fs::write(&log, text)?;
    let imported = kpm_mqtt::read(&log, &Registry::of_serials(&["M".to_owned()])?, import::zone(field::ZONE)?)?;
    let accepted: Vec<usize> = imported.accepted.iter().map(|row| row.line).collect();
    let refused: Vec<(usize, &str)> = imported.refused.iter().map(|row| (row.line, row.reason.word())).collect();
    assert_eq!(accepted, [1, 3, 7]);
    assert_eq!(refused, [(2, "malformed"), (4, "import_decreased"), (5, "tou_sum_mismatch"), (6, "malformed")]);
    Ok(())
}

/// Runs the importer on bad input; gives its exit code, message and what lies in the folder.
fn check_refused(args: &[&str], folder: &Path, code: i32, said: &str) {
    let before = fs::read_dir(folder).expect("a folder of this test").count();
    let result = services_import(args);
    let (exit, message) = result;
    assert_eq!((exit, message.contains(said)), (code, true), "{message}");
    assert!(message.contains("mend: "), "{message}");
    assert_eq!(fs::read_dir(folder).expect("a folder of this test").count(), before, "nothing is written");
}

fn services_import(args: &[&str]) -> (i32, String) {
    use services::{cli::Cli, console::Console};
    let line = ["tallywatt", "import", "kpm-mqtt"].into_iter().chain(args.iter().copied());
    match Cli::try_from_args(line).map(|cli| cli.run(&mut Console::to(std::io::sink()))) {
        Ok(Ok(exit)) => (exit.code().into(), String::new()),
        Ok(Err(failure)) => (failure.exit.code().into(), format!("{}\nmend: {}", failure.error, failure.mend)),
        Err(error) => (error.exit_code(), error.to_string()),
    }
}

#[test]
fn bad_input_is_named_and_writes_nothing() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let at = |name: &str| folder.path().join(name).display().to_string();
    let log = field::log().display().to_string();
    let out = at("readings.csv");
    fs::write(at("other.txt"), "not a log\n")?;
    fs::write(at("site.toml"), "[[meter]]\nserial = \"33B1225950027\"\n")?;
    let check = |args: &[&str], code, said| check_refused(args, folder.path(), code, said);
    check(&[&at("none.log"), "--meters", "A", "--zone", "Etc/UTC", "--out", &out], 2, "none.log: cannot be read");
    check(&[&log, "--meters", "A", "--zone", "Mars/Base", "--out", &out], 2, "no time zone `Mars/Base`");
    check(&[&log, "--meters", "A,A", "--zone", "Etc/UTC", "--out", &out], 2, "serial `A` is empty or given twice");
    check(&[&at("other.txt"), "--meters", "A", "--zone", "Etc/UTC", "--out", &out], 2, "line 1: `json`");
    check(&[&log, "--site", &at("site.toml"), "--zone", "Etc/UTC", "--out", &out], 2, "[[meter]] number 1: `id`");
    check(&[&log, "--meters", "A", "--zone", "Etc/UTC", "--out", &log], 2, "named for two files");
    check(&[&log, "--meters", "A", "--zone", "Etc/UTC", "--out", &at("no/readings.csv")], 3, "cannot be written");
    Ok(())
}
