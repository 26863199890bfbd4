//! The frame of every page, and the answer that carries it.

use askama::Template;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};

use super::words::Language;

/// What a page may load and do: nothing that is not ours, and nothing written in the page itself.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A picture beside a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Icon {
    /// A house.
    Home,
    /// Bars.
    Use,
    /// A sheet.
    Bill,
    /// A card.
    Pay,
    /// Rooms.
    Rooms,
    /// A bell.
    Alarm,
    /// A plug.
    Supply,
    /// Lines of a list.
    Rules,
    /// A person.
    People,
    /// A glass.
    Audit,
}

impl Icon {
    /// Its lines, in a square of 24.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Home => "M4 11.5 12 4l8 7.5V20h-5.5v-5h-5v5H4z",
            Self::Use => "M4 20V10m5.3 10V4m5.4 16v-8M20 20V7",
            Self::Bill => "M6 3.5h12v17l-3-2-3 2-3-2-3 2zM9.5 8.5h5m-5 4h5",
            Self::Pay => "M3.5 6.5h17v12h-17zm0 4h17m-13 4h3",
            Self::Rooms => "M4 4h7v7H4zm9 0h7v7h-7zM4 13h7v7H4zm9 0h7v7h-7z",
            Self::Alarm => "M6 16.5V11a6 6 0 0 1 12 0v5.5l1.5 1.5h-15zm4 3.5h4",
            Self::Supply => "M9 3v5m6-5v5M6.5 8h11v3.5a5.5 5.5 0 0 1-11 0zM12 17v4",
            Self::Rules => "M9.5 6H20M9.5 12H20M9.5 18H20M4 6h1m-1 6h1m-1 6h1",
            Self::People => "M12 4a4 4 0 1 1 0 8 4 4 0 0 1 0-8zM4.5 20a7.5 7.5 0 0 1 15 0",
            Self::Audit => "M10.5 4a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13zm5 11.5 5 5",
        }
    }
}

/// A place that the navigation leads to.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// Its address.
    pub href: String,
    /// Its name, in the reader's language.
    pub name: String,
    /// Its picture.
    pub icon: Icon,
    /// Whether the page is there.
    pub current: bool,
}

/// Who is signed in.
#[derive(Debug, Clone)]
pub(super) struct Who {
    /// The name.
    pub user: String,
    /// What forms carry.
    pub csrf: String,
}

/// What every page has around its content.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    /// The reader's language.
    pub language: Language,
    /// The page's title.
    pub title: String,
    /// The page's address, without the language.
    pub here: String,
    /// Who is signed in, if anybody.
    pub who: Option<Who>,
    /// Where one can go.
    pub places: Vec<Place>,
    /// What all pages of now have to say.
    pub notes: Vec<String>,
}

impl Frame {
    /// A frame without places, for who is not signed in.
    pub(super) fn outside(language: Language, title: &str, here: &str) -> Self {
        let (title, here) = (language.say(title), here.to_owned());
        Self { language, title, here, who: None, places: Vec::new(), notes: Vec::new() }
    }

    /// A message.
    pub(super) fn say(&self, key: &str) -> String {
        self.language.say(key)
    }

    /// A message with one value.
    pub(super) fn say1(&self, key: &str, name: &'static str, value: &str) -> String {
        self.language.say1(key, name, value)
    }

    /// The other languages: name, tag, address.
    pub(super) fn languages(&self) -> Vec<(&'static str, &'static str, String)> {
        let others = Language::ALL.into_iter().filter(|one| *one != self.language);
        others.map(|one| (one.name(), one.tag(), format!("{}?lang={}", self.here, one.tag()))).collect()
    }
}

/// A page as an answer. It is nobody else's, so no cache keeps it.
pub(super) fn page(status: StatusCode, template: &impl Template) -> Response {
    let headers = headers();
    match template.render() {
        Ok(text) => (status, headers, text).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page cannot be written");
            (StatusCode::INTERNAL_SERVER_ERROR, headers, "This page cannot be shown.").into_response()
        }
    }
}

fn headers() -> HeaderMap {
    HeaderMap::from_iter([
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ])
}
