//! A damaged file is set aside, and what can still be read of it is carried over into a new one: a server that does not start because
//! of it would tell nobody anything.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, params_from_iter};

/// What must not be lost comes first.
const TABLES: [&str; 5] = ["silences", "notification_log", "alerts", "deliveries", "decisions"];
/// Damaged files that are kept; the last name is used again and again.
const KEPT_MAX: usize = 9;

/// Renames the file and SQLite's log beside it; returns its new name.
pub(super) fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let named = |number: usize| path.with_extension(if number == 1 { "db.damaged".to_owned() } else { format!("db.damaged-{number}") });
    let number = (1..KEPT_MAX).find(|number| !named(*number).exists()).unwrap_or(KEPT_MAX);
    let aside = named(number);
    std::fs::rename(path, &aside)?;
    // A log that stays would be taken for the new file's.
    for end in ["-wal", "-shm"] {
        let (from, to) = (with_end(path, end), with_end(&aside, end));
        if from.exists() {
            std::fs::rename(from, to)?;
        }
    }
    Ok(aside)
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

/// Copies the rows that can be read; a sentence about what came of it.
pub(super) fn carry_over(from: &Path, to: &Connection) -> String {
    let Ok(from) = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX) else {
        return "nothing of it can be read".to_owned();
    };
    let copied = TABLES.map(|table| {
        let (rows, is_whole) = copy(table, &from, to);
        format!("{rows} {}{}", table.replace('_', " "), if is_whole { "" } else { " (not all)" })
    });
    format!("carried over: {}", copied.join(", "))
}

/// How many rows were copied, and whether reading came to an end. A table of another version does not fit and is left out.
fn copy(table: &str, from: &Connection, to: &Connection) -> (usize, bool) {
    let Ok(mut reading) = from.prepare(&format!("SELECT * FROM {table}")) else { return (0, false) };
    let columns = reading.column_count();
    let places = vec!["?"; columns].join(",");
    let Ok(mut writing) = to.prepare(&format!("INSERT OR IGNORE INTO {table} VALUES ({places})")) else { return (0, false) };
    let Ok(mut rows) = reading.query([]) else { return (0, false) };
    let mut count = 0;
    loop {
        match rows.next() {
            Ok(None) => return (count, true),
            Ok(Some(row)) => {
                let values: Result<Vec<Value>, _> = (0..columns).map(|column| row.get(column)).collect();
                // A value of another type than its column's is damage as well.
                count += values.and_then(|values| writing.execute(params_from_iter(values))).unwrap_or(0);
            }
            Err(_) => return (count, false),
        }
    }
}
