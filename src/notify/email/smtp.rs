//! The conversation with a mail server, step by step. What it refuses for good is not tried again soon; what it is too busy for is.

use std::fmt::Display;
use std::future::Future;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use lettre::transport::smtp::authentication::Mechanism;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Starttls};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter, ServerInfo};
use lettre::transport::smtp::response::Response;
use tokio::net::TcpStream;

use super::wire::{Broken, Wire};
use super::{Letter, cram};
use crate::alerts::notification::{Failure, FailureKind};
use crate::client::encrypt;
use crate::model::Secret;
use crate::notify::limits::{SMTP_SHOWN_MAX, SMTP_STEP_TIMEOUT};
use crate::notify::options::EmailOptions;
use crate::notify::reach::{connect, not_encrypted, shown};
use crate::notify::steps::Steps;

/// The port of implicit TLS.
const SMTPS_PORT: u16 = 465;
const GREETING: &str = "greeting and EHLO";

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
    wire: Wire,
    offers: ServerInfo,
    hello: ClientId,
    steps: &'a Steps,
    at: &'a mut Place,
}

/// A server that has the mail: what it said last, and the connection, to take leave of it.
pub struct Accepted {
    pub said: String,
    wire: Wire,
}

impl Accepted {
    /// Politeness only: whatever comes of it, the mail is accepted.
    pub async fn leave(mut self) {
        drop(tokio::time::timeout(SMTP_STEP_TIMEOUT, self.wire.leave()).await);
    }
}

/// Hands the letter over.
pub async fn deliver(options: &EmailOptions, letter: &Letter, login: &Login, steps: &Steps, at: &mut Place) -> Result<Accepted, Failure> {
    at.0 = "connecting";
    let stream = connect(&options.smarthost_host, options.smarthost_port, steps).await?;
    let mut conversation = Conversation::begin(options, stream, steps, at).await?;
    conversation.encrypt().await?;
    if !options.auth_username.is_empty() {
        conversation.log_in(login).await?;
    }
    let (said, refused) = conversation.hand_over(letter).await?;
    let note = if refused.is_empty() { String::new() } else { format!("; not delivered to {}", refused.join(", ")) };
    Ok(Accepted { said: said + &note, wire: conversation.wire })
}

/// What the server can do, as far as it matters here.
fn offers(info: &ServerInfo) -> String {
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

impl<'a> Conversation<'a> {
    /// Up to the server's list of what it can do.
    async fn begin(options: &'a EmailOptions, stream: TcpStream, steps: &'a Steps, at: &'a mut Place) -> Result<Self, Failure> {
        let hello = ClientId::Domain(if options.hello.is_empty() { "localhost".to_owned() } else { options.hello.clone() });
        let wire = if options.force_implicit_tls.unwrap_or(options.smarthost_port == SMTPS_PORT) {
            at.0 = "TLS";
            let shaken = async { encrypt(stream, &options.smarthost_host, &options.tls).await.map_err(Broken::Tls) };
            let (stream, peer) = within(at, shaken).await?;
            steps.done(format!("encrypted ({})", shown(&peer)));
            at.0 = GREETING;
            within(at, Wire::greet_encrypted(stream, &hello)).await?
        } else {
            at.0 = GREETING;
            within(at, Wire::greet(stream, &hello)).await?
        };
        let offered = wire.known().clone();
        steps.done(format!("greeted as {hello}; {}", offers(&offered)));
        Ok(Self { options, wire, offers: offered, hello, steps, at })
    }

    async fn encrypt(&mut self) -> Result<(), Failure> {
        if self.wire.is_encrypted() {
            return Ok(());
        }
        let offered = self.offers.supports_feature(Extension::StartTls);
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
        self.say(Starttls).await?;
        let peer = within(self.at, self.wire.encrypt(&self.options.smarthost_host, &self.options.tls)).await?;
        self.steps.done(format!("encrypted ({})", shown(&peer)));
        // What was offered before may have been anybody's.
        self.at.0 = "EHLO";
        let said = within(self.at, self.wire.introduce(&self.hello)).await?;
        self.offers = ServerInfo::from_response(&said).map_err(|error| judge(self.at.0, &error.into()))?;
        self.steps.done(offers(&self.offers));
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
        let challenge = self.say("AUTH CRAM-MD5\r\n").await?;
        let challenge = challenge.first_line().unwrap_or("").to_owned();
        let answer = cram::answer(&self.options.auth_username, secret.expose(), &challenge)
            .ok_or_else(|| Failure::give_up("AUTH CRAM-MD5: the server's challenge is not base64"))?;
        let verdict = self.say(format!("{answer}\r\n")).await?;
        self.logged_in("CRAM-MD5", &verdict)
    }

    /// PLAIN where offered, else LOGIN; a server that knows no login at all gets none, as upstream has it. A password is not sent in the
    /// clear to another machine by PLAIN, as upstream.
    async fn authenticate(&mut self, password: &Secret) -> Result<(), Failure> {
        let (plain, login) = (self.offers.supports_auth_mechanism(Mechanism::Plain), self.offers.supports_auth_mechanism(Mechanism::Login));
        let user = &self.options.auth_username;
        let is_local = matches!(self.options.smarthost_host.as_str(), "localhost" | "127.0.0.1" | "::1");
        if !plain && !login && !self.offers_other_logins().await? {
            self.steps.done("not logged in: the server offers no AUTH on this connection");
            return Ok(());
        }
        let may_plain = self.wire.is_encrypted() || is_local;
        self.at.0 = "AUTH";
        let encode = |text: &str| STANDARD.encode(text);
        if plain && may_plain {
            let token = encode(&format!("{}\0{user}\0{}", self.options.auth_identity, password.expose()));
            let mut verdict = self.say(format!("AUTH PLAIN {token}\r\n")).await?;
            // One that wants to ask first.
            if verdict.has_code(334) {
                verdict = self.say(format!("{token}\r\n")).await?;
            }
            return self.logged_in("PLAIN", &verdict);
        }
        if login {
            self.say("AUTH LOGIN\r\n").await?;
            self.say(format!("{}\r\n", encode(user))).await?;
            let verdict = self.say(format!("{}\r\n", encode(password.expose()))).await?;
            return self.logged_in("LOGIN", &verdict);
        }
        Err(Failure::give_up(if plain {
            "the password is not sent over a connection without encryption: set `require_tls: true` (smtp_require_tls)"
        } else {
            "the server offers neither AUTH PLAIN nor AUTH LOGIN on this connection: check port and TLS; for AUTH CRAM-MD5 set auth_secret \
             (smtp_auth_secret) instead of auth_password"
        }))
    }

    /// Whether there is any other way to log in: lettre knows three.
    async fn offers_other_logins(&mut self) -> Result<bool, Failure> {
        let said = within(self.at, self.wire.introduce(&self.hello)).await?;
        Ok(said.message().any(|line| line.split_whitespace().next() == Some("AUTH")))
    }

    fn logged_in(&self, mechanism: &str, verdict: &Response) -> Result<(), Failure> {
        if asks_on(verdict) {
            return Err(Failure::retry(format!("{}: the server asks on and on: {}", self.at.0, verdict.code())));
        }
        self.steps.done(format!("logged in as {} (AUTH {mechanism})", self.options.auth_username));
        Ok(())
    }

    /// Recipients that are refused are named; the mail goes to the others.
    async fn hand_over(&mut self, letter: &Letter) -> Result<(String, Vec<String>), Failure> {
        self.at.0 = "MAIL FROM";
        let mut parameters = Vec::new();
        if letter.to.iter().chain([&letter.from]).any(|address| !address.to_string().is_ascii()) {
            if !self.offers.supports_feature(Extension::SmtpUtfEight) {
                return Err(Failure::give_up(
                    "an address has letters beyond ASCII, and the server takes none such (no SMTPUTF8): use another",
                ));
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        if !letter.bytes.is_ascii() && self.offers.supports_feature(Extension::EightBitMime) {
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        self.say(Mail::new(Some(letter.from.clone()), parameters)).await?;
        self.steps.done(format!("sender {} accepted", letter.from));
        self.at.0 = "RCPT TO";
        let mut refused: Vec<(String, Failure)> = Vec::new();
        for to in &letter.to {
            match tokio::time::timeout(SMTP_STEP_TIMEOUT, self.wire.say(Rcpt::new(to.clone(), Vec::new()))).await {
                Ok(Ok(_)) => self.steps.done(format!("recipient {to} accepted")),
                // 421 closes the conversation: nobody gets the mail.
                Ok(Err(broken)) if broken.code().is_some_and(|code| code != 421) => {
                    let failure = judge(self.at.0, &broken);
                    self.steps.failed(format!("recipient {to} refused: {failure}"));
                    refused.push((to.to_string(), failure));
                }
                Ok(Err(broken)) => return Err(judge(self.at.0, &broken)),
                Err(_) => return Err(silence(self.at.0)),
            }
        }
        if refused.len() == letter.to.len() {
            let detail = refused.iter().map(|(to, failure)| format!("recipient {to} refused: {failure}")).collect::<Vec<_>>().join("; ");
            // One that is only busy is a reason to come back.
            let passes = refused.iter().find(|(_, failure)| failure.kind != FailureKind::GiveUp);
            let kind = passes.map_or(FailureKind::GiveUp, |(_, failure)| failure.kind);
            return Err(Failure { kind, detail });
        }
        self.at.0 = "DATA";
        let invited = self.say(Data).await?;
        if !asks_on(&invited) {
            return Err(Failure::retry(format!("DATA: the server answers {} and does not want the mail", show(&invited))));
        }
        // Looking at a mail takes servers long: they have the rest of the time, for a mail that is given up here may be taken there.
        let said = show(&self.wire.hand_over(&letter.bytes).await.map_err(|broken| judge("DATA", &broken))?);
        self.steps.done(format!("mail accepted: {said}"));
        Ok((said, refused.into_iter().map(|(to, failure)| format!("{to} ({failure})")).collect()))
    }

    async fn say(&mut self, command: impl Display) -> Result<Response, Failure> {
        within(self.at, self.wire.say(command)).await
    }
}

/// One step with its deadline; its failure names it.
async fn within<T>(at: &Place, step: impl Future<Output = Result<T, Broken>>) -> Result<T, Failure> {
    match tokio::time::timeout(SMTP_STEP_TIMEOUT, step).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(broken)) => Err(judge(at.0, &broken)),
        Err(_) => Err(silence(at.0)),
    }
}

fn silence(step: &str) -> Failure {
    let advice = match step {
        GREETING => " (is the port right? one that wants TLS from the first byte needs force_implicit_tls: true)",
        _ => "",
    };
    Failure::retry(format!("{step}: the mail server was silent for {} s{advice}", SMTP_STEP_TIMEOUT.as_secs()))
}

/// 5xx and a stranger's certificate are for good, all else may pass.
fn judge(step: &str, broken: &Broken) -> Failure {
    let detail = format!("{step}: {broken}");
    match (broken, broken.code()) {
        (Broken::Tls(failure), _) => not_encrypted(failure),
        (_, Some(code @ 500..)) => Failure::give_up(detail + advice(step, code)),
        _ => Failure::retry(detail),
    }
}

/// Answers of 3xx.
fn asks_on(response: &Response) -> bool {
    u16::from(response.code()) >= 300
}

/// For the ledger: `250 kept`.
fn show(response: &Response) -> String {
    let text: String = response.message().collect::<Vec<_>>().join(" ").chars().filter(|c| !c.is_control()).take(SMTP_SHOWN_MAX).collect();
    format!("{} {text}", response.code())
}

/// What to do about the refusals that people meet.
fn advice(step: &str, code: u16) -> &'static str {
    match (step, code) {
        // RFC 4954: a wrong name or password, and one that may not log in this way.
        (_, 535) if step.starts_with("AUTH") => " (check auth_username and auth_password; some services want a password made for programs)",
        (_, 530) => " (the server wants a login, set auth_username and auth_password, or encryption first, set require_tls)",
        (_, 538) => " (the server wants encryption first: set require_tls, smtp_require_tls)",
        ("MAIL FROM", _) => " (check `from`: the server may take only the address of who is logged in)",
        ("RCPT TO", 550 | 551 | 553) => " (check `to`, and whether this server takes mails for it from here)",
        ("RCPT TO", 554) => " (check whether this server takes mails from here: auth_username and auth_password)",
        _ => "",
    }
}
