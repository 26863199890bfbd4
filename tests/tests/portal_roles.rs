//! Manager, auditor and finance in a real browser, on a real service.

use std::process::Command;

use tests::portal_site::{self, PASSWORD, SITE};

#[test]
fn each_role_does_its_work_in_a_browser() {
    let portal = portal_site::start().expect("the service starts");
    let tools = portal_site::tools().expect("the tools are there");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/browser/roles.mjs");
    let done = Command::new("node")
        .args([script, &format!("http://{}", portal.server.http), SITE, PASSWORD])
        .env("BROWSER_TOOLS", tools)
        .status()
        .expect("node is there");
    assert!(done.success(), "see what the browser said above");
}
