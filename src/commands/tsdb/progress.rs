//! How far a long command is: a bar on a terminal, a line every ten seconds elsewhere.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use crate::clock::Clock;

const WIDTH: usize = 30;
const BAR_EVERY: Duration = Duration::from_millis(100);
const LINE_EVERY: Duration = Duration::from_secs(10);

pub struct Progress {
    clock: Clock,
    is_terminal: bool,
    started: Duration,
    said: Duration,
    total: u64,
    unit: &'static str,
}

impl Progress {
    /// `total` in whatever unit the steps are.
    pub fn new(total: u64, clock: &Clock) -> Self {
        Self::counting("samples", total, clock)
    }

    /// The same for work that is counted in something else.
    pub fn counting(unit: &'static str, total: u64, clock: &Clock) -> Self {
        let started = clock.monotonic();
        Self { clock: clock.clone(), is_terminal: std::io::stderr().is_terminal(), started, said: started, total: total.max(1), unit }
    }

    /// Says where we are, if it is time to.
    pub fn step(&mut self, done: u64, what: &str, samples: u64) {
        let now = self.clock.monotonic();
        if now.saturating_sub(self.said) >= if self.is_terminal { BAR_EVERY } else { LINE_EVERY } {
            self.said = now;
            self.say(done, what, samples);
        }
    }

    fn say(&self, done: u64, what: &str, samples: u64) {
        let share = (done.min(self.total) as f64) / self.total as f64;
        let seconds = self.clock.monotonic().saturating_sub(self.started).as_secs_f64();
        let rate = samples as f64 / seconds.max(0.001);
        let line = format!("{:3.0} %  {what}  {} {}, {} a second", share * 100.0, short(samples as f64), self.unit, short(rate));
        let mut out = std::io::stderr().lock();
        let _closed = if self.is_terminal {
            let full = (share * WIDTH as f64) as usize;
            write!(out, "\r\x1b[K[{}{}] {line}", "#".repeat(full), " ".repeat(WIDTH - full)).and_then(|()| out.flush())
        } else {
            writeln!(out, "{line}")
        };
    }

    /// Clears the bar.
    pub fn finish(&self) {
        if self.is_terminal {
            let _closed = write!(std::io::stderr(), "\r\x1b[K");
        }
    }

    pub fn seconds(&self) -> f64 {
        self.clock.monotonic().saturating_sub(self.started).as_secs_f64()
    }
}

/// `12.3 M` and the like.
pub fn short(number: f64) -> String {
    match number {
        n if n >= 1e9 => format!("{:.1} G", n / 1e9),
        n if n >= 1e6 => format!("{:.1} M", n / 1e6),
        n if n >= 1e4 => format!("{:.1} k", n / 1e3),
        n => format!("{n:.0}"),
    }
}

/// Bytes with a unit.
pub fn bytes(number: u64) -> String {
    match number as f64 {
        n if n >= 1024.0 * 1024.0 * 1024.0 => format!("{:.2} GiB", n / 1024.0 / 1024.0 / 1024.0),
        n if n >= 1024.0 * 1024.0 => format!("{:.2} MiB", n / 1024.0 / 1024.0),
        n if n >= 1024.0 => format!("{:.1} KiB", n / 1024.0),
        n => format!("{n} B"),
    }
}
