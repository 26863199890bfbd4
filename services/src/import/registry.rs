//! The meters whose frames are wanted: serials, and their ids in the site.

use super::ImportError;
use std::{collections::BTreeMap, fs, path::Path};
use toml_edit::DocumentMut;

/// Registered serials with the ids of their meters.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    ids: BTreeMap<String, String>,
}

impl Registry {
    /// Serials that stand for the ids too.
    pub fn of_serials(serials: &[String]) -> Result<Self, ImportError> {
        let mut ids = BTreeMap::new();
        for serial in serials {
            let serial = serial.trim();
            if serial.is_empty() || ids.insert(serial.to_owned(), serial.to_owned()).is_some() {
                return Err(ImportError::BadSerial { serial: serial.to_owned() });
            }
        }
        Ok(Self { ids })
    }

    /// The `[[meter]]` tables of a site file. A meter without a serial is no
    /// meter of this log.
    pub fn of_site(path: &Path) -> Result<Self, ImportError> {
        let text =
            fs::read_to_string(path).map_err(|source| ImportError::Unreadable { path: path.to_owned(), source })?;
        let site: DocumentMut =
            text.parse().map_err(|source| ImportError::NotToml { path: path.to_owned(), source: Box::new(source) })?;
        let mut ids = BTreeMap::new();
        let tables = site.get("meter").and_then(|item| item.as_array_of_tables());
        for (index, table) in tables.into_iter().flatten().enumerate() {
            let bad = |key| ImportError::BadMeter { path: path.to_owned(), number: index.saturating_add(1), key };
            let Some(serial) = table.get("serial") else { continue };
            let serial = serial.as_str().ok_or_else(|| bad("serial"))?;
            let id = table.get("id").and_then(|id| id.as_str()).ok_or_else(|| bad("id"))?;
            if ids.insert(serial.to_owned(), id.to_owned()).is_some() {
                return Err(bad("serial"));
            }
        }
        if ids.is_empty() {
            return Err(ImportError::NoMeter { path: path.to_owned() });
        }
        Ok(Self { ids })
    }

    /// The ids of every `[[meter]]` table of a site file.
    pub(super) fn meters_of_site(path: &Path) -> Result<std::collections::BTreeSet<String>, ImportError> {
        let text =
            fs::read_to_string(path).map_err(|source| ImportError::Unreadable { path: path.to_owned(), source })?;
        let site: DocumentMut =
            text.parse().map_err(|source| ImportError::NotToml { path: path.to_owned(), source: Box::new(source) })?;
        let tables = site.get("meter").and_then(|item| item.as_array_of_tables());
        let ids = tables.into_iter().flatten().filter_map(|table| table.get("id")?.as_str());
        Ok(ids.map(str::to_owned).collect())
    }

    pub(super) fn id(&self, serial: &str) -> Option<&str> {
        self.ids.get(serial).map(String::as_str)
    }
}
