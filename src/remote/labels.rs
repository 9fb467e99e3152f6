//! Label fields of a series: from bytes to a checked, sorted label set.

use super::limits::LABEL_BYTES_MAX;
use super::wire::{Malformed, Reader};
use crate::model::number::quote;
use crate::model::{Labels, METRIC_NAME};

/// Well-formed bytes may still hold labels that no series can have: the inner error says why.
type Checked<T> = Result<Result<T, String>, Malformed>;

/// Names and values in the order of the message.
pub fn pairs(fields: &[u8]) -> Checked<Vec<(&str, &str)>> {
    let mut found = Vec::new();
    let mut reader = Reader::new(fields);
    while let Some((number, field)) = reader.next()? {
        if number != 1 {
            continue;
        }
        let (mut name, mut value) = (&b""[..], &b""[..]);
        let mut label = Reader::new(field.bytes()?);
        while let Some((number, field)) = label.next()? {
            match number {
                1 => name = field.bytes()?,
                2 => value = field.bytes()?,
                _ => {}
            }
        }
        match (std::str::from_utf8(name), std::str::from_utf8(value)) {
            (Ok(name), Ok(value)) => found.push((name, value)),
            _ => {
                let shown = quote(&String::from_utf8_lossy(name));
                return Ok(Err(format!("the label {shown} is not valid UTF-8 in its name or value")));
            }
        }
    }
    Ok(Ok(found))
}

/// Sorted and without empty values; an empty or repeated name is an error.
pub fn sorted(mut pairs: Vec<(&str, &str)>) -> Result<Labels, String> {
    let bytes: usize = pairs.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > LABEL_BYTES_MAX {
        return Err(format!("labels of {bytes} bytes are longer than the limit of {LABEL_BYTES_MAX} bytes"));
    }
    if !pairs.is_sorted_by(|a, b| a.0 < b.0) {
        pairs.sort_unstable();
        if let Some(twice) = pairs.windows(2).find(|two| two[0].0 == two[1].0) {
            return Err(format!("label name {} is not unique", quote(twice[0].0)));
        }
    }
    if pairs.first().is_some_and(|(name, _)| name.is_empty()) {
        return Err("a label has no name".to_owned());
    }
    Ok(Labels::from_sorted(pairs.into_iter().filter(|(_, value)| !value.is_empty())))
}

/// The label set of a series, which must have a metric name.
pub fn series(fields: &[u8]) -> Checked<Labels> {
    let labels = match pairs(fields)?.and_then(sorted) {
        Ok(labels) => labels,
        Err(problem) => return Ok(Err(problem)),
    };
    if labels.get(METRIC_NAME).is_none() {
        return Ok(Err(format!("a series without a metric name: {labels}")));
    }
    Ok(Ok(labels))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&[u8], &[u8])]) -> Vec<u8> {
        let part = |tag: u8, bytes: &[u8]| [&[tag, bytes.len() as u8], bytes].concat();
        pairs.iter().flat_map(|(name, value)| part(0x0a, &[part(0x0a, name), part(0x12, value)].concat())).collect()
    }

    #[test]
    fn sorts_and_checks() {
        let read = |pairs: &[(&[u8], &[u8])]| series(&fields(pairs)).unwrap().map(|labels| labels.to_string());
        assert_eq!(read(&[(b"z", b"1"), (b"__name__", b"m"), (b"e", b"")]), Ok("m{z=\"1\"}".to_owned()));
        assert_eq!(read(&[(b"a", b"1")]), Err("a series without a metric name: {a=\"1\"}".to_owned()));
        assert_eq!(read(&[(b"__name__", b"m"), (b"a", b"1"), (b"a", b"2")]), Err("label name \"a\" is not unique".to_owned()));
        assert_eq!(read(&[(b"__name__", b"m"), (b"", b"1")]), Err("a label has no name".to_owned()));
        assert!(read(&[(b"__name__", b"m"), (b"a", b"\xff")]).unwrap_err().contains("UTF-8"));
    }
}
