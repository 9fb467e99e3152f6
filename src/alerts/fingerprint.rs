//! An alert's identity as Alertmanager's API shows it: FNV-1a over the sorted labels, with 0xff after each name and value.

use crate::model::Labels;

pub use crate::state::rows::Fingerprint;

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

pub fn of(labels: &Labels) -> Fingerprint {
    let add = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(PRIME);
    let text = |hash: u64, text: &str| add(text.bytes().fold(hash, add), 0xff);
    labels.iter().fold(OFFSET, |hash, (name, value)| text(text(hash, name), value))
}

/// 16 hexadecimal digits.
pub fn show(fingerprint: Fingerprint) -> String {
    format!("{fingerprint:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    // Asked of Alertmanager 0.33.1.
    #[test]
    fn is_alertmanagers_number() {
        assert_eq!(show(of(&Labels::empty())), "cbf29ce484222325");
        assert_eq!(show(of(&Labels::from_pairs([("alertname", "A"), ("sev", "y"), ("team", "a\"b")]))), "2457ba4e17cd1dc6");
    }
}
