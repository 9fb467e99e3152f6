//! Native histograms: Prometheus's sparse exponential and custom-bucket form, with float counts.

pub mod buckets;

pub use buckets::Bucket;

/// A run of consecutive buckets: `offset` from the end of the run before (or from index 0), `length` buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BucketSpan {
    pub offset: i32,
    pub length: u32,
}

/// Whether a histogram is known to follow a counter reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResetHint {
    #[default]
    Unknown,
    Reset,
    NotReset,
    Gauge,
}

/// The schema number that says "custom bucket bounds".
pub const CUSTOM_BUCKETS_SCHEMA: i32 = -53;

/// A native histogram. Bucket counts are absolute, one per bucket that the spans name.
#[derive(Clone, Debug, Default)]
pub struct Histogram {
    /// -4 to 8 for exponential buckets (growth `2^(2^-schema)`), -53 for custom bounds.
    pub schema: i32,
    pub zero_threshold: f64,
    pub zero_count: f64,
    pub count: f64,
    pub sum: f64,
    pub positive_spans: Vec<BucketSpan>,
    pub positive_counts: Vec<f64>,
    pub negative_spans: Vec<BucketSpan>,
    pub negative_counts: Vec<f64>,
    /// Upper bounds, ascending, without the last one (+Inf); only with the custom schema.
    pub custom_bounds: Vec<f64>,
    pub reset_hint: ResetHint,
}

impl Histogram {
    /// Equal to the bit in every field.
    pub fn same_bits(&self, other: &Self) -> bool {
        let bits = |values: &[f64]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        let scalars = |h: &Self| [h.zero_threshold, h.zero_count, h.count, h.sum].map(f64::to_bits);
        self.schema == other.schema
            && scalars(self) == scalars(other)
            && self.positive_spans == other.positive_spans
            && self.negative_spans == other.negative_spans
            && bits(&self.positive_counts) == bits(&other.positive_counts)
            && bits(&self.negative_counts) == bits(&other.negative_counts)
            && bits(&self.custom_bounds) == bits(&other.custom_bounds)
            && self.reset_hint == other.reset_hint
    }
}
