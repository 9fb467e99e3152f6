//! The stated limits of this room.

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
/// Most evaluation steps of one subquery or query.
pub const STEPS_MAX: i64 = 50_000_000;
/// Most annotations of one kind that are kept; further ones are dropped (the HTTP API shows ten).
pub const ANNOTATIONS_MAX: usize = 1000;
/// Series between two looks at the clock and the cancel flag.
pub const SERIES_PER_CHECK: usize = 64;
/// Most parts of an expression that an explanation measures; what lies below further ones is left out.
pub const EXPLAINED_PARTS_MAX: usize = 64;
/// Most values of a label, or names of metrics, that an explanation lists.
pub const EXPLAINED_VALUES_MAX: usize = 10;
