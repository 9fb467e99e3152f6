//! Each row's own checksum: SQLite has none, so that a bit that flipped within a value would be taken for what was written.
//!
//! `row_sum(table, column, ...)` is a function of both connections: CRC-32C over the table's name and the columns, each with its type.
//! Every statement that writes computes it, every one that reads compares it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, params};

use crate::telemetry::{Gauge, Registry};

/// A table, its columns without number and sum, and what a row of it that cannot be used means.
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: &'static str,
    meaning: &'static str,
}

pub(super) const SILENCES: Table = Table {
    name: "silences",
    columns: "id, matchers, starts_at, ends_at, updated_at, created_by, comment, annotations",
    meaning: "that silence is not in force; make it anew",
};
pub(super) const ALERTS: Table = Table {
    name: "alerts",
    columns: "fingerprint, labels, annotations, starts_at, ends_at, updated_at, timed_out, generator_url, value",
    meaning: "that alert is known again when its rule or sender repeats it",
};
pub(super) const LOG: Table = Table {
    name: "notification_log",
    columns: "slot, receiver, integration, told_at, expires_at, firing, resolved, announced, owed_id, owed_firing, owed_since, owed_tried, memo",
    meaning: "that receiver may be told once more of what it knows, and not of an end that came meanwhile",
};
pub(super) const DECISIONS: Table = Table {
    name: "decisions",
    columns: "at, fingerprint, labels, group_id, receiver, decision, detail",
    meaning: "it is left out of the alert's history",
};
pub(super) const DELIVERIES: Table = Table {
    name: "deliveries",
    columns: "id, at, receiver, integration, group_labels, status, reason, alerts, outcome, attempts, detail",
    meaning: "it is left out of the list of notifications",
};
pub(super) const TABLES: [&Table; 5] = [&SILENCES, &ALERTS, &LOG, &DECISIONS, &DELIVERIES];

impl Table {
    /// All columns, the row's number, and whether its sum holds.
    pub(super) fn select(&self, rest: &str) -> String {
        let Self { name, columns, .. } = self;
        format!("SELECT {columns}, rowid, sum IS row_sum('{name}', {columns}) FROM {name} {rest}")
    }

    fn width(&self) -> usize {
        self.columns.split(',').count()
    }

    /// The sum of a row that is given as parameters ?1, ?2, ...
    pub(super) fn insert(&self, verb: &str) -> String {
        let Self { name, columns, .. } = self;
        let values = (1..=self.width()).map(|n| format!("?{n}")).collect::<Vec<_>>().join(", ");
        format!("{verb} INTO {name} ({columns}, sum) VALUES ({values}, row_sum('{name}', {values}))")
    }

    /// The number of a row that [`Table::select`] found damaged.
    pub(super) fn damaged(&self, row: &Row<'_>) -> rusqlite::Result<Option<i64>> {
        let width = self.width();
        Ok(if row.get(width + 1)? { None } else { Some(row.get(width)?) })
    }
}

pub(super) fn add_function(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("row_sum", -1, flags, |context| Ok(sum(context)))
}

fn sum(context: &Context<'_>) -> i64 {
    let mut sum = 0u32;
    let mut add = |kind: u8, bytes: &[u8]| {
        sum = crc32c::crc32c_append(sum, &[kind]);
        sum = crc32c::crc32c_append(sum, &(bytes.len() as u64).to_le_bytes());
        sum = crc32c::crc32c_append(sum, bytes);
    };
    for at in 0..context.len() {
        match context.get_raw(at) {
            ValueRef::Null => add(0, &[]),
            ValueRef::Integer(number) => add(1, &number.to_le_bytes()),
            // SQLite keeps whole numbers as integers: the sign of zero does not come back.
            ValueRef::Real(number) => add(2, &(number + 0.0).to_le_bytes()),
            ValueRef::Text(bytes) => add(3, bytes),
            ValueRef::Blob(bytes) => add(4, bytes),
        }
    }
    i64::from(sum)
}

/// What of the file was found to be no longer what was written.
pub(super) struct Losses {
    path: PathBuf,
    rows: Mutex<BTreeSet<(&'static str, i64)>>,
    said: Mutex<Vec<String>>,
    gauge: Gauge,
}

/// Sentences that are remembered; the log has all.
const SAID_MAX: usize = 20;

impl Losses {
    pub(super) fn new(path: PathBuf, registry: &Registry) -> Self {
        let help = "Rows of state.db whose checksum does not hold, of those that were read: they are not used, and the log names them.";
        let gauge = registry.gauge("promlet_state_damaged_rows", help, &[]);
        Self { path, rows: Mutex::default(), said: Mutex::default(), gauge }
    }

    pub(super) fn say(&self, text: String) {
        tracing::error!("{text}");
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.len() < SAID_MAX {
            said.push(text);
        }
    }

    pub(super) fn said(&self) -> Vec<String> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Once a row.
    pub(super) fn row(&self, table: &Table, number: i64) {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        if rows.insert((table.name, number)) {
            self.gauge.set(rows.len() as f64);
            drop(rows);
            self.say(of_row(&self.path, table, number));
        }
    }
}

fn of_row(path: &std::path::Path, table: &Table, number: i64) -> String {
    format!(
        "{0}: row {number} of table {1} is damaged (its checksum does not hold) and is not used: {2}. To be rid of it, stop promlet and run: \
         sqlite3 {0} 'DELETE FROM {1} WHERE rowid = {number}'",
        path.display(),
        table.name,
        table.meaning
    )
}

/// One sentence for each damaged row of all tables.
pub(super) fn damaged_rows(connection: &Connection, path: &std::path::Path) -> rusqlite::Result<Vec<String>> {
    let mut found = Vec::new();
    for table in TABLES {
        let Table { name, columns, .. } = table;
        let mut statement = connection.prepare(&format!("SELECT rowid FROM {name} WHERE sum IS NOT row_sum('{name}', {columns})"))?;
        let numbers = statement.query_map(params![], |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()?;
        found.extend(numbers.into_iter().map(|number| of_row(path, table, number)));
    }
    Ok(found)
}
