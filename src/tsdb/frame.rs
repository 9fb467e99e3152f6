//! Frames: how every file of the store holds its records, so that a torn end or a damaged stretch is noticed.
//!
//! A frame is a marker of two bytes (a7 5e), the body's length (u32), the body's CRC-32C (u32), and the body.

use super::limits::RECORD_BYTES_MAX;

pub const MARKER: [u8; 2] = [0xa7, 0x5e];
/// Bytes in front of a body.
pub const HEAD: usize = 10;

/// Opens a frame at the end of `out`; the body is appended, then [`finish`] is called with what this returns.
pub fn start(out: &mut Vec<u8>) -> usize {
    let at = out.len();
    out.extend_from_slice(&MARKER);
    out.extend_from_slice(&[0; 8]);
    at
}

pub fn finish(out: &mut [u8], at: usize) {
    let body = &out[at + HEAD..];
    let (length, sum) = (body.len() as u32, crc32c::crc32c(body));
    out[at + 2..at + 6].copy_from_slice(&length.to_le_bytes());
    out[at + 6..at + HEAD].copy_from_slice(&sum.to_le_bytes());
}

/// Length and checksum, if a frame can begin here.
pub fn head(bytes: &[u8]) -> Option<(usize, u32)> {
    let head = bytes.first_chunk::<HEAD>()?;
    let length = u32::from_le_bytes([head[2], head[3], head[4], head[5]]) as usize;
    let sum = u32::from_le_bytes([head[6], head[7], head[8], head[9]]);
    (head[..2] == MARKER && length <= RECORD_BYTES_MAX).then_some((length, sum))
}

/// The body of the frame that begins here, if it is whole.
pub fn body(bytes: &[u8]) -> Option<&[u8]> {
    let (length, sum) = head(bytes)?;
    let body = bytes.get(HEAD..HEAD + length)?;
    (crc32c::crc32c(body) == sum).then_some(body)
}

/// What a walk over a file's frames met.
pub enum Step<'a> {
    /// Offset of the frame, and its body.
    Whole(usize, &'a [u8]),
    /// Bytes that are no whole frame; whole frames follow.
    Damaged,
}

/// Walks frames from an offset on; where one is damaged it goes on at the next whole one.
pub struct Frames<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Where the last whole frame ended.
    pub whole_until: usize,
}

impl<'a> Frames<'a> {
    pub fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at, whole_until: at }
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Step<'a>;

    fn next(&mut self) -> Option<Step<'a>> {
        let start = self.at;
        let mut at = start;
        while at < self.bytes.len() {
            if let Some(body) = body(&self.bytes[at..]) {
                if at > start {
                    self.at = at;
                    return Some(Step::Damaged);
                }
                self.at = at + HEAD + body.len();
                self.whole_until = self.at;
                return Some(Step::Whole(at, body));
            }
            at += 1 + memchr::memchr(MARKER[0], &self.bytes[at + 1..]).unwrap_or(self.bytes.len() - at - 1);
        }
        self.at = self.bytes.len();
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(bodies: &[&[u8]]) -> Vec<u8> {
        let mut out = Vec::new();
        for body in bodies {
            let at = start(&mut out);
            out.extend_from_slice(body);
            finish(&mut out, at);
        }
        out
    }

    #[test]
    fn a_torn_end_is_cut_and_damage_is_stepped_over() {
        let whole = file(&[b"one", b"two", b"three"]);
        for cut in 0..whole.len() {
            let mut frames = Frames::new(&whole[..cut], 0);
            let bodies: Vec<&[u8]> = frames.by_ref().filter_map(|s| if let Step::Whole(_, body) = s { Some(body) } else { None }).collect();
            assert_eq!(bodies.len(), [13, 26].iter().filter(|end| cut >= **end).count(), "{cut}");
            assert_eq!(frames.whole_until, bodies.len() * 13);
        }
        let mut damaged = whole.clone();
        damaged[15] ^= 1;
        let mut steps = Frames::new(&damaged, 0);
        assert!(matches!(steps.next(), Some(Step::Whole(0, b"one"))));
        assert!(matches!(steps.next(), Some(Step::Damaged)));
        assert!(matches!(steps.next(), Some(Step::Whole(26, b"three"))));
        assert!(steps.next().is_none());
    }
}
