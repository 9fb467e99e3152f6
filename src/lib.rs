//! promlet: a whole Prometheus stack for one machine. The modules stand in the order in which data flows.

pub mod model;

pub mod clock;
pub mod telemetry;

pub mod yaml;

pub mod client;
pub mod discovery;
pub mod exposition;
pub mod relabel;
pub mod scrape;

pub mod storage;

pub mod promql;
pub mod promqltest;

pub mod blocks;
pub mod remote;
pub mod tsdb;

pub mod template;

pub mod rules;

pub mod lint;
pub mod manifests;

pub mod state;

pub mod alerts;
pub mod notifier;
pub mod notify;

pub mod heartbeat;

pub mod config;

pub mod shell;

pub mod ui;

pub mod http;

pub mod bundled;
pub mod demo;

pub mod app;
pub mod commands;
