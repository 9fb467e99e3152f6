//! Opening: pragmas, a look at the file's health, the steps to the current tables.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::limits::BUSY_TIMEOUT_MS;
use super::mark::{self, Mark};
use super::schema::STEPS;
use super::sums::{self, ALERTS, LOG, SILENCES};

/// Why the file cannot be used, and the way out.
#[derive(Debug)]
pub enum OpenError {
    Folder { path: PathBuf, error: std::io::Error },
    Newer { path: PathBuf, found: i64, known: i64 },
    Damaged { path: PathBuf, detail: String },
    ReadOnly { path: PathBuf },
    Busy { path: PathBuf },
    Sqlite { path: PathBuf, error: rusqlite::Error },
    Thread { path: PathBuf, error: std::io::Error },
}

impl OpenError {
    /// SQLite's index file is mapped: on a full disk its growth fails as if the disk were broken.
    pub(super) fn may_want_space(&self) -> bool {
        matches!(self, Self::Sqlite { error, .. } if wants_space(error))
    }
}

/// What a full disk looks like from SQLite.
pub(super) fn wants_space(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure))
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder { path, error } => write!(f, "cannot create the folder {}: {error}", path.display()),
            Self::Newer { path, found, known } => write!(
                f,
                "{} was written by a newer promlet (its tables have version {found}, this program knows up to {known}): \
                 run that version again, or move the file away to start without silences and notification log",
                path.display()
            ),
            Self::Damaged { path, detail } => write!(
                f,
                "{0} is damaged ({detail}): move it away (mv {0} {0}.damaged) and start again; \
                 samples are not touched, but silences, the notification log and the alert history start empty",
                path.display()
            ),
            Self::ReadOnly { path } => {
                write!(f, "{} cannot be written: give this user write access to the file and its folder", path.display())
            }
            Self::Busy { path } => write!(
                f,
                "{} is in use by another process (waited {BUSY_TIMEOUT_MS} ms): stop the other server or choose another data folder",
                path.display()
            ),
            Self::Sqlite { path, error } => {
                let help = if wants_space(error) { "; if the disk is full, free some space" } else { "" };
                write!(f, "cannot open {}: {error}{help}", path.display())
            }
            Self::Thread { path, error } => write!(f, "cannot start the thread that writes {}: {error}", path.display()),
        }
    }
}

impl std::error::Error for OpenError {}

/// A connection that writes and one that reads.
pub(super) fn open_both(path: &Path) -> Result<(Connection, Connection), OpenError> {
    let writing = open_for_writing(path)?;
    let reading = open_for_reading(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    Ok((writing, reading))
}

pub(super) fn open_for_writing(path: &Path) -> Result<Connection, OpenError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| OpenError::Folder { path: folder.to_owned(), error })?;
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let explain = |error| explain(path, error);
    let mut connection = Connection::open_with_flags(path, flags).map_err(explain)?;
    prepare(&connection).map_err(explain)?;
    check(&connection, path)?;
    sums::add_function(&connection).map_err(explain)?;
    migrate(&mut connection, path)?;
    for table in [&SILENCES, &ALERTS, &LOG] {
        mend(&connection, table.name, path)?;
    }
    Ok(connection)
}

fn open_for_reading(path: &Path, access: OpenFlags) -> Result<Connection, OpenError> {
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| explain(path, error))?;
    connection.busy_timeout(Duration::from_millis(BUSY_TIMEOUT_MS)).map_err(|error| explain(path, error))?;
    connection.pragma_update(None, "query_only", true).map_err(|error| explain(path, error))?;
    sums::add_function(&connection).map_err(|error| explain(path, error))?;
    Ok(connection)
}

/// All checks of a file, without changing it.
pub(super) fn verify(path: &Path, mark: &Mark) -> Result<Vec<String>, OpenError> {
    // One that could write would move SQLite's log into the file at its end.
    let connection = open_for_reading(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let all = || -> rusqlite::Result<Vec<String>> {
        let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        let mut statement = connection.prepare("PRAGMA integrity_check(20)")?;
        let found = statement.query_map([], |row| row.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
        let mut problems: Vec<String> =
            found.into_iter().filter(|text| text != "ok").map(|text| format!("{}: {text}", path.display())).collect();
        // An older file has no sums yet.
        if version == STEPS.len() as i64 {
            problems.extend(sums::damaged_rows(&connection, path)?);
            let number: i64 = connection.query_row("SELECT number FROM commits", [], |row| row.get(0))?;
            problems.extend(mark::loss(path, u64::try_from(number).unwrap_or(0), mark.read()));
        }
        Ok(problems)
    };
    all().map_err(|error| explain(path, error))
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::from_millis(BUSY_TIMEOUT_MS))?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    // In WAL mode FULL syncs the log at every commit: a power cut loses nothing that was acknowledged.
    connection.pragma_update(None, "synchronous", "full")?;
    // What a storm of ten thousand alerts changes at once; with less, pages would be written and read again within a transaction.
    connection.pragma_update(None, "cache_size", -8192)?;
    connection.pragma_update(None, "journal_size_limit", 1 << 20)
}

fn check(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(|error| explain(path, error))?;
    if found == "ok" { Ok(()) } else { Err(OpenError::Damaged { path: path.to_owned(), detail: found }) }
}

/// An index that contradicts its table is made anew from it: with it a row that is there would not be found.
fn mend(connection: &Connection, table: &str, path: &Path) -> Result<(), OpenError> {
    let explain = |error| explain(path, error);
    let look = || connection.query_row(&format!("PRAGMA integrity_check({table})"), [], |row| row.get::<_, String>(0)).map_err(explain);
    let found = look()?;
    if found == "ok" {
        return Ok(());
    }
    tracing::error!("{}: table {table}: {found}; its index is made anew", path.display());
    connection.execute_batch(&format!("REINDEX {table}")).map_err(explain)?;
    let found = look()?;
    if found == "ok" { Ok(()) } else { Err(OpenError::Damaged { path: path.to_owned(), detail: found }) }
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<(), OpenError> {
    let explain = |error| explain(path, error);
    let known = STEPS.len() as i64;
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(explain)?;
    if found > known || found < 0 {
        return Err(OpenError::Newer { path: path.to_owned(), found, known });
    }
    for (number, step) in STEPS.iter().enumerate().skip(found as usize) {
        let transaction = connection.transaction().map_err(explain)?;
        transaction.execute_batch(step).map_err(explain)?;
        transaction.pragma_update(None, "user_version", number as i64 + 1).map_err(explain)?;
        transaction.commit().map_err(explain)?;
    }
    Ok(())
}

fn explain(path: &Path, error: rusqlite::Error) -> OpenError {
    let path = path.to_owned();
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => OpenError::Damaged { path, detail: error.to_string() },
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => OpenError::ReadOnly { path },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => OpenError::Busy { path },
        _ => OpenError::Sqlite { path, error },
    }
}
