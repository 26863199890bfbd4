//! A peer that reads the description and tries what it allows: schemathesis, with a fixed seed and few examples.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use services::identity::Role;
use tests::http;
use tests::instance::Instance;

/// Names of what is there, so that a peer gets behind the paths.
fn with_names(document: &mut Value) -> Result<()> {
    let names = [
        ("site", json!(["berlin"])),
        ("account", json!(["berlin-A-1", "berlin-A-0"])),
        ("point", json!(["berlin-P-1", "berlin-P-9"])),
        ("pool", json!(["berlin-L-1"])),
        ("day", json!(["2026-03-05", "2026-04-10"])),
        ("month", json!(["2026-03", "2026-04", "1999-01"])),
        ("line", json!(["1", "2", "99"])),
        ("from", json!(["2026-03-29", "2026-04-01T00:00:00Z"])),
        ("until", json!(["2026-04-02", "2026-04-09T23:30:00Z"])),
    ];
    let paths = document["paths"].as_object_mut().context("paths")?;
    paths.retain(|path, _| !path.ends_with("/live"));
    for (_, item) in paths {
        let operations = item.as_object_mut().into_iter().flat_map(serde_json::Map::values_mut);
        for parameter in operations.flat_map(|one| one["parameters"].as_array_mut()).flatten() {
            let known = names.iter().find(|(name, _)| parameter["name"] == *name);
            if let Some((_, values)) = known {
                parameter["schema"] = json!({"enum": values});
            }
        }
    }
    Ok(())
}

#[test]
fn a_peer_finds_no_answer_that_the_description_does_not_have() -> Result<()> {
    let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/schemathesis");
    ensure!(tool.exists(), "run `sh tests/tools.sh`");
    let instance = Instance::start_with("requests_per_s = 100000");
    let at = instance.server.http;
    let mut document = http::ask(at, "GET", "/api/v1/openapi.json", &[])?.json()?;
    with_names(&mut document)?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("openapi.json");
    std::fs::write(&file, document.to_string())?;
    let token = instance.token(Role::Auditor, "berlin", false);
    let checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";
    let output = Command::new("python3")
        .env("PYTHONPATH", &tool)
        .current_dir(folder.path())
        .args(["-m", "schemathesis.cli", "run"])
        .arg(&file)
        .args(["--url", &format!("http://{at}"), "--header", &format!("Authorization: Bearer {token}")])
        .args(["--checks", checks, "--max-examples", "8", "--seed", "1", "--phases", "examples,coverage,fuzzing"])
        .args(["--mode", "all", "--no-color", "--generation-database", "none", "--request-timeout", "60"])
        .output()
        .context("python3")?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{said}");
    ensure!(said.contains("API calls") || said.contains("passed"), "nothing was tried: {said}");
    Ok(())
}
