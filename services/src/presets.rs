//! Presets of rules as commands list them: all, or the one that was asked for.

use crate::exit::{Failure, bad};

/// All presets, or the one that `find` gives for the name asked for.
pub(crate) fn chosen<P>(
    asked: Option<&str>,
    all: &'static [P],
    find: impl FnOnce(&str) -> Option<&'static P>,
    name: impl Fn(&P) -> &str,
) -> Result<Vec<&'static P>, Failure> {
    let Some(asked) = asked else { return Ok(all.iter().collect()) };
    let found = find(asked).ok_or_else(|| {
        let names: Vec<&str> = all.iter().map(name).collect();
        bad(format!("no preset is called '{asked}'"), &format!("name one of {}", names.join(", ")))
    })?;
    Ok(vec![found])
}
