//! The site's rules about cutting supply, in words.

use std::collections::BTreeSet;

use domain::event::{CutCharge, DayName, NoCutWindow, SupplyPolicy};
use domain::quantity::Money;

use crate::portal::show::Coin;
use crate::portal::words::Language;

const DAY_S: i64 = 86_400;

/// Every rule that a tenant is to know: what leads to a cut and what does not, when, and how supply comes back.
pub(super) fn rules(policy: &SupplyPolicy, coin: &Coin, language: Language) -> Vec<String> {
    if !policy.cuts {
        return vec![language.say("rule-none")];
    }
    let shared = policy.for_charges.contains(&CutCharge::SharedElectricity);
    let mut rules = vec![language.say(if shared { "rule-shared" } else { "rule-energy" })];
    rules.push(if policy.emergency_credit_minor > Money::ZERO {
        language.say1("rule-credit", "sum", &coin.money(policy.emergency_credit_minor))
    } else {
        language.say("rule-zero")
    });
    if policy.notice_s > 0 {
        rules.push(language.say1("rule-notice", "length", &length(policy.notice_s, language)));
    }
    rules.extend(policy.no_cut.iter().map(|window| hours(window, language)));
    for (holds, key) in [(policy.hold_on_dispute, "rule-dispute"), (policy.hold_on_weather, "rule-weather")] {
        rules.extend(holds.then(|| language.say(key)));
    }
    rules.push(language.say1("rule-restore", "sum", &coin.money(policy.restore_at_minor)));
    rules.extend(policy.confirm_restore.then(|| language.say("rule-confirm")));
    rules
}

fn length(seconds: i64, language: Language) -> String {
    if seconds > DAY_S && seconds.rem_euclid(DAY_S) == 0 {
        return language.say1("length-days", "days", &seconds.div_euclid(DAY_S).to_string());
    }
    language.hours(seconds)
}

fn hours(window: &NoCutWindow, language: Language) -> String {
    let days = days(&window.days, language);
    if (window.from_minute, window.to_minute) == (0, 1440) {
        return language.say1("rule-no-cut-all-day", "days", &days);
    }
    let clock = |minute: i64| format!("{:02}:{:02}", minute.div_euclid(60), minute.rem_euclid(60));
    let (from, to) = (clock(window.from_minute), clock(window.to_minute));
    language.say_with("rule-no-cut", &[("days", &days), ("from", &from), ("to", &to)])
}

const WEEK: [(DayName, &str); 8] = [
    (DayName::Mon, "weekday-mon"),
    (DayName::Tue, "weekday-tue"),
    (DayName::Wed, "weekday-wed"),
    (DayName::Thu, "weekday-thu"),
    (DayName::Fri, "weekday-fri"),
    (DayName::Sat, "weekday-sat"),
    (DayName::Sun, "weekday-sun"),
    (DayName::Holiday, "weekday-holiday"),
];

/// Days of the week, three and more in a row as a range.
fn days(named: &[DayName], language: Language) -> String {
    let named: BTreeSet<DayName> = named.iter().copied().collect();
    let mut runs: Vec<Vec<&str>> = vec![Vec::new()];
    for (day, key) in WEEK {
        if day == DayName::Holiday || !named.contains(&day) {
            runs.push(Vec::new());
        }
        if let Some(run) = runs.last_mut().filter(|_| named.contains(&day)) {
            run.push(key);
        }
    }
    let said = runs.iter().flat_map(|run| match run.as_slice() {
        [first, _, .., last] => vec![format!("{}–{}", language.say(first), language.say(last))],
        few => few.iter().map(|key| language.say(key)).collect(),
    });
    said.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use domain::supply::preset;

    use super::*;

    #[test]
    fn days_in_a_row_are_a_range() {
        use DayName::{Fri, Holiday, Mon, Sat, Sun, Thu, Tue, Wed};
        let of = |named: &[DayName]| days(named, Language::English);
        assert_eq!(of(&[Fri, Mon, Tue, Wed, Thu]), "Mon–Fri");
        assert_eq!(of(&[Sat, Sun, Holiday]), "Sat, Sun, holidays");
        assert_eq!(of(&[Mon, Wed, Fri, Sat, Sun, Holiday]), "Mon, Wed, Fri–Sun, holidays");
    }

    #[test]
    fn a_policy_is_said_in_full() {
        let said =
            |name: &str, language| rules(&preset(name).expect("shipped").policy(), &Coin::new("GBP", 2), language);
        let uk = said("uk-prepay", Language::English);
        assert!(uk.iter().any(|rule| rule.contains("£5.00")), "{uk:?}");
        assert!(uk.iter().any(|rule| rule.contains("Mon–Fri 16:00–24:00")), "{uk:?}");
        assert!(uk.iter().any(|rule| rule.contains("Sat, Sun, holidays")), "{uk:?}");
        assert!(said("texas-prepaid", Language::English).iter().any(|rule| rule.contains("24 h later")));
        assert!(said("india-up", Language::English).iter().any(|rule| rule.contains("3 days later")));
        assert_eq!(said("none", Language::English).len(), 1);
        assert_eq!(said("uk-prepay", Language::Chinese).len(), uk.len());
    }
}
