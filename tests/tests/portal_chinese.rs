//! A Chinese page has no English sentence: every page of the portal, on a building where there is something to say.
//! What people and tariffs wrote, ids, units and codes stay as they are.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, ensure};
use domain::event::{
    AlarmEvent, AlarmKind, AlarmRaised, AlarmSubject, Body, MeterId, OutputState, PointId, SupplyCommandFailed,
    SupplyCommandOrdered, SupplyEvent, SupplyReason, SupplyRequested, SwitchFailure,
};
use domain::quantity::Instant;
use tests::http;
use tests::portal_routes::routes;
use tests::portal_site::{NOW, SITE};
use tests::portal_world::World;

/// What the building's own people wrote, and the names of programs.
const DATA: [&str; 10] = [
    "Riverside Court",
    "Climate levy",
    "Standing charge",
    "Lifts and corridors",
    "works on the riser",
    "QuickBooks Online",
    "J. Doe",
    "sign in",
    "tallywatt verify",
    "Tallywatt",
];

/// What stands for the names of a path.
const VALUES: [(&str, &str); 7] = [
    ("{site}", SITE),
    ("{account}", "A-101"),
    ("{point}", "P-101"),
    ("{month}", "2026-03"),
    ("{date}", "2026-03-17"),
    ("{line}", "1"),
    ("{user}", "mia"),
];

/// One alarm of each kind, an order that failed, and a request that waits.
fn happenings() -> Result<Vec<Body>> {
    let at = Instant::parse(NOW)?;
    let (meter, point) = (MeterId::try_new("M-103").context("an id")?, PointId::try_new("P-103").context("an id")?);
    let alarm = |kind| {
        AlarmEvent::AlarmRaised(AlarmRaised {
            episode: 1,
            figures: BTreeMap::new(),
            kind,
            level: 7_500,
            limit: 1_800,
            policy: 0,
            since: at,
            subject: AlarmSubject::Meter(meter.clone()),
        })
    };
    let mut all: Vec<Body> = AlarmKind::ALL.into_iter().map(|kind| alarm(kind).into()).collect();
    let (by, reason) = ("mia".to_owned(), "works on the riser".to_owned());
    let to = OutputState::Disconnected;
    let ordered = SupplyCommandOrdered {
        account: None,
        checks: Vec::new(),
        command: 1,
        meter,
        point: point.clone(),
        policy: 1,
        reason: SupplyReason::Person,
        request: Some(1),
        to,
        valid_until: at.plus(300),
    };
    let failed =
        SupplyCommandFailed { command: 1, evidence: None, point: point.clone(), reason: SwitchFailure::NoRelay };
    for event in [
        SupplyEvent::SupplyRequested(SupplyRequested { by, point, reason, request: 1, to }),
        SupplyEvent::SupplyCommandOrdered(ordered),
        SupplyEvent::SupplyCommandFailed(failed),
    ] {
        all.push(event.into());
    }
    Ok(all)
}

/// What a reader sees or hears of a page, a piece a line.
fn shown(page: &str) -> String {
    let mut text = String::new();
    let mut rest = page;
    while let Some((before, tagged)) = rest.split_once('<') {
        text.push_str(before);
        text.push('\n');
        let (tag, after) = tagged.split_once('>').unwrap_or((tagged, ""));
        for name in ["aria-label", "title", "placeholder", "alt"] {
            if let Some((_, value)) = tag.split_once(&format!(" {name}=\"")) {
                text.push_str(value.split('"').next().unwrap_or_default());
                text.push('\n');
            }
        }
        let name = tag.split([' ', '\n']).next().unwrap_or_default();
        // What is written in another language says so, and a text of tables is data.
        let is_foreign = tag.contains(" lang=\"en\"") || ["script", "style", "textarea", "head"].contains(&name);
        rest = if is_foreign { after.split_once(&format!("</{name}>")).map_or("", |(_, after)| after) } else { after };
    }
    text + rest
}

/// Two words of English side by side.
fn english(text: &str) -> Vec<String> {
    let mut text = text.to_owned();
    for data in DATA {
        text = text.replace(data, "·");
    }
    let is_word = |word: &str| {
        let word = word.trim_end_matches([',', '.', ';', ':', '?', '!']);
        word.len() > 1
            && word.chars().all(|one| one.is_ascii_alphabetic() || one == '\'')
            && word.chars().skip(1).all(|one| !one.is_ascii_uppercase())
    };
    let mut found = Vec::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        if words.windows(2).any(|pair| pair.iter().all(|word| is_word(word))) {
            found.push(line.trim().to_owned());
        }
    }
    found
}

/// The first words of all messages' keys.
fn families() -> Result<BTreeSet<String>> {
    let mut all = BTreeSet::new();
    for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../services/locales/zh"))? {
        let text = std::fs::read_to_string(file?.path())?;
        let keys = text.lines().filter_map(|line| line.split_once(" = ")?.0.split_once('-'));
        all.extend(keys.map(|(first, _)| first.to_owned()));
    }
    Ok(all)
}

/// What looks like a message's key: it stands there where a message has no words, or not all of its values.
fn unsaid(text: &str, families: &BTreeSet<String>) -> Option<String> {
    let is_key = |word: &&str| {
        let is_plain = word.bytes().all(|one| one.is_ascii_lowercase() || one == b'-');
        let first = word.split_once('-').filter(|(_, rest)| !rest.is_empty());
        is_plain && first.is_some_and(|(first, _)| families.contains(first)) && *word != "supply-control"
    };
    text.split(|one: char| !one.is_ascii_alphanumeric() && one != '-').find(is_key).map(str::to_owned)
}

#[test]
fn a_chinese_page_has_no_english_sentence() -> Result<()> {
    let world = World::start()?;
    world.portal.say(happenings()?)?;
    let at = world.portal.server.http;
    let (mia, mark) = world.portal.enter("mia")?;
    let families = families()?;
    let mut walked = 0;
    for route in routes()?.iter().filter(|route| route.get && route.path.starts_with("/site/{site}")) {
        let mut path = route.path.clone();
        for (name, value) in VALUES {
            path = path.replace(name, value);
        }
        // Streams, and files of data.
        if ["/live", "/export", "/bundle", "/proof"].into_iter().any(|end| path.ends_with(end)) {
            continue;
        }
        let answer = http::page(at, &format!("{path}?lang=zh&account=A-101&month=2026-03&line=1"), &mia)?;
        if answer.status == 403 || answer.status == 303 {
            continue;
        }
        ensure!(answer.status == 200, "{path}: {}", answer.status);
        let text = shown(&answer.body);
        let bare = unsaid(&text, &families);
        ensure!(bare.is_none(), "{path} has a message without its words or values: {bare:?}");
        let found = english(&text);
        ensure!(found.is_empty(), "{path} says in English: {found:#?}");
        walked += 1;
    }
    ensure!(walked > 12, "only {walked} pages were read");
    // The pages have what there is to say.
    let alarms = http::page(at, &format!("/site/{SITE}/alarms?lang=zh"), &mia)?.body;
    ensure!(alarms.contains("触点粘连") && alarms.contains("没有读数（自"), "{alarms}");
    let supply = http::page(at, &format!("/site/{SITE}/supply?lang=zh"), &mia)?.body;
    ensure!(supply.contains("此型号没有可控的继电器") && supply.contains("尚无人批准"), "{supply}");
    let books = http::page(at, &format!("/site/{SITE}/books?lang=zh&month=2026-03"), &mia)?.body;
    ensure!(books.contains("期间电量为插补"), "{books}");
    let line = http::page(at, &format!("/site/{SITE}/account/A-101/bills/2026-03/line/1?lang=zh"), &mia)?.body;
    ensure!(line.contains("抄表事件") && line.contains("千瓦时计入此行"), "{line}");
    // What is refused is refused in Chinese.
    let refused =
        [("act", "restore"), ("point", "P-101"), ("reason", "works on the riser"), ("key", "one"), ("csrf", &mark)];
    let supply = http::submit(at, &format!("/site/{SITE}/supply?lang=zh"), &mia, &refused)?.body;
    ensure!(supply.contains("已经通电"), "{supply}");
    ensure!(english(&shown(&supply)).is_empty(), "{:#?}", english(&shown(&supply)));
    Ok(())
}
