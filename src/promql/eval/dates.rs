//! Calendar functions, in UTC. Days are counted with Howard Hinnant's civil-from-days algorithm.

use crate::promql::functions::FunctionId;

const DAY: i128 = 86_400;

/// Seconds from the beginning of Go's calendar to the epoch; what lies before that beginning wraps to the far future.
const GO_BEGINNING: i128 = 9_223_372_028_741_760_000;

/// The part of a Unix time in seconds that the function names. NaN and what no 64 bits hold count as the least of them, as in Go
/// on x86-64; and times at which Go's calendar wraps, wrap.
pub fn part(function: FunctionId, seconds: f64) -> f64 {
    let whole = seconds.trunc();
    let fits = whole >= i64::MIN as f64 && whole < i64::MAX as f64;
    let mut seconds = if fits { whole as i128 } else { i128::from(i64::MIN) };
    if seconds < -GO_BEGINNING {
        seconds += 1i128 << 64;
    }
    let days = seconds.div_euclid(DAY);
    let in_day = seconds.rem_euclid(DAY);
    let (year, month, day) = civil(days);
    let value = match function {
        FunctionId::Minute => in_day / 60 % 60,
        FunctionId::Hour => in_day / 3600,
        // The epoch was a Thursday.
        FunctionId::DayOfWeek => (days + 4).rem_euclid(7),
        FunctionId::DayOfMonth => day,
        FunctionId::DayOfYear => days - days_from_civil(year, 1, 1) + 1,
        FunctionId::DaysInMonth => {
            let (next_year, next_month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
            days_from_civil(next_year, next_month, 1) - days_from_civil(year, month, 1)
        }
        FunctionId::Month => month,
        _ => year,
    };
    value as f64
}

/// Year, month (1 to 12), day (1 to 31) of a day counted from the epoch.
fn civil(days: i128) -> (i128, i128, i128) {
    // Years begin in March, so that the leap day is the last of its year; eras are 400 years.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year_of_era + era * 400 + i128::from(month <= 2), month, day)
}

fn days_from_civil(year: i128, month: i128, day: i128) -> i128 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leap_days_and_the_time_before_the_epoch() {
        let at =
            |seconds: f64| [FunctionId::Year, FunctionId::Month, FunctionId::DayOfMonth, FunctionId::DayOfWeek].map(|f| part(f, seconds));
        assert_eq!(at(1_456_790_399.0), [2016.0, 2.0, 29.0, 1.0]);
        assert_eq!(at(-1.0), [1969.0, 12.0, 31.0, 3.0]);
        assert_eq!(part(FunctionId::DayOfYear, 1_483_191_420.0), 366.0);
        assert_eq!(part(FunctionId::DaysInMonth, 1_454_284_800.0), 29.0);
        for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300] {
            assert_eq!(at(odd), [292_277_026_596.0, 12.0, 4.0, 0.0]);
        }
        assert_eq!(part(FunctionId::Year, -9.223_372_03e18), 292_277_026_814.0);
        assert_eq!(part(FunctionId::Year, -1e18), -31_688_736_537.0);
    }
}
