//! The embedded log: one `SQLite` file in WAL mode, `synchronous=FULL`.
//!
//! One table is keyed by sequence; sites are numbered in a small table that
//! also holds their last position, so contiguity needs no index of its own.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use domain::event::{EventId, SiteId};
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _, Row, TransactionBehavior, params};

use super::{EventLog, Filter, Follow, Kind, LogError, LogEvent, Sequence, Stored, Verdict, judge};

/// The format this program writes, in `user_version`.
const FORMAT: i64 = 1;
/// "TWLG": that a file is a log at all, in `application_id`.
const APPLICATION: i64 = 0x5457_4c47;
const BUSY: Duration = Duration::from_secs(10);
/// How often a follower looks for what another process appended.
const LOOK: Duration = Duration::from_millis(5);
const PAGE: usize = 256;

// An event of 1,000 meters has about 2.5 kB: 16 kB pages waste little of it.
const SCHEMA: &str = "
    CREATE TABLE site (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, last INTEGER NOT NULL);
    CREATE TABLE event (
        sequence INTEGER PRIMARY KEY, site INTEGER NOT NULL, position INTEGER NOT NULL,
        kind INTEGER NOT NULL, id BLOB NOT NULL UNIQUE, bytes BLOB NOT NULL
    );";
const SELECT: &str =
    "SELECT sequence, name, position, kind, id, bytes FROM event JOIN site ON site.number = event.site";

/// Whether an append waits for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// `synchronous=FULL`: what is acknowledged survives a power loss.
    #[default]
    Full,
    /// `synchronous=OFF`, for trials only: a power loss takes acknowledged events.
    Off,
}

/// The log of a shard in a file.
#[derive(Debug)]
pub struct EmbeddedLog {
    connection: Connection,
    path: PathBuf,
}

impl EmbeddedLog {
    /// Opens a log for appending, and makes it where there is none.
    pub fn open(path: &Path) -> Result<Self, LogError> {
        Self::open_with(path, Durability::Full)
    }

    /// The same, with a say in whether it waits for the disk.
    pub fn open_with(path: &Path, durability: Durability) -> Result<Self, LogError> {
        let mut connection = Connection::open(path).map_err(refusal)?;
        connection.busy_timeout(BUSY)?;
        let found = check_format(&connection, path)?;
        if !found {
            connection.pragma_update(None, "page_size", 16_384)?;
        }
        connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(())).map_err(refusal)?;
        let synchronous = match durability {
            Durability::Full => "FULL",
            Durability::Off => "OFF",
        };
        connection.pragma_update(None, "synchronous", synchronous)?;
        let work = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(refusal)?;
        // Another process may have made it in the meantime.
        if !check_format(&work, path)? {
            work.execute_batch(SCHEMA).map_err(refusal)?;
            work.pragma_update(None, "application_id", APPLICATION)?;
            work.pragma_update(None, "user_version", FORMAT)?;
        }
        work.commit().map_err(refusal)?;
        Ok(Self { connection, path: path.to_owned() })
    }

    /// Opens a log that is there, for reading only.
    pub fn open_read_only(path: &Path) -> Result<Self, LogError> {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.busy_timeout(BUSY)?;
        if check_format(&connection, path)? {
            Ok(Self { connection, path: path.to_owned() })
        } else {
            Err(LogError::NotALog(path.display().to_string()))
        }
    }
}

/// Whether the file has a log in it; an error where it has something else.
fn check_format(connection: &Connection, path: &Path) -> Result<bool, LogError> {
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let not_a_log = || LogError::NotALog(path.display().to_string());
    let format = number("user_version").map_err(|error| match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => not_a_log(),
        _ => refusal(error),
    })?;
    let application = number("application_id")?;
    if format > FORMAT && (application == APPLICATION || application == 0) {
        return Err(LogError::NewerFormat(format));
    }
    if application == APPLICATION {
        return Ok(true);
    }
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application == 0 && tables == 0 { Ok(false) } else { Err(not_a_log()) }
}

fn refusal(error: rusqlite::Error) -> LogError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => LogError::DiskFull,
        _ => LogError::File(error),
    }
}

/// A row of `SELECT`; the inner result says whether it is an event.
fn stored(row: &Row<'_>) -> rusqlite::Result<Result<Stored, LogError>> {
    let sequence: i64 = row.get(0)?;
    let (position, kind): (i64, i64) = (row.get(2)?, row.get(3)?);
    let parts = SiteId::try_new(row.get_ref(1)?.as_str()?).zip(Kind::of_code(kind)).zip(u64::try_from(position).ok());
    let sequence = Sequence(u64::try_from(sequence).unwrap_or(0));
    let Some(((site, kind), position)) = parts else {
        return Ok(Err(LogError::Damaged(sequence)));
    };
    let event = LogEvent { site, position, id: EventId::new(row.get(4)?), kind, bytes: row.get(5)? };
    Ok(Ok(Stored { sequence, event }))
}

fn head(connection: &Connection) -> Result<Sequence, LogError> {
    let head: i64 =
        connection.prepare_cached("SELECT coalesce(max(sequence), 0) FROM event")?.query_row([], |row| row.get(0))?;
    Ok(Sequence(u64::try_from(head)?))
}

fn find(connection: &Connection, id: EventId) -> Result<Option<Stored>, LogError> {
    let mut query = connection.prepare_cached(&format!("{SELECT} WHERE id = ?1"))?;
    query.query_row([id.as_bytes()], stored).optional()?.transpose()
}

fn last(connection: &Connection, site: &SiteId) -> Result<u64, LogError> {
    let mut query = connection.prepare_cached("SELECT last FROM site WHERE name = ?1")?;
    let last: Option<i64> = query.query_row([site.as_str()], |row| row.get(0)).optional()?;
    Ok(u64::try_from(last.unwrap_or(0))?)
}

fn read(connection: &Connection, after: Sequence, filter: &Filter, limit: usize) -> Result<Vec<Stored>, LogError> {
    let sql = format!(
        "{SELECT} WHERE sequence > ?1 AND (?2 IS NULL OR name = ?2) AND (?3 IS NULL OR kind = ?3) ORDER BY sequence LIMIT ?4"
    );
    // Past every sequence there is nothing, and no limit is as good as the largest.
    let after = i64::try_from(after.0).unwrap_or(i64::MAX);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let (site, kind) = (filter.site.as_ref().map(SiteId::as_str), filter.kind.map(Kind::code));
    let mut query = connection.prepare_cached(&sql)?;
    let rows = query.query_map(params![after, site, kind, limit], stored)?;
    rows.map(|row| row?).collect()
}

fn insert(connection: &Connection, mut sequence: Sequence, events: &[LogEvent]) -> Result<Vec<Sequence>, LogError> {
    let mut site = connection.prepare_cached(
        "INSERT INTO site (name, last) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET last = excluded.last RETURNING number",
    )?;
    let mut event = connection.prepare_cached("INSERT INTO event VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    let mut sequences = Vec::with_capacity(events.len());
    for e in events {
        sequence = Sequence(sequence.0.saturating_add(1));
        let position = i64::try_from(e.position)?;
        let number: i64 = site.query_row(params![e.site.as_str(), position], |row| row.get(0)).map_err(refusal)?;
        event
            .execute(params![i64::try_from(sequence.0)?, number, position, e.kind.code(), e.id.as_bytes(), e.bytes])
            .map_err(refusal)?;
        sequences.push(sequence);
    }
    Ok(sequences)
}

impl EventLog for EmbeddedLog {
    fn append(&mut self, expected: Sequence, events: &[LogEvent]) -> Result<Vec<Sequence>, LogError> {
        // Dropped without a commit it is rolled back: all or nothing.
        let work = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(refusal)?;
        let actual = head(&work)?;
        match judge(expected, actual, events, |id| find(&work, id), |site| last(&work, site))? {
            Verdict::Known(sequences) => Ok(sequences),
            Verdict::New => {
                let sequences = insert(&work, actual, events)?;
                work.commit().map_err(refusal)?;
                Ok(sequences)
            }
        }
    }

    fn read(&self, after: Sequence, filter: &Filter, limit: usize) -> Result<Vec<Stored>, LogError> {
        read(&self.connection, after, filter, limit)
    }

    fn head(&self) -> Result<Sequence, LogError> {
        head(&self.connection)
    }

    fn follow(&self, after: Sequence, filter: Filter) -> Result<Box<dyn Follow>, LogError> {
        let log = Self::open_read_only(&self.path)?;
        Ok(Box::new(Follower { log, after, filter, page: VecDeque::new() }))
    }
}

struct Follower {
    log: EmbeddedLog,
    after: Sequence,
    filter: Filter,
    page: VecDeque<Stored>,
}

impl Follow for Follower {
    fn next(&mut self, patience: Duration) -> Result<Option<Stored>, LogError> {
        let start = Instant::now();
        loop {
            if self.page.is_empty() {
                self.page = self.log.read(self.after, &self.filter, PAGE)?.into();
            }
            if let Some(stored) = self.page.pop_front() {
                self.after = stored.sequence;
                return Ok(Some(stored));
            }
            let left = patience.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Ok(None);
            }
            std::thread::sleep(left.min(LOOK));
        }
    }
}
