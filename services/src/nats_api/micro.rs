//! The service protocol of NATS: `$SRV.PING`, `$SRV.INFO` and `$SRV.STATS`, of all
//! services, of those of a name, and of one.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use domain::quantity::Instant;
use serde_json::{Value, json};

use super::answer::METHODS;
use super::subject::API;
use crate::grpc::{Of, Refusal};

/// The name under which the service is found.
pub(super) const NAME: &str = "tallywatt";
/// Requests of a site go to one of the processes of this group.
pub(super) const GROUP: &str = "tallywatt";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What was asked of an endpoint.
#[derive(Debug, Default, Clone)]
struct Counts {
    requests: u64,
    errors: u64,
    last_error: String,
    time: Duration,
}

/// An instance of the service.
#[derive(Debug)]
pub(super) struct Micro {
    id: String,
    started: Instant,
    counts: Mutex<BTreeMap<&'static str, Counts>>,
}

impl Micro {
    pub(super) fn new(id: String, started: Instant) -> Self {
        Self { id, started, counts: Mutex::default() }
    }

    /// The subjects on which it is asked: each word of all, of the name, of the instance.
    pub(super) fn subjects(&self) -> Vec<String> {
        let of = |word: &str| {
            [format!("$SRV.{word}"), format!("$SRV.{word}.{NAME}"), format!("$SRV.{word}.{NAME}.{}", self.id)]
        };
        ["PING", "INFO", "STATS"].iter().flat_map(|word| of(word)).collect()
    }

    /// Counts a request to an endpoint.
    pub(super) fn count(&self, method: &str, took: Duration, refused: Option<&Refusal>) {
        let Some(method) = METHODS.iter().find(|one| one.name == method) else { return };
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let of = counts.entry(method.name).or_default();
        of.requests = of.requests.saturating_add(1);
        of.time = of.time.saturating_add(took);
        if let Some(refusal) = refused {
            of.errors = of.errors.saturating_add(1);
            of.last_error = format!("{}:{}", refusal.kind.number(), refusal.message);
        }
    }

    /// The answer to a subject.
    pub(super) fn answer(&self, subject: &str) -> Option<Value> {
        let word = subject.strip_prefix("$SRV.")?.split('.').next()?;
        let mut answer = json!({"name": NAME, "id": self.id, "version": VERSION, "metadata": {}});
        let members = answer.as_object_mut()?;
        match word {
            "PING" => members.insert("type".to_owned(), json!("io.nats.micro.v1.ping_response")),
            "INFO" => {
                members.insert("type".to_owned(), json!("io.nats.micro.v1.info_response"));
                members.insert("description".to_owned(), json!("Balances, bills, consumption and audit of sites"));
                members.insert("endpoints".to_owned(), METHODS.iter().map(|method| endpoint(method.name)).collect())
            }
            "STATS" => {
                members.insert("type".to_owned(), json!("io.nats.micro.v1.stats_response"));
                members.insert("started".to_owned(), json!(self.started));
                members.insert("endpoints".to_owned(), self.stats())
            }
            _ => return None,
        };
        Some(answer)
    }

    fn stats(&self) -> Value {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |name: &'static str| {
            let count = counts.get(name).cloned().unwrap_or_default();
            let mut stats = endpoint(name);
            let nanos = u64::try_from(count.time.as_nanos()).unwrap_or(u64::MAX);
            let average = nanos.checked_div(count.requests).unwrap_or_default();
            if let Some(members) = stats.as_object_mut() {
                members.insert("num_requests".to_owned(), json!(count.requests));
                members.insert("num_errors".to_owned(), json!(count.errors));
                members.insert("last_error".to_owned(), json!(count.last_error));
                members.insert("processing_time".to_owned(), json!(nanos));
                members.insert("average_processing_time".to_owned(), json!(average));
            }
            stats
        };
        METHODS.iter().map(|method| of(method.name)).collect()
    }
}

fn endpoint(name: &'static str) -> Value {
    let method = METHODS.iter().find(|method| method.name == name);
    let of_account = method.and_then(super::answer::Method::rule).is_some_and(|rule| rule.of == Of::Account);
    let subject = if of_account { format!("{API}.*.account.*.{name}") } else { format!("{API}.*.{name}") };
    json!({"name": name.replace('.', "-"), "subject": subject, "queue_group": GROUP,
        "metadata": {"formats": "application/protobuf, application/json"}})
}
