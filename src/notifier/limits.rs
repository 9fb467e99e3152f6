//! What the way to outside Alertmanagers bounds, beside the flags' queue capacity and batch size.

use std::time::Duration;

/// How long a stop waits for all queues together.
pub const DRAIN_MAX: Duration = Duration::from_secs(10);
/// Bytes of an answer that are read, and shown where it refuses.
pub const ANSWER_BYTES_MAX: usize = 512;
