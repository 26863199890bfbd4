//! What a manager works with: alarms and held readings, supply, the cash desk, rules and leases, users.
//!
//! A page is read by GET and written to by POST at the same address; the answer of a form is the page
//! with what became of it. What the visitor's role may not do has no form, and is refused all the same.

mod alarms;
mod cash;
mod draft;
mod final_bill;
mod leases;
mod rules;
mod several;
mod start;
mod supply;
mod user;
mod users;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use crate::serve::App;
pub(super) use cash::list as payments;

/// The pages of a manager.
pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/site/{site}/alarms", get(alarms::page).post(alarms::act))
        .route("/site/{site}/supply", get(supply::page).post(supply::act))
        .route("/site/{site}/supply/several", get(several::page).post(several::act))
        .route("/site/{site}/cash", get(cash::page).post(cash::act))
        .route("/site/{site}/rules", get(rules::page).post(rules::act))
        .route("/site/{site}/leases", get(leases::page).post(leases::act))
        .route("/site/{site}/users", get(users::page).post(users::act))
        .route("/site/{site}/users/{user}", get(user::page).post(user::act))
}
