//! Notices that wait: one `SQLite` file in WAL mode, `synchronous=FULL`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::event::{AlarmKind, EventId};
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};

use super::{Notice, NotifierError};

/// "TWOB", in `application_id`.
const APPLICATION: i64 = 0x5457_4f42;
const BUSY: Duration = Duration::from_secs(10);
const SCHEMA: &str = "
    CREATE TABLE notice (position INTEGER PRIMARY KEY, id BLOB NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL);
    CREATE TABLE offered (one INTEGER PRIMARY KEY CHECK (one = 1), position INTEGER NOT NULL);";

/// An outbox in a file. Several may be open on it, in threads of their own.
#[derive(Debug)]
pub struct Outbox {
    connection: Connection,
    path: PathBuf,
}

impl Outbox {
    /// Opens an outbox, and makes it where there is none.
    pub fn open(path: &Path) -> Result<Self, NotifierError> {
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(BUSY)?;
        connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        let work = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let application: i64 = work.pragma_query_value(None, "application_id", |row| row.get(0))?;
        let tables: i64 = work.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        if tables == 0 {
            work.execute_batch(SCHEMA)?;
            work.pragma_update(None, "application_id", APPLICATION)?;
        } else if application != APPLICATION {
            return Err(NotifierError::NotAnOutbox(path.display().to_string()));
        }
        work.commit()?;
        Ok(Self { connection, path: path.to_owned() })
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps a notice; one at or before the newest is there already, or was delivered.
    pub fn keep(&mut self, notice: &Notice) -> Result<(), NotifierError> {
        let position = i64::try_from(notice.position)?;
        let work = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let last: Option<i64> = work.query_row("SELECT position FROM offered", [], |row| row.get(0)).optional()?;
        if last.is_some_and(|last| position <= last) {
            return Ok(());
        }
        work.execute(
            "INSERT INTO notice (position, id, kind, body) VALUES (?1, ?2, ?3, ?4)",
            params![position, notice.id.as_bytes(), notice.kind.name(), notice.body],
        )?;
        work.execute("INSERT OR REPLACE INTO offered (one, position) VALUES (1, ?1)", [position])?;
        Ok(work.commit()?)
    }

    /// The position of the newest that was kept.
    pub fn newest(&self) -> Result<Option<u64>, NotifierError> {
        let last: Option<i64> =
            self.connection.query_row("SELECT position FROM offered", [], |row| row.get(0)).optional()?;
        Ok(last.map(u64::try_from).transpose()?)
    }

    /// The oldest that waits.
    pub fn first(&self) -> Result<Option<Notice>, NotifierError> {
        let row = self
            .connection
            .query_row("SELECT position, id, kind, body FROM notice ORDER BY position LIMIT 1", [], |row| {
                Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get::<_, String>(2)?, row.get(3)?))
            })
            .optional()?;
        let Some((position, id, kind, body)) = row else { return Ok(None) };
        let kind =
            AlarmKind::of_name(&kind).ok_or_else(|| NotifierError::NotAnOutbox(self.path.display().to_string()))?;
        Ok(Some(Notice { id: EventId::new(id), position: u64::try_from(position)?, kind, body }))
    }

    /// Forgets one that was delivered.
    pub fn forget(&self, position: u64) -> Result<(), NotifierError> {
        self.connection.execute("DELETE FROM notice WHERE position = ?1", [i64::try_from(position)?])?;
        Ok(())
    }

    /// How many wait.
    pub fn waiting(&self) -> Result<u64, NotifierError> {
        let count: i64 = self.connection.query_row("SELECT count(*) FROM notice", [], |row| row.get(0))?;
        Ok(u64::try_from(count)?)
    }
}
