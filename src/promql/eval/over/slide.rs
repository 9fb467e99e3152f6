//! Windows that move to the right: their extremes by a monotonic queue, their quantiles by a sorted list.

use std::collections::VecDeque;

use crate::promql::eval::window::Window;

/// Places of the extreme in each window. A NaN gives way to anything; of equal values the first place counts, or with `latest` the last.
pub fn extremes(values: &[f64], windows: &[Window], is_max: bool, latest: bool, mut each: impl FnMut(usize, usize)) {
    let mut queue: VecDeque<u32> = VecDeque::new();
    let mut read = 0;
    let beats = |new: f64, old: f64| {
        let better = if is_max { new > old } else { new < old };
        better || (latest && new == old)
    };
    for (step, window) in windows.iter().enumerate().filter(|(_, w)| w.len() > 0) {
        read = read.max(window.lo);
        while read < window.hi {
            let value = values[read as usize];
            if !value.is_nan() {
                while queue.back().is_some_and(|back| beats(value, values[*back as usize])) {
                    queue.pop_back();
                }
                queue.push_back(read);
            }
            read += 1;
        }
        while queue.front().is_some_and(|front| *front < window.lo) {
            queue.pop_front();
        }
        let all_nan = if latest { window.hi - 1 } else { window.lo };
        each(step, queue.front().copied().unwrap_or(all_nan) as usize);
    }
}

/// The extreme of some values, at least one: NaN where there is nothing else, and of both zeros the first.
pub fn extreme(values: &[f64], is_max: bool) -> f64 {
    if is_max {
        extreme_by(values, f64::NEG_INFINITY, |new, old| new > old)
    } else {
        extreme_by(values, f64::INFINITY, |new, old| new < old)
    }
}

/// `worst` is what anything beats or equals.
fn extreme_by(values: &[f64], worst: f64, beats: impl Fn(f64, f64) -> bool + Copy) -> f64 {
    // Lanes side by side: a choice that the processor makes without a branch, eight values at a time.
    let mut lanes = [worst; 8];
    let (groups, rest) = values.as_chunks::<8>();
    for group in groups {
        for (lane, value) in lanes.iter_mut().zip(group) {
            *lane = if beats(*value, *lane) { *value } else { *lane };
        }
    }
    let best = lanes.iter().chain(rest).fold(worst, |best, value| if beats(*value, best) { *value } else { best });
    if best == 0.0 || best == worst {
        // Which zero it is, and whether there was any number at all.
        return values.iter().copied().find(|value| *value == best).unwrap_or(f64::NAN);
    }
    best
}

/// Up to so many changes of a window are made one by one.
const FEW_CHANGES: usize = 6;

/// The values of a moving window in order, NaN first.
#[derive(Default)]
pub struct Sorted {
    keys: Vec<u64>,
    /// Buffers: keys that go, keys that come, the next list.
    gone: Vec<u64>,
    new: Vec<u64>,
    next: Vec<u64>,
    lo: usize,
    hi: usize,
}

/// Orders as the floats do, with NaN below all.
fn key(value: f64) -> u64 {
    if value.is_nan() {
        return 0;
    }
    let bits = value.to_bits();
    // Negative numbers turn around, positive ones go above them.
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

fn value(key: u64) -> f64 {
    match key {
        0 => f64::NAN,
        key if key >> 63 == 1 => f64::from_bits(key & !(1 << 63)),
        key => f64::from_bits(!key),
    }
}

impl Sorted {
    /// Moves to a window that does not begin or end before the last one.
    pub fn move_to(&mut self, values: &[f64], window: Window) {
        let (lo, hi) = (window.lo as usize, window.hi as usize);
        let changes = (lo - self.lo) + (hi.saturating_sub(self.hi));
        if lo >= self.hi {
            self.keys.clear();
            self.keys.extend(values[lo..hi].iter().map(|v| key(*v)));
            self.keys.sort_unstable();
        } else if changes > FEW_CHANGES {
            self.merge(&values[self.lo..lo], &values[self.hi..hi]);
        } else {
            for gone in &values[self.lo..lo] {
                let gone = key(*gone);
                let at = self.keys.partition_point(|k| *k < gone);
                self.keys.remove(at);
            }
            for new in &values[self.hi..hi] {
                let new = key(*new);
                let at = self.keys.partition_point(|k| *k < new);
                self.keys.insert(at, new);
            }
        }
        (self.lo, self.hi) = (lo, hi);
    }

    /// One pass over the list for all changes together.
    fn merge(&mut self, gone: &[f64], new: &[f64]) {
        let sorted = |values: &[f64], into: &mut Vec<u64>| {
            into.clear();
            into.extend(values.iter().map(|v| key(*v)));
            into.sort_unstable();
        };
        sorted(gone, &mut self.gone);
        sorted(new, &mut self.new);
        // No float has this key.
        const END: u64 = u64::MAX;
        let at = |list: &[u64], place: usize| list.get(place).copied().unwrap_or(END);
        self.next.clear();
        self.next.resize(self.keys.len() + self.new.len(), END);
        let (mut gone, mut new, mut out) = (0, 0, 0);
        let (mut next_gone, mut next_new) = (at(&self.gone, 0), at(&self.new, 0));
        for key in &self.keys {
            while next_new <= *key {
                self.next[out] = next_new;
                out += 1;
                new += 1;
                next_new = at(&self.new, new);
            }
            // What goes is written, too, and then written over.
            self.next[out] = *key;
            let stays = *key != next_gone;
            out += usize::from(stays);
            if !stays {
                gone += 1;
                next_gone = at(&self.gone, gone);
            }
        }
        self.next.truncate(out);
        self.next.extend_from_slice(&self.new[new..]);
        std::mem::swap(&mut self.keys, &mut self.next);
    }

    /// The window's quantile, as [`crate::promql::eval::quantile::quantile`] has it.
    pub fn quantile(&self, phi: f64) -> f64 {
        if self.keys.is_empty() || phi.is_nan() {
            return f64::NAN;
        }
        if phi < 0.0 {
            return f64::NEG_INFINITY;
        }
        if phi > 1.0 {
            return f64::INFINITY;
        }
        let rank = phi * (self.keys.len() - 1) as f64;
        let lower = rank.floor();
        let weight = rank - lower;
        let (low, high) = (lower as usize, (lower as usize + 1).min(self.keys.len() - 1));
        value(self.keys[low]) * (1.0 - weight) + value(self.keys[high]) * weight
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::promql::eval::quantile::quantile;

    fn values() -> impl Strategy<Value = Vec<f64>> {
        let value = prop_oneof![8 => -5i32..5, 1 => Just(i32::MIN), 1 => Just(i32::MAX), 1 => Just(i32::MAX - 1), 1 => Just(i32::MIN + 1)];
        prop::collection::vec(
            value.prop_map(|v| {
                if v == i32::MIN {
                    f64::NAN
                } else if v == i32::MAX {
                    f64::INFINITY
                } else if v == i32::MAX - 1 {
                    f64::NEG_INFINITY
                } else if v == i32::MIN + 1 {
                    -0.0
                } else {
                    f64::from(v) / 2.0
                }
            }),
            1..80,
        )
    }

    /// Windows of one length, moving by one step.
    fn windows(len: usize, length: usize, step: usize) -> Vec<Window> {
        (0..len).step_by(step).map(|hi| Window { lo: (hi + 1).saturating_sub(length) as u32, hi: hi as u32 + 1 }).collect()
    }

    proptest! {
        #[test]
        fn extremes_agree_with_a_walk(values in values(), length in 1usize..20, step in 1usize..9, is_max: bool, latest: bool) {
            let windows = windows(values.len(), length, step);
            let mut got = Vec::new();
            extremes(&values, &windows, is_max, latest, |_, place| got.push(place));
            for (window, place) in windows.iter().zip(got) {
                let mut best = window.lo as usize;
                for at in window.range() {
                    let (new, old) = (values[at], values[best]);
                    let better = if is_max { new > old } else { new < old };
                    if better || old.is_nan() && (latest || !new.is_nan()) || latest && new == old {
                        best = at;
                    }
                }
                prop_assert_eq!(values[place].to_bits(), values[best].to_bits());
                prop_assert_eq!(place, best);
                if !latest {
                    let quick = extreme(&values[window.range()], is_max);
                    prop_assert!(quick.to_bits() == values[best].to_bits() || quick.is_nan() && values[best].is_nan());
                }
            }
        }

        #[test]
        fn quantiles_agree_with_sorting(values in values(), length in 1usize..20, step in 1usize..9, phi in 0.0..1.0f64) {
            let mut sorted = Sorted::default();
            for window in windows(values.len(), length, step) {
                sorted.move_to(&values, window);
                let wanted = quantile(phi, &mut values[window.range()].to_vec());
                let got = sorted.quantile(phi);
                prop_assert!(got == wanted || got.is_nan() && wanted.is_nan(), "{} {}", got, wanted);
            }
        }
    }
}
