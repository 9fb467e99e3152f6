//! The tables of service discovery: what jobs and Alertmanagers may find their targets by.

use crate::yaml::{Field, Kind, Section, field};

/// A list item of `static_configs`.
pub static STATIC: Section = Section {
    name: "static_config",
    fields: &[&[field("targets", Kind::List(&Kind::Text)).always(), field("labels", Kind::Map(&Kind::Text))]],
};

static FILE: Section = Section {
    name: "file_sd_config",
    fields: &[&[field("files", Kind::List(&Kind::Path)).always(), field("refresh_interval", Kind::Duration).default("5m")]],
};

const ANY: Kind = Kind::List(&Kind::Any);

/// In the order of printing.
pub static DISCOVERY: &[Field] = &[
    field("azure_sd_configs", ANY).idle(),
    field("file_sd_configs", Kind::List(&Kind::Section(&FILE))),
    field("static_configs", Kind::List(&Kind::Section(&STATIC))),
];
