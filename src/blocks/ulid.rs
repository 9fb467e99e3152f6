//! Names of blocks: ULIDs, 48 bits of milliseconds and 80 random ones in Crockford's base 32.

use std::hash::{BuildHasher, Hasher, RandomState};

const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: usize = 26;

/// A new name for a block made at this time, in milliseconds.
pub fn generate(now: i64) -> String {
    let random = || RandomState::new().build_hasher().finish();
    let number = u128::from(now.max(0) as u64) << 80 | (u128::from(random()) << 64 | u128::from(random())) & ((1 << 80) - 1);
    (0..LENGTH).map(|digit| char::from(DIGITS[(number >> (5 * (LENGTH - 1 - digit)) & 31) as usize])).collect()
}

pub fn is_ulid(name: &str) -> bool {
    name.len() == LENGTH
        && name.bytes().next().is_some_and(|first| (b'0'..=b'7').contains(&first))
        && name.bytes().all(|b| DIGITS.contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_by_time() {
        let (a, b) = (generate(1_700_000_000_000), generate(1_700_000_000_001));
        assert!(is_ulid(&a) && is_ulid(&b) && a < b, "{a} {b}");
        assert_eq!(&a[..10], "01HF7YAT00");
        assert!(!is_ulid("promlet") && !is_ulid("chunks_head") && !is_ulid(&a.to_lowercase()));
    }
}
