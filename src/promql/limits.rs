//! The stated limits of this room.

use std::time::Duration;

/// Longest accepted query, in bytes.
pub const QUERY_BYTES_MAX: usize = 1024 * 1024;
/// Deepest accepted nesting of expressions (parentheses, calls, operators in a chain), in levels.
pub const DEPTH_MAX: usize = 500;
/// Stack of the thread that parses and evaluates an expression deeper than [`DEPTH_ON_CALLER_MAX`], in bytes.
pub const DEEP_STACK_BYTES: usize = 64 * 1024 * 1024;
/// Deepest expression that runs on the caller's own stack, in levels.
pub const DEPTH_ON_CALLER_MAX: usize = 40;
/// Most characters that can nest in a text that is parsed on the caller's own stack.
pub const NESTING_ON_CALLER_MAX: usize = 64;
/// Most samples that one query may hold at a time, unless the options say otherwise.
pub const SAMPLES_MAX: u64 = 50_000_000;
/// Memory that all queries together may hold, in bytes, unless the options say otherwise.
pub const MEMORY_BYTES_MAX: u64 = 1 << 30;
/// What a held sample is reckoned at: a time and a value.
pub const SAMPLE_BYTES: u64 = 16;
/// What a series of an answer is reckoned at beside its samples.
pub const SERIES_BYTES: u64 = 256;
/// What a native histogram of an answer is reckoned at.
pub const HISTOGRAM_BYTES: u64 = 512;
/// Longest label value that a query may make, in bytes.
pub const MADE_TEXT_BYTES_MAX: usize = 1024 * 1024;
/// Bytes that kept range answers may take, unless the options say otherwise.
pub const CACHE_BYTES_MAX: u64 = 32 << 20;
/// Fewest samples that a query must have read for its answer to be kept.
pub const CACHE_SAMPLES_MIN: u64 = 10_000;
/// A kept answer is computed anew after this long, whatever the store says.
pub const CACHE_AGE: Duration = Duration::from_secs(6 * 3600);
/// Steps younger than this are not kept: samples for them may still arrive, in milliseconds.
pub const CACHE_SETTLED_MS: i64 = 120_000;
/// Steps of work between two looks at the clock and the cancel flag.
pub const WORK_PER_CHECK: u64 = 1 << 18;
/// Most evaluation steps of one subquery or query.
pub const STEPS_MAX: i64 = 50_000_000;
/// What a step of a subquery is reckoned at beside its sample, in bytes: where selectors look, which row that is, and a copy of a
/// series with times and ranks.
pub const SUBQUERY_STEP_BYTES: u64 = 48;
/// Most annotations of one kind that are kept; further ones are dropped (the HTTP API shows ten).
pub const ANNOTATIONS_MAX: usize = 1000;
/// Series between two looks at the clock and the cancel flag.
pub const SERIES_PER_CHECK: usize = 64;
/// Most parts of an expression that an explanation measures; what lies below further ones is left out.
pub const EXPLAINED_PARTS_MAX: usize = 64;
/// Most values of a label, or names of metrics, that an explanation lists.
pub const EXPLAINED_VALUES_MAX: usize = 10;
/// Most places that an explanation names as those at which an answer became empty.
pub const EXPLAINED_PLACES_MAX: usize = 5;
/// Most things that an explanation says of a query that has an answer.
pub const EXPLAINED_HINTS_MAX: usize = 10;
/// Most series of each side of an operator that an explanation compares with one another.
pub const EXPLAINED_PAIRS_MAX: usize = 100;
