//! The tables, as steps: step N brings a file from `user_version` N to N + 1. A step that was released is never edited.
//!
//! Times are milliseconds since the Unix epoch. Label sets are JSON objects in order of name. Sets of alerts are fingerprints
//! (16 hexadecimal digits each) with a blank between. `sum` is the row's own checksum (`state/sums.rs`), `commits` counts transactions
//! (`state/mark.rs`).

/// Every step so far; their number is the version that this program writes.
pub(super) const STEPS: [&str; 3] = [
    "
    CREATE TABLE silences (
        id TEXT PRIMARY KEY,
        matchers TEXT NOT NULL,
        starts_at INTEGER NOT NULL,
        ends_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        created_by TEXT NOT NULL,
        comment TEXT NOT NULL,
        annotations TEXT NOT NULL
    ) STRICT;
    CREATE TABLE alerts (
        fingerprint TEXT PRIMARY KEY,
        labels TEXT NOT NULL,
        annotations TEXT NOT NULL,
        starts_at INTEGER NOT NULL,
        ends_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        timed_out INTEGER NOT NULL,
        generator_url TEXT NOT NULL,
        value REAL
    ) STRICT;
    CREATE TABLE notification_log (
        slot TEXT PRIMARY KEY,
        receiver TEXT NOT NULL,
        integration TEXT NOT NULL,
        told_at INTEGER,
        expires_at INTEGER NOT NULL,
        firing TEXT NOT NULL,
        resolved TEXT NOT NULL,
        announced TEXT NOT NULL,
        owed_id TEXT,
        owed_firing TEXT NOT NULL,
        owed_since INTEGER,
        owed_tried INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE decisions (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        at INTEGER NOT NULL,
        fingerprint TEXT NOT NULL,
        labels TEXT NOT NULL,
        group_id TEXT NOT NULL,
        receiver TEXT NOT NULL,
        decision TEXT NOT NULL,
        detail TEXT NOT NULL
    ) STRICT;
    CREATE INDEX decisions_of_alert ON decisions (fingerprint, number);
    CREATE TABLE deliveries (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        at INTEGER NOT NULL,
        receiver TEXT NOT NULL,
        integration TEXT NOT NULL,
        group_labels TEXT NOT NULL,
        status TEXT NOT NULL,
        reason TEXT NOT NULL,
        alerts TEXT NOT NULL,
        outcome TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        detail TEXT NOT NULL
    ) STRICT;
    CREATE INDEX deliveries_by_time ON deliveries (at);
",
    "
    ALTER TABLE notification_log ADD COLUMN memo TEXT;
",
    "
    ALTER TABLE silences ADD COLUMN sum INTEGER;
    UPDATE silences SET sum = row_sum('silences', id, matchers, starts_at, ends_at, updated_at, created_by, comment, annotations);
    ALTER TABLE alerts ADD COLUMN sum INTEGER;
    UPDATE alerts SET sum = row_sum('alerts', fingerprint, labels, annotations, starts_at, ends_at, updated_at, timed_out,
        generator_url, value);
    ALTER TABLE notification_log ADD COLUMN sum INTEGER;
    UPDATE notification_log SET sum = row_sum('notification_log', slot, receiver, integration, told_at, expires_at, firing, resolved,
        announced, owed_id, owed_firing, owed_since, owed_tried, memo);
    ALTER TABLE decisions ADD COLUMN sum INTEGER;
    UPDATE decisions SET sum = row_sum('decisions', at, fingerprint, labels, group_id, receiver, decision, detail);
    ALTER TABLE deliveries ADD COLUMN sum INTEGER;
    UPDATE deliveries SET sum = row_sum('deliveries', id, at, receiver, integration, group_labels, status, reason, alerts, outcome,
        attempts, detail);
    CREATE TABLE commits (number INTEGER NOT NULL) STRICT;
    INSERT INTO commits VALUES (0);
",
];
