//! HTTP/1.1 as a scrape needs it, after RFC 9112: one request written whole, its answer read straight into the caller's buffer.
//!
//! A general client keeps a task, a channel and a read buffer for each connection; with hundreds of targets asked every few seconds
//! that cost more than reading the pages (measured with 100 targets of 1000 series every 5 s).

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::error::FetchError;
use super::fetch::within_limit;
use super::transport::said;

/// Longest answer head.
const HEAD_BYTES_MAX: usize = 64 * 1024;
const HEADERS_MAX: usize = 100;
/// Longest line that announces a chunk, and longest trailer.
const CHUNK_LINE_BYTES_MAX: usize = 4 * 1024;
/// Room made for each read where the length is not known.
const READ_BYTES: usize = 16 * 1024;

/// What came before the body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub status: u16,
    pub reason: String,
    pub content_type: Option<String>,
    pub content_encoding: Option<String>,
    pub location: Option<String>,
    /// The connection can be used again.
    pub keeps_alive: bool,
    framing: Framing,
    /// Where the body begins.
    bytes: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Framing {
    Length(u64),
    Chunked,
    #[default]
    UntilClose,
}

/// Why an exchange failed.
#[derive(Debug)]
pub(super) enum WireError {
    /// The peer had closed the connection before it said anything: another one may do.
    Stale(String),
    /// In Go's words where it has some.
    Broken(String),
    Limit(FetchError),
}

/// Writes the request, and reads the answer's head and, with status 200, its body; `body` then holds the body alone.
/// `limit` as in [`within_limit`].
pub(super) async fn exchange<S>(stream: &mut S, request: &[u8], body: &mut Vec<u8>, limit: u64) -> Result<Head, WireError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    body.clear();
    stream.write_all(request).await.map_err(|error| WireError::Stale(said(&error)))?;
    // TLS may still hold some of it.
    stream.flush().await.map_err(|error| WireError::Stale(said(&error)))?;
    let mut has_answered = false;
    let mut head = loop {
        match parse_head(body)? {
            // An interim answer comes before the real one.
            Some(head) if (100..200).contains(&head.status) && head.status != 101 => {
                body.drain(..head.bytes);
                continue;
            }
            Some(head) => break head,
            None if body.len() > HEAD_BYTES_MAX => return Err(broken(format!("the answer's head is longer than {HEAD_BYTES_MAX} bytes"))),
            None => {}
        }
        let reason = match read_some(stream, body, READ_BYTES).await {
            Ok(0) if has_answered => "unexpected EOF".to_owned(),
            Ok(0) => "EOF".to_owned(),
            Err(error) => said(&error),
            Ok(_) => {
                has_answered = true;
                continue;
            }
        };
        return Err(if has_answered { WireError::Broken(reason) } else { WireError::Stale(reason) });
    };
    body.drain(..head.bytes);
    if head.status != 200 {
        // What follows is not read: the connection ends here.
        head.keeps_alive = false;
        return Ok(head);
    }
    match head.framing {
        Framing::Length(length) => read_length(stream, body, length, limit).await?,
        Framing::Chunked => read_chunks(stream, body, limit).await?,
        Framing::UntilClose => read_to_end(stream, body, limit).await?,
    }
    Ok(head)
}

fn broken(reason: impl Into<String>) -> WireError {
    WireError::Broken(reason.into())
}

async fn read_some<S: AsyncRead + Unpin>(stream: &mut S, body: &mut Vec<u8>, room: usize) -> io::Result<usize> {
    if body.capacity() - body.len() < room {
        body.reserve(room);
    }
    stream.read_buf(body).await
}

/// None while the head is incomplete.
fn parse_head(bytes: &[u8]) -> Result<Option<Head>, WireError> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    let length = match response.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => {
            let line: Vec<u8> = bytes.iter().copied().take_while(|b| *b != b'\n').take(60).collect();
            let shown = crate::model::number::quote(&String::from_utf8_lossy(&line));
            return Err(broken(format!("malformed HTTP response {shown}: {error}")));
        }
    };
    let mut head = Head {
        status: response.code.unwrap_or(0),
        reason: response.reason.unwrap_or_default().to_owned(),
        keeps_alive: response.version == Some(1),
        bytes: length,
        ..Head::default()
    };
    let mut stated: Option<u64> = None;
    let mut chunked = false;
    for header in response.headers.iter() {
        let text = String::from_utf8_lossy(header.value);
        let text = text.trim();
        match header.name.to_ascii_lowercase().as_str() {
            "content-type" => head.content_type = Some(text.to_owned()),
            "content-encoding" => head.content_encoding = Some(text.to_ascii_lowercase()),
            "location" => head.location = Some(text.to_owned()),
            "connection" => head.keeps_alive = keeps_alive(text, head.keeps_alive),
            "transfer-encoding" if text.eq_ignore_ascii_case("chunked") => chunked = true,
            "transfer-encoding" => return Err(broken(format!("unsupported transfer encoding {}", crate::model::number::quote(text)))),
            "content-length" => {
                let length = Some(text).filter(|text| text.bytes().all(|b| b.is_ascii_digit())).and_then(|text| text.parse().ok());
                match (length, stated) {
                    (Some(length), None) => stated = Some(length),
                    (Some(length), Some(before)) if length == before => {}
                    _ => return Err(broken(format!("bad Content-Length {}", crate::model::number::quote(text)))),
                }
            }
            _ => {}
        }
    }
    head.framing = match (chunked, stated) {
        (true, _) => Framing::Chunked,
        (false, Some(length)) => Framing::Length(length),
        (false, None) => Framing::UntilClose,
    };
    // A message with both is not trusted further than its body.
    head.keeps_alive &= head.framing != Framing::UntilClose && !(chunked && stated.is_some());
    Ok(Some(head))
}

fn keeps_alive(connection: &str, default: bool) -> bool {
    let has = |word: &str| connection.split(',').any(|found| found.trim().eq_ignore_ascii_case(word));
    !has("close") && (has("keep-alive") || default)
}

async fn read_length<S: AsyncRead + Unpin>(stream: &mut S, body: &mut Vec<u8>, length: u64, limit: u64) -> Result<(), WireError> {
    within_limit(length, limit).map_err(WireError::Limit)?;
    let length = usize::try_from(length).map_err(|_| broken("bad Content-Length"))?;
    body.reserve(length.saturating_sub(body.len()));
    while body.len() < length {
        if read_some(stream, body, 1).await.map_err(|error| broken(said(&error)))? == 0 {
            return Err(broken("unexpected EOF"));
        }
    }
    if body.len() > length {
        return Err(broken("the answer goes on beyond its Content-Length"));
    }
    Ok(())
}

async fn read_to_end<S: AsyncRead + Unpin>(stream: &mut S, body: &mut Vec<u8>, limit: u64) -> Result<(), WireError> {
    loop {
        within_limit(body.len() as u64, limit).map_err(WireError::Limit)?;
        if read_some(stream, body, READ_BYTES).await.map_err(|error| broken(said(&error)))? == 0 {
            return Ok(());
        }
    }
}

/// Decodes in place: `body[..plain]` is done, `body[raw..]` has come but is not looked at yet.
async fn read_chunks<S: AsyncRead + Unpin>(stream: &mut S, body: &mut Vec<u8>, limit: u64) -> Result<(), WireError> {
    let (mut plain, mut raw) = (0usize, 0usize);
    loop {
        let line = take_line(stream, body, &mut raw).await?;
        let digits = line.split(|b| *b == b';').next().unwrap_or_default().trim_ascii();
        let length =
            std::str::from_utf8(digits).ok().filter(|text| !text.starts_with('+')).and_then(|text| usize::from_str_radix(text, 16).ok());
        let Some(length) = length else { return Err(broken("malformed chunked encoding")) };
        within_limit(plain as u64 + length as u64, limit).map_err(WireError::Limit)?;
        if length == 0 {
            break;
        }
        // The chunk and the line break after it.
        while body.len() < raw + length + 2 {
            if read_some(stream, body, READ_BYTES).await.map_err(|error| broken(said(&error)))? == 0 {
                return Err(broken("unexpected EOF"));
            }
        }
        if body[raw + length..raw + length + 2] != *b"\r\n" {
            return Err(broken("malformed chunked encoding"));
        }
        body.copy_within(raw..raw + length, plain);
        plain += length;
        raw += length + 2;
        // What has been read is not kept beside what has been decoded.
        let rest = body.len() - raw;
        body.copy_within(raw.., plain);
        body.truncate(plain + rest);
        raw = plain;
    }
    let trailer = raw;
    while !take_line(stream, body, &mut raw).await?.is_empty() {
        if raw - trailer > CHUNK_LINE_BYTES_MAX {
            return Err(broken("the trailer after the chunks is too long"));
        }
    }
    if raw != body.len() {
        return Err(broken("the answer goes on beyond its last chunk"));
    }
    body.truncate(plain);
    Ok(())
}

/// The next line from `raw` on, without its line break; `raw` goes behind it.
async fn take_line<S: AsyncRead + Unpin>(stream: &mut S, body: &mut Vec<u8>, raw: &mut usize) -> Result<Vec<u8>, WireError> {
    loop {
        if let Some(end) = memchr::memchr(b'\n', &body[*raw..]) {
            let line = &body[*raw..*raw + end];
            let line = line.strip_suffix(b"\r").unwrap_or(line).to_vec();
            *raw += end + 1;
            return Ok(line);
        }
        if body.len() - *raw > CHUNK_LINE_BYTES_MAX {
            return Err(broken("a line that announces a chunk is too long"));
        }
        if read_some(stream, body, READ_BYTES).await.map_err(|error| broken(said(&error)))? == 0 {
            return Err(broken("unexpected EOF"));
        }
    }
}

#[cfg(test)]
mod tests;
