//! gRPC as programs meet it: journeys, codes, rights of every method, health, reflection, another language.

use std::process::Command as Process;
use std::time::Duration;

use proto::v1::balance_client::BalanceClient;
use proto::v1::ledger_client::LedgerClient;
use proto::v1::{AccountBalance, Command, Done, GetBalanceRequest, Money, RechargeRequest, RefundRequest};
use proto::v1::{ApproveRequest, PostRequest, PublishRequest, RecordLeaseRequest, WatchBalanceRequest};
use services::grpc::{Of, RULES};
use services::identity::Role;
use tests::served::{SITE, Served};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;

const AT: &str = "2026-03-05T12:00:00Z";
const GRPC: &str = "grpc = \"127.0.0.1:0\"";

fn asks<T>(message: T, token: &str) -> Request<T> {
    let mut request = Request::new(message);
    let value = format!("Bearer {token}").parse().expect("a header");
    request.metadata_mut().insert("authorization", value);
    request.set_timeout(Duration::from_secs(60));
    request
}

fn account(account: &str) -> GetBalanceRequest {
    GetBalanceRequest { site: SITE.to_owned(), account: account.to_owned() }
}

fn command(key: &str) -> Option<Command> {
    Some(Command { site: SITE.to_owned(), idempotency_key: key.to_owned() })
}

fn euros(minor: i64) -> Option<Money> {
    Some(Money { minor, currency: "EUR".to_owned() })
}

fn recharge(key: &str, minor: i64) -> RechargeRequest {
    RechargeRequest { command: command(key), account: "A-1".to_owned(), amount: euros(minor), reference: String::new() }
}

fn refund(key: &str, minor: i64) -> RefundRequest {
    let (account, reference, reason) = ("A-1".to_owned(), String::new(), "moved out".to_owned());
    RefundRequest { command: command(key), account, amount: euros(minor), reference, reason }
}

/// The published code in a status.
fn code(status: &Status) -> (Code, String) {
    (status.code(), status.get_details_error_info().map(|info| info.reason).unwrap_or_default())
}

async fn channel(served: &Served) -> Channel {
    Channel::from_shared(served.grpc()).expect("an address").connect().await.expect("it listens")
}

async fn recharged(at: &Channel, token: &str, key: &str, minor: i64) -> Result<Done, Status> {
    let done = LedgerClient::new(at.clone()).recharge(asks(recharge(key, minor), token)).await;
    done.map(tonic::Response::into_inner)
}

/// How many events there are: of a turn, because what is seen between turns lags behind.
async fn position(served: &Served) -> u64 {
    let desk = served.server().app.sites.values().next().expect("a site").desk.clone();
    desk.read(|turn| turn.owner.events()).await.expect("it answers")
}

/// The balance, once the live figures are of all that is durable: they may lag behind.
async fn minor(served: &Served, at: &Channel, token: &str) -> i64 {
    let position = position(served).await;
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        let reply = BalanceClient::new(at.clone()).get(asks(account("A-1"), token)).await.expect("a balance");
        let reply = reply.into_inner();
        if reply.as_of.expect("a position").position >= position {
            return reply.balance.expect("an amount").minor;
        }
        assert!(std::time::Instant::now() < until, "the live figures do not follow");
        tokio::task::yield_now().await;
    }
}

fn run<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(future)
}

#[test]
fn a_recharge_is_made_once_and_seen_by_who_watches() {
    let mut served = Served::start(GRPC, AT);
    let manager = served.token("m.roe", Role::Manager, "");
    let tenant = served.token("t.doe", Role::Tenant, "A-1");
    let first = run(async {
        let at = channel(&served).await;
        let watch = WatchBalanceRequest { site: SITE.to_owned(), account: "A-1".to_owned() };
        let watch = BalanceClient::new(at.clone()).watch(asks(watch, &tenant)).await.expect("it answers");
        let mut watch = watch.into_inner();
        let before: AccountBalance = watch.message().await.expect("a message").expect("the first");
        assert_eq!(before.balance, euros(0));
        let first = recharged(&at, &manager, "k-1", 5000).await.expect("it is made");
        assert!(!first.repeated && !first.proposed);
        let after = watch.message().await.expect("a message").expect("the second");
        assert_eq!(after.balance, euros(5000));
        assert!(after.as_of.expect("a position").position >= first.position);
        let again = recharged(&at, &manager, "k-1", 5000).await.expect("it was made");
        assert_eq!(again, Done { repeated: true, ..first.clone() });
        let other = recharged(&at, &manager, "k-1", 5001).await.expect_err("another body");
        assert_eq!(code(&other), (Code::AlreadyExists, "KEY_REUSED".to_owned()));
        assert_eq!(minor(&served, &at, &tenant).await, 5000);
        first
    });
    served.again();
    run(async {
        let at = channel(&served).await;
        let again = recharged(&at, &manager, "k-1", 5000).await.expect("it was made before the start");
        assert_eq!(again, Done { repeated: true, ..first });
        assert_eq!(minor(&served, &at, &tenant).await, 5000);
    });
}

#[test]
fn fifty_at_once_under_one_key_are_one() {
    let served = Served::start(GRPC, AT);
    let manager = served.token("m.roe", Role::Manager, "");
    run(async {
        let at = channel(&served).await;
        let calls = (0..50).map(|_| {
            let (at, token) = (at.clone(), manager.clone());
            tokio::spawn(async move { recharged(&at, &token, "same", 700).await })
        });
        let calls: Vec<_> = calls.collect();
        let mut new = 0;
        for call in calls {
            new += usize::from(!call.await.expect("it ends").expect("it is made").repeated);
        }
        assert_eq!((new, minor(&served, &at, &manager).await), (1, 700));
    });
}

#[test]
fn a_refused_command_says_its_code_and_field_and_appends_nothing() {
    let served = Served::start(GRPC, AT);
    let manager = served.token("m.roe", Role::Manager, "");
    run(async {
        let at = channel(&served).await;
        recharged(&at, &manager, "k-1", 100).await.expect("it is made");
        let before = position(&served).await;
        let mut ledger = LedgerClient::new(at.clone());
        let cases: [(RechargeRequest, Code, &str, &str); 6] = [
            (recharge("", 1), Code::InvalidArgument, "KEY_INVALID", "idempotency_key"),
            (recharge("a b", 1), Code::InvalidArgument, "KEY_INVALID", "idempotency_key"),
            (recharge("k-2", 0), Code::InvalidArgument, "AMOUNT_INVALID", "amount.minor"),
            (
                RechargeRequest { amount: Some(Money { minor: 1, currency: "USD".to_owned() }), ..recharge("k-3", 1) },
                Code::InvalidArgument,
                "CURRENCY_MISMATCH",
                "amount.currency",
            ),
            (
                RechargeRequest { reference: "k-1".to_owned(), ..recharge("k-4", 1) },
                Code::AlreadyExists,
                "REFERENCE_TAKEN",
                "reference",
            ),
            (
                RechargeRequest { account: "A-9".to_owned(), ..recharge("k-5", 1) },
                Code::NotFound,
                "ACCOUNT_UNKNOWN",
                "account",
            ),
        ];
        for (request, kind, reason, field) in cases {
            let status = ledger.recharge(asks(request, &manager)).await.expect_err(reason);
            assert_eq!(code(&status), (kind, reason.to_owned()));
            let fields = status.get_details_bad_request().expect("a field").field_violations;
            assert_eq!(fields.first().map(|one| one.field.as_str()), Some(field));
        }
        let status = ledger.refund(asks(refund("k-6", 101), &manager)).await.expect_err("more than there is");
        assert_eq!(code(&status), (Code::FailedPrecondition, "BALANCE_TOO_LOW".to_owned()));
        let silent = RefundRequest { reason: " ".to_owned(), ..refund("k-7", 1) };
        let status = ledger.refund(asks(silent, &manager)).await.expect_err("no reason");
        assert_eq!(code(&status), (Code::InvalidArgument, "TEXT_MISSING".to_owned()));
        assert_eq!(position(&served).await, before);
    });
}

#[test]
fn what_is_given_away_waits_for_a_second_person() {
    let served = Served::start_with_approvals(GRPC, AT);
    let manager = served.token("m.roe", Role::Manager, "");
    run(async {
        let at = channel(&served).await;
        assert!(!recharged(&at, &manager, "k-1", 900).await.expect("it is made").proposed);
        let mut ledger = LedgerClient::new(at.clone());
        let post = PostRequest {
            command: command("k-2"),
            account: "A-1".to_owned(),
            amount: euros(250),
            reference: String::new(),
            reason: "goodwill".to_owned(),
        };
        let posted = ledger.post(asks(post.clone(), &manager)).await.expect("it is proposed").into_inner();
        let refunded = ledger.refund(asks(refund("k-3", 100), &manager)).await.expect("proposed").into_inner();
        assert!(posted.proposed && refunded.proposed);
        let again = ledger.post(asks(post, &manager)).await.expect("it was proposed").into_inner();
        assert_eq!(again, Done { repeated: true, ..posted.clone() });
        assert_eq!(minor(&served, &at, &manager).await, 900);
        let approve = |key: &str| ApproveRequest { command: command(key), proposal: posted.event.clone() };
        let own = ledger.approve(asks(approve("k-4"), &manager)).await.expect_err("nobody approves his own");
        assert_eq!(code(&own), (Code::PermissionDenied, "OWN_PROPOSAL".to_owned()));
        let second = served.token("j.moore", Role::Manager, "");
        let done = ledger.approve(asks(approve("k-5"), &second)).await.expect("it is approved").into_inner();
        assert!(!done.proposed && done.facts.len() == 1);
        assert_eq!(minor(&served, &at, &manager).await, 1150);
        let again = ledger.approve(asks(approve("k-5"), &second)).await.expect("it was approved").into_inner();
        assert!(again.repeated && again.change == done.change && again.facts == done.facts);
        let twice = ledger.approve(asks(approve("k-6"), &second)).await.expect_err("nothing waits");
        assert_eq!(code(&twice), (Code::NotFound, "PROPOSAL_UNKNOWN".to_owned()));
    });
}

/// Calls any method with site and account (or key) where its request has them; what came back first.
async fn call(at: &Channel, path: &'static str, account: &str, token: Option<&str>) -> Result<(), Status> {
    let mut client = tonic::client::Grpc::new(at.clone());
    client.ready().await.expect("it is connected");
    let path = PathAndQuery::from_static(path);
    let first = if path.as_str().starts_with("/tallywatt.v1.Ledger/") {
        let ask = RechargeRequest { account: account.to_owned(), ..recharge("", 0) };
        let ask = token.map_or_else(|| Request::new(ask.clone()), |token| asks(ask.clone(), token));
        let codec = tonic_prost::ProstCodec::<RechargeRequest, ()>::default();
        client.server_streaming(ask, path, codec).await?.into_inner().message().await
    } else {
        let ask = GetBalanceRequest { site: SITE.to_owned(), account: account.to_owned() };
        let ask = token.map_or_else(|| Request::new(ask.clone()), |token| asks(ask.clone(), token));
        let codec = tonic_prost::ProstCodec::<GetBalanceRequest, ()>::default();
        client.server_streaming(ask, path, codec).await?.into_inner().message().await
    };
    first.map(drop)
}

/// Pains 19 and 25: role x method x foreign account.
#[test]
fn every_method_refuses_who_may_not() {
    let served = Served::start(GRPC, AT);
    let tokens: Vec<(Role, String)> =
        Role::ALL.into_iter().map(|role| (role, served.token(role.as_str(), role, "A-1"))).collect();
    let refused = |status: &Status| matches!(status.code(), Code::PermissionDenied | Code::Unauthenticated);
    run(async {
        let at = channel(&served).await;
        for rule in &RULES {
            for token in [None, Some("twt_none")] {
                let status = call(&at, rule.path, "A-1", token).await.expect_err(rule.path);
                assert_eq!(code(&status), (Code::Unauthenticated, "TOKEN_INVALID".to_owned()), "{}", rule.path);
            }
            for (role, token) in &tokens {
                let own = call(&at, rule.path, "A-1", Some(token)).await;
                let denied = own.as_ref().err().is_some_and(refused);
                assert_eq!(denied, !role.has(rule.permission), "{role} {}: {own:?}", rule.path);
                if *role != Role::Tenant || rule.of != Of::Account {
                    continue;
                }
                let there = call(&at, rule.path, "A-2", Some(token)).await.expect_err("a neighbour's");
                let nowhere = call(&at, rule.path, "A-9", Some(token)).await.expect_err("nobody's");
                let said = |status: &Status| (status.code(), status.message().to_owned(), status.details().to_vec());
                assert_eq!(said(&there), said(&nowhere), "{}: nothing says whether it is there", rule.path);
                let hidden = matches!(there.code(), Code::NotFound | Code::PermissionDenied | Code::InvalidArgument);
                assert!(hidden, "{}: {there:?}", rule.path);
            }
        }
    });
}

#[test]
fn every_method_of_the_files_is_in_the_table() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../proto/tallywatt/v1");
    let mut methods = Vec::new();
    for file in std::fs::read_dir(folder).expect("the folder") {
        let text = std::fs::read_to_string(file.expect("an entry").path()).expect("a file");
        let mut service = String::new();
        for line in text.lines().map(str::trim) {
            if let Some(name) = line.strip_prefix("service ") {
                service = name.trim_end_matches(" {").to_owned();
            } else if let Some(rest) = line.strip_prefix("rpc ") {
                let name = rest.split('(').next().expect("a name");
                methods.push(format!("/tallywatt.v1.{service}/{name}"));
            }
        }
    }
    let mut rules: Vec<String> = RULES.iter().map(|rule| rule.path.to_owned()).collect();
    methods.sort();
    rules.sort();
    assert_eq!(methods, rules);
}

#[test]
fn a_revoked_token_ends_what_it_watches() {
    let served = Served::start(GRPC, AT);
    let manager = served.token("m.roe", Role::Manager, "");
    let tenant = served.token("t.doe", Role::Tenant, "A-1");
    run(async {
        let at = channel(&served).await;
        let watch = WatchBalanceRequest { site: SITE.to_owned(), account: "A-1".to_owned() };
        let watch = BalanceClient::new(at.clone()).watch(asks(watch, &tenant)).await.expect("it answers");
        let mut watch = watch.into_inner();
        watch.message().await.expect("a message").expect("the first");
        served.server().app.identity.token_revoke("t.doe", "test", "test").expect("it is revoked");
        let until = std::time::Instant::now() + Duration::from_secs(30);
        let status = loop {
            assert!(std::time::Instant::now() < until, "it still watches");
            let key = format!("k-{:?}", std::time::Instant::now()).replace(' ', "");
            recharged(&at, &manager, &key, 1).await.expect("it is made");
            match watch.message().await {
                Ok(_) => {}
                Err(status) => break status,
            }
        };
        assert_eq!(code(&status), (Code::Unauthenticated, "TOKEN_INVALID".to_owned()));
    });
}

#[test]
fn a_watch_ends_at_its_deadline() {
    let served = Served::start(GRPC, AT);
    let tenant = served.token("t.doe", Role::Tenant, "A-1");
    run(async {
        let at = channel(&served).await;
        let mut ask = asks(WatchBalanceRequest { site: SITE.to_owned(), account: "A-1".to_owned() }, &tenant);
        ask.set_timeout(Duration::from_millis(200));
        let watch = BalanceClient::new(at).watch(ask).await.expect("it answers");
        let mut watch = watch.into_inner();
        watch.message().await.expect("a message").expect("the first");
        let status = watch.message().await.expect_err("the deadline");
        assert_eq!(code(&status), (Code::DeadlineExceeded, "DEADLINE".to_owned()));
    });
}

#[test]
fn health_and_reflection_are_open() {
    use tonic_health::pb::health_client::HealthClient;
    use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus};
    use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
    use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
    use tonic_reflection::pb::v1::{ServerReflectionRequest, ServiceResponse};
    let served = Served::start(GRPC, AT);
    run(async {
        let at = channel(&served).await;
        let until = std::time::Instant::now() + Duration::from_secs(30);
        loop {
            let ask = HealthCheckRequest { service: "tallywatt.v1.Balance".to_owned() };
            let reply = HealthClient::new(at.clone()).check(ask).await;
            if reply.is_ok_and(|reply| reply.get_ref().status() == ServingStatus::Serving) {
                break;
            }
            assert!(std::time::Instant::now() < until, "it is not healthy");
            tokio::task::yield_now().await;
        }
        let list = ServerReflectionRequest {
            host: String::new(),
            message_request: Some(MessageRequest::ListServices(String::new())),
        };
        let replies = ServerReflectionClient::new(at).server_reflection_info(tokio_stream::once(list)).await;
        let reply = replies.expect("it answers").into_inner().message().await.expect("a message").expect("one");
        let Some(MessageResponse::ListServicesResponse(list)) = reply.message_response else { panic!("{reply:?}") };
        let names: Vec<String> = list.service.into_iter().map(|ServiceResponse { name }| name).collect();
        for service in ["Balance", "Ledger", "Audit"] {
            assert!(names.contains(&format!("tallywatt.v1.{service}")), "{names:?}");
        }
    });
}

#[test]
fn a_client_in_python_is_generated_from_the_same_files() {
    let served = Served::start(GRPC, AT);
    let manager = served.token("m.roe", Role::Manager, "");
    let here = env!("CARGO_MANIFEST_DIR");
    let work = tempfile::tempdir().expect("a folder");
    let tools = format!("{here}/../.tools/grpc");
    assert!(std::path::Path::new(&tools).exists(), "no grpcio: run `sh tests/tools.sh`");
    let output = Process::new("python3")
        .env("PYTHONPATH", tools)
        .arg(format!("{here}/clients/grpc_client.py"))
        .arg(format!("{here}/../proto"))
        .arg(work.path())
        .args([served.grpc().trim_start_matches("http://"), &manager, SITE, "A-1"])
        .output()
        .expect("python runs");
    let said = String::from_utf8_lossy(&output.stdout);
    let expected = "first 0\nrepeated False True True\nwatched 1250\ngot 1250\nother ALREADY_EXISTS\n";
    assert_eq!(said, expected, "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn bills_curves_and_audit_are_what_the_site_has() {
    use proto::v1::audit_client::AuditClient;
    use proto::v1::bills_client::BillsClient;
    use proto::v1::consumption_client::ConsumptionClient;
    use proto::v1::{
        AllocationRequest, ChangesRequest, CurveRequest, ExplainRequest, GetBillRequest, ListBillsRequest,
        PaymentsRequest, ReplayRequest, RootRequest, Step, WatchConsumptionRequest,
    };
    let served = Served::start(GRPC, AT);
    let manager = served.token("m.roe", Role::Manager, "");
    let site = || SITE.to_owned();
    run(async {
        let at = channel(&served).await;
        recharged(&at, &manager, "k-1", 5000).await.expect("it is made");
        let mut bills = BillsClient::new(at.clone());
        let ask = PaymentsRequest { site: site(), account: "A-1".to_owned() };
        let paid = bills.payments(asks(ask, &manager)).await.expect("a list").into_inner().json;
        assert!(paid.contains(r#""reference":"cash:k-1""#) && paid.contains(r#""state":"credited""#), "{paid}");
        let list = bills.list(asks(ListBillsRequest { site: site(), account: "A-1".to_owned() }, &manager)).await;
        let list = list.expect("a list").into_inner().bills;
        let month = list.first().expect("the month under way");
        assert_eq!((month.month.as_str(), month.number), ("2026-03", None));
        assert_eq!(month.closing_balance, euros(5000));
        let ask = GetBillRequest { site: site(), account: "A-1".into(), month: "2026-03".into(), ..Default::default() };
        let bill = bills.get(asks(ask.clone(), &manager)).await.expect("a bill").into_inner();
        assert_eq!(bill.summary.as_ref(), Some(month));
        let shown: serde_json::Value = serde_json::from_str(&bill.json).expect("JSON");
        assert_eq!(shown["cash"][0]["amount"]["minor"], serde_json::json!(5000));
        let never = GetBillRequest { month: "2019-01".to_owned(), ..ask };
        let status = bills.get(asks(never, &manager)).await.expect_err("no such bill");
        assert_eq!(code(&status), (Code::NotFound, "BILL_UNKNOWN".to_owned()));
        let ask = ExplainRequest { site: site(), account: "A-9".to_owned(), month: "2026-03".to_owned(), line: 1 };
        let status = bills.explain(asks(ask, &manager)).await.expect_err("no such account");
        assert_eq!(code(&status), (Code::NotFound, "ACCOUNT_UNKNOWN".to_owned()));

        let mut consumption = ConsumptionClient::new(at.clone());
        let mut ask =
            CurveRequest { site: site(), account: "A-1".to_owned(), from_s: 1_772_323_200, ..Default::default() };
        ask.until_s = ask.from_s + 86_400;
        let status = consumption.curve(asks(ask.clone(), &manager)).await.expect_err("no step");
        assert_eq!(code(&status), (Code::InvalidArgument, "FIELD_INVALID".to_owned()));
        ask.set_step(Step::Hour);
        let curve = consumption.curve(asks(ask, &manager)).await.expect("a curve").into_inner();
        assert_eq!(curve.total_mwh, curve.bars.iter().map(|bar| bar.energy_mwh).sum::<i64>());
        let watch = WatchConsumptionRequest { site: site(), account: "A-1".to_owned() };
        let mut watch = consumption.watch(asks(watch, &manager)).await.expect("it answers").into_inner();
        watch.message().await.expect("a message").expect("the first");

        let mut audit = AuditClient::new(at);
        let root = audit.root(asks(RootRequest { site: site() }, &manager)).await.expect("a root").into_inner();
        assert_eq!(root.root.len(), 64);
        let replay = audit.replay(asks(ReplayRequest { site: site() }, &manager)).await.expect("a replay").into_inner();
        assert_eq!(replay.differing, 0);
        assert!(replay.facts > 0);
        let changes = audit.changes(asks(ChangesRequest { site: site(), ..Default::default() }, &manager)).await;
        let changes: serde_json::Value =
            serde_json::from_str(&changes.expect("a list").into_inner().json).expect("JSON");
        assert!(changes.as_array().is_some_and(|rows| !rows.is_empty()), "{changes}");
        let ask = AllocationRequest { site: site(), pool: "no".into(), day: "2026-03-02".into(), ..Default::default() };
        let status = audit.allocation(asks(ask, &manager)).await.expect_err("no such pool");
        assert_eq!(code(&status), (Code::NotFound, "POOL_UNKNOWN".to_owned()));
    });
}

#[test]
fn a_change_is_rehearsed_then_made_once() {
    let served = Served::start(GRPC, AT);
    let manager = served.token("m.roe", Role::Manager, "");
    run(async {
        let at = channel(&served).await;
        let mut ledger = LedgerClient::new(at);
        let tables = tests::site::one_price("t", "0.40").replace("version = 1", "version = 2");
        let ask = |key: &str, tables: &str, dry_run| {
            let (tables, reason) = (tables.to_owned(), "dearer".to_owned());
            PublishRequest { command: command(key), tables, reason, dry_run }
        };
        let before = position(&served).await;
        let dry = ledger.publish_tariff(asks(ask("k-1", &tables, true), &manager)).await.expect("a rehearsal");
        let dry = dry.into_inner();
        assert!(dry.change.is_empty() && dry.effect_json.contains("charges"), "{dry:?}");
        assert_eq!(position(&served).await, before);
        let made = ledger.publish_tariff(asks(ask("k-1", &tables, false), &manager)).await.expect("it is made");
        let made = made.into_inner();
        assert!(made.facts.len() == 1 && !made.repeated);
        let again = ledger.publish_tariff(asks(ask("k-1", &tables, false), &manager)).await.expect("it was made");
        let again = again.into_inner();
        assert!(again.repeated && again.change == made.change && again.facts == made.facts);
        let other = tables.replace("0.40", "0.41");
        let status = ledger.publish_tariff(asks(ask("k-1", &other, false), &manager)).await.expect_err("another");
        assert_eq!(code(&status), (Code::AlreadyExists, "KEY_REUSED".to_owned()));
        let status = ledger.publish_tariff(asks(ask("k-2", "[[rule]]", false), &manager)).await.expect_err("no tariff");
        assert_eq!(code(&status), (Code::InvalidArgument, "TABLES_INVALID".to_owned()));
        let lease = RecordLeaseRequest {
            command: command("k-3"),
            account: "A-1".to_owned(),
            unit: "U-1".to_owned(),
            from_s: 1_772_323_200,
            until_s: Some(1_772_668_800),
            reason: "moved out".to_owned(),
            dry_run: false,
        };
        let left = ledger.record_lease(asks(lease, &manager)).await.expect("it is recorded").into_inner();
        assert_eq!(left.facts.len(), 1);
    });
}
