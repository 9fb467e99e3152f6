//! `status` and `receivers`.

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;

use super::{AlertState, receiver_fits, receiver_matchers, reply};
use crate::http::json::{self, Object};
use crate::http::params::Params;

/// The Alertmanager whose API this is: its tools compare it with their own version.
const API_VERSION: &str = "0.33.1";

pub async fn status(State(state): State<AlertState>) -> Response {
    let build = (state.build)();
    reply(StatusCode::OK, |out| {
        let mut object = Object::open(out);
        object.raw("cluster", r#"{"peers":[],"status":"disabled"}"#);
        let mut config = Object::open(object.key("config"));
        config.text("original", &state.alerting.original());
        config.close();
        object.text("uptime", &state.started_at.rfc3339_millis());
        let mut version = Object::open(object.key("versionInfo"));
        version
            .text("branch", &build.branch)
            .text("buildDate", &build.build_date)
            .text("buildUser", &build.build_user)
            .text("goVersion", &build.compiler)
            .text("revision", &build.revision)
            .text("version", API_VERSION);
        version.close();
        object.close();
    })
}

pub async fn receivers(State(state): State<AlertState>, uri: Uri) -> Response {
    let wanted = match receiver_matchers(&Params::of_uri(&uri)) {
        Ok(wanted) => wanted,
        Err(response) => return *response,
    };
    let mut names = state.alerting.receivers();
    names.retain(|name| receiver_fits(name, &wanted));
    reply(StatusCode::OK, |out| {
        json::list(out, &names, |out, name| {
            let mut object = Object::open(out);
            let mut labels = Object::open(object.key("labels"));
            labels.text("name", name);
            labels.close();
            object.text("name", name);
            object.close();
        });
    })
}
