//! How commands reach a server: `--http.config.file`, as promtool and amtool have it.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::client::{ClientOptions, Outbound, Timeouts};
use crate::config::http_client;
use crate::model::Problem;

#[derive(Args, Clone, Debug, Default)]
pub struct HttpFlags {
    /// TLS, password, token and proxy for the server: a file with what http_config holds
    #[arg(long = "http.config.file", env = "PROMLET_HTTP_CONFIG_FILE", value_name = "FILE")]
    pub http_config_file: Option<PathBuf>,
}

impl HttpFlags {
    /// A client whose requests may take this long; the error is what is wrong with the file.
    pub fn client(&self, timeout: Duration) -> Result<Outbound, String> {
        let told = |problems: Vec<Problem>| problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n");
        let options = match &self.http_config_file {
            Some(file) => http_client::load(file).map_err(told)?,
            None => ClientOptions { proxy_from_environment: true, ..ClientOptions::default() },
        };
        Outbound::new(&options, Timeouts::total(timeout)).map_err(|error| error.to_string())
    }
}
