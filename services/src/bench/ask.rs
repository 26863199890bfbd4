//! The program that asks for balances over gRPC, a process of its own: what it needs of the machine is not the service's.

use std::error::Error;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant as Clock};

use proto::v1::GetBalanceRequest;
use proto::v1::balance_client::BalanceClient;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tonic::Request;
use tonic::transport::Channel;

use super::data::SITE;
use super::per_second;

type Failed = Box<dyn Error + Send + Sync>;

/// Queries a second of the goal (DESIGN §9), and how long they are asked.
const RATE: usize = 5_000;
const SECONDS: usize = 8;
/// Queries that are sent together, each so many milliseconds.
const TOGETHER: usize = 5;
const BEAT: Duration = Duration::from_millis(1);
/// Calls at a time, where they go as fast as they are answered.
const AT_ONCE: usize = 64;
const CONNECTIONS: usize = 4;
/// The environment's name for the token.
const TOKEN: &str = "TALLYWATT_BENCH_TOKEN";

/// What a query took in microseconds, at the median and of one in a hundred.
#[derive(Debug, Clone, Copy)]
pub(super) struct Took {
    pub(super) p50: u128,
    pub(super) p99: u128,
}

/// What was measured.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    /// From when each query was due, whether or not it could be sent then.
    pub(super) due: Took,
    /// From when each was sent.
    pub(super) sent: Took,
    /// As fast as answered, a second.
    pub(super) most: u128,
}

impl Took {
    fn of(mut all: Vec<Duration>) -> Self {
        all.sort_unstable();
        let at = |permille: usize| {
            let index = all.len().saturating_mul(permille).div_euclid(1000);
            all.get(index).map_or(u128::MAX, Duration::as_micros)
        };
        Self { p50: at(500), p99: at(990) }
    }

    fn value(self) -> Value {
        json!({"p50": self.p50.to_string(), "p99": self.p99.to_string()})
    }
}

/// Has another process ask.
pub(super) fn by_process(address: SocketAddr, token: &str, units: usize) -> Result<Asked, Failed> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["bench", "--ask", &address.to_string(), "--meters", &units.to_string()]).env(TOKEN, token);
    let ended = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    let said: Value = serde_json::from_slice(&ended.stdout)?;
    let number = |value: &Value| value.as_str().and_then(|text| text.parse().ok()).ok_or("no figure");
    let took = |value: &Value| Ok::<_, Failed>(Took { p50: number(&value["p50"])?, p99: number(&value["p99"])? });
    Ok(Asked { due: took(&said["due"])?, sent: took(&said["sent"])?, most: number(&said["most"])? })
}

/// Asks; what was measured, as `by_process` reads it.
pub(super) fn run(address: &str, units: usize) -> Result<Value, Failed> {
    let token = std::env::var(TOKEN)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut clients = Vec::new();
        for _ in 0..CONNECTIONS {
            let channel = Channel::from_shared(format!("http://{address}"))?.connect().await?;
            clients.push(BalanceClient::new(channel));
        }
        let load = Load { clients, token: format!("Bearer {token}").parse()?, units };
        load.steady(1).await?;
        let (due, sent) = load.steady(SECONDS).await?;
        Ok(json!({"due": due.value(), "sent": sent.value(), "most": load.flat_out().await?.to_string()}))
    })
}

struct Load {
    clients: Vec<BalanceClient<Channel>>,
    token: tonic::metadata::MetadataValue<tonic::metadata::Ascii>,
    units: usize,
}

/// How long a call took since it was due, and since it was sent.
type Call = Result<(Duration, Duration), Failed>;

impl Load {
    /// Asks once.
    fn call(&self, number: usize, due: Clock) -> impl Future<Output = Call> + Send + use<> {
        let client = self.clients.get(number.checked_rem(self.clients.len()).unwrap_or_default()).cloned();
        let unit = number.wrapping_mul(7919).checked_rem(self.units).unwrap_or_default();
        let mut request = Request::new(GetBalanceRequest { site: SITE.to_owned(), account: format!("A-{unit:06}") });
        request.metadata_mut().insert("authorization", self.token.clone());
        async move {
            let sent = Clock::now();
            let reply = client.ok_or("no client")?.get(request).await?;
            reply.get_ref().balance.as_ref().ok_or("no balance")?;
            Ok((due.elapsed(), sent.elapsed()))
        }
    }

    /// Asks at the goal's rate, whether or not answers come.
    async fn steady(&self, seconds: usize) -> Result<(Took, Took), Failed> {
        let mut beat = tokio::time::interval(BEAT);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
        let mut calls = JoinSet::new();
        let (mut since_due, mut since_sent) = (Vec::new(), Vec::new());
        let mut note = |call: Call| {
            let (due, sent) = call?;
            since_due.push(due);
            since_sent.push(sent);
            Ok::<_, Failed>(())
        };
        let count = RATE.saturating_mul(seconds);
        for first in (0..count).step_by(TOGETHER) {
            let due = beat.tick().await.into_std();
            for number in first..first.saturating_add(TOGETHER) {
                calls.spawn(self.call(number, due));
            }
            while let Some(done) = calls.try_join_next() {
                note(done?)?;
            }
        }
        while let Some(done) = calls.join_next().await {
            note(done?)?;
        }
        Ok((Took::of(since_due), Took::of(since_sent)))
    }

    /// Asks as fast as it is answered; how many a second.
    async fn flat_out(&self) -> Result<u128, Failed> {
        let began = Clock::now();
        let mut calls = JoinSet::new();
        let mut count = 0usize;
        let until = began.checked_add(Duration::from_secs(5)).ok_or("a clock that ends")?;
        while Clock::now() < until {
            while calls.len() < AT_ONCE {
                calls.spawn(self.call(count, Clock::now()));
                count = count.saturating_add(1);
            }
            if let Some(done) = calls.join_next().await {
                done??;
            }
        }
        while let Some(done) = calls.join_next().await {
            done??;
        }
        Ok(per_second(count, began))
    }
}
