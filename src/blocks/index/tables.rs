//! The tables of an index that are kept in memory: texts by symbol, and where the postings of each label pair are.

use std::ops::Range;

use crate::blocks::bytes::Reader;
use crate::blocks::error::{Damaged, Decoded};
use crate::model::Matcher;

/// The values of one label name.
#[derive(Debug)]
struct Name {
    text: Range<u32>,
    /// Into `values`.
    values: Range<usize>,
}

/// Text ranges are into the bytes of the table's section, and were checked to be UTF-8.
#[derive(Debug, Default)]
pub struct Tables {
    symbols: Vec<u8>,
    symbol_texts: Vec<Range<u32>>,
    offsets: Vec<u8>,
    names: Vec<Name>,
    /// Value's text and postings' offset, by name and then in order of value.
    values: Vec<(Range<u32>, u64)>,
}

fn text<'a>(bytes: &'a [u8], range: &Range<u32>) -> &'a str {
    bytes.get(range.start as usize..range.end as usize).and_then(|b| std::str::from_utf8(b).ok()).unwrap_or("")
}

/// The place of a text within what is read.
fn take_text(reader: &mut Reader<'_>) -> Decoded<Range<u32>> {
    let length = reader.text()?.len();
    Ok((reader.at() - length) as u32..reader.at() as u32)
}

impl Tables {
    pub fn take_symbols(&mut self, body: Vec<u8>) -> Decoded<()> {
        let mut reader = Reader::new(&body);
        let count = reader.u32()? as usize;
        if count > reader.left() {
            return reader.damaged("more symbols than the table can hold");
        }
        self.symbol_texts = (0..count).map(|_| take_text(&mut reader)).collect::<Decoded<_>>()?;
        self.symbols = body;
        Ok(())
    }

    pub fn take_offsets(&mut self, body: Vec<u8>) -> Decoded<()> {
        let mut reader = Reader::new(&body);
        let count = reader.u32()? as usize;
        if count.saturating_mul(4) > reader.left() {
            return reader.damaged("more postings than the table can hold");
        }
        for _ in 0..count {
            if reader.u8()? != 2 {
                return reader.damaged("an entry of postings that is no label pair");
            }
            let (name, value, offset) = (take_text(&mut reader)?, take_text(&mut reader)?, reader.uvarint()?);
            match self.names.last_mut() {
                Some(last) if text(&body, &last.text) == text(&body, &name) => last.values.end += 1,
                Some(last) if text(&body, &last.text) > text(&body, &name) => {
                    return Err(Damaged::new(name.start as usize, "label names are not in order"));
                }
                _ => self.names.push(Name { text: name, values: self.values.len()..self.values.len() + 1 }),
            }
            self.values.push((value, offset));
        }
        self.offsets = body;
        Ok(())
    }

    pub fn symbol(&self, symbol: u32) -> Option<&str> {
        self.symbol_texts.get(symbol as usize).map(|range| text(&self.symbols, range))
    }

    /// Label names; the empty one, under which all series are listed, is left out.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|name| text(&self.offsets, &name.text)).filter(|name| !name.is_empty())
    }

    /// Values of a label, and where their postings are.
    pub fn values(&self, name: &str) -> impl Iterator<Item = (&str, u64)> {
        let found = self.names.binary_search_by(|n| text(&self.offsets, &n.text).cmp(name));
        let values = found.map_or(0..0, |at| self.names[at].values.clone());
        self.values[values].iter().map(|(value, offset)| (text(&self.offsets, value), *offset))
    }

    pub fn has(&self, name: &str) -> bool {
        self.names.binary_search_by(|n| text(&self.offsets, &n.text).cmp(name)).is_ok()
    }

    /// Where the list of all series is.
    pub fn all(&self) -> Option<u64> {
        self.values("").next().map(|(_, offset)| offset)
    }

    /// Where the postings are of values of the matcher's label that do (or do not) match.
    pub fn matching(&self, matcher: &Matcher, wanted: bool) -> Vec<u64> {
        self.values(&matcher.name).filter(|(value, _)| matcher.matches(value) == wanted).map(|(_, offset)| offset).collect()
    }

    pub fn size_bytes(&self) -> usize {
        self.symbols.len() + self.offsets.len() + self.symbol_texts.len() * 8 + self.values.len() * 16 + self.names.len() * 24
    }
}
