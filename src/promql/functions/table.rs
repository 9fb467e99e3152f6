//! The table of functions, sorted by name: what the checker, the evaluator and completion know of each.

use super::{Function, FunctionId};
use crate::promql::ast::ValueType;

const V: ValueType = ValueType::Vector;
const M: ValueType = ValueType::Matrix;
const S: ValueType = ValueType::Scalar;
const T: ValueType = ValueType::Text;

const fn stable(id: FunctionId, name: &'static str, args: &'static [ValueType], returns: ValueType, help: &'static str) -> Function {
    Function { id, name, args, variadic: 0, returns, experimental: false, help }
}

const fn optional(function: Function, variadic: i32) -> Function {
    Function { variadic, ..function }
}

const fn experimental(function: Function) -> Function {
    Function { experimental: true, ..function }
}

/// All functions of the language.
#[rustfmt::skip]
pub static FUNCTIONS: [Function; 90] = [
    stable(FunctionId::Abs, "abs", &[V], V, "Absolute value of each sample."),
    stable(FunctionId::Absent, "absent", &[V], V, "1 when the vector has no series, labelled by the selector's equality matchers."),
    stable(FunctionId::AbsentOverTime, "absent_over_time", &[M], V, "1 when the range has no samples, labelled by the selector's equality matchers."),
    stable(FunctionId::Acos, "acos", &[V], V, "Arc cosine."),
    stable(FunctionId::Acosh, "acosh", &[V], V, "Inverse hyperbolic cosine."),
    stable(FunctionId::Asin, "asin", &[V], V, "Arc sine."),
    stable(FunctionId::Asinh, "asinh", &[V], V, "Inverse hyperbolic sine."),
    stable(FunctionId::Atan, "atan", &[V], V, "Arc tangent."),
    stable(FunctionId::Atanh, "atanh", &[V], V, "Inverse hyperbolic tangent."),
    stable(FunctionId::AvgOverTime, "avg_over_time", &[M], V, "Mean of the samples in the range."),
    stable(FunctionId::Ceil, "ceil", &[V], V, "Rounds up to an integer."),
    stable(FunctionId::Changes, "changes", &[M], V, "How often the value changed within the range."),
    stable(FunctionId::Clamp, "clamp", &[V, S, S], V, "Limits values to between a minimum and a maximum."),
    stable(FunctionId::ClampMax, "clamp_max", &[V, S], V, "Limits values to at most a maximum."),
    stable(FunctionId::ClampMin, "clamp_min", &[V, S], V, "Limits values to at least a minimum."),
    stable(FunctionId::Cos, "cos", &[V], V, "Cosine."),
    stable(FunctionId::Cosh, "cosh", &[V], V, "Hyperbolic cosine."),
    stable(FunctionId::CountOverTime, "count_over_time", &[M], V, "How many samples the range holds."),
    optional(stable(FunctionId::DayOfMonth, "day_of_month", &[V], V, "Day of the month in UTC, 1 to 31."), 1),
    optional(stable(FunctionId::DayOfWeek, "day_of_week", &[V], V, "Day of the week in UTC, 0 is Sunday."), 1),
    optional(stable(FunctionId::DayOfYear, "day_of_year", &[V], V, "Day of the year in UTC, 1 to 366."), 1),
    optional(stable(FunctionId::DaysInMonth, "days_in_month", &[V], V, "Number of days of the month in UTC."), 1),
    stable(FunctionId::Deg, "deg", &[V], V, "Radians to degrees."),
    stable(FunctionId::Delta, "delta", &[M], V, "Difference between first and last value of a gauge, extrapolated to the range."),
    stable(FunctionId::Deriv, "deriv", &[M], V, "Per-second slope of a gauge by linear regression."),
    experimental(stable(FunctionId::DoubleExponentialSmoothing, "double_exponential_smoothing", &[M, S, S], V, "Smoothed value with a smoothing and a trend factor.")),
    experimental(stable(FunctionId::End, "end", &[], S, "End of the query's range in Unix seconds.")),
    stable(FunctionId::Exp, "exp", &[V], V, "e to the power of each sample."),
    stable(FunctionId::FirstOverTime, "first_over_time", &[M], V, "Oldest sample in the range."),
    stable(FunctionId::Floor, "floor", &[V], V, "Rounds down to an integer."),
    stable(FunctionId::HistogramAvg, "histogram_avg", &[V], V, "Mean of the observations of native histograms."),
    stable(FunctionId::HistogramCount, "histogram_count", &[V], V, "Number of observations of native histograms."),
    stable(FunctionId::HistogramFraction, "histogram_fraction", &[S, S, V], V, "Fraction of observations between two bounds."),
    stable(FunctionId::HistogramQuantile, "histogram_quantile", &[S, V], V, "Quantile of classic or native histograms."),
    experimental(optional(stable(FunctionId::HistogramQuantiles, "histogram_quantiles", &[V, T, S], V, "Several quantiles at once, each under its own value of a label."), 9)),
    stable(FunctionId::HistogramStddev, "histogram_stddev", &[V], V, "Estimated standard deviation of native histograms."),
    stable(FunctionId::HistogramStdvar, "histogram_stdvar", &[V], V, "Estimated variance of native histograms."),
    stable(FunctionId::HistogramSum, "histogram_sum", &[V], V, "Sum of the observations of native histograms."),
    optional(stable(FunctionId::Hour, "hour", &[V], V, "Hour of the day in UTC, 0 to 23."), 1),
    stable(FunctionId::Idelta, "idelta", &[M], V, "Difference between the last two samples of the range."),
    stable(FunctionId::Increase, "increase", &[M], V, "Growth of a counter over the range, with resets mended and extrapolated to the range."),
    experimental(optional(stable(FunctionId::Info, "info", &[V, V], V, "Adds labels of matching info series."), 1)),
    stable(FunctionId::Irate, "irate", &[M], V, "Per-second rate of a counter from the last two samples of the range."),
    optional(stable(FunctionId::LabelJoin, "label_join", &[V, T, T, T], V, "Joins label values into one label."), -1),
    stable(FunctionId::LabelReplace, "label_replace", &[V, T, T, T, T], V, "Sets a label from another by a regular expression."),
    stable(FunctionId::LastOverTime, "last_over_time", &[M], V, "Newest sample in the range."),
    stable(FunctionId::Ln, "ln", &[V], V, "Natural logarithm."),
    stable(FunctionId::Log10, "log10", &[V], V, "Decimal logarithm."),
    stable(FunctionId::Log2, "log2", &[V], V, "Binary logarithm."),
    experimental(stable(FunctionId::MadOverTime, "mad_over_time", &[M], V, "Median absolute deviation of the samples in the range.")),
    experimental(stable(FunctionId::MaxOf, "max_of", &[S, S], S, "Larger of two scalars.")),
    stable(FunctionId::MaxOverTime, "max_over_time", &[M], V, "Largest sample in the range."),
    experimental(stable(FunctionId::MinOf, "min_of", &[S, S], S, "Smaller of two scalars.")),
    stable(FunctionId::MinOverTime, "min_over_time", &[M], V, "Smallest sample in the range."),
    optional(stable(FunctionId::Minute, "minute", &[V], V, "Minute of the hour in UTC, 0 to 59."), 1),
    optional(stable(FunctionId::Month, "month", &[V], V, "Month of the year in UTC, 1 to 12."), 1),
    stable(FunctionId::Pi, "pi", &[], S, "The constant pi."),
    stable(FunctionId::PredictLinear, "predict_linear", &[M, S], V, "Value some seconds from now by linear regression."),
    stable(FunctionId::PresentOverTime, "present_over_time", &[M], V, "1 for each series with samples in the range."),
    stable(FunctionId::QuantileOverTime, "quantile_over_time", &[S, M], V, "Quantile of the samples in the range."),
    stable(FunctionId::Rad, "rad", &[V], V, "Degrees to radians."),
    experimental(stable(FunctionId::Range, "range", &[], S, "Length of the query's range in seconds.")),
    stable(FunctionId::Rate, "rate", &[M], V, "Per-second growth of a counter over the range, with resets mended and extrapolated to the range."),
    stable(FunctionId::Resets, "resets", &[M], V, "How often a counter was reset within the range."),
    optional(stable(FunctionId::Round, "round", &[V, S], V, "Rounds to the nearest multiple, of 1 or of the second argument."), 1),
    stable(FunctionId::Scalar, "scalar", &[V], S, "The value of a vector's only element."),
    stable(FunctionId::Sgn, "sgn", &[V], V, "Sign: -1, 0 or 1."),
    stable(FunctionId::Sin, "sin", &[V], V, "Sine."),
    stable(FunctionId::Sinh, "sinh", &[V], V, "Hyperbolic sine."),
    stable(FunctionId::Sort, "sort", &[V], V, "Sorts by value, ascending; instant queries only."),
    experimental(optional(stable(FunctionId::SortByLabel, "sort_by_label", &[V, T], V, "Sorts by label values in natural order."), -1)),
    experimental(optional(stable(FunctionId::SortByLabelDesc, "sort_by_label_desc", &[V, T], V, "Sorts by label values in reverse natural order."), -1)),
    stable(FunctionId::SortDesc, "sort_desc", &[V], V, "Sorts by value, descending; instant queries only."),
    stable(FunctionId::Sqrt, "sqrt", &[V], V, "Square root."),
    experimental(stable(FunctionId::Start, "start", &[], S, "Start of the query's range in Unix seconds.")),
    experimental(stable(FunctionId::StartTimestamp, "start_timestamp", &[V], V, "Start timestamp of each sample in Unix seconds.")),
    stable(FunctionId::StddevOverTime, "stddev_over_time", &[M], V, "Standard deviation of the samples in the range."),
    stable(FunctionId::StdvarOverTime, "stdvar_over_time", &[M], V, "Variance of the samples in the range."),
    experimental(stable(FunctionId::Step, "step", &[], S, "The query's step in seconds.")),
    stable(FunctionId::SumOverTime, "sum_over_time", &[M], V, "Sum of the samples in the range."),
    stable(FunctionId::Tan, "tan", &[V], V, "Tangent."),
    stable(FunctionId::Tanh, "tanh", &[V], V, "Hyperbolic tangent."),
    stable(FunctionId::Time, "time", &[], S, "The evaluation time in Unix seconds."),
    stable(FunctionId::Timestamp, "timestamp", &[V], V, "Timestamp of each sample in Unix seconds."),
    experimental(stable(FunctionId::TsOfFirstOverTime, "ts_of_first_over_time", &[M], V, "Timestamp of the oldest sample in the range.")),
    experimental(stable(FunctionId::TsOfLastOverTime, "ts_of_last_over_time", &[M], V, "Timestamp of the newest sample in the range.")),
    experimental(stable(FunctionId::TsOfMaxOverTime, "ts_of_max_over_time", &[M], V, "Timestamp of the last largest sample in the range.")),
    experimental(stable(FunctionId::TsOfMinOverTime, "ts_of_min_over_time", &[M], V, "Timestamp of the last smallest sample in the range.")),
    stable(FunctionId::Vector, "vector", &[S], V, "A scalar as a vector without labels."),
    optional(stable(FunctionId::Year, "year", &[V], V, "Year in UTC."), 1),
];
