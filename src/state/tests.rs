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
        group_id: "g".into(),
        receiver: "r".into(),
        decision: "silenced".into(),
        detail: "by s".into(),
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
    assert!(error.contains("version 99") && error.contains("knows up to 3"), "{error}");
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

/// Flips one bit of a text that stands once in the file.
fn flip(folder: &Path, text: &str) {
    let path = folder.join(FILE_NAME);
    let mut bytes = std::fs::read(&path).unwrap();
    let places: Vec<usize> = bytes.windows(text.len()).enumerate().filter(|(_, w)| *w == text.as_bytes()).map(|(at, _)| at).collect();
    places.iter().for_each(|at| bytes[*at] ^= 1);
    assert!(!places.is_empty(), "{text} is not in the file");
    std::fs::write(&path, bytes).unwrap();
}

#[test]
fn a_flipped_bit_in_a_value_is_said_and_its_row_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let state = State::open(folder.path(), &Registry::default()).unwrap();
    let decision = |detail: &str| DecisionRow {
        at: TimestampMs(1),
        fingerprint: 3,
        labels: Labels::empty(),
        group_id: detail.into(),
        receiver: "r".into(),
        decision: "silenced".into(),
        detail: detail.into(),
    };
    let changes = vec![
        Change::PutSilence(SilenceRow { comment: "first-comment".to_owned(), ..silence("first") }),
        Change::PutSilence(silence("second")),
        Change::PutAlert(AlertRow { generator_url: "http://first".to_owned(), value: Some(-0.0), ..alert(1) }),
        Change::PutAlert(AlertRow { value: Some(f64::NAN), ..alert(2) }),
        Change::PutAlert(AlertRow { value: Some(1e300), ..alert(3) }),
        Change::PutAlert(AlertRow { value: Some(-7.0), ..alert(4) }),
        Change::PutLog(LogRow { memo: Some("first-memo".to_owned()), ..log("first") }),
        Change::PutLog(log("second")),
        Change::AddDecision(decision("first-detail")),
        Change::AddDecision(decision("second")),
        Change::PutDelivery(DeliveryRow { detail: "first-detail".to_owned(), ..delivery("first", 1, "retrying") }),
        Change::PutDelivery(delivery("second", 1, "retrying")),
        Change::PutDelivery(delivery("second", 2, "retrying")),
        Change::CloseDelivery { id: "second".to_owned(), at: TimestampMs(3), detail: "gone".to_owned() },
    ];
    state.apply_and_wait(changes).unwrap();
    assert_eq!((state.alerts().unwrap().len(), state.deliveries(9).unwrap().len(), state.losses()), (4, 2, vec![]));
    drop(state);
    assert_eq!(verify(folder.path()).unwrap(), Vec::<String>::new());
    ["first-comment", "http://first", "first-memo", "first-detail"].iter().for_each(|text| flip(folder.path(), text));
    assert_eq!(verify(folder.path()).unwrap().len(), 5);
    let registry = Registry::default();
    let state = State::open(folder.path(), &registry).unwrap();
    // What closes a delivery does not make a damaged one whole.
    state.apply_and_wait(vec![Change::CloseDelivery { id: "first".to_owned(), at: TimestampMs(3), detail: "gone".to_owned() }]).unwrap();
    assert_eq!(state.silences().unwrap(), [silence("second")]);
    assert_eq!(state.alerts().unwrap().iter().map(|alert| alert.fingerprint).collect::<Vec<_>>(), [2, 3, 4]);
    assert_eq!(state.notification_log().unwrap(), [log("second")]);
    assert_eq!(state.latest_decisions().unwrap(), [decision("second")]);
    assert_eq!(state.decisions(3, 9).unwrap(), [decision("second")]);
    let closed = DeliveryRow { detail: "gone".to_owned(), ..delivery("second", 3, "failed") };
    assert_eq!(state.deliveries(9).unwrap(), [closed]);
    let said = state.losses();
    for table in ["silences", "alerts", "notification_log", "decisions", "deliveries"] {
        assert!(said.iter().any(|text| text.contains(&format!("of table {table} is damaged")) && text.contains("DELETE FROM")), "{said:?}");
    }
    assert_eq!((said.len(), registry.gauge("promlet_state_damaged_rows", "", &[]).get()), (5, 5.0));
    // Made anew under the same name it is whole.
    state.apply_and_wait(vec![Change::PutSilence(silence("first"))]).unwrap();
    assert_eq!(state.silences().unwrap().len(), 2);
}

#[test]
fn an_index_that_contradicts_its_table_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let state = State::open(folder.path(), &Registry::default()).unwrap();
    state.apply_and_wait(vec![Change::PutSilence(silence("0123456789-only-one"))]).unwrap();
    drop(state);
    let path = folder.path().join(FILE_NAME);
    let mut bytes = std::fs::read(&path).unwrap();
    // The key stands in the table and in its index, whichever comes first: one of both is changed.
    let key = b"0123456789-only-one";
    let places: Vec<usize> = bytes.windows(key.len()).enumerate().filter(|(_, w)| w == key).map(|(at, _)| at).collect();
    assert_eq!(places.len(), 2);
    for at in places {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        std::fs::write(&path, &damaged).unwrap();
        assert!(!verify(folder.path()).unwrap().is_empty());
        let state = State::open(folder.path(), &Registry::default()).unwrap();
        match &state.silences().unwrap()[..] {
            [] => assert!(state.losses()[0].contains("row 1 of table silences"), "{:?}", state.losses()),
            [one] => assert_eq!(one, &silence("0123456789-only-one")),
            more => panic!("{more:?}"),
        }
        drop(state);
        std::fs::write(&path, &bytes).unwrap();
    }
    bytes.clear();
}

#[test]
fn a_file_that_went_back_to_an_older_commit_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE_NAME);
    let state = State::open(folder.path(), &Registry::default()).unwrap();
    state.apply_and_wait(vec![Change::PutSilence(silence("a"))]).unwrap();
    drop(state);
    let older = std::fs::read(&path).unwrap();
    let state = State::open(folder.path(), &Registry::default()).unwrap();
    assert_eq!(state.losses(), Vec::<String>::new());
    state.apply_and_wait(vec![Change::PutSilence(silence("b"))]).unwrap();
    drop(state);
    std::fs::write(&path, older).unwrap();
    assert!(verify(folder.path()).unwrap()[0].contains("at commit 1, but 1 more"));
    let state = State::open(folder.path(), &Registry::default()).unwrap();
    assert!(state.losses()[0].contains("at commit 1, but 1 more"), "{:?}", state.losses());
    assert_eq!(state.losses().len(), 1);
    state.apply_and_wait(vec![Change::PutSilence(silence("b"))]).unwrap();
    drop(state);
    assert_eq!(State::open(folder.path(), &Registry::default()).unwrap().losses(), Vec::<String>::new(), "said once");
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(&verify(folder.path()).unwrap()[..], [lost] if lost.contains("is missing or empty")));
    assert!(
        matches!(&State::open(folder.path(), &Registry::default()).unwrap().losses()[..], [lost] if lost.contains("is missing or empty"))
    );
}

#[test]
fn a_file_of_the_version_before_gets_its_sums() {
    let folder = tempfile::tempdir().unwrap();
    let connection = Connection::open(folder.path().join(FILE_NAME)).unwrap();
    schema::STEPS[..2].iter().for_each(|step| connection.execute_batch(step).unwrap());
    connection.pragma_update(None, "user_version", 2).unwrap();
    connection
        .execute_batch(
            "INSERT INTO silences VALUES ('s', '[]', 1, 2, 3, 'me', 'why', '{}');
             INSERT INTO alerts VALUES ('0000000000000003', '{}', '{}', 1, 2, 3, 0, 'u', 2.0);
             INSERT INTO notification_log VALUES ('l', 'r', 'i', NULL, 9, '', '', '', NULL, '', NULL, 0, NULL);
             INSERT INTO decisions VALUES (1, 1, '0000000000000003', '{}', 'g', 'r', 'd', 'x');
             INSERT INTO deliveries VALUES (1, 'd', 1, 'r', 'i', '{}', 's', 'w', '[]', 'delivered', 1, 'x');",
        )
        .unwrap();
    drop(connection);
    assert_eq!(verify(folder.path()).unwrap(), Vec::<String>::new());
    let state = State::open(folder.path(), &Registry::default()).unwrap();
    let counts = (state.silences().unwrap().len(), state.alerts().unwrap().len(), state.notification_log().unwrap().len());
    assert_eq!((counts, state.latest_decisions().unwrap().len(), state.deliveries(9).unwrap().len()), ((1, 1, 1), 1, 1));
    assert_eq!(state.losses(), Vec::<String>::new());
}
