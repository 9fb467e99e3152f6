//! What the rules room bounds.

use std::time::Duration;

/// Most series one rule may give in one evaluation, whatever its `limit` says.
pub const RESULTS_PER_RULE_MAX: usize = 500_000;
/// Groups evaluated at the same time.
pub const EVALUATIONS_AT_ONCE: usize = 4;
/// How long a resolved alert is kept and told again, in milliseconds.
pub const RESOLVED_RETENTION_MS: i64 = 15 * 60 * 1000;
/// How long the queries of one rule's templates may take together in one evaluation; a further one fails.
pub const TEMPLATE_QUERIES_MAX: Duration = Duration::from_secs(30);
