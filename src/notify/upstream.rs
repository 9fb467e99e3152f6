//! The names that Alertmanager's own templates define, since users' files call and override them, and the texts they give.

use crate::template::{Functions, TemplateSet};

/// Name and text. They give what Alertmanager 0.33 gives, which `.ci/receivers.py` holds against it; but for the page of a mail, which
/// shows the same facts in a layout of our own.
const TEMPLATES: [(&str, &str); 67] = [
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
         {{ range .Annotations.SortedPairs }}  - {{ .Name }} = {{ .Value }}\n{{ end }}\nSource: {{ .GeneratorURL }}\n{{ end }}\n",
    ),
    // Three of our own, which the defaults below have in common.
    (
        "__promlet_alerts",
        "{{ if gt (len .Alerts.Firing) 0 }}Alerts Firing:\n{{ template \"__text_alert_list\" .Alerts.Firing }}{{ end }}\n\
         {{ if gt (len .Alerts.Resolved) 0 }}Alerts Resolved:\n{{ template \"__text_alert_list\" .Alerts.Resolved }}{{ end }}",
    ),
    (
        "__promlet_alerts_wide",
        "{{ if gt (len .Alerts.Firing) 0 }}\nAlerts Firing:\n{{ template \"__text_alert_list\" .Alerts.Firing }}\n{{ end }}\n\
         {{ if gt (len .Alerts.Resolved) 0 }}\nAlerts Resolved:\n{{ template \"__text_alert_list\" .Alerts.Resolved }}\n{{ end }}\n",
    ),
    (
        "__promlet_alerts_markdown",
        "{{ if gt (len .Alerts.Firing) 0 }}\n# Alerts Firing:\n\
         {{ template \"__text_alert_list_markdown\" .Alerts.Firing }}\n{{ end }}\n\
         {{ if gt (len .Alerts.Resolved) 0 }}\n# Alerts Resolved:\n\
         {{ template \"__text_alert_list_markdown\" .Alerts.Resolved }}\n{{ end }}\n",
    ),
    ("__promlet_summary", "{{ .CommonAnnotations.SortedPairs.Values | join \" \" }}\n"),
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
         {{ if .Alerts.Firing }}<h3>[{{ len .Alerts.Firing }}] Firing</h3>\n\
         {{ range .Alerts.Firing }}{{ template \"__promlet_mail_alert\" . }}{{ end }}{{ end }}\
         {{ if .Alerts.Resolved }}<h3>[{{ len .Alerts.Resolved }}] Resolved</h3>\n\
         {{ range .Alerts.Resolved }}{{ template \"__promlet_mail_alert\" . }}{{ end }}{{ end }}\
         <p><a href=\"{{ .ExternalURL }}\">Sent by {{ template \"__alertmanager\" . }}</a></p>\n</body></html>\n",
    ),
    (
        "__promlet_mail_alert",
        "<p><b>Labels</b><br>\n{{ range .Labels.SortedPairs }}{{ .Name }} = {{ .Value }}<br>\n{{ end }}</p>\n\
         {{ if .Annotations }}<p><b>Annotations</b><br>\n\
         {{ range .Annotations.SortedPairs }}{{ .Name }} = {{ .Value }}<br>\n{{ end }}</p>\n{{ end }}\
         <p><a href=\"{{ .GeneratorURL }}\">Source</a></p>\n",
    ),
    ("pagerduty.default.description", "{{ template \"__subject\" . }}"),
    ("pagerduty.default.client", "{{ template \"__alertmanager\" . }}"),
    ("pagerduty.default.clientURL", "{{ template \"__alertmanagerURL\" . }}"),
    ("pagerduty.default.instances", "{{ template \"__text_alert_list\" . }}"),
    ("opsgenie.default.message", "{{ template \"__subject\" . }}"),
    ("opsgenie.default.description", "{{ template \"__promlet_summary\" . }}{{ template \"__promlet_alerts\" . }}"),
    ("opsgenie.default.source", "{{ template \"__alertmanagerURL\" . }}"),
    (
        "wechat.default.message",
        "{{ template \"__subject\" . }}\n{{ template \"__promlet_summary\" . }}{{ template \"__promlet_alerts\" . }}\nAlertmanagerUrl:\n{{ template \"__alertmanagerURL\" . }}",
    ),
    ("wechat.default.to_user", ""),
    ("wechat.default.to_party", ""),
    ("wechat.default.to_tag", ""),
    ("wechat.default.agent_id", ""),
    ("victorops.default.state_message", "{{ template \"__promlet_summary\" . }}{{ template \"__promlet_alerts\" . }}"),
    ("victorops.default.entity_display_name", "{{ template \"__subject\" . }}"),
    ("victorops.default.monitoring_tool", "{{ template \"__alertmanager\" . }}"),
    ("pushover.default.title", "{{ template \"__subject\" . }}"),
    ("pushover.default.message", "{{ template \"__promlet_summary\" . }}{{ template \"__promlet_alerts_wide\" . }}"),
    ("pushover.default.url", "{{ template \"__alertmanagerURL\" . }}"),
    ("sns.default.subject", "{{ template \"__subject\" . }}"),
    ("sns.default.message", "{{ template \"__promlet_summary\" . }}{{ template \"__promlet_alerts_wide\" . }}"),
    ("telegram.default.message", "\n{{ template \"__promlet_alerts_wide\" . }}"),
    ("discord.default.content", ""),
    ("discord.default.title", "{{ template \"__subject\" . }}"),
    ("discord.default.message", "\n{{ template \"__promlet_alerts_wide\" . }}"),
    ("webex.default.message", "{{ template \"__promlet_summary\" . }}{{ template \"__promlet_alerts_wide\" . }}"),
    ("msteams.default.summary", "{{ template \"__subject\" . }}"),
    ("msteams.default.title", "{{ template \"__subject\" . }}"),
    ("msteams.default.text", "\n{{ template \"__promlet_alerts_markdown\" . }}"),
    ("msteamsv2.default.title", "{{ template \"__subject\" . }}"),
    ("msteamsv2.default.text", "\n{{ template \"__promlet_alerts_markdown\" . }}"),
    ("jira.default.summary", "{{ template \"__subject\" . }}"),
    ("jira.default.description", "\n{{ template \"__promlet_alerts_markdown\" . }}"),
    // The highest severity of what fires counts; of what ended, where nothing of what fires has one.
    (
        "__promlet_priority",
        "{{ $found := \"\" }}{{ range . }}\
         {{ if eq .Labels.severity \"critical\" }}{{ $found = \"High\" }}\
         {{ else if and (eq .Labels.severity \"warning\") (ne $found \"High\") }}{{ $found = \"Medium\" }}\
         {{ else if and (eq .Labels.severity \"info\") (eq $found \"\") }}{{ $found = \"Low\" }}{{ end }}\
         {{ end }}{{ $found }}",
    ),
    (
        "jira.default.priority",
        "{{ if .Alerts.Firing }}{{ template \"__promlet_priority\" .Alerts.Firing }}\
         {{ else }}{{ template \"__promlet_priority\" .Alerts.Resolved }}{{ end }}",
    ),
    ("rocketchat.default.title", "{{ template \"__subject\" . }}"),
    ("rocketchat.default.alias", "{{ template \"__alertmanager\" . }}"),
    ("rocketchat.default.titlelink", "{{ template \"__alertmanagerURL\" . }}"),
    ("rocketchat.default.emoji", ""),
    ("rocketchat.default.iconurl", ""),
    ("rocketchat.default.text", ""),
    ("mattermost.default.username", "{{ template \"__alertmanager\" . }}"),
    ("mattermost.default.fallback", "{{ template \"mattermost.default.title\" . }} | {{ template \"mattermost.default.titlelink\" . }}"),
    ("mattermost.default.color", "{{ if eq .Status \"firing\" }}danger{{ else }}good{{ end }}"),
    ("mattermost.default.title", "{{ template \"__subject\" . }}"),
    ("mattermost.default.titlelink", "{{ template \"__alertmanagerURL\" . }}"),
    ("mattermost.default.text", "\n{{ template \"__promlet_alerts_markdown\" . }}"),
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
