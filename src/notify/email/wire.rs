//! A connection to a mail server: lettre speaks the protocol, over streams of ours, so that what a server sends is bounded and what it
//! shows of itself can be said.

use std::fmt::{self, Display};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use lettre::transport::smtp::Error;
#[allow(deprecated, reason = "the one way to go on with a connection that was encrypted here")]
use lettre::transport::smtp::client::AsyncNetworkStream;
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::commands::{Ehlo, Quit};
use lettre::transport::smtp::extension::{ClientId, ServerInfo};
use lettre::transport::smtp::response::Response;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::client::{Peer, TlsFailure, TlsOptions, chain, encrypt};
use crate::notify::limits::{SMTP_HEARD_BYTES_MAX, SMTP_SHOWN_MAX};

/// A server that has greeted and was told who we are.
pub struct Wire {
    connection: AsyncSmtpConnection,
    /// The same socket, kept for STARTTLS.
    socket: Option<TcpStream>,
}

/// Why there is no answer that goes on.
#[derive(Debug)]
pub enum Broken {
    /// A refusal, an answer that is none, a connection that broke.
    Smtp(Error),
    Tls(TlsFailure),
    Lost(io::Error),
}

impl Broken {
    /// Of a refusal.
    pub fn code(&self) -> Option<u16> {
        match self {
            Self::Smtp(error) => error.status().map(u16::from),
            Self::Tls(_) | Self::Lost(_) => None,
        }
    }
}

impl Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Smtp(error) => {
                let text: String = chain(error).chars().filter(|c| !c.is_control()).take(SMTP_SHOWN_MAX).collect();
                f.write_str(&text)?;
                if error.is_response() { f.write_str(" (is this a mail server's port?)") } else { Ok(()) }
            }
            Self::Tls(failure) => f.write_str(&failure.reason),
            Self::Lost(error) => write!(f, "the connection broke: {error}"),
        }
    }
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Self::Smtp(error)
    }
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Lost(error)
    }
}

impl Wire {
    /// Reads the greeting and introduces us.
    pub async fn greet(stream: TcpStream, hello: &ClientId) -> Result<Self, Broken> {
        let address = stream.peer_addr()?;
        let (stream, socket) = doubled(stream)?;
        let connection = AsyncSmtpConnection::connect_with_transport(Bounded::boxed(stream, address), hello).await?;
        Ok(Self { connection, socket: Some(socket) })
    }

    /// The same, encrypted from the first byte.
    pub async fn greet_encrypted(stream: TlsStream<TcpStream>, hello: &ClientId) -> Result<Self, Broken> {
        let address = stream.get_ref().0.peer_addr()?;
        let connection = AsyncSmtpConnection::connect_with_transport(Bounded::boxed(stream, address), hello).await?;
        Ok(Self { connection, socket: None })
    }

    pub fn is_encrypted(&self) -> bool {
        self.socket.is_none()
    }

    /// After STARTTLS was taken: from here on everything is encrypted. What the server said before that and was not read is forgotten.
    pub async fn encrypt(&mut self, host: &str, options: &TlsOptions) -> Result<Peer, Broken> {
        let Some(socket) = self.socket.take() else { return Ok(Peer::default()) };
        let address = socket.peer_addr()?;
        let (stream, peer) = encrypt(socket, host, options).await.map_err(Broken::Tls)?;
        #[allow(deprecated)]
        self.connection.set_stream(AsyncNetworkStream::use_existing_tokio1(Bounded::boxed(stream, address)));
        Ok(peer)
    }

    /// What the server says it can do, now: one of the lines after the first says `AUTH`, another `STARTTLS`.
    pub async fn introduce(&mut self, hello: &ClientId) -> Result<Response, Broken> {
        self.say(Ehlo::new(hello.clone())).await
    }

    /// What it said so when it was greeted.
    pub fn known(&self) -> &ServerInfo {
        self.connection.server_info()
    }

    /// One command with its line end; the answer is 2xx or 3xx.
    pub async fn say(&mut self, command: impl Display) -> Result<Response, Broken> {
        Ok(self.connection.command(command).await?)
    }

    /// The mail after `DATA`. A server that hangs up in the middle of it has often said why.
    pub async fn hand_over(&mut self, mail: &[u8]) -> Result<Response, Broken> {
        match self.connection.message(mail).await {
            Err(broken) if broken.status().is_none() && !broken.is_response() => {
                Err(self.connection.read_response().await.err().filter(|error| error.status().is_some()).unwrap_or(broken).into())
            }
            taken => Ok(taken?),
        }
    }

    pub async fn leave(&mut self) {
        drop(self.connection.command(Quit).await);
    }
}

/// Two handles of one socket: lettre keeps the one that it is given.
fn doubled(stream: TcpStream) -> io::Result<(TcpStream, TcpStream)> {
    let one = stream.into_std()?;
    let other = one.try_clone()?;
    Ok((TcpStream::from_std(one)?, TcpStream::from_std(other)?))
}

/// A stream that ends with an error where the other side says too much: lettre reads a line to its end, however far that is.
#[derive(Debug)]
struct Bounded<S> {
    stream: S,
    address: SocketAddr,
    left: usize,
}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin + fmt::Debug + 'static> Bounded<S> {
    fn boxed(stream: S, address: SocketAddr) -> Box<dyn AsyncTokioStream> {
        Box::new(Self { stream, address, left: SMTP_HEARD_BYTES_MAX })
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin + fmt::Debug> AsyncTokioStream for Bounded<S> {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Bounded<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.left == 0 {
            return Poll::Ready(Err(io::Error::other(format!("the server says more than {SMTP_HEARD_BYTES_MAX} bytes"))));
        }
        let before = into.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, into);
        self.left = self.left.saturating_sub(into.filled().len() - before);
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Bounded<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
