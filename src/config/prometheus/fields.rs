//! The tables of `prometheus.yml`, in the order in which Prometheus prints them.

use crate::config::http_client::{CLIENT, TLS};
use crate::config::relabel::STEP;
use crate::yaml::{Field, Kind, Print, Section, Words, field};

use super::discovery_fields::DISCOVERY;

const COUNT_LIMITS: [&str; 6] =
    ["sample_limit", "target_limit", "label_limit", "label_name_length_limit", "label_value_length_limit", "keep_dropped_targets"];

/// Keys that a job takes over from `global` where it has none, or zero.
pub fn inherited_limits() -> impl Iterator<Item = &'static str> {
    std::iter::once("body_size_limit").chain(COUNT_LIMITS)
}

/// `scrape_protocols`; its words are checked where jobs are built, for Prometheus's sentences.
const PROTOCOLS: Kind = Kind::List(&Kind::Text);
/// Lists of relabelling steps.
const RELABEL: Kind = Kind::List(&Kind::Section(&STEP));

static ESCAPING: Words =
    Words { name: "metric name escaping scheme", words: &["allow-utf-8", "underscores", "dots", "values"], any_case: false };
static VALIDATION: Words = Words { name: "metric name validation scheme", words: &["utf8", "legacy"], any_case: false };

static GLOBAL: Section = Section {
    name: "global",
    fields: &[&[
        field("scrape_interval", Kind::Duration).default("1m"),
        field("scrape_timeout", Kind::Duration).default("10s"),
        field("scrape_protocols", PROTOCOLS),
        field("evaluation_interval", Kind::Duration).default("1m"),
        field("rule_query_offset", Kind::Duration),
        field("query_log_file", Kind::Path).idle(),
        field("scrape_failure_log_file", Kind::Path).idle(),
        field("external_labels", Kind::Map(&Kind::Text)),
        field("body_size_limit", Kind::Bytes),
        field("sample_limit", Kind::Count),
        field("target_limit", Kind::Count),
        field("label_limit", Kind::Count),
        field("label_name_length_limit", Kind::Count),
        field("label_value_length_limit", Kind::Count),
        field("keep_dropped_targets", Kind::Count),
        field("metric_name_validation_scheme", Kind::Word(&VALIDATION)),
        field("metric_name_escaping_scheme", Kind::Word(&ESCAPING)).idle(),
        field("scrape_native_histograms", Kind::Bool).print(Print::IfSet).idle(),
        field("convert_classic_histograms_to_nhcb", Kind::Bool).idle(),
        field("always_scrape_classic_histograms", Kind::Bool).idle(),
        field("extra_scrape_metrics", Kind::Bool),
    ]],
};

static SCRAPE: &[Field] = &[
    field("job_name", Kind::Text).always(),
    field("honor_labels", Kind::Bool),
    field("honor_timestamps", Kind::Bool).default("true").always(),
    field("track_timestamps_staleness", Kind::Bool).always(),
    field("params", Kind::Map(&Kind::List(&Kind::Text))),
    field("scrape_interval", Kind::Duration),
    field("scrape_timeout", Kind::Duration),
    field("scrape_protocols", PROTOCOLS),
    field("fallback_scrape_protocol", Kind::Text),
    field("scrape_native_histograms", Kind::Bool).print(Print::IfSet).idle(),
    field("always_scrape_classic_histograms", Kind::Bool).print(Print::IfSet).idle(),
    field("convert_classic_histograms_to_nhcb", Kind::Bool).print(Print::IfSet).idle(),
    field("scrape_failure_log_file", Kind::Path).idle(),
    field("metrics_path", Kind::Text).default("/metrics"),
    field("scheme", Kind::Text).default("http"),
    field("enable_compression", Kind::Bool).default("true").always(),
    field("body_size_limit", Kind::Bytes),
    field("sample_limit", Kind::Count),
    field("target_limit", Kind::Count),
    field("label_limit", Kind::Count),
    field("label_name_length_limit", Kind::Count),
    field("label_value_length_limit", Kind::Count),
    field("native_histogram_bucket_limit", Kind::Count).idle(),
    field("native_histogram_min_bucket_factor", Kind::Float).idle(),
    field("keep_dropped_targets", Kind::Count),
    field("metric_name_validation_scheme", Kind::Word(&VALIDATION)),
    field("metric_name_escaping_scheme", Kind::Word(&ESCAPING)).idle(),
    field("extra_scrape_metrics", Kind::Bool).print(Print::IfSet),
];

static SCRAPE_RELABEL: &[Field] = &[field("relabel_configs", RELABEL), field("metric_relabel_configs", RELABEL)];

/// A list item of `scrape_configs`.
pub static SCRAPE_CONFIG: Section = Section { name: "scrape config section", fields: &[SCRAPE, CLIENT, SCRAPE_RELABEL, DISCOVERY] };

/// A file that `scrape_config_files` names.
pub static SCRAPE_CONFIG_FILE: Section =
    Section { name: "scrape config file", fields: &[&[field("scrape_configs", Kind::List(&Kind::Section(&SCRAPE_CONFIG)))]] };

static API_VERSION: Words = Words { name: "Alertmanager api version", words: &["v2"], any_case: false };

static SIGV4: Section = Section {
    name: "sigv4",
    fields: &[&[
        field("region", Kind::Text),
        field("access_key", Kind::Text),
        field("secret_key", Kind::Secret),
        field("profile", Kind::Text),
        field("role_arn", Kind::Text),
        field("external_id", Kind::Text),
        field("use_fips_sts_endpoint", Kind::Bool),
        field("service_name", Kind::Text),
    ]],
};

static ALERTMANAGER: Section = Section {
    name: "Alertmanager config section",
    fields: &[
        CLIENT,
        &[
            field("sigv4", Kind::Section(&SIGV4)).idle(),
            field("scheme", Kind::Text).default("http"),
            field("path_prefix", Kind::Text),
            field("timeout", Kind::Duration).default("10s"),
            field("api_version", Kind::Word(&API_VERSION)).default("v2").always(),
            field("relabel_configs", RELABEL),
            field("alert_relabel_configs", RELABEL),
        ],
        DISCOVERY,
    ],
};

static ALERTING: Section = Section {
    name: "alerting",
    fields: &[&[field("alert_relabel_configs", RELABEL), field("alertmanagers", Kind::List(&Kind::Section(&ALERTMANAGER)))]],
};

static QUEUE: Section = Section {
    name: "queue_config",
    fields: &[&[
        field("capacity", Kind::Count).default("10000"),
        field("max_shards", Kind::Count).default("50"),
        field("min_shards", Kind::Count).default("1"),
        field("max_samples_per_send", Kind::Count).default("2000"),
        field("batch_send_deadline", Kind::Duration).default("5s"),
        field("min_backoff", Kind::Duration).default("30ms"),
        field("max_backoff", Kind::Duration).default("5s"),
        field("retry_on_http_429", Kind::Bool),
        field("sample_age_limit", Kind::Duration),
    ]],
};

static METADATA: Section = Section {
    name: "metadata_config",
    fields: &[&[
        field("send", Kind::Bool).default("true").always(),
        field("send_interval", Kind::Duration).default("1m").always(),
        field("max_samples_per_send", Kind::Count).default("2000"),
    ]],
};

static REMOTE_WRITE: Section = Section {
    name: "remote write config section",
    fields: &[
        &[
            field("url", Kind::Link).always(),
            field("remote_timeout", Kind::Duration).default("30s"),
            field("headers", Kind::Map(&Kind::Text)),
            field("write_relabel_configs", RELABEL),
            field("name", Kind::Text),
            field("send_exemplars", Kind::Bool),
            field("send_native_histograms", Kind::Bool),
            field("round_robin_dns", Kind::Bool),
            field("failed_request_logging", Kind::Any),
            field("protobuf_message", Kind::Text).default("prometheus.WriteRequest"),
        ],
        CLIENT,
        &[
            field("queue_config", Kind::Section(&QUEUE)).print(Print::Filled),
            field("metadata_config", Kind::Section(&METADATA)).print(Print::Filled),
            field("sigv4", Kind::Section(&SIGV4)),
            field("azuread", Kind::Section(&AZUREAD)),
            field("google_iam", Kind::Map(&Kind::Text)),
        ],
    ],
};

static AZUREAD: Section = Section {
    name: "azuread",
    fields: &[&[
        field("cloud", Kind::Text),
        field("managed_identity", Kind::Map(&Kind::Text)),
        field("workload_identity", Kind::Map(&Kind::Text)),
        field("oauth", Kind::Map(&Kind::Secret)),
        field("sdk", Kind::Map(&Kind::Text)),
        field("scope", Kind::Text),
    ]],
};

static REMOTE_READ: Section = Section {
    name: "remote read config section",
    fields: &[
        &[
            field("url", Kind::Link).always(),
            field("remote_timeout", Kind::Duration).default("1m"),
            field("chunked_read_limit", Kind::Count).default("50000000"),
            field("headers", Kind::Map(&Kind::Text)),
            field("read_recent", Kind::Bool),
            field("name", Kind::Text),
        ],
        CLIENT,
        &[field("required_matchers", Kind::Map(&Kind::Text)), field("filter_external_labels", Kind::Bool).default("true")],
    ],
};

static RETENTION: Section = Section {
    name: "retention",
    fields: &[&[field("time", Kind::Duration), field("size", Kind::Bytes), field("percentage", Kind::Float).idle()]],
};
static FLOAT_ENCODING: Words = Words { name: "chunk encoding for floats", words: &["xor", "xor2"], any_case: false };
static CHUNK_ENCODING: Section = Section { name: "chunk_encoding", fields: &[&[field("floats", Kind::Word(&FLOAT_ENCODING))]] };
static TSDB: Section = Section {
    name: "tsdb",
    fields: &[&[
        field("out_of_order_time_window", Kind::Duration),
        field("stale_series_compaction_threshold", Kind::Float).idle(),
        field("retention", Kind::Section(&RETENTION)),
        field("chunk_encoding", Kind::Section(&CHUNK_ENCODING)).idle(),
    ]],
};
static EXEMPLARS: Section = Section { name: "exemplars", fields: &[&[field("max_exemplars", Kind::Int).default("100000")]] };
static STORAGE: Section =
    Section { name: "storage", fields: &[&[field("tsdb", Kind::Section(&TSDB)), field("exemplars", Kind::Section(&EXEMPLARS)).idle()]] };

static CLIENT_TYPE: Words = Words { name: "tracing client type", words: &["http", "grpc"], any_case: false };
static TRACING: Section = Section {
    name: "tracing",
    fields: &[&[
        field("client_type", Kind::Word(&CLIENT_TYPE)).default("grpc"),
        field("endpoint", Kind::Text),
        field("sampling_fraction", Kind::Float),
        field("insecure", Kind::Bool),
        field("tls_config", Kind::Section(&TLS)),
        field("headers", Kind::Map(&Kind::Text)),
        field("compression", Kind::Text),
        field("timeout", Kind::Duration),
    ]],
};

static OTLP: Section = Section {
    name: "otlp",
    fields: &[&[
        field("promote_all_resource_attributes", Kind::Bool),
        field("promote_resource_attributes", Kind::List(&Kind::Text)),
        field("ignore_resource_attributes", Kind::List(&Kind::Text)),
        field("translation_strategy", Kind::Text).default("UnderscoreEscapingWithSuffixes"),
        field("keep_identifying_resource_attributes", Kind::Bool),
        field("convert_histograms_to_nhcb", Kind::Bool),
        field("promote_scope_metadata", Kind::Bool),
        field("label_name_underscore_sanitization", Kind::Bool).default("true"),
        field("label_name_preserve_multiple_underscores", Kind::Bool).default("true"),
    ]],
};

static RUNTIME: Section = Section { name: "runtime", fields: &[&[field("gogc", Kind::Int).default("75")]] };

/// The whole file.
pub static PROMETHEUS: Section = Section {
    name: "prometheus.yml",
    fields: &[&[
        field("global", Kind::Section(&GLOBAL)).print(Print::Filled),
        field("runtime", Kind::Section(&RUNTIME)).print(Print::Filled).idle(),
        field("alerting", Kind::Section(&ALERTING)),
        field("rule_files", Kind::List(&Kind::Path)),
        field("scrape_config_files", Kind::List(&Kind::Path)),
        field("scrape_configs", Kind::List(&Kind::Section(&SCRAPE_CONFIG))),
        field("storage", Kind::Section(&STORAGE)),
        field("tracing", Kind::Section(&TRACING)).idle(),
        field("remote_write", Kind::List(&Kind::Section(&REMOTE_WRITE))).idle(),
        field("remote_read", Kind::List(&Kind::Section(&REMOTE_READ))).idle(),
        field("otlp", Kind::Section(&OTLP)).print(Print::Filled).idle(),
    ]],
};
