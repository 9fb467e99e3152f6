//! Servers on loopback that answer as a test tells them: HTTP by a script of answers, SMTP by a script of refusals.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// One request as it came.
#[derive(Clone, Debug)]
pub struct Heard {
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Heard {
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    }
}

/// Answers are `hang` for no answer at all, JSON that stands for itself, else a status line with headers:
/// `429 Too Many Requests\r\nRetry-After: 1`.
pub struct HttpPeer {
    pub port: u16,
    pub heard: Arc<Mutex<Vec<Heard>>>,
}

impl HttpPeer {
    /// The first answers are the script's; when it is over, `200 OK` with the body `ok`.
    pub async fn start(script: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard: Arc<Mutex<Vec<Heard>>> = Arc::default();
        let answers: Arc<Mutex<Vec<String>>> = Arc::new(Mutex::new(script.iter().rev().map(|line| (*line).to_owned()).collect()));
        let peer = Self { port, heard: heard.clone() };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve_http(stream, heard.clone(), answers.clone()));
            }
        });
        peer
    }

    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }
}

async fn serve_http(stream: TcpStream, heard: Arc<Mutex<Vec<Heard>>>, answers: Arc<Mutex<Vec<String>>>) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
        let path = line.split(' ').nth(1)?.to_owned();
        let mut headers = Vec::new();
        loop {
            line.clear();
            stream.read_line(&mut line).await.ok()?;
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            headers.push((name.to_owned(), value.to_owned()));
        }
        let request = Heard { path, headers, body: String::new() };
        let mut body = vec![0; request.header("content-length").parse().unwrap_or(0)];
        stream.read_exact(&mut body).await.ok()?;
        heard.lock().unwrap().push(Heard { body: String::from_utf8_lossy(&body).into_owned(), ..request });
        let answer = answers.lock().unwrap().pop().unwrap_or_else(|| "200 OK".to_owned());
        if answer == "hang" {
            std::future::pending::<()>().await;
        }
        let text = if answer.starts_with('{') {
            format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{answer}", answer.len())
        } else {
            format!("HTTP/1.1 {answer}\r\nContent-Length: 2\r\n\r\nok")
        };
        stream.write_all(text.as_bytes()).await.ok()?;
    }
}

/// How a mail server behaves.
#[derive(Clone, Default)]
pub struct MailScript {
    /// Answers to commands that begin so, instead of the usual ones: the first one holds. An empty answer is silence. Besides the commands
    /// there are `CONNECT`, `HANDSHAKE` (of TLS, silence only), `USERNAME` and `PASSWORD` (of AUTH LOGIN) and `END` (of the mail).
    pub answers: Vec<(&'static str, &'static str)>,
    pub auth: &'static str,
    pub starttls: Option<TlsAcceptor>,
    pub implicit_tls: Option<TlsAcceptor>,
}

pub struct MailPeer {
    pub port: u16,
    /// Everything clients said, line by line.
    pub said: Arc<Mutex<Vec<String>>>,
}

impl MailPeer {
    pub async fn start(script: MailScript) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let said: Arc<Mutex<Vec<String>>> = Arc::default();
        let peer = Self { port, said: said.clone() };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve_mail(stream, script.clone(), said.clone()));
            }
        });
        peer
    }

    pub fn said(&self) -> String {
        self.said.lock().unwrap().join("\n")
    }
}

trait Both: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Both for T {}

async fn serve_mail(stream: TcpStream, script: MailScript, said: Arc<Mutex<Vec<String>>>) -> Option<()> {
    let handshake = async || {
        if script.answers.iter().any(|(command, _)| *command == "HANDSHAKE") {
            std::future::pending::<()>().await;
        }
    };
    if script.implicit_tls.is_some() {
        handshake().await;
    }
    let stream: Box<dyn Both> = match &script.implicit_tls {
        Some(acceptor) => Box::new(acceptor.accept(stream).await.ok()?),
        None => Box::new(stream),
    };
    let mut stream = BufReader::new(stream);
    let mut encrypted = script.implicit_tls.is_some();
    answer(&mut stream, &script, "CONNECT", "220 peer").await?;
    loop {
        let line = read(&mut stream, &said).await?;
        match line.get(..4).unwrap_or("").to_ascii_uppercase().as_str() {
            "EHLO" => {
                let tls = if script.starttls.is_some() && !encrypted { "250-STARTTLS\r\n" } else { "" };
                let auth = if script.auth.is_empty() { String::new() } else { format!("250-AUTH {}\r\n", script.auth) };
                let text = format!("250-peer\r\n{tls}{auth}250 8BITMIME");
                answer(&mut stream, &script, &line, &text).await?;
            }
            "STAR" => {
                answer(&mut stream, &script, &line, "220 go").await?;
                handshake().await;
                let inner: Box<dyn Both> = Box::new(script.starttls.as_ref()?.accept(stream.into_inner()).await.ok()?);
                (stream, encrypted) = (BufReader::new(inner), true);
            }
            "AUTH" if line.starts_with("AUTH LOGIN") => {
                answer(&mut stream, &script, "USERNAME", "334 VXNlcm5hbWU6").await?;
                read(&mut stream, &said).await?;
                answer(&mut stream, &script, "PASSWORD", "334 UGFzc3dvcmQ6").await?;
                read(&mut stream, &said).await?;
                answer(&mut stream, &script, &line, "235 welcome").await?;
            }
            "AUTH" => answer(&mut stream, &script, &line, "235 welcome").await?,
            "DATA" => {
                answer(&mut stream, &script, &line, "354 go").await?;
                while read(&mut stream, &said).await? != "." {}
                answer(&mut stream, &script, "END", "250 kept").await?;
            }
            "QUIT" => return answer(&mut stream, &script, &line, "221 bye").await,
            _ => answer(&mut stream, &script, &line, "250 fine").await?,
        }
    }
}

async fn read(stream: &mut BufReader<Box<dyn Both>>, said: &Mutex<Vec<String>>) -> Option<String> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
    let line = line.trim_end().to_owned();
    said.lock().unwrap().push(line.clone());
    Some(line)
}

async fn answer(stream: &mut BufReader<Box<dyn Both>>, script: &MailScript, command: &str, usual: &str) -> Option<()> {
    let scripted = script.answers.iter().find(|(begin, _)| command.starts_with(begin)).map(|(_, answer)| *answer);
    let text = scripted.unwrap_or(usual);
    if text.is_empty() {
        std::future::pending::<()>().await;
    }
    stream.write_all(format!("{text}\r\n").as_bytes()).await.ok()?;
    stream.flush().await.ok()
}
