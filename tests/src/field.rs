//! The field log of three KPM33B meters, and the site folder built from it.

use services::import::{self, Registry, kpm_mqtt, kpm_mqtt::Imported};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The zone of the meters' clocks; `tests/field/site/site.toml` says why.
pub const ZONE: &str = "Europe/Vienna";

/// A file or folder of `tests/field`.
pub fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("field").join(name)
}

/// The log itself.
pub fn log() -> PathBuf {
    path("MQTT_ENY_NOW_20260112-1535.log")
}

/// The log through the importer, with the meters of the site.
pub fn imported() -> anyhow::Result<Imported> {
    let registry = Registry::of_site(&path("site/site.toml"))?;
    Ok(kpm_mqtt::read(&log(), &registry, import::zone(ZONE)?)?)
}

/// Writes the site folder into `folder`. Its January bills have 50.707 kWh
/// and 20.501 kWh indoor and 0.00 kWh shared.
pub fn write_site(folder: &Path) -> anyhow::Result<Imported> {
    let imported = imported()?;
    fs::copy(path("site/site.toml"), folder.join("site.toml"))?;
    fs::write(folder.join("recharges.csv"), "time,account,amount,reference\n")?;
    kpm_mqtt::write(&imported, import::zone(ZONE)?, Some(&folder.join("readings.csv")), None)?;
    Ok(imported)
}
