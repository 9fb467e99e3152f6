//! What the rules room bounds.

/// Most series one rule may give in one evaluation, whatever its `limit` says.
pub const RESULTS_PER_RULE_MAX: usize = 500_000;
/// Groups evaluated at the same time.
pub const EVALUATIONS_AT_ONCE: usize = 4;
/// How long a resolved alert is kept and told again, in milliseconds.
pub const RESOLVED_RETENTION_MS: i64 = 15 * 60 * 1000;
