//! Builds, starts, reloads and stops everything: the only place that sees every room.
//!
//! [`App::start`] reads the files, opens what lives long (store, `state.db`), then starts the parts that are made from files: routing, rules,
//! scraping, web. [`App::run`] waits for signals and requests; a reload swaps the parts made from files, all or none; the stop runs in reverse.

pub mod addresses;
mod admin;
mod blind;
mod courses;
pub mod dashboards;
mod figures;
pub mod files;
mod history;
mod lifecycle;
mod maintenance;
mod overview;
mod parts;
mod pulse;
pub mod questions;
pub mod settings;
mod settling;
pub mod signals;
mod store_figures;
mod web;
mod web_file;

pub use lifecycle::{App, Request, StartError};
