//! The tables of service discovery by clouds: known and checked for their keys, not acted on.

use super::discovery_fields::FILTER;
use crate::config::http_client::{CLIENT, TLS};
use crate::yaml::{Kind, Section, Words, field};

static AWS_ROLE: Words =
    Words { name: "AWS SD role", words: &["ec2", "ecs", "lightsail", "msk", "rds", "elasticache", "mq"], any_case: false };
static AZURE_METHOD: Words =
    Words { name: "authentication_type", words: &["OAuth", "ManagedIdentity", "SDK", "WorkloadIdentity"], any_case: false };
static HETZNER_ROLE: Words = Words { name: "role", words: &["robot", "hcloud"], any_case: false };
static OPENSTACK_ROLE: Words = Words { name: "OpenStack SD role", words: &["hypervisor", "instance", "loadbalancer"], any_case: false };
static OPENSTACK_AVAILABILITY: Words = Words { name: "availability", words: &["public", "admin", "internal"], any_case: false };
static OVH_SERVICE: Words = Words { name: "service", words: &["vps", "dedicated_server"], any_case: false };
static SCALEWAY_ROLE: Words = Words { name: "role", words: &["instance", "baremetal"], any_case: false };
static TRITON_ROLE: Words = Words { name: "role", words: &["container", "cn"], any_case: false };

pub static AWS: Section = Section {
    name: "aws_sd_config",
    fields: &[
        &[
            field("role", Kind::Word(&AWS_ROLE)).always(),
            field("region", Kind::Text),
            field("endpoint", Kind::Text),
            field("access_key", Kind::Text),
            field("secret_key", Kind::Secret),
            field("profile", Kind::Text),
            field("role_arn", Kind::Text),
            field("external_id", Kind::Text),
            field("refresh_interval", Kind::Duration).default("1m"),
            field("port", Kind::Int).default("80"),
            field("use_fips_sts_endpoint", Kind::Bool),
            field("request_concurrency", Kind::Count),
            field("filters", Kind::List(&Kind::Section(&FILTER))),
            field("clusters", Kind::List(&Kind::Text)),
            field("*", Kind::Any),
        ],
        CLIENT,
    ],
};

pub static AZURE: Section = Section {
    name: "azure_sd_config",
    fields: &[
        &[
            field("environment", Kind::Text).default("AzurePublicCloud"),
            field("port", Kind::Int).default("80"),
            field("subscription_id", Kind::Text).always(),
            field("tenant_id", Kind::Text),
            field("client_id", Kind::Text),
            field("client_secret", Kind::Secret),
            field("refresh_interval", Kind::Duration).default("5m"),
            field("authentication_method", Kind::Word(&AZURE_METHOD)).default("OAuth"),
            field("resource_group", Kind::Text),
        ],
        CLIENT,
    ],
};

pub static DIGITALOCEAN: Section = Section {
    name: "digitalocean_sd_config",
    fields: &[
        CLIENT,
        &[field("refresh_interval", Kind::Duration).default("1m"), field("port", Kind::Int).default("80"), field("*", Kind::Any)],
    ],
};

pub static EC2: Section = Section {
    name: "ec2_sd_config",
    fields: &[
        &[
            field("region", Kind::Text),
            field("endpoint", Kind::Text),
            field("access_key", Kind::Text),
            field("secret_key", Kind::Secret),
            field("profile", Kind::Text),
            field("role_arn", Kind::Text),
            field("external_id", Kind::Text),
            field("refresh_interval", Kind::Duration).default("1m"),
            field("port", Kind::Int).default("80"),
            field("use_fips_sts_endpoint", Kind::Bool),
            field("request_concurrency", Kind::Count),
            field("filters", Kind::List(&Kind::Section(&FILTER))),
        ],
        CLIENT,
    ],
};

pub static ECS: Section = Section {
    name: "ecs_sd_config",
    fields: &[
        &[
            field("region", Kind::Text),
            field("endpoint", Kind::Text),
            field("access_key", Kind::Text),
            field("secret_key", Kind::Secret),
            field("profile", Kind::Text),
            field("role_arn", Kind::Text),
            field("external_id", Kind::Text),
            field("refresh_interval", Kind::Duration).default("1m"),
            field("port", Kind::Int).default("80"),
            field("use_fips_sts_endpoint", Kind::Bool),
            field("request_concurrency", Kind::Count),
            field("clusters", Kind::List(&Kind::Text)),
            field("*", Kind::Any),
        ],
        CLIENT,
    ],
};

pub static ELASTICACHE: Section = Section {
    name: "elasticache_sd_config",
    fields: &[
        &[
            field("region", Kind::Text),
            field("endpoint", Kind::Text),
            field("access_key", Kind::Text),
            field("secret_key", Kind::Secret),
            field("profile", Kind::Text),
            field("role_arn", Kind::Text),
            field("external_id", Kind::Text),
            field("refresh_interval", Kind::Duration).default("1m"),
            field("port", Kind::Int).default("80"),
            field("use_fips_sts_endpoint", Kind::Bool),
            field("request_concurrency", Kind::Count),
            field("clusters", Kind::List(&Kind::Text)),
            field("*", Kind::Any),
        ],
        CLIENT,
    ],
};

pub static GCE: Section = Section {
    name: "gce_sd_config",
    fields: &[&[
        field("project", Kind::Text).always(),
        field("zone", Kind::Text).always(),
        field("filter", Kind::Text),
        field("refresh_interval", Kind::Duration).default("1m"),
        field("port", Kind::Int).default("80"),
        field("tag_separator", Kind::Text).default(","),
    ]],
};

pub static HETZNER: Section = Section {
    name: "hetzner_sd_config",
    fields: &[
        CLIENT,
        &[
            field("refresh_interval", Kind::Duration).default("1m"),
            field("port", Kind::Int).default("80"),
            field("role", Kind::Word(&HETZNER_ROLE)).always(),
            field("label_selector", Kind::Text),
        ],
    ],
};

pub static IONOS: Section = Section {
    name: "ionos_sd_config",
    fields: &[
        CLIENT,
        &[
            field("datacenter_id", Kind::Text).always(),
            field("refresh_interval", Kind::Duration).default("1m"),
            field("port", Kind::Int).default("80"),
        ],
    ],
};

pub static LIGHTSAIL: Section = Section {
    name: "lightsail_sd_config",
    fields: &[
        &[
            field("region", Kind::Text),
            field("endpoint", Kind::Text),
            field("access_key", Kind::Text),
            field("secret_key", Kind::Secret),
            field("profile", Kind::Text),
            field("role_arn", Kind::Text),
            field("external_id", Kind::Text),
            field("refresh_interval", Kind::Duration).default("1m"),
            field("port", Kind::Int).default("80"),
            field("use_fips_sts_endpoint", Kind::Bool),
            field("request_concurrency", Kind::Count),
        ],
        CLIENT,
    ],
};

pub static LINODE: Section = Section {
    name: "linode_sd_config",
    fields: &[
        CLIENT,
        &[
            field("refresh_interval", Kind::Duration).default("1m"),
            field("port", Kind::Int).default("80"),
            field("tag_separator", Kind::Text).default(","),
            field("region", Kind::Text),
        ],
    ],
};

pub static MQ: Section = Section {
    name: "mq_sd_config",
    fields: &[
        &[
            field("region", Kind::Text),
            field("endpoint", Kind::Text),
            field("access_key", Kind::Text),
            field("secret_key", Kind::Secret),
            field("profile", Kind::Text),
            field("role_arn", Kind::Text),
            field("external_id", Kind::Text),
            field("refresh_interval", Kind::Duration).default("1m"),
            field("port", Kind::Int).default("80"),
            field("use_fips_sts_endpoint", Kind::Bool),
            field("request_concurrency", Kind::Count),
            field("*", Kind::Any),
        ],
        CLIENT,
    ],
};

pub static MSK: Section = Section {
    name: "msk_sd_config",
    fields: &[
        &[
            field("region", Kind::Text),
            field("endpoint", Kind::Text),
            field("access_key", Kind::Text),
            field("secret_key", Kind::Secret),
            field("profile", Kind::Text),
            field("role_arn", Kind::Text),
            field("external_id", Kind::Text),
            field("refresh_interval", Kind::Duration).default("1m"),
            field("port", Kind::Int).default("80"),
            field("use_fips_sts_endpoint", Kind::Bool),
            field("request_concurrency", Kind::Count),
            field("clusters", Kind::List(&Kind::Text)),
            field("*", Kind::Any),
        ],
        CLIENT,
    ],
};

pub static OCI: Section = Section {
    name: "oci_sd_config",
    fields: &[
        &[
            field("region", Kind::Text),
            field("tenancy", Kind::Text),
            field("user", Kind::Text),
            field("fingerprint", Kind::Text),
            field("key_file", Kind::Path),
            field("key_passphrase", Kind::Secret),
            field("compartments", Kind::List(&Kind::Text)),
            field("auth", Kind::Text),
            field("authentication_method", Kind::Text),
            field("port", Kind::Int).default("80"),
            field("refresh_interval", Kind::Duration).default("1m"),
        ],
        CLIENT,
    ],
};

pub static OPENSTACK: Section = Section {
    name: "openstack_sd_config",
    fields: &[&[
        field("identity_endpoint", Kind::Text),
        field("username", Kind::Text),
        field("userid", Kind::Text),
        field("password", Kind::Secret),
        field("project_name", Kind::Text),
        field("project_id", Kind::Text),
        field("domain_name", Kind::Text),
        field("domain_id", Kind::Text),
        field("application_credential_name", Kind::Text),
        field("application_credential_id", Kind::Text),
        field("application_credential_secret", Kind::Secret),
        field("role", Kind::Word(&OPENSTACK_ROLE)).always(),
        field("region", Kind::Text).always(),
        field("refresh_interval", Kind::Duration).default("1m"),
        field("port", Kind::Int).default("80"),
        field("all_tenants", Kind::Bool),
        field("tls_config", Kind::Section(&TLS)),
        field("availability", Kind::Word(&OPENSTACK_AVAILABILITY)).default("public"),
    ]],
};

pub static OUTSCALE: Section = Section {
    name: "outscale_sd_config",
    fields: &[
        &[
            field("region", Kind::Text),
            field("access_key", Kind::Text),
            field("secret_key", Kind::Secret),
            field("endpoint", Kind::Text),
            field("profile", Kind::Text),
            field("port", Kind::Int).default("80"),
            field("refresh_interval", Kind::Duration).default("1m"),
            field("*", Kind::Any),
        ],
        CLIENT,
    ],
};

pub static OVHCLOUD: Section = Section {
    name: "ovhcloud_sd_config",
    fields: &[&[
        field("endpoint", Kind::Text).default("ovh-eu"),
        field("application_key", Kind::Text).always(),
        field("application_secret", Kind::Secret),
        field("consumer_key", Kind::Secret),
        field("refresh_interval", Kind::Duration).default("1m"),
        field("service", Kind::Word(&OVH_SERVICE)).always(),
    ]],
};

pub static RDS: Section = Section {
    name: "rds_sd_config",
    fields: &[
        &[
            field("region", Kind::Text),
            field("endpoint", Kind::Text),
            field("access_key", Kind::Text),
            field("secret_key", Kind::Secret),
            field("profile", Kind::Text),
            field("role_arn", Kind::Text),
            field("external_id", Kind::Text),
            field("refresh_interval", Kind::Duration).default("1m"),
            field("port", Kind::Int).default("80"),
            field("use_fips_sts_endpoint", Kind::Bool),
            field("request_concurrency", Kind::Count),
            field("filters", Kind::List(&Kind::Section(&FILTER))),
            field("clusters", Kind::List(&Kind::Text)),
            field("*", Kind::Any),
        ],
        CLIENT,
    ],
};

pub static SCALEWAY: Section = Section {
    name: "scaleway_sd_config",
    fields: &[
        &[
            field("project_id", Kind::Text).always(),
            field("access_key", Kind::Text).always(),
            field("secret_key", Kind::Secret),
            field("secret_key_file", Kind::Path),
            field("api_url", Kind::Text),
            field("role", Kind::Word(&SCALEWAY_ROLE)).always(),
            field("name_filter", Kind::Text),
            field("tags_filter", Kind::List(&Kind::Text)),
            field("zone", Kind::Text),
            field("refresh_interval", Kind::Duration).default("1m"),
            field("port", Kind::Int).default("80"),
        ],
        CLIENT,
    ],
};

pub static STACKIT: Section = Section {
    name: "stackit_sd_config",
    fields: &[
        CLIENT,
        &[
            field("project", Kind::Text).always(),
            field("refresh_interval", Kind::Duration).default("1m"),
            field("port", Kind::Int).default("80"),
            field("region", Kind::Text).default("eu01"),
            field("endpoint", Kind::Text),
            field("service_account_key", Kind::Secret),
            field("private_key", Kind::Secret),
            field("service_account_key_path", Kind::Path),
            field("private_key_path", Kind::Path),
            field("credentials_file_path", Kind::Path),
            field("role", Kind::Text),
        ],
    ],
};

pub static TRITON: Section = Section {
    name: "triton_sd_config",
    fields: &[&[
        field("account", Kind::Text).always(),
        field("dns_suffix", Kind::Text).always(),
        field("endpoint", Kind::Text).always(),
        field("groups", Kind::List(&Kind::Text)),
        field("port", Kind::Int).default("9163"),
        field("refresh_interval", Kind::Duration).default("1m"),
        field("role", Kind::Word(&TRITON_ROLE)),
        field("tls_config", Kind::Section(&TLS)),
        field("version", Kind::Int).default("1").always(),
    ]],
};

pub static VULTR: Section = Section {
    name: "vultr_sd_config",
    fields: &[CLIENT, &[field("refresh_interval", Kind::Duration).default("1m"), field("port", Kind::Int).default("80")]],
};
