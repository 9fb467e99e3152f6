//! Every bound of the room in one place, with its unit.

/// Largest chunk that is decoded, in bytes.
pub const CHUNK_BYTES_MAX: usize = 16 << 20;
/// Buckets of one native histogram.
pub const BUCKETS_MAX: usize = 1 << 20;
/// Largest section of an index (symbols, postings, a series) and largest tombstones file, in bytes.
pub const SECTION_BYTES_MAX: usize = 1 << 30;
/// Largest record of a write-ahead log after decompression, in bytes.
pub const RECORD_BYTES_MAX: usize = 256 << 20;
/// Largest `meta.json`, in bytes.
pub const META_BYTES_MAX: u64 = 16 << 20;
/// Blocks of one folder.
pub const BLOCKS_MAX: usize = 100_000;
/// Index tables (symbols, postings offsets) kept in memory, in bytes; those used longest ago go first.
pub const TABLE_CACHE_BYTES: usize = 32 << 20;
/// What one selection may decode into memory at a time, in samples; beyond it values are decoded again when they are read.
pub const SELECTION_SAMPLES: usize = 4_000_000;
/// Times that one selection may hold, in samples: 2 GiB.
pub const SELECTION_TIMES_MAX: usize = 256_000_000;
/// Exemplars kept of a write-ahead log, the newest ones.
pub const EXEMPLARS_MAX: usize = 10_000;
/// The head and index tables leave memory when nobody asked for this long, in milliseconds.
pub const IDLE_MS: i64 = 600_000;

/// Samples of one written chunk, as Prometheus cuts them.
pub const CHUNK_SAMPLES: u16 = 120;
/// A chunk of histograms is full at this size, in bytes, once it has `HISTOGRAMS_MIN` of them.
pub const HISTOGRAM_CHUNK_BYTES: usize = 1024;
pub const HISTOGRAMS_MIN: u16 = 10;
/// Largest file of chunks of a written block, in bytes.
pub const CHUNK_FILE_BYTES: u64 = 512 << 20;
