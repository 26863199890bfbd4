//! The meter models that come with the program, and those that a user adds: a
//! TOML file each. How one is written stands in `README.md` here.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::order::Span;
use super::profile::Profile;
use super::profile_file::{ProfileError, read};

macro_rules! shipped {
    ($($id:literal)*) => { [$(($id, include_str!(concat!($id, ".toml")))),*] };
}

/// Every file of this folder.
const SHIPPED: [(&str, &str); 19] = shipped![
    "abb_b23" "acrel_adl400" "acrel_adw300" "carlo_gavazzi_em24" "carlo_gavazzi_em340" "chint_ddsu666"
    "chint_dtsu666" "eastron_sdm120" "eastron_sdm230" "eastron_sdm630" "eastron_sdm72v2" "finder_7m38"
    "hiking_dds238" "inepro_pro380" "janitza_b23" "kpm33b" "orno_we514" "orno_we516" "schneider_iem3155"
];

/// Profiles by their ids.
#[derive(Debug, Clone)]
pub struct Profiles {
    by_id: BTreeMap<String, Arc<Profile>>,
    /// What a shipped profile forbids of its registers.
    forbidden: Vec<Span>,
}

impl Profiles {
    /// Those that come with the program.
    pub fn shipped() -> Result<Self, ProfileError> {
        let mut all = Self { by_id: BTreeMap::new(), forbidden: Vec::new() };
        for (id, text) in SHIPPED {
            let profile = read(&format!("{id}.toml"), text)?;
            all.forbidden.extend(&profile.writes.forbidden);
            all.by_id.insert(profile.id.clone(), Arc::new(profile));
        }
        Ok(all)
    }

    /// Adds a user's profile. It may not take a shipped one's name, nor write
    /// where a shipped one forbids it: a wrong file must not open a way to
    /// what erases another meter's energy.
    pub fn add(&mut self, file: &str, text: &str) -> Result<(), ProfileError> {
        let profile = read(file, text)?;
        let refuse = |key: &str, problem: String| {
            Err(ProfileError { file: file.to_owned(), line: None, key: key.to_owned(), problem })
        };
        if self.by_id.contains_key(&profile.id) {
            return refuse("id", format!("`{}` is known already: give the file another name", profile.id));
        }
        for write in profile.writes.every() {
            if let Some(span) = self.forbidden.iter().find(|span| write.touches(**span)) {
                let at = span.address;
                let problem = format!(
                    "the register 0x{at:04X} is one that erases or loses other meters, and is written by no profile from outside: leave its [relay] out"
                );
                return refuse("relay", problem);
            }
        }
        self.by_id.insert(profile.id.clone(), Arc::new(profile));
        Ok(())
    }

    /// Adds every `.toml` file of a folder, in the order of their names.
    pub fn add_folder(&mut self, folder: &Path) -> Result<(), ProfileError> {
        let unreadable = |path: &Path, error: std::io::Error| ProfileError {
            file: path.display().to_string(),
            line: None,
            key: "profiles".to_owned(),
            problem: format!("cannot be read: {error}"),
        };
        let entries = std::fs::read_dir(folder).map_err(|error| unreadable(folder, error))?;
        let mut paths = Vec::new();
        for entry in entries {
            paths.push(entry.map_err(|error| unreadable(folder, error))?.path());
        }
        paths.retain(|path| path.extension().is_some_and(|end| end == "toml"));
        paths.sort();
        for path in paths {
            let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&path, error))?;
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            self.add(&name, &text)?;
        }
        Ok(())
    }

    /// The profile of an id.
    pub fn get(&self, id: &str) -> Option<&Arc<Profile>> {
        self.by_id.get(id)
    }

    /// Every id, in order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.by_id.keys().map(String::as_str)
    }
}
