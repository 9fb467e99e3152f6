//! Templates of a rule's labels and annotations: their data, and how Prometheus expands them.

use super::error::TemplateError;
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
        Value::record(
            &DATA,
            [
                ("Labels", Value::text_map(self.labels.iter())),
                ("ExternalLabels", Value::text_map(self.external_labels.iter())),
                ("ExternalURL", Value::text(&self.external_url)),
                ("Value", Value::Float(self.value)),
            ],
        )
    }
}

/// The text with its variables in front, as it is parsed (columns in messages count from there, as upstream).
pub(super) fn with_variables(text: &str) -> String {
    format!("{VARIABLES}{text}")
}

/// Expands one text of an alerting rule. The error is the whole sentence that upstream puts between
/// `<error expanding template: ` and `>`.
pub fn expand_rule(alert: &str, text: &str, data: &Value, functions: &Functions) -> Result<String, String> {
    if !text.contains("{{") {
        return Ok(text.to_owned());
    }
    let name = format!("__alert_{alert}");
    let template =
        Template::parse(&name, &with_variables(text), functions).map_err(|error| format!("error parsing template {name}: {error}"))?;
    template.render_text(data, functions, Limits::default()).map_err(|error| match error {
        TemplateError::Parse(text) | TemplateError::Execute(text) | TemplateError::Limit(text) => {
            format!("error executing template {name}: {text}")
        }
    })
}
