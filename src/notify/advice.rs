//! What to do about a refusal: a sentence for each that people meet, by provider, status and a word of the answer.

use super::http::Answer;
use crate::alerts::notification::{Failure, FailureKind};
use crate::model::TimestampMs;

/// Kind, status (0 for any), a part of the body, and the way out. The first that fits is said.
const KNOWN: [(&str, u16, &str, &str); 46] = [
    ("pushover", 400, "token is invalid", "correct `token`: the API token of the application"),
    ("pushover", 400, "user", "correct `user_key`: that of the user or group"),
    ("pushover", 400, "device", "correct `device`: the name that the user gave it"),
    ("victorops", 404, "", "correct `api_key` and `routing_key`: those of the REST integration"),
    ("sns", 403, "SignatureDoesNotMatch", "correct `sigv4.secret_key`, and look whether this machine's clock is right"),
    ("sns", 403, "InvalidClientTokenId", "correct `sigv4.access_key`"),
    ("sns", 403, "ExpiredToken", "the session's keys have expired: use new ones"),
    ("sns", 403, "AuthorizationError", "allow `sns:Publish` on this target to the owner of the key"),
    ("sns", 404, "", "correct `topic_arn` or `target_arn`, and `sigv4.region`"),
    ("sns", 400, "InvalidParameter", "correct `topic_arn`, `phone_number` or `target_arn`, and `sigv4.region`"),
    ("msteamsv2", 401, "", "the workflow wants to know who calls: copy the webhook's whole URL, and let anyone trigger it"),
    ("msteamsv2", 404, "", "there is no such workflow: make one and copy its webhook's URL"),
    ("msteamsv2", 400, "TriggerIsNotEnabled", "the workflow is turned off: turn it on"),
    ("msteams", 0, "", "connectors are retired: make a workflow, and use `msteamsv2_configs`"),
    ("rocketchat", 401, "", "correct `token_id`, the user's id, and `token`"),
    ("rocketchat", 400, "channel", "correct `channel`, and add the user to it"),
    ("rocketchat", 400, "not-allowed", "add the user to the channel, or let it write there"),
    ("mattermost", 400, "incoming_webhook.invalid", "there is no such webhook: make one and copy its URL"),
    ("mattermost", 403, "", "the webhook may not write there: look at its settings, and at `channel`"),
    ("mattermost", 404, "channel", "correct `channel`: its name in the address, without `#`"),
    ("incidentio", 401, "", "correct `alert_source_token`"),
    ("incidentio", 404, "", "correct `url`: that of the alert source"),
    ("ntfy", 401, "", "correct `token`, or name and password in `http_config.basic_auth`"),
    ("ntfy", 403, "", "let this user write to the topic, or say who it is with `token`"),
    ("ntfy", 400, "topic", "correct `topic`: letters, digits, `_` and `-` alone"),
    ("ntfy", 404, "", "correct `url`: the server's address, without the topic"),
    ("ntfy", 405, "", "correct `url`: the server's address, without the topic"),
    ("gotify", 401, "", "correct `token`: that of an application, not of a client"),
    ("gotify", 403, "", "correct `token`: that of an application, not of a client"),
    ("gotify", 404, "", "correct `url`: the server's address, without `/message`"),
    ("discord", 401, "", "there is no such webhook: make one and copy its URL"),
    ("discord", 404, "", "there is no such webhook: make one and copy its URL"),
    ("pagerduty", 400, "", "correct `routing_key`: the integration key of the service"),
    ("opsgenie", 422, "", "correct `api_key`, and `api_url` where the account lies in the EU"),
    ("opsgenie", 401, "", "correct `api_key`, that of an API integration, and `api_url` where the account lies in the EU"),
    ("webex", 401, "", "correct `http_config.authorization`: the access token of the bot"),
    ("webex", 404, "", "correct `room_id`, and add the bot to the room"),
    ("slack", 0, "no_service", "there is no such webhook any more: make one and copy its URL"),
    ("slack", 0, "no_team", "there is no such webhook any more: make one and copy its URL"),
    ("slack", 0, "no_active_hooks", "the webhook is turned off: turn it on, or make another"),
    ("slack", 0, "invalid_token", "the webhook's URL is not whole: copy it again"),
    ("slack", 0, "is_archived", "the channel is archived: choose another"),
    ("slack", 0, "action_prohibited", "an administrator forbids this: let the app post to the channel"),
    ("slack", 404, "channel_not_found", "correct `channel`"),
    ("webhook", 404, "", "correct the path of `url`"),
    ("webhook", 405, "", "correct the path of `url`: what is there takes no POST"),
];

/// Where nothing is known of the provider's own words.
const USUAL: [(u16, &str); 4] = [
    (401, "the server does not believe the credentials: correct them"),
    (403, "the server does not allow it: correct the credentials, or what they may do"),
    (404, "nothing is there: correct the address"),
    (413, "the message is too large for the server"),
];

/// The failure with the way out, where there is one.
pub fn with_advice(kind: &str, answer: &Answer, failure: Failure) -> Failure {
    if failure.kind != FailureKind::GiveUp || failure.detail.ends_with(')') {
        return failure;
    }
    let status = answer.status.as_u16();
    let fits = |one: &&(&str, u16, &str, &str)| one.0 == kind && (one.1 == status || one.1 == 0) && answer.body.contains(one.2);
    let known = KNOWN.iter().find(fits).map(|(.., advice)| *advice);
    let usual = || USUAL.iter().find(|(usual, _)| *usual == status).map(|(_, advice)| *advice);
    match known.or_else(usual) {
        Some(advice) => Failure { detail: format!("{} ({advice})", failure.detail), ..failure },
        None => failure,
    }
}

/// The way out where the other side's certificate is not believed: a refusal for good.
pub fn certificate(detail: &str) -> Option<&'static str> {
    let known = [
        (
            "CaUsedAsEndEntity",
            "the certificate is signed by itself: name it in tls_config.ca_file, or give the server one that an authority signed",
        ),
        ("certificate expired", "renew the certificate on the server, if this machine's clock is right"),
        ("not valid yet", "look at the clocks of both machines"),
        ("not valid for name", "call the server by a name that its certificate has, or write one into tls_config.server_name"),
        ("NotValidForName", "call the server by a name that its certificate has, or write one into tls_config.server_name"),
        ("invalid peer certificate", "name its authority in tls_config.ca_file, or set tls_config.insecure_skip_verify"),
    ];
    known.into_iter().find(|(part, _)| detail.contains(part)).map(|(_, advice)| advice)
}

/// A note for connections that did not come to be or broke.
pub fn connection(detail: &str) -> &'static str {
    let known = [
        ("Connection refused", " (nothing listens there: is the server up, and the port right?)"),
        ("No route to host", " (is the machine on, and in this network?)"),
        ("Network is unreachable", " (is this machine connected?)"),
        ("failed to lookup address", " (is the name right, and does this machine have DNS?)"),
        (
            "InvalidContentType",
            " (no TLS is spoken there: is the port right? otherwise take http://, or for mail force_implicit_tls: false)",
        ),
        ("invalid HTTP version parsed", " (no HTTP is spoken there: is the port right, or does it want https://?)"),
        ("proxy authorization required", " (the proxy wants a user and a password: write them into proxy_url)"),
        ("tunnel error", " (the proxy does not connect to the server)"),
        ("connection closed before message completed", " (the server hung up without an answer: does the port want https://?)"),
    ];
    known.into_iter().find(|(part, _)| detail.contains(part)).map_or("", |(_, advice)| advice)
}

/// Times of certificates as a person writes them.
pub fn readable(detail: &str) -> String {
    let Some((before, numbers)) = detail.split_once("verification time ") else { return detail.to_owned() };
    let said =
        [("is not valid after ", "it was good until"), ("is not valid before ", "it is good from")].into_iter().find_map(|(mark, said)| {
            let (_, rest) = numbers.split_once(mark)?;
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            let at = TimestampMs(digits.parse::<i64>().ok()?.checked_mul(1000)?);
            Some(format!("{before}{said} {}", at.rfc3339()))
        });
    said.unwrap_or_else(|| detail.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_with_a_way_out() {
        let answer = |status: u16, body: &str| Answer {
            status: reqwest::StatusCode::from_u16(status).unwrap(),
            is_json: false,
            body: body.to_owned(),
            retry_after: None,
            redirect: None,
        };
        let said = |kind: &str, status: u16, body: &str| {
            let answer = answer(status, body);
            with_advice(kind, &answer, answer.judge().unwrap_err()).detail
        };
        assert!(said("gotify", 401, "{}").ends_with("(correct `token`: that of an application, not of a client)"));
        assert!(said("slack", 403, "invalid_token").ends_with("copy it again)"));
        assert!(said("webhook", 401, "").ends_with("correct them)"));
        assert_eq!(said("webhook", 400, "no"), "HTTP 400 Bad Request: no");
        assert_eq!(said("gotify", 503, ""), "HTTP 503 Service Unavailable", "that passes by itself");
    }

    #[test]
    fn certificates_are_told_in_dates_and_with_a_way_out() {
        let expired = "invalid peer certificate: certificate expired: verification time 1795265780 (UNIX), but certificate is not valid \
                       after 1706745600 (88520180 seconds ago)";
        assert_eq!(readable(expired), "invalid peer certificate: certificate expired: it was good until 2024-02-01T00:00:00Z");
        assert!(certificate(expired).unwrap().starts_with("renew"));
        assert!(certificate("invalid peer certificate: UnknownIssuer").unwrap().contains("ca_file"));
        assert!(certificate("invalid peer certificate: certificate not valid for name \"a\"").unwrap().contains("server_name"));
        assert_eq!(certificate("Connection refused"), None);
    }
}
