//! The tables, as steps: step N brings a file from `user_version` N to N + 1. A step that was released is never edited.
//!
//! Times are milliseconds since the Unix epoch. Label sets are JSON objects in order of name. Sets of alerts are fingerprints
//! (16 hexadecimal digits each) with a blank between.

/// Every step so far; their number is the version that this program writes.
pub(super) const STEPS: [&str; 2] = [
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
];
