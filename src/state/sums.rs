//! Each row's own checksum: SQLite has none, so that a bit that flipped within a value would be taken for what was written.
//!
//! CRC-32C over the table's name and the columns, each with its type. Who writes a row gives it along ([`put`]); every statement that
//! reads compares it with `row_sum(table, column, ...)`, a function of both connections.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex, PoisonError};

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, Row, params};

use crate::telemetry::{Gauge, Registry};

/// A table, its columns without number and sum, and what a row of it that cannot be used means.
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: &'static str,
    meaning: &'static str,
    /// The statement that writes a row of it: ?1, ?2, ... and its sum; in the place of the row with the same key, where it has one.
    put: LazyLock<String>,
}

pub(super) static SILENCES: Table = Table {
    name: "silences",
    columns: "id, matchers, starts_at, ends_at, updated_at, created_by, comment, annotations",
    meaning: "that silence is not in force; make it anew",
    put: LazyLock::new(|| statement_to_put(&SILENCES, Some("id"))),
};
pub(super) static ALERTS: Table = Table {
    name: "alerts",
    columns: "fingerprint, labels, annotations, starts_at, ends_at, updated_at, timed_out, generator_url, value",
    meaning: "that alert is known again when its rule or sender repeats it",
    put: LazyLock::new(|| statement_to_put(&ALERTS, Some("fingerprint"))),
};
pub(super) static LOG: Table = Table {
    name: "notification_log",
    columns: "slot, receiver, integration, told_at, expires_at, firing, resolved, announced, owed_id, owed_firing, owed_since, owed_tried, memo",
    meaning: "that receiver may be told once more of what it knows, and not of an end that came meanwhile",
    put: LazyLock::new(|| statement_to_put(&LOG, Some("slot"))),
};
pub(super) static DECISIONS: Table = Table {
    name: "decisions",
    columns: "at, fingerprint, labels, group_id, receiver, decision, detail",
    meaning: "it is left out of the alert's history",
    put: LazyLock::new(|| statement_to_put(&DECISIONS, None)),
};
pub(super) static DELIVERIES: Table = Table {
    name: "deliveries",
    columns: "id, at, receiver, integration, group_labels, status, reason, alerts, outcome, attempts, detail",
    meaning: "it is left out of the list of notifications",
    put: LazyLock::new(|| statement_to_put(&DELIVERIES, Some("id"))),
};
pub(super) static TABLES: [&Table; 5] = [&SILENCES, &ALERTS, &LOG, &DECISIONS, &DELIVERIES];

/// A row that is there already is changed where it is: taking it out and putting it in again would touch twice as many pages.
fn statement_to_put(table: &Table, key: Option<&str>) -> String {
    let Table { name, columns, .. } = table;
    let values = (1..=table.width() + 1).map(|n| format!("?{n}")).collect::<Vec<_>>().join(", ");
    let insert = format!("INSERT INTO {name} ({columns}, sum) VALUES ({values})");
    let Some(key) = key else { return insert };
    let others = columns.split(", ").chain(["sum"]).filter(|column| *column != key);
    let changes = others.map(|column| format!("{column} = excluded.{column}")).collect::<Vec<_>>().join(", ");
    format!("{insert} ON CONFLICT ({key}) DO UPDATE SET {changes}")
}

/// Writes one row, its sum with it. The values are those of the table's columns, as SQLite keeps them.
pub(super) fn put(connection: &Connection, table: &Table, values: &[ValueRef<'_>]) -> rusqlite::Result<()> {
    let mut sum = Sum::default();
    sum.add(ValueRef::Text(table.name.as_bytes()));
    let mut statement = connection.prepare_cached(&table.put)?;
    for (at, value) in values.iter().enumerate() {
        sum.add(*value);
        statement.raw_bind_parameter(at + 1, ToSqlOutput::Borrowed(*value))?;
    }
    statement.raw_bind_parameter(values.len() + 1, i64::from(sum.0))?;
    statement.raw_execute().map(drop)
}

impl Table {
    /// All columns, the row's number, and whether its sum holds.
    pub(super) fn select(&self, rest: &str) -> String {
        let Self { name, columns, .. } = self;
        format!("SELECT {columns}, rowid, sum IS row_sum('{name}', {columns}) FROM {name} {rest}")
    }

    fn width(&self) -> usize {
        self.columns.split(',').count()
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
    let mut sum = Sum::default();
    (0..context.len()).for_each(|at| sum.add(context.get_raw(at)));
    i64::from(sum.0)
}

#[derive(Default)]
struct Sum(u32);

impl Sum {
    fn add(&mut self, value: ValueRef<'_>) {
        match value {
            ValueRef::Null => self.add_bytes(0, &[]),
            ValueRef::Integer(number) => self.add_bytes(1, &number.to_le_bytes()),
            // SQLite keeps whole numbers as integers: the sign of zero does not come back.
            ValueRef::Real(number) => self.add_bytes(2, &(number + 0.0).to_le_bytes()),
            ValueRef::Text(bytes) => self.add_bytes(3, bytes),
            ValueRef::Blob(bytes) => self.add_bytes(4, bytes),
        }
    }

    fn add_bytes(&mut self, kind: u8, bytes: &[u8]) {
        let mut head = [kind; 9];
        head[1..].copy_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.0 = crc32c::crc32c_append(crc32c::crc32c_append(self.0, &head), bytes);
    }
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
