//! The file of identities: one `SQLite` file that only its owner can read.

use std::fs::OpenOptions;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};

use super::error::IdentityError;

const FORMAT: i64 = 1;
/// "TWID", in `application_id`.
const APPLICATION: i64 = 0x5457_4944;
const BUSY: Duration = Duration::from_secs(10);

const SCHEMA: &str = "
    CREATE TABLE user (
        name TEXT NOT NULL PRIMARY KEY, role TEXT NOT NULL, password TEXT,
        disabled INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE scope (
        user TEXT NOT NULL REFERENCES user (name), site TEXT NOT NULL, account TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (user, site, account)
    ) STRICT;
    CREATE TABLE token (
        hash BLOB NOT NULL PRIMARY KEY, user TEXT NOT NULL REFERENCES user (name), name TEXT NOT NULL,
        role TEXT NOT NULL, site TEXT, account TEXT, read_only INTEGER NOT NULL,
        created INTEGER NOT NULL, expires INTEGER NOT NULL, revoked INTEGER, used INTEGER,
        UNIQUE (user, name)
    ) STRICT;
    CREATE TABLE link (
        hash BLOB NOT NULL PRIMARY KEY, user TEXT NOT NULL REFERENCES user (name),
        created INTEGER NOT NULL, expires INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE session (
        hash BLOB NOT NULL PRIMARY KEY, user TEXT NOT NULL REFERENCES user (name),
        created INTEGER NOT NULL, seen INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE failure (
        subject TEXT NOT NULL PRIMARY KEY, count INTEGER NOT NULL, last INTEGER NOT NULL, until INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE trail (
        number INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, user TEXT NOT NULL,
        address TEXT NOT NULL, detail TEXT NOT NULL
    ) STRICT;";

/// Opens the file, and makes it where there is none.
pub(super) fn open(path: &Path) -> Result<Connection, IdentityError> {
    protect(path).map_err(IdentityError::Open)?;
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    let made = check(&connection)?;
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
    if !made {
        let work = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another process may have made it in the meantime.
        if !check(&work)? {
            work.execute_batch(SCHEMA)?;
            work.pragma_update(None, "application_id", APPLICATION)?;
            work.pragma_update(None, "user_version", FORMAT)?;
        }
        work.commit()?;
    }
    // No other format: an older program opens the file all the same.
    connection.execute_batch("CREATE INDEX IF NOT EXISTS trail_user ON trail (user, kind)")?;
    Ok(connection)
}

/// Makes the file its owner's alone; `SQLite` gives its other files the same rights.
fn protect(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true).read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    drop(file);
    Ok(())
}

/// Whether the file is made; an error where it is something else.
fn check(connection: &Connection) -> Result<bool, IdentityError> {
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (application, format) = (number("application_id")?, number("user_version")?);
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (application, format, tables) {
        (APPLICATION, FORMAT, _) => Ok(true),
        (0, 0, 0) => Ok(false),
        _ => Err(IdentityError::NotOurs),
    }
}
