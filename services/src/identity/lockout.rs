//! Lock-out: after some failures of a name or an address each one more makes
//! it wait, twice as long each time.
//!
//! A failure is counted before the password is looked at and taken back when it
//! was right: guesses made at the same time are counted like those made one
//! after another. Names are counted whether they are users or not.

use std::net::IpAddr;

use domain::quantity::Instant;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::Limits;
use super::error::IdentityError;

/// A failure is forgotten when so long nothing followed it.
const FORGOTTEN: i64 = 86_400;

pub(super) fn of_name(name: &str) -> String {
    format!("name {name}")
}

/// An address; of IPv6 the /64, which is one customer's.
pub(super) fn of_address(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(four) => format!("address {four}"),
        IpAddr::V6(six) => {
            let [a, b, c, d, ..] = six.segments();
            format!("address {a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

/// What counting a failure has led to.
pub(super) enum Counted {
    /// It may be tried.
    Open,
    /// It may be tried this once; what follows is locked out.
    Last,
    /// It is locked out.
    Locked(Instant),
}

/// Counts an attempt as failed, unless the subject is locked out.
pub(super) fn count(
    connection: &Connection,
    now: Instant,
    (subject, borne): (&str, u32),
    limits: Limits,
) -> Result<Counted, IdentityError> {
    let row: Option<(u32, i64, i64)> = connection
        .prepare_cached("SELECT count, last, until FROM failure WHERE subject = ?1")?
        .query_row([subject], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let (mut count, last, until) = row.unwrap_or_default();
    if until > now.get() {
        return Ok(Counted::Locked(Instant::new(until)));
    }
    if now.get().saturating_sub(last) > FORGOTTEN {
        count = 0;
    }
    count = count.saturating_add(1);
    let over = count.checked_sub(borne);
    let wait = over.map_or(0, |over| {
        limits.lock.saturating_mul(2i64.checked_pow(over).unwrap_or(i64::MAX)).min(limits.longest_lock)
    });
    let until = now.get().saturating_add(wait);
    connection
        .prepare_cached("INSERT OR REPLACE INTO failure (subject, count, last, until) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![subject, count, now.get(), until])?;
    connection.prepare_cached("DELETE FROM failure WHERE last < ?1")?.execute([now.get().saturating_sub(FORGOTTEN)])?;
    Ok(if over.is_some() { Counted::Last } else { Counted::Open })
}

/// Until when a name is locked out; none where it is not.
pub(super) fn until(connection: &Connection, now: Instant, name: &str) -> Result<Option<Instant>, IdentityError> {
    let until: Option<i64> = connection
        .prepare_cached("SELECT until FROM failure WHERE subject = ?1 AND until > ?2")?
        .query_row(params![of_name(name), now.get()], |row| row.get(0))
        .optional()?;
    Ok(until.map(Instant::new))
}

/// The attempt was right: a name's failures are forgotten.
pub(super) fn forget(connection: &Connection, name: &str) -> Result<(), IdentityError> {
    connection.prepare_cached("DELETE FROM failure WHERE subject = ?1")?.execute([of_name(name)])?;
    Ok(())
}

/// The attempt was right: it is taken back from an address, whose other failures
/// stay, so that nobody clears them with an account of their own.
pub(super) fn take_back(connection: &Connection, address: IpAddr) -> Result<(), IdentityError> {
    connection
        .prepare_cached("UPDATE failure SET count = max(count - 1, 0), until = 0 WHERE subject = ?1")?
        .execute([of_address(address)])?;
    Ok(())
}
