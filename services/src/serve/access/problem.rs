//! What a caller is told that gets no answer: `application/problem+json` (RFC 9457) with a code that is published and
//! never reused. It never says whether something beyond the caller's grants is there.

use axum::Json;
use axum::http::header::{CONTENT_TYPE, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::command::CommandError;
use crate::identity::{Denied, IdentityError};
use crate::query::QueryError;

/// The published codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// The request cannot be read.
    BadRequest,
    /// Nobody is known by what the request carries.
    Unauthenticated,
    /// The role or the token does not allow it.
    Forbidden,
    /// A page of another origin asks in the name of a session.
    CrossSite,
    /// It is not there, or beyond the grants.
    NotFound,
    /// The path has no such method.
    MethodNotAllowed,
    /// The body is too large.
    TooLarge,
    /// What was asked for cannot be shown.
    Unprocessable,
    /// Too many requests.
    TooManyRequests,
    /// A fault of the service.
    Internal,
    /// Not at present.
    Unavailable,
    /// A command: the Idempotency-Key is none.
    KeyInvalid,
    /// A command: the key is another command's.
    KeyReused,
    /// A command: nobody approves what he proposed.
    OwnProposal,
    /// A command: the site has no such account.
    AccountUnknown,
    /// A command: the site has no such unit's point.
    PointUnknown,
    /// A command: no such proposal waits.
    ProposalUnknown,
    /// A command: no such payment is known.
    PaymentUnknown,
    /// A command: the amount does not fit.
    AmountInvalid,
    /// A command: it is not the site's currency.
    CurrencyMismatch,
    /// A command: a text says nothing, or too much.
    TextMissing,
    /// A command: the tables cannot be.
    TablesInvalid,
    /// A command: the reference is in the ledger.
    ReferenceTaken,
    /// A command: it is more than the balance.
    BalanceTooLow,
    /// A command: the law's rules of this site stand against it.
    LawForbids,
    /// A command: the rules of supply stand against it.
    SupplyRefused,
    /// A command: it is so already.
    AlreadySo,
    /// A command: no such alarm waits for somebody.
    AlarmRefused,
    /// A command: the payment is not in suspense.
    NotInSuspense,
    /// A command: a bill of the account is held.
    BillHeld,
    /// A command: a complaint of the account is open.
    ComplaintOpen,
}

impl Code {
    /// Every code.
    pub const ALL: [Self; 31] = [
        Self::BadRequest,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::CrossSite,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::TooLarge,
        Self::Unprocessable,
        Self::TooManyRequests,
        Self::Internal,
        Self::Unavailable,
        Self::KeyInvalid,
        Self::KeyReused,
        Self::OwnProposal,
        Self::AccountUnknown,
        Self::PointUnknown,
        Self::ProposalUnknown,
        Self::PaymentUnknown,
        Self::AmountInvalid,
        Self::CurrencyMismatch,
        Self::TextMissing,
        Self::TablesInvalid,
        Self::ReferenceTaken,
        Self::BalanceTooLow,
        Self::LawForbids,
        Self::SupplyRefused,
        Self::AlreadySo,
        Self::AlarmRefused,
        Self::NotInSuspense,
        Self::BillHeld,
        Self::ComplaintOpen,
    ];

    /// As it is published, with its status and what it means.
    pub const fn published(self) -> (&'static str, StatusCode, &'static str) {
        match self {
            Self::BadRequest => ("bad_request", StatusCode::BAD_REQUEST, "the request cannot be read"),
            Self::Unauthenticated => ("unauthenticated", StatusCode::UNAUTHORIZED, "a token or a session is needed"),
            Self::Forbidden => ("forbidden", StatusCode::FORBIDDEN, "the role or the token does not allow it"),
            Self::CrossSite => ("cross_site", StatusCode::FORBIDDEN, "a session writes only from its own pages"),
            Self::NotFound => ("not_found", StatusCode::NOT_FOUND, "it is not there, or beyond the grants"),
            Self::MethodNotAllowed => ("method_not_allowed", StatusCode::METHOD_NOT_ALLOWED, "no such method here"),
            Self::TooLarge => ("too_large", StatusCode::PAYLOAD_TOO_LARGE, "the body is too large"),
            Self::Unprocessable => ("unprocessable", StatusCode::UNPROCESSABLE_ENTITY, "it cannot be shown"),
            Self::TooManyRequests => ("too_many_requests", StatusCode::TOO_MANY_REQUESTS, "too many requests"),
            Self::Internal => ("internal", StatusCode::INTERNAL_SERVER_ERROR, "a fault of the service"),
            Self::Unavailable => ("unavailable", StatusCode::SERVICE_UNAVAILABLE, "not at present"),
            Self::KeyInvalid => ("key_invalid", StatusCode::BAD_REQUEST, "the Idempotency-Key is none"),
            Self::KeyReused => ("key_reused", StatusCode::CONFLICT, "the key is another command's"),
            Self::OwnProposal => ("own_proposal", StatusCode::FORBIDDEN, "nobody approves what he proposed"),
            Self::AccountUnknown => ("account_unknown", StatusCode::NOT_FOUND, "the site has no such account"),
            Self::PointUnknown => ("point_unknown", StatusCode::NOT_FOUND, "the site has no such unit's point"),
            Self::ProposalUnknown => ("proposal_unknown", StatusCode::NOT_FOUND, "no such proposal waits"),
            Self::PaymentUnknown => ("payment_unknown", StatusCode::NOT_FOUND, "no such payment is known"),
            Self::AmountInvalid => ("amount_invalid", StatusCode::UNPROCESSABLE_ENTITY, "the amount does not fit"),
            Self::CurrencyMismatch => {
                ("currency_mismatch", StatusCode::UNPROCESSABLE_ENTITY, "it is not the site's currency")
            }
            Self::TextMissing => ("text_missing", StatusCode::UNPROCESSABLE_ENTITY, "a text says nothing, or too much"),
            Self::TablesInvalid => ("tables_invalid", StatusCode::UNPROCESSABLE_ENTITY, "the tables cannot be"),
            Self::ReferenceTaken => ("reference_taken", StatusCode::CONFLICT, "the reference is in the ledger"),
            Self::BalanceTooLow => ("balance_too_low", StatusCode::CONFLICT, "it is more than the balance"),
            Self::LawForbids => ("law_forbids", StatusCode::CONFLICT, "the law's rules of this site stand against it"),
            Self::SupplyRefused => ("supply_refused", StatusCode::CONFLICT, "the rules of supply stand against it"),
            Self::AlreadySo => ("already_so", StatusCode::CONFLICT, "it is so already"),
            Self::AlarmRefused => ("alarm_refused", StatusCode::CONFLICT, "no such alarm waits for somebody"),
            Self::NotInSuspense => ("not_in_suspense", StatusCode::CONFLICT, "the payment is not in suspense"),
            Self::BillHeld => ("bill_held", StatusCode::CONFLICT, "a bill of the account is held"),
            Self::ComplaintOpen => ("complaint_open", StatusCode::CONFLICT, "a complaint of the account is open"),
        }
    }
}

impl Code {
    /// The code of a command's code: in lower case, the same word.
    fn of_command(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.published().0.eq_ignore_ascii_case(code))
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Its code.
    pub code: Code,
    /// What is wrong, and what mends it.
    pub detail: String,
    /// When to ask again, in seconds.
    pub retry_s: Option<u64>,
}

/// A problem as it is sent.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ProblemBody {
    /// A name of the kind of problem.
    pub r#type: String,
    /// What the kind means.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The published code.
    pub code: String,
    /// What is wrong, and what mends it.
    pub detail: String,
}

impl Problem {
    /// Of a code.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), retry_s: None }
    }

    /// The one answer for what is not there and for what may not be seen.
    pub fn not_found() -> Self {
        Self::new(Code::NotFound, "name a site, account or path that is yours")
    }

    /// A parameter that cannot be read.
    pub fn parameter(name: &str, wanted: &str) -> Self {
        Self::new(Code::BadRequest, format!("{name}: write {wanted}"))
    }

    /// A fault of the service: what it is stays in the service's own log.
    pub fn internal(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "a request failed");
        Self::new(Code::Internal, "ask again; the service's log has the cause")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (code, status, title) = self.code.published();
        let body = ProblemBody {
            r#type: format!("urn:tallywatt:problem:{code}"),
            title: title.to_owned(),
            status: status.as_u16(),
            code: code.to_owned(),
            detail: self.detail,
        };
        let mut response = (status, Json(body)).into_response();
        let mut put = |name: HeaderName, value: HeaderValue| response.headers_mut().insert(name, value);
        put(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.code == Code::Unauthenticated {
            put(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_s {
            put(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Unseen { .. } => Self::not_found(),
            Denied::Role { .. } => Self::new(Code::Forbidden, "ask with a role that allows it"),
            Denied::OwnProposal { .. } => Self::new(Code::OwnProposal, denied.to_string()),
            Denied::ReadOnly => Self::new(Code::Forbidden, "ask with a token that may write"),
        }
    }
}

impl From<IdentityError> for Problem {
    fn from(error: IdentityError) -> Self {
        Self::internal(&error)
    }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::UnknownAccount(_)
            | QueryError::UnknownPoint(_)
            | QueryError::UnknownPool(_)
            | QueryError::UnknownBill { .. }
            | QueryError::UnknownEvent
            | QueryError::NothingKnown
            | QueryError::NothingOnDay { .. } => Self::not_found(),
            QueryError::EmptyRange { .. } | QueryError::TooManySteps { .. } | QueryError::UnknownSize { .. } => {
                Self::new(Code::BadRequest, error.to_string())
            }
            QueryError::Refused { .. } => Self::new(Code::Unprocessable, error.to_string()),
            QueryError::Log(_) => Self::internal(&error),
            QueryError::Stopped | QueryError::Desk(_) => Self {
                retry_s: Some(5),
                ..Self::new(Code::Unavailable, "the site has no owner here at present: ask again")
            },
        }
    }
}

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        if let CommandError::Denied(denied) = error {
            return denied.into();
        }
        if let Some(code) = Code::of_command(error.code()) {
            return Self::new(code, error.to_string());
        }
        tracing::warn!(%error, "a command was not carried out");
        let text = "the site cannot append at present: ask again with the same key";
        Self { retry_s: Some(5), ..Self::new(Code::Unavailable, text) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::CODES;

    #[test]
    fn every_code_of_a_command_has_its_own_here() {
        let missing = CODES.into_iter().filter(|code| Code::of_command(code).is_none()).collect::<Vec<_>>();
        assert_eq!(missing, ["PERMISSION_DENIED", "SITE_UNAVAILABLE"]);
    }
}
