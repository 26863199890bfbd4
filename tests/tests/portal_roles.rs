//! Manager, auditor and finance in a real browser, on a real service.

use tests::portal_site::{self, PASSWORD, SITE};

#[test]
fn each_role_does_its_work_in_a_browser() {
    let portal = portal_site::start().expect("the service starts");
    portal_site::browse(portal.server.http, "roles.mjs", &[SITE, PASSWORD]).expect("the browser finds nothing wrong");
}
