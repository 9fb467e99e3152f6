//! The JSON that API v2 of Alertmanager takes, member by member as Prometheus writes it. Pure.

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::model::{Alert, Labels};

struct Posted<'a>(&'a Alert);

struct Pairs<'a>(&'a Labels);

impl Serialize for Pairs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter())
    }
}

impl Serialize for Posted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if !self.0.annotations.is_empty() {
            map.serialize_entry("annotations", &Pairs(&self.0.annotations))?;
        }
        map.serialize_entry("endsAt", &self.0.ends_at.rfc3339_millis())?;
        map.serialize_entry("startsAt", &self.0.starts_at.rfc3339_millis())?;
        if !self.0.generator_url.is_empty() {
            map.serialize_entry("generatorURL", &self.0.generator_url)?;
        }
        map.serialize_entry("labels", &Pairs(&self.0.labels))?;
        map.end()
    }
}

/// The list of alerts as one body.
pub(super) fn write<'a>(alerts: impl Iterator<Item = &'a Alert>) -> Vec<u8> {
    let mut out = vec![b'['];
    for (at, alert) in alerts.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        // Texts and maps of texts always can be written, and memory takes them.
        if let Ok(text) = serde_json::to_vec(&Posted(alert)) {
            out.extend(text);
        }
    }
    out.push(b']');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TimestampMs;

    #[test]
    fn times_have_three_decimals_and_what_is_empty_is_left_out() {
        let full = Alert {
            labels: Labels::from_pairs([("alertname", "A"), ("b", "\"<\u{e9}")]),
            annotations: Labels::from_pairs([("text", "t")]),
            starts_at: TimestampMs(1_435_781_430_781),
            ends_at: TimestampMs(1_435_781_670_000),
            generator_url: "http://x/graph".to_owned(),
            value: Some(1.0),
        };
        let bare = Alert { annotations: Labels::empty(), generator_url: String::new(), ..full.clone() };
        let written = String::from_utf8(write([&full, &bare].into_iter())).unwrap();
        assert_eq!(
            written,
            "[{\"annotations\":{\"text\":\"t\"},\"endsAt\":\"2015-07-01T20:14:30.000Z\",\"startsAt\":\"2015-07-01T20:10:30.781Z\",\"generatorURL\":\"http://x/graph\",\"labels\":{\"alertname\":\"A\",\"b\":\"\\\"<\u{e9}\"}},{\"endsAt\":\"2015-07-01T20:14:30.000Z\",\"startsAt\":\"2015-07-01T20:10:30.781Z\",\"labels\":{\"alertname\":\"A\",\"b\":\"\\\"<\u{e9}\"}}]"
        );
    }
}
