//! The `OpenAPI` description, made of the table of operations and of the structures' schemas.

use axum::Json;
use clap::ValueEnum as _;
use serde_json::{Map, Value, json};
use utoipa::OpenApi;

use super::order;
use super::site::{Me, Seen, SiteRow};
use super::table::{Form, Method, OPERATIONS, Operation, Parameter};
use crate::export::Format;
use crate::query;
use crate::serve::access::{Access, Code, ProblemBody};

/// The schemas of all that is answered.
#[derive(OpenApi)]
#[openapi(components(schemas(
    ProblemBody,
    Me,
    Seen,
    SiteRow,
    order::AlarmOrder,
    order::LeaseOrder,
    order::MatchOrder,
    order::MoneyOrder,
    order::OrderedAmount,
    order::PlainOrder,
    order::ReadingOrder,
    order::ReasonOrder,
    order::RechargeOrder,
    order::ReturnOrder,
    order::SwitchOrder,
    order::TablesOrder,
    order::WeatherOrder,
    order::Written,
    query::AccountRow,
    query::Allocation,
    query::Balance,
    query::Bill,
    query::BillRow,
    query::ChangeRow,
    query::CloseCheck,
    query::Curve,
    query::Days,
    query::EnergyFlow,
    query::Explanation,
    query::Holds,
    query::InForce,
    query::Ledger,
    query::MonthSum,
    query::Owed,
    query::PointState,
    query::PoolRow,
    query::Proof,
    query::QuarantinedReading,
    query::RechargeRow,
    query::Replayed,
    query::TierProgress,
    query::UnitState
)))]
struct Schemas;

impl Parameter {
    /// Its name, what it is, and its schema.
    fn described(self) -> (&'static str, &'static str, Value) {
        let text = json!({"type": "string"});
        match self {
            Self::Table => (
                "table",
                "Of parquet and xlsx: what rows there are.",
                json!({"enum": ["charges", "postings", "readings"]}),
            ),
            Self::Through => (
                "through",
                "The position of the log that it is by; the newest otherwise.",
                json!({"type": "integer", "minimum": 1}),
            ),
            Self::KnownAt => (
                "known_at",
                "By what was received up to then: an instant (RFC 3339), a local day (to its end) or time, or a position of the log.",
                text,
            ),
            Self::Event => ("event", "An event: its position, from 1, or its id.", text),
            Self::Size => (
                "size",
                "How many events the tree is over; all of them otherwise.",
                json!({"type": "integer", "minimum": 1}),
            ),
            Self::Since => {
                ("since", "The size of an older tree that it grew out of.", json!({"type": "integer", "minimum": 1}))
            }
            Self::From => ("from", "An instant (RFC 3339), or the start of a local day.", text),
            Self::Until => ("until", "An instant (RFC 3339), or the start of a local day; not included.", text),
            Self::Step => ("step", "How long a bar is.", json!({"enum": ["minute", "quarter", "hour", "day"]})),
            Self::Limit => ("limit", "How many rows.", json!({"type": "integer", "minimum": 1, "maximum": 1000})),
            Self::Cursor => ("cursor", "The `next` of the page before.", text),
            Self::LossPercent => ("loss_percent", "How much of the main meters' energy may be lost.", text),
        }
    }
}

fn parameters(operation: &Operation) -> Vec<Value> {
    let parts = operation.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let of_path = parts.map(|name| {
        let formats = || Format::value_variants().iter().map(|format| format.name()).collect::<Vec<_>>();
        let schema = if name == "format" { json!({"enum": formats()}) } else { json!({"type": "string"}) };
        json!({"name": name, "in": "path", "required": true, "schema": schema})
    });
    let of_query = operation.parameters.iter().map(|one| {
        let (name, text, schema) = one.described();
        json!({"name": name, "in": "query", "required": false, "description": text, "schema": schema})
    });
    let of_head = (operation.method == Method::Post).then(|| {
        let text = "Drawn by the caller, once in the site: the same key and body are made once, and answered alike.";
        let schema = json!({"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$"});
        json!({"name": "Idempotency-Key", "in": "header", "required": true, "description": text, "schema": schema})
    });
    of_path.chain(of_query).chain(of_head).collect()
}

fn answer(operation: &Operation) -> Value {
    let schema = json!({"$ref": format!("#/components/schemas/{}", operation.answer)});
    let content = match operation.form {
        Form::One => json!({"application/json": {"schema": schema}}),
        Form::Page => json!({"application/json": {"schema": {
            "type": "object", "required": ["items", "next"],
            "properties": {"items": {"type": "array", "items": schema}, "next": {"type": ["string", "null"]}},
        }}}),
        Form::Events => json!({"text/event-stream": {"schema": {"type": "string"}}}),
        Form::File => {
            let kinds = Format::value_variants().iter().map(|format| {
                (format.media_type().to_owned(), json!({"schema": {"type": "string", "format": "binary"}}))
            });
            Value::Object(kinds.collect())
        }
        Form::Bundle => json!({"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}),
        Form::Document => json!({"application/json": {"schema": {"type": "object"}}}),
    };
    json!({"description": operation.summary, "content": content})
}

/// The answers of an operation: its own, and a problem for each status that it may have.
fn responses(operation: &Operation) -> Value {
    let mut all = Map::new();
    all.insert("200".to_owned(), answer(operation));
    if operation.access != Access::Public {
        if operation.method == Method::Get {
            all.insert("304".to_owned(), json!({"description": "The caller has it already."}));
        }
        let schema = json!({"$ref": "#/components/schemas/ProblemBody"});
        for code in Code::ALL {
            let (_, status, text) = code.published();
            let content = json!({"application/problem+json": {"schema": schema}});
            all.insert(status.as_str().to_owned(), json!({"description": text, "content": content}));
        }
    }
    Value::Object(all)
}

/// The `OpenAPI` 3.1 document.
pub fn document() -> Value {
    let described = serde_json::to_value(Schemas::openapi()).unwrap_or_default();
    let schemas = described.pointer("/components/schemas").cloned().unwrap_or_default();
    let mut paths = Map::new();
    for operation in OPERATIONS {
        let open = operation.access == Access::Public;
        let security = if open { json!([]) } else { json!([{"token": []}, {"session": []}]) };
        let id = operation.path.trim_start_matches("/api/v1/").replace(['/', '-', '.'], "_").replace(['{', '}'], "");
        let mut described = json!({
            "operationId": id, "summary": operation.summary, "parameters": parameters(operation),
            "responses": responses(operation), "security": security,
        });
        let method = match operation.method {
            Method::Get => "get",
            Method::Post => {
                let schema = json!({"$ref": format!("#/components/schemas/{}", operation.body)});
                let body = json!({"required": true, "content": {"application/json": {"schema": schema}}});
                if let Value::Object(described) = &mut described {
                    described.insert("requestBody".to_owned(), body);
                }
                "post"
            }
        };
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        if let Value::Object(path) = path {
            path.insert(method.to_owned(), described);
        }
    }
    let codes: Vec<&str> = Code::ALL.iter().map(|code| code.published().0).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Tallywatt", "version": "1", "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": format!("Balances, bills, curves and audits of prepaid electricity. Problem codes: {}.", codes.join(", ")),
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": crate::serve::access::SESSION},
            },
        },
    })
}

pub(super) async fn serve() -> Json<Value> {
    Json(document())
}
