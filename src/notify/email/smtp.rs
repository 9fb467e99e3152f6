//! The conversation with a mail server, step by step. What it refuses for good is not tried again soon; what it is too busy for is.

use std::fmt::Display;
use std::future::Future;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Mechanism;
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, Identity, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::Response;

use super::{Letter, cram};
use crate::alerts::notification::Failure;
use crate::client::{SecretSource, chain};
use crate::model::Secret;
use crate::notify::http::{certificate_advice, prepare_failure, resolve};
use crate::notify::limits::{CONNECT_TIMEOUT, SMTP_STEP_TIMEOUT};
use crate::notify::options::EmailOptions;
use crate::notify::steps::Steps;

/// The port of implicit TLS.
const SMTPS_PORT: u16 = 465;

/// Where the conversation is, for the message when time runs out.
#[derive(Default)]
pub struct Place(&'static str);

impl Place {
    pub fn describe(&self) -> &'static str {
        if self.0.is_empty() { "before the first step" } else { self.0 }
    }
}

/// What proves who the user is: a password for PLAIN and LOGIN, a secret for CRAM-MD5.
pub struct Login {
    pub password: Option<Secret>,
    pub secret: Option<Secret>,
}

struct Conversation<'a> {
    options: &'a EmailOptions,
    connection: AsyncSmtpConnection,
    steps: &'a Steps,
    at: &'a mut Place,
}

/// Hands the letter over; returns what the server said last.
pub async fn deliver(
    options: &EmailOptions,
    letter: &Letter,
    tls: TlsParameters,
    login: &Login,
    steps: &Steps,
    at: &mut Place,
) -> Result<String, Failure> {
    let mut conversation = connect(options, &tls, steps, at).await?;
    conversation.encrypt(tls).await?;
    if !options.auth_username.is_empty() {
        conversation.log_in(login).await?;
    }
    let (said, refused) = conversation.hand_over(letter).await?;
    conversation.leave().await;
    let note = if refused.is_empty() { String::new() } else { format!("; not delivered to {}", refused.join(", ")) };
    Ok(said + &note)
}

async fn connect<'a>(
    options: &'a EmailOptions,
    tls: &TlsParameters,
    steps: &'a Steps,
    at: &'a mut Place,
) -> Result<Conversation<'a>, Failure> {
    let (host, port) = (options.smarthost_host.as_str(), options.smarthost_port);
    at.0 = "looking up the server";
    let address = resolve(host, port, steps).await?;
    let implicit = options.force_implicit_tls.unwrap_or(port == SMTPS_PORT);
    at.0 = if implicit { "connecting, TLS and greeting" } else { "connecting and greeting" };
    let hello = ClientId::Domain(if options.hello.is_empty() { "localhost".to_owned() } else { options.hello.clone() });
    let implicit_tls = implicit.then(|| tls.clone());
    let connecting = AsyncSmtpConnection::connect_tokio1(address, Some(CONNECT_TIMEOUT), &hello, implicit_tls, None);
    let to_server = |failure: Failure| Failure { detail: format!("{address}: {}", failure.detail), ..failure };
    let connection = within(at, connecting).await.map_err(to_server)?;
    steps.done(format!("connected to {address}{}, greeted as {hello}", if implicit { " with TLS" } else { "" }));
    steps.done(offers(&connection));
    Ok(Conversation { options, connection, steps, at })
}

/// What the server says it can do, as far as it matters here.
fn offers(connection: &AsyncSmtpConnection) -> String {
    let info = connection.server_info();
    let mut known: Vec<&str> = Vec::new();
    if info.supports_feature(Extension::StartTls) {
        known.push("STARTTLS");
    }
    let mechanisms = [(Mechanism::Plain, "AUTH PLAIN"), (Mechanism::Login, "AUTH LOGIN"), (Mechanism::Xoauth2, "AUTH XOAUTH2")];
    known.extend(mechanisms.into_iter().filter(|(mechanism, _)| info.supports_auth_mechanism(*mechanism)).map(|(_, name)| name));
    if known.is_empty() {
        "the server offers neither TLS nor a login".to_owned()
    } else {
        format!("the server offers {}", known.join(", "))
    }
}

impl Conversation<'_> {
    async fn encrypt(&mut self, tls: TlsParameters) -> Result<(), Failure> {
        if self.connection.is_encrypted() {
            return Ok(());
        }
        let offered = self.connection.server_info().supports_feature(Extension::StartTls);
        if !offered && self.options.require_tls {
            return Err(Failure::give_up(
                "the server does not offer STARTTLS, and require_tls is true: set `require_tls: false` (smtp_require_tls) for a server \
                 without TLS, or force_implicit_tls for one that speaks TLS from the first byte",
            ));
        }
        if !self.options.require_tls {
            self.steps.done(if offered { "not encrypted (require_tls: false), although the server offers it" } else { "not encrypted" });
            return Ok(());
        }
        self.at.0 = "STARTTLS";
        let hello = ClientId::Domain(if self.options.hello.is_empty() { "localhost".to_owned() } else { self.options.hello.clone() });
        within(self.at, self.connection.starttls(tls, &hello)).await?;
        let checked = if self.options.tls.insecure_skip_verify { "the certificate is not checked" } else { "the certificate is good" };
        self.steps.done(format!("encrypted (STARTTLS), {checked}; {}", offers(&self.connection)));
        Ok(())
    }

    /// With a secret CRAM-MD5 is asked for, whether offered or not: who does not know it says so.
    async fn log_in(&mut self, login: &Login) -> Result<(), Failure> {
        if let Some(secret) = &login.secret {
            match (self.answer_challenge(secret).await, &login.password) {
                (Ok(()), _) => return Ok(()),
                (Err(failure), None) => return Err(failure),
                (Err(failure), Some(_)) => self.steps.failed(failure.detail),
            }
        }
        match &login.password {
            Some(password) => self.authenticate(password).await,
            None => Err(Failure::give_up("auth_username is set without auth_password or auth_secret")),
        }
    }

    async fn answer_challenge(&mut self, secret: &Secret) -> Result<(), Failure> {
        self.at.0 = "AUTH CRAM-MD5";
        let challenge = self.say("AUTH CRAM-MD5\r\n".to_owned()).await?;
        let challenge = challenge.first_line().unwrap_or("").to_owned();
        let answer = cram::answer(&self.options.auth_username, secret.expose(), &challenge)
            .ok_or_else(|| Failure::give_up("AUTH CRAM-MD5: the server's challenge is not base64"))?;
        self.say(format!("{answer}\r\n")).await?;
        self.steps.done(format!("logged in as {} (AUTH CRAM-MD5)", self.options.auth_username));
        Ok(())
    }

    /// PLAIN where offered, else LOGIN; a server that knows no login at all gets none, as upstream has it. A password is not sent in the clear to another machine by PLAIN, as upstream.
    async fn authenticate(&mut self, password: &Secret) -> Result<(), Failure> {
        let info = self.connection.server_info();
        let (plain, login) = (info.supports_auth_mechanism(Mechanism::Plain), info.supports_auth_mechanism(Mechanism::Login));
        let user = &self.options.auth_username;
        let is_local = matches!(self.options.smarthost_host.as_str(), "localhost" | "127.0.0.1" | "::1");
        if !plain && !login && !info.supports_auth_mechanism(Mechanism::Xoauth2) {
            self.steps.done("not logged in: the server offers no AUTH on this connection");
            return Ok(());
        }
        let may_plain = self.connection.is_encrypted() || is_local;
        self.at.0 = "AUTH";
        let encode = |text: &str| STANDARD.encode(text);
        if plain && may_plain {
            let token = encode(&format!("{}\0{user}\0{}", self.options.auth_identity, password.expose()));
            self.say(format!("AUTH PLAIN {token}\r\n")).await?;
        } else if login {
            self.say("AUTH LOGIN\r\n".to_owned()).await?;
            self.say(format!("{}\r\n", encode(user))).await?;
            self.say(format!("{}\r\n", encode(password.expose()))).await?;
        } else if plain {
            return Err(Failure::give_up(
                "the password is not sent over a connection without encryption: set `require_tls: true` (smtp_require_tls)",
            ));
        } else {
            return Err(Failure::give_up("the server offers neither AUTH PLAIN nor AUTH LOGIN on this connection: check port and TLS"));
        }
        self.steps.done(format!("logged in as {user} (AUTH {})", if plain && may_plain { "PLAIN" } else { "LOGIN" }));
        Ok(())
    }

    /// Recipients that are refused are named; the mail goes to the others.
    async fn hand_over(&mut self, letter: &Letter) -> Result<(String, Vec<String>), Failure> {
        let mut parameters = Vec::new();
        if !letter.bytes.is_ascii() && self.connection.server_info().supports_feature(Extension::EightBitMime) {
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        self.at.0 = "MAIL FROM";
        self.say(Mail::new(Some(letter.from.clone()), parameters)).await?;
        self.steps.done(format!("sender {} accepted", letter.from));
        self.at.0 = "RCPT TO";
        let mut refused: Vec<(String, Failure)> = Vec::new();
        for to in &letter.to {
            match self.say(Rcpt::new(to.clone(), Vec::new())).await {
                Ok(_) => self.steps.done(format!("recipient {to} accepted")),
                Err(failure) => {
                    self.steps.failed(format!("recipient {to} refused: {failure}"));
                    refused.push((to.to_string(), failure));
                }
            }
        }
        if refused.len() == letter.to.len() {
            let detail = refused.iter().map(|(to, failure)| format!("recipient {to} refused: {failure}")).collect::<Vec<_>>().join("; ");
            let last = refused.pop().map(|(_, failure)| failure.kind);
            self.leave().await;
            return Err(last.map_or_else(|| Failure::give_up(detail.clone()), |kind| Failure { kind, detail: detail.clone() }));
        }
        self.at.0 = "DATA";
        self.say(Data).await?;
        let said = within(self.at, self.connection.message(&letter.bytes)).await?;
        let said = show(&said);
        self.steps.done(format!("mail accepted: {said}"));
        Ok((said, refused.into_iter().map(|(to, failure)| format!("{to} ({failure})")).collect()))
    }

    /// Politeness only: the mail is accepted already.
    async fn leave(&mut self) {
        drop(tokio::time::timeout(SMTP_STEP_TIMEOUT, self.connection.quit()).await);
    }

    async fn say(&mut self, command: impl Display) -> Result<Response, Failure> {
        within(self.at, self.connection.command(command)).await
    }
}

/// One step with its deadline; its failure names it.
async fn within<T>(at: &Place, step: impl Future<Output = Result<T, Error>>) -> Result<T, Failure> {
    match tokio::time::timeout(SMTP_STEP_TIMEOUT, step).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(judge(at.0, &error)),
        Err(_) => Err(Failure::retry(format!("{}: the mail server was silent for {} s", at.0, SMTP_STEP_TIMEOUT.as_secs()))),
    }
}

/// 5xx and a stranger's certificate are for good, all else may pass.
fn judge(step: &str, error: &Error) -> Failure {
    let detail = format!("{step}: {}", chain(error));
    if let Some(advice) = certificate_advice(&detail) {
        return Failure::give_up(format!("{detail} ({advice})"));
    }
    if !error.is_permanent() {
        return Failure::retry(detail);
    }
    // 535 is the answer to a wrong name or password (RFC 4954).
    let is_login = step.starts_with("AUTH") && detail.contains("(535)");
    let advice = if is_login { " (check auth_username and auth_password; some services want a password made for programs)" } else { "" };
    Failure::give_up(detail + advice)
}

fn show(response: &Response) -> String {
    let lines: Vec<&str> = response.message().collect();
    format!("{} {}", response.code(), lines.join(" "))
}

/// Roots of the system and of Mozilla, the configured authority, the configured certificate.
pub async fn tls_parameters(options: &EmailOptions) -> Result<TlsParameters, Failure> {
    let tls = &options.tls;
    let name = tls.server_name.clone().unwrap_or_else(|| options.smarthost_host.clone());
    let wrong = |error: Error| Failure::give_up(format!("the TLS settings cannot be used: {error}"));
    let mut builder = TlsParameters::builder(name).dangerous_accept_invalid_certs(tls.insecure_skip_verify);
    for certificate in rustls_native_certs::load_native_certs().certs {
        if let Ok(certificate) = Certificate::from_der(certificate.to_vec()) {
            builder = builder.add_root_certificate(certificate);
        }
    }
    if let Some(ca) = &tls.ca {
        builder = builder.add_root_certificate(Certificate::from_pem(pem(ca).await?.as_bytes()).map_err(wrong)?);
    }
    if let (Some(cert), Some(key)) = (&tls.cert, &tls.key) {
        let identity = Identity::from_pem(pem(cert).await?.as_bytes(), pem(key).await?.as_bytes());
        builder = builder.identify_with(identity.map_err(wrong)?);
    }
    builder.build().map_err(wrong)
}

async fn pem(source: &SecretSource) -> Result<String, Failure> {
    source.read().await.map(|text| text.expose().to_owned()).map_err(|error| prepare_failure(&error))
}
