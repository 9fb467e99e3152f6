//! The texts of a message: the configuration's templates, over Alertmanager's or our own defaults. A template that fails is replaced by
//! our own text, and the message says so: nothing is ever blank or dropped because of a template.

use std::cell::OnceCell;
use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::data::template_data;
use super::limits::{PROBLEM_SHOWN_MAX, TEMPLATE_FILE_BYTES_MAX, TEMPLATE_FILES_MAX};
use super::structured::structured;
use super::upstream;
use crate::alerts::notification::{Failure, Notification};
use crate::model::{Labels, TimestampMs};
use crate::telemetry::Registry;
use crate::template::notification_functions::notification_functions;
use crate::template::{Functions, Limits, TemplateError, TemplateSet, Value as Data};

/// A template file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateFileError {
    pub path: PathBuf,
    pub reason: String,
}

impl fmt::Display for TemplateFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.reason)
    }
}

/// The templates of a configuration.
pub struct Texts {
    /// Upstream's names with the files' definitions over them.
    all: TemplateSet,
    /// What the files define.
    own: TemplateSet,
    upstream_texts: bool,
    registry: Registry,
}

/// One message being written.
pub struct Rendering<'a> {
    texts: &'a Texts,
    kind: &'static str,
    notification: &'a Notification,
    now: TimestampMs,
    /// Data and functions, made for the first template: many messages have none.
    given: OnceCell<(Data, Functions)>,
    /// What went wrong, for the end of the message.
    pub problems: Vec<String>,
}

impl Texts {
    /// Reads the files of `templates:`. All errors come back together.
    pub fn read(files: &[PathBuf], upstream_texts: bool, registry: &Registry) -> Result<Self, Vec<TemplateFileError>> {
        let functions = notification_functions(TimestampMs(0), &Labels::empty());
        let mut all = TemplateSet::new();
        upstream::define(&mut all, &functions);
        let (mut own, mut errors) = (TemplateSet::new(), Vec::new());
        if files.len() > TEMPLATE_FILES_MAX {
            let reason = format!("{} template files are more than the limit of {TEMPLATE_FILES_MAX}", files.len());
            errors.push(TemplateFileError { path: files[TEMPLATE_FILES_MAX].clone(), reason });
        }
        for path in files.iter().take(TEMPLATE_FILES_MAX) {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let added = read_file(path).and_then(|text| {
                own.add(&name, &text, &functions).map_err(|error| error.to_string())?;
                all.add(&name, &text, &functions).map_err(|error| error.to_string())
            });
            if let Err(reason) = added {
                errors.push(TemplateFileError { path: path.clone(), reason });
            }
        }
        let registry = registry.clone();
        if errors.is_empty() { Ok(Self { all, own, upstream_texts, registry }) } else { Err(errors) }
    }

    /// One text over the files' and upstream's definitions.
    pub fn rendered(&self, text: &str, html: bool, data: &Data, functions: &Functions) -> Result<String, TemplateError> {
        match html {
            true => self.all.render_html_with(text, data, functions, Limits::default()),
            false => self.all.render_text_with(text, data, functions, Limits::default()),
        }
    }

    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Whether the files define the default of a field, or upstream's is asked for.
    pub fn has_default(&self, kind: &str, field: &str) -> bool {
        self.upstream_texts || self.own.contains(&format!("{kind}.default.{field}"))
    }

    pub fn rendering<'a>(&'a self, kind: &'static str, notification: &'a Notification, now: TimestampMs) -> Rendering<'a> {
        Rendering { texts: self, kind, notification, now, given: OnceCell::new(), problems: Vec::new() }
    }
}

fn read_file(path: &Path) -> Result<String, String> {
    let size = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    if size > TEMPLATE_FILE_BYTES_MAX {
        return Err(format!("{size} bytes are more than the limit of {TEMPLATE_FILE_BYTES_MAX} bytes"));
    }
    std::fs::read_to_string(path).map_err(|error| error.to_string())
}

impl Rendering<'_> {
    fn given(&self) -> &(Data, Functions) {
        self.given.get_or_init(|| {
            let functions = notification_functions(self.now, &self.notification.route_labels);
            (template_data(self.notification).to_value(), functions)
        })
    }

    /// A field that must be right or the message cannot go anywhere, such as its address.
    pub fn strict(&self, field: &str, template: &str) -> Result<String, Failure> {
        self.plain(template).map_err(|error| {
            let detail = format!("the template of {field} fails: {error}");
            self.count(field);
            Failure::give_up(detail)
        })
    }

    /// A field that is left out where the configuration does not set it.
    pub fn optional(&mut self, field: &str, template: Option<&str>) -> Option<String> {
        let template = template?;
        match self.plain(template) {
            Ok(text) => Some(text),
            Err(error) => {
                self.note(field, &error);
                None
            }
        }
    }

    /// A text that belongs to the message but not by itself: empty where its template fails, which the message then says.
    pub fn part(&mut self, field: &str, template: &str) -> String {
        self.optional(field, Some(template)).unwrap_or_default()
    }

    /// A field with a default: the configuration's template; else what its files define under the default's name; else upstream's
    /// text where that is asked for, else ours. Ours also stands in for one that fails.
    pub fn field(&mut self, field: &str, template: Option<&str>, ours: impl FnOnce() -> String) -> String {
        self.field_named(field, &field.replace('_', ""), template, ours)
    }

    /// The same where upstream's default is called otherwise: `NAME` of `KIND.default.NAME`.
    pub fn field_named(&mut self, field: &str, name: &str, template: Option<&str>, ours: impl FnOnce() -> String) -> String {
        let name = format!("{}.default.{name}", self.kind);
        let rendered = match template {
            Some(template) => self.plain(template),
            None if self.texts.own.contains(&name) || self.texts.upstream_texts => self.named(&name),
            None => return ours(),
        };
        rendered.unwrap_or_else(|error| {
            self.note(field, &error);
            ours()
        })
    }

    /// The same for a text that is HTML.
    pub fn html_field(&mut self, field: &str, template: Option<&str>, ours: impl FnOnce() -> String) -> String {
        let name = format!("{}.default.{field}", self.kind);
        let (all, limits) = (&self.texts.all, Limits::default());
        let (data, functions) = self.given();
        let rendered = match template {
            Some(template) => all.render_html_with(template, data, functions, limits),
            None if self.texts.own.contains(&name) || self.texts.upstream_texts => all.render_html(&name, data, functions, limits),
            None => return ours(),
        };
        rendered.unwrap_or_else(|error| {
            self.note(field, &error);
            ours()
        })
    }

    /// A value of templates: texts are filled in, and one that then reads as other YAML than a text becomes what it reads as.
    pub fn value(&mut self, field: &str, template: &Value) -> Value {
        match template {
            Value::String(text) => {
                let filled = self.part(field, text);
                structured(&filled).unwrap_or(Value::String(filled))
            }
            Value::Array(items) => Value::Array(items.iter().map(|item| self.value(field, item)).collect()),
            Value::Object(entries) => {
                let filled = entries.iter().map(|(key, value)| (self.part(field, key), self.value(field, value)));
                Value::Object(filled.collect())
            }
            other => other.clone(),
        }
    }

    /// Short sentences about what failed, for the end of the message.
    pub fn remarks(&self) -> Vec<String> {
        self.problems.iter().map(|problem| super::words::clip(problem, PROBLEM_SHOWN_MAX)).collect()
    }

    /// Whether the configuration's files define the default of this field, or upstream's is asked for.
    pub fn has_default(&self, field: &str) -> bool {
        self.texts.has_default(self.kind, field)
    }

    fn plain(&self, template: &str) -> Result<String, TemplateError> {
        if !template.contains("{{") {
            return Ok(template.to_owned());
        }
        let (data, functions) = self.given();
        self.texts.all.render_text_with(template, data, functions, Limits::default())
    }

    fn named(&self, name: &str) -> Result<String, TemplateError> {
        if !self.texts.all.contains(name) {
            return Ok(String::new());
        }
        let (data, functions) = self.given();
        self.texts.all.render_text(name, data, functions, Limits::default())
    }

    fn note(&mut self, field: &str, error: &TemplateError) {
        self.count(field);
        tracing::warn!(receiver = self.notification.receiver, kind = self.kind, field, %error, "a notification template fails; our own text stands in");
        self.problems.push(format!("The template of {} {field} fails: {error}", self.kind));
    }

    fn count(&self, field: &str) {
        let help = "Templates of receivers that failed, so that our own text stood in.";
        let labels = [("receiver", self.notification.receiver.as_str()), ("integration", self.kind), ("field", field)];
        self.texts.registry.counter("promlet_notification_template_failures_total", help, &labels).inc();
    }
}
