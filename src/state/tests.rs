//! The file: round trips, versions, damage, bounds.

use std::collections::BTreeSet;

use super::rows::OwedRow;
use super::*;
use crate::model::{Labels, MatchOp, Matcher, TimestampMs};

fn silence(id: &str) -> SilenceRow {
    SilenceRow {
        id: id.to_owned(),
        matchers: vec![Matcher::equal("a", "1"), Matcher::new("b", MatchOp::NotRegex, "x|y").unwrap()],
        starts_at: TimestampMs(1),
        ends_at: TimestampMs(2),
        updated_at: TimestampMs(3),
        created_by: "me".to_owned(),
        comment: "why".to_owned(),
        annotations: Labels::from_pairs([("k", "v")]),
    }
}

fn delivery(id: &str, at: i64, outcome: &str) -> DeliveryRow {
    DeliveryRow {
        id: id.to_owned(),
        at: TimestampMs(at),
        receiver: "r".to_owned(),
        integration: "webhook[0]".to_owned(),
        group_labels: Labels::from_pairs([("alertname", "A")]),
        status: "firing".to_owned(),
        reason: "first notification".to_owned(),
        alerts: vec![Labels::from_pairs([("alertname", "A")])],
        outcome: outcome.to_owned(),
        attempts: 1,
        detail: "200 OK".to_owned(),
    }
}

fn log(slot: &str) -> LogRow {
    LogRow {
        slot: slot.to_owned(),
        receiver: "r".to_owned(),
        integration: "slack[0]".to_owned(),
        told_at: Some(TimestampMs(5)),
        expires_at: TimestampMs(9),
        firing: BTreeSet::from([1, u64::MAX]),
        resolved: BTreeSet::new(),
        announced: BTreeSet::from([1]),
        owed: Some(OwedRow { id: "i".to_owned(), firing: BTreeSet::from([7]), since: TimestampMs(4), tried: true }),
        memo: Some("C1 1503435956.000247".to_owned()),
    }
}

fn alert(fingerprint: u64) -> AlertRow {
    AlertRow {
        fingerprint,
        labels: Labels::from_pairs([("alertname", "A")]),
        annotations: Labels::from_pairs([("summary", "s")]),
        starts_at: TimestampMs(1),
        ends_at: TimestampMs(2),
        updated_at: TimestampMs(3),
        timed_out: true,
        generator_url: "http://g".to_owned(),
        value: Some(1.5),
    }
}

#[test]
fn everything_is_there_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::default();
    let state = State::open(folder.path(), &registry).unwrap();
    let decision = DecisionRow {
        at: TimestampMs(1),
        fingerprint: 3,
        labels: Labels::from_pairs([("alertname", "A")]),
        group_id: "g".to_owned(),
        receiver: "r".to_owned(),
        decision: "silenced".to_owned(),
        detail: "by s".to_owned(),
    };
    let changes = vec![
        Change::PutSilence(silence("s")),
        Change::PutSilence(silence("gone")),
        Change::DropSilence("gone".to_owned()),
        Change::PutAlert(alert(3)),
        Change::PutLog(log("slot")),
        Change::AddDecision(decision.clone()),
        Change::PutDelivery(delivery("d", 1, "retrying")),
        Change::PutDelivery(delivery("d", 2, "delivered")),
    ];
    state.apply_and_wait(changes).unwrap();
    drop(state);
    let state = State::open(folder.path(), &registry).unwrap();
    assert_eq!(state.silences().unwrap(), [silence("s")]);
    assert_eq!(state.alerts().unwrap(), [alert(3)]);
    assert_eq!(state.notification_log().unwrap(), [log("slot")]);
    assert_eq!(state.decisions(3, 10).unwrap(), std::slice::from_ref(&decision));
    assert_eq!(state.latest_decisions().unwrap(), [decision]);
    assert_eq!(state.deliveries(10).unwrap(), [delivery("d", 2, "delivered")]);
}

#[test]
fn a_newer_file_is_refused_with_both_versions() {
    let folder = tempfile::tempdir().unwrap();
    drop(State::open(folder.path(), &Registry::default()).unwrap());
    let connection = Connection::open(folder.path().join(FILE_NAME)).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let error = State::open(folder.path(), &Registry::default()).err().unwrap().to_string();
    assert!(error.contains("version 99") && error.contains("knows up to 2"), "{error}");
}

#[test]
fn a_damaged_file_is_set_aside_and_what_can_be_read_is_carried_over() {
    let (folder, registry) = (tempfile::tempdir().unwrap(), Registry::default());
    let path = folder.path().join(FILE_NAME);
    std::fs::write(&path, vec![7u8; 8192]).unwrap();
    let state = State::open(folder.path(), &registry).unwrap();
    assert!(state.silences().unwrap().is_empty());
    assert_eq!(std::fs::read(folder.path().join("state.db.damaged")).unwrap(), vec![7u8; 8192]);
    let mut changes: Vec<Change> = (0..50).map(|number| Change::PutSilence(silence(&format!("s{number}")))).collect();
    changes.extend((0..2_000).map(|number| Change::PutDelivery(delivery(&format!("d{number}"), number, "delivered"))));
    state.apply_and_wait(changes).unwrap();
    drop(state);
    // A page in the middle of the largest table becomes nonsense.
    let mut content = std::fs::read(&path).unwrap();
    let middle = content.len() / 2 / 4096 * 4096;
    content[middle..middle + 4096].fill(0xab);
    std::fs::write(&path, content).unwrap();
    let state = State::open(folder.path(), &registry).unwrap();
    assert_eq!(state.silences().unwrap().len(), 50, "all that was not damaged");
    assert!(folder.path().join("state.db.damaged-2").exists());
    state.apply_and_wait(vec![Change::PutSilence(silence("new"))]).unwrap();
    assert_eq!(state.silences().unwrap().len(), 51);
    assert_eq!(registry.counter("promlet_state_replaced_total", "", &[]).get(), 2);
}

#[test]
fn trimming_keeps_the_newest_and_what_is_still_being_sent() {
    let folder = tempfile::tempdir().unwrap();
    let connection = open::open_for_writing(&folder.path().join(FILE_NAME)).unwrap();
    let mut connection = connection;
    let old = [Change::PutDelivery(delivery("old", 1, "delivered")), Change::PutDelivery(delivery("old-open", 1, "retrying"))];
    write::commit(&mut connection, &old).unwrap();
    let new = [Change::PutDelivery(delivery("new", 2 + limits::DELIVERY_AGE_MS, "delivered"))];
    write::commit(&mut connection, &new).unwrap();
    write::trim(&connection).unwrap();
    let mut ids = connection.prepare("SELECT id FROM deliveries ORDER BY number").unwrap();
    let ids: Vec<String> = ids.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert_eq!(ids, ["old-open", "new"]);
}
