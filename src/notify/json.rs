//! JSON as Go's encoder writes it: fields in order, `<`, `>`, `&` and two line separators escaped; without the newline at
//! the end, so that a log of bodies has one a line.

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::model::Labels;

/// A label set as an object in order of name.
pub struct Pairs<'a>(pub &'a Labels);

impl Serialize for Pairs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

pub fn go_json(value: &impl Serialize) -> Result<String, String> {
    let plain = serde_json::to_string(value).map_err(|error| error.to_string())?;
    let mut out = String::with_capacity(plain.len() + plain.len() / 16);
    let mut done = 0;
    // These characters occur in strings only, so that the text can be gone over as a whole.
    for (at, found) in plain.match_indices(['<', '>', '&', '\u{2028}', '\u{2029}']) {
        out.push_str(&plain[done..at]);
        out.push_str(match found {
            "<" => "\\u003c",
            ">" => "\\u003e",
            "&" => "\\u0026",
            "\u{2028}" => "\\u2028",
            _ => "\\u2029",
        });
        done = at + found.len();
    }
    out.push_str(&plain[done..]);
    Ok(out)
}
