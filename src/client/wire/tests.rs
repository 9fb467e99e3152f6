//! Answers in all framings, whole and in any pieces, good and bad.

use std::pin::Pin;
use std::task::{Context, Poll};

use proptest::prelude::*;
use tokio::io::ReadBuf;

use super::*;

/// Hands out an answer in pieces, then the end of the stream.
struct Pieces {
    answer: Vec<u8>,
    at: usize,
    piece: usize,
}

impl AsyncRead for Pieces {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let end = self.answer.len().min(self.at + self.piece.min(into.remaining()));
        into.put_slice(&self.answer[self.at..end]);
        self.at = end;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Pieces {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The body and whether the connection stays, or the reason.
fn read(answer: &[u8], piece: usize, limit: u64) -> Result<(String, bool), String> {
    let mut stream = Pieces { answer: answer.to_vec(), at: 0, piece };
    let mut body = b"old".to_vec();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    match runtime.block_on(exchange(&mut stream, b"GET / HTTP/1.1\r\n\r\n", &mut body, limit)) {
        Ok(head) if head.status != 200 => Err(format!("{} {}", head.status, head.reason)),
        Ok(head) => Ok((String::from_utf8_lossy(&body).into_owned(), head.keeps_alive)),
        Err(WireError::Stale(reason)) => Err(format!("stale: {reason}")),
        Err(WireError::Broken(reason)) => Err(reason),
        Err(WireError::Limit(error)) => Err(error.to_string()),
    }
}

const CHUNKS: &str =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na 1\r\n01;x=y\r\n\n\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n";

#[test]
fn every_framing_reads_whole_and_in_pieces() {
    for piece in [1, 2, 7, 100_000] {
        for (answer, body, stays) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\na 1\n", "a 1\n", true),
            ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", "", true),
            ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: Close\r\n\r\na", "a", false),
            ("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", "a", false),
            ("HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\na", "a", true),
            ("HTTP/1.0 200 OK\r\n\r\nto the end", "to the end", false),
            (CHUNKS, "a 1\n0123456789", true),
            (
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na",
                "a",
                true,
            ),
        ] {
            assert_eq!(read(answer.as_bytes(), piece, 0), Ok((body.to_owned(), stays)), "{answer} by {piece}");
        }
    }
}

#[test]
fn bad_answers_say_what_is_wrong() {
    for (answer, reason) in [
        ("", "stale: EOF"),
        ("HTTP/1.1 200", "unexpected EOF"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\na 1", "unexpected EOF"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "bad Content-Length \"2\""),
        ("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "bad Content-Length \"-1\""),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "unsupported transfer encoding \"gzip, chunked\""),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "malformed chunked encoding"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc", "malformed chunked encoding"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "unexpected EOF"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", "the body is longer than 268435456 bytes"),
        ("HTTP/1.1 503 Service Unavailable\r\n\r\n", "503 Service Unavailable"),
        ("SSH-2.0-OpenSSH\r\n", "malformed HTTP response \"SSH-2\": invalid HTTP version"),
    ] {
        let found = read(answer.as_bytes(), 5, 0).unwrap_err();
        assert!(found.starts_with(reason), "{found} for {answer}");
    }
    let more = read(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na 1\n", 1000, 0);
    assert_eq!(more, Err("the answer goes on beyond its Content-Length".to_owned()));
    let long = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(HEAD_BYTES_MAX));
    assert!(read(long.as_bytes(), 10_000, 0).unwrap_err().contains("head is longer"));
    for answer in ["HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n0123456789", CHUNKS] {
        assert_eq!(read(answer.as_bytes(), 3, 10), Err("body size limit exceeded".to_owned()), "{answer}");
    }
}

proptest! {
    #[test]
    fn arbitrary_answers_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60), piece in 1..9usize, chunked in any::<bool>()) {
        let head: &[u8] = if chunked { b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" } else { b"HTTP/1.1 " };
        let _ = read(&[head, &bytes].concat(), piece, 0);
    }

    #[test]
    fn damaged_chunks_never_panic(at in 0..CHUNKS.len(), byte in any::<u8>(), piece in 1..9usize) {
        let mut answer = CHUNKS.as_bytes().to_vec();
        answer[at] = byte;
        let _ = read(&answer, piece, 0);
    }
}
