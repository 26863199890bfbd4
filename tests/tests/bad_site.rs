//! What only a settlement finds names its place in the folder too, and nothing is left behind.

use services::{cli::Cli, console::Console, exit::Exit};

/// Runs a good folder with one edit; gives the error's text.
fn refusal(file: &str, from: &str, to: &str) -> String {
    let case = tests::cases::named("everything-1").expect("a case");
    let folder = tempfile::tempdir().expect("a folder");
    let (site, out) = (folder.path().join("site"), folder.path().join("out"));
    std::fs::create_dir(&site).expect("makes");
    for name in ["site.toml", "readings.csv", "recharges.csv"] {
        let mut text = std::fs::read_to_string(case.path.join(name)).expect("reads");
        if name == file {
            assert!(text.contains(from), "'{from}' is in {file}");
            text = text.replacen(from, to, 1);
        }
        std::fs::write(site.join(name), text).expect("writes");
    }
    let (site, out) = (site.display().to_string(), out.display().to_string());
    let cli = Cli::try_from_args(["tallywatt", "run", &site, "--until", &case.until, "--out", &out]).expect("parses");
    let failure = cli.run(&mut Console::to(std::io::sink())).expect_err("it is refused");
    assert_eq!(failure.exit, Exit::BadInput, "{}", failure.error);
    assert_eq!(std::fs::read_dir(folder.path()).expect("reads").count(), 1, "something is left behind");
    failure.error.to_string()
}

#[test]
fn what_a_settlement_finds_is_named_with_its_place() {
    let edits = [
        (
            "recharges.csv",
            "213.04,R0005,recharge",
            "213.04,R0005,refund",
            "recharges.csv:2: recharge: refund R0005 of account A-003 at 2026-02-26T23:21:17Z is above its settled balance; mend: refund at most the settled balance at that time",
        ),
        (
            "site.toml",
            "final_kwh = \"9997.052\"",
            "final_kwh = \"9000.052\"",
            "site.toml:64: [[meter]]: meter M-102: final_kwh at 2026-03-07T13:10:44Z would be quarantined: backwards; mend: correct it, or withdraw the readings that it contradicts",
        ),
        (
            "site.toml",
            "point = \"P-103\"\ntariff = \"t3\"\nfrom = 2025-12-01",
            "point = \"P-103\"\ntariff = \"t3\"\nfrom = 2026-03-05",
            "site.toml:40: [[point]]: point P-103 used energy on 2026-03-01 under a lease, but has no tariff then; assign one from 2026-03-01 or before; mend: add an [[assign]] for the point, or make one begin earlier",
        ),
        (
            "site.toml",
            "[[assign]]\npoint = \"P-101\"",
            "[[withdraw]]\nmeter = \"M-101\"\ntime = 2026-03-02T00:00:01Z\nreceived = 2026-03-05T00:00:00Z\nby = \"J. Doe\"\nreason = \"spike\"\n\n[[assign]]\npoint = \"P-101\"",
            "site.toml:266: [[withdraw]]: meter M-101 has no accepted reading at 2026-03-02T00:00:01Z to withdraw; mend: name the time of an accepted reading, or take the table out",
        ),
        (
            "site.toml",
            "[[assign]]\npoint = \"P-101\"",
            "[[release]]\nmeter = \"M-101\"\ntime = 2026-03-02T00:00:01Z\nreceived = 2026-03-05T00:00:00Z\nby = \"J. Doe\"\nreason = \"spike\"\n\n[[assign]]\npoint = \"P-101\"",
            "site.toml:266: [[release]]: meter M-101 has no quarantined number at 2026-03-02T00:00:01Z to release; mend: name the time of a quarantined reading, or take the table out",
        ),
    ];
    for (file, from, to, wanted) in edits {
        assert_eq!(refusal(file, from, to), wanted);
    }
}

#[test]
fn a_log_of_a_newer_program_is_refused() {
    let case = tests::cases::named("hand-late").expect("a case");
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log.db");
    drop(adapters::event_log::EmbeddedLog::open(&log).expect("opens"));
    let file = rusqlite::Connection::open(&log).expect("opens");
    file.pragma_update(None, "user_version", 99).expect("updates");
    drop(file);
    let error =
        tests::run::run(&case.path, &case.until, &folder.path().join("out"), &["--log", &log.display().to_string()])
            .expect_err("it is refused")
            .to_string();
    assert!(error.contains("log format 99 is newer than this program: install the version that wrote it"), "{error}");
    assert!(!folder.path().join("out").exists() && !folder.path().join("out.partial").exists());
}
