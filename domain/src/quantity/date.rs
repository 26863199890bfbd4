//! Local dates and calendar months of a site.

use std::fmt;

use chrono::{Datelike, NaiveDate};

/// A local date, as days since 1970-01-01. Written `YYYY-MM-DD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Date(i32);

/// A local calendar month, as months since January of the year 0. Written `YYYY-MM`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Month(i32);

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weekday {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

const WEEK: [Weekday; 7] =
    [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];

/// Days from 0001-01-01 (day 1) to 1970-01-01.
const EPOCH_CE: i32 = 719_163;

impl Date {
    /// Of days since 1970-01-01.
    pub const fn new(days: i32) -> Self {
        Self(days)
    }

    /// Days since 1970-01-01.
    pub const fn get(self) -> i32 {
        self.0
    }

    /// Of year, month (1 to 12) and day; `None` where there is no such date.
    pub fn from_ymd(year: i32, month: u32, day: u32) -> Option<Self> {
        NaiveDate::from_ymd_opt(year, month, day).map(Self::from_naive)
    }

    fn from_naive(date: NaiveDate) -> Self {
        Self(date.num_days_from_ce().checked_sub(EPOCH_CE).expect("dates are bounded"))
    }

    fn naive(self) -> NaiveDate {
        self.0.checked_add(EPOCH_CE).and_then(NaiveDate::from_num_days_from_ce_opt).expect("dates are bounded")
    }

    /// Reads `YYYY-MM-DD`.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 10 {
            return None;
        }
        NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().map(Self::from_naive)
    }

    /// The date so many days later.
    #[must_use]
    pub fn plus(self, days: i32) -> Self {
        Self(self.0.checked_add(days).expect("dates are bounded"))
    }

    /// The next date.
    #[must_use]
    pub fn next(self) -> Self {
        self.plus(1)
    }

    /// The date before.
    #[must_use]
    pub fn previous(self) -> Self {
        self.plus(-1)
    }

    /// Days from `earlier` to this date.
    pub fn since(self, earlier: Self) -> i32 {
        self.0.checked_sub(earlier.0).expect("dates are bounded")
    }

    /// Its month.
    pub fn month(self) -> Month {
        let date = self.naive();
        Month::of(date.year(), date.month())
    }

    /// Its year.
    pub fn year(self) -> i32 {
        self.naive().year()
    }

    /// Its day of the week.
    pub fn weekday(self) -> Weekday {
        let index = usize::try_from(self.naive().weekday().num_days_from_monday()).expect("0 to 6");
        WEEK.get(index).copied().expect("0 to 6")
    }
}

impl Month {
    /// Of a year and a month from 1 to 12.
    pub fn of(year: i32, month: u32) -> Self {
        let month0 = i32::try_from(month).ok().and_then(|m| m.checked_sub(1)).expect("1 to 12");
        Self(year.checked_mul(12).and_then(|y| y.checked_add(month0)).expect("years are bounded"))
    }

    /// Months since January of the year 0.
    pub const fn get(self) -> i32 {
        self.0
    }

    /// Its year.
    pub fn year(self) -> i32 {
        self.0.div_euclid(12)
    }

    /// Its number in the year, 1 to 12.
    pub fn number(self) -> u32 {
        u32::try_from(self.0.rem_euclid(12)).ok().and_then(|m| m.checked_add(1)).expect("0 to 11")
    }

    /// The month so many months later.
    #[must_use]
    pub fn plus(self, months: i32) -> Self {
        Self(self.0.checked_add(months).expect("years are bounded"))
    }

    /// The next month.
    #[must_use]
    pub fn next(self) -> Self {
        self.plus(1)
    }

    /// Its first date.
    pub fn first(self) -> Date {
        Date::from_ymd(self.year(), self.number(), 1).expect("every month has a first day")
    }

    /// Its last date.
    pub fn last(self) -> Date {
        self.next().first().previous()
    }

    /// How many days it has.
    pub fn days(self) -> i32 {
        self.next().first().since(self.first())
    }

    /// Reads `YYYY-MM`.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 7 {
            return None;
        }
        Date::parse(&format!("{text}-01")).map(Date::month)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.naive().format("%Y-%m-%d"))
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year(), self.number())
    }
}

macro_rules! as_text {
    ($type:ty, $what:literal) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::parse(&text).ok_or_else(|| serde::de::Error::custom(concat!("not a ", $what)))
            }
        }
    };
}
as_text!(Date, "date YYYY-MM-DD");
as_text!(Month, "month YYYY-MM");
