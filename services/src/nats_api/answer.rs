//! A request: what its subject allows, its body in protobuf or JSON, the answer in the same.

use std::sync::Arc;

use async_nats::{HeaderMap, Message};
use domain::event::SiteId;
use prost::Message as _;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::subject::{self, Asked};
use crate::grpc::{Call, Of, Refusal, Rule, audit, balance, bills, consumption};
use crate::identity::{Actor, Grant, Role, Scope};
use crate::serve::App;

/// A method: as in a subject, and its path in the table of rights.
pub(super) struct Method {
    pub(super) name: &'static str,
    pub(super) path: &'static str,
}

/// What can be asked: the queries of gRPC.
pub(super) const METHODS: [Method; 12] = [
    Method { name: "balance.get", path: "/tallywatt.v1.Balance/Get" },
    Method { name: "bills.list", path: "/tallywatt.v1.Bills/List" },
    Method { name: "bills.get", path: "/tallywatt.v1.Bills/Get" },
    Method { name: "bills.explain", path: "/tallywatt.v1.Bills/Explain" },
    Method { name: "bills.payments", path: "/tallywatt.v1.Bills/Payments" },
    Method { name: "bills.proof", path: "/tallywatt.v1.Bills/Proof" },
    Method { name: "consumption.curve", path: "/tallywatt.v1.Consumption/Curve" },
    Method { name: "audit.root", path: "/tallywatt.v1.Audit/Root" },
    Method { name: "audit.allocation", path: "/tallywatt.v1.Audit/Allocation" },
    Method { name: "audit.changes", path: "/tallywatt.v1.Audit/Changes" },
    Method { name: "audit.replay", path: "/tallywatt.v1.Audit/Replay" },
    Method { name: "audit.proof", path: "/tallywatt.v1.Audit/Proof" },
];

impl Method {
    pub(super) fn rule(&self) -> Option<&'static Rule> {
        Rule::of_path(self.path)
    }
}

const CONTENT: &str = "Content-Type";
const JSON: &str = "application/json";
const PROTOBUF: &str = "application/protobuf";

/// An answer: its headers and body.
pub(super) struct Answer {
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    pub(super) refused: Option<Refusal>,
}

/// Whether a request is in JSON: its header says so, or without one its first byte.
fn is_json(message: &Message) -> bool {
    let header = message.headers.as_ref().and_then(|headers| headers.get(CONTENT));
    match header {
        Some(value) => value.as_str().starts_with(JSON),
        None => message.payload.first().is_none_or(|byte| *byte == b'{'),
    }
}

/// Answers a request.
pub(super) async fn answer(app: &Arc<App>, message: &Message) -> Answer {
    let json = is_json(message);
    let mut headers = HeaderMap::new();
    match reply(app, message, json).await {
        Ok(body) => {
            headers.insert(CONTENT, if json { JSON } else { PROTOBUF });
            Answer { headers, body, refused: None }
        }
        Err(refusal) => {
            headers.insert(CONTENT, JSON);
            headers.insert("Nats-Service-Error", refusal.message.as_str());
            headers.insert("Nats-Service-Error-Code", refusal.kind.number());
            headers.insert("Tallywatt-Error", refusal.code);
            let body = json!({"code": refusal.code, "message": refusal.message, "field": refusal.field});
            Answer { headers, body: body.to_string().into_bytes(), refused: Some(refusal) }
        }
    }
}

/// The caller as the subject says it: the NATS server has let it publish there. It only reads.
fn call(asked: &Asked, rule: &'static Rule) -> Call {
    let grant = Grant { site: asked.site.clone(), account: asked.account.clone() };
    let scope = Scope::of([grant]);
    let actor = Actor { user: "nats".to_owned(), role: Role::Auditor, scope, read_only: true, token: None };
    Call::by(actor, rule)
}

async fn reply(app: &Arc<App>, message: &Message, json: bool) -> Result<Vec<u8>, Refusal> {
    let unknown = || Refusal::method("no such subject: tw.api.v1.SITE.account.ACCOUNT.SERVICE.METHOD");
    let asked = subject::parse(&message.subject).ok_or_else(unknown)?;
    let method = METHODS.iter().find(|method| method.name == asked.method).ok_or_else(unknown)?;
    let rule = method.rule().ok_or_else(unknown)?;
    if (rule.of == Of::Account) != asked.account.is_some() {
        return Err(unknown());
    }
    let body = body(&message.payload, json, &asked)?;
    let call = call(&asked, rule);
    let to = Format { json };
    match method.name {
        "balance.get" => to.bytes(&balance::get(app, &call, &body.read()?)?),
        "bills.list" => to.bytes(&bills::list(app, &call, body.read()?).await?),
        "bills.get" => to.bytes(&bills::get(app, &call, body.read()?).await?),
        "bills.explain" => to.bytes(&bills::explain(app, &call, body.read()?).await?),
        "bills.payments" => to.bytes(&bills::payments(app, &call, body.read()?).await?),
        "bills.proof" => to.bytes(&bills::proof(app, &call, body.read()?).await?),
        "consumption.curve" => to.bytes(&consumption::curve(app, &call, body.read()?).await?),
        "audit.root" => to.bytes(&audit::root(app, &call, &body.read()?)?),
        "audit.allocation" => to.bytes(&audit::allocation(app, &call, body.read()?).await?),
        "audit.changes" => to.bytes(&audit::changes(app, &call, body.read()?).await?),
        "audit.replay" => to.bytes(&audit::replay(app, &call, body.read()?).await?),
        "audit.proof" => to.bytes(&audit::proof(app, &call, body.read()?).await?),
        _ => Err(unknown()),
    }
}

/// How an answer is written.
struct Format {
    json: bool,
}

impl Format {
    fn bytes<T: prost::Message + Serialize>(&self, answer: &T) -> Result<Vec<u8>, Refusal> {
        if !self.json {
            return Ok(answer.encode_to_vec());
        }
        serde_json::to_vec(answer).map_err(|error| Refusal::internal(&error))
    }
}

/// A request's body, with site and account of its subject.
enum Body {
    Json(serde_json::Value),
    Protobuf(Vec<u8>),
}

impl Body {
    fn read<T: prost::Message + Default + DeserializeOwned>(&self) -> Result<T, Refusal> {
        match self {
            Self::Json(value) => T::deserialize(value).map_err(|error| Refusal::message(&error.to_string())),
            Self::Protobuf(bytes) => T::decode(bytes.as_slice()).map_err(|error| Refusal::message(&error.to_string())),
        }
    }
}

/// What all requests begin with.
#[derive(Clone, PartialEq, prost::Message)]
struct Whose {
    #[prost(string, tag = "1")]
    site: String,
}

/// What an account's requests begin with.
#[derive(Clone, PartialEq, prost::Message)]
struct AccountWhose {
    #[prost(string, tag = "1")]
    site: String,
    #[prost(string, tag = "2")]
    account: String,
}

fn same(field: &'static str, said: &str, of_subject: &str) -> Result<(), Refusal> {
    if said.is_empty() || said == of_subject {
        return Ok(());
    }
    Err(Refusal::field(field, "is another one than the subject's: leave it out"))
}

/// Reads a body: what it says of site and account must be the subject's, which stand in it after.
fn body(payload: &[u8], json: bool, asked: &Asked) -> Result<Body, Refusal> {
    let site: &SiteId = &asked.site;
    if json {
        let text = if payload.is_empty() { b"{}" } else { payload };
        let mut value: serde_json::Value =
            serde_json::from_slice(text).map_err(|error| Refusal::message(&error.to_string()))?;
        let members = value.as_object_mut().ok_or_else(|| Refusal::message("the body is no JSON object"))?;
        let said = |members: &serde_json::Map<String, serde_json::Value>, name: &str| {
            members.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
        };
        same("site", &said(members, "site"), site.as_str())?;
        members.insert("site".to_owned(), json!(site));
        if let Some(account) = &asked.account {
            same("account", &said(members, "account"), account.as_str())?;
            members.insert("account".to_owned(), json!(account));
        }
        return Ok(Body::Json(value));
    }
    let wrong = |error: prost::DecodeError| Refusal::message(&error.to_string());
    // Of a field that comes twice the last one counts.
    let mut bytes = payload.to_vec();
    same("site", &Whose::decode(payload).map_err(wrong)?.site, site.as_str())?;
    bytes.extend(Whose { site: site.to_string() }.encode_to_vec());
    if let Some(account) = &asked.account {
        let said = AccountWhose::decode(payload).map_err(wrong)?;
        same("account", &said.account, account.as_str())?;
        let whose = AccountWhose { site: String::new(), account: account.to_string() };
        bytes.extend(whose.encode_to_vec());
    }
    Ok(Body::Protobuf(bytes))
}
