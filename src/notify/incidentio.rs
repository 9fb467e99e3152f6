//! incident.io: Alertmanager's data under the version 1 of its alert source.

use reqwest::header::AUTHORIZATION;

use super::cut;
use super::deliver::Provider;
use super::http::Request;
use super::limits::{INCIDENTIO_ANNOTATION_MAX, INCIDENTIO_BYTES_MAX};
use super::options::IncidentioOptions;
use super::texts::Rendering;
use super::webhook::{encode, keep};
use crate::alerts::notification::{Failure, Notification};
use crate::client::SecretSource;
use crate::model::{Labels, Secret};

pub struct Incidentio(pub IncidentioOptions);

/// The body: of one that is too large the first alert alone, as upstream; if that is still too large, with its annotations cut.
pub fn body(notification: &Notification, max_alerts: u64) -> Result<String, Failure> {
    let (kept, left_out) = keep(notification, max_alerts);
    let whole = encode(&kept, "1", left_out).map_err(Failure::give_up)?;
    if whole.len() < INCIDENTIO_BYTES_MAX {
        return Ok(whole);
    }
    let (first, others) = keep(notification, 1);
    let one = encode(&first, "1", others).map_err(Failure::give_up)?;
    if one.len() < INCIDENTIO_BYTES_MAX {
        return Ok(one);
    }
    let mut first = first.into_owned();
    for alert in &mut first.alerts {
        let cut: Vec<(String, String)> =
            alert.alert.annotations.iter().map(|(name, value)| (name.to_owned(), cut::runes(value, INCIDENTIO_ANNOTATION_MAX))).collect();
        alert.alert.annotations = Labels::from_pairs(cut.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    }
    encode(&first, "1", others).map_err(Failure::give_up)
}

impl Provider for Incidentio {
    fn kind(&self) -> &'static str {
        "incidentio"
    }

    fn secrets(&self) -> Vec<&SecretSource> {
        std::iter::once(&self.0.url).chain(&self.0.token).collect()
    }

    fn compose(&self, secrets: &[Secret], notification: &Notification, _: &mut Rendering<'_>) -> Result<Vec<Request>, Failure> {
        let mut request = Request::json(secrets[0].expose(), body(notification, self.0.max_alerts)?);
        if let Some(token) = secrets.get(1) {
            request = request.header(AUTHORIZATION, format!("Bearer {}", token.expose()));
        }
        Ok(vec![request])
    }
}
