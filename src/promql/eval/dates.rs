//! Calendar functions, in UTC. Days are counted with Howard Hinnant's civil-from-days algorithm.

use crate::promql::functions::FunctionId;

const DAY: i64 = 86_400;

/// The part of a Unix time in seconds that the function names. NaN and times out of range give what Go gives: the epoch's extremes.
pub fn part(function: FunctionId, seconds: f64) -> f64 {
    let seconds = seconds as i64;
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
fn civil(days: i64) -> (i64, i64, i64) {
    // Years begin in March, so that the leap day is the last of its year; eras are 400 years.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
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
    }
}
