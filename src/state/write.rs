//! The statements that write.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};

use super::labels_json;
use super::limits::{DECISION_AGE_MS, DECISION_ROWS_MAX, DELIVERY_AGE_MS, DELIVERY_ROWS_MAX};
use super::rows::{AlertRow, Change, DecisionRow, DeliveryRow, Fingerprint, LogRow, SilenceRow};
use super::sums::{ALERTS, DECISIONS, DELIVERIES, LOG, SILENCES, Table};
use crate::model::Matcher;

/// What a transaction did.
pub(super) struct Committed {
    /// Its number, one higher than that of the one before.
    pub(super) number: u64,
    /// How many rows of history it added.
    pub(super) history_rows: u64,
}

/// One transaction.
pub(super) fn commit<'a>(connection: &mut Connection, changes: impl IntoIterator<Item = &'a Change>) -> rusqlite::Result<Committed> {
    let transaction = connection.transaction()?;
    let mut history_rows = 0;
    for change in changes {
        history_rows += u64::from(matches!(change, Change::AddDecision(_) | Change::PutDelivery(_)));
        apply(&transaction, change)?;
    }
    let number: i64 =
        transaction.prepare_cached("UPDATE commits SET number = number + 1 RETURNING number")?.query_row([], |row| row.get(0))?;
    transaction.commit()?;
    Ok(Committed { number: u64::try_from(number).unwrap_or(0), history_rows })
}

fn apply(connection: &Connection, change: &Change) -> rusqlite::Result<()> {
    match change {
        Change::PutSilence(row) => put_silence(connection, row),
        Change::DropSilence(id) => delete(connection, "DELETE FROM silences WHERE id = ?1", id),
        Change::PutAlert(row) => put_alert(connection, row),
        Change::DropAlert(fingerprint) => delete(connection, "DELETE FROM alerts WHERE fingerprint = ?1", &hex(*fingerprint)),
        Change::PutLog(row) => put_log(connection, row),
        Change::DropLog(slot) => delete(connection, "DELETE FROM notification_log WHERE slot = ?1", slot),
        Change::AddDecision(row) => add_decision(connection, row),
        Change::PutDelivery(row) => put_delivery(connection, row),
        Change::CloseDelivery { id, at, detail } => {
            // A damaged row keeps its sum that does not hold.
            let columns = DELIVERIES.columns;
            let then = columns.replace(" at,", " ?2,").replace("outcome", "'failed'").replace("detail", "?3");
            let statement = format!(
                "UPDATE deliveries SET outcome = 'failed', at = ?2, detail = ?3, sum = row_sum('deliveries', {then})
                 WHERE id = ?1 AND outcome = 'retrying' AND sum IS row_sum('deliveries', {columns})"
            );
            connection.prepare_cached(&statement)?.execute(params![id, at.0, detail]).map(drop)
        }
    }
}

fn delete(connection: &Connection, statement: &str, key: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(statement)?.execute([key]).map(drop)
}

fn put_silence(connection: &Connection, row: &SilenceRow) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(&SILENCES.insert("INSERT OR REPLACE"))?;
    statement
        .execute(params![
            row.id,
            matchers_json(&row.matchers),
            row.starts_at.0,
            row.ends_at.0,
            row.updated_at.0,
            row.created_by,
            row.comment,
            labels_json::to_json(&row.annotations),
        ])
        .map(drop)
}

fn put_alert(connection: &Connection, row: &AlertRow) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(&ALERTS.insert("INSERT OR REPLACE"))?;
    statement
        .execute(params![
            hex(row.fingerprint),
            labels_json::to_json(&row.labels),
            labels_json::to_json(&row.annotations),
            row.starts_at.0,
            row.ends_at.0,
            row.updated_at.0,
            row.timed_out,
            row.generator_url,
            row.value,
        ])
        .map(drop)
}

fn put_log(connection: &Connection, row: &LogRow) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(&LOG.insert("INSERT OR REPLACE"))?;
    let owed = row.owed.as_ref();
    statement
        .execute(params![
            row.slot,
            row.receiver,
            row.integration,
            row.told_at.map(|at| at.0),
            row.expires_at.0,
            set_text(&row.firing),
            set_text(&row.resolved),
            set_text(&row.announced),
            owed.map(|owed| owed.id.as_str()),
            owed.map(|owed| set_text(&owed.firing)).unwrap_or_default(),
            owed.map(|owed| owed.since.0),
            owed.is_some_and(|owed| owed.tried),
            row.memo,
        ])
        .map(drop)
}

fn add_decision(connection: &Connection, row: &DecisionRow) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(&DECISIONS.insert("INSERT"))?;
    let labels = labels_json::to_json(&row.labels);
    statement.execute(params![row.at.0, hex(row.fingerprint), labels, row.group_id, row.receiver, row.decision, row.detail]).map(drop)
}

fn put_delivery(connection: &Connection, row: &DeliveryRow) -> rusqlite::Result<()> {
    let columns = DELIVERIES.columns.split(", ").chain(["sum"]).map(|name| format!("{name} = excluded.{name}"));
    let insert = format!("{} ON CONFLICT (id) DO UPDATE SET {}", DELIVERIES.insert("INSERT"), columns.collect::<Vec<_>>().join(", "));
    let mut statement = connection.prepare_cached(&insert)?;
    statement
        .execute(params![
            row.id,
            row.at.0,
            row.receiver,
            row.integration,
            labels_json::to_json(&row.group_labels),
            row.status,
            row.reason,
            labels_json::list_to_json(&row.alerts),
            row.outcome,
            row.attempts,
            row.detail,
        ])
        .map(drop)
}

/// The last number that is too many, of ?1 rows, and the newest time. One damaged number or time must not make all others look old.
fn bounds(table: &Table) -> (String, String) {
    let Table { name, columns, .. } = table;
    (
        format!("(SELECT number FROM {name} ORDER BY number DESC LIMIT 1 OFFSET 99) + 99 - ?1"),
        format!("SELECT max(at) FROM (SELECT * FROM {name} ORDER BY number DESC LIMIT 100) WHERE sum IS row_sum('{name}', {columns})"),
    )
}

/// Cuts the history to its bounds; ages are counted from the newest rows, so that a wrong clock erases nothing.
pub(super) fn trim(connection: &Connection) -> rusqlite::Result<()> {
    // Never a look at every row of decisions: in a storm this is asked for every few hundred of them.
    let (rows, newest) = bounds(&DECISIONS);
    connection.execute(&format!("DELETE FROM decisions WHERE number <= {rows}"), [DECISION_ROWS_MAX])?;
    connection.execute(
        &format!("DELETE FROM decisions WHERE number < (SELECT number FROM decisions WHERE at >= ({newest}) - ?1 ORDER BY number LIMIT 1)"),
        [DECISION_AGE_MS],
    )?;
    let (rows, newest) = bounds(&DELIVERIES);
    connection.execute(
        &format!("DELETE FROM deliveries WHERE outcome <> 'retrying' AND (number <= {rows} OR at < ({newest}) - ?2)"),
        [DELIVERY_ROWS_MAX, DELIVERY_AGE_MS],
    )?;
    Ok(())
}

pub(super) fn hex(fingerprint: Fingerprint) -> String {
    format!("{fingerprint:016x}")
}

pub(super) fn set_text(set: &BTreeSet<Fingerprint>) -> String {
    set.iter().map(|fingerprint| hex(*fingerprint)).collect::<Vec<_>>().join(" ")
}

/// A JSON array of `[name, operator, value]`.
pub(super) fn matchers_json(matchers: &[Matcher]) -> String {
    let list: Vec<_> = matchers.iter().map(|m| serde_json::json!([m.name, m.op.as_str(), m.value])).collect();
    serde_json::Value::Array(list).to_string()
}
