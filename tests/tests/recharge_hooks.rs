//! Deliveries over HTTP, and gateways that are asked: real signatures, made with keys of the test.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant as Clock};

use adapters::clock::{Clock as _, SharedClock, SystemClock};
use adapters::payment_gateway::stripe::Stripe;
use adapters::payment_gateway::wechat_pay::{Merchant, WechatPay};
use adapters::payment_gateway::{HookError, PaymentGateway, PollError};
use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::event::PaymentKind;
use domain::quantity::Instant;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey};
use serde_json::json;
use services::recharge::poll_once;
use services::serve::Server;
use tests::gateways::{at, balance, desk, intent, start, stripe_event, stripe_header, write};
use tests::peer::{Peer, post};

const NOON: &str = "2026-03-05T12:00:00Z";
const SECRET: &str = "whsec_of_this_test";

/// The table of a Stripe gateway whose secret is in a file.
fn stripe_table(folder: &Path) -> anyhow::Result<&'static str> {
    std::fs::write(folder.join("stripe.secret"), format!("{SECRET}\n"))?;
    Ok("[[site.gateway]]\nname = \"stripe\"\nkind = \"stripe\"\nsecret_file = \"stripe.secret\"\n")
}

fn signed(at: Instant, body: &str) -> Vec<(String, String)> {
    vec![("Stripe-Signature".to_owned(), stripe_header(SECRET, at, body))]
}

#[test]
fn a_delivery_is_answered_when_it_is_durable() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let config = write(folder.path(), stripe_table(folder.path())?);
    let server = start(&config, at(NOON));
    let body = stripe_event("payment_intent.succeeded", intent("pi_1", 5000, Some("A-1")));
    let good = signed(at(NOON), &body);
    let answers: Vec<(u16, String)> = thread::scope(|scope| {
        let call = || post(server.http, "/hooks/pains/stripe", &good, &body);
        let calls: Vec<_> = (0..50).map(|_| scope.spawn(call)).collect();
        calls.into_iter().map(|call| call.join().expect("no panic")).collect::<anyhow::Result<_>>()
    })?;
    assert!(answers.iter().all(|(status, _)| *status == 200), "{answers:?}");
    let new = answers.iter().filter(|(_, body)| body.contains("done")).count();
    assert_eq!(new, 1, "{answers:?}");
    assert_eq!(balance(&desk(&server), "A-1"), 5000);

    let forged = vec![("Stripe-Signature".to_owned(), stripe_header("whsec_guess", at(NOON), &body))];
    assert_eq!(post(server.http, "/hooks/pains/stripe", &forged, &body)?.0, 400);
    assert_eq!(post(server.http, "/hooks/pains/stripe", &[], &body)?.0, 400);
    let old = signed(at(NOON).plus(-301), &body);
    assert_eq!(post(server.http, "/hooks/pains/stripe", &old, &body)?.0, 400);
    assert_eq!(post(server.http, "/hooks/pains/paypal", &good, &body)?.0, 404);
    assert_eq!(post(server.http, "/hooks/elsewhere/stripe", &good, &body)?.0, 404);
    let other = stripe_event("payment_intent.succeeded", intent("pi_1", 9000, Some("A-1")));
    let (status, said) = post(server.http, "/hooks/pains/stripe", &signed(at(NOON), &other), &other)?;
    assert!(status == 200 && said.contains("refused"), "{said}");
    let nothing = stripe_event("payment_intent.succeeded", intent("pi_2", 0, Some("A-1")));
    assert_eq!(post(server.http, "/hooks/pains/stripe", &signed(at(NOON), &nothing), &nothing)?.0, 422);
    assert_eq!(balance(&desk(&server), "A-1"), 5000);
    drop(server);
    let server = start(&config, at(NOON));
    assert_eq!(balance(&desk(&server), "A-1"), 5000, "it was durable when it was answered");
    Ok(())
}

/// Stripe's lists, as its API shows them.
fn lists(path: &str) -> serde_json::Value {
    let page = |data: Vec<serde_json::Value>, more: bool| json!({"object": "list", "data": data, "has_more": more});
    if path.starts_with("/v1/payment_intents") && !path.contains("starting_after") {
        return page(vec![intent("pi_2", 700, None)], true);
    }
    if path.starts_with("/v1/payment_intents") {
        assert!(path.contains("starting_after=pi_2"), "{path}");
        return page(vec![intent("pi_1", 5000, Some("A-1"))], false);
    }
    if path.starts_with("/v1/checkout/sessions") {
        let session = json!({"id": "cs_1", "object": "checkout.session", "payment_intent": "pi_2", "currency": "eur",
            "amount_total": 700, "payment_status": "paid", "status": "complete", "created": 1_772_711_900,
            "client_reference_id": "A-2"});
        return page(vec![session], false);
    }
    if path.starts_with("/v1/refunds") {
        let refund = json!({"id": "re_1", "object": "refund", "amount": 1000, "currency": "eur", "charge": "ch_1",
            "payment_intent": "pi_1", "status": "succeeded", "created": 1_772_711_950});
        return page(vec![refund], false);
    }
    let dispute = |status, id| {
        json!({"id": id, "object": "dispute", "amount": 700, "currency": "eur", "charge": "ch_2",
            "payment_intent": "pi_2", "status": status, "created": 1_772_711_960})
    };
    page(vec![dispute("warning_needs_response", "dp_0"), dispute("needs_response", "dp_1")], false)
}

#[test]
fn what_no_webhook_said_is_found_by_asking_stripe() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let server = start(&write(folder.path(), ""), at(NOON));
    let peer = Peer::start(|request| {
        if request.header("authorization") != Some("Bearer sk_test") {
            return (401, Vec::new(), "{\"error\":{\"message\":\"no key\"}}".to_owned());
        }
        (200, Vec::new(), lists(request.path()).to_string())
    })?;
    let url = format!("http://{}", peer.at);
    let gateway = Stripe::new("stripe", &[SECRET.to_owned()], &url, Some("sk_test".to_owned()));
    let of = desk(&server);
    let since = at("2026-03-01T00:00:00Z");
    let new = poll_once(&of, &gateway, since, at(NOON))?;
    assert!(new > 0);
    assert_eq!((balance(&of, "A-1"), balance(&of, "A-2")), (4000, 0));
    assert_eq!(poll_once(&of, &gateway, since, at(NOON))?, 0, "asked again, nothing is new");
    let asked = peer.asked.lock().expect("no panic");
    assert!(asked.iter().all(|one| one.path().contains(&format!("created%5Bgte%5D={}", since.get()))));
    drop(asked);
    let wrong = Stripe::new("stripe", &[], &url, Some("sk_other".to_owned()));
    let refused = wrong.poll(since, at(NOON), &[]);
    assert!(matches!(refused, Err(PollError::Status { status: 401, .. })), "{refused:?}");
    Ok(())
}

/// An RSA key of this test: PKCS#8 and public, in PEM.
fn rsa(folder: &Path, name: &str) -> anyhow::Result<(RsaKeyPair, String, String)> {
    let (private, public) = (folder.join(format!("{name}.pem")), folder.join(format!("{name}.pub")));
    let [private_text, public_text] = [&private, &public].map(|path| path.display().to_string());
    for args in [
        vec!["genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", &private_text],
        vec!["pkey", "-in", &private_text, "-pubout", "-out", &public_text],
    ] {
        let done = Command::new("openssl").args(args).output().context("openssl is there")?;
        ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    let pem = std::fs::read_to_string(private)?;
    let base64: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let key = RsaKeyPair::from_pkcs8(&STANDARD.decode(base64)?).map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok((key, pem, std::fs::read_to_string(public)?))
}

fn sign(key: &RsaKeyPair, text: &str) -> String {
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).expect("it signs");
    STANDARD.encode(signature)
}

/// The headers with which the platform signs a body.
fn platform(key: &RsaKeyPair, at: Instant, body: &str) -> Vec<(String, String)> {
    let nonce = "593BEC0C930BF1AFEB40B4A08C8FB242";
    let signature = sign(key, &format!("{}\n{nonce}\n{body}\n", at.get()));
    let headers = [
        ("Wechatpay-Timestamp", at.get().to_string()),
        ("Wechatpay-Nonce", nonce.to_owned()),
        ("Wechatpay-Serial", "PUB_KEY_ID_1".to_owned()),
        ("Wechatpay-Signature", signature),
    ];
    headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

const API_V3: &str = "0123456789abcdef0123456789abcdef";

/// A notification whose resource is encrypted.
fn sealed(event: &str, clear: &serde_json::Value) -> String {
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, API_V3.as_bytes()).expect("32 bytes"));
    let nonce = "fdasflkja484";
    let mut bytes = clear.to_string().into_bytes();
    let at = Nonce::try_assume_unique_for_key(nonce.as_bytes()).expect("12 bytes");
    key.seal_in_place_append_tag(at, Aad::from(b"transaction"), &mut bytes).expect("it seals");
    json!({"id": "EV-1", "create_time": "2026-03-05T19:59:00+08:00", "resource_type": "encrypt-resource",
        "event_type": event, "summary": "x", "resource": {"original_type": "transaction", "nonce": nonce,
        "algorithm": "AEAD_AES_256_GCM", "ciphertext": STANDARD.encode(bytes), "associated_data": "transaction"}})
    .to_string()
}

fn order() -> serde_json::Value {
    json!({"mchid": "1900000109", "appid": "wx1", "out_trade_no": "TW-17", "transaction_id": "4200001",
        "trade_type": "NATIVE", "trade_state": "SUCCESS", "attach": "A-1", "bank_type": "OTHERS",
        "success_time": "2026-03-05T19:58:00+08:00", "payer": {"openid": "o"},
        "amount": {"total": 5000, "payer_total": 5000, "currency": "CNY", "payer_currency": "CNY"}})
}

#[test]
fn wechat_pay_is_opened_with_the_right_keys_alone() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (key, _, public) = rsa(folder.path(), "platform")?;
    let (other, _, _) = rsa(folder.path(), "other")?;
    let keys = [("PUB_KEY_ID_1".to_owned(), public)];
    let open = |api_v3: &str| WechatPay::try_new("wechat", api_v3, &keys, None, "http://127.0.0.1:9");
    let gateway = open(API_V3)?;
    let now = at(NOON);
    let hear = |gateway: &WechatPay, headers: Vec<(String, String)>, body: &str| {
        gateway.hear(&headers.into_iter().collect(), body.as_bytes(), now)
    };
    let body = sealed("TRANSACTION.SUCCESS", &order());
    let said = hear(&gateway, platform(&key, now, &body), &body)?;
    let one = &said[0];
    assert_eq!((one.kind, one.payment.as_str(), one.account.as_str()), (PaymentKind::Captured, "TW-17", "A-1"));
    assert_eq!((one.amount_minor, one.currency.as_str(), one.time), (5000, "CNY", at("2026-03-05T11:58:00Z")));
    let refund = sealed(
        "REFUND.SUCCESS",
        &json!({"mchid": "1900000109", "out_trade_no": "TW-17",
        "transaction_id": "4200001", "out_refund_no": "RF-1", "refund_id": "5030001", "refund_status": "SUCCESS",
        "success_time": "2026-03-05T19:59:00+08:00", "amount": {"total": 5000, "refund": 1200, "payer_total": 5000,
        "payer_refund": 1200}}),
    );
    let said = hear(&gateway, platform(&key, now, &refund), &refund)?;
    assert_eq!(
        (said[0].kind, said[0].movement.as_str(), said[0].amount_minor),
        (PaymentKind::Refunded, "5030001", 1200)
    );

    assert_eq!(hear(&gateway, platform(&other, now, &body), &body), Err(HookError::BadSignature));
    let edited = body.replace("EV-1", "EV-2");
    assert_eq!(hear(&gateway, platform(&key, now, &body), &edited), Err(HookError::BadSignature));
    let old = hear(&gateway, platform(&key, now.plus(-301), &body), &body);
    assert!(matches!(old, Err(HookError::NotNow { .. })), "{old:?}");
    let wrong = open("0123456789abcdef0123456789abcdeX")?;
    assert_eq!(hear(&wrong, platform(&key, now, &body), &body), Err(HookError::Sealed));
    let mut unknown = platform(&key, now, &body);
    unknown[2].1 = "PUB_KEY_ID_2".to_owned();
    assert_eq!(hear(&gateway, unknown, &body), Err(HookError::UnknownKey("PUB_KEY_ID_2".to_owned())));
    let other = sealed("COMPLAINT.CREATE", &json!({}));
    assert_eq!(hear(&gateway, platform(&key, now, &other), &other), Ok(Vec::new()));
    assert!(open("short").is_err());
    Ok(())
}

#[test]
fn an_order_is_asked_for_at_wechat_pay_with_a_signature_and_answered_with_one() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (platform_key, _, public) = rsa(folder.path(), "platform")?;
    let (merchant_key, merchant_pem, _) = rsa(folder.path(), "merchant")?;
    let merchant_public = merchant_key.public().as_ref().to_vec();
    let now = at(NOON);
    let peer = Peer::start(move |request| {
        let field = |name: &str| {
            let header = request.header("authorization").unwrap_or_default();
            let rest = header.split_once(&format!("{name}=\"")).map(|(_, rest)| rest).unwrap_or_default();
            rest.split('"').next().unwrap_or_default().to_owned()
        };
        let signed = format!("GET\n{}\n{}\n{}\n\n", request.path(), field("timestamp"), field("nonce_str"));
        let signature = STANDARD.decode(field("signature")).unwrap_or_default();
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &merchant_public);
        if key.verify(signed.as_bytes(), &signature).is_err() || field("mchid") != "1900000109" {
            return (401, Vec::new(), "{\"code\":\"SIGN_ERROR\"}".to_owned());
        }
        if !request.path().starts_with("/v3/pay/transactions/out-trade-no/TW-17?mchid=1900000109") {
            return (404, Vec::new(), "{\"code\":\"ORDER_NOT_EXIST\"}".to_owned());
        }
        let body = order().to_string();
        (200, platform(&platform_key, now, &body), body)
    })?;
    let url = format!("http://{}", peer.at);
    let keys = [("PUB_KEY_ID_1".to_owned(), public.clone())];
    let merchant = Merchant::try_new("1900000109", "5157F09EFDC096DE", &merchant_pem)?;
    let gateway = WechatPay::try_new("wechat", API_V3, &keys, Some(merchant), &url)?;
    let said = gateway.poll(now, now, &["TW-16".to_owned(), "TW-17".to_owned()])?;
    assert_eq!(said.iter().map(|one| one.payment.as_str()).collect::<Vec<_>>(), ["TW-17"]);
    // An answer that somebody else signed is not believed.
    let (_, _, foreign) = rsa(folder.path(), "foreign")?;
    let merchant = Merchant::try_new("1900000109", "5157F09EFDC096DE", &merchant_pem)?;
    let gateway = WechatPay::try_new("wechat", API_V3, &[(keys[0].0.clone(), foreign)], Some(merchant), &url)?;
    let said = gateway.poll(now, now, &["TW-17".to_owned()]);
    assert!(matches!(said, Err(PollError::Answer(HookError::BadSignature))), "{said:?}");
    Ok(())
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A Python of the tools, with a package of them.
fn python(package: &str) -> Command {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools").join(package);
    let mut command = Command::new("python3");
    command.env("PYTHONPATH", tools);
    command
}

/// Asks until something is so, or a minute is over.
fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> anyhow::Result<T> {
    let end = Clock::now() + Duration::from_secs(60);
    loop {
        if let Some(found) = ask() {
            return Ok(found);
        }
        ensure!(Clock::now() < end, "{what}");
        thread::yield_now();
    }
}

#[test]
fn a_payment_at_localstripe_is_delivered_and_credited() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let config = write(folder.path(), stripe_table(folder.path())?);
    let server = Server::start(&config, SharedClock::new(SystemClock))?;
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let mut peer = python("localstripe");
    peer.args(["-m", "localstripe", "--from-scratch", "--port", &port.to_string()]);
    let _peer = Running(peer.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?);
    let at = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    let form = |path: &str, body: &str| {
        let headers = [("authorization", "Bearer sk_test_1"), ("content-type", "application/x-www-form-urlencoded")];
        let headers: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        post(at, path, &headers, body)
    };
    let hook = format!("url=http://{}/hooks/pains/stripe&secret={SECRET}", server.http);
    let (status, said) = until("localstripe listens", || form("/_config/webhooks/tallywatt", &hook).ok())?;
    ensure!(status == 200, "{said}");
    let card = "type=card&card[number]=4242424242424242&card[exp_month]=12&card[exp_year]=2040&card[cvc]=123";
    let (_, method) = form("/v1/payment_methods", card)?;
    let method: serde_json::Value = serde_json::from_str(&method)?;
    let method = method["id"].as_str().with_context(|| method.to_string())?;
    let pay = format!("amount=5000&currency=eur&payment_method={method}&confirm=true&metadata[account]=A-1");
    let (status, said) = form("/v1/payment_intents", &pay)?;
    ensure!(status == 200, "{said}");
    let of = desk(&server);
    until("the payment is credited", || (balance(&of, "A-1") == 5000).then_some(()))
}

#[test]
fn the_reference_library_of_standard_webhooks_signs_for_us() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    std::fs::write(folder.path().join("own.secret"), secret)?;
    let table = "[[site.gateway]]\nname = \"own\"\nkind = \"generic\"\nsecret_file = \"own.secret\"\n";
    let server = Server::start(&write(folder.path(), table), SharedClock::new(SystemClock))?;
    let now = SystemClock.now();
    let body = json!({"type": "recharge.captured", "timestamp": now.to_string(),
        "data": {"payment": "P-17", "account": "A-1", "amount_minor": 5000, "currency": "EUR"}})
    .to_string();
    let script = "import sys, datetime; from standardwebhooks.webhooks import Webhook\n\
        print(Webhook(sys.argv[1]).sign('msg_1', datetime.datetime.fromtimestamp(int(sys.argv[2]), \
        datetime.timezone.utc), sys.argv[3]))";
    let signed = python("standardwebhooks").args(["-c", script, secret, &now.get().to_string(), &body]).output()?;
    ensure!(signed.status.success(), "{}", String::from_utf8_lossy(&signed.stderr));
    let headers = [
        ("webhook-id", "msg_1".to_owned()),
        ("webhook-timestamp", now.get().to_string()),
        ("webhook-signature", String::from_utf8(signed.stdout)?.trim().to_owned()),
    ];
    let headers: Vec<_> = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let (status, said) = post(server.http, "/hooks/pains/own", &headers, &body)?;
    assert!(status == 200 && said.contains("done"), "{said}");
    assert_eq!(balance(&desk(&server), "A-1"), 5000);
    let edited = body.replace("5000", "9000");
    assert_eq!(post(server.http, "/hooks/pains/own", &headers, &edited)?.0, 400);
    Ok(())
}

#[test]
fn a_secret_is_never_in_the_file_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let table = "[[site.gateway]]\nname = \"stripe\"\nkind = \"stripe\"\nsecret = \"whsec_1\"\n";
    let file = format!("[serve]\ndata = \"d\"\nhttp = \"127.0.0.1:0\"\n[[site]]\nfolder = \"site\"\n{table}");
    let wrong = services::serve::Config::parse(&folder.path().join("tallywatt.toml"), &file);
    assert!(wrong.is_err_and(|error| error.to_string().contains("secret")), "an unknown key");
    let table = "[[site.gateway]]\nname = \"stripe\"\nkind = \"stripe\"\nsecret_env = \"TALLYWATT_NO_SUCH\"\n";
    let config = write(folder.path(), table);
    let server = Server::start(&config, SharedClock::new(SystemClock));
    let error = server.err().expect("it does not start").to_string();
    assert!(error.contains("TALLYWATT_NO_SUCH"), "{error}");
}
