//! Every bound of the HTTP room in one place.

use std::time::Duration;

/// `--web.max-connections` when it is not given.
pub const CONNECTIONS_MAX: usize = 512;
/// `--web.read-timeout` when it is not given: the longest time that a request's body may take.
pub const READ_TIMEOUT: Duration = Duration::from_secs(300);
/// Head of a request: from its first byte, or from the end of the request before, to the blank line.
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(60);
/// The agreement on TLS.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Requests at a time over one connection of HTTP/2.
pub const HTTP2_STREAMS_MAX: u32 = 100;
/// Request line and headers together, in bytes.
pub const HEADER_BYTES_MAX: usize = 1 << 20;
/// Path and query of a request, in bytes: hyper takes no more.
pub const ADDRESS_BYTES_MAX: usize = 65_534;
/// A form in a POST, in bytes: the bound that Go's servers have.
pub const FORM_BYTES_MAX: usize = 10 << 20;
/// Alerts or a silence in a POST, in bytes.
pub const JSON_BYTES_MAX: usize = 16 << 20;
/// What is read and thrown away of a body that was refused before its end, in bytes and time.
pub const REFUSED_UPLOAD_BYTES_MAX: usize = 64 << 20;
pub const REFUSED_UPLOAD_TIME: Duration = Duration::from_secs(10);
/// Alerts in one POST.
pub const POSTED_ALERTS_MAX: usize = 20_000;
/// Points of one series in a range query.
pub const POINTS_MAX: i64 = 11_000;
/// Warnings, and as many infos, in one answer; the rest is counted in one line.
pub const ANNOTATIONS_MAX: usize = 10;
/// Bodies shorter than this, in bytes, are not compressed.
pub const COMPRESS_BYTES_MIN: usize = 1400;
/// Answers that may become longer than this, in bytes, are sent while they are written.
pub const WHOLE_BYTES_MAX: u64 = 1 << 20;
/// How much of such an answer is sent at a time, in bytes.
pub const PIECE_BYTES: usize = 128 << 10;
/// After its deadline a query has this long to say so itself before the client is told without it.
pub const DEADLINE_GRACE: Duration = Duration::from_secs(2);
/// How long a stop waits for requests in flight.
pub const STOP_GRACE: Duration = Duration::from_secs(10);
/// A client that takes nothing of its answer for this long is cut off.
pub const WRITE_STALL: Duration = Duration::from_secs(60);
/// Compressed remote-write bodies that are held in memory at one time, in KiB.
pub const WRITE_BODIES_KIB_MAX: u32 = 64 << 10;
/// How long a remote-write request may wait for its turn before it is told to come again.
pub const WRITE_WAIT: Duration = Duration::from_secs(10);
/// Deliveries that one answer lists at most.
pub const DELIVERIES_MAX: usize = 10_000;
/// Stack of a query thread in bytes: the parser's deepest expression fits, even without optimisation.
pub const QUERY_STACK_BYTES: usize = 64 << 20;
/// How long a query keeps others from beginning, so that short ones are done one after the other.
pub const HEAD_START: Duration = Duration::from_millis(100);
/// Pieces of short work beside the queries, such as reading a long expression, that are done at a time.
pub const ASIDES_MAX: usize = 4;
/// Longest text that is read as an expression on a socket worker, in bytes, if it holds no regular expression.
pub const QUICK_TEXT_BYTES_MAX: usize = 1024;
