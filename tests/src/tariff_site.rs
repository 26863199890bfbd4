//! A small building around a tariff: points with a use for each day, and the
//! bills that a run over it leaves.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

use anyhow::Context;
use domain::quantity::{Date, show_scaled};
use serde_json::Value;

use crate::run;

/// A building of one tenant, A-1, with a point for each tariff.
#[derive(Debug, Clone)]
pub struct TariffSite {
    /// IANA name.
    pub zone: String,
    /// Its offset from UTC in those days, as in `+05:30`.
    pub offset: String,
    /// ISO 4217.
    pub currency: String,
    /// Further keys of `[site]`.
    pub site_keys: String,
    /// The `[[tariff]]` tables.
    pub tariffs: String,
    /// Point, its tariff, and its use in mWh of each day.
    pub points: Vec<(String, String, Vec<i64>)>,
    /// The first day.
    pub first: Date,
    /// Further tables.
    pub tables: String,
}

/// A total of mWh as even days.
pub fn even(total_mwh: i64, days: i64) -> Vec<i64> {
    (1..=days).map(|day| total_mwh * day / days - total_mwh * (day - 1) / days).collect()
}

impl TariffSite {
    fn midnight(&self, day: Date) -> String {
        format!("{day}T00:00:00{}", self.offset)
    }

    /// The text of `site.toml`.
    pub fn toml(&self) -> String {
        let start = self.midnight(self.first);
        let mut text = format!(
            "format = 1\n[site]\nid = \"tariffs\"\nname = \"Tariffs\"\ntime_zone = \"{}\"\ncurrency = \"{}\"\n\
             landlord = \"A-0\"\nsettle_after = \"00:15\"\nbill_after = \"01:00\"\n{}\n\
             [[account]]\nid = \"A-0\"\n[[account]]\nid = \"A-1\"\n[[unit]]\nid = \"U-1\"\n\
             [[lease]]\naccount = \"A-1\"\nunit = \"U-1\"\nfrom = {start}\n",
            self.zone, self.currency, self.site_keys
        );
        for (point, tariff, _) in &self.points {
            let _ = write!(
                text,
                "[[point]]\nid = \"{point}\"\nkind = \"unit\"\nunit = \"U-1\"\n\
                 [[meter]]\nid = \"M-{point}\"\npoint = \"{point}\"\ninstalled = {start}\nstart_kwh = \"0\"\n\
                 [[assign]]\npoint = \"{point}\"\ntariff = \"{tariff}\"\nfrom = {}\n",
                self.first
            );
        }
        text + &self.tariffs + "\n" + &self.tables
    }

    /// Writes the folder, with a reading at the end of each day.
    pub fn write(&self, folder: &Path) -> anyhow::Result<()> {
        fs::create_dir_all(folder)?;
        fs::write(folder.join("site.toml"), self.toml())?;
        let mut rows = String::from("time,meter,kwh\n");
        for (point, _, days) in &self.points {
            let (mut register, mut day) = (0i64, self.first);
            for mwh in days {
                register += mwh;
                day = day.next();
                let kwh = show_scaled(register.into(), 6, 2);
                let _ = writeln!(rows, "{},M-{point},{kwh}", self.midnight(day));
            }
        }
        fs::write(folder.join("readings.csv"), rows)?;
        fs::write(folder.join("recharges.csv"), "time,account,amount,reference\n")?;
        Ok(())
    }

    /// Runs the pipeline until noon after a day and into `out`; the bills by account and month.
    pub fn bills(&self, last: Date, out: &Path) -> anyhow::Result<BTreeMap<(String, String), Value>> {
        let folder = tempfile::tempdir()?;
        self.write(folder.path())?;
        run::run(folder.path(), &format!("{}T12:00:00Z", last.next()), out, &[])?;
        run::bills(out)
    }

    /// The tenant's bill of the first month.
    pub fn bill(&self) -> anyhow::Result<Value> {
        let folder = tempfile::tempdir()?;
        let month = self.first.month();
        let bills = self.bills(month.last(), &folder.path().join("out"))?;
        bills.get(&("A-1".to_owned(), month.to_string())).cloned().context("A-1 has a bill")
    }
}

/// The lines of a bill as people read them: `energy all 1: 50.00 kWh x 3.15 = 157.50`.
pub fn lines(bill: &Value) -> Vec<String> {
    let text = |line: &Value, key: &str| match &line[key] {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let one = |line: &Value| {
        let words = ["component", "name", "period", "tier"].map(|key| text(line, key));
        let key = words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        let (quantity, price, amount) = (text(line, "quantity"), text(line, "price"), text(line, "amount"));
        match (text(line, "component").as_str(), text(line, "unit").as_str()) {
            ("rounding", _) => format!("{key}: {quantity} to {price} = {amount}"),
            ("minimum", _) => format!("{key}: up to {price} = {amount}"),
            (_, "amount") => format!("{key}: {quantity} x {price} = {amount}"),
            (_, unit) => format!("{key}: {quantity} {unit} x {price} = {amount}"),
        }
    };
    bill["indoor"].as_array().into_iter().flatten().map(one).collect()
}
