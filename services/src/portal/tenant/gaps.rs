//! Time without readings, as it is said.

use std::collections::BTreeSet;

use domain::quantity::Instant;

use crate::portal::words::Language;
use crate::query::Curve;

/// Seconds of a curve that no reading covers, each counted once.
pub(super) fn seconds(curve: &Curve) -> i64 {
    let bars = curve.bars.iter().filter(|bar| bar.interpolated);
    let gaps: BTreeSet<(Instant, Instant)> = bars.map(|bar| (bar.from, bar.until)).collect();
    let (mut total, mut covered) = (0i64, Instant::new(i64::MIN));
    for (from, until) in gaps {
        let from = from.max(covered);
        if until > from {
            total = total.saturating_add(until.since(from));
            covered = until;
        }
    }
    total
}

/// What is said of them; none where readings cover all.
pub(super) fn note(curve: Option<&Curve>, language: Language) -> Option<String> {
    said(seconds(curve?), language)
}

/// What is said of so many seconds.
pub(super) fn said(seconds: i64, language: Language) -> Option<String> {
    let length = language.hours(seconds);
    let short = language.say1("interpolated", "length", &length);
    (seconds > 0).then(|| format!("{short}. {}", language.say1("interpolated-note", "length", &length)))
}
