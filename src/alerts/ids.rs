//! Identifiers of notifications and silences: UUIDs from a random seed and a counter, so that a test can fix the seed.

use xxhash_rust::xxh64::xxh64;

#[derive(Clone, Debug)]
pub struct Ids {
    seed: [u64; 2],
    next: u64,
}

impl Ids {
    /// Seeded by the operating system's random source.
    pub fn random() -> Self {
        let mut bytes = [0u8; 16];
        if rustls::crypto::ring::default_provider().secure_random.fill(&mut bytes).is_err() {
            // Without a random source the process's own hash keys still differ from run to run.
            use std::hash::{BuildHasher, RandomState};
            bytes[..8].copy_from_slice(&RandomState::new().hash_one(0u8).to_le_bytes());
            bytes[8..].copy_from_slice(&RandomState::new().hash_one(1u8).to_le_bytes());
        }
        let half = |at: usize| bytes[at..at + 8].iter().fold(0u64, |sum, byte| (sum << 8) | u64::from(*byte));
        Self { seed: [half(0), half(8)], next: 0 }
    }

    pub fn seeded(seed: u64) -> Self {
        Self { seed: [seed, !seed], next: 0 }
    }

    /// A version 4 UUID.
    pub fn next_uuid(&mut self) -> String {
        self.next += 1;
        let [high, low] = self.seed.map(|seed| xxh64(&self.next.to_le_bytes(), seed));
        let high = (high & !0xf000) | 0x4000;
        let low = (low & !(3 << 62)) | (2 << 62);
        format!("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, (high >> 16) & 0xffff, high & 0xffff, low >> 48, low & 0xffff_ffff_ffff)
    }
}

/// Whether a text has the form of a UUID.
pub fn is_uuid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12]) && parts.iter().all(|part| part.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makes_distinct_version_4_uuids() {
        let mut ids = Ids::random();
        let (a, b) = (ids.next_uuid(), ids.next_uuid());
        assert!(is_uuid(&a) && is_uuid(&b) && a != b, "{a} {b}");
        assert_eq!(a.as_bytes()[14], b'4');
        assert!(b"89ab".contains(&a.as_bytes()[19]));
        assert_eq!(Ids::seeded(1).next_uuid(), Ids::seeded(1).next_uuid());
        assert!(!is_uuid("x"));
    }
}
