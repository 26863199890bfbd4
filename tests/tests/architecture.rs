//! The arrows between the crates, and the other rules of shape that a tool can
//! hold. Each rule is a function from text to faults, and is shown going red.

use std::{
    fs,
    path::{Path, PathBuf},
};
use toml_edit::DocumentMut;

/// What each crate may name under `[dependencies]` and `[build-dependencies]`, of the workspace.
const ARROWS: [(&str, &[&str]); 6] = [
    ("domain", &[]),
    ("projections", &["domain"]),
    ("adapters", &["domain"]),
    ("proto", &[]),
    ("services", &["domain", "projections", "adapters", "proto"]),
    ("tests", &["domain", "projections", "adapters", "proto", "services"]),
];

/// Foreign crates that the domain may use.
const DOMAIN_CRATES: [&str; 9] =
    ["serde", "serde_json", "rust_decimal", "num-bigint", "num-rational", "chrono", "uuid", "sha2", "thiserror"];

/// The domain has no I/O, clock, randomness, threads, floats or hash maps.
const DOMAIN_BANS: [&str; 16] = [
    "tokio",
    "std::fs",
    "std::net",
    "std::io",
    "std::thread",
    "std::env",
    "std::process",
    "Instant::now",
    "SystemTime",
    "Utc::now",
    "Local::now",
    "HashMap",
    "HashSet",
    "rand",
    "f32",
    "f64",
];

/// Top-level entries beside dot files; the last two are never committed.
const TOP: [&str; 14] = [
    "adapters",
    "domain",
    "projections",
    "proto",
    "services",
    "tests",
    "Cargo.toml",
    "Cargo.lock",
    "README.md",
    "ARCHITECTURE.md",
    "LICENSE",
    "Makefile",
    "target",
    "demo-data",
];

const LONGEST_FILE: usize = 500;

/// Files that may be longer, and why.
const LONG_FILES: [(&str, &str); 0] = [];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace is above tests").to_owned()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The Rust files under a folder, with their paths from the root.
fn sources(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the workspace") {
            let path = entry.expect("a readable entry").path();
            if path.is_dir() {
                if path.file_name().is_some_and(|name| name != "target") {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|end| end == "rs") {
                let name = path.strip_prefix(root()).expect("below the root").display().to_string();
                found.push((name, read(&path)));
            }
        }
    }
    found.sort();
    found
}

/// Dependencies that the crate in `folder` may not have.
fn forbidden_arrows(folder: &str, manifest: &str) -> Vec<String> {
    let ours: Vec<&str> = ARROWS.iter().map(|(name, _)| *name).collect();
    let allowed = ARROWS.iter().find(|(name, _)| *name == folder).map_or(&[][..], |(_, allowed)| allowed);
    let manifest: DocumentMut = manifest.parse().expect("a manifest is TOML");
    let mut faults = Vec::new();
    for (key, item) in manifest.iter().filter(|(key, _)| *key == "target" || key.ends_with("dependencies")) {
        if key == "target" {
            faults.push(format!("{folder}: dependencies by platform are not checked here"));
        }
        for (name, value) in item.as_table_like().into_iter().flat_map(|table| table.iter()) {
            let package = value.get("package").and_then(|package| package.as_str()).unwrap_or(name);
            let name = match package {
                "tallywatt" => "services",
                _ => package.strip_prefix("tallywatt-").unwrap_or(package),
            };
            let foreign_is_fine = folder != "domain" || key == "dev-dependencies" || DOMAIN_CRATES.contains(&name);
            if if ours.contains(&name) { !allowed.contains(&name) } else { !foreign_is_fine } {
                faults.push(format!("{folder} -> {name}"));
            }
        }
    }
    faults
}

/// Banned words in the code of a file, comments aside.
fn forbidden_words(text: &str) -> Vec<&'static str> {
    let code: String =
        text.lines().map(|line| line.split_once("//").map_or(line, |(code, _)| code)).collect::<Vec<_>>().join("\n");
    let is_word = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let stands_alone = |word: &str| {
        code.match_indices(word).any(|(at, _)| {
            let before = at.checked_sub(1).and_then(|at| code.as_bytes().get(at).copied());
            !is_word(before) && !is_word(code.as_bytes().get(at + word.len()).copied())
        })
    };
    // `use std::{fs, …}` names the module without its path.
    let grouped = |ban: &str| {
        ban.strip_prefix("std::").is_some_and(|module| {
            code.split("use std::{").skip(1).any(|rest| {
                let group = rest.split(';').next().unwrap_or("");
                group.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).any(|name| name == module)
            })
        })
    };
    DOMAIN_BANS.into_iter().filter(|ban| stands_alone(ban) || grouped(ban)).collect()
}

/// Paths in backticks that do not exist.
fn missing_paths(page: &str, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let quoted = page.split('`').skip(1).step_by(2);
    let is_path =
        |text: &&str| !text.contains([' ', '<', '*', '(', ':']) && (text.contains('/') || text.ends_with(".md"));
    quoted.filter(is_path).filter(|path| !exists(path)).map(str::to_owned).collect()
}

fn shape_faults(name: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if !text.starts_with("//!") {
        faults.push(format!("{name}: the first line says what lives here, with //!"));
    }
    let lines = text.lines().count();
    if lines > LONGEST_FILE && !LONG_FILES.iter().any(|(long, _)| *long == name) {
        faults.push(format!("{name}: {lines} lines, without a reason"));
    }
    faults
}

fn stray<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    names.into_iter().filter(|name| !name.starts_with('.') && !TOP.contains(name)).collect()
}

#[test]
fn imports_point_one_way() {
    for (folder, _) in ARROWS {
        let manifest = read(&root().join(folder).join("Cargo.toml"));
        assert_eq!(forbidden_arrows(folder, &manifest), Vec::<String>::new());
    }
    assert_eq!(forbidden_arrows("domain", "[dependencies]\ntokio = \"1\"\nserde = \"1\""), ["domain -> tokio"]);
    assert_eq!(
        forbidden_arrows("adapters", "[dependencies]\nprojections.workspace = true"),
        ["adapters -> projections"]
    );
    assert_eq!(
        forbidden_arrows("projections", "[dependencies.adapters]\nworkspace = true"),
        ["projections -> adapters"]
    );
    assert_eq!(
        forbidden_arrows("adapters", "[dependencies]\nx = { package = \"tallywatt\" }"),
        ["adapters -> services"]
    );
    assert_eq!(forbidden_arrows("domain", "[build-dependencies]\ncc = \"1\""), ["domain -> cc"]);
}

#[test]
fn the_domain_is_pure() {
    for (name, text) in sources("domain/src") {
        assert_eq!(forbidden_words(&text), Vec::<&str>::new(), "{name}");
    }
    assert_eq!(forbidden_words("use std::{fmt, fs};\nlet x: f64 = y; // HashMap"), ["std::fs", "f64"]);
    assert_eq!(
        forbidden_words("Utc::now(); let a = HashMap::new(); std::env::var(x)"),
        ["std::env", "Utc::now", "HashMap"]
    );
    assert_eq!(forbidden_words("let operand = my_f32; // tokio"), Vec::<&str>::new());
}

#[test]
fn the_code_map_is_true() {
    let page = read(&root().join("ARCHITECTURE.md"));
    assert_eq!(missing_paths(&page, |path| root().join(path).exists()), Vec::<String>::new());
    assert_eq!(
        missing_paths("`domain/src/no.rs` and `decide(a / b)`", |path| root().join(path).exists()),
        ["domain/src/no.rs"]
    );
}

#[test]
fn every_file_opens_with_its_purpose_and_fits() {
    let faults: Vec<String> = ARROWS
        .iter()
        .flat_map(|(folder, _)| sources(folder))
        .flat_map(|(name, text)| shape_faults(&name, &text))
        .collect();
    assert_eq!(faults, Vec::<String>::new());
    assert_eq!(shape_faults("a.rs", "use b;").len(), 1);
    assert_eq!(shape_faults("a.rs", &"//!\n".repeat(501)).len(), 1);
}

#[test]
fn the_top_holds_nothing_else() {
    let names: Vec<String> = fs::read_dir(root())
        .expect("the workspace")
        .map(|entry| entry.expect("a readable entry").file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(stray(names.iter().map(String::as_str)), Vec::<&str>::new());
    assert_eq!(stray(["docs", "Makefile", ".ci"]), ["docs"]);
}
