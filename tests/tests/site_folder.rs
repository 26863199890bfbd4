//! Site folders: every site case loads, and bad input gets one clear error.

use std::path::{Path, PathBuf};

use adapters::site_folder::SiteFolder;
use domain::event::Body;

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("site-cases")
}

#[test]
fn every_site_case_loads() {
    let mut count = 0;
    for case in std::fs::read_dir(cases()).expect("site-cases is there") {
        let case = case.expect("it can be listed").path();
        if !case.is_dir() {
            continue;
        }
        let folder = SiteFolder::open(&case).unwrap_or_else(|error| panic!("{}: {error}", case.display()));
        let lines = std::fs::read_to_string(case.join("readings.csv")).expect("readings").lines().count();
        assert_eq!(folder.readings.len() + 1, lines, "{}", case.display());
        assert!(matches!(folder.facts[0].body, Body::SiteRegistered(_)));
        assert!(matches!(folder.facts[1].body, Body::CalendarPublished(_)));
        assert!(folder.facts.is_sorted_by_key(|fact| fact.received));
        let mut keys: Vec<&str> = folder.facts.iter().map(|fact| fact.key.as_str()).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), folder.facts.len(), "keys are unique: {}", case.display());
        count += 1;
    }
    assert_eq!(count, 39);
}
