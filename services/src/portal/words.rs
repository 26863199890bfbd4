//! What pages say: `services/locales/LANGUAGE/*.ftl`, and which language a person reads.

use crate::told;
use crate::told::Told;
use domain::quantity::Instant;

/// A language of the portal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    /// English.
    English,
    /// Chinese, simplified.
    Chinese,
}

impl Language {
    pub(super) const ALL: [Self; 2] = [Self::English, Self::Chinese];

    /// Its tag: the folder of its words, and the value of the cookie.
    pub(super) fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh",
        }
    }

    /// Its own name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Chinese => "中文",
        }
    }

    /// The language of a tag, whatever region stands behind it.
    pub(super) fn of_tag(tag: &str) -> Option<Self> {
        let first = tag.split(['-', '_']).next()?;
        Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(first.trim()))
    }

    /// The language that a browser asks for: the first of those known, by weight.
    pub(super) fn accepted(header: &str) -> Option<Self> {
        let mut best: Option<(u32, Self)> = None;
        for entry in header.split(',') {
            let (tag, rest) = entry.split_once(';').unwrap_or((entry, ""));
            let Some(language) = Self::of_tag(tag.trim()) else { continue };
            let weight = rest.trim().strip_prefix("q=").map_or(Some(1000), thousandths).unwrap_or(0);
            if weight > 0 && best.is_none_or(|(most, _)| weight > most) {
                best = Some((weight, language));
            }
        }
        best.map(|(_, language)| language)
    }

    /// A message.
    pub(super) fn say(self, key: &str) -> String {
        self.say_with(key, &[])
    }

    /// A message with one value.
    pub(super) fn say1(self, key: &str, name: &'static str, value: &str) -> String {
        self.say_with(key, &[(name, value)])
    }

    /// A message with values.
    pub(super) fn say_with(self, key: &str, values: &[(&'static str, &str)]) -> String {
        self.find(key, values).unwrap_or_else(|| key.to_owned())
    }

    /// A message, if there is one.
    pub(super) fn find(self, key: &str, values: &[(&'static str, &str)]) -> Option<String> {
        told::find(self.tag(), key, values)
    }

    /// A sentence, with instants as `time` writes them.
    pub(super) fn tell(self, told: &Told, time: &dyn Fn(Instant) -> String) -> String {
        told.say(self.tag(), time)
    }
}

/// A weight of `Accept-Language` in thousandths.
fn thousandths(text: &str) -> Option<u32> {
    let (whole, part) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let part: u32 = format!("{part:0<3}").get(..3)?.parse().ok()?;
    whole.parse::<u32>().ok()?.checked_mul(1000)?.checked_add(part)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    fn keys(language: &str) -> BTreeSet<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("locales").join(language);
        let mut keys = BTreeSet::new();
        for file in std::fs::read_dir(folder).expect("the folder is there") {
            let text = std::fs::read_to_string(file.expect("a file").path()).expect("it reads");
            for line in text.lines().filter(|line| line.starts_with(|first: char| first.is_ascii_lowercase())) {
                let key = line.split_once(" =").map_or(line, |(key, _)| key);
                assert!(keys.insert(key.to_owned()), "{key} stands twice in {language}");
            }
        }
        keys
    }

    #[test]
    fn every_language_says_everything() {
        assert_eq!(keys("en"), keys("zh"));
    }

    /// A Chinese message has no two English words side by side, but for names.
    #[test]
    fn chinese_is_chinese() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("locales/zh");
        for file in std::fs::read_dir(folder).expect("the folder is there") {
            let text = std::fs::read_to_string(file.expect("a file").path()).expect("it reads");
            for line in text.lines().filter(|line| !line.starts_with('#')) {
                let said = line.split_once(" = ").map_or("", |(_, said)| said).replace("QuickBooks Online", "");
                let words: Vec<&str> = said.split(' ').collect();
                let is_word = |word: &&str| word.len() > 1 && word.chars().all(|one| one.is_ascii_lowercase());
                assert!(!words.windows(2).any(|pair| pair.iter().all(is_word)), "{line}");
            }
        }
    }

    /// Every literal key that a template or the portal's code asks for.
    #[test]
    fn what_is_asked_for_can_be_said() {
        let known = keys("en");
        let mut asked = 0;
        let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut folders = vec![crate_folder.join("templates"), crate_folder.join("src/portal")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("the folder is there") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = std::fs::read(&path).expect("it reads");
                let text = String::from_utf8_lossy(&text);
                for call in ["say(\"", "say_with(\"", "say1(\""] {
                    for (at, _) in text.match_indices(call) {
                        let rest = text.get(at..).unwrap_or("").strip_prefix(call).unwrap_or("");
                        let key = rest.split('"').next().unwrap_or("");
                        assert!(known.contains(key), "{}: no words for {key}", path.display());
                        asked += 1;
                    }
                }
            }
        }
        assert!(asked > 20, "the search finds what pages ask for");
    }

    /// The variants of an enum, as keys have them: what is added to it is found.
    fn variants(path: &str, name: &str) -> Vec<String> {
        let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("it reads");
        let (_, body) = text.split_once(&format!("pub enum {name} {{")).expect("the enum is there");
        let body = body.split("\n}").next().unwrap_or_default();
        let names =
            body.lines().map(str::trim).filter(|line| line.starts_with(|first: char| first.is_ascii_uppercase()));
        let key = |name: &str| {
            let letters = name.trim_end_matches(',').char_indices();
            let letter = |(at, one): (usize, char)| {
                let dash = if at > 0 && one.is_ascii_uppercase() { "-" } else { "" };
                format!("{dash}{}", one.to_ascii_lowercase())
            };
            letters.map(letter).collect::<Vec<_>>().concat()
        };
        names.map(key).collect()
    }

    /// What stands in quotes after each of a text's marks.
    fn quoted(path: &str, mark: &str) -> Vec<String> {
        let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("it reads");
        let after = text.split(mark).skip(1).filter_map(|rest| rest.split('"').next());
        after.map(|code| code.replace('_', "-")).collect()
    }

    /// Keys that pages make of codes: every code has words.
    #[test]
    fn what_keys_are_made_of_can_be_said() {
        let known = keys("en");
        let of = |family: &str, codes: Vec<String>| {
            assert!(codes.len() > 1, "{family} has codes: {codes:?}");
            let missing: Vec<&String> =
                codes.iter().filter(|code| !known.contains(&format!("{family}-{code}"))).collect();
            assert!(missing.is_empty(), "{family} has no words for {missing:?}");
        };
        of("alarm", variants("../domain/src/event/alarm.rs", "AlarmKind"));
        of("held", variants("../domain/src/metering/error.rs", "Reason"));
        of("hold", variants("../domain/src/event/supply/command.rs", "CheckCode"));
        of("payment", variants("../domain/src/recharge/state.rs", "PaymentState"));
        of("cash", variants("../domain/src/event/fact/ledger.rs", "RechargeKind"));
        of("component", variants("../domain/src/event/decision.rs", "Component"));
        of("window", variants("../domain/src/event/fact/tariff.rs", "TierWindow"));
        of("basis", variants("../domain/src/event/fact/pool.rs", "Basis"));
        of(
            "check",
            ["checks", "loss"].map(|file| quoted(&format!("src/close_check/{file}.rs"), "Finding::new(\"")).concat(),
        );
        of("bill-held", quoted("../domain/src/billing/hold.rs", "code: \""));
    }

    #[test]
    fn a_browser_gets_the_first_language_that_is_known() {
        let of = |header| Language::accepted(header);
        assert_eq!(of("zh-CN,zh;q=0.9,en;q=0.8"), Some(Language::Chinese));
        assert_eq!(of("de-DE, en-GB;q=0.7, zh;q=0.3"), Some(Language::English));
        assert_eq!(of("zh;q=0, en;q=0.1"), Some(Language::English));
        assert_eq!(of("fr, de"), None);
    }
}
