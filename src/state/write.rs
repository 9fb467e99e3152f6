//! The statements that write.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};

use super::labels_json;
use super::limits::{DECISION_AGE_MS, DECISION_ROWS_MAX, DELIVERY_AGE_MS, DELIVERY_ROWS_MAX};
use super::rows::{AlertRow, Change, DecisionRow, DeliveryRow, Fingerprint, LogRow, SilenceRow};
use crate::model::Matcher;

/// One transaction; returns how many rows of history it added.
pub(super) fn commit<'a>(connection: &mut Connection, changes: impl IntoIterator<Item = &'a Change>) -> rusqlite::Result<u64> {
    let transaction = connection.transaction()?;
    let mut history_rows = 0;
    for change in changes {
        history_rows += u64::from(matches!(change, Change::AddDecision(_) | Change::PutDelivery(_)));
        apply(&transaction, change)?;
    }
    transaction.commit()?;
    Ok(history_rows)
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
        Change::CloseDelivery { id, at, detail } => connection
            .prepare_cached("UPDATE deliveries SET outcome = 'failed', at = ?2, detail = ?3 WHERE id = ?1 AND outcome = 'retrying'")?
            .execute(params![id, at.0, detail])
            .map(drop),
    }
}

fn delete(connection: &Connection, statement: &str, key: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(statement)?.execute([key]).map(drop)
}

fn put_silence(connection: &Connection, row: &SilenceRow) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT OR REPLACE INTO silences (id, matchers, starts_at, ends_at, updated_at, created_by, comment, annotations)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
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
    let mut statement = connection.prepare_cached(
        "INSERT OR REPLACE INTO alerts
         (fingerprint, labels, annotations, starts_at, ends_at, updated_at, timed_out, generator_url, value)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
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
    let mut statement = connection.prepare_cached(
        "INSERT OR REPLACE INTO notification_log
         (slot, receiver, integration, told_at, expires_at, firing, resolved, announced, owed_id, owed_firing, owed_since, owed_tried, memo)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )?;
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
    let mut statement = connection.prepare_cached(
        "INSERT INTO decisions (at, fingerprint, labels, group_id, receiver, decision, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    let labels = labels_json::to_json(&row.labels);
    statement.execute(params![row.at.0, hex(row.fingerprint), labels, row.group_id, row.receiver, row.decision, row.detail]).map(drop)
}

fn put_delivery(connection: &Connection, row: &DeliveryRow) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO deliveries (id, at, receiver, integration, group_labels, status, reason, alerts, outcome, attempts, detail)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
         ON CONFLICT (id) DO UPDATE SET at = ?2, status = ?6, reason = ?7, alerts = ?8, outcome = ?9, attempts = ?10, detail = ?11",
    )?;
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

/// Cuts the history to its bounds; ages are counted from the newest row, so that a wrong clock erases nothing.
pub(super) fn trim(connection: &Connection) -> rusqlite::Result<()> {
    // Never a look at every row: in a storm this is asked for every few hundred of them.
    connection.execute("DELETE FROM decisions WHERE number <= (SELECT max(number) FROM decisions) - ?1", [DECISION_ROWS_MAX])?;
    connection.execute(
        "DELETE FROM decisions WHERE number < (
             SELECT number FROM decisions
             WHERE at >= (SELECT at FROM decisions ORDER BY number DESC LIMIT 1) - ?1
             ORDER BY number LIMIT 1)",
        [DECISION_AGE_MS],
    )?;
    connection.execute(
        "DELETE FROM deliveries WHERE outcome <> 'retrying'
         AND (number <= (SELECT max(number) FROM deliveries) - ?1 OR at < (SELECT max(at) FROM deliveries) - ?2)",
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
