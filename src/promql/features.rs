//! The parts of the language that `--enable-feature` switches on.

/// Which gated parts are on. The default is a stock server's: none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Features {
    /// `promql-experimental-functions`.
    pub experimental_functions: bool,
    /// `promql-extended-range-selectors`: `anchored` and `smoothed`.
    pub extended_range_selectors: bool,
    /// `promql-binop-fill-modifiers`: `fill`, `fill_left`, `fill_right`.
    pub fill_modifiers: bool,
    /// `promql-delayed-name-removal`.
    pub delayed_name_removal: bool,
    /// `use-start-timestamps`: rates know when a counter began.
    pub use_start_timestamps: bool,
    /// `type-and-unit-labels`: `__type__` and `__unit__` follow the metric name when it is dropped.
    pub type_and_unit_labels: bool,
    /// `promql-per-step-stats`: `stats=all` counts samples step by step.
    pub per_step_stats: bool,
}

impl Features {
    /// Everything on, as Prometheus's own test files expect.
    pub fn all() -> Self {
        Self {
            experimental_functions: true,
            extended_range_selectors: true,
            fill_modifiers: true,
            delayed_name_removal: true,
            use_start_timestamps: true,
            type_and_unit_labels: true,
            per_step_stats: true,
        }
    }
}
