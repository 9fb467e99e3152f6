//! The conversation with a mail server, step by step. What it refuses for good is not tried again soon; what it is too busy for is.

use std::future::Future;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::wire::{Broken, Reply, Wire};
use super::{Letter, cram};
use crate::alerts::notification::{Failure, FailureKind};
use crate::model::Secret;
use crate::notify::limits::SMTP_STEP_TIMEOUT;
use crate::notify::options::EmailOptions;
use crate::notify::reach::{connect, not_encrypted, shown};
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

/// What the server says it can do, as far as it matters here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Offers {
    starttls: bool,
    eight_bit: bool,
    utf8: bool,
    /// In capitals.
    auth: Vec<String>,
}

struct Conversation<'a> {
    options: &'a EmailOptions,
    wire: Wire,
    offers: Offers,
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
        drop(tokio::time::timeout(SMTP_STEP_TIMEOUT, self.wire.say("QUIT")).await);
    }
}

/// Hands the letter over.
pub async fn deliver(options: &EmailOptions, letter: &Letter, login: &Login, steps: &Steps, at: &mut Place) -> Result<Accepted, Failure> {
    at.0 = "connecting";
    let stream = connect(&options.smarthost_host, options.smarthost_port, steps).await?;
    let mut conversation = Conversation { options, wire: Wire::new(stream), offers: Offers::default(), steps, at };
    conversation.greet().await?;
    conversation.encrypt().await?;
    if !options.auth_username.is_empty() {
        conversation.log_in(login).await?;
    }
    let (said, refused) = conversation.hand_over(letter).await?;
    let note = if refused.is_empty() { String::new() } else { format!("; not delivered to {}", refused.join(", ")) };
    Ok(Accepted { said: said + &note, wire: conversation.wire })
}

impl Offers {
    fn read(reply: &Reply) -> Self {
        let mut offers = Self::default();
        // The first line is the greeting.
        for line in reply.lines.iter().skip(1) {
            let line = line.to_ascii_uppercase();
            let mut words = line.split_ascii_whitespace();
            match words.next().unwrap_or("") {
                "STARTTLS" => offers.starttls = true,
                "8BITMIME" => offers.eight_bit = true,
                "SMTPUTF8" => offers.utf8 = true,
                "AUTH" => offers.auth.extend(words.map(str::to_owned)),
                // As servers said it before RFC 2554.
                first => {
                    if let Some(mechanism) = first.strip_prefix("AUTH=") {
                        offers.auth.extend(std::iter::once(mechanism).chain(words).map(str::to_owned));
                    }
                }
            }
        }
        offers.auth.sort();
        offers.auth.dedup();
        offers
    }

    fn has(&self, mechanism: &str) -> bool {
        self.auth.iter().any(|offered| offered == mechanism)
    }

    fn show(&self) -> String {
        let mut known: Vec<String> = self.starttls.then(|| "STARTTLS".to_owned()).into_iter().collect();
        known.extend(self.auth.iter().map(|mechanism| format!("AUTH {mechanism}")));
        if known.is_empty() {
            "the server offers neither TLS nor a login".to_owned()
        } else {
            format!("the server offers {}", known.join(", "))
        }
    }
}

impl Conversation<'_> {
    async fn greet(&mut self) -> Result<(), Failure> {
        if self.options.force_implicit_tls.unwrap_or(self.options.smarthost_port == SMTPS_PORT) {
            self.at.0 = "TLS";
            self.shake_hands().await?;
        }
        self.at.0 = "the greeting";
        let greeting = within(self.at, self.wire.answer()).await?;
        self.steps.done(format!("the server greets: {}", greeting.show()));
        self.introduce().await
    }

    /// A server that is older than EHLO gets HELO, as RFC 5321 has it.
    async fn introduce(&mut self) -> Result<(), Failure> {
        let hello = if self.options.hello.is_empty() { "localhost" } else { self.options.hello.as_str() };
        self.at.0 = "EHLO";
        self.offers = match tokio::time::timeout(SMTP_STEP_TIMEOUT, self.wire.say(&format!("EHLO {hello}"))).await {
            Ok(Ok(reply)) => Offers::read(&reply),
            Ok(Err(Broken::Refused(reply))) if matches!(reply.code, 500..=504) => {
                self.at.0 = "HELO";
                self.say(&format!("HELO {hello}")).await?;
                Offers::default()
            }
            Ok(Err(broken)) => return Err(judge(self.at.0, &broken)),
            Err(_) => return Err(silence(self.at.0)),
        };
        self.steps.done(format!("introduced as {hello}; {}", self.offers.show()));
        Ok(())
    }

    async fn shake_hands(&mut self) -> Result<(), Failure> {
        let peer = within(self.at, self.wire.encrypt(&self.options.smarthost_host, &self.options.tls)).await?;
        self.steps.done(format!("encrypted ({})", shown(&peer)));
        Ok(())
    }

    async fn encrypt(&mut self) -> Result<(), Failure> {
        if self.wire.is_encrypted() {
            return Ok(());
        }
        let offered = self.offers.starttls;
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
        self.say("STARTTLS").await?;
        self.shake_hands().await?;
        // What was offered before may have been anybody's.
        self.introduce().await
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
        let challenge = self.say("AUTH CRAM-MD5").await?;
        let challenge = challenge.lines.first().cloned().unwrap_or_default();
        let answer = cram::answer(&self.options.auth_username, secret.expose(), &challenge)
            .ok_or_else(|| Failure::give_up("AUTH CRAM-MD5: the server's challenge is not base64"))?;
        let verdict = self.say(&answer).await?;
        self.logged_in("CRAM-MD5", &verdict)
    }

    /// PLAIN where offered, else LOGIN; a server that knows no login at all gets none, as upstream has it. A password is not sent in the
    /// clear to another machine by PLAIN, as upstream.
    async fn authenticate(&mut self, password: &Secret) -> Result<(), Failure> {
        let (plain, login) = (self.offers.has("PLAIN"), self.offers.has("LOGIN"));
        let user = &self.options.auth_username;
        let is_local = matches!(self.options.smarthost_host.as_str(), "localhost" | "127.0.0.1" | "::1");
        if self.offers.auth.is_empty() {
            self.steps.done("not logged in: the server offers no AUTH on this connection");
            return Ok(());
        }
        let may_plain = self.wire.is_encrypted() || is_local;
        self.at.0 = "AUTH";
        let encode = |text: &str| STANDARD.encode(text);
        if plain && may_plain {
            let token = encode(&format!("{}\0{user}\0{}", self.options.auth_identity, password.expose()));
            let mut verdict = self.say(&format!("AUTH PLAIN {token}")).await?;
            // One that wants to ask first.
            if verdict.code == 334 {
                verdict = self.say(&token).await?;
            }
            return self.logged_in("PLAIN", &verdict);
        }
        if login {
            self.say("AUTH LOGIN").await?;
            self.say(&encode(user)).await?;
            let verdict = self.say(&encode(password.expose())).await?;
            return self.logged_in("LOGIN", &verdict);
        }
        Err(Failure::give_up(if plain {
            "the password is not sent over a connection without encryption: set `require_tls: true` (smtp_require_tls)"
        } else if self.offers.has("CRAM-MD5") {
            "the server wants AUTH CRAM-MD5: set auth_secret (smtp_auth_secret) instead of auth_password"
        } else {
            "the server offers neither AUTH PLAIN nor AUTH LOGIN on this connection: check port and TLS"
        }))
    }

    fn logged_in(&self, mechanism: &str, verdict: &Reply) -> Result<(), Failure> {
        if verdict.code >= 300 {
            return Err(Failure::retry(format!("{}: the server asks on and on: {}", self.at.0, verdict.code)));
        }
        self.steps.done(format!("logged in as {} (AUTH {mechanism})", self.options.auth_username));
        Ok(())
    }

    /// Recipients that are refused are named; the mail goes to the others.
    async fn hand_over(&mut self, letter: &Letter) -> Result<(String, Vec<String>), Failure> {
        self.at.0 = "MAIL FROM";
        let mut sender = format!("MAIL FROM:<{}>", letter.from);
        if letter.to.iter().chain([&letter.from]).any(|address| !address.to_string().is_ascii()) {
            if !self.offers.utf8 {
                return Err(Failure::give_up(
                    "an address has letters beyond ASCII, and the server takes none such (no SMTPUTF8): use another",
                ));
            }
            sender += " SMTPUTF8";
        }
        if !letter.bytes.is_ascii() && self.offers.eight_bit {
            sender += " BODY=8BITMIME";
        }
        self.say(&sender).await?;
        self.steps.done(format!("sender {} accepted", letter.from));
        self.at.0 = "RCPT TO";
        let mut refused: Vec<(String, Failure)> = Vec::new();
        for to in &letter.to {
            match tokio::time::timeout(SMTP_STEP_TIMEOUT, self.wire.say(&format!("RCPT TO:<{to}>"))).await {
                Ok(Ok(_)) => self.steps.done(format!("recipient {to} accepted")),
                // 421 closes the conversation: nobody gets the mail.
                Ok(Err(broken @ Broken::Refused(_))) if !broken.closes() => {
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
        let invited = self.say("DATA").await?;
        if invited.code < 300 {
            return Err(Failure::retry(format!("DATA: the server answers {} and does not want the mail", invited.show())));
        }
        // Looking at a mail takes servers long: they have the rest of the time, for a mail that is given up here may be taken there.
        let said = self.wire.hand_over(&letter.bytes).await.map_err(|broken| judge("DATA", &broken))?.show();
        self.steps.done(format!("mail accepted: {said}"));
        Ok((said, refused.into_iter().map(|(to, failure)| format!("{to} ({failure})")).collect()))
    }

    async fn say(&mut self, command: &str) -> Result<Reply, Failure> {
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
        "the greeting" => " (is the port right? one that wants TLS from the first byte needs force_implicit_tls: true)",
        _ => "",
    };
    Failure::retry(format!("{step}: the mail server was silent for {} s{advice}", SMTP_STEP_TIMEOUT.as_secs()))
}

/// 5xx and a stranger's certificate are for good, all else may pass.
fn judge(step: &str, broken: &Broken) -> Failure {
    let detail = format!("{step}: {broken}");
    match broken {
        Broken::Tls(failure) => not_encrypted(failure),
        Broken::Refused(reply) if reply.code >= 500 => Failure::give_up(detail + advice(step, reply.code)),
        Broken::Refused(_) | Broken::Lost(_) => Failure::retry(detail),
    }
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
