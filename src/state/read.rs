//! The statements that read.

use std::collections::BTreeSet;

use rusqlite::{Params, Row, params};

use super::limits::READ_ROWS_MAX;
use super::rows::{AlertRow, DecisionRow, DeliveryRow, Fingerprint, LogRow, OwedRow, SilenceRow};
use super::sums::{ALERTS, DECISIONS, DELIVERIES, LOG, SILENCES, Table};
use super::write::hex;
use super::{State, labels_json};
use crate::model::{MatchOp, Matcher, TimestampMs};

type Read<T> = rusqlite::Result<T>;

impl State {
    /// Rows whose sum holds; of others it is said that they are damaged.
    fn rows<T>(&self, table: &Table, rest: &str, given: impl Params, read: impl Fn(&Row<'_>) -> Read<T>) -> Read<Vec<T>> {
        let connection = self.reading();
        let mut statement = connection.prepare_cached(&table.select(rest))?;
        let (mut rows, mut found) = (statement.query(given)?, Vec::new());
        while let Some(row) = rows.next()? {
            match table.damaged(row)? {
                None => found.push(read(row)?),
                Some(number) => self.losses.row(table, number),
            }
        }
        Ok(found)
    }

    pub fn silences(&self) -> Read<Vec<SilenceRow>> {
        self.rows(&SILENCES, "", [], |row| {
            Ok(SilenceRow {
                id: row.get(0)?,
                matchers: matchers(&row.get::<_, String>(1)?),
                starts_at: time(row, 2)?,
                ends_at: time(row, 3)?,
                updated_at: time(row, 4)?,
                created_by: row.get(5)?,
                comment: row.get(6)?,
                annotations: labels_json::from_json(&row.get::<_, String>(7)?),
            })
        })
    }

    pub fn alerts(&self) -> Read<Vec<AlertRow>> {
        self.rows(&ALERTS, "", [], |row| {
            Ok(AlertRow {
                fingerprint: fingerprint(&row.get::<_, String>(0)?),
                labels: labels_json::from_json(&row.get::<_, String>(1)?),
                annotations: labels_json::from_json(&row.get::<_, String>(2)?),
                starts_at: time(row, 3)?,
                ends_at: time(row, 4)?,
                updated_at: time(row, 5)?,
                timed_out: row.get(6)?,
                generator_url: row.get(7)?,
                value: row.get(8)?,
            })
        })
    }

    pub fn notification_log(&self) -> Read<Vec<LogRow>> {
        self.rows(&LOG, "", [], |row| {
            Ok(LogRow {
                slot: row.get(0)?,
                receiver: row.get(1)?,
                integration: row.get(2)?,
                told_at: row.get::<_, Option<i64>>(3)?.map(TimestampMs),
                expires_at: time(row, 4)?,
                firing: set(&row.get::<_, String>(5)?),
                resolved: set(&row.get::<_, String>(6)?),
                announced: set(&row.get::<_, String>(7)?),
                owed: owed(row)?,
                memo: row.get(12)?,
            })
        })
    }

    /// The newest decision about each alert in each group.
    pub fn latest_decisions(&self) -> Read<Vec<DecisionRow>> {
        let newest = "WHERE number IN (SELECT max(number) FROM decisions GROUP BY fingerprint, group_id)";
        self.rows(&DECISIONS, newest, [], decision)
    }

    /// What was decided about one alert, newest first.
    pub fn decisions(&self, of: Fingerprint, limit: usize) -> Read<Vec<DecisionRow>> {
        let newest = "WHERE fingerprint = ?1 ORDER BY number DESC LIMIT ?2";
        self.rows(&DECISIONS, newest, params![hex(of), limit.min(READ_ROWS_MAX) as i64], decision)
    }

    /// Notifications, newest first.
    pub fn deliveries(&self, limit: usize) -> Read<Vec<DeliveryRow>> {
        self.rows(&DELIVERIES, "ORDER BY at DESC, number DESC LIMIT ?1", [limit.min(READ_ROWS_MAX) as i64], delivery)
    }
}

fn decision(row: &Row<'_>) -> Read<DecisionRow> {
    Ok(DecisionRow {
        at: time(row, 0)?,
        fingerprint: fingerprint(&row.get::<_, String>(1)?),
        labels: labels_json::from_json(&row.get::<_, String>(2)?),
        group_id: row.get(3)?,
        receiver: row.get(4)?,
        decision: row.get::<_, String>(5)?.into(),
        detail: row.get(6)?,
    })
}

fn delivery(row: &Row<'_>) -> Read<DeliveryRow> {
    Ok(DeliveryRow {
        id: row.get(0)?,
        at: time(row, 1)?,
        receiver: row.get(2)?,
        integration: row.get(3)?,
        group_labels: labels_json::from_json(&row.get::<_, String>(4)?),
        status: row.get(5)?,
        reason: row.get(6)?,
        alerts: labels_json::list_from_json(&row.get::<_, String>(7)?),
        outcome: row.get(8)?,
        attempts: row.get(9)?,
        detail: row.get(10)?,
    })
}

fn owed(row: &Row<'_>) -> Read<Option<OwedRow>> {
    let Some(id) = row.get::<_, Option<String>>(8)? else { return Ok(None) };
    let since = row.get::<_, Option<i64>>(10)?.map_or(TimestampMs(0), TimestampMs);
    Ok(Some(OwedRow { id, firing: set(&row.get::<_, String>(9)?), since, tried: row.get(11)? }))
}

fn time(row: &Row<'_>, column: usize) -> Read<TimestampMs> {
    row.get(column).map(TimestampMs)
}

fn fingerprint(text: &str) -> Fingerprint {
    u64::from_str_radix(text, 16).unwrap_or(0)
}

fn set(text: &str) -> BTreeSet<Fingerprint> {
    text.split_ascii_whitespace().map(fingerprint).collect()
}

/// A matcher that cannot be read makes the silence match nothing: no matchers at all.
fn matchers(text: &str) -> Vec<Matcher> {
    let list: Vec<(String, String, String)> = serde_json::from_str(text).unwrap_or_default();
    let read = |(name, op, value): (String, String, String)| {
        let op = match op.as_str() {
            "=" => MatchOp::Equal,
            "!=" => MatchOp::NotEqual,
            "=~" => MatchOp::Regex,
            "!~" => MatchOp::NotRegex,
            _ => return None,
        };
        Matcher::new(name, op, value).ok()
    };
    list.into_iter().map(read).collect::<Option<Vec<_>>>().unwrap_or_default()
}
