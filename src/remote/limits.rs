//! Every bound of the remote-write receiver.

use std::time::Duration;

/// Size of a decompressed request in bytes, as Prometheus bounds it.
pub const DECODED_BYTES_MAX: usize = 32 << 20;
/// Names and values of one series together, in bytes.
pub const LABEL_BYTES_MAX: usize = 64 << 10;
/// Addresses that push at one time; one that was silent for two sweeps makes room.
pub const SENDERS_MAX: usize = 4096;
/// Pairs of job and instance that one sender pushes at one time.
pub const GROUPS_MAX: usize = 65_536;
/// Series that one sender's cache remembers before it forgets those not seen lately.
pub const PLACES_MAX: usize = 2_000_000;
/// What was not pushed during a whole interval of this length leaves the caches.
pub const SWEEP_EVERY: Duration = Duration::from_secs(1800);
