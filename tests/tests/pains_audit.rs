//! What users of other systems suffer, where the log answers: balances that
//! drift, logs that were edited, and amounts that nobody can explain.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, ensure};
use domain::billing::Site;
use domain::event::{AccountId, BillIssued, Body, Component};
use domain::quantity::{Instant, Money, Month};
use rusqlite::{Connection, params};
use services::explain;
use services::history::{self, Entry};
use tests::cases::{self, Case};
use tests::random::Random;
use tests::run::{command, listen, run};

fn soak() -> bool {
    std::env::var("TALLYWATT_SOAK").is_ok_and(|soak| soak == "1")
}

/// The log of a case.
fn log_of(case: &Case) -> anyhow::Result<Vec<Entry>> {
    let temp = tempfile::tempdir()?;
    run(&case.path, &case.until, &temp.path().join("out"), &[])?;
    Ok(history::read(&temp.path().join("out"), None)?)
}

/// Balances as a view folds them from the log, event by event: what decisions posted, once their run has ended.
#[derive(Default)]
struct View {
    opening: BTreeMap<AccountId, Money>,
    cash: BTreeMap<AccountId, Money>,
    charges: BTreeMap<AccountId, Money>,
    pending: Vec<(AccountId, Money)>,
}

impl View {
    fn apply(&mut self, body: &Body) {
        match body {
            Body::AccountOpened(data) => {
                self.opening.insert(data.id.clone(), Money::new(data.opening_balance_minor));
            }
            Body::RechargeReceived(data) => {
                let in_or_out = if data.kind == domain::event::RechargeKind::Recharge { 1 } else { -1 };
                *self.cash.entry(data.account.clone()).or_default() += Money::new(in_or_out * data.amount_minor);
            }
            Body::PostingMade(data) => {
                *self.cash.entry(data.account.clone()).or_default() += Money::new(data.amount_minor);
            }
            Body::AccountSettled(data) => {
                let lines = data.lines.iter().map(|line| line.posted_minor);
                let shares = data.shared.iter().map(|share| share.posted_minor);
                let posted = lines.chain(shares).chain(data.tax.iter().map(|tax| tax.posted_minor)).sum();
                self.pending.push((data.account.clone(), posted));
            }
            Body::DaySettled(_) => {
                for (account, posted) in self.pending.drain(..) {
                    *self.charges.entry(account).or_default() += posted;
                }
            }
            _ => {}
        }
    }

    fn balances(&self) -> BTreeMap<AccountId, Money> {
        let of = |map: &BTreeMap<AccountId, Money>, id: &AccountId| map.get(id).copied().unwrap_or_default();
        let balance = |(id, opening): (&AccountId, &Money)| *opening + of(&self.cash, id) - of(&self.charges, id);
        self.opening.iter().map(|pair| (pair.0.clone(), balance(pair))).collect()
    }
}

/// Balances from zero: the facts up to the prefix, rated anew by those that the last ended run had seen.
fn from_zero(prefix: &[Entry]) -> anyhow::Result<BTreeMap<AccountId, Money>> {
    let ended = prefix.iter().rposition(|entry| matches!(entry.event.body, Body::DaySettled(_)));
    let mut site = Site::new();
    for entry in prefix.iter().take(ended.map_or(0, |index| index + 1)) {
        site.apply(&entry.event, &entry.leaf)?;
    }
    let mut charges: BTreeMap<AccountId, Money> = BTreeMap::new();
    let mut settled =
        prefix.iter().take(ended.map_or(0, |index| index + 1)).filter_map(|entry| match &entry.event.body {
            Body::DaySettled(day) => day.run.strip_prefix("settlement/").map(str::to_owned),
            _ => None,
        });
    let last_due = ended.and_then(|index| prefix.get(index)).map(|entry| entry.event.time);
    if let Some(day) = settled.next_back() {
        let day = domain::quantity::Date::parse(&day).context("a day")?;
        site.advance(last_due.context("an instant")?)?;
        let until = site.premises().calendar.end_of(day);
        for (account, of) in site.targets_until(until, day)?.values().flat_map(|target| &target.accounts) {
            *charges.entry(account.clone()).or_default() += of.charges();
        }
    }
    for entry in prefix.iter().skip(ended.map_or(0, |index| index + 1)) {
        site.apply(&entry.event, &entry.leaf)?;
    }
    let at = Instant::new(i64::MAX >> 1);
    let balance = |(id, opening): (&AccountId, &Money)| {
        *opening + site.ledger().cash(id, at) - charges.get(id).copied().unwrap_or_default()
    };
    Ok(site.premises().accounts.iter().map(|pair| (pair.0.clone(), balance(pair))).collect())
}

/// PAINS 8: blnkfinance/blnk#181 and #182, getlago/lago-api#2542: a balance that is kept beside its entries drifts.
#[test]
fn pain_08_a_view_at_any_prefix_of_the_log_equals_a_fold_from_zero() -> anyhow::Result<()> {
    let mut small = cases::all()?;
    small.retain(|case| {
        case.name.starts_with("hand-") || ["late-1", "leases-3", "everything-3"].contains(&case.name.as_str())
    });
    let logs: Vec<(String, Vec<Entry>)> =
        small.iter().map(|case| Ok((case.name.clone(), log_of(case)?))).collect::<anyhow::Result<_>>()?;
    let all: Vec<(usize, usize)> =
        logs.iter().enumerate().flat_map(|(log, (_, entries))| (1..=entries.len()).map(move |at| (log, at))).collect();
    ensure!(all.len() > 2_000, "{} prefixes", all.len());
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let mut chosen: Vec<(usize, usize)> =
        if soak() { all } else { (0..1_000).map(|_| all[random.index(all.len())]).collect() };
    chosen.sort_unstable();
    let (mut view, mut folded, mut of) = (View::default(), 0, usize::MAX);
    for (log, at) in chosen {
        let Some((name, entries)) = logs.get(log) else { continue };
        if of != log {
            (view, folded, of) = (View::default(), 0, log);
        }
        entries[folded..at].iter().for_each(|entry| view.apply(&entry.event.body));
        folded = at;
        assert_eq!(view.balances(), from_zero(&entries[..at])?, "{name}, first {at} of {} events", entries.len());
    }
    Ok(())
}

/// Changes one byte of an event's stored bytes.
fn edit(log: &Path, random: &mut Random) -> anyhow::Result<String> {
    let connection = Connection::open(log)?;
    let count: i64 = connection.query_row("SELECT count(*) FROM event", [], |row| row.get(0))?;
    let sequence = i64::try_from(random.index(usize::try_from(count)?))? + 1;
    let select = "SELECT bytes FROM event WHERE sequence = ?1";
    let mut bytes: Vec<u8> = connection.query_row(select, [sequence], |row| row.get(0))?;
    let at = random.index(bytes.len());
    let before = bytes[at];
    bytes[at] = before ^ (1 << random.index(7));
    connection.execute("UPDATE event SET bytes = ?1 WHERE sequence = ?2", params![bytes, sequence])?;
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
    Ok(format!("byte {at} of event {sequence} from {before} to {}", bytes[at]))
}

/// PAINS 8: one edited byte, wherever it is, and `doctor` exits 1.
#[test]
fn pain_08_doctor_finds_one_edited_byte() -> anyhow::Result<()> {
    let temp = tempfile::tempdir()?;
    let out = temp.path().join("out");
    let case = cases::named("everything-3")?;
    let summary = run(&case.path, &case.until, &out, &[])?;
    let root = summary["root"].as_str().context("a root")?;
    let dir = out.display().to_string();
    let (code, said) = command(&["doctor", &dir, "--root", root])?;
    assert_eq!(code, 0, "{said}");
    let mut random = Random(0x0123_4567_89ab_cdef);
    for _ in 0..if soak() { 500 } else { 25 } {
        let copy = tempfile::tempdir()?;
        std::fs::copy(out.join("log.db"), copy.path().join("log.db"))?;
        let what = edit(&copy.path().join("log.db"), &mut random)?;
        let (code, said) = command(&["doctor", &copy.path().display().to_string(), "--json"])?;
        assert_eq!(code, 1, "{what}: {said}");
        let said: serde_json::Value = serde_json::from_str(&said)?;
        assert_eq!(said["healthy"], false, "{what}");
    }
    // Cut off at the end: whole in itself, but not the log of this root.
    let connection = Connection::open(out.join("log.db"))?;
    connection.execute("DELETE FROM event WHERE sequence = (SELECT max(sequence) FROM event)", [])?;
    drop(connection);
    assert_eq!(command(&["doctor", &dir, "--root", root])?.0, 1, "a log that was cut off");
    Ok(())
}

/// A decimal's text in millionths.
fn millionths(text: &str) -> anyhow::Result<i128> {
    scaled(text, 6)
}

fn scaled(text: &str, places: usize) -> anyhow::Result<i128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    ensure!(fraction.len() <= places, "{text} has more than {places} decimals");
    Ok(format!("{whole}{fraction:0<places$}").parse()?)
}

/// Half away from zero.
fn round(top: i128, bottom: i128) -> i128 {
    let half = (2 * top.abs() + bottom) / (2 * bottom);
    if top < 0 { -half } else { half }
}

/// `Q UNIT x P[ x D / OF][ less L of other lines] = A`, computed anew in minor units.
fn recomputes(formula: &str, decimals: usize) -> anyhow::Result<bool> {
    let (left, amount) = formula.split_once(" = ").context("a formula")?;
    let (product, less) = left.split_once(" less ").unwrap_or((left, "0 of"));
    let less = scaled(less.split(' ').next().context("an amount")?, decimals)?;
    let factors: Vec<&str> = product.split(" x ").collect();
    let quantity = factors.first().and_then(|text| text.split(' ').next()).context("a quantity")?;
    let (quantity, price) = (millionths(quantity)?, factors.get(1).context("a price")?);
    let mut top = quantity * scaled(price, 8)? * 10i128.pow(u32::try_from(decimals)?);
    let mut bottom = 1_000_000 * 100_000_000;
    if let Some((days, of_days)) = factors.get(2).and_then(|days| days.split_once(" / ")) {
        top *= days.parse::<i128>()?;
        bottom *= of_days.parse::<i128>()?;
    }
    Ok(round(top, bottom) - less == scaled(amount, decimals)?)
}

/// The numbers before a word in a text's lines.
fn numbers<'a>(said: &'a str, word: &'a str) -> impl Iterator<Item = &'a str> {
    said.lines().filter_map(move |line| line.split_once(word)?.0.rsplit(' ').next())
}

/// An own line: formula, tariff version with its leaf, slices that add up, and the readings they come from.
fn check_line(bill: &BillIssued, index: usize, said: &str, decimals: usize) -> anyhow::Result<()> {
    let line = bill.indoor.get(index).context("a line")?;
    let formula = said.lines().nth(1).context("a formula")?;
    ensure!(recomputes(formula, decimals)?, "does not recompute: {formula}");
    let amount = formula.split_once(" = ").context("an amount")?.1;
    ensure!(scaled(amount, decimals)? == i128::from(line.amount_minor.get()), "another amount: {formula}");
    ensure!(
        said.lines().any(|line| line.contains("tariff.published.v1") && line.contains("leaf ")),
        "no tariff: {said}"
    );
    if matches!(line.key.component, Component::Energy | Component::Adder) {
        let parts: i128 = numbers(said, " kWh in this line").map(millionths).sum::<anyhow::Result<_>>()?;
        ensure!(parts == i128::from(line.quantity), "slices of {parts} for {}: {said}", line.quantity);
        ensure!(said.contains("readings event"), "no readings: {said}");
    }
    if line.key.component == Component::Demand {
        ensure!(said.contains("highest") && said.contains("readings event"), "no interval: {said}");
    }
    Ok(())
}

/// A share: its days' nano-units to the cent, the rule, and for the landlord what the others do not pay.
fn check_share(site: &Site, bill: &BillIssued, index: usize, said: &str) -> anyhow::Result<()> {
    let share = bill.shared.get(index).context("a share")?;
    let pool = site.targets().get(&bill.month).and_then(|target| target.pools.get(&share.pool)).context("a pool")?;
    let others = |of: &AccountId| of != &site.premises().site().landlord;
    if others(&bill.account) {
        let nano: i128 =
            numbers(said, " nano-units").map(|text| Ok(text.parse::<i128>()?)).sum::<anyhow::Result<_>>()?;
        let amount = (nano + 100_000).div_euclid(1_000_000_000);
        ensure!(amount == i128::from(share.amount_minor.get()), "{nano} nano-units are {amount}: {said}");
    } else {
        let paid: Money = pool.accounts().filter(|(account, _)| others(account)).map(|(_, of)| of.amount).sum();
        ensure!(share.amount_minor == share.pool_amount_minor - paid, "the landlord's share: {said}");
    }
    ensure!(share.rules.is_empty() || said.contains("rule.published.v1"), "no rule: {said}");
    ensure!(share.pool_energy_mwh.is_zero() || said.contains("readings event"), "no readings: {said}");
    Ok(())
}

/// Opens every line of every bill of a case; how many there were.
fn open_all(case: &Case) -> anyhow::Result<usize> {
    let entries = log_of(case)?;
    let mut bills: BTreeMap<Month, BTreeMap<i64, BillIssued>> = BTreeMap::new();
    for entry in &entries {
        if let Body::BillIssued(part) = &entry.event.body {
            let of_month = bills.entry(part.month).or_default();
            let whole = of_month.entry(part.number).or_insert_with(|| BillIssued {
                indoor: Vec::new(),
                shared: Vec::new(),
                ..part.clone()
            });
            whole.indoor.extend(part.indoor.iter().cloned());
            whole.shared.extend(part.shared.iter().cloned());
        }
    }
    let mut lines = 0;
    for (month, bills) in bills {
        let (site, _) = history::replay(&entries, Some(&format!("bill/{month}")))?;
        let decimals = usize::from(site.premises().site().currency_decimals);
        for bill in bills.values() {
            for number in 0..bill.indoor.len() + bill.shared.len() {
                let of = (bill.account.as_str(), month);
                let (opened, said) = listen(|console| explain::open(&site, &entries, of, number + 1, console))?;
                ensure!(opened.is_ok(), "line {} of {}/{month} does not open", number + 1, bill.account);
                match number.checked_sub(bill.indoor.len()) {
                    None => check_line(bill, number, &said, decimals),
                    Some(share) => check_share(&site, bill, share, &said),
                }
                .with_context(|| format!("line {} of {}/{month}", number + 1, bill.account))?;
                lines += 1;
            }
        }
    }
    Ok(lines)
}

/// PAINS 18: getlago/lago#25, "we cannot give details of the usage linked to the amount charged in a past invoice".
#[test]
fn pain_18_every_line_of_every_bill_opens_and_recomputes() -> anyhow::Result<()> {
    let lines = std::sync::atomic::AtomicUsize::new(0);
    cases::check_each(&cases::all()?, |case| {
        lines.fetch_add(open_all(case)?, std::sync::atomic::Ordering::Relaxed);
        Ok(())
    });
    let lines = lines.into_inner();
    println!("{lines} lines");
    ensure!(lines > 1_000, "only {lines} lines");
    Ok(())
}
