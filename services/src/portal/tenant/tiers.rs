//! Where a point stands in the tiers of its prices.

use domain::quantity::Energy;

use crate::portal::chart::part_of;
use crate::portal::show::{self, Coin};
use crate::portal::words::Language;
use crate::query::{Tier, TierProgress};

/// The tiers of a point, in the period of now.
pub(super) struct TierGroup {
    pub period: String,
    pub used: String,
    pub tiers: Vec<TierView>,
}

/// A tier, as far as it is used.
pub(super) struct TierView {
    pub name: String,
    pub price: String,
    pub progress: String,
    pub share: String,
}

/// The groups of all points that have more than one tier.
pub(super) fn groups(all: &[TierProgress], coin: &Coin, language: Language) -> Vec<TierGroup> {
    all.iter().filter(|one| one.tiers.len() > 1).map(|one| group(one, coin, language)).collect()
}

fn group(one: &TierProgress, coin: &Coin, language: Language) -> TierGroup {
    let window = language.say(&format!("window-{}", one.window));
    let used = show::kwh(Energy::new(one.used.mwh));
    let mut from = 0i64;
    let mut tiers = Vec::new();
    for tier in &one.tiers {
        tiers.push(view(one, tier, from, coin, language));
        from = tier.up_to.as_ref().map_or(from, |bound| bound.mwh);
    }
    TierGroup {
        period: language.period(&one.period),
        used: language.say_with("tiers-of", &[("used", &used), ("window", &window)]),
        tiers,
    }
}

fn view(one: &TierProgress, tier: &Tier, from: i64, coin: &Coin, language: Language) -> TierView {
    let number = language.say1("tier-name", "number", &tier.tier.to_string());
    let is_now = tier.tier == one.tier;
    let used = one.used.mwh.saturating_sub(from).max(0);
    let kwh = |mwh: i64| show::kwh(Energy::new(mwh));
    let (share, progress) = match &tier.up_to {
        Some(bound) => {
            let size = bound.mwh.saturating_sub(from);
            let used = used.min(size);
            let values = [("used", &*kwh(used)), ("bound", &*kwh(size))];
            let left = language.say1("tier-left", "kwh", &kwh(size.saturating_sub(used)));
            let of = language.say_with("tier-of", &values);
            (part_of(used, size), if is_now { format!("{of} · {left}") } else { of })
        }
        None => (part_of(i64::from(used > 0), 1), language.say1("own-kwh", "kwh", &kwh(used))),
    };
    TierView {
        name: if is_now { format!("{number} · {}", language.say("tier-now")) } else { number },
        price: language.say1("tier-price", "price", &coin.text(&tier.price)),
        progress,
        share,
    }
}
