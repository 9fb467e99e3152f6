//! All integration tests, in one binary.

mod tsdb_crash;
