//! The one error of a site folder: where, what, and the mend.

use std::fmt;

/// What is wrong with a folder, and how it is mended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct FolderError {
    /// The file's name in the folder.
    pub file: &'static str,
    /// The line, from 1.
    pub line: Option<usize>,
    /// The table and key, or the column.
    pub field: Option<String>,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub mend: String,
}

impl fmt::Display for FolderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(field) = &self.field {
            write!(f, ": {field}")?;
        }
        write!(f, ": {}; mend: {}", self.problem, self.mend)
    }
}

/// The name most like `wanted`, by the fewest letters to change.
pub(crate) fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    names.min_by_key(|name| distance(&wanted.to_lowercase(), &name.to_lowercase()))
}

/// The mend for a name that is not known.
pub(super) fn did_you_mean<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> String {
    match nearest(wanted, names) {
        Some(name) if distance(&wanted.to_lowercase(), &name.to_lowercase()) <= 3 => format!("did you mean '{name}'?"),
        Some(name) => format!("use a known name such as '{name}'"),
        None => "define it first".to_owned(),
    }
}

fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i.saturating_add(1);
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, y) in row.iter_mut().skip(1).zip(&b) {
            let change = diagonal.saturating_add(usize::from(x != *y));
            diagonal = *cell;
            left = change.min(left.saturating_add(1)).min(diagonal.saturating_add(1));
            *cell = left;
        }
    }
    row.last().copied().unwrap_or(0)
}
