//! The shared words of every room: plain values without I/O, async or logging.

pub mod alert;
pub mod duration;
pub mod exemplar;
pub mod histogram;
pub mod labels;
pub mod matcher;
pub mod metadata;
pub mod number;
pub mod regex;
pub mod sample;
pub mod secret;
pub mod span;
pub mod suggest;
pub mod timestamp;

pub use alert::Alert;
pub use duration::DurationMs;
pub use exemplar::Exemplar;
pub use histogram::Histogram;
pub use labels::{Labels, LabelsBuilder, METRIC_NAME};
pub use matcher::{MatchOp, Matcher};
pub use metadata::{Metadata, MetricType};
pub use sample::{STALE_NAN, Sample, Value, is_stale};
pub use secret::Secret;
pub use span::{Problem, Severity, Span, around};
pub use timestamp::{TimeRange, TimestampMs};
