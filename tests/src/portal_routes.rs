//! The portal's routes, read from its source: none can be added that a walk does not find.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};

/// A route.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// Its path, with names in braces.
    pub path: String,
    /// Whether it is read.
    pub get: bool,
    /// Whether forms are sent to it.
    pub post: bool,
}

/// What would make routes that this search cannot see.
const BLIND: [&str; 8] =
    [".nest(", ".nest_service(", ".route_service(", ".fallback_service(", " put(", " delete(", " patch(", " any("];

/// Every route of the portal, sorted.
pub fn routes() -> Result<Vec<Route>> {
    let mut routes = Vec::new();
    let mut folders = vec![PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../services/src/portal"))];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|name| name == "rs") {
                routes.extend(of_file(&path).with_context(|| path.display().to_string())?);
            }
        }
    }
    routes.sort();
    Ok(routes)
}

fn of_file(path: &Path) -> Result<Vec<Route>> {
    let text = fs::read_to_string(path)?;
    // What a comment says is no route.
    let text: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let blind = BLIND.into_iter().find(|word| text.contains(word));
    ensure!(
        blind.is_none(),
        "{blind:?}: routes are made by .route(PATH, get(…).post(…)) and .merge(…::routes()) alone"
    );
    for (at, word) in text.match_indices(".merge(") {
        let rest = text.get(at + word.len()..).unwrap_or("");
        let merged = rest.split(')').next().unwrap_or("");
        ensure!(merged.ends_with("::routes("), "merge what a module's routes() gives, not {merged}");
    }
    let mut routes = Vec::new();
    for (at, word) in text.match_indices(".route(") {
        let rest = text.get(at + word.len()..).unwrap_or("").trim_start();
        let (path, rest) = rest
            .strip_prefix('"')
            .and_then(|rest| rest.split_once('"'))
            .context("the path of a route is a literal, so that it can be found")?;
        let handlers = call(rest).context("a route has an end")?;
        let (get, post) = (handlers.contains("get("), handlers.contains("post("));
        if !get && !post {
            bail!("{path} is neither read nor sent to");
        }
        routes.push(Route { path: path.to_owned(), get, post });
    }
    Ok(routes)
}

/// Up to the bracket that ends the call.
fn call(text: &str) -> Option<&str> {
    let mut open = 1;
    for (at, one) in text.char_indices() {
        match one {
            '(' => open += 1,
            ')' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return text.get(..at);
        }
    }
    None
}
