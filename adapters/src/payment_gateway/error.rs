//! Why a delivery or a poll gives nothing.

use domain::quantity::Instant;

/// Why a delivery is refused. The gateway delivers it again if it was true.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HookError {
    /// A header is missing.
    #[error("the delivery has no header {0}")]
    NoHeader(&'static str),
    /// The signature is not the gateway's.
    #[error("the signature is not that of the gateway over these bytes; compare the secret here with the gateway's")]
    BadSignature,
    /// Signed too long ago, or ahead of the clock.
    #[error("signed at {signed}, and it is {now}; a delivery is taken within 5 minutes: see that the clock is right")]
    NotNow {
        /// When.
        signed: Instant,
        /// The clock.
        now: Instant,
    },
    /// A key that is not known here.
    #[error("signed with key {0}, which is not known here; add the gateway's public key of that serial")]
    UnknownKey(String),
    /// A resource that the key does not open.
    #[error("the encrypted part does not open; compare the API v3 key here with the gateway's")]
    Sealed,
    /// A payload that is none.
    #[error("the payload cannot be read: {0}")]
    Body(String),
    /// An amount that the currency does not have.
    #[error("{amount} is no amount of {currency} in minor units")]
    Amount {
        /// As sent.
        amount: i64,
        /// As sent.
        currency: String,
    },
}

/// Why a gateway could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum PollError {
    /// It offers no such question.
    #[error("this kind of gateway cannot be asked; it delivers only")]
    NotOffered,
    /// No key to ask with.
    #[error("no API key is configured for gateway {0}; give api_key_env or api_key_file")]
    NoKey(String),
    /// No answer.
    #[error("the gateway did not answer: {0}")]
    Unreachable(String),
    /// An answer that says no.
    #[error("the gateway answered {status}: {text}")]
    Status {
        /// The code of HTTP.
        status: u16,
        /// The beginning of what it said.
        text: String,
    },
    /// An answer that is not the gateway's, or cannot be read.
    #[error("the gateway's answer: {0}")]
    Answer(#[from] HookError),
    /// A key of ours that cannot sign.
    #[error("the merchant's private key cannot sign; give an RSA key in PKCS#8 PEM")]
    Key,
}
