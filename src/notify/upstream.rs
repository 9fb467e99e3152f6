//! The names that Alertmanager's own templates define, since users' files call and override them, and the texts they give.

use crate::template::{Functions, TemplateSet};

/// Name and text. Titles and links give what Alertmanager 0.33 gives; the page of a mail shows the same facts in a layout of our own.
const TEMPLATES: [(&str, &str); 16] = [
    ("__alertmanager", "Alertmanager"),
    ("__alertmanagerURL", "{{ .ExternalURL }}/#/alerts?receiver={{ .Receiver | urlquery }}"),
    (
        "__subject",
        "[{{ toUpper .Status }}{{ if eq .Status \"firing\" }}:{{ len .Alerts.Firing }}{{ end }}] \
         {{ join \" \" .GroupLabels.SortedPairs.Values }} \
         {{ if gt (len .CommonLabels) (len .GroupLabels) }}\
         ({{ with .CommonLabels.Remove .GroupLabels.Names }}{{ join \" \" .Values }}{{ end }}){{ end }}",
    ),
    ("__description", ""),
    (
        "__text_alert_list",
        "{{ range . }}Labels:\n{{ range .Labels.SortedPairs }} - {{ .Name }} = {{ .Value }}\n{{ end }}Annotations:\n\
         {{ range .Annotations.SortedPairs }} - {{ .Name }} = {{ .Value }}\n{{ end }}Source: {{ .GeneratorURL }}\n{{ end }}",
    ),
    (
        "__text_alert_list_markdown",
        "{{ range . }}\nLabels:\n{{ range .Labels.SortedPairs }}  - {{ .Name }} = {{ .Value }}\n{{ end }}\nAnnotations:\n\
         {{ range .Annotations.SortedPairs }}  - {{ .Name }} = {{ .Value }}\n{{ end }}\nSource: {{ .GeneratorURL }}\n{{ end }}",
    ),
    ("slack.default.title", "{{ template \"__subject\" . }}"),
    ("slack.default.username", "{{ template \"__alertmanager\" . }}"),
    ("slack.default.fallback", "{{ template \"slack.default.title\" . }} | {{ template \"slack.default.titlelink\" . }}"),
    ("slack.default.titlelink", "{{ template \"__alertmanagerURL\" . }}"),
    ("slack.default.color", "{{ if eq .Status \"firing\" }}danger{{ else }}good{{ end }}"),
    ("slack.default.text", ""),
    ("slack.default.pretext", ""),
    ("slack.default.footer", ""),
    ("email.default.subject", "{{ template \"__subject\" . }}"),
    (
        "email.default.html",
        "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>{{ template \"__subject\" . }}</title></head>\n<body>\n\
         <h2>{{ len .Alerts }} alert{{ if gt (len .Alerts) 1 }}s{{ end }} for \
         {{ range .GroupLabels.SortedPairs }}{{ .Name }}={{ .Value }} {{ end }}</h2>\n\
         <p><a href=\"{{ template \"__alertmanagerURL\" . }}\">View in {{ template \"__alertmanager\" . }}</a></p>\n\
         {{ range .Alerts }}<h3>{{ .Status }}</h3>\n<p><b>Labels</b><br>\n\
         {{ range .Labels.SortedPairs }}{{ .Name }} = {{ .Value }}<br>\n{{ end }}</p>\n\
         {{ if .Annotations }}<p><b>Annotations</b><br>\n\
         {{ range .Annotations.SortedPairs }}{{ .Name }} = {{ .Value }}<br>\n{{ end }}</p>\n{{ end }}\
         <p><a href=\"{{ .GeneratorURL }}\">Source</a></p>\n{{ end }}</body></html>\n",
    ),
];

pub fn define(set: &mut TemplateSet, functions: &Functions) {
    for (name, text) in TEMPLATES {
        if let Err(error) = set.add(name, text, functions) {
            // A test reads every one of them.
            tracing::error!(name, %error, "a built-in template cannot be read");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Labels, TimestampMs};
    use crate::template::notification_functions::notification_functions;

    #[test]
    fn every_built_in_template_can_be_read() {
        let functions = notification_functions(TimestampMs(0), &Labels::empty());
        for (name, text) in TEMPLATES {
            let mut set = TemplateSet::new();
            assert_eq!(set.add(name, text, &functions), Ok(()), "{name}");
        }
    }
}
