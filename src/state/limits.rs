//! The bounds of what is kept. Silences, the notification log and unresolved alerts are never cut by them.

/// Batches that may wait for the writer; one more is refused and counted.
pub const QUEUE_BATCHES_MAX: usize = 1024;
/// Batches that one transaction commits at most.
pub const BATCHES_PER_COMMIT_MAX: usize = 256;
/// How long a statement waits for another process's lock, in milliseconds.
pub const BUSY_TIMEOUT_MS: u64 = 5_000;
/// Decisions kept: rows, and milliseconds of age.
pub const DECISION_ROWS_MAX: i64 = 50_000;
pub const DECISION_AGE_MS: i64 = 30 * 86_400_000;
/// Finished deliveries kept: rows, and milliseconds of age.
pub const DELIVERY_ROWS_MAX: i64 = 20_000;
pub const DELIVERY_AGE_MS: i64 = 90 * 86_400_000;
/// The history is trimmed after this many new history rows.
pub const TRIM_AFTER_ROWS: u64 = 2048;
/// Rows that one reading call returns at most.
pub const READ_ROWS_MAX: usize = 10_000;
/// After how many commits a reserve that was given up is made anew, if there is space.
pub const RESTORE_EVERY_COMMITS: u64 = 64;
