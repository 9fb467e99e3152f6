//! Builds, starts, reloads and stops everything: the only place that sees every room.

pub mod dashboards;
pub mod settings;
