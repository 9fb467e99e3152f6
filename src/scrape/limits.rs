//! The bounds of this room.

/// Ingest threads, at most; pages are read faster than a few targets can send them.
pub(super) const INGEST_THREADS_MAX: usize = 4;
/// Threads for host name look-ups and secrets in files, per ingest thread; idle ones end.
pub(super) const LOOKUP_THREADS_MAX: usize = 4;
/// Body buffers that are kept for the next scrape, over all targets.
pub(super) const BUFFERS_KEPT: usize = 8;
/// A larger buffer is given back to the system after use.
pub(super) const BUFFER_KEPT_BYTES: usize = 1024 * 1024;
/// Longest name-with-labels text of one line.
pub(super) const METRIC_BYTES_MAX: usize = (1 << 24) - 1;
/// Dropped targets that are kept for display where `keep_dropped_targets` sets no smaller number, per job.
pub(super) const DROPPED_KEPT_MAX: usize = 10_000;
/// Scrapes of a target between two attempts to open the series that the store refused.
pub(super) const REFUSED_SCRAPES: u32 = 4;
/// A sample that claims a time further ahead of ours is refused, as Prometheus does.
pub(super) const AHEAD_MS_MAX: i64 = 10 * 60 * 1000;
/// Longest text of a label value, name or metric within an error message, in characters.
pub(super) const SHOWN_CHARS: usize = 50;
