//! Amazon SNS: `Publish`, signed by Signature Version 4.

mod signature;

use reqwest::header::{AUTHORIZATION, HeaderName};

use super::cut;
use super::deliver::Provider;
use super::group_id;
use super::http::{Answer, Request};
use super::limits::{SNS_MESSAGE_BYTES_MAX, SNS_PHONE_BYTES_MAX, SNS_SUBJECT_MAX};
use super::options::{SnsOptions, SnsTarget};
use super::query;
use super::texts::Rendering;
use super::words;
use crate::alerts::notification::{Failure, Notification};
use crate::client::SecretSource;
use crate::clock::Clock;
use crate::model::Secret;

use signature::{Credentials, sign};

const FORM: &str = "application/x-www-form-urlencoded";

pub struct Sns {
    pub options: SnsOptions,
    pub clock: Clock,
}

impl Sns {
    /// The form, as AWS's query protocol numbers its parts.
    pub fn form(&self, notification: &Notification, write: &mut Rendering<'_>) -> Result<String, Failure> {
        let options = &self.options;
        let mut pairs = vec![("Action", "Publish".to_owned()), ("Version", "2010-03-31".to_owned())];
        let mut longest = SNS_MESSAGE_BYTES_MAX;
        match &options.target {
            SnsTarget::Topic(template) => {
                let topic = write.strict("topic_arn", template)?;
                if topic.ends_with(".fifo") {
                    let group = group_id::of(notification);
                    pairs.extend([("MessageDeduplicationId", group.clone()), ("MessageGroupId", group)]);
                }
                pairs.push(("TopicArn", topic));
            }
            SnsTarget::Phone(template) => {
                pairs.push(("PhoneNumber", write.strict("phone_number", template)?));
                longest = SNS_PHONE_BYTES_MAX;
            }
            SnsTarget::Target(template) => pairs.push(("TargetArn", write.strict("target_arn", template)?)),
        }
        let subject = write.field("subject", options.subject.as_deref(), || words::title(notification));
        if !subject.is_empty() {
            pairs.push(("Subject", words::clip(&subject, SNS_SUBJECT_MAX)));
        }
        let mut attributes: Vec<(String, String)> = options
            .attributes
            .iter()
            .map(|(name, template)| (name.clone(), write.part(&format!("attributes.{name}"), template)))
            .filter(|(_, value)| !value.is_empty())
            .collect();
        let ours = || match options.target {
            SnsTarget::Phone(_) => words::plain::brief(notification),
            _ => words::plain::text(notification, &[]),
        };
        let mut message = write.field("message", options.message.as_deref(), ours);
        if !write.problems.is_empty() {
            message = cut::with_remarks(message, &write.remarks(), longest, cut::bytes);
        }
        if message.len() > longest {
            message = cut::prefix(&message, longest).to_owned();
            attributes.push(("truncated".to_owned(), "true".to_owned()));
        }
        pairs.push(("Message", message));
        attributes.sort();
        let mut form: Vec<(String, String)> = pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        for (number, (name, value)) in attributes.into_iter().enumerate() {
            let entry = format!("MessageAttributes.entry.{}", number + 1);
            form.push((format!("{entry}.Name"), name));
            form.push((format!("{entry}.Value.DataType"), "String".to_owned()));
            form.push((format!("{entry}.Value.StringValue"), value));
        }
        Ok(query::form(form))
    }

    fn url(&self, write: &Rendering<'_>) -> Result<String, Failure> {
        let given = write.strict("api_url", &self.options.api_url)?;
        let region = &self.options.region;
        Ok(match (given.is_empty(), region.starts_with("cn-")) {
            (false, _) => given,
            (true, true) => format!("https://sns.{region}.amazonaws.com.cn/"),
            (true, false) => format!("https://sns.{region}.amazonaws.com/"),
        })
    }
}

impl Provider for Sns {
    fn kind(&self) -> &'static str {
        "sns"
    }

    fn secrets(&self) -> Vec<&SecretSource> {
        Vec::new()
    }

    fn compose(&self, _: &[Secret], notification: &Notification, write: &mut Rendering<'_>) -> Result<Vec<Request>, Failure> {
        let (body, url) = (self.form(notification, write)?, self.url(write)?);
        let credentials = Credentials {
            access_key: &self.options.access_key,
            secret_key: self.options.secret_key.expose(),
            token: self.options.session_token.expose(),
            region: &self.options.region,
            service: "sns",
        };
        let url_parts = reqwest::Url::parse(&url).map_err(|error| Failure::give_up(format!("api_url is no URL: {error}")))?;
        let signed = sign(&credentials, "POST", &url_parts, &[("content-type", FORM)], &body, self.clock.now());
        let mut request = Request { content_type: FORM, ..Request::json(url, body) }
            .header(AUTHORIZATION, signed.authorization)
            .header(HeaderName::from_static("x-amz-date"), signed.date);
        if !credentials.token.is_empty() {
            request = request.header(HeaderName::from_static("x-amz-security-token"), credentials.token);
        }
        Ok(vec![request])
    }

    /// Too many calls are a 400 with a word of their own.
    fn judge(&self, answer: &Answer) -> Result<(), Failure> {
        if answer.body.contains("<Code>Throttl") {
            return Err(answer.retry());
        }
        answer.judge()
    }
}
