//! The tables of service discovery on one's own machines: files, DNS, HTTP, containers, orchestrators; and the list of all.

use crate::config::http_client::CLIENT;
use crate::yaml::{Field, Kind, Section, Words, field};

use super::cloud_fields as cloud;

static SWARM_ROLE: Words = Words { name: "role", words: &["services", "tasks", "nodes"], any_case: false };
static DNS_TYPE: Words = Words { name: "DNS-SD records type", words: &["SRV", "A", "AAAA", "MX", "NS"], any_case: true };
static K8S_ROLE: Words =
    Words { name: "Kubernetes SD role", words: &["node", "pod", "service", "endpoints", "endpointslice", "ingress"], any_case: false };

static STATIC: Section = Section {
    name: "static_config",
    fields: &[&[field("targets", Kind::List(&Kind::Text)).always(), field("labels", Kind::Map(&Kind::Text))]],
};

pub static FILTER: Section =
    Section { name: "filter", fields: &[&[field("name", Kind::Text).always(), field("values", Kind::List(&Kind::Text)).always()]] };

static NAMESPACES: Section =
    Section { name: "namespaces", fields: &[&[field("own_namespace", Kind::Bool).always(), field("names", Kind::List(&Kind::Text))]] };

static SELECTOR: Section = Section {
    name: "selector",
    fields: &[&[field("role", Kind::Word(&K8S_ROLE)), field("label", Kind::Text), field("field", Kind::Text)]],
};

static ATTACH: Section =
    Section { name: "attach_metadata", fields: &[&[field("node", Kind::Bool).always(), field("namespace", Kind::Bool)]] };

static CONSUL: Section = Section {
    name: "consul_sd_config",
    fields: &[
        &[
            field("server", Kind::Text).default("localhost:8500"),
            field("path_prefix", Kind::Text),
            field("token", Kind::Secret),
            field("datacenter", Kind::Text),
            field("namespace", Kind::Text),
            field("partition", Kind::Text),
            field("tag_separator", Kind::Text).default(","),
            field("scheme", Kind::Text).default("http"),
            field("username", Kind::Text),
            field("password", Kind::Secret),
            field("allow_stale", Kind::Bool).default("true").always(),
            field("refresh_interval", Kind::Duration).default("30s"),
            field("services", Kind::List(&Kind::Text)),
            field("health_filter", Kind::Text),
            field("filter", Kind::Text),
            field("tags", Kind::List(&Kind::Text)),
            field("node_meta", Kind::Map(&Kind::Text)),
        ],
        CLIENT,
    ],
};

static DNS: Section = Section {
    name: "dns_sd_config",
    fields: &[&[
        field("names", Kind::List(&Kind::Text)).always(),
        field("refresh_interval", Kind::Duration).default("30s"),
        field("type", Kind::Word(&DNS_TYPE)).default("SRV"),
        field("port", Kind::Int),
    ]],
};

static DOCKER: Section = Section {
    name: "docker_sd_config",
    fields: &[
        CLIENT,
        &[
            field("host", Kind::Text).always(),
            field("port", Kind::Int).default("80"),
            field("filters", Kind::List(&Kind::Section(&FILTER))),
            field("host_networking_host", Kind::Text).default("localhost"),
            field("refresh_interval", Kind::Duration).default("1m"),
            field("match_first_network", Kind::Bool).default("true").always(),
        ],
    ],
};

static DOCKERSWARM: Section = Section {
    name: "dockerswarm_sd_config",
    fields: &[
        CLIENT,
        &[
            field("host", Kind::Text).always(),
            field("role", Kind::Word(&SWARM_ROLE)).always(),
            field("port", Kind::Int).default("80"),
            field("filters", Kind::List(&Kind::Section(&FILTER))),
            field("refresh_interval", Kind::Duration).default("1m"),
        ],
    ],
};

static EUREKA: Section = Section {
    name: "eureka_sd_config",
    fields: &[&[field("server", Kind::Text), field("refresh_interval", Kind::Duration).default("30s")], CLIENT],
};

static FILE: Section = Section {
    name: "file_sd_config",
    fields: &[&[field("files", Kind::List(&Kind::Path)).always(), field("refresh_interval", Kind::Duration).default("5m")]],
};

static HTTP: Section = Section {
    name: "http_sd_config",
    fields: &[CLIENT, &[field("refresh_interval", Kind::Duration).default("1m"), field("url", Kind::Text).always()]],
};

static KUBERNETES: Section = Section {
    name: "kubernetes_sd_config",
    fields: &[
        &[
            field("api_server", Kind::Link),
            field("role", Kind::Word(&K8S_ROLE)).always(),
            field("kubeconfig_file", Kind::Path),
            field("namespaces", Kind::Section(&NAMESPACES)),
            field("selectors", Kind::List(&Kind::Section(&SELECTOR))),
            field("attach_metadata", Kind::Section(&ATTACH)),
        ],
        CLIENT,
    ],
};

static KUMA: Section = Section {
    name: "kuma_sd_config",
    fields: &[
        &[
            field("server", Kind::Text),
            field("refresh_interval", Kind::Duration).default("15s"),
            field("fetch_timeout", Kind::Duration).default("2m"),
            field("client_id", Kind::Text),
        ],
        CLIENT,
    ],
};

static MARATHON: Section = Section {
    name: "marathon_sd_config",
    fields: &[
        &[
            field("servers", Kind::List(&Kind::Text)),
            field("refresh_interval", Kind::Duration).default("30s"),
            field("auth_token", Kind::Secret),
            field("auth_token_file", Kind::Path),
        ],
        CLIENT,
    ],
};

static NERVE: Section = Section {
    name: "nerve_sd_config",
    fields: &[&[
        field("servers", Kind::List(&Kind::Text)).always(),
        field("paths", Kind::List(&Kind::Text)).always(),
        field("timeout", Kind::Duration).default("10s"),
    ]],
};

static NOMAD: Section = Section {
    name: "nomad_sd_config",
    fields: &[
        &[
            field("allow_stale", Kind::Bool).default("true").always(),
            field("namespace", Kind::Text).default("default"),
            field("refresh_interval", Kind::Duration).default("1m"),
            field("region", Kind::Text).default("global"),
            field("server", Kind::Text).default("http://localhost:4646"),
            field("tag_separator", Kind::Text).default(","),
        ],
        CLIENT,
    ],
};

static PUPPETDB: Section = Section {
    name: "puppetdb_sd_config",
    fields: &[
        CLIENT,
        &[
            field("refresh_interval", Kind::Duration).default("1m"),
            field("url", Kind::Text).always(),
            field("query", Kind::Text).always(),
            field("include_parameters", Kind::Bool).always(),
            field("port", Kind::Int).default("80"),
        ],
    ],
};

static SERVERSET: Section = Section {
    name: "serverset_sd_config",
    fields: &[&[
        field("servers", Kind::List(&Kind::Text)).always(),
        field("paths", Kind::List(&Kind::Text)).always(),
        field("timeout", Kind::Duration).default("10s"),
    ]],
};

static UYUNI: Section = Section {
    name: "uyuni_sd_config",
    fields: &[
        &[
            field("server", Kind::Text).always(),
            field("username", Kind::Text).always(),
            field("password", Kind::Secret),
            field("entitlement", Kind::Text).default("monitoring_entitled"),
            field("separator", Kind::Text).default(","),
            field("refresh_interval", Kind::Duration).default("1m"),
        ],
        CLIENT,
    ],
};

/// In the order of printing.
pub static DISCOVERY: &[Field] = &[
    field("aws_sd_configs", Kind::List(&Kind::Section(&cloud::AWS))).idle(),
    field("azure_sd_configs", Kind::List(&Kind::Section(&cloud::AZURE))).idle(),
    field("consul_sd_configs", Kind::List(&Kind::Section(&CONSUL))).idle(),
    field("digitalocean_sd_configs", Kind::List(&Kind::Section(&cloud::DIGITALOCEAN))).idle(),
    field("dns_sd_configs", Kind::List(&Kind::Section(&DNS))).idle(),
    field("docker_sd_configs", Kind::List(&Kind::Section(&DOCKER))).idle(),
    field("dockerswarm_sd_configs", Kind::List(&Kind::Section(&DOCKERSWARM))).idle(),
    field("ec2_sd_configs", Kind::List(&Kind::Section(&cloud::EC2))).idle(),
    field("ecs_sd_configs", Kind::List(&Kind::Section(&cloud::ECS))).idle(),
    field("elasticache_sd_configs", Kind::List(&Kind::Section(&cloud::ELASTICACHE))).idle(),
    field("eureka_sd_configs", Kind::List(&Kind::Section(&EUREKA))).idle(),
    field("file_sd_configs", Kind::List(&Kind::Section(&FILE))),
    field("gce_sd_configs", Kind::List(&Kind::Section(&cloud::GCE))).idle(),
    field("hetzner_sd_configs", Kind::List(&Kind::Section(&cloud::HETZNER))).idle(),
    field("http_sd_configs", Kind::List(&Kind::Section(&HTTP))).idle(),
    field("ionos_sd_configs", Kind::List(&Kind::Section(&cloud::IONOS))).idle(),
    field("kubernetes_sd_configs", Kind::List(&Kind::Section(&KUBERNETES))).idle(),
    field("kuma_sd_configs", Kind::List(&Kind::Section(&KUMA))).idle(),
    field("lightsail_sd_configs", Kind::List(&Kind::Section(&cloud::LIGHTSAIL))).idle(),
    field("linode_sd_configs", Kind::List(&Kind::Section(&cloud::LINODE))).idle(),
    field("marathon_sd_configs", Kind::List(&Kind::Section(&MARATHON))).idle(),
    field("mq_sd_configs", Kind::List(&Kind::Section(&cloud::MQ))).idle(),
    field("msk_sd_configs", Kind::List(&Kind::Section(&cloud::MSK))).idle(),
    field("nerve_sd_configs", Kind::List(&Kind::Section(&NERVE))).idle(),
    field("nomad_sd_configs", Kind::List(&Kind::Section(&NOMAD))).idle(),
    field("oci_sd_configs", Kind::List(&Kind::Section(&cloud::OCI))).idle(),
    field("openstack_sd_configs", Kind::List(&Kind::Section(&cloud::OPENSTACK))).idle(),
    field("outscale_sd_configs", Kind::List(&Kind::Section(&cloud::OUTSCALE))).idle(),
    field("ovhcloud_sd_configs", Kind::List(&Kind::Section(&cloud::OVHCLOUD))).idle(),
    field("puppetdb_sd_configs", Kind::List(&Kind::Section(&PUPPETDB))).idle(),
    field("rds_sd_configs", Kind::List(&Kind::Section(&cloud::RDS))).idle(),
    field("scaleway_sd_configs", Kind::List(&Kind::Section(&cloud::SCALEWAY))).idle(),
    field("serverset_sd_configs", Kind::List(&Kind::Section(&SERVERSET))).idle(),
    field("stackit_sd_configs", Kind::List(&Kind::Section(&cloud::STACKIT))).idle(),
    field("static_configs", Kind::List(&Kind::Section(&STATIC))),
    field("triton_sd_configs", Kind::List(&Kind::Section(&cloud::TRITON))).idle(),
    field("uyuni_sd_configs", Kind::List(&Kind::Section(&UYUNI))).idle(),
    field("vultr_sd_configs", Kind::List(&Kind::Section(&cloud::VULTR))).idle(),
];
