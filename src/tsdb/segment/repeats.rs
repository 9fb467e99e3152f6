//! The lengths of a stripe's pages, and which pages repeat earlier ones: exporters say many things twice (bytes of the heap and bytes
//! allocated, neighbouring buckets that nothing fell between, counters of errors that never happened).

use std::ops::Range;

use foldhash::{HashMap, HashMapExt};

use crate::tsdb::bytes::{Damaged, Decoded, Reader, put_varint, varint_len};

/// Writes the lengths of pages; a 0 says that pages repeat those so many columns before. The ranges of `pages` to write are returned.
pub fn put_lengths(out: &mut Vec<u8>, lengths: &[u32], pages: &[u8]) -> Vec<Range<usize>> {
    let (mut places, mut end) = (Vec::with_capacity(lengths.len()), 0usize);
    for length in lengths {
        places.push(end..end + *length as usize);
        end += *length as usize;
    }
    let page = |at: usize| &pages[places[at].clone()];
    let mut seen: HashMap<&[u8], usize> = HashMap::with_capacity(lengths.len());
    let (mut kept, mut at) = (Vec::new(), 0usize);
    while at < lengths.len() {
        let before = seen.insert(page(at), at);
        let Some(distance) = before.map(|before| at - before) else {
            put_page(out, &mut kept, places[at].clone());
            at += 1;
            continue;
        };
        let count = (at..lengths.len()).take_while(|at| page(*at) == page(*at - distance)).count();
        let plain: usize = (at..at + count).map(|at| places[at].len() + varint_len(places[at].len() as u64)).sum();
        if plain > 1 + varint_len(distance as u64) + varint_len(count as u64 - 1) {
            out.push(0);
            put_varint(out, distance as u64);
            put_varint(out, count as u64 - 1);
            seen.extend((at + 1..at + count).map(|at| (page(at), at)));
            at += count;
        } else {
            put_page(out, &mut kept, places[at].clone());
            at += 1;
        }
    }
    kept
}

fn put_page(out: &mut Vec<u8>, kept: &mut Vec<Range<usize>>, place: Range<usize>) {
    put_varint(out, place.len() as u64);
    match kept.last_mut() {
        Some(last) if last.end == place.start => last.end = place.end,
        _ => kept.push(place),
    }
}

/// Where each of `count` pages begins and ends.
pub fn take_lengths(reader: &mut Reader<'_>, count: usize) -> Decoded<(Vec<u32>, Vec<u32>)> {
    let (mut starts, mut ends) = (Vec::with_capacity(count), Vec::with_capacity(count));
    let mut reached = 0u32;
    while ends.len() < count {
        let length = reader.varint32()?;
        if length > 0 {
            starts.push(reached);
            reached = reached.checked_add(length).ok_or(Damaged("pages are too long"))?;
            ends.push(reached);
            continue;
        }
        let distance = usize::try_from(reader.varint()?).unwrap_or(usize::MAX);
        let further = usize::try_from(reader.varint()?).unwrap_or(usize::MAX);
        if distance == 0 || distance > ends.len() || further >= count - ends.len() {
            return Err(Damaged("a page repeats one that is not there"));
        }
        for _ in 0..=further {
            let from = ends.len() - distance;
            starts.push(starts[from]);
            ends.push(ends[from]);
        }
    }
    Ok((starts, ends))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(pages: &[&[u8]]) -> (usize, usize) {
        let (lengths, all): (Vec<u32>, Vec<u8>) = (pages.iter().map(|p| p.len() as u32).collect(), pages.concat());
        let mut head = Vec::new();
        let kept: Vec<u8> = put_lengths(&mut head, &lengths, &all).into_iter().flat_map(|range| all[range].to_vec()).collect();
        let mut reader = Reader::new(&head);
        let (starts, ends) = take_lengths(&mut reader, pages.len()).expect("what was written");
        assert!(reader.is_empty());
        for (at, page) in pages.iter().enumerate() {
            assert_eq!(&kept[starts[at] as usize..ends[at] as usize], *page, "page {at} of {pages:?}");
        }
        (head.len(), kept.len())
    }

    #[test]
    fn repeated_pages_are_written_once() {
        assert_eq!(round_trip(&[b"abc", b"de", b"abc", b"de", b"f"]), (3 + 3, 6));
        assert_eq!(round_trip(&[b"z".as_slice(); 1000]), (1 + 4, 1));
        // Saying that a page of a byte repeats takes more than the page.
        assert_eq!(round_trip(&[b"z", b"y", b"z"]), (3, 3));
        assert_eq!(round_trip(&[]), (0, 0));
    }

    proptest::proptest! {
        #[test]
        fn any_pages_come_back(picks in proptest::collection::vec((0usize..4, 1usize..5), 0..200)) {
            let text = b"aaaabbbbccccdddd";
            let pages: Vec<&[u8]> = picks.iter().map(|(which, length)| &text[which * 4..which * 4 + (*length).min(4)]).collect();
            round_trip(&pages);
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(0u8..6, 0..100), count in 0usize..300) {
            if let Ok((starts, ends)) = take_lengths(&mut Reader::new(&bytes), count) {
                assert!(starts.len() == count && ends.len() == count);
            }
        }
    }
}
