//! How money, energy and time are written for people. Digits come from the
//! domain's own decimals: nothing is computed here.

use domain::quantity::{Date, Energy, Instant, Money, Month, Weekday};
use iso_currency::Currency;

use super::words::Language;

/// A currency and its decimals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Coin {
    symbol: String,
    decimals: u8,
}

impl Coin {
    /// The currency of a code.
    pub(super) fn new(code: &str, decimals: u8) -> Self {
        let symbol = Currency::from_code(code).map(|currency| currency.symbol().to_string());
        // A symbol of two letters and more, or of another script's direction, is less plain than the code.
        let plain = symbol.filter(|symbol| symbol.chars().count() == 1 && !symbol.starts_with(char::is_alphabetic));
        let symbol = plain.unwrap_or_else(|| format!("{code}\u{a0}"));
        Self { symbol, decimals }
    }

    /// An amount with its currency.
    pub(super) fn money(&self, amount: Money) -> String {
        let text = amount.major(self.decimals);
        let (sign, text) = text.strip_prefix('-').map_or(("", text.as_str()), |text| ("\u{2212}", text));
        format!("{sign}{}{}", self.symbol, grouped(text))
    }

    /// An amount that was written down as a decimal.
    pub(super) fn text(&self, text: &str) -> String {
        let (sign, text) = text.strip_prefix('-').map_or(("", text), |text| ("\u{2212}", text));
        format!("{sign}{}{}", self.symbol, grouped(text))
    }
}

/// Digits in threes, where there are more than four.
pub(super) fn grouped(text: &str) -> String {
    let (whole, rest) = text.find('.').map_or((text, ""), |at| text.split_at(at));
    let digits = whole.chars().count();
    if digits <= 4 {
        return text.to_owned();
    }
    let mut shown = String::new();
    for (at, digit) in whole.chars().enumerate() {
        let left = digits.saturating_sub(at);
        if at > 0 && left.rem_euclid(3) == 0 {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown + rest
}

/// A decimal cut to two places: what is shown is never more than what is there.
fn two_places(text: &str) -> String {
    let cut = match text.find('.') {
        Some(at) => text.get(..at.saturating_add(3)).unwrap_or(text),
        None => text,
    };
    grouped(cut).replace('-', "\u{2212}")
}

/// Energy to two places.
pub(super) fn kwh(energy: Energy) -> String {
    two_places(&energy.kwh())
}

/// A decimal as it was published, in groups.
pub(super) fn number(text: &str) -> String {
    grouped(text).replace('-', "\u{2212}")
}

/// Wall time `14:03` of an instant so many seconds east of UTC.
pub(super) fn clock(at: Instant, offset_s: i64) -> String {
    let minutes = at.plus(offset_s).get().rem_euclid(86_400).div_euclid(60);
    format!("{:02}:{:02}", minutes.div_euclid(60), minutes.rem_euclid(60))
}

impl Language {
    /// A date with its weekday.
    pub(super) fn day(self, date: Date) -> String {
        let month = self.month_name(date.month());
        let values = [("weekday", &*self.weekday(date)), ("day", &*day_number(date)), ("month", &*month)];
        self.say_with("date", &values)
    }

    /// A date within a month that is said elsewhere.
    pub(super) fn short_day(self, date: Date) -> String {
        self.say_with("date-short", &[("weekday", &self.weekday(date)), ("day", &day_number(date))])
    }

    fn weekday(self, date: Date) -> String {
        self.say(match date.weekday() {
            Weekday::Mon => "weekday-mon",
            Weekday::Tue => "weekday-tue",
            Weekday::Wed => "weekday-wed",
            Weekday::Thu => "weekday-thu",
            Weekday::Fri => "weekday-fri",
            Weekday::Sat => "weekday-sat",
            Weekday::Sun => "weekday-sun",
        })
    }

    /// A month with its year.
    pub(super) fn month(self, month: Month) -> String {
        self.say_with("month", &[("month", &self.month_name(month)), ("year", &month.year().to_string())])
    }

    fn month_name(self, month: Month) -> String {
        self.say(&format!("month-{}", month.number()))
    }

    /// How long ago something was, in the largest unit that is not 0.
    pub(super) fn ago(self, seconds: i64) -> String {
        let minutes = seconds.max(0).div_euclid(60);
        let (key, count) = match minutes {
            0 => ("ago-now", 0),
            1..=89 => ("ago-minutes", minutes),
            90..=2_879 => ("ago-hours", minutes.div_euclid(60)),
            _ => ("ago-days", minutes.div_euclid(1_440)),
        };
        self.say_with(key, &[("count", &count.to_string())])
    }

    /// A length of time in hours and minutes.
    pub(super) fn hours(self, seconds: i64) -> String {
        let minutes = seconds.max(0).div_euclid(60);
        let (hours, minutes) = (minutes.div_euclid(60).to_string(), minutes.rem_euclid(60).to_string());
        let values = [("hours", hours.as_str()), ("minutes", minutes.as_str())];
        match (hours.as_str(), minutes.as_str()) {
            (_, "0") => self.say_with("length-hours", &values),
            ("0", _) => self.say_with("length-minutes", &values),
            _ => self.say_with("length-both", &values),
        }
    }

    /// A period of a tariff: common names in the reader's language, others as published.
    pub(super) fn period(self, name: &str) -> String {
        let key: String = name.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
        self.find(&format!("period-{key}"), &[]).unwrap_or_else(|| name.to_owned())
    }
}

/// The day of the month of a date.
pub(super) fn day_number(date: Date) -> String {
    date.since(date.month().first()).saturating_add(1).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_grouped_signed_and_marked() {
        let pound = Coin::new("GBP", 2);
        assert_eq!(pound.money(Money::new(2278)), "£22.78");
        assert_eq!(pound.money(Money::new(-123_456_789)), "\u{2212}£1,234,567.89");
        assert_eq!(Coin::new("KWD", 3).money(Money::new(1500)), "KWD\u{a0}1.500");
        assert_eq!(Coin::new("CNY", 2).text("9999.00"), "¥9999.00");
        assert_eq!(Coin::new("JPY", 0).money(Money::new(12_345)), "¥12,345");
    }

    #[test]
    fn energy_is_cut_and_never_rounded_up() {
        assert_eq!(kwh(Energy::new(12_349_999)), "12.34");
        assert_eq!(kwh(Energy::new(0)), "0.00");
        assert_eq!(grouped("12345.678"), "12,345.678");
    }

    #[test]
    fn dates_and_ages_read_well_in_both_languages() {
        let date = Date::parse("2026-04-08").expect("a date");
        assert_eq!(Language::English.day(date), "Wed 8 April");
        assert_eq!(Language::Chinese.day(date), "4月8日 周三");
        assert_eq!(Language::English.ago(130), "2 min ago");
        assert_eq!(Language::English.hours(4 * 3600), "4 h");
        assert_eq!(Language::English.hours(5_400), "1 h 30 min");
        assert_eq!(Language::Chinese.period("Night"), "夜间");
        assert_eq!(Language::English.period("Super saver"), "Super saver");
    }

    #[test]
    fn the_wall_clock_is_the_sites() {
        let at = Instant::parse("2026-03-31T23:30:00Z").expect("an instant");
        assert_eq!(clock(at, 3600), "00:30");
    }
}
