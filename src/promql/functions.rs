//! Functions: their names, signatures and help, for the checker, the evaluator and completion.

pub mod table;

use super::ast::ValueType;
pub use table::FUNCTIONS;

/// One function of the language.
#[derive(Debug)]
pub struct Function {
    pub id: FunctionId,
    pub name: &'static str,
    /// Types of the arguments; the last one repeats where more may follow.
    pub args: &'static [ValueType],
    /// 0: exactly as many as `args`. n > 0: between `args.len() - 1` and `args.len() - 1 + n`. Below 0: `args.len() - 1` or more.
    pub variadic: i32,
    pub returns: ValueType,
    /// Behind `promql-experimental-functions`.
    pub experimental: bool,
    /// One sentence.
    pub help: &'static str,
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Function {
    pub fn find(name: &str) -> Option<&'static Self> {
        FUNCTIONS.binary_search_by(|f| f.name.cmp(name)).ok().map(|at| &FUNCTIONS[at])
    }

    /// `rate(range vector)`, as completion shows it.
    pub fn signature(&self) -> String {
        let mut args: Vec<String> = self.args.iter().map(|a| a.documented().to_owned()).collect();
        if self.variadic != 0
            && let Some(last) = args.last_mut()
        {
            *last = if self.variadic == 1 { format!("[{last}]") } else { format!("{last}...") };
        }
        format!("{}({})", self.name, args.join(", "))
    }
}

/// Which function it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FunctionId {
    Abs,
    Absent,
    AbsentOverTime,
    Acos,
    Acosh,
    Asin,
    Asinh,
    Atan,
    Atanh,
    AvgOverTime,
    Ceil,
    Changes,
    Clamp,
    ClampMax,
    ClampMin,
    Cos,
    Cosh,
    CountOverTime,
    DayOfMonth,
    DayOfWeek,
    DayOfYear,
    DaysInMonth,
    Deg,
    Delta,
    Deriv,
    DoubleExponentialSmoothing,
    End,
    Exp,
    FirstOverTime,
    Floor,
    HistogramAvg,
    HistogramCount,
    HistogramFraction,
    HistogramQuantile,
    HistogramQuantiles,
    HistogramStddev,
    HistogramStdvar,
    HistogramSum,
    Hour,
    Idelta,
    Increase,
    Info,
    Irate,
    LabelJoin,
    LabelReplace,
    LastOverTime,
    Ln,
    Log10,
    Log2,
    MadOverTime,
    MaxOf,
    MaxOverTime,
    MinOf,
    MinOverTime,
    Minute,
    Month,
    Pi,
    PredictLinear,
    PresentOverTime,
    QuantileOverTime,
    Rad,
    Range,
    Rate,
    Resets,
    Round,
    Scalar,
    Sgn,
    Sin,
    Sinh,
    Sort,
    SortByLabel,
    SortByLabelDesc,
    SortDesc,
    Sqrt,
    Start,
    StartTimestamp,
    StddevOverTime,
    StdvarOverTime,
    Step,
    SumOverTime,
    Tan,
    Tanh,
    Time,
    Timestamp,
    TsOfFirstOverTime,
    TsOfLastOverTime,
    TsOfMaxOverTime,
    TsOfMinOverTime,
    Vector,
    Year,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_found_by_name() {
        assert!(FUNCTIONS.windows(2).all(|pair| pair[0].name < pair[1].name));
        assert_eq!(Function::find("rate").map(Function::signature).as_deref(), Some("rate(range vector)"));
        assert_eq!(Function::find("round").map(Function::signature).as_deref(), Some("round(instant vector, [scalar])"));
        assert!(Function::find("nope").is_none());
    }
}
