//! What is said when the head of a request is too long to be read: hyper answers with a bare status; here the answer gets the frame
//! that every other error has, and a client that is still sending hears it.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::envelope;
use super::error::ApiError;
use super::limits::{ADDRESS_BYTES_MAX, FORM_BYTES_MAX, HEADER_BYTES_MAX, REFUSED_UPLOAD_BYTES_MAX, REFUSED_UPLOAD_TIME};
use crate::telemetry::Counter;

/// Bytes that are thrown away in one piece.
const PIECE: usize = 16 << 10;

/// A connection on which such an answer is put into words.
pub struct Refusing<S> {
    stream: S,
    refused: Counter,
    /// The last thing that happened was that the client sent something, so what is written now is the head of an answer.
    answering: bool,
    /// The answer in words and how much of it is out.
    reply: Option<(Vec<u8>, usize)>,
    thrown_away: usize,
    /// Begins when the answer is out.
    patience: Option<Pin<Box<Sleep>>>,
}

impl<S> Refusing<S> {
    pub fn new(stream: S, refused: Counter) -> Self {
        Self { stream, refused, answering: false, reply: None, thrown_away: 0, patience: None }
    }
}

/// The answer in place of a bare one.
fn reply(head: &[u8]) -> Option<Vec<u8>> {
    let status = std::str::from_utf8(head.get(..64.min(head.len()))?).ok()?.strip_prefix("HTTP/1.1 ")?.lines().next()?;
    let what = match status.get(..3)? {
        "431" => format!("the head of the request, its address and headers together, is longer than the limit of {HEADER_BYTES_MAX} bytes"),
        "414" => format!("the address of the request is longer than the limit of {ADDRESS_BYTES_MAX} bytes"),
        _ => return None,
    };
    let way = format!("send the parameters as a form in a POST, which may hold {FORM_BYTES_MAX} bytes");
    let body = envelope::failure(&ApiError::BadData(format!("{what}: {way}")));
    let mut out =
        format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    out.push_str(&String::from_utf8_lossy(&body));
    Some(out.into_bytes())
}

impl<S: AsyncWrite + Unpin> Refusing<S> {
    /// Writes the answer in words while hyper believes to write its own of this length; none where hyper's is to go out.
    fn poll_reply(&mut self, context: &mut Context<'_>, first: &[u8], length: usize) -> Option<Poll<io::Result<usize>>> {
        if std::mem::take(&mut self.answering)
            && let Some(reply) = reply(first)
        {
            self.refused.inc();
            self.reply = Some((reply, 0));
        }
        let Self { stream, reply: Some((text, sent)), .. } = self else { return None };
        while *sent < text.len() {
            match Pin::new(&mut *stream).poll_write(context, &text[*sent..]) {
                Poll::Ready(Ok(0)) => return Some(Poll::Ready(Ok(0))),
                Poll::Ready(Ok(more)) => *sent += more,
                other => return Some(other),
            }
        }
        Some(Poll::Ready(Ok(length)))
    }
}

impl<S: AsyncRead + Unpin> Refusing<S> {
    /// Reads on for a while: closing at once would take the answer back from a client that sends everything before it listens.
    fn poll_throw_away(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut piece = [0; PIECE];
        while self.thrown_away < REFUSED_UPLOAD_BYTES_MAX {
            let mut into = ReadBuf::new(&mut piece);
            match Pin::new(&mut self.stream).poll_read(context, &mut into) {
                Poll::Ready(Ok(())) if !into.filled().is_empty() => self.thrown_away += into.filled().len(),
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return self.patience.get_or_insert_with(|| Box::pin(sleep(REFUSED_UPLOAD_TIME))).as_mut().poll(context),
            }
        }
        Poll::Ready(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Refusing<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, into))?;
        self.answering |= into.filled().len() > before;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Refusing<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.poll_reply(context, bytes, bytes.len()) {
            Some(polled) => polled,
            None => Pin::new(&mut self.stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
        if self.reply.is_some() {
            ready!(self.poll_throw_away(context));
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let first = bytes.iter().find(|piece| !piece.is_empty()).map_or(&[][..], |piece| piece);
        match self.poll_reply(context, first, bytes.iter().map(|piece| piece.len()).sum()) {
            Some(polled) => polled,
            None => Pin::new(&mut self.stream).poll_write_vectored(context, bytes),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
