//! Every bound of the store in one place, with its unit.

/// Rows a group collects before its columns are encoded into a stripe; a group's first stripe comes earlier, after half as many or more, so that groups are staggered.
pub const STRIPE_ROWS: usize = 120;
/// Rows of a tail that cannot be encoded because the disk is full.
pub const TAIL_ROWS_MAX: usize = 60_000;
/// Columns of one stripe; wider groups are cut into ranges that repeat the times.
pub const STRIPE_COLUMNS_MAX: usize = 4096;
/// Rows of a merged stripe.
pub const MERGED_ROWS_MAX: usize = 1440;
/// Rows that any stripe may have when it is read.
pub const STRIPE_ROWS_MAX: usize = 64 * 1024;
/// Bytes of stripe heads that are remembered of one segment.
pub const HEAD_BYTES_MAX: usize = 1024 * 1024;
/// Encoded bytes after which a merged stripe is cut between columns.
pub const MERGED_STRIPE_BYTES: usize = 256 * 1024;

/// The row log starts a new file at this size, or at `LOG_FACTOR` times what its keyframes and definitions took, whichever is larger; in bytes.
pub const LOG_FILE_BYTES: u64 = 4 * 1024 * 1024;
pub const LOG_FACTOR: u64 = 16;
/// Largest record of the row log or a segment, in bytes.
pub const RECORD_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Closed log files that may wait for their rows to reach stripes before groups are flushed early.
pub const LOG_FILES_WAITING: usize = 2;

/// The open segment is sealed at this size, in bytes.
pub const SEGMENT_BYTES: u64 = 32 * 1024 * 1024;
/// The open segment is sealed when its samples span this long, in milliseconds.
pub const SEGMENT_SPAN_MS: i64 = 2 * 3_600_000;
/// How many neighbouring segments of one level are merged into one of the next.
pub const MERGE_FAN_IN: usize = 4;
/// Levels of merging; level 0 is what was sealed.
pub const MERGE_LEVELS: u8 = 4;
/// Largest input of one merge, in bytes.
pub const MERGE_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;

/// Indexes of sealed segments kept in memory, in bytes.
pub const INDEX_CACHE_BYTES: usize = 16 * 1024 * 1024;
/// So many ended series are worth making the index of live ones anew.
pub const SWEEP_FROM: usize = 4_000;
/// Subgroups (times of their own) within one group.
pub const SUBGROUPS_MAX: usize = 4096;
/// Columns of one group.
pub const COLUMNS_MAX: usize = 4_000_000;
/// Live series of the store.
pub const SERIES_MAX: usize = 50_000_000;
/// Label text held for live series, in bytes.
pub const SYMBOL_BYTES_MAX: usize = u32::MAX as usize;
/// Exemplars kept, oldest dropped first.
pub const EXEMPLARS_MAX: usize = 10_000;
/// Metric families of which metadata is kept.
pub const METADATA_MAX: usize = 100_000;
/// Time buckets in which the last change is remembered exactly, for versions.
pub const VERSION_BUCKETS: usize = 2048;
/// The length of such a bucket, in milliseconds.
pub const VERSION_BUCKET_MS: i64 = 60_000;

/// After a failed write, how long until it is tried again, in milliseconds.
pub const RETRY_MS: i64 = 5_000;
/// A jump of the clock forwards erases nothing for this long, in milliseconds.
pub const RETENTION_GRACE_MS: i64 = 3_600_000;
