//! Templates of a rule's labels and annotations: their data, and how Prometheus expands them.

use super::functions::Functions;
use super::limits::Limits;
use super::set::Template;
use super::value::{Class, Value};
use crate::model::Labels;

/// Declared before every text, so that `$labels` and its like are there.
const VARIABLES: &str = "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}";

static DATA: Class =
    Class::plain("struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; Value interface {} }");

/// What a rule's template sees as `.`.
#[derive(Clone, Debug)]
pub struct RuleData {
    /// The sample's labels, its metric name included.
    pub labels: Labels,
    pub external_labels: Labels,
    pub external_url: String,
    pub value: f64,
}

impl RuleData {
    pub fn to_value(&self) -> Value {
        Self::around(&self.external_labels, &self.external_url)(&self.labels, self.value)
    }

    /// The same for many samples: what they have in common is made once.
    pub fn around(external_labels: &Labels, external_url: &str) -> impl Fn(&Labels, f64) -> Value {
        let (external_labels, external_url) = (Value::text_map(external_labels.iter()), Value::text(external_url));
        move |labels, value| {
            let fields = [
                ("Labels", Value::text_map(labels.iter())),
                ("ExternalLabels", external_labels.clone()),
                ("ExternalURL", external_url.clone()),
                ("Value", Value::Float(value)),
            ];
            Value::record(&DATA, fields)
        }
    }
}

/// The text with its variables in front, as it is parsed (columns in messages count from there, as upstream).
pub(super) fn with_variables(text: &str) -> String {
    format!("{VARIABLES}{text}")
}

/// One text of an alerting rule, read once and expanded at every evaluation.
#[derive(Clone)]
pub enum RuleTemplate {
    /// Without any action.
    Plain(String),
    Parsed {
        name: String,
        template: Template,
    },
    /// What is wrong with it.
    Broken(String),
}

impl RuleTemplate {
    /// `functions` are those that it may call.
    pub fn parse(alert: &str, text: &str, functions: &Functions) -> Self {
        if !text.contains("{{") {
            return Self::Plain(text.to_owned());
        }
        let name = format!("__alert_{alert}");
        match Template::parse(&name, &with_variables(text), functions) {
            Ok(template) => Self::Parsed { name, template },
            Err(error) => Self::Broken(format!("error parsing template {name}: {error}")),
        }
    }

    /// The text for one alert. The error is the sentence that upstream puts between `<error expanding template: ` and `>`.
    pub fn expand(&self, data: &Value, functions: &Functions) -> Result<String, String> {
        match self {
            Self::Plain(text) => Ok(text.clone()),
            Self::Broken(error) => Err(error.clone()),
            Self::Parsed { name, template } => template
                .render_text(data, functions, Limits::default())
                .map_err(|error| format!("error executing template {name}: {error}")),
        }
    }
}
