//! What a check compared: written into its event as text, and read from there again, so that it can be said in any
//! language.

use std::fmt;
use std::num::ParseIntError;

use super::error::instant;
use crate::event::{CheckCode, SupplyCheck};
use crate::quantity::{Instant, InstantError, Money};

/// The figures of a check; the text of each is published with its event and never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Figures {
    /// Whether balances may lead to a cut.
    Policy {
        /// Whether.
        cuts: bool,
    },
    /// A person's request.
    Request {
        /// Its number.
        number: i64,
        /// Who.
        by: String,
        /// When.
        at: Instant,
    },
    /// The balance and what is cut below.
    CutBelow {
        /// None where it cannot be said.
        balance: Option<Money>,
        /// The limit.
        limit: Money,
    },
    /// The balance and what is restored at.
    RestoredAt {
        /// None where it cannot be said.
        balance: Option<Money>,
        /// The limit.
        limit: Money,
        /// Whether the point is protected.
        protected: bool,
        /// Whether balances may lead to a cut.
        cuts: bool,
    },
    /// Whether the point is protected.
    Protected {
        /// Whether.
        protected: bool,
    },
    /// The newest reading.
    Fresh {
        /// When it was; none without one.
        newest: Option<Instant>,
        /// How old it may be, in seconds.
        most_s: i64,
    },
    /// The meter and whether it answers.
    Link {
        /// Which; `none` where there is none.
        meter: String,
        /// Whether.
        answers: bool,
    },
    /// Nobody asked: it is by the balance.
    ByBalance,
    /// Who asked, and who approved.
    Persons {
        /// So many are needed.
        needed: i64,
        /// Who asked.
        by: String,
        /// Who approved; `nobody` where nobody did.
        approver: String,
    },
    /// Whether a complaint is open.
    Dispute {
        /// Whether.
        open: bool,
        /// Whether it holds cuts.
        holds: bool,
    },
    /// Extreme weather.
    Weather {
        /// What was said of it, with its end and who said it; none where nothing was.
        hold: Option<String>,
        /// Whether it holds cuts.
        holds: bool,
    },
    /// A window without cuts, in minutes of the day.
    Window {
        /// From and to; none outside of every one.
        minutes: Option<(i64, i64)>,
    },
    /// A person asked: no warning is needed.
    PersonAsked,
    /// When the account was warned at zero.
    Notice {
        /// When; none if never.
        warned: Option<Instant>,
        /// So long before, at least, in seconds.
        least_s: i64,
    },
    /// Points cut within an hour.
    BlastRadius {
        /// With this one.
        cut: i64,
        /// At most.
        most: i64,
        /// All of the site's.
        all: i64,
    },
    /// Tries that failed.
    Retry {
        /// So many.
        failures: i64,
        /// The last.
        last: Option<Instant>,
        /// The pause after it, in seconds.
        pause_s: i64,
    },
    /// Whether the tenant confirmed.
    Confirmed {
        /// Whether that is asked for.
        asked: bool,
        /// Whether it was done.
        confirmed: bool,
    },
    /// The site's last restore.
    Staggered {
        /// When; none if never.
        last: Option<Instant>,
        /// So far apart, in seconds.
        spacing_s: i64,
    },
}

fn money(balance: Option<Money>) -> String {
    balance.map_or_else(|| "unknown".to_owned(), |balance| balance.get().to_string())
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Policy { cuts } => write!(f, "balances may lead to a cut: {cuts}"),
            Self::Request { number, by, at } => write!(f, "request {number} by {by} at {at}"),
            Self::CutBelow { balance, limit } => {
                write!(f, "electricity balance {}, cut below {}", money(*balance), limit.get())
            }
            Self::RestoredAt { balance, limit, protected, cuts } => {
                let (balance, limit) = (money(*balance), limit.get());
                write!(
                    f,
                    "electricity balance {balance}, restored at {limit}; protected: {protected}; balances cut: {cuts}"
                )
            }
            Self::Protected { protected } => write!(f, "protected: {protected}"),
            Self::Fresh { newest, most_s } => {
                write!(f, "newest reading {}, at most {most_s} s old", instant(*newest))
            }
            Self::Link { meter, answers } => write!(f, "meter {meter}, answers: {answers}"),
            Self::ByBalance => f.write_str("by the balance"),
            Self::Persons { needed, by, approver } => write!(f, "{needed} needed; by {by}, approved by {approver}"),
            Self::Dispute { open, holds } => write!(f, "complaint open: {open}; it holds cuts: {holds}"),
            Self::Weather { hold, holds } => {
                write!(f, "{}; it holds cuts: {holds}", hold.as_deref().unwrap_or(NONE_SAID))
            }
            Self::Window { minutes: Some((from, to)) } => write!(f, "no cuts from minute {from} to {to} today"),
            Self::Window { minutes: None } => f.write_str("outside every no-cut window"),
            Self::PersonAsked => f.write_str("a person asked"),
            Self::Notice { warned, least_s } => {
                write!(f, "warned at zero: {}, at least {least_s} s before", instant(*warned))
            }
            Self::BlastRadius { cut, most, all } => {
                write!(f, "{cut} points within an hour, of at most {most} of {all}")
            }
            Self::Retry { failures, last, pause_s } => {
                write!(f, "{failures} tries failed, the last at {}; paused {pause_s} s", instant(*last))
            }
            Self::Confirmed { asked, confirmed } => write!(f, "asked for: {asked}; confirmed: {confirmed}"),
            Self::Staggered { last, spacing_s } => {
                write!(f, "the site's last restore was at {}; {spacing_s} s apart", instant(*last))
            }
        }
    }
}

/// Of no weather.
const NONE_SAID: &str = "none said";

/// A text between two others.
fn within<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    text.strip_prefix(before)?.strip_suffix(after)
}

fn at(text: &str) -> Result<Option<Instant>, InstantError> {
    if text == "never" { Ok(None) } else { Instant::parse(text).map(Some) }
}

fn minor(text: &str) -> Result<Option<Money>, ParseIntError> {
    if text == "unknown" { Ok(None) } else { text.parse().map(|minor| Some(Money::new(minor))) }
}

impl Figures {
    /// Those of a check, as its event has them; none of a text that this program does not write.
    pub fn of(check: &SupplyCheck) -> Option<Self> {
        let text = check.figures.as_str();
        Some(match check.code {
            CheckCode::Policy => Self::Policy { cuts: within(text, "balances may lead to a cut: ", "")?.parse().ok()? },
            CheckCode::Need => return need(text),
            CheckCode::Protected => Self::Protected { protected: within(text, "protected: ", "")?.parse().ok()? },
            CheckCode::Fresh => {
                let (newest, most) = within(text, "newest reading ", " s old")?.split_once(", at most ")?;
                Self::Fresh { newest: at(newest).ok()?, most_s: most.parse().ok()? }
            }
            CheckCode::Link => {
                let (meter, answers) = within(text, "meter ", "")?.rsplit_once(", answers: ")?;
                Self::Link { meter: meter.to_owned(), answers: answers.parse().ok()? }
            }
            CheckCode::Persons if text == "by the balance" => Self::ByBalance,
            CheckCode::Persons => {
                let (needed, rest) = text.split_once(" needed; by ")?;
                let (by, approver) = rest.rsplit_once(", approved by ")?;
                Self::Persons { needed: needed.parse().ok()?, by: by.to_owned(), approver: approver.to_owned() }
            }
            CheckCode::Dispute => {
                let (open, holds) = within(text, "complaint open: ", "")?.split_once("; it holds cuts: ")?;
                Self::Dispute { open: open.parse().ok()?, holds: holds.parse().ok()? }
            }
            CheckCode::Weather => {
                let (hold, holds) = text.rsplit_once("; it holds cuts: ")?;
                Self::Weather { hold: (hold != NONE_SAID).then(|| hold.to_owned()), holds: holds.parse().ok()? }
            }
            CheckCode::Window if text == "outside every no-cut window" => Self::Window { minutes: None },
            CheckCode::Window => {
                let (from, to) = within(text, "no cuts from minute ", " today")?.split_once(" to ")?;
                Self::Window { minutes: Some((from.parse().ok()?, to.parse().ok()?)) }
            }
            CheckCode::Notice if text == "a person asked" => Self::PersonAsked,
            CheckCode::Notice => {
                let (warned, least) = within(text, "warned at zero: ", " s before")?.split_once(", at least ")?;
                Self::Notice { warned: at(warned).ok()?, least_s: least.parse().ok()? }
            }
            CheckCode::BlastRadius => {
                let (cut, rest) = text.split_once(" points within an hour, of at most ")?;
                let (most, all) = rest.split_once(" of ")?;
                Self::BlastRadius { cut: cut.parse().ok()?, most: most.parse().ok()?, all: all.parse().ok()? }
            }
            CheckCode::Retry => {
                let (failures, rest) = text.split_once(" tries failed, the last at ")?;
                let (last, pause) = within(rest, "", " s")?.split_once("; paused ")?;
                Self::Retry { failures: failures.parse().ok()?, last: at(last).ok()?, pause_s: pause.parse().ok()? }
            }
            CheckCode::TenantConfirmed => {
                let (asked, confirmed) = within(text, "asked for: ", "")?.split_once("; confirmed: ")?;
                Self::Confirmed { asked: asked.parse().ok()?, confirmed: confirmed.parse().ok()? }
            }
            CheckCode::Staggered => {
                let (last, spacing) = within(text, "the site's last restore was at ", " s apart")?.split_once("; ")?;
                Self::Staggered { last: at(last).ok()?, spacing_s: spacing.parse().ok()? }
            }
        })
    }
}

fn need(text: &str) -> Option<Figures> {
    if let Some(rest) = text.strip_prefix("request ") {
        let (number, rest) = rest.split_once(" by ")?;
        let (by, at) = rest.rsplit_once(" at ")?;
        let (number, at) = (number.parse().ok()?, Instant::parse(at).ok()?);
        return Some(Figures::Request { number, by: by.to_owned(), at });
    }
    let rest = text.strip_prefix("electricity balance ")?;
    if let Some((balance, limit)) = rest.split_once(", cut below ") {
        return Some(Figures::CutBelow { balance: minor(balance).ok()?, limit: Money::new(limit.parse().ok()?) });
    }
    let (balance, rest) = rest.split_once(", restored at ")?;
    let (limit, rest) = rest.split_once("; protected: ")?;
    let (protected, cuts) = rest.split_once("; balances cut: ")?;
    let (balance, limit) = (minor(balance).ok()?, Money::new(limit.parse().ok()?));
    Some(Figures::RestoredAt { balance, limit, protected: protected.parse().ok()?, cuts: cuts.parse().ok()? })
}
