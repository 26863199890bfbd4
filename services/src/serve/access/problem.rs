//! What a caller is told that gets no answer: `application/problem+json` (RFC 9457) with a code that is published and
//! never reused. It never says whether something beyond the caller's grants is there.

use axum::Json;
use axum::http::header::{CONTENT_TYPE, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

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
}

impl Code {
    /// Every code.
    pub const ALL: [Self; 11] = [
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
        }
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
            Denied::Role { .. } | Denied::OwnProposal { .. } => {
                Self::new(Code::Forbidden, "ask with a role that allows it")
            }
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
            | QueryError::NothingOnDay { .. } => Self::not_found(),
            QueryError::EmptyRange { .. } | QueryError::TooManySteps { .. } => {
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
