//! Compresses large answers where they are made, not on the socket workers.

use std::io::Write;

use axum::http::{HeaderMap, header};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::limits::COMPRESS_BYTES_MIN;

/// Whether the client takes gzip.
pub fn is_wanted(headers: &HeaderMap) -> bool {
    let accepts = |coding: &str| {
        let mut parts = coding.split(';').map(str::trim);
        parts.next() == Some("gzip") && parts.all(|part| !matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    };
    headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.split(',').map(str::trim).any(accepts))
}

/// The body, and whether it is compressed now: small ones stay as they are.
pub fn gzip(body: Vec<u8>) -> (Vec<u8>, bool) {
    if body.len() < COMPRESS_BYTES_MIN {
        return (body, false);
    }
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 6), Compression::fast());
    match encoder.write_all(&body).and_then(|()| encoder.finish()) {
        Ok(compressed) => (compressed, true),
        // writing into memory cannot fail; the plain body is right in any case
        Err(_) => (body, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn reads_accept_encoding() {
        let wants = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(text));
            is_wanted(&headers)
        };
        assert!(wants("gzip") && wants("br, gzip;q=0.5") && wants("deflate,gzip"));
        assert!(!wants("br") && !wants("gzip;q=0") && !wants("identity"));
        assert!(!is_wanted(&HeaderMap::new()));
    }
}
