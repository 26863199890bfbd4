//! The presets: one file each, nothing but data.

mod china;
mod eu;
mod generic;
mod hk;
mod minnesota;
mod new_york;
mod uk_resale;

use super::preset::Preset;

/// Every version of every preset, in the order in which they came to be.
pub const PRESETS: &[Preset] = &[generic::V1, hk::V1, uk_resale::V1, china::V1, eu::V1, new_york::V1, minnesota::V1];

/// A preset by its name and version.
pub fn find(name: &str, version: i64) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name && preset.version == version)
}

/// The latest version of a preset.
pub fn latest(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().filter(|preset| preset.name == name).max_by_key(|preset| preset.version)
}
