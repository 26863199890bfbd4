//! Whether the service lives, whether it is ready, and its figures.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use metrics::gauge;
use serde_json::{Value, json};

use super::App;

/// `/healthz`, `/readyz`, `/metrics`.
pub(super) fn routes() -> Router<Arc<App>> {
    Router::new().route("/healthz", get(healthz)).route("/readyz", get(readyz)).route("/metrics", get(metrics))
}

async fn healthz() -> &'static str {
    "ok\n"
}

/// Ready while every site can append.
async fn readyz(State(app): State<Arc<App>>) -> impl IntoResponse {
    let mut ready = true;
    let mut sites = serde_json::Map::new();
    for (id, site) in &app.sites {
        let moment = site.desk.moment();
        ready &= moment.fault.is_none();
        let state: Value = json!({"position": moment.position, "received": moment.received, "fault": moment.fault});
        sites.insert(id.to_string(), state);
    }
    let code = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(json!({"ready": ready, "sites": sites})))
}

/// Figures in Prometheus' text format. What is an age is as of now.
async fn metrics(State(app): State<Arc<App>>) -> impl IntoResponse {
    for (id, site) in &app.sites {
        let moment = site.desk.moment();
        let seconds = |since: i64| f64::from(i32::try_from(since.max(0)).unwrap_or(i32::MAX));
        let label = id.to_string();
        if let Some(newest) = moment.newest_reading {
            gauge!("tallywatt_newest_reading_age_seconds", "site" => label.clone())
                .set(seconds(app.now().since(newest)));
        }
        let lag = moment.position.saturating_sub(moment.live_at.0);
        let lag = f64::from(u32::try_from(lag).unwrap_or(u32::MAX));
        gauge!("tallywatt_projection_lag_events", "site" => label.clone(), "projection" => "balance").set(lag);
        gauge!("tallywatt_site_ready", "site" => label).set(if moment.fault.is_none() { 1.0 } else { 0.0 });
    }
    app.metrics.run_upkeep();
    ([("content-type", "text/plain; version=0.0.4; charset=utf-8")], app.metrics.render())
}
