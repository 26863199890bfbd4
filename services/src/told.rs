//! A sentence before it has a language: a code of `services/locales/`, and what stands in it. Command line and
//! programs get it in English, a page in its reader's language.

use std::borrow::Cow;
use std::collections::HashMap;

use domain::quantity::Instant;
use fluent_templates::fluent_bundle::FluentValue;
use fluent_templates::{LanguageIdentifier, Loader as _, static_loader};

static_loader! {
    static LOCALES = {
        locales: "./locales",
        fallback_language: "en",
        // Marks that keep a number from its neighbours are noise where all runs left to right.
        customise: |bundle| bundle.set_use_isolating(false),
    };
}

/// The language of the command line.
const ENGLISH: &str = "en";

/// A message of `services/locales/TAG/`, if there is one.
pub(crate) fn find(tag: &str, key: &str, values: &[(&'static str, &str)]) -> Option<String> {
    let id: LanguageIdentifier = tag.parse().ok()?;
    let values: HashMap<Cow<'static, str>, FluentValue<'_>> =
        values.iter().map(|(name, value)| (Cow::from(*name), FluentValue::from(*value))).collect();
    LOCALES.try_lookup_complete(&id, key, Some(&values))
}

/// What stands in a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// An id, a figure, or what a person wrote: the same in every language.
    Text(String),
    /// An instant.
    Time(Instant),
    /// Words of their own.
    Told(Told),
    /// Several, with the code of what stands between them.
    List(&'static str, Vec<Told>),
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Text(number.to_string())
    }
}

impl From<Instant> for Value {
    fn from(at: Instant) -> Self {
        Self::Time(at)
    }
}

impl From<Told> for Value {
    fn from(told: Told) -> Self {
        Self::Told(told)
    }
}

impl From<Option<Told>> for Value {
    fn from(told: Option<Told>) -> Self {
        told.map_or_else(|| Self::Text(String::new()), Self::Told)
    }
}

/// A sentence, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Its code: the key of its words in every language.
    pub code: &'static str,
    /// What stands in it, by name.
    pub values: Vec<(&'static str, Value)>,
}

/// The sentence of a code. Codes are literals: a test finds those without words.
pub const fn told(code: &'static str) -> Told {
    Told { code, values: Vec::new() }
}

impl Told {
    /// With a value.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.values.push((name, value.into()));
        self
    }

    /// In a language, with instants as `time` writes them.
    pub fn say(&self, tag: &str, time: &dyn Fn(Instant) -> String) -> String {
        let said: Vec<(&'static str, String)> =
            self.values.iter().map(|(name, value)| (*name, value.say(tag, time))).collect();
        let said: Vec<(&'static str, &str)> = said.iter().map(|(name, text)| (*name, text.as_str())).collect();
        find(tag, self.code, &said).unwrap_or_else(|| self.code.to_owned())
    }

    /// In English, with instants in UTC.
    pub fn english(&self) -> String {
        self.say(ENGLISH, &|at| at.to_string())
    }
}

impl Value {
    fn say(&self, tag: &str, time: &dyn Fn(Instant) -> String) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Time(at) => time(*at),
            Self::Told(told) => told.say(tag, time),
            Self::List(between, all) => {
                let between = find(tag, between, &[]).unwrap_or_else(|| " ".to_owned());
                all.iter().map(|one| one.say(tag, time)).collect::<Vec<_>>().join(&between)
            }
        }
    }
}

/// A length of time: the largest unit of which there are two at least.
pub fn span(seconds: i64) -> Told {
    let (count, told) = match seconds {
        ..120 => (seconds, told("span-s")),
        120..7200 => (seconds.div_euclid(60), told("span-min")),
        7200..172_800 => (seconds.div_euclid(3600), told("span-h")),
        _ => (seconds.div_euclid(86_400), told("span-days")),
    };
    told.with("count", count)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::{Path, PathBuf};

    use super::*;

    /// Every code that stands in the source, wherever.
    fn codes(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in std::fs::read_dir(folder).expect("the folder is there") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                codes(&path, found);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                let text = std::fs::read_to_string(&path).expect("it reads");
                for call in ["told(\"", "Value::List(\""] {
                    for (at, _) in text.match_indices(call) {
                        let rest = text.get(at..).and_then(|rest| rest.strip_prefix(call)).unwrap_or_default();
                        let code = rest.split('"').next().unwrap_or_default();
                        if !code.is_empty() && code.bytes().all(|one| one.is_ascii_lowercase() || one == b'-') {
                            found.push((path.clone(), code.to_owned()));
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn every_code_has_words_in_every_language() {
        let mut found = Vec::new();
        codes(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
        assert!(found.len() > 80, "the search finds codes: {}", found.len());
        let (english, chinese) = (words("en"), words("zh"));
        for (path, code) in found {
            let said = english.get(&code);
            assert!(said.is_some(), "{}: {code} has no words", path.display());
            assert_eq!(said, chinese.get(&code), "{code} has other values in Chinese");
        }
    }

    /// The messages of a language, each with the values that stand in it.
    fn words(tag: &str) -> BTreeMap<String, BTreeSet<String>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("locales").join(tag);
        let mut all = BTreeMap::new();
        for file in std::fs::read_dir(folder).expect("the folder is there") {
            let text = std::fs::read_to_string(file.expect("a file").path()).expect("it reads");
            for (key, said) in text.lines().filter_map(|line| line.split_once(" = ")) {
                let values = said.split("{ $").skip(1).filter_map(|rest| rest.split(' ').next());
                all.insert(key.to_owned(), values.map(str::to_owned).collect());
            }
        }
        all
    }

    #[test]
    fn a_sentence_has_its_values_in_its_language() {
        let since = Instant::parse("2026-03-17T05:00:00Z").expect("an instant");
        let told = told("alarm-says-silent-meter")
            .with("subject", "meter/M-1")
            .with("level", span(7_200))
            .with("since", since)
            .with("limit", span(1_800));
        assert_eq!(told.english(), "meter/M-1: no reading for 2 h (since 2026-03-17T05:00:00Z), more than 30 min");
        assert_eq!(
            told.say("zh", &|_| "05:00".to_owned()),
            "meter/M-1：已有 2 小时没有读数（自 05:00 起），超过 30 分钟"
        );
    }
}
