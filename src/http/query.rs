//! `query` and `query_range`: expressions over the store, on the query pool.

use std::sync::Arc;
use std::time::Duration;

use super::pool::Pool;
use crate::clock::Clock;
use crate::storage::Select;

/// What every endpoint that reads the store is given.
#[derive(Clone)]
pub struct QueryState {
    pub select: Arc<dyn Select>,
    pub pool: Pool,
    pub clock: Clock,
    /// `--query.timeout`: the most that a request may ask for.
    pub timeout: Duration,
}
