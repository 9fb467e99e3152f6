//! Where the replay of each group begins: at its last keyframe of which all rows before are in stripes. A tail's first row is a
//! keyframe, so that a start costs what tails hold, however long the log is.

use std::collections::HashMap;

use super::record::{GROUP, ROW};
use crate::tsdb::bytes::{Decoded, Reader};
use crate::tsdb::frame::{Frames, Step};
use crate::tsdb::row;

/// For each group the rows (from, until) that sealed segments hold.
pub type Flushed = HashMap<u64, Vec<(u64, u64)>>;

/// By group: the file, and the row there, that is the first to be read. Groups that are not named are read from the beginning.
pub type Starts = HashMap<u64, (u64, u64)>;

/// The keyframes of all files.
#[derive(Default)]
pub struct Keyframes {
    of: HashMap<u64, OfGroup>,
    is_damaged: bool,
}

#[derive(Default)]
struct OfGroup {
    /// File and row.
    keyframes: Vec<(u64, u64)>,
    /// Its first record is no keyframe.
    has_row_before: bool,
}

impl Keyframes {
    /// Walks a file; the files are to come oldest first.
    pub fn look(&mut self, file: u64, bytes: &[u8]) {
        let mut groups = HashMap::new();
        for step in Frames::new(bytes, super::HEADER) {
            let looked = match step {
                Step::Whole(_, body) => self.record(file, body, &mut groups).is_ok(),
                Step::Damaged => false,
            };
            self.is_damaged |= !looked;
        }
    }

    fn record(&mut self, file: u64, body: &[u8], groups: &mut HashMap<u32, u64>) -> Decoded<()> {
        let mut reader = Reader::new(body);
        match reader.u8()? {
            GROUP => {
                let number = reader.varint32()?;
                groups.insert(number, reader.u64()?);
            }
            ROW => {
                let number = reader.varint32()?;
                // One of a group that was not defined is damage that the replay finds.
                let Some(id) = groups.get(&number) else { return Ok(()) };
                let group = self.of.entry(*id).or_default();
                match row::keyframe(reader)? {
                    Some(row) => group.keyframes.push((file, row)),
                    None => group.has_row_before |= group.keyframes.is_empty(),
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// `flushed` says for a file what stripes hold of its rows.
    pub fn starts(self, flushed: &HashMap<u64, Flushed>) -> Starts {
        if self.is_damaged {
            // What was lost is found, and said, row by row.
            return Starts::new();
        }
        let start = |(id, group): (u64, OfGroup)| {
            let is_flushed = |file: u64, from, until| {
                let ranges = flushed.get(&file).and_then(|flushed| flushed.get(&id));
                from < until && ranges.is_some_and(|ranges| covers(ranges, from, until))
            };
            let pairs = group.keyframes.windows(2);
            let passed = pairs.take_while(|pair| is_flushed(pair[0].0, pair[0].1, pair[1].1)).count();
            (passed > 0 && !group.has_row_before).then(|| (id, group.keyframes[passed]))
        };
        self.of.into_iter().filter_map(start).collect()
    }
}

/// Whether every row of a stretch is in one of these.
fn covers(ranges: &[(u64, u64)], from: u64, until: u64) -> bool {
    let mut at = from;
    while at < until {
        let Some(end) = ranges.iter().filter(|(from, until)| (*from..*until).contains(&at)).map(|(_, until)| *until).max() else {
            return false;
        };
        at = end;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_begins_at_the_last_keyframe_whose_rows_before_are_in_stripes() {
        let keyframes = |of: &[(u64, u64)]| Keyframes {
            of: HashMap::from([(7, OfGroup { keyframes: of.to_vec(), has_row_before: false })]),
            is_damaged: false,
        };
        let all = [(1, 100), (1, 220), (2, 300), (2, 340)];
        let flushed = |ranges: &[(u64, Vec<(u64, u64)>)]| -> HashMap<u64, Flushed> {
            ranges.iter().map(|(file, ranges)| (*file, HashMap::from([(7, ranges.clone())]))).collect()
        };
        let up_to = |until: u64| flushed(&[(1, vec![(90, 220), (220, until)]), (2, vec![(220, until)])]);
        assert_eq!(keyframes(&all).starts(&up_to(340)).get(&7), Some(&(2, 340)));
        assert_eq!(keyframes(&all).starts(&up_to(339)).get(&7), Some(&(2, 300)));
        assert_eq!(keyframes(&all).starts(&up_to(230)).get(&7), Some(&(1, 220)));
        assert_eq!(keyframes(&all).starts(&flushed(&[(1, vec![(101, 400)])])).get(&7), None);
        assert_eq!(keyframes(&all).starts(&flushed(&[(1, vec![(0, 150), (160, 400)])])).get(&7), None);
        // What stripes held before that file is not what it holds.
        assert_eq!(keyframes(&all).starts(&flushed(&[(1, vec![(0, 400)])])).get(&7), Some(&(2, 300)));
        let damaged = Keyframes { is_damaged: true, ..keyframes(&all) };
        assert!(damaged.starts(&up_to(340)).is_empty());
    }
}
