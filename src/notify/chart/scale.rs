//! Where an axis has its marks, and what they are called.

/// Lengths between marks on the axis of time, in minutes.
const MINUTES: [i64; 12] = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440];
/// Marks on the axis of time, at most.
const TIMES_MAX: i64 = 7;
/// Marks on the axis of values, about.
const VALUES: f64 = 4.0;

/// The values at the lower and upper edge and those of the marks, a round step apart.
#[derive(Debug, PartialEq)]
pub struct Scale {
    pub low: f64,
    pub high: f64,
    pub step: f64,
    pub marks: Vec<f64>,
}

/// A scale that shows all values from `low` to `high`. Where zero is near it is in it. None for values that no picture can show.
pub fn scale(low: f64, high: f64) -> Option<Scale> {
    if !(low.is_finite() && high.is_finite() && (high - low).is_finite()) {
        return None;
    }
    let low = if low > 0.0 && low < high * 0.6 { 0.0 } else { low };
    let high = if high < 0.0 && high > low * 0.6 { 0.0 } else { high };
    let flat = (high - low) <= high.abs().max(low.abs()) * 1e-9;
    let room = if flat { if high == 0.0 { 1.0 } else { high.abs() * 0.1 } } else { (high - low) * 0.06 };
    // A value that is never negative needs no room below zero.
    let low = if low >= 0.0 && low - room < 0.0 { 0.0 } else { low - room };
    let high = if high <= 0.0 && high + room > 0.0 && low < 0.0 { 0.0 } else { high + room };
    let raw = (high - low) / VALUES;
    let power = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|factor| factor * power).find(|step| *step >= raw)?;
    let first = (low / step).ceil();
    let marks = (0..10).map(|n| (first + f64::from(n)) * step).take_while(|mark| *mark <= high).collect();
    (step.is_normal()).then_some(Scale { low, high, step, marks })
}

impl Scale {
    /// From 0 at the lower edge to 1 at the upper one.
    pub fn place(&self, value: f64) -> f32 {
        ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0) as f32
    }

    /// The marks' names, all with the same unit and as many decimals.
    pub fn names(&self) -> Vec<String> {
        let size = self.low.abs().max(self.high.abs());
        if !(1e-4..1e16).contains(&size) {
            return self.marks.iter().map(|mark| if *mark == 0.0 { "0".to_owned() } else { format!("{mark:.1e}") }).collect();
        }
        let units = [(1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")];
        let (_, unit) = units.into_iter().find(|(from, _)| size >= *from).unwrap_or((1.0, ""));
        let by = match unit {
            "P" => 1e15,
            "T" => 1e12,
            "G" => 1e9,
            "M" => 1e6,
            "k" => 1e3,
            _ => 1.0,
        };
        let decimals = (0..7).find(|n| is_whole(self.step / by * 10f64.powi(*n))).unwrap_or(7) as usize;
        let name = |mark: &f64| if *mark == 0.0 { "0".to_owned() } else { format!("{:.decimals$}{unit}", mark / by) };
        self.marks.iter().map(name).collect()
    }
}

fn is_whole(value: f64) -> bool {
    value >= 0.999 && (value - value.round()).abs() < 1e-6
}

/// Round moments between two, in milliseconds, with their names in UTC.
pub fn times(start: i64, end: i64) -> Vec<(i64, String)> {
    let span = (end - start).max(1);
    let step = MINUTES.into_iter().map(|minutes| minutes * 60_000).find(|step| span / step < TIMES_MAX).unwrap_or(span);
    let first = start.div_euclid(step) + i64::from(start.rem_euclid(step) > 0);
    let moments = (first..).map(|n| n * step).take_while(|at| *at <= end);
    moments.map(|at| (at, name(at))).collect()
}

fn name(at: i64) -> String {
    let minutes = at.div_euclid(60_000).rem_euclid(1440);
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(low: f64, high: f64) -> String {
        scale(low, high).map_or_else(String::new, |scale| scale.names().join(" "))
    }

    #[test]
    fn marks_are_round_and_named_alike() {
        assert_eq!(names(0.0, 1.0), "0 0.5 1.0");
        assert_eq!(names(2.0, 97.3), "0 50 100");
        assert_eq!(names(-3.0, 12.0), "0 5 10");
        assert_eq!(names(0.0, 4_200_000.0), "0 2M 4M");
        assert_eq!(names(12_000.0, 14_000.0), "12k 13k 14k");
        assert_eq!(names(5.0, 5.0), "4.50 4.75 5.00 5.25 5.50");
        assert_eq!(names(0.0, 0.0), "0 0.25 0.50 0.75 1.00");
        assert_eq!(names(0.0, 0.000_02), "0 1.0e-5 2.0e-5");
        assert_eq!(names(f64::NEG_INFINITY, 1.0), "");
        assert_eq!(names(-1e308, 1e308), "");
        let scale = scale(0.0, 10.0).unwrap();
        assert_eq!((scale.place(0.0), scale.place(f64::MAX)), (0.0, 1.0));
    }

    #[test]
    fn moments_are_round() {
        let named: Vec<String> = times(3_600_000 - 1, 7_200_000).into_iter().map(|(_, name)| name).collect();
        assert_eq!(named, ["01:00", "01:10", "01:20", "01:30", "01:40", "01:50", "02:00"]);
        assert_eq!(times(-60_000, 0).len(), 2);
        assert!(times(0, 30 * 86_400_000).len() <= 31);
    }
}
