//! The statements that write.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::LazyLock;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, params};

use super::labels_json;
use super::limits::{DECISION_AGE_MS, DECISION_ROWS_MAX, DELIVERY_AGE_MS, DELIVERY_ROWS_MAX};
use super::rows::{AlertRow, Change, DecisionRow, DeliveryRow, Fingerprint, LogRow, SilenceRow};
use super::sums::{ALERTS, DECISIONS, DELIVERIES, LOG, SILENCES, Table, put};
use crate::model::{Matcher, TimestampMs};

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
        Change::CloseDelivery { id, at, detail } => connection.prepare_cached(&CLOSE)?.execute(params![id, at.0, detail]).map(drop),
    }
}

/// A damaged row keeps its sum that does not hold.
static CLOSE: LazyLock<String> = LazyLock::new(|| {
    let columns = DELIVERIES.columns;
    let then = columns.replace(" at,", " ?2,").replace("outcome", "'failed'").replace("detail", "?3");
    format!(
        "UPDATE deliveries SET outcome = 'failed', at = ?2, detail = ?3, sum = row_sum('deliveries', {then})
         WHERE id = ?1 AND outcome = 'retrying' AND sum IS row_sum('deliveries', {columns})"
    )
});

fn delete(connection: &Connection, statement: &str, key: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(statement)?.execute([key]).map(drop)
}

fn text(text: &str) -> ValueRef<'_> {
    ValueRef::Text(text.as_bytes())
}

fn time(at: TimestampMs) -> ValueRef<'static> {
    ValueRef::Integer(at.0)
}

fn or_null<'a, T>(value: Option<T>, shown: impl FnOnce(T) -> ValueRef<'a>) -> ValueRef<'a> {
    value.map_or(ValueRef::Null, shown)
}

fn put_silence(connection: &Connection, row: &SilenceRow) -> rusqlite::Result<()> {
    let (matchers, annotations) = (matchers_json(&row.matchers), labels_json::to_json(&row.annotations));
    let values = [
        text(&row.id),
        text(&matchers),
        time(row.starts_at),
        time(row.ends_at),
        time(row.updated_at),
        text(&row.created_by),
        text(&row.comment),
        text(&annotations),
    ];
    put(connection, &SILENCES, &values)
}

fn put_alert(connection: &Connection, row: &AlertRow) -> rusqlite::Result<()> {
    let (fingerprint, labels) = (hex(row.fingerprint), labels_json::to_json(&row.labels));
    let annotations = labels_json::to_json(&row.annotations);
    // SQLite keeps no NaN.
    let value = row.value.filter(|value| !value.is_nan());
    let values = [
        text(&fingerprint),
        text(&labels),
        text(&annotations),
        time(row.starts_at),
        time(row.ends_at),
        time(row.updated_at),
        ValueRef::Integer(row.timed_out.into()),
        text(&row.generator_url),
        or_null(value, ValueRef::Real),
    ];
    put(connection, &ALERTS, &values)
}

fn put_log(connection: &Connection, row: &LogRow) -> rusqlite::Result<()> {
    let [firing, resolved, announced] = [&row.firing, &row.resolved, &row.announced].map(set_text);
    let owed = row.owed.as_ref();
    let owed_firing = owed.map(|owed| set_text(&owed.firing)).unwrap_or_default();
    let values = [
        text(&row.slot),
        text(&row.receiver),
        text(&row.integration),
        or_null(row.told_at, time),
        time(row.expires_at),
        text(&firing),
        text(&resolved),
        text(&announced),
        or_null(owed.map(|owed| owed.id.as_str()), text),
        text(&owed_firing),
        or_null(owed.map(|owed| owed.since), time),
        ValueRef::Integer(owed.is_some_and(|owed| owed.tried).into()),
        or_null(row.memo.as_deref(), text),
    ];
    put(connection, &LOG, &values)
}

fn add_decision(connection: &Connection, row: &DecisionRow) -> rusqlite::Result<()> {
    let (fingerprint, labels) = (hex(row.fingerprint), labels_json::to_json(&row.labels));
    let values =
        [time(row.at), text(&fingerprint), text(&labels), text(&row.group_id), text(&row.receiver), text(&row.decision), text(&row.detail)];
    put(connection, &DECISIONS, &values)
}

fn put_delivery(connection: &Connection, row: &DeliveryRow) -> rusqlite::Result<()> {
    let (group_labels, alerts) = (labels_json::to_json(&row.group_labels), labels_json::list_to_json(&row.alerts));
    let values = [
        text(&row.id),
        time(row.at),
        text(&row.receiver),
        text(&row.integration),
        text(&group_labels),
        text(&row.status),
        text(&row.reason),
        text(&alerts),
        text(&row.outcome),
        ValueRef::Integer(row.attempts.into()),
        text(&row.detail),
    ];
    put(connection, &DELIVERIES, &values)
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
    let mut text = String::with_capacity(set.len() * 17);
    for (at, fingerprint) in set.iter().enumerate() {
        let blank = if at > 0 { " " } else { "" };
        // Into a text nothing can fail.
        let _ = write!(text, "{blank}{fingerprint:016x}");
    }
    text
}

/// A JSON array of `[name, operator, value]`.
pub(super) fn matchers_json(matchers: &[Matcher]) -> String {
    let list: Vec<_> = matchers.iter().map(|m| serde_json::json!([m.name, m.op.as_str(), m.value])).collect();
    serde_json::Value::Array(list).to_string()
}
