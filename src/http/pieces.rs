//! A large answer on its way: sent while it is still being written, so that writing, compressing, sending and reading overlap.
//!
//! The writer never waits for the client: what it is ahead is bounded by the answer, whose memory was reserved before. A client that
//! goes away ends the writing; a writer that fails breaks the body off, so that a part is never taken for the whole.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::body::{Body, Frame};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::limits::PIECE_BYTES;

type Piece = Result<Bytes, io::Error>;

/// The sent end: a response's body.
pub struct Pieces(UnboundedReceiver<Piece>);

/// The written end.
pub struct Pen {
    pieces: UnboundedSender<Piece>,
    gzip: Option<GzEncoder<Vec<u8>>>,
    is_done: bool,
}

pub fn pair(gzip: bool) -> (Pen, Pieces) {
    let (pieces, body) = unbounded_channel();
    let gzip = gzip.then(|| GzEncoder::new(Vec::with_capacity(PIECE_BYTES), Compression::fast()));
    (Pen { pieces, gzip, is_done: false }, Pieces(body))
}

impl Pen {
    /// Takes what was written so far if it is enough for a piece. False when nobody reads any more.
    pub fn take(&mut self, out: &mut Vec<u8>) -> bool {
        if out.len() >= PIECE_BYTES {
            self.pass_on(out);
        }
        !self.pieces.is_closed()
    }

    /// Takes the rest.
    pub fn finish(mut self, mut out: Vec<u8>) {
        self.pass_on(&mut out);
        self.is_done = match self.gzip.take().map(GzEncoder::finish) {
            Some(Ok(rest)) => self.send(rest),
            // writing into memory cannot fail
            Some(Err(_)) => false,
            None => true,
        };
    }

    fn pass_on(&mut self, out: &mut Vec<u8>) {
        let Some(encoder) = &mut self.gzip else {
            let next = Vec::with_capacity(out.len());
            self.send(std::mem::replace(out, next));
            return;
        };
        let _ = io::Write::write_all(encoder, out);
        out.clear();
        if encoder.get_ref().len() >= PIECE_BYTES {
            let piece = std::mem::replace(encoder.get_mut(), Vec::with_capacity(PIECE_BYTES));
            self.send(piece);
        }
    }

    fn send(&self, piece: Vec<u8>) -> bool {
        piece.is_empty() || self.pieces.send(Ok(piece.into())).is_ok()
    }
}

impl Drop for Pen {
    fn drop(&mut self) {
        if !self.is_done {
            let _ = self.pieces.send(Err(io::Error::other("the answer was not written to its end")));
        }
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn sent(mut body: Pieces) -> (Vec<u8>, bool) {
        let mut all = Vec::new();
        while let Some(piece) = body.0.recv().await {
            match piece {
                Ok(piece) => all.extend_from_slice(&piece),
                Err(_) => return (all, false),
            }
        }
        (all, true)
    }

    fn write(pen: &mut Pen, text: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        for byte in text {
            out.push(*byte);
            assert!(pen.take(&mut out));
        }
        out
    }

    #[tokio::test]
    async fn pieces_make_the_whole_plain_and_compressed() {
        let text: Vec<u8> = (0..3 * PIECE_BYTES + 77).map(|at| (at % 251) as u8 ^ (at / 1000) as u8).collect();
        for gzip in [false, true] {
            let (mut pen, body) = pair(gzip);
            let rest = write(&mut pen, &text);
            pen.finish(rest);
            let (mut all, whole) = sent(body).await;
            if gzip {
                let mut plain = Vec::new();
                io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&all[..]), &mut plain).unwrap();
                all = plain;
            }
            assert!(whole && all == text);
        }
    }

    #[tokio::test]
    async fn a_writer_that_breaks_off_breaks_the_body_and_a_client_that_goes_ends_the_writing() {
        let (mut pen, body) = pair(false);
        write(&mut pen, &vec![b'x'; PIECE_BYTES]);
        drop(pen);
        assert_eq!(sent(body).await, (vec![b'x'; PIECE_BYTES], false));
        let (mut pen, body) = pair(false);
        drop(body);
        assert!(!pen.take(&mut vec![b'x'; PIECE_BYTES]));
    }
}
