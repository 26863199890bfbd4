//! What finance works with: whether a month can be closed, what came in and what nobody knows the account
//! of, what is owed to tenants at a date, and the books for other programs.

mod bank;
mod books;
mod export;
mod owed;
mod suspense;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use crate::serve::App;

/// The pages of finance.
pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/site/{site}/books", get(books::page).post(books::act))
        .route("/site/{site}/books/bank", get(bank::page).post(bank::act))
        .route("/site/{site}/books/export", get(export::download))
}
