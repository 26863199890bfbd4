//! `WeChat` Pay, API v3: notifications signed with the platform's RSA key and
//! encrypted with the merchant's API v3 key, and the query of an order.
//!
//! A payment is known by the merchant's own order number (`out_trade_no`), which
//! request, payment, refund and query all name; the account stands in the order's `attach`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::quantity::Instant;
use domain::recharge::GatewayMessage;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey};
use serde::Deserialize;

use super::wechat_clear::{MoneyBack, Payment};
use super::{Headers, HookError, PaymentGateway, PollError, http, json, near, pem};

/// A merchant at `WeChat` Pay.
pub struct WechatPay {
    name: String,
    api_v3_key: LessSafeKey,
    /// The platform's public keys, by serial.
    platform: Vec<(String, Vec<u8>)>,
    merchant: Option<Merchant>,
    api: String,
}

/// What a merchant asks with.
pub struct Merchant {
    /// The merchant's number.
    pub mchid: String,
    /// The serial of the merchant's certificate.
    pub serial: String,
    key: RsaKeyPair,
}

/// Why keys are none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The API v3 key.
    #[error("the API v3 key has 32 bytes; copy it from the merchant's page")]
    ApiV3,
    /// A public key of the platform.
    #[error(
        "the platform key of serial {0} is no RSA public key in PEM; of a certificate, take `openssl x509 -pubkey -noout`"
    )]
    Platform(String),
    /// No public key of the platform.
    #[error("no platform key is given; a signature could not be checked")]
    NoPlatform,
    /// The merchant's private key.
    #[error("the merchant's private key is no RSA key in PKCS#8 PEM")]
    Merchant,
}

impl Merchant {
    /// With the private key in PEM.
    pub fn try_new(mchid: &str, serial: &str, private_key: &str) -> Result<Self, KeyError> {
        let der = pem::block(private_key, "PRIVATE KEY").ok_or(KeyError::Merchant)?;
        let key = RsaKeyPair::from_pkcs8(&der).map_err(|_| KeyError::Merchant)?;
        Ok(Self { mchid: mchid.to_owned(), serial: serial.to_owned(), key })
    }

    /// The header that signs a question.
    fn authorization(&self, path: &str, now: Instant) -> Result<String, PollError> {
        let random = SystemRandom::new();
        let mut nonce = [0; 16];
        random.fill(&mut nonce).map_err(|_| PollError::Key)?;
        let (nonce, at) = (domain::event::hex(&nonce).to_uppercase(), now.get());
        let signed = format!("GET\n{path}\n{at}\n{nonce}\n\n");
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key.sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature).map_err(|_| PollError::Key)?;
        Ok(format!(
            "WECHATPAY2-SHA256-RSA2048 mchid=\"{}\",nonce_str=\"{nonce}\",signature=\"{}\",timestamp=\"{at}\",serial_no=\"{}\"",
            self.mchid,
            STANDARD.encode(signature),
            self.serial
        ))
    }
}

impl WechatPay {
    /// With the API v3 key and the platform's public keys in PEM, by serial.
    pub fn try_new(
        name: &str,
        api_v3_key: &str,
        platform: &[(String, String)],
        merchant: Option<Merchant>,
        api: &str,
    ) -> Result<Self, KeyError> {
        let key = UnboundKey::new(&AES_256_GCM, api_v3_key.trim().as_bytes()).map_err(|_| KeyError::ApiV3)?;
        let public = |(serial, text): &(String, String)| {
            let key = pem::rsa_public_key(text).ok_or_else(|| KeyError::Platform(serial.clone()))?;
            Ok((serial.clone(), key))
        };
        let platform = platform.iter().map(public).collect::<Result<Vec<_>, _>>()?;
        if platform.is_empty() {
            return Err(KeyError::NoPlatform);
        }
        let api = api.trim_end_matches('/').to_owned();
        Ok(Self { name: name.to_owned(), api_v3_key: LessSafeKey::new(key), platform, merchant, api })
    }

    /// Checks the signature over timestamp, nonce and body, a line each.
    fn check(&self, headers: &Headers, body: &[u8], now: Instant) -> Result<(), HookError> {
        let at = headers.get("wechatpay-timestamp")?;
        let nonce = headers.get("wechatpay-nonce")?;
        let serial = headers.get("wechatpay-serial")?;
        let signature = headers.get("wechatpay-signature")?;
        let known = self.platform.iter().find(|(known, _)| known == serial);
        let (_, key) = known.ok_or_else(|| HookError::UnknownKey(serial.chars().take(64).collect()))?;
        let signed = [at.as_bytes(), b"\n", nonce.as_bytes(), b"\n", body, b"\n"].concat();
        let signature = STANDARD.decode(signature).map_err(|_| HookError::BadSignature)?;
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key)
            .verify(&signed, &signature)
            .map_err(|_| HookError::BadSignature)?;
        near(at, now).map(|_| ())
    }

    fn open(&self, resource: &Resource) -> Result<Vec<u8>, HookError> {
        if resource.algorithm != "AEAD_AES_256_GCM" {
            return Err(HookError::Sealed);
        }
        let nonce = Nonce::try_assume_unique_for_key(resource.nonce.as_bytes()).map_err(|_| HookError::Sealed)?;
        let mut sealed = STANDARD.decode(&resource.ciphertext).map_err(|_| HookError::Sealed)?;
        let aad = Aad::from(resource.associated_data.as_deref().unwrap_or_default().as_bytes());
        let clear = self.api_v3_key.open_in_place(nonce, aad, &mut sealed).map_err(|_| HookError::Sealed)?;
        Ok(clear.to_vec())
    }
}

#[derive(Deserialize)]
struct Notification {
    event_type: String,
    resource: Resource,
}

#[derive(Deserialize)]
struct Resource {
    algorithm: String,
    ciphertext: String,
    associated_data: Option<String>,
    nonce: String,
}

impl PaymentGateway for WechatPay {
    fn name(&self) -> &str {
        &self.name
    }

    fn hear(&self, headers: &Headers, body: &[u8], now: Instant) -> Result<Vec<GatewayMessage>, HookError> {
        self.check(headers, body, now)?;
        let notification: Notification = json(body)?;
        match notification.event_type.as_str() {
            "TRANSACTION.SUCCESS" => json::<Payment>(&self.open(&notification.resource)?)?.messages(&self.name),
            "REFUND.SUCCESS" => json::<MoneyBack>(&self.open(&notification.resource)?)?.messages(&self.name),
            _ => Ok(Vec::new()),
        }
    }

    fn poll(&self, _: Instant, now: Instant, open: &[String]) -> Result<Vec<GatewayMessage>, PollError> {
        let merchant = self.merchant.as_ref().ok_or_else(|| PollError::NoKey(self.name.clone()))?;
        let mut messages = Vec::new();
        // An order number has these characters alone; another is not of this gateway.
        let is_number = |text: &&String| text.chars().all(|c| c.is_ascii_alphanumeric() || "_-|*".contains(c));
        for number in open.iter().filter(is_number) {
            let number = number.replace('|', "%7C");
            let path = format!("/v3/pay/transactions/out-trade-no/{number}?mchid={}", merchant.mchid);
            let authorization = merchant.authorization(&path, now)?;
            let headers = [("authorization", authorization.as_str()), ("accept", "application/json")];
            // 404: the order was never paid, or never made there.
            let Some(answer) = http::get(&format!("{}{path}", self.api), &headers, &[404])? else { continue };
            self.check(&answer.headers.into_iter().collect(), &answer.body, now)?;
            messages.extend(json::<Payment>(&answer.body)?.messages(&self.name)?);
        }
        Ok(messages)
    }
}
