//! Compensated summation, with Prometheus's operations in Prometheus's order.

/// A running sum with Neumaier's compensation.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum {
    pub sum: f64,
    pub compensation: f64,
}

impl Sum {
    #[inline]
    pub fn add(&mut self, value: f64) {
        let total = self.sum + value;
        // Choices that the processor makes without a branch: which of two numbers is larger cannot be foreseen.
        let (large, small) = if self.sum.abs() >= value.abs() { (self.sum, value) } else { (value, self.sum) };
        let compensation = self.compensation + ((large - total) + small);
        self.compensation = if total.is_infinite() { 0.0 } else { compensation };
        self.sum = total;
    }

    /// Adds another running sum.
    pub fn merge(&mut self, other: Self) {
        self.add(other.sum);
        self.compensation += other.compensation;
    }

    #[inline]
    pub fn value(self) -> f64 {
        self.sum + self.compensation
    }
}

/// Running sums side by side, one a step, in lists that the processor can add several places of at a time. As long as nothing was added
/// they take no memory; the first column is taken as it is.
#[derive(Debug, Default)]
pub struct Sums {
    sums: Vec<f64>,
    compensations: Vec<f64>,
}

impl Sums {
    fn begin(&mut self, steps: usize) {
        if self.sums.is_empty() {
            self.sums = vec![0.0; steps];
            self.compensations = vec![0.0; steps];
        }
    }

    /// Adds a value at one of so many steps.
    pub fn add_at(&mut self, step: usize, value: f64, steps: usize) {
        self.begin(steps);
        let mut sum = Sum { sum: self.sums[step], compensation: self.compensations[step] };
        sum.add(value);
        (self.sums[step], self.compensations[step]) = (sum.sum, sum.compensation);
    }

    /// Adds a value at each step.
    pub fn add(&mut self, values: &[f64]) {
        if self.sums.is_empty() {
            // Zero and a value are the value, and zero even where that is negative.
            self.sums = values.iter().map(|value| value + 0.0).collect();
            self.compensations = vec![0.0; values.len()];
            return;
        }
        for ((sum, compensation), value) in self.sums.iter_mut().zip(&mut self.compensations).zip(values) {
            let mut next = Sum { sum: *sum, compensation: *compensation };
            next.add(*value);
            (*sum, *compensation) = (next.sum, next.compensation);
        }
    }

    pub fn merge(&mut self, others: Self) {
        if self.sums.is_empty() {
            *self = others;
            return;
        }
        let own = self.sums.iter_mut().zip(&mut self.compensations);
        for ((sum, compensation), (other, of_other)) in own.zip(others.sums.iter().zip(&others.compensations)) {
            let mut next = Sum { sum: *sum, compensation: *compensation };
            next.merge(Sum { sum: *other, compensation: *of_other });
            (*sum, *compensation) = (next.sum, next.compensation);
        }
    }

    pub fn value(&self, step: usize) -> f64 {
        self.sums[step] + self.compensations[step]
    }

    /// The value of each step.
    pub fn into_values(mut self) -> Vec<f64> {
        self.sums.iter_mut().zip(&self.compensations).for_each(|(sum, compensation)| *sum += compensation);
        self.sums
    }
}

/// A mean that goes over to incremental steps where the sum would overflow.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mean {
    /// The sum, or the mean once incremental.
    sum: Sum,
    count: f64,
    incremental: bool,
}

impl Mean {
    pub fn add(&mut self, value: f64) {
        self.count += 1.0;
        if !self.incremental {
            let mut next = self.sum;
            next.add(value);
            if self.count == 1.0 || !next.sum.is_infinite() {
                self.sum = next;
                return;
            }
            self.incremental = true;
            self.sum.sum /= self.count - 1.0;
            self.sum.compensation /= self.count - 1.0;
        }
        let weight = (self.count - 1.0) / self.count;
        self.sum = Sum { sum: weight * self.sum.sum, compensation: weight * self.sum.compensation };
        self.sum.add(value / self.count);
    }

    /// Adds the values that another mean has seen.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0.0 {
            return;
        }
        let count = self.count + other.count;
        let mut sum = self.sum;
        sum.merge(other.sum);
        if self.incremental || other.incremental || (sum.sum.is_infinite() && !self.sum.sum.is_infinite() && !other.sum.sum.is_infinite()) {
            let (own, others) = (if self.count == 0.0 { 0.0 } else { self.value() }, other.value());
            sum = Sum { sum: own * (self.count / count) + others * (other.count / count), compensation: 0.0 };
            self.incremental = true;
        }
        (self.sum, self.count) = (sum, count);
    }

    pub fn value(&self) -> f64 {
        if self.incremental { self.sum.value() } else { self.sum.sum / self.count + self.sum.compensation / self.count }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_terms_that_cancel_leave_the_small_ones() {
        let mut sum = Sum::default();
        [1.0, 1e100, 1.0, -1e100].into_iter().for_each(|v| sum.add(v));
        assert_eq!(sum.value(), 2.0);
    }

    #[test]
    fn a_mean_survives_an_overflowing_sum_and_keeps_infinities() {
        let mean = |values: &[f64]| {
            let mut mean = Mean::default();
            values.iter().for_each(|v| mean.add(*v));
            mean.value()
        };
        assert_eq!(mean(&[9.9e307, 9.9e307]), 9.9e307);
        assert_eq!(mean(&[f64::INFINITY, 0.0]), f64::INFINITY);
        assert!(mean(&[f64::INFINITY, 1.0, f64::NEG_INFINITY]).is_nan());
    }
}
