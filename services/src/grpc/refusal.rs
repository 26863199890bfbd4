//! Why a call is refused: a kind, a published code, a message, and the field that is
//! wrong. As gRPC sees it: a status with `google.rpc.ErrorInfo` and `BadRequest`.

use std::error::Error;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::command::CommandError;
use crate::desk::DeskError;
use crate::identity::Denied;
use crate::query::QueryError;

/// What a caller can do about a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Say who calls.
    Unauthenticated,
    /// Ask someone else.
    Denied,
    /// Name another thing.
    NotFound,
    /// Mend the request.
    Invalid,
    /// The state stands against it.
    Precondition,
    /// It was made before, otherwise.
    Exists,
    /// Try again, with the same key.
    Unavailable,
    /// Wait longer.
    Late,
    /// Call another method.
    Unserved,
    /// A fault here.
    Internal,
}

impl Kind {
    /// The number of it in HTTP and in NATS services.
    pub(crate) const fn number(self) -> &'static str {
        match self {
            Self::Unauthenticated => "401",
            Self::Denied => "403",
            Self::NotFound | Self::Unserved => "404",
            Self::Invalid => "400",
            Self::Precondition => "412",
            Self::Exists => "409",
            Self::Unavailable => "503",
            Self::Late => "504",
            Self::Internal => "500",
        }
    }
}

/// Codes of refusals that are none of a command's, published and never reused.
pub const CODES: [&str; 20] = [
    "TOKEN_INVALID",
    "METHOD_UNKNOWN",
    "NOT_FOUND",
    "PERMISSION_DENIED",
    "FIELD_INVALID",
    "MESSAGE_INVALID",
    "SITE_UNAVAILABLE",
    "INTERNAL",
    "DEADLINE",
    "ACCOUNT_UNKNOWN",
    "POINT_UNKNOWN",
    "POOL_UNKNOWN",
    "BILL_UNKNOWN",
    "DAY_EMPTY",
    "RANGE_EMPTY",
    "RANGE_TOO_LONG",
    "NOT_SHOWN",
    "EVENT_UNKNOWN",
    "SIZE_UNKNOWN",
    "NOTHING_KNOWN",
];

/// Why a call is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// What can be done.
    pub kind: Kind,
    /// The published code.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// Where.
    pub field: Option<&'static str>,
}

impl Refusal {
    /// A refusal of no field.
    pub fn new(kind: Kind, code: &'static str, message: &str) -> Self {
        Self { kind, code, message: message.to_owned(), field: None }
    }

    /// A field that is wrong.
    pub(crate) fn field(field: &'static str, what: &str) -> Self {
        let message = format!("{field} {what}");
        Self { kind: Kind::Invalid, code: "FIELD_INVALID", message, field: Some(field) }
    }

    /// A method that is not served.
    pub(crate) fn method(text: &str) -> Self {
        Self::new(Kind::Unserved, "METHOD_UNKNOWN", text)
    }

    /// A message that cannot be read.
    pub(crate) fn message(why: &str) -> Self {
        Self::new(Kind::Invalid, "MESSAGE_INVALID", why)
    }

    /// No token, or one that is not good.
    pub(super) fn no_token() -> Self {
        let text = "no good token: send metadata `authorization: Bearer TOKEN`; `tallywatt user token` makes one";
        Self::new(Kind::Unauthenticated, "TOKEN_INVALID", text)
    }

    /// A fault here: what it was is in the service's log only.
    pub(crate) fn internal(error: &(dyn Error + 'static)) -> Self {
        tracing::error!(error, "a call failed");
        Self::new(Kind::Internal, "INTERNAL", "a fault of the service: its log says which")
    }
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        match &denied {
            Denied::Unseen { .. } => Self::new(Kind::NotFound, "NOT_FOUND", "no such site or account"),
            Denied::Role { .. } | Denied::ReadOnly => Self::new(Kind::Denied, "PERMISSION_DENIED", &denied.to_string()),
            Denied::OwnProposal { .. } => Self::new(Kind::Denied, "OWN_PROPOSAL", &denied.to_string()),
        }
    }
}

impl From<QueryError> for Refusal {
    fn from(error: QueryError) -> Self {
        let (kind, code, field) = match &error {
            QueryError::UnknownAccount(_) => (Kind::NotFound, "ACCOUNT_UNKNOWN", Some("account")),
            QueryError::UnknownPoint(_) => (Kind::NotFound, "POINT_UNKNOWN", Some("point")),
            QueryError::UnknownPool(_) => (Kind::NotFound, "POOL_UNKNOWN", Some("pool")),
            QueryError::UnknownBill { .. } => (Kind::NotFound, "BILL_UNKNOWN", Some("month")),
            QueryError::NothingOnDay { .. } => (Kind::NotFound, "DAY_EMPTY", Some("day")),
            QueryError::NothingKnown => (Kind::NotFound, "NOTHING_KNOWN", Some("known_at")),
            QueryError::UnknownEvent => (Kind::NotFound, "EVENT_UNKNOWN", Some("event")),
            QueryError::UnknownSize { .. } => (Kind::Invalid, "SIZE_UNKNOWN", Some("size")),
            QueryError::EmptyRange { .. } => (Kind::Invalid, "RANGE_EMPTY", Some("until_s")),
            QueryError::TooManySteps { .. } => (Kind::Invalid, "RANGE_TOO_LONG", Some("until_s")),
            QueryError::Refused { .. } => (Kind::NotFound, "NOT_SHOWN", None),
            QueryError::Log(_) => return Self::internal(&error),
            QueryError::Stopped | QueryError::Desk(_) => (Kind::Unavailable, "SITE_UNAVAILABLE", None),
        };
        Self { kind, code, message: error.to_string(), field }
    }
}

impl From<DeskError> for Refusal {
    fn from(error: DeskError) -> Self {
        Self::from(CommandError::Unavailable(error))
    }
}

impl From<CommandError> for Refusal {
    fn from(error: CommandError) -> Self {
        let (code, field) = (error.code(), error.field());
        let kind = match &error {
            CommandError::Denied(denied) => return Self::from(denied.clone()),
            CommandError::KeyReused { .. } | CommandError::ReferenceTaken { .. } => Kind::Exists,
            CommandError::UnknownAccount { .. } | CommandError::UnknownPoint(_) | CommandError::NoProposal(_) => {
                Kind::NotFound
            }
            CommandError::Payment(_) if code == "PAYMENT_UNKNOWN" => Kind::NotFound,
            CommandError::Refund(_)
            | CommandError::Supply(_)
            | CommandError::Already(_)
            | CommandError::Alarm(_)
            | CommandError::Payment(_) => Kind::Precondition,
            CommandError::BadKey
            | CommandError::BadAmount { .. }
            | CommandError::OtherCurrency { .. }
            | CommandError::NothingSaid(_)
            | CommandError::Tables { .. } => Kind::Invalid,
            CommandError::Owner(_) if code == "LAW_FORBIDS" => Kind::Precondition,
            CommandError::Owner(_) if code == "TABLES_INVALID" => Kind::Invalid,
            CommandError::Owner(_) if code == "KEY_REUSED" => Kind::Exists,
            CommandError::Busy | CommandError::Unavailable(_) | CommandError::Owner(_) => Kind::Unavailable,
        };
        Self { kind, code, message: error.to_string(), field }
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        let code = match refusal.kind {
            Kind::Unauthenticated => Code::Unauthenticated,
            Kind::Denied => Code::PermissionDenied,
            Kind::NotFound => Code::NotFound,
            Kind::Invalid => Code::InvalidArgument,
            Kind::Precondition => Code::FailedPrecondition,
            Kind::Exists => Code::AlreadyExists,
            Kind::Unavailable => Code::Unavailable,
            Kind::Late => Code::DeadlineExceeded,
            Kind::Unserved => Code::Unimplemented,
            Kind::Internal => Code::Internal,
        };
        let mut details = ErrorDetails::new();
        details.set_error_info(refusal.code, "tallywatt", []);
        if let Some(field) = refusal.field {
            details.add_bad_request_violation(field, refusal.message.as_str());
        }
        Self::with_error_details(code, refusal.message, details)
    }
}
