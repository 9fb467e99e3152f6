//! What the providers' answers mean: delivered, worth another try (and when), or final.

use crate::alerts::notification::{Failure, FailureKind};
use crate::client::{ClientOptions, SecretSource};
use crate::model::{DurationMs, Secret};
use crate::notify::deliver::Provider;
use crate::notify::http::Answer;
use crate::notify::options::{
    DiscordOptions, MsteamsV2Options, PagerdutyKey, PagerdutyOptions, PushoverOptions, RocketchatOptions, Sending, SnsOptions, SnsTarget,
    TelegramOptions,
};
use crate::notify::{discord, msteams, pagerduty, pushover, rocketchat, sns, telegram, wechat};

fn secret() -> SecretSource {
    SecretSource::Inline(Secret::new("s"))
}

fn answer(status: u16, body: &str) -> Answer {
    Answer {
        status: reqwest::StatusCode::from_u16(status).unwrap(),
        is_json: body.starts_with('{'),
        body: body.to_owned(),
        retry_after: None,
        redirect: None,
    }
}

/// `ok`, `retry`, `retry N` with milliseconds, or `final`.
fn word(judged: Result<(), Failure>) -> String {
    match judged.map_err(|failure| failure.kind) {
        Ok(()) => "ok".to_owned(),
        Err(FailureKind::Retry { after: None }) => "retry".to_owned(),
        Err(FailureKind::Retry { after: Some(after) }) => format!("retry {}", after.0),
        Err(FailureKind::GiveUp) => "final".to_owned(),
    }
}

fn providers() -> Vec<(&'static str, Box<dyn Provider>)> {
    let sending = Sending { client: ClientOptions::default(), ..Sending::default() };
    let pagerduty = |key| PagerdutyOptions {
        sending: Sending::default(),
        key,
        url: String::new(),
        client: None,
        client_url: None,
        description: None,
        source: None,
        severity: String::new(),
        class: String::new(),
        component: String::new(),
        group: String::new(),
        details: serde_json::Map::new(),
        images: Vec::new(),
        links: Vec::new(),
    };
    let discord = DiscordOptions {
        sending: sending.clone(),
        webhook_url: secret(),
        title: None,
        message: None,
        content: String::new(),
        username: String::new(),
        avatar_url: String::new(),
    };
    let telegram = TelegramOptions {
        sending: sending.clone(),
        api_url: String::new(),
        bot_token: secret(),
        chat_id: secret(),
        message_thread_id: 0,
        message: None,
        disable_notifications: false,
        parse_mode: "HTML".to_owned(),
    };
    let teams = MsteamsV2Options { sending: sending.clone(), webhook_url: secret(), title: None, text: None };
    vec![
        ("pagerduty-v2", Box::new(pagerduty::Pagerduty(pagerduty(PagerdutyKey::Routing(secret()))))),
        ("pagerduty-v1", Box::new(pagerduty::Pagerduty(pagerduty(PagerdutyKey::Service(secret()))))),
        ("discord", Box::new(discord::Discord(discord))),
        ("telegram", Box::new(telegram::Telegram(telegram))),
        ("teams", Box::new(msteams::MsteamsV2(teams))),
        ("pushover", Box::new(pushover::Pushover(pushover_options(sending.clone())))),
        ("rocketchat", Box::new(rocketchat::Rocketchat(rocketchat_options(sending.clone())))),
        ("sns", Box::new(sns::Sns { options: sns_options(sending), clock: crate::clock::Clock::system() })),
    ]
}

fn pushover_options(sending: Sending) -> PushoverOptions {
    PushoverOptions {
        sending,
        user_key: secret(),
        token: secret(),
        title: None,
        message: None,
        url: None,
        url_title: String::new(),
        device: String::new(),
        sound: String::new(),
        priority: String::new(),
        retry: DurationMs::ZERO,
        expire: DurationMs::ZERO,
        ttl: DurationMs::ZERO,
        html: false,
        monospace: false,
    }
}

fn rocketchat_options(sending: Sending) -> RocketchatOptions {
    RocketchatOptions {
        sending,
        api_url: String::new(),
        token: secret(),
        token_id: secret(),
        channel: String::new(),
        title: None,
        title_link: None,
        text: None,
        color: None,
        emoji: None,
        icon_url: None,
        image_url: String::new(),
        thumb_url: String::new(),
        short_fields: false,
        fields: Vec::new(),
        actions: Vec::new(),
    }
}

fn sns_options(sending: Sending) -> SnsOptions {
    SnsOptions {
        sending,
        api_url: String::new(),
        region: "eu-west-1".to_owned(),
        access_key: String::new(),
        secret_key: Secret::default(),
        session_token: Secret::default(),
        target: SnsTarget::Topic(String::new()),
        subject: None,
        message: None,
        attributes: Vec::new(),
    }
}

#[test]
fn each_provider_says_no_in_its_own_way() {
    let cases = [
        ("pagerduty-v2", 202, "{}", "ok"),
        ("pagerduty-v2", 400, "invalid key", "final"),
        ("pagerduty-v2", 403, "", "final"),
        ("pagerduty-v2", 429, "", "retry"),
        ("pagerduty-v1", 403, "", "retry"),
        ("discord", 204, "", "ok"),
        ("discord", 429, r#"{"message":"You are being rate limited.","retry_after":1.337}"#, "retry 1337"),
        ("discord", 404, r#"{"message":"Unknown Webhook"}"#, "final"),
        ("telegram", 200, r#"{"ok":true}"#, "ok"),
        ("telegram", 429, r#"{"ok":false,"parameters":{"retry_after":9}}"#, "retry 9000"),
        ("telegram", 400, r#"{"ok":false,"description":"Bad Request: chat not found"}"#, "final"),
        ("telegram", 502, "", "retry"),
        ("teams", 202, "", "ok"),
        ("teams", 200, "1", "ok"),
        ("teams", 200, "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 with ...", "retry"),
        ("teams", 200, "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 404", "final"),
        ("pushover", 200, r#"{"status":1}"#, "ok"),
        ("pushover", 400, r#"{"status":0,"errors":["user identifier is invalid"]}"#, "final"),
        ("pushover", 429, "", "final"),
        ("pushover", 500, "", "retry"),
        ("rocketchat", 200, r#"{"success":true}"#, "ok"),
        ("rocketchat", 200, "<!DOCTYPE html><title>Sign in</title>", "retry"),
        ("rocketchat", 429, r#"{"success":false,"error":"You must wait 7 seconds before trying this endpoint again."}"#, "retry 7000"),
        ("pushover", 200, " \n<HTML>", "retry"),
        ("rocketchat", 200, r#"{"success":false,"error":"error-invalid-channel"}"#, "final"),
        ("rocketchat", 200, r#"{"success":false,"error":"error-too-many-requests"}"#, "retry"),
        ("sns", 200, "<PublishResponse/>", "ok"),
        ("sns", 400, "<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>", "retry"),
        ("sns", 403, "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code></Error></ErrorResponse>", "final"),
    ];
    let providers = providers();
    for (name, status, body, expected) in cases {
        let (_, provider) = providers.iter().find(|(known, _)| *known == name).unwrap();
        assert_eq!(word(provider.judge(&answer(status, body))), expected, "{name} {status} {body}");
    }
}

#[test]
fn wechats_codes_are_understood() {
    let judged = |status, body| wechat::judge(&answer(status, body)).map_err(|(failure, worn)| (word(Err(failure)), worn));
    assert_eq!(judged(200, r#"{"errcode":0}"#), Ok(()));
    assert_eq!(judged(200, r#"{"errcode":42001,"errmsg":"access_token expired"}"#), Err(("retry".to_owned(), true)));
    assert_eq!(judged(200, r#"{"errcode":45009}"#), Err(("retry".to_owned(), false)));
    assert_eq!(judged(200, r#"{"errcode":40003}"#), Err(("final".to_owned(), false)));
    assert_eq!(judged(500, ""), Err(("retry".to_owned(), false)));
}
