//! What an export adds up to: its head, its manifest and its summary.

use std::collections::{BTreeMap, BTreeSet};

use domain::event::{AccountId, EventId, PoolId, SiteRegistered, TariffId, hex};
use domain::ledger::{Cause, Detail, Journal, JournalEntry, LedgerAccount};
use domain::premises::Calendar;
use domain::quantity::{Date, Money};
use serde_json::{Value, json};

use super::Days;
use super::scan::Extent;
use crate::exit::{Failure, bad};

/// The version of what the formats look like.
pub(super) const FORMAT_VERSION: u32 = 1;

/// An account's balance over the range: what it has, not what the books' side is.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Balance {
    /// Brought from before the range.
    pub(super) brought: Money,
    /// Opening balances of accounts that were opened in it.
    opened: Money,
    recharges: Money,
    corrections: Money,
    charges: Money,
}

impl Balance {
    pub(super) fn closing(&self) -> Money {
        self.brought + self.opened + self.recharges + self.corrections - self.charges
    }
}

/// What a head says of the site.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    site: SiteRegistered,
    calendar: Calendar,
    tz_version: String,
}

impl Facts {
    /// What the books know of it.
    pub(super) fn of(books: &Journal) -> Option<Self> {
        let site = books.site()?.clone();
        Some(Self { site, calendar: books.calendar().clone(), tz_version: books.tz_version().to_owned() })
    }
}

/// Control totals.
#[derive(Debug, Clone)]
pub(super) struct Totals {
    format: &'static str,
    pub(super) days: Days,
    pub(super) extent: Extent,
    /// The site, once all of the log is read.
    pub(super) site: Option<Facts>,
    /// Each account's balance.
    pub(super) balances: BTreeMap<AccountId, Balance>,
    /// What entries of the range did to each account of the books, in debit.
    pub(super) moved: BTreeMap<LedgerAccount, Money>,
    entries: u64,
    lines: u64,
    debits: Money,
    /// The first and last event with an entry in the range: position and id.
    events: Option<((u64, EventId), (u64, EventId))>,
    /// Versions of tariffs and of rules that lines are by.
    tariffs: BTreeSet<(TariffId, i64)>,
    rules: BTreeSet<(PoolId, i64)>,
    /// The first and last day with an entry, in the range and in all.
    pub(super) booked: Option<(Date, Date)>,
    all: Option<(Date, Date)>,
}

fn widen<T: Ord + Copy>(range: &mut Option<(T, T)>, one: T) {
    let (least, most) = range.unwrap_or((one, one));
    *range = Some((least.min(one), most.max(one)));
}

impl Totals {
    pub(super) fn new(format: &'static str, days: Days, extent: Extent) -> Self {
        Self {
            format,
            days,
            extent,
            site: None,
            balances: BTreeMap::new(),
            moved: BTreeMap::new(),
            entries: 0,
            lines: 0,
            debits: Money::ZERO,
            events: None,
            tariffs: BTreeSet::new(),
            rules: BTreeSet::new(),
            booked: None,
            all: None,
        }
    }

    pub(super) fn decimals(&self) -> u8 {
        self.site.as_ref().map_or(0, |facts| facts.site.currency_decimals)
    }

    pub(super) fn currency(&self) -> &str {
        self.site.as_ref().map_or("", |facts| &facts.site.currency)
    }

    /// Counts an entry of the books.
    pub(super) fn count(&mut self, entry: &JournalEntry<'_>) {
        widen(&mut self.all, entry.day);
        let change = entry.change();
        let balance = self.balances.entry(entry.account.clone()).or_default();
        if self.days.before(entry.day) {
            balance.brought += change;
            return;
        }
        if !self.days.has(entry.day) {
            return;
        }
        match entry.cause {
            Cause::Opening => balance.opened += change,
            Cause::Recharge(_) => balance.recharges += change,
            Cause::Correction(_) => balance.corrections += change,
            Cause::Settlement(_) => balance.charges -= change,
        }
        widen(&mut self.booked, entry.day);
        widen(&mut self.events, (entry.event.position, entry.event.id));
        self.entries = self.entries.saturating_add(1);
        for one in &entry.against {
            self.lines = self.lines.saturating_add(1);
            self.versions(one.of);
            self.moves(one.account.clone(), one.amount);
        }
        self.moves(LedgerAccount::Prepaid(entry.account.clone()), -change);
    }

    fn versions(&mut self, of: Detail<'_>) {
        match of {
            Detail::Line(line) => {
                self.tariffs.insert((line.key.tariff.clone(), line.key.version));
            }
            Detail::Share(share, Some(rule)) => {
                self.rules.insert((share.pool.clone(), rule));
            }
            Detail::Whole | Detail::Share(_, None) | Detail::Tax(_) => {}
        }
    }

    fn moves(&mut self, account: LedgerAccount, amount: Money) {
        *self.moved.entry(account).or_default() += amount;
        if amount > Money::ZERO {
            self.debits += amount;
        }
    }

    /// That there is something to write.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let mend = match self.all {
            _ if self.entries > 0 => return Ok(()),
            Some((first, last)) => format!("the log has entries from {first} to {last}: name days of these"),
            None => "settle a day or book a recharge first".to_owned(),
        };
        Err(bad("nothing was booked on the days that are asked for", &mend))
    }

    /// Rows of a table: a line each, in double entry the balance's side, too.
    pub(super) fn rows(&self, double_entry: bool) -> u64 {
        if double_entry { self.lines.saturating_add(self.entries) } else { self.lines }
    }

    /// The first and last day of the range: those asked for, or those that have entries.
    pub(super) fn range(&self) -> (Date, Date) {
        let (first, last) = self.booked.unwrap_or((Date::new(0), Date::new(0)));
        (self.days.from.unwrap_or(first), self.days.to.unwrap_or(last))
    }

    /// What each account of the books has in debit at the range's end: what its
    /// entries did, and the balances that were brought.
    pub(super) fn closing(&self) -> BTreeMap<LedgerAccount, Money> {
        let mut closing = self.moved.clone();
        for (account, brought) in self.brought() {
            *closing.entry(LedgerAccount::Prepaid(account.clone())).or_default() -= brought;
            *closing.entry(LedgerAccount::Opening).or_default() += brought;
        }
        closing
    }

    /// Balances that accounts bring from before the range.
    pub(super) fn brought(&self) -> impl Iterator<Item = (&AccountId, Money)> {
        let all = self.balances.iter().map(|(account, balance)| (account, balance.brought));
        all.filter(|(_, brought)| !brought.is_zero())
    }

    /// The control totals as a document.
    pub(super) fn document(&self) -> Value {
        let money = |amount: Money| amount.major(self.decimals());
        let account = |(id, of): (&AccountId, &Balance)| {
            json!({
                "account": id, "brought": money(of.brought), "opened": money(of.opened),
                "recharges": money(of.recharges), "corrections": money(of.corrections),
                "charges": money(of.charges), "closing": money(of.closing()),
            })
        };
        let books = self.closing();
        let of_books = |(account, amount): (&LedgerAccount, &Money)| json!({"name": account.to_string(), "code": account.code(), "debit": money(*amount)});
        let (first, last) = self.range();
        let facts = self.site.as_ref();
        json!({
            "format": self.format, "format_version": FORMAT_VERSION, "site": facts.map(|facts| &facts.site.id),
            "currency": self.currency(), "time_zone": facts.map(|facts| &facts.site.time_zone),
            "tz_version": facts.map(|facts| &facts.tz_version),
            "days": {"first": first, "last": last},
            "instants": facts.map(|facts| {
                json!({"from": facts.calendar.start_of(first), "before": facts.calendar.end_of(last)})
            }),
            "log": {
                "events": self.extent.last, "settled_to_event": self.extent.settled, "root": hex(&self.extent.root),
                "first_event": self.events.map(|(first, _)| first.0), "last_event": self.events.map(|(_, last)| last.0),
                "first_id": self.events.map(|(first, _)| first.1), "last_id": self.events.map(|(_, last)| last.1),
            },
            "tariffs": self.tariffs.iter().map(|(id, version)| json!({"tariff": id, "version": version})).collect::<Vec<_>>(),
            "rules": self.rules.iter().map(|(id, version)| json!({"pool": id, "version": version})).collect::<Vec<_>>(),
            "totals": {"entries": self.entries, "lines": self.lines, "debits": money(self.debits), "credits": money(self.debits)},
            "accounts": self.balances.iter().map(account).collect::<Vec<_>>(),
            "books": books.iter().map(of_books).collect::<Vec<_>>(),
        })
    }

    /// The head of a journal, line by line.
    pub(super) fn lines(&self) -> Vec<String> {
        let (first, last) = self.range();
        let mut lines = vec![format!("tallywatt export {}, format {FORMAT_VERSION}", self.format)];
        if let Some(facts) = &self.site {
            let Facts { site, calendar, tz_version } = facts;
            lines.push(format!("site {}, {}, {} (tz database {tz_version})", site.id, site.currency, site.time_zone));
            let (from, before) = (calendar.start_of(first), calendar.end_of(last));
            lines.push(format!("days {first} to {last}, both included, from {from} to before {before}"));
        }
        let (extent, events) = (&self.extent, self.events.unwrap_or_default());
        lines.push(format!("log of {} events, runs that ended up to event {}", extent.last, extent.settled));
        lines.push(format!("root {}", hex(&extent.root)));
        let debits = self.debits.major(self.decimals());
        let (entries, posted) = (self.entries, self.lines);
        lines.push(format!("{entries} entries of events {} to {}, {posted} lines", events.0.0, events.1.0));
        lines.push(format!("debits {debits}, credits {debits}"));
        lines
    }

    /// The chart of accounts, as far as it is used.
    pub(super) fn chart(&self) -> BTreeMap<&'static str, &'static str> {
        self.closing().keys().map(|account| (account.control(), account.about())).collect()
    }
}
