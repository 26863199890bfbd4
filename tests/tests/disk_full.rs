//! A full disk: one clear error, exit code 3, and nothing half written.

use std::process::Command;

use services::{cli::Cli, console::Console, exit::Exit};

#[test]
fn a_run_on_a_full_disk_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=1500k", "tmpfs"]).arg(folder.path()).status();
    if !mounted.is_ok_and(|status| status.success()) {
        eprintln!("*** SKIPPED: a full disk needs the right to mount a small tmpfs ***");
        return;
    }
    let case = tests::cases::named("everything-3").expect("a case");
    let (site, out) = (case.path.display().to_string(), folder.path().join("out").display().to_string());
    let cli = Cli::try_from_args(["tallywatt", "run", &site, "--until", &case.until, "--out", &out]).expect("parses");
    let outcome = cli.run(&mut Console::to(std::io::sink()));
    let left = std::fs::read_dir(folder.path()).expect("reads").count();
    let unmounted = Command::new("umount").arg(folder.path()).status().expect("umount runs");
    assert!(unmounted.success());
    let failure = outcome.expect_err("1.5 MB are not enough");
    assert_eq!(failure.exit, Exit::Storage);
    assert!(failure.error.to_string().contains("disk is full"), "{}", failure.error);
    assert_eq!(left, 0, "nothing is left behind");
}
