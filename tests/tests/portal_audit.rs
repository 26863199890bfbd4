//! Auditor, clerk and a tenant with a proof in a real browser, on a real service.

use std::process::Command;

use tests::portal_site::{self, PASSWORD, SITE};

#[test]
fn who_checks_the_books_finds_what_he_needs() {
    let portal = portal_site::start().expect("the service starts");
    let tools = portal_site::tools().expect("the tools are there");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/browser/audit.mjs");
    let done = Command::new("node")
        .args([script, &format!("http://{}", portal.server.http), SITE, PASSWORD])
        .env("BROWSER_TOOLS", tools)
        .status()
        .expect("node is there");
    assert!(done.success(), "see what the browser said above");
}
