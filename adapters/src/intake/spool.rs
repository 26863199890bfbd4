//! The local intake: one `SQLite` file in WAL mode, `synchronous=FULL`.

use std::path::Path;
use std::time::Duration;

use domain::event::EventId;
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Transaction, TransactionBehavior, params};

use super::{Intake, IntakeError, Item, Place, check_size, check_taken};

/// The format this program writes, in `user_version`.
const FORMAT: i64 = 1;
/// "TWIN": that a file is a spool at all, in `application_id`.
const APPLICATION: i64 = 0x5457_494e;
const BUSY: Duration = Duration::from_secs(10);

// AUTOINCREMENT: a place is not given to another item after it is forgotten.
const SCHEMA: &str = "
    CREATE TABLE item (place INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE, bytes BLOB NOT NULL);";

/// An intake in a file.
#[derive(Debug)]
pub struct Spool {
    connection: Connection,
    taken: Place,
}

impl Spool {
    /// Opens a spool, and makes it where there is none.
    pub fn open(path: &Path) -> Result<Self, IntakeError> {
        let mut connection = Connection::open(path).map_err(refusal)?;
        connection.busy_timeout(BUSY)?;
        check_format(&connection, path)?;
        connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(())).map_err(refusal)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        let work = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(refusal)?;
        // Another process may have made it in the meantime.
        if !check_format(&work, path)? {
            work.execute_batch(SCHEMA).map_err(refusal)?;
            work.pragma_update(None, "application_id", APPLICATION)?;
            work.pragma_update(None, "user_version", FORMAT)?;
        }
        work.commit().map_err(refusal)?;
        Ok(Self { connection, taken: Place(0) })
    }
}

/// Whether the file has a spool in it; an error where it has something else.
fn check_format(connection: &Connection, path: &Path) -> Result<bool, IntakeError> {
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let not_a_spool = || IntakeError::NotASpool(path.display().to_string());
    let format = number("user_version").map_err(|error| match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => not_a_spool(),
        _ => refusal(error),
    })?;
    let application = number("application_id")?;
    if application == APPLICATION {
        return if format > FORMAT { Err(IntakeError::NewerFormat(format)) } else { Ok(true) };
    }
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application == 0 && tables == 0 { Ok(false) } else { Err(not_a_spool()) }
}

fn refusal(error: rusqlite::Error) -> IntakeError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => IntakeError::DiskFull,
        _ => IntakeError::File(error),
    }
}

/// Keeps an item within a transaction.
fn keep(work: &Transaction<'_>, id: EventId, bytes: &[u8]) -> Result<(), IntakeError> {
    let same: Option<bool> = work
        .prepare_cached("SELECT bytes = ?2 FROM item WHERE id = ?1")?
        .query_row(params![id.as_bytes(), bytes], |row| row.get(0))
        .optional()?;
    match same {
        Some(true) => Ok(()),
        Some(false) => Err(IntakeError::IdReused(id)),
        None => {
            work.prepare_cached("INSERT INTO item (id, bytes) VALUES (?1, ?2)")?
                .execute(params![id.as_bytes(), bytes])
                .map_err(refusal)?;
            Ok(())
        }
    }
}

impl Intake for Spool {
    fn offer(&mut self, id: EventId, bytes: &[u8]) -> Result<(), IntakeError> {
        check_size(bytes)?;
        // Dropped without a commit it is rolled back.
        let work = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(refusal)?;
        keep(&work, id, bytes)?;
        work.commit().map_err(refusal)
    }

    /// All or none of them, with one wait for the disk.
    fn offer_all(&mut self, items: &[(EventId, Vec<u8>)]) -> Result<(), IntakeError> {
        let work = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(refusal)?;
        for (id, bytes) in items {
            check_size(bytes)?;
            keep(&work, *id, bytes)?;
        }
        work.commit().map_err(refusal)
    }

    fn take(&mut self, limit: usize) -> Result<Vec<Item>, IntakeError> {
        let after = i64::try_from(self.taken.0)?;
        // No limit is as good as the largest.
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut query = self
            .connection
            .prepare_cached("SELECT place, id, bytes FROM item WHERE place > ?1 ORDER BY place LIMIT ?2")?;
        let rows = query.query_map([after, limit], |row| {
            Ok((row.get::<_, i64>(0)?, EventId::new(row.get(1)?), row.get::<_, Vec<u8>>(2)?))
        })?;
        let mut items = Vec::new();
        for row in rows {
            let (place, id, bytes) = row?;
            items.push(Item { place: Place(u64::try_from(place)?), id, bytes });
        }
        self.taken = items.last().map_or(self.taken, |item| item.place);
        Ok(items)
    }

    fn acknowledge(&mut self, up_to: Place) -> Result<(), IntakeError> {
        check_taken(up_to, self.taken)?;
        let place = i64::try_from(up_to.0)?;
        self.connection.prepare_cached("DELETE FROM item WHERE place <= ?1")?.execute([place]).map_err(refusal)?;
        Ok(())
    }
}
