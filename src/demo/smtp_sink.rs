//! A mail server that keeps what it is told: enough of SMTP (RFC 5321) for a real client.

use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::receivers::Receivers;

/// Longest mail taken, in bytes.
const MAIL_BYTES_MAX: usize = 1024 * 1024;
/// A client that stays silent so long is let go.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// Takes mails until the task is dropped.
pub async fn serve(listener: TcpListener, receivers: Receivers) -> std::io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        let receivers = receivers.clone();
        tokio::spawn(async move {
            if let Err(error) = converse(stream, &receivers).await {
                tracing::debug!(%error, "the demo's mail server lost a client");
            }
        });
    }
}

async fn converse(stream: TcpStream, receivers: &Receivers) -> std::io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    writer.write_all(b"220 promlet demo\r\n").await?;
    loop {
        let Some(line) = read_line(&mut reader).await? else { return Ok(()) };
        let verb = line.split([' ', ':', '\r']).next().unwrap_or("").to_ascii_uppercase();
        let reply: &[u8] = match verb.as_str() {
            "DATA" => {
                writer.write_all(b"354 end with a dot\r\n").await?;
                match read_mail(&mut reader).await? {
                    Some(mail) => {
                        receivers.hear_mail(&mail);
                        b"250 kept\r\n"
                    }
                    None => b"552 longer than 1 MiB\r\n",
                }
            }
            "QUIT" => return writer.write_all(b"221 bye\r\n").await,
            "EHLO" | "HELO" | "MAIL" | "RCPT" | "RSET" | "NOOP" => b"250 ok\r\n",
            _ => b"502 not known here\r\n",
        };
        writer.write_all(reply).await?;
    }
}

async fn read_line(reader: &mut (impl AsyncBufReadExt + Unpin)) -> std::io::Result<Option<String>> {
    let mut line = Vec::new();
    let read = tokio::time::timeout(SILENCE_MAX, reader.read_until(b'\n', &mut line)).await;
    match read {
        Ok(Ok(0)) | Err(_) => Ok(None),
        Ok(Ok(_)) => Ok(Some(String::from_utf8_lossy(&line).into_owned())),
        Ok(Err(error)) => Err(error),
    }
}

/// The lines up to the lone dot, leading dots unstuffed; none where it was too long.
async fn read_mail(reader: &mut (impl AsyncBufReadExt + Unpin)) -> std::io::Result<Option<String>> {
    let mut mail = String::new();
    let mut too_long = false;
    while let Some(line) = read_line(reader).await? {
        if line == ".\r\n" || line == ".\n" {
            break;
        }
        too_long |= mail.len() + line.len() > MAIL_BYTES_MAX;
        if !too_long {
            mail.push_str(line.strip_prefix('.').unwrap_or(&line));
        }
    }
    Ok((!too_long).then_some(mail))
}
