//! What a token's server answers (RFC 6749, sections 5.1 and 5.2), also as the form that some servers send.

use std::time::Duration;

use serde_json::{Map, Value};

use super::oauth2::Answer;
use crate::model::Secret;

/// A token, ready to be sent.
pub(super) struct Token {
    /// The value of `Authorization`.
    pub header: Secret,
    /// None where the server does not say.
    pub lasts: Option<Duration>,
}

/// The token of an answer with a good status, or why there is none; a body that may hold a token is never shown.
pub(super) fn read(answer: &Answer) -> Result<Token, String> {
    let fields = fields(answer)?;
    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or("");
    if !text("error").is_empty() {
        return Err(format!("{:?} {}", text("error"), text("error_description")).trim_end().to_owned());
    }
    let token = text("access_token");
    if token.is_empty() {
        return Err("server response missing access_token".to_owned());
    }
    let expires = fields.get("expires_in");
    let seconds = expires.and_then(Value::as_f64).or_else(|| text("expires_in").parse().ok());
    let lasts = seconds.filter(|seconds| *seconds >= 1.0).map(|seconds| Duration::from_secs(seconds as u64));
    let scheme = match text("token_type").to_ascii_lowercase().as_str() {
        "" | "bearer" => "Bearer",
        "mac" => "MAC",
        "basic" => "Basic",
        _ => text("token_type"),
    };
    Ok(Token { header: Secret::new(format!("{scheme} {token}")), lasts })
}

fn fields(answer: &Answer) -> Result<Map<String, Value>, String> {
    if answer.is_form {
        let pairs = answer.text.trim().split('&').filter_map(|pair| pair.split_once('='));
        return Ok(pairs.map(|(name, value)| (unescaped(name), Value::from(unescaped(value)))).collect());
    }
    match serde_json::from_str(&answer.text) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err("the answer is no JSON object".to_owned()),
        Err(error) => Err(format!("cannot parse json: {error}")),
    }
}

fn unescaped(text: &str) -> String {
    let (bytes, mut out, mut at) = (text.as_bytes(), Vec::new(), 0);
    while at < bytes.len() {
        let coded = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%').and_then(|hex| u8::from_str_radix(hex, 16).ok());
        out.push(coded.unwrap_or(if bytes[at] == b'+' { b' ' } else { bytes[at] }));
        at += if coded.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}
