//! The methods that Go's times and durations offer inside templates.

use jiff::tz::TimeZone;

use super::functions::{Function, Kind, text_at};
use super::time::{Time, duration_text, month_name, weekday_name};
use super::value::{Named, Value};

const TIME: Kind = Kind::Named("time.Time");
const DURATION: Kind = Kind::Named("time.Duration");

fn time_at(args: &[Value], index: usize) -> Time {
    match args.get(index) {
        Some(Value::Time(time)) => time.clone(),
        _ => Time::zero(),
    }
}

fn int_at(args: &[Value], index: usize) -> i64 {
    match args.get(index) {
        Some(Value::Int(value) | Value::Duration(value)) => *value,
        _ => 0,
    }
}

/// A method without arguments.
fn getter(time: &Time, get: fn(&Time) -> Value) -> Function {
    let time = time.clone();
    Function::bound(&[], move |_| Ok(get(&time)))
}

fn with_time(time: &Time, get: fn(&Time, &Time) -> Value) -> Function {
    let time = time.clone();
    Function::bound(&[TIME], move |args| Ok(get(&time, &time_at(args, 0))))
}

fn saturated(nanos: i128) -> i64 {
    i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
}

pub fn of_time(time: &Time, name: &str) -> Option<Function> {
    let function = match name {
        "Format" => {
            let time = time.clone();
            Function::bound(&[Kind::Text], move |args| Ok(Value::from(time.format(text_at(args, 0)))))
        }
        "String" => getter(time, |t| Value::from(t.to_string())),
        "Unix" => getter(time, |t| Value::Int(t.nanos().div_euclid(1_000_000_000) as i64)),
        "UnixMilli" => getter(time, |t| Value::Int(t.nanos().div_euclid(1_000_000) as i64)),
        "UnixMicro" => getter(time, |t| Value::Int(t.nanos().div_euclid(1_000) as i64)),
        "UnixNano" => getter(time, |t| Value::Int(t.nanos() as i64)),
        "UTC" => getter(time, |t| Value::Time(t.in_zone(TimeZone::UTC))),
        "Local" => getter(time, |t| Value::Time(t.in_zone(TimeZone::system()))),
        "Year" => getter(time, |t| Value::Int(t.civil().year().into())),
        "Month" => getter(time, |t| month(t.civil().month())),
        "Day" => getter(time, |t| Value::Int(t.civil().day().into())),
        "YearDay" => getter(time, |t| Value::Int(t.civil().day_of_year().into())),
        "Weekday" => getter(time, |t| weekday(t.civil().weekday())),
        "Hour" => getter(time, |t| Value::Int(t.civil().hour().into())),
        "Minute" => getter(time, |t| Value::Int(t.civil().minute().into())),
        "Second" => getter(time, |t| Value::Int(t.civil().second().into())),
        "Nanosecond" => getter(time, |t| Value::Int(t.civil().subsec_nanosecond().into())),
        "IsZero" => getter(time, |t| Value::Bool(t.is_zero())),
        "Before" => with_time(time, |a, b| Value::Bool(a.at < b.at)),
        "After" => with_time(time, |a, b| Value::Bool(a.at > b.at)),
        "Equal" => with_time(time, |a, b| Value::Bool(a.at == b.at)),
        "Compare" => with_time(time, |a, b| Value::Int(a.at.cmp(&b.at) as i64)),
        "Sub" => with_time(time, |a, b| Value::Duration(saturated(a.nanos() - b.nanos()))),
        "Add" => {
            let time = time.clone();
            Function::bound(&[DURATION], move |args| Ok(Value::Time(time.plus(int_at(args, 0)))))
        }
        "AddDate" => {
            let time = time.clone();
            Function::bound(&[Kind::Int, Kind::Int, Kind::Int], move |args| add_date(&time, args).map(Value::Time))
        }
        "Truncate" => truncating(time, |nanos, unit| nanos - nanos.rem_euclid(unit)),
        "Round" => truncating(time, |nanos, unit| nanos + unit / 2 - (nanos + unit / 2).rem_euclid(unit)),
        _ => return None,
    };
    Some(function)
}

fn truncating(time: &Time, cut: fn(i128, i128) -> i128) -> Function {
    let time = time.clone();
    Function::bound(&[DURATION], move |args| {
        let unit = i128::from(int_at(args, 0));
        if unit <= 0 {
            return Ok(Value::Time(time.clone()));
        }
        // Go counts from its zero time, not from the Unix epoch.
        let zero = Time::zero().nanos();
        let nanos = cut(time.nanos() - zero, unit) + zero;
        Ok(Value::Time(Time::from_nanos(nanos).map_or_else(|| time.clone(), |t| t.in_zone(time.zone.clone()))))
    })
}

fn month(number: i8) -> Value {
    Value::Named(Named { type_name: "time.Month", number: number.into(), text: month_name(number) })
}

fn weekday(day: jiff::civil::Weekday) -> Value {
    Value::Named(Named { type_name: "time.Weekday", number: day.to_sunday_zero_offset().into(), text: weekday_name(day) })
}

/// Months and days beyond their ends carry over, as in Go: the first of the month is moved, then the days are added.
fn add_date(time: &Time, args: &[Value]) -> Result<Time, String> {
    let out_of_range = || "time out of range: years -9999 to 9999 can be shown".to_owned();
    let now = time.civil();
    let months = i64::from(now.year()) * 12 + i64::from(now.month()) - 1;
    let months = int_at(args, 0)
        .checked_mul(12)
        .and_then(|m| m.checked_add(int_at(args, 1)))
        .and_then(|m| m.checked_add(months))
        .ok_or_else(out_of_range)?;
    let year = i16::try_from(months.div_euclid(12)).map_err(|_| out_of_range())?;
    let first = jiff::civil::Date::new(year, months.rem_euclid(12) as i8 + 1, 1).map_err(|_| out_of_range())?;
    let days = i64::from(now.day()) - 1;
    let days = int_at(args, 2).checked_add(days).ok_or_else(out_of_range)?;
    let span = jiff::Span::new().try_days(days).map_err(|_| out_of_range())?;
    let date = first.checked_add(span).map_err(|_| out_of_range())?;
    let at = date.to_datetime(now.time()).to_zoned(time.zone.clone()).map_err(|_| out_of_range())?;
    Ok(Time { at: at.timestamp(), zone: time.zone.clone() })
}

pub fn of_duration(nanos: i64, name: &str) -> Option<Function> {
    let value = match name {
        "Hours" => Value::Float(nanos as f64 / 3.6e12),
        "Minutes" => Value::Float(nanos as f64 / 6e10),
        "Seconds" => Value::Float((nanos / 1_000_000_000) as f64 + (nanos % 1_000_000_000) as f64 / 1e9),
        "Milliseconds" => Value::Int(nanos / 1_000_000),
        "Microseconds" => Value::Int(nanos / 1_000),
        "Nanoseconds" => Value::Int(nanos),
        "Abs" => Value::Duration(nanos.saturating_abs()),
        "String" => Value::from(duration_text(nanos)),
        "Truncate" => return Some(rounding(nanos, |n, unit| n - n % unit)),
        "Round" => return Some(rounding(nanos, |n, unit| (n + n.signum() * (unit / 2)) / unit * unit)),
        _ => return None,
    };
    Some(Function::bound(&[], move |_| Ok(value.clone())))
}

fn rounding(nanos: i64, cut: fn(i128, i128) -> i128) -> Function {
    Function::bound(&[DURATION], move |args| {
        let unit = i128::from(int_at(args, 0));
        Ok(Value::Duration(if unit <= 0 { nanos } else { saturated(cut(nanos.into(), unit)) }))
    })
}
