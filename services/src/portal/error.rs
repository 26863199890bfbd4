//! Pages that say why there is no other.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use super::page::{Frame, page};
use super::visit::Reader;
use crate::desk::DeskError;
use crate::identity::Denied;
use crate::query::QueryError;

/// Why a page is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is not there, or not the visitor's to see.
    NotFound,
    /// The visitor's role does not include it.
    Forbidden,
    /// The form was not made for this session.
    Stale,
    /// The site does not answer at present.
    Unready,
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    frame: Frame,
    mend: String,
}

impl Fault {
    /// Its page.
    pub(super) fn page(self, reader: &Reader) -> Response {
        let (status, title, mend) = match self {
            Self::NotFound => (StatusCode::NOT_FOUND, "error-not-found", "error-not-found-mend"),
            Self::Forbidden => (StatusCode::FORBIDDEN, "error-forbidden", "error-forbidden-mend"),
            Self::Stale => (StatusCode::FORBIDDEN, "error-stale", "error-stale-mend"),
            Self::Unready => (StatusCode::SERVICE_UNAVAILABLE, "error-unready", "error-unready-mend"),
        };
        let frame = Frame::outside(reader.language, title, &reader.here);
        page(status, &ErrorPage { mend: frame.say(mend), frame })
    }
}

impl From<Denied> for Fault {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Unseen { .. } => Self::NotFound,
            Denied::Role { .. } | Denied::ReadOnly | Denied::OwnProposal { .. } => Self::Forbidden,
        }
    }
}

impl From<QueryError> for Fault {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Desk(error) => error.into(),
            QueryError::Log(_) | QueryError::Stopped => {
                tracing::error!(%error, "a page cannot be shown");
                Self::Unready
            }
            QueryError::UnknownAccount(_)
            | QueryError::UnknownPoint(_)
            | QueryError::UnknownPool(_)
            | QueryError::UnknownBill { .. }
            | QueryError::UnknownEvent
            | QueryError::NothingKnown
            | QueryError::UnknownSize { .. }
            | QueryError::EmptyRange { .. }
            | QueryError::NothingOnDay { .. }
            | QueryError::TooManySteps { .. }
            | QueryError::Refused { .. } => Self::NotFound,
        }
    }
}

impl From<DeskError> for Fault {
    fn from(error: DeskError) -> Self {
        tracing::error!(%error, "a page cannot be shown");
        Self::Unready
    }
}
