//! Auditor, clerk and a tenant with a proof in a real browser, on a real service.

use tests::portal_site::{self, PASSWORD, SITE};

#[test]
fn who_checks_the_books_finds_what_he_needs() {
    let portal = portal_site::start().expect("the service starts");
    portal_site::browse(portal.server.http, "audit.mjs", &[SITE, PASSWORD]).expect("the browser finds nothing wrong");
}
