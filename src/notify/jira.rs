//! Jira: an issue for a group, found again by a label with the group's hash; created, changed, resolved and opened again.

use std::collections::BTreeSet;

use reqwest::Method;
use reqwest::header::ACCEPT_LANGUAGE;
use serde_json::{Map, Value, json};

use super::cut;
use super::deliver::{Deliver, Delivering, Desk, within};
use super::evidence::Chart;
use super::group_id;
use super::http::{Answer, Request};
use super::json::go_json;
use super::limits::{JIRA_DESCRIPTION_MAX, JIRA_SUMMARY_MAX};
use super::options::JiraOptions;
use super::query;
use super::steps::Steps;
use super::texts::Rendering;
use super::words;
use crate::alerts::notification::{Delivered, Failure, Notification, Outcome, Status};
use crate::model::number::quote;

pub struct Jira {
    pub options: JiraOptions,
    pub desk: Desk,
}

/// An issue that is there already.
struct Issue {
    key: String,
    is_done: bool,
}

fn label(notification: &Notification) -> String {
    format!("ALERT{{{}}}", group_id::of(notification))
}

/// The query that finds the group's issue: an open one, or where it may be opened again one that was closed lately.
pub fn search(options: &JiraOptions, project: &str, notification: &Notification) -> String {
    let mut conditions = Vec::new();
    if !options.wont_fix_resolution.is_empty() {
        conditions.push(format!("(resolution is EMPTY or resolution != {})", quote(&options.wont_fix_resolution)));
    }
    let minutes = options.reopen_duration.0 / 60_000;
    if notification.status == Status::Firing && !options.reopen_transition.is_empty() && minutes > 0 {
        conditions.push(format!("(resolutiondate is EMPTY OR resolutiondate >= -{minutes}m)"));
    } else {
        conditions.push("statusCategory != Done".to_owned());
    }
    conditions.push(format!("project={}", quote(project)));
    conditions.push(format!("labels={}", quote(&label(notification))));
    format!("{} order by status ASC,resolutiondate DESC", conditions.join(" and "))
}

/// The fields of the issue; for one that is there only what may change it.
pub fn fields(
    options: &JiraOptions,
    project: &str,
    notification: &Notification,
    exists: bool,
    write: &mut Rendering<'_>,
) -> Map<String, Value> {
    let mut fields = Map::new();
    for (name, template) in &options.fields {
        fields.insert(name.clone(), write.value(&format!("fields.{name}"), template));
    }
    let issue_type = write.part("issue_type", &options.issue_type);
    let mut labels: BTreeSet<String> = options.labels.iter().map(|template| write.part("labels", template)).collect();
    labels.insert(label(notification));
    let priority = write.field("priority", options.priority.as_deref(), String::new);
    let summary = write.field("summary", options.summary.template.as_deref(), || words::title(notification));
    let text = write.field("description", options.description.template.as_deref(), || words::plain::text(notification, &[]));
    let text = cut::with_remarks(text, &write.remarks(), JIRA_DESCRIPTION_MAX, cut::runes);
    // What the configuration's own fields say counts.
    let mut put = |name: &str, value: Value| {
        fields.entry(name.to_owned()).or_insert(value);
    };
    put("project", json!({ "key": project }));
    put("issuetype", json!({ "name": issue_type }));
    put("labels", labels.into_iter().collect());
    if !priority.is_empty() {
        put("priority", json!({ "name": priority }));
    }
    if !exists || options.summary.enable_update {
        put("summary", cut::runes(&summary.replace(['\r', '\n'], " "), JIRA_SUMMARY_MAX).into());
    }
    if !exists || options.description.enable_update {
        put("description", if is_v3(options) { document(&text) } else { text.into() });
    }
    fields
}

fn is_v3(options: &JiraOptions) -> bool {
    options.api_url.trim_end_matches('/').ends_with("/3")
}

/// The third version of the API takes a document: the text itself where it is one, else one paragraph.
fn document(text: &str) -> Value {
    let given: Option<Value> = serde_json::from_str(text).ok().filter(Value::is_object);
    given.unwrap_or_else(|| {
        let content = if text.is_empty() { json!([]) } else { json!([{"type": "text", "text": text}]) };
        json!({"version": 1, "type": "doc", "content": [{"type": "paragraph", "content": content}]})
    })
}

impl Jira {
    async fn attempt(&self, notification: &Notification, steps: &Steps) -> Outcome {
        let project = self.desk.write("jira", notification, steps, |write| write.strict("project", &self.options.project))?;
        let issue = self.find(&project, notification, steps).await?;
        let Some(issue) = issue else {
            if notification.status == Status::Resolved {
                return Ok(Delivered::new("there is no open issue to resolve"));
            }
            let answer = self.put(Method::POST, "issue", &project, false, notification, steps).await?;
            return Ok(Delivered::new(answer.show()));
        };
        let path = format!("issue/{}", query::escape_strictly(&issue.key));
        let answer = self.put(Method::PUT, &path, &project, true, notification, steps).await?;
        let is_firing = notification.status == Status::Firing;
        let transition = if is_firing { &self.options.reopen_transition } else { &self.options.resolve_transition };
        if is_firing == issue.is_done && !transition.is_empty() {
            self.transition(&issue, transition, notification, steps).await?;
        }
        Ok(Delivered::new(format!("{}: {}", issue.key, answer.show())))
    }

    async fn find(&self, project: &str, notification: &Notification, steps: &Steps) -> Result<Option<Issue>, Failure> {
        let base = self.options.api_url.trim_end_matches('/');
        let host = reqwest::Url::parse(base).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        let is_cloud = self.options.api_type == "cloud" || (self.options.api_type == "auto" && host.ends_with("atlassian.net"));
        // The cloud has no other search than that of the third version.
        let url = if is_cloud { format!("{base}/search/jql").replacen("/2", "/3", 1) } else { format!("{base}/search") };
        let jql = search(&self.options, project, notification);
        let answer =
            self.ask(Method::POST, url, Some(&json!({"fields": ["status"], "jql": jql, "maxResults": 2})), notification, steps).await?;
        let said = answer.json();
        let Some(issues) = said["issues"].as_array() else {
            return Err(Failure::give_up(format!("the answer to the search is not Jira's: {}", answer.show())));
        };
        Ok(issues.first().and_then(|issue| {
            let key = issue["key"].as_str()?.to_owned();
            Some(Issue { key, is_done: issue["fields"]["status"]["statusCategory"]["key"] == "done" })
        }))
    }

    async fn put(
        &self,
        method: Method,
        path: &str,
        project: &str,
        exists: bool,
        notification: &Notification,
        steps: &Steps,
    ) -> Result<Answer, Failure> {
        let compose = |write: &mut Rendering<'_>| Ok(fields(&self.options, project, notification, exists, write));
        let fields = self.desk.write("jira", notification, steps, compose)?;
        self.ask(method, self.url(path), Some(&json!({ "fields": fields })), notification, steps).await
    }

    async fn transition(&self, issue: &Issue, name: &str, notification: &Notification, steps: &Steps) -> Result<(), Failure> {
        let url = self.url(&format!("issue/{}/transitions", query::escape_strictly(&issue.key)));
        let said = self.ask(Method::GET, url.clone(), None, notification, steps).await?.json();
        let known = said["transitions"].as_array().cloned().unwrap_or_default();
        let Some(id) = known.iter().find(|one| one["name"] == name).and_then(|one| one["id"].as_str()) else {
            let names: Vec<&str> = known.iter().filter_map(|one| one["name"].as_str()).collect();
            return Err(Failure::give_up(format!("issue {} has no transition {name} (it has: {})", issue.key, names.join(", "))));
        };
        self.ask(Method::POST, url, Some(&json!({"transition": {"id": id}})), notification, steps).await.map(drop)
    }

    fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.options.api_url.trim_end_matches('/'))
    }

    async fn ask(
        &self,
        method: Method,
        url: String,
        body: Option<&Value>,
        notification: &Notification,
        steps: &Steps,
    ) -> Result<Answer, Failure> {
        let body = body.map(go_json).transpose().map_err(Failure::give_up)?.unwrap_or_default();
        let request = Request { method, ..Request::json(url, body) }.header(ACCEPT_LANGUAGE, "en");
        let answer = self.desk.send(request, notification, steps).await?;
        answer.judge()?;
        Ok(answer)
    }
}

impl Deliver for Jira {
    fn deliver<'a>(&'a self, notification: &'a Notification, _: &'a [Chart], steps: &'a Steps) -> Delivering<'a> {
        Box::pin(within(self.desk.deadline(notification), self.attempt(notification, steps)))
    }
}
