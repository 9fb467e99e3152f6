//! One file per subcommand: flags in, exit code out.

pub mod check;
pub mod check_config;
pub mod check_manifests;
pub mod check_rules;
pub mod check_target;
pub mod checked;
pub mod demo;
pub mod features;
pub mod foreign_flags;
pub mod http_flags;
pub mod notify_test;
pub mod promql;
pub mod routes_test;
pub mod rules_backtest;
pub mod serve;
pub mod serve_flags;
pub mod silence;
pub mod template_render;
pub mod test_promql;
pub mod test_rules;
pub mod tsdb;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use serve_flags::ServeFlags;

/// Exit code of a command line that makes no sense.
pub const USAGE: u8 = 2;

/// A whole Prometheus stack for one machine. Without a command it serves.
#[derive(Parser, Debug)]
#[command(name = "promlet", version, args_conflicts_with_subcommands = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeFlags,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Runs the server (the default)
    Serve(Box<ServeFlags>),
    /// Runs the server with a simulated trainer and receivers, in a temporary folder
    Demo(demo::DemoFlags),
    /// Checks files and names every problem with file, line and column
    Check {
        #[command(subcommand)]
        subject: Check,
    },
    /// Runs tests
    Test {
        #[command(subcommand)]
        subject: Test,
    },
    /// Tries receivers
    Notify {
        #[command(subcommand)]
        subject: Notify,
    },
    /// Tries the routing tree
    Routes {
        #[command(subcommand)]
        subject: Routes,
    },
    /// Tries rules on the stored history
    Rules {
        #[command(subcommand)]
        subject: rules_backtest::RulesCommand,
    },
    /// Sets, lists and ends silences of a server
    Silence {
        #[command(subcommand)]
        subject: silence::SilenceCommand,
    },
    /// Renders templates of notifications
    Template {
        #[command(subcommand)]
        subject: Template,
    },
    /// Looks at a data folder, checks it, takes over Prometheus's, writes blocks for Prometheus
    Tsdb {
        #[command(subcommand)]
        subject: tsdb::TsdbCommand,
    },
    /// Asks a server: an expression, or a prompt without one
    Promql(promql::PromqlArguments),
}

#[derive(Subcommand, Debug)]
enum Check {
    /// Prometheus configurations, with the rule files they name
    Config(check_config::CheckConfigFlags),
    /// Rule files, with what is wrong though they load
    Rules(check_rules::CheckRulesFlags),
    /// Alertmanager configurations
    Alertmanager(CheckedFiles),
    /// Files for --web.config.file, with the certificates they name
    WebConfig(CheckedFiles),
    /// Kubernetes manifests: what a cluster would refuse, and what Prometheus there would never scrape
    Manifests(check_manifests::CheckManifestsFlags),
    /// Pages of metrics at their addresses
    Target(check_target::CheckTargetFlags),
    /// Files, folders and addresses, each as what it is
    #[command(external_subcommand)]
    Any(Vec<String>),
}

#[derive(Args, Debug)]
struct CheckedFiles {
    files: Vec<PathBuf>,
    /// Features that the server will be started with, comma-separated
    #[arg(long = "enable-feature", value_name = "NAMES", value_delimiter = ',')]
    features: Vec<String>,
}

#[derive(Subcommand, Debug)]
enum Test {
    /// Runs files in Prometheus's test language
    Promql(test_promql::TestPromqlFlags),
    /// Runs unit tests of rules, in promtool's format
    Rules(test_rules::TestRulesFlags),
}

#[derive(Subcommand, Debug)]
enum Notify {
    /// Sends one message to a receiver and prints each step
    Test(notify_test::NotifyTestFlags),
}

#[derive(Subcommand, Debug)]
enum Routes {
    /// Says who hears of an alert with these labels, on which route, in which group and when
    Test(routes_test::RoutesTestFlags),
}

#[derive(Subcommand, Debug)]
enum Template {
    /// Renders one text with template files, as amtool does
    Render(template_render::RenderFlags),
}

/// The whole command: arguments with the program's name first, an exit code out.
pub fn promlet(arguments: Vec<String>) -> ExitCode {
    install_tls();
    let asks = arguments.get(1).is_some_and(|command| command == "promql");
    let arguments = if asks { promql::with_expression(arguments) } else { arguments };
    let (arguments, warnings) = foreign_flags::take_out(arguments);
    let parsed = match CommandLine::try_parse_from(arguments) {
        Ok(parsed) => parsed,
        Err(error) => return explain(&error),
    };
    for warning in &warnings {
        warn(warning);
    }
    match parsed.command {
        None => serve::run(parsed.serve),
        Some(Command::Serve(flags)) => serve::run(*flags),
        Some(Command::Demo(flags)) => demo::run(flags),
        Some(Command::Check { subject }) => run_check(subject),
        Some(Command::Test { subject: Test::Promql(flags) }) => test_promql::run(&flags),
        Some(Command::Test { subject: Test::Rules(flags) }) => test_rules::run(&flags),
        Some(Command::Notify { subject: Notify::Test(flags) }) => notify_test::run(&flags),
        Some(Command::Routes { subject: Routes::Test(flags) }) => routes_test::run(&flags, &mut std::io::stdout().lock()),
        Some(Command::Rules { subject }) => rules_backtest::run(&subject),
        Some(Command::Silence { subject }) => silence::run(&subject),
        Some(Command::Template { subject: Template::Render(flags) }) => template_render::run(&flags),
        Some(Command::Tsdb { subject }) => tsdb::run(subject),
        Some(Command::Promql(arguments)) => ExitCode::from(promql::run(arguments).code()),
    }
}

fn run_check(subject: Check) -> ExitCode {
    let (subject, CheckedFiles { files, features }) = match subject {
        Check::Config(flags) => return check_config::run(&flags),
        Check::Rules(flags) => return check_rules::run(&flags),
        Check::Alertmanager(files) => (check::Subject::Alertmanager, files),
        Check::WebConfig(files) => (check::Subject::Web, files),
        Check::Manifests(flags) => return check_manifests::run(&flags),
        Check::Target(flags) => return check_target::run(&flags),
        Check::Any(arguments) => return checked::run(&arguments),
    };
    let environment = serve::environment(&features);
    if files.is_empty() {
        warn("name at least one file");
        return ExitCode::from(USAGE);
    }
    check::run(subject, &files, &environment, &mut std::io::stdout().lock())
}

/// The one TLS provider of the process; a second call finds it installed.
pub fn install_tls() {
    let _already_installed = rustls::crypto::ring::default_provider().install_default();
}

/// Help and version are answers, everything else is a usage error.
fn explain(error: &clap::Error) -> ExitCode {
    let _closed_pipe = error.print();
    if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS }
}

/// A line on standard error, before there is a log.
fn warn(text: &str) {
    let _closed_pipe = writeln!(std::io::stderr(), "promlet: {text}");
}

/// The `promql` command: arguments with the program's name first, an exit code out.
pub fn promql(arguments: Vec<String>) -> ExitCode {
    install_tls();
    match promql::PromqlArguments::try_parse_from(promql::with_expression(arguments)) {
        Ok(arguments) => ExitCode::from(promql::run(arguments).code()),
        Err(error) => explain(&error),
    }
}
