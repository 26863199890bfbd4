//! Small sites as text, and what a run of one leaves.

use std::{collections::BTreeMap, fs};

use anyhow::Context;
use serde_json::Value;
use tempfile::TempDir;

use crate::run;

/// A site folder as text, and where it is run.
#[derive(Debug)]
pub struct Played {
    folder: TempDir,
    /// The bills, by account and month.
    pub bills: BTreeMap<(String, String), Value>,
}

impl Played {
    /// The output folder.
    pub fn out(&self) -> std::path::PathBuf {
        self.folder.path().join("out")
    }

    /// The output folder, for a command line.
    pub fn dir(&self) -> String {
        self.out().display().to_string()
    }

    /// The bill of an account and month.
    pub fn bill(&self, account: &str, month: &str) -> anyhow::Result<&Value> {
        let key = (account.to_owned(), month.to_owned());
        self.bills.get(&key).with_context(|| format!("no bill of {account} for {month}: {:?}", self.bills.keys()))
    }

    /// A JSON file of the output folder.
    pub fn file(&self, path: &str) -> anyhow::Result<Value> {
        Ok(serde_json::from_slice(&fs::read(self.out().join(path)).with_context(|| path.to_owned())?)?)
    }
}

/// Runs a site given as text until an instant.
pub fn play(toml: &str, readings: &str, until: &str) -> anyhow::Result<Played> {
    let folder = tempfile::tempdir()?;
    let site = folder.path().join("site");
    fs::create_dir(&site)?;
    fs::write(site.join("site.toml"), toml)?;
    fs::write(site.join("readings.csv"), readings)?;
    fs::write(site.join("recharges.csv"), "time,account,amount,reference\n")?;
    let out = folder.path().join("out");
    run::run(&site, until, &out, &[])?;
    Ok(Played { bills: run::bills(&out)?, folder })
}

/// The head of a site: its zone, currency and landlord A-0.
pub fn head(zone: &str, currency: &str) -> String {
    format!(
        r#"format = 1
[site]
id = "pains"
name = "Pains"
time_zone = "{zone}"
currency = "{currency}"
landlord = "A-0"
settle_after = "00:15"
bill_after = "03:00"
max_gap = "01:00"
[[account]]
id = "A-0"
"#
    )
}

/// Unit, point, meter and account of a number, leased from the meter's installation on.
pub fn flat(number: usize, installed: &str, tariff: &str) -> String {
    format!(
        r#"
[[unit]]
id = "U-{number}"
area_m2 = "50"
[[point]]
id = "P-{number}"
kind = "unit"
unit = "U-{number}"
[[meter]]
id = "M-{number}"
point = "P-{number}"
installed = {installed}
start_kwh = "0"
[[account]]
id = "A-{number}"
[[lease]]
account = "A-{number}"
unit = "U-{number}"
from = {installed}
[[assign]]
point = "P-{number}"
tariff = "{tariff}"
from = 2026-01-01
"#
    )
}

/// A tariff with the keys after `from`.
pub fn tariff(id: &str, keys: &str) -> String {
    format!("\n[[tariff]]\nid = \"{id}\"\nversion = 1\nfrom = 2026-01-01\n{keys}\n")
}

/// A tariff of one price.
pub fn one_price(id: &str, price: &str) -> String {
    let energy = format!("energy = [ {{ period = \"all\", tiers = [ {{ price = \"{price}\" }} ] }} ]");
    tariff(id, &format!("default_period = \"all\"\n{energy}"))
}
