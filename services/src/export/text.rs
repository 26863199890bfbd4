//! What the journals share: words for an entry and its lines, in characters
//! that no reader of journals takes for syntax.

use std::fmt::Write as _;

use domain::event::{RechargeKind, SortedLineKey};
use domain::ledger::{Cause, Detail, JournalEntry};
use projections::bill::show_quantity;

/// Free text with `%HH` for all that is not a letter, digit, space or one of `-_./@#+`.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::new();
    for one in text.chars() {
        if one.is_alphanumeric() || " -_./@#+".contains(one) {
            out.push(one);
        } else {
            let mut bytes = [0; 4];
            for byte in one.encode_utf8(&mut bytes).bytes() {
                out.extend(format!("%{byte:02X}").chars());
            }
        }
    }
    out
}

/// Why a balance moves, in words.
pub(super) fn cause(entry: &JournalEntry<'_>) -> String {
    match entry.cause {
        Cause::Opening => "opening balance".to_owned(),
        Cause::Recharge(data) => kind(data.kind).to_owned(),
        Cause::Correction(_) => "correction".to_owned(),
        Cause::Settlement(data) => data.run.clone(),
    }
}

/// A recharge's kind as a word.
pub(super) const fn kind(kind: RechargeKind) -> &'static str {
    match kind {
        RechargeKind::Recharge => "recharge",
        RechargeKind::Refund => "refund",
        RechargeKind::Reversal => "reversal",
    }
}

/// Facts about an entry, by name; the names are the journals' tags.
pub(super) fn facts(entry: &JournalEntry<'_>) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("event", entry.event.position.to_string()),
        ("id", entry.event.id.to_string()),
        ("time", entry.event.time.to_string()),
        ("account", entry.account.to_string()),
    ];
    match entry.cause {
        Cause::Recharge(data) => facts.push(("reference", data.reference.clone())),
        Cause::Correction(data) => {
            facts.push(("reference", data.reference.clone()));
            facts.push(("by", data.by.clone()));
            facts.push(("reason", data.reason.clone()));
        }
        Cause::Opening | Cause::Settlement(_) => {}
    }
    facts
}

/// The tags of all entries.
pub(super) const TAGS: [&str; 7] = ["event", "id", "time", "account", "reference", "by", "reason"];

/// A line's key in words.
fn key(key: &SortedLineKey) -> String {
    let mut words = format!("{} {} version {}", key.point, key.tariff, key.version);
    for one in [&key.name, &key.period].into_iter().flatten() {
        words.push(' ');
        words.push_str(one);
    }
    for (name, number) in [("season", key.season), ("tier", key.tier)] {
        if let Some(number) = number {
            write!(words, " {name} {number}").unwrap_or_default();
        }
    }
    words
}

/// What a posting is of, in words: the month to date, and the versions of tariff or rule.
pub(super) fn detail(of: Detail<'_>, decimals: u8) -> String {
    match of {
        Detail::Whole => String::new(),
        Detail::Line(line) => {
            let quantity = show_quantity(line.quantity, line.unit, decimals);
            let price = line.price.map_or_else(|| "none".to_owned(), |price| price.to_string());
            let amount = line.amount_minor.major(decimals);
            format!("{} of {} to date {quantity} at {price} is {amount}", key(&line.key), line.month)
        }
        Detail::Share(share, rule) => {
            let rule = rule.map_or_else(|| "no rule".to_owned(), |rule| format!("rule version {rule}"));
            let (kwh, amount) = (share.energy_mwh.kwh(), share.amount_minor.major(decimals));
            format!("share of {} by {rule} of {} to date {kwh} kWh is {amount}", share.pool, share.month)
        }
        Detail::Tax(tax) => {
            let (base, amount) = (tax.base_minor.major(decimals), tax.amount_minor.major(decimals));
            format!("{} {} of {} to date on {base} is {amount}", tax.name, tax.rate, tax.month)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn free_text_has_no_syntax_of_a_journal() {
        assert_eq!(plain("R-1 [2026-01-01] date:x; a\nb"), "R-1 %5B2026-01-01%5D date%3Ax%3B a%0Ab");
        assert_eq!(plain("Müller 100%"), "Müller 100%25");
    }
}
