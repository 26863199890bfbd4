//! A preview is the bill (killbill/killbill#2249, #1042): what `preview` says at
//! an instant is byte for byte what is issued then, but for the number.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use domain::billing::{RunKind, Site};
use domain::event::{AccountId, BillIssued, Body, encode_canonical};
use domain::quantity::{Instant, Month};
use services::history::{self, Entry};
use tests::cases::{self, Case};

fn issued(run: &[Entry]) -> BTreeMap<AccountId, Vec<BillIssued>> {
    let mut bills: BTreeMap<AccountId, Vec<BillIssued>> = BTreeMap::new();
    for entry in run {
        if let Body::BillIssued(bill) = &entry.event.body {
            bills.entry(bill.account.clone()).or_default().push(bill.clone());
        }
    }
    bills
}

/// Previews every account's bill just before it is issued; how many there were.
fn compare(site: &mut Site, month: Month, at: Instant, run: &[Entry]) -> anyhow::Result<usize> {
    let bills = issued(run);
    let accounts: Vec<AccountId> = site.premises().accounts.keys().cloned().collect();
    for account in accounts {
        let preview = site.preview(&account, month, at)?;
        let bill = bills.get(&account).map_or(&[][..], Vec::as_slice);
        ensure!(preview.len() == bill.len(), "{account} {month}: {} parts, not {}", preview.len(), bill.len());
        for (preview, bill) in preview.into_iter().zip(bill) {
            let numbered = BillIssued { number: bill.number, ..preview };
            ensure!(
                encode_canonical(&numbered)? == encode_canonical(bill)?,
                "{account} {month}: {numbered:?}\n{bill:?}"
            );
        }
    }
    Ok(bills.len())
}

fn check(case: &Case) -> anyhow::Result<()> {
    let temp = tempfile::tempdir()?;
    let out = temp.path().join("run");
    tests::run::run(&case.path, &case.until, &out, &[])?;
    let entries = history::read(&out, None)?;
    let mut site = Site::new();
    let mut rest = entries.as_slice();
    let mut bills = 0;
    while let Some((entry, later)) = rest.split_first() {
        if !entry.event.body.is_decision() {
            site.apply(&entry.event, &entry.leaf)?;
            rest = later;
            continue;
        }
        let end =
            rest.iter().position(|entry| matches!(entry.event.body, Body::DaySettled(_))).context("a run ends")?;
        let (run, later) = rest.split_at(end + 1);
        rest = later;
        let due = site.next_due().context("a run is due")?;
        if let RunKind::Bill(month) = due.kind {
            bills += compare(&mut site, month, due.at, run)?;
        }
        let recorded: Vec<&Body> = run.iter().map(|entry| &entry.event.body).collect();
        let decided = site.decide(due)?;
        ensure!(
            decided.decisions.iter().collect::<Vec<_>>() == recorded,
            "a preview changed what {} decides",
            due.kind
        );
        for entry in run {
            site.apply(&entry.event, &entry.leaf)?;
        }
    }
    let written = tests::run::bills(&out)?.len();
    ensure!(bills == written, "{bills} bills were previewed, {written} issued");
    Ok(())
}

#[test]
fn every_bill_of_every_case_is_its_preview() -> anyhow::Result<()> {
    let all = cases::all()?;
    assert!(all.len() >= 39);
    cases::check_each(&all, check);
    Ok(())
}
