//! Lines and answers of the mail protocol (RFC 5321), plain or encrypted, in bounded memory.

use std::fmt;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::client::{Peer, TlsFailure, TlsOptions, encrypt};
use crate::notify::limits::{SMTP_ANSWER_BYTES_MAX, SMTP_SHOWN_MAX};

/// A connection to a mail server.
pub struct Wire {
    stream: Stream,
    /// What has come and is not read yet.
    unread: Vec<u8>,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    /// While encryption begins, and after it failed.
    Gone,
}

/// An answer: its code and its lines without it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub code: u16,
    pub lines: Vec<String>,
}

/// Why there is no answer that goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// 4xx or 5xx.
    Refused(Reply),
    Tls(TlsFailure),
    Lost(String),
}

impl Reply {
    /// For the ledger: `250 kept`.
    pub fn show(&self) -> String {
        format!("{} {}", self.code, self.text())
    }

    fn text(&self) -> String {
        let all = self.lines.join(" ");
        all.chars().filter(|c| !c.is_control()).take(SMTP_SHOWN_MAX).collect()
    }
}

impl Broken {
    /// 421 closes the conversation.
    pub fn closes(&self) -> bool {
        !matches!(self, Self::Refused(reply) if reply.code != 421)
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(reply) => {
                let lasting = if reply.code >= 500 { "permanent" } else { "transient" };
                write!(f, "{lasting} error ({}): {}", reply.code, reply.text())
            }
            Self::Tls(failure) => f.write_str(&failure.reason),
            Self::Lost(reason) => f.write_str(reason),
        }
    }
}

fn lost(error: &std::io::Error) -> Broken {
    Broken::Lost(format!("the connection broke: {error}"))
}

impl Wire {
    pub fn new(stream: TcpStream) -> Self {
        Self { stream: Stream::Plain(stream), unread: Vec::new() }
    }

    pub fn is_encrypted(&self) -> bool {
        matches!(self.stream, Stream::Tls(_))
    }

    /// From here on everything is encrypted. What was said before that and is not read yet may be anybody's: it ends the conversation.
    pub async fn encrypt(&mut self, host: &str, options: &TlsOptions) -> Result<Peer, Broken> {
        if !self.unread.is_empty() {
            return Err(Broken::Lost("the server went on speaking without encryption after STARTTLS".to_owned()));
        }
        let Stream::Plain(stream) = std::mem::replace(&mut self.stream, Stream::Gone) else {
            return Err(Broken::Lost("encryption was asked for twice".to_owned()));
        };
        let (stream, peer) = encrypt(stream, host, options).await.map_err(Broken::Tls)?;
        self.stream = Stream::Tls(Box::new(stream));
        Ok(peer)
    }

    /// One command, without its line end; the answer is 2xx or 3xx.
    pub async fn say(&mut self, command: &str) -> Result<Reply, Broken> {
        self.send(format!("{command}\r\n").as_bytes()).await?;
        self.answer().await
    }

    /// The mail after `DATA`. A server that hangs up in the middle of it has often said why.
    pub async fn hand_over(&mut self, mail: &[u8]) -> Result<Reply, Broken> {
        match self.send(&stuffed(mail)).await {
            Ok(()) => self.answer().await,
            Err(broken) => Err(match self.answer().await {
                Err(Broken::Refused(reply)) => Broken::Refused(reply),
                _ => broken,
            }),
        }
    }

    pub async fn answer(&mut self) -> Result<Reply, Broken> {
        let mut reply = Reply { code: 0, lines: Vec::new() };
        let mut bytes = 0;
        loop {
            let line = self.line().await?;
            bytes += line.len();
            if bytes > SMTP_ANSWER_BYTES_MAX {
                return Err(too_long());
            }
            let text = String::from_utf8_lossy(&line);
            let code = text.get(..3).and_then(|code| code.parse::<u16>().ok()).filter(|code| (200..600).contains(code));
            let (Some(code), mark) = (code, text.as_bytes().get(3).copied()) else { return Err(nonsense(&text)) };
            if !matches!(mark, None | Some(b' ' | b'-')) || (reply.code != 0 && reply.code != code) {
                return Err(nonsense(&text));
            }
            reply.code = code;
            reply.lines.push(text.get(4..).unwrap_or("").trim_end().to_owned());
            if mark != Some(b'-') {
                return if code < 400 { Ok(reply) } else { Err(Broken::Refused(reply)) };
            }
        }
    }

    async fn line(&mut self) -> Result<Vec<u8>, Broken> {
        let mut looked_at = 0;
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.unread[looked_at..]) {
                let mut line: Vec<u8> = self.unread.drain(..=looked_at + end).collect();
                line.truncate(line.len() - 1);
                return Ok(line);
            }
            looked_at = self.unread.len();
            if looked_at > SMTP_ANSWER_BYTES_MAX {
                return Err(too_long());
            }
            let mut room = [0; 4096];
            let read = match &mut self.stream {
                Stream::Plain(stream) => stream.read(&mut room).await,
                Stream::Tls(stream) => stream.read(&mut room).await,
                Stream::Gone => Ok(0),
            };
            match read.map_err(|error| lost(&error))? {
                0 => return Err(Broken::Lost("the server hung up".to_owned())),
                read => self.unread.extend_from_slice(&room[..read]),
            }
        }
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        let sent = match &mut self.stream {
            Stream::Plain(stream) => stream.write_all(bytes).await,
            Stream::Tls(stream) => match stream.write_all(bytes).await {
                Ok(()) => stream.flush().await,
                failed => failed,
            },
            Stream::Gone => return Err(Broken::Lost("there is no connection".to_owned())),
        };
        sent.map_err(|error| lost(&error))
    }
}

fn too_long() -> Broken {
    Broken::Lost(format!("the server's answer is longer than {SMTP_ANSWER_BYTES_MAX} bytes"))
}

fn nonsense(line: &str) -> Broken {
    let shown: String = line.chars().filter(|c| !c.is_control()).take(60).collect();
    Broken::Lost(format!("an answer that is not a mail server's: \"{shown}\" (is the port right?)"))
}

/// As a mail travels: every line ends with CR and LF, a dot that begins one is doubled, and a dot alone ends it (RFC 5321, 4.5.2).
fn stuffed(mail: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(mail.len() + mail.len() / 64 + 8);
    let mut rest = mail;
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(rest.len());
        if rest[0] == b'.' {
            out.push(b'.');
        }
        out.extend_from_slice(&rest[..end]);
        out.extend_from_slice(b"\r\n");
        rest = &rest[end..];
        rest = rest.strip_prefix(b"\r\n").or(rest.strip_prefix(b"\r")).or(rest.strip_prefix(b"\n")).unwrap_or(rest);
    }
    out.extend_from_slice(b".\r\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mails_are_stuffed_and_every_line_ends_as_it_must() {
        assert_eq!(stuffed(b"a\r\n.b\r\n\r\n..\r\n"), b"a\r\n..b\r\n\r\n...\r\n.\r\n");
        assert_eq!(stuffed(b"a\n.\nb\rc"), b"a\r\n..\r\nb\r\nc\r\n.\r\n");
        assert_eq!(stuffed(b""), b".\r\n");
    }
}
