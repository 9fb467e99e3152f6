//! The memory that all queries together may hold: reserved before it is taken, given back with what held it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A budget in bytes; cloning shares it.
#[derive(Clone, Debug)]
pub struct Memory(Arc<Budget>);

#[derive(Debug)]
struct Budget {
    limit: u64,
    used: AtomicU64,
}

impl Memory {
    pub fn new(limit: u64) -> Self {
        Self(Arc::new(Budget { limit, used: AtomicU64::new(0) }))
    }

    pub fn limit(&self) -> u64 {
        self.0.limit
    }

    /// Bytes that are reserved now.
    pub fn used(&self) -> u64 {
        self.0.used.load(Ordering::Relaxed)
    }

    /// Nothing yet, to be grown.
    pub fn reserved(&self) -> Reserved {
        Reserved { memory: self.clone(), bytes: AtomicU64::new(0) }
    }
}

/// A share of the budget; dropping it gives it back.
#[derive(Debug)]
pub struct Reserved {
    memory: Memory,
    bytes: AtomicU64,
}

impl Reserved {
    /// False, and nothing taken, where the budget does not have it.
    pub fn grow(&self, bytes: u64) -> bool {
        let budget = &self.memory.0;
        let used = budget.used.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if used > budget.limit {
            budget.used.fetch_sub(bytes, Ordering::Relaxed);
            return false;
        }
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        true
    }

    /// What is held.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// The whole budget.
    pub fn limit(&self) -> u64 {
        self.memory.limit()
    }

    /// Gives back at most what is held.
    pub fn shrink(&self, bytes: u64) {
        let mut given = 0;
        let _ = self.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |held| {
            given = held.min(bytes);
            Some(held - given)
        });
        self.memory.0.used.fetch_sub(given, Ordering::Relaxed);
    }

    /// Keeps at most this much.
    pub fn shrink_to(&self, bytes: u64) {
        self.shrink(self.bytes.load(Ordering::Relaxed).saturating_sub(bytes));
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.memory.0.used.fetch_sub(*self.bytes.get_mut(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_is_there_again() {
        let memory = Memory::new(100);
        let first = memory.reserved();
        assert!(first.grow(60));
        let second = memory.reserved();
        assert!(!second.grow(41) && second.grow(40) && !second.grow(1));
        first.shrink(10);
        assert!(second.grow(10));
        drop(first);
        assert_eq!(memory.used(), 50);
        second.shrink_to(20);
        assert_eq!(memory.used(), 20);
        second.shrink(99);
        drop(second);
        assert_eq!(memory.used(), 0);
    }
}
