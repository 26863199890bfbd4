//! Proofs as programs meet them: an event in the tree, a tree out of an older one, for whom, and in another language.

use std::process::Command as Process;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use domain::event::leaf_hash;
use domain::proof::{Hash, PathError, verify_consistency, verify_inclusion};
use proto::v1::audit_client::AuditClient;
use proto::v1::bills_client::BillsClient;
use proto::v1::{GetBillRequest, ProofReply, ProofRequest, RootRequest};
use serde_json::Value;
use services::grpc::Listener;
use services::identity::Role;
use tests::http;
use tests::instance::Instance;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;

const GRPC: &str = "grpc = \"127.0.0.1:0\"";

fn asks<T>(message: T, token: &str) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().expect("a header"));
    request.set_timeout(Duration::from_secs(60));
    request
}

fn ask(position: u64, size: u64) -> ProofRequest {
    ProofRequest { site: "berlin".to_owned(), position, size, ..ProofRequest::default() }
}

fn own(position: u64) -> ProofRequest {
    ProofRequest { account: "berlin-A-1".to_owned(), ..ask(position, 0) }
}

/// The published code in a status.
fn code(status: &Status) -> (Code, String) {
    (status.code(), status.get_details_error_info().map(|info| info.reason).unwrap_or_default())
}

fn hash(hex: &str) -> Result<Hash> {
    let digits: Result<Vec<u8>, _> =
        (0..hex.len() / 2).map(|at| u8::from_str_radix(hex.get(at * 2..at * 2 + 2).unwrap_or("-"), 16)).collect();
    digits?.try_into().ok().context("32 bytes")
}

fn hashes(path: &[String]) -> Result<Vec<Hash>> {
    path.iter().map(|one| hash(one)).collect()
}

/// The leaf, by the bytes of the event, is in the tree under the root.
fn judge(reply: &ProofReply) -> Result<Result<(), PathError>> {
    let one = reply.inclusion.as_ref().context("an event")?;
    let leaf = leaf_hash(one.content.as_deref().context("its bytes")?);
    ensure!(leaf == hash(&one.leaf)?, "the leaf is the hash of the bytes");
    Ok(verify_inclusion(&leaf, one.position - 1, reply.size, &hashes(&one.path)?, &hash(&reply.root)?))
}

fn run<F: Future<Output = Result<()>>>(future: F) -> Result<()> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(future)
}

fn address(instance: &Instance) -> Result<String> {
    let listener: &Listener = instance.server.grpc.as_ref().context("gRPC is served")?;
    Ok(format!("http://{}", listener.address))
}

async fn channel(instance: &Instance) -> Result<Channel> {
    Ok(Channel::from_shared(address(instance)?)?.connect().await?)
}

/// The position of the event of an account's bill of March.
async fn bill(at: &Channel, token: &str, account: &str) -> Result<u64> {
    let (site, account, month) = ("berlin".to_owned(), account.to_owned(), "2026-03".to_owned());
    let ask = GetBillRequest { site, account, month, ..GetBillRequest::default() };
    let reply = BillsClient::new(at.clone()).get(asks(ask, token)).await?;
    let shown: Value = serde_json::from_str(&reply.into_inner().json)?;
    shown["events"][0]["position"].as_u64().context("a position")
}

#[test]
fn an_auditor_proves_any_event_and_that_nothing_before_was_changed() -> Result<()> {
    let instance = Instance::start_with(GRPC);
    let auditor = instance.token(Role::Auditor, "berlin", true);
    run(async {
        let at = channel(&instance).await?;
        let mut audit = AuditClient::new(at.clone());
        let root = audit.root(asks(RootRequest { site: "berlin".to_owned() }, &auditor)).await?.into_inner();
        let all = root.as_of.context("a position")?.position;
        ensure!(all > 900, "a log of more than three blocks: {all}");
        for (position, size) in [(1, 1), (1, all), (all, all), (256, 256), (256, 257), (257, 600), (513, 0), (300, all)]
        {
            let reply = audit.proof(asks(ask(position, size), &auditor)).await?.into_inner();
            assert_eq!(judge(&reply)?, Ok(()), "event {position} of {size}");
            ensure!(size != all || reply.root == root.root, "the root of all events is the site's");
        }
        for (old, size) in [(1, all), (255, 256), (256, 700), (511, all), (all, all), (777, 778)] {
            let older = audit.proof(asks(ask(0, old), &auditor)).await?.into_inner();
            let since = ProofRequest { since_size: Some(old), ..ask(0, size) };
            let reply = audit.proof(asks(since, &auditor)).await?.into_inner();
            let grown = reply.consistency.context("a growth")?;
            ensure!(reply.inclusion.is_none() && grown.root == older.root && grown.size == old);
            let (old, new) = ((old, &hash(&older.root)?), (size, &hash(&reply.root)?));
            assert_eq!(verify_consistency(old, new, &hashes(&grown.path)?), Ok(()));
        }
        // By its id it is the same event.
        let by_position = audit.proof(asks(ask(300, 0), &auditor)).await?.into_inner();
        let event = by_position.inclusion.as_ref().context("an event")?.event.clone();
        let by_id = audit.proof(asks(ProofRequest { event: event.clone(), ..ask(0, 0) }, &auditor)).await?.into_inner();
        ensure!(by_id == by_position, "{by_id:?}");
        for (wrong, kind, reason) in [
            (ask(all + 1, 0), Code::NotFound, "EVENT_UNKNOWN"),
            (ask(2, 1), Code::NotFound, "EVENT_UNKNOWN"),
            (ask(1, all + 1), Code::InvalidArgument, "SIZE_UNKNOWN"),
            (ProofRequest { since_size: Some(9), ..ask(0, 8) }, Code::InvalidArgument, "SIZE_UNKNOWN"),
            (ProofRequest { event: "x".to_owned(), ..ask(0, 0) }, Code::InvalidArgument, "FIELD_INVALID"),
            (ProofRequest { event, ..ask(1, 0) }, Code::InvalidArgument, "FIELD_INVALID"),
        ] {
            let status = audit.proof(asks(wrong, &auditor)).await.expect_err(reason);
            assert_eq!(code(&status), (kind, reason.to_owned()));
        }
        Ok(())
    })
}

#[test]
fn a_tenant_proves_own_events_and_sees_nothing_of_others() -> Result<()> {
    let instance = Instance::start_with(GRPC);
    let auditor = instance.token(Role::Auditor, "berlin", true);
    let tenant = instance.token(Role::Tenant, "berlin", true);
    run(async {
        let at = channel(&instance).await?;
        let mut bills = BillsClient::new(at.clone());
        let (mine, another) = (bill(&at, &tenant, "berlin-A-1").await?, bill(&at, &auditor, "berlin-A-2").await?);
        let reply = bills.proof(asks(own(mine), &tenant)).await?.into_inner();
        assert_eq!(judge(&reply)?, Ok(()));
        let content = reply.inclusion.as_ref().and_then(|one| one.content.clone()).context("its bytes")?;
        let content = String::from_utf8(content)?;
        ensure!(content.contains("berlin-A-1") && !content.contains("berlin-A-2"), "{content}");

        // Whatever is not the account's own is answered as what is not there.
        let nowhere = bills.proof(asks(own(1 << 40), &tenant)).await.expect_err("it is not there");
        assert_eq!(code(&nowhere), (Code::NotFound, "EVENT_UNKNOWN".to_owned()));
        let mut readings = 0;
        for position in (1..=reply.size).step_by(7).chain([another]) {
            let one = AuditClient::new(at.clone()).proof(asks(ask(position, 0), &auditor)).await?.into_inner();
            let one = one.inclusion.context("an event")?;
            let shown = String::from_utf8_lossy(&one.content.unwrap_or_default()).into_owned();
            let is_own = shown.contains("\"key\":\"account/berlin-A-1\"");
            readings += usize::from(one.kind == "readings");
            match bills.proof(asks(own(position), &tenant)).await {
                Ok(_) => ensure!(is_own, "event {position} is not the account's: {shown}"),
                Err(status) => {
                    ensure!(!is_own, "event {position} is the account's own");
                    ensure!(status.message() == nowhere.message() && status.details() == nowhere.details());
                }
            }
        }
        ensure!(readings > 50, "readings hold everybody's: {readings} of them were asked for");
        let denied = AuditClient::new(at.clone()).proof(asks(ask(mine, 0), &tenant)).await.expect_err("not a tenant's");
        assert_eq!(denied.code(), Code::PermissionDenied);
        let theirs = ProofRequest { account: "berlin-A-2".to_owned(), ..ask(another, 0) };
        assert_eq!(bills.proof(asks(theirs, &tenant)).await.expect_err("a neighbour's").code(), Code::NotFound);
        Ok(())
    })
}

#[test]
fn http_gives_the_same_proof() -> Result<()> {
    let instance = Instance::start_with(GRPC);
    let (at, tenant) = (instance.server.http, instance.token(Role::Tenant, "berlin", true));
    let base = "/api/v1/sites/berlin/accounts/berlin-A-1";
    let bill = http::get(at, &format!("{base}/bills/2026-03"), &tenant)?.json()?;
    let (position, leaf) = (&bill["events"][0]["position"], &bill["events"][0]["leaf"]);
    let proof = http::get(at, &format!("{base}/proof?event={position}&size=900&since=100"), &tenant)?.json()?;
    assert_eq!((&proof["event"]["leaf"], &proof["size"]), (leaf, &serde_json::json!(900)));
    run(async {
        let asked = ProofRequest { size: 900, since_size: Some(100), ..own(position.as_u64().context("a position")?) };
        let reply = BillsClient::new(channel(&instance).await?).proof(asks(asked, &tenant)).await?.into_inner();
        let (one, grown) = (reply.inclusion.context("an event")?, reply.consistency.context("a growth")?);
        assert_eq!(proof["root"], serde_json::json!(reply.root));
        assert_eq!(proof["event"]["path"], serde_json::json!(one.path));
        assert_eq!(proof["event"]["bytes"], serde_json::json!(BASE64_STANDARD.encode(one.content.unwrap_or_default())));
        assert_eq!(proof["growth"]["path"], serde_json::json!(grown.path));
        assert_eq!(proof["growth"]["root"], serde_json::json!(grown.root));
        Ok(())
    })?;
    for (query, status) in [("event=1", 404), ("event=nobody", 400), ("size=0", 400), ("size=99999999", 400)] {
        assert_eq!(http::get(at, &format!("{base}/proof?{query}"), &tenant)?.status, status, "{query}");
    }
    assert_eq!(http::get(at, "/api/v1/sites/berlin/proof?event=1", &tenant)?.status, 404);
    Ok(())
}

#[test]
fn a_client_in_python_checks_a_bill_by_its_own_code() -> Result<()> {
    let instance = Instance::start_with(GRPC);
    let tenant = instance.token(Role::Tenant, "berlin", true);
    let bill = http::get(instance.server.http, "/api/v1/sites/berlin/accounts/berlin-A-1/bills/2026-03", &tenant)?;
    let position = bill.json()?["events"][0]["position"].to_string();
    let here = env!("CARGO_MANIFEST_DIR");
    let tools = format!("{here}/../.tools/grpc");
    ensure!(std::path::Path::new(&tools).exists(), "no grpcio: run `sh tests/tools.sh`");
    let work = tempfile::tempdir()?;
    let output = Process::new("python3")
        .env("PYTHONPATH", tools)
        .arg(format!("{here}/clients/proof_client.py"))
        .arg(format!("{here}/../proto"))
        .arg(work.path())
        .args([address(&instance)?.trim_start_matches("http://"), &tenant, "berlin", "berlin-A-1", &position])
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let expected = "leaf True\nincluded True\nforged False\ngrown True\nown True\n";
    assert_eq!(said, expected, "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
