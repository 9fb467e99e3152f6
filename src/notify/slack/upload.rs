//! Charts in the thread of a message that Slack has taken already: asked for an address, sent there, and shared. Slack works on an
//! uploaded file for some seconds before a message may show it, so that waiting for it would delay the message; a thread takes it at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::header::AUTHORIZATION;
use serde_json::{Value, json};

use super::{Posted, judge};
use crate::alerts::notification::{Failure, Notification};
use crate::model::Secret;
use crate::notify::deliver::Desk;
use crate::notify::evidence::Chart;
use crate::notify::http::Request;
use crate::notify::limits::UPLOAD_TIME_MAX;
use crate::notify::query;
use crate::notify::steps::Steps;

const METHOD: &str = "chat.postMessage";
const FORM: &str = "application/x-www-form-urlencoded";

/// What is needed to share charts below one message.
pub struct Upload {
    pub desk: Arc<Desk>,
    /// Of `chat.postMessage`.
    pub url: Secret,
    pub bearer: Option<Secret>,
    pub posted: Posted,
    pub charts: Vec<Chart>,
    pub notification: Arc<Notification>,
    /// The app may not: it is not asked again before the next reload.
    pub forbidden: Arc<AtomicBool>,
}

/// Whether this is the address of an app, which may upload; an incoming webhook may not.
pub fn is_app(url: &str) -> bool {
    url.ends_with(METHOD)
}

impl Upload {
    /// The message is out already: what fails here is told, and nothing else comes of it.
    pub async fn run(self, steps: &Steps) {
        let shared = match tokio::time::timeout(UPLOAD_TIME_MAX, self.share(steps)).await {
            Ok(shared) => shared,
            Err(_) => Err(Failure::retry(format!("not done within {} s", UPLOAD_TIME_MAX.as_secs()))),
        };
        let outcome = if shared.is_ok() { "shared" } else { "failed" };
        match shared {
            Ok(()) => steps.done("the chart is in the message's thread"),
            Err(failure) => {
                let is_final =
                    ["missing_scope", "not_allowed_token_type", "no_permission"].iter().any(|word| failure.detail.contains(word));
                if is_final && !self.forbidden.swap(true, Ordering::Relaxed) {
                    tracing::warn!(receiver = %self.notification.receiver, %failure, "no charts in Slack until the next reload");
                }
                steps.done(format!("the message goes without its chart: {failure}"));
            }
        }
        let help = "Attempts to put charts into the thread of a Slack message, by what came of it.";
        self.desk.texts.registry().counter("promlet_notification_chart_uploads_total", help, &[("outcome", outcome)]).inc();
    }

    async fn share(&self, steps: &Steps) -> Result<(), Failure> {
        let mut files = Vec::new();
        for (n, chart) in self.charts.iter().enumerate() {
            let name = format!("chart-{}.png", n + 1);
            let pairs = [("filename", name), ("length", chart.png.len().to_string()), ("alt_txt", chart.alt.clone())];
            let form = query::form(pairs.map(|(key, value)| (key.to_owned(), value)).to_vec());
            let request = Request { content_type: FORM, ..Request::json(self.method("files.getUploadURLExternal"), form) };
            let place = self.ask(request, steps).await?;
            let (Some(url), Some(id)) = (place["upload_url"].as_str(), place["file_id"].as_str()) else {
                return Err(Failure::retry("files.getUploadURLExternal: an answer without upload_url and file_id"));
            };
            steps.done("Slack has room for the chart");
            let request = Request { content_type: "image/png", body: chart.png.clone(), ..Request::json(url, String::new()) };
            self.desk.send(request, &self.notification, steps).await?.judge()?;
            files.push(json!({"id": id, "title": chart.alt}));
        }
        let body = json!({"files": files, "channel_id": self.posted.channel, "thread_ts": self.posted.ts});
        self.ask(Request::json(self.method("files.completeUploadExternal"), body.to_string()), steps).await.map(drop)
    }

    fn method(&self, name: &str) -> String {
        self.url.expose().replace(METHOD, name)
    }

    async fn ask(&self, mut request: Request, steps: &Steps) -> Result<Value, Failure> {
        if let Some(token) = &self.bearer {
            request = request.header(AUTHORIZATION, format!("Bearer {}", token.expose()));
        }
        let answer = self.desk.send(request, &self.notification, steps).await?;
        judge(&answer)?;
        Ok(answer.json())
    }
}
