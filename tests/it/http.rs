//! The server in-process on a port of its own, asked over TCP; answers are compared with those that Prometheus 3.5.3 and
//! Alertmanager 0.33.1 gave to the same requests (`tests/http/*.http`).

mod busy;
pub mod client;
pub mod fixture;
mod golden;
mod limits;
mod management;
mod routing;
mod write;

use fixture::Fixture;

#[tokio::test]
async fn queries_answer_as_prometheus_does() {
    golden::run("query.http", &Fixture::start().await).await;
}

#[tokio::test]
async fn series_and_labels_answer_as_prometheus_does() {
    golden::run("series.http", &Fixture::start().await).await;
}

#[tokio::test]
async fn views_are_written_as_prometheus_writes_them() {
    golden::run("views.http", &Fixture::start().await).await;
}
