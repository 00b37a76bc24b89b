//! The command line. One file per subcommand; each wires what it needs and prints what people read.

/// Prints a line on standard output. A reader that went away (`| head`) is an error, not a panic.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        writeln!(std::io::stdout(), $($text)*)
    }};
}

mod collect;
mod completions;
mod config_check;
mod context;
mod deed;
mod export;
mod fetch;
mod hosts;
mod import;
mod job;
mod logging;
mod login;
mod migrate;
mod one_source;
mod openapi;
mod other_component;
mod output;
mod queue;
mod record;
mod run;
mod schedule;
mod serve;
mod shadow_totals;
mod source_check;
mod source_diff;
mod source_list;
mod source_new;
mod source_resume;
mod source_rollback;
mod source_test;
mod source_units;
mod source_versions;
mod status;
mod task;
mod token;
mod watch;
mod webhook;
mod words;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context;
use clap::{Parser, Subcommand};

use crate::{
    config::{self, Telemetry},
    observe::{Traces, Tracing},
};

/// Fills and keeps the history of power generation, unit by unit and month by month.
///
/// Sources (ENTSO-E, Elexon, EIA, Taipower, and any that you add) are WebAssembly components named in
/// backfill.toml. A first run:
///
///   backfill config check                          what is wrong with backfill.toml, all at once
///   backfill source list                           the sources, and whether each can be used
///   backfill source fetch elexon --code T_HOWAO-1 --month 2024-01 --format table
///   backfill import windfarms.toml                 wind farms and their generation units
///   backfill run --windfarm "Hornsea One" --from 2024-01 --to 2024-03
///   backfill export --format csv --windfarm "Hornsea One" > hornsea.csv
#[derive(Parser)]
#[command(name = "backfill", version, verbatim_doc_comment, max_term_width = 110)]
struct Arguments {
    /// The configuration file.
    #[arg(
        long,
        global = true,
        env = "BACKFILL_CONFIG",
        default_value = "backfill.toml",
        value_name = "FILE"
    )]
    config: PathBuf,

    /// What to log to standard error: error, warn, info, debug, or a filter such as `warn,source=debug`
    /// (`source` is what the sources themselves write).
    #[arg(long, global = true, env = "BACKFILL_LOG", default_value = LOG, value_name = "FILTER")]
    log: String,

    #[command(subcommand)]
    command: Command,
}

/// What is logged unless something else is asked for.
const LOG: &str = "info";

#[derive(Subcommand)]
enum Command {
    /// The configuration file.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// The sources: list them, try one.
    #[command(subcommand)]
    Source(SourceCommand),
    Import(import::Import),
    Run(run::Run),
    #[command(subcommand)]
    Job(job::Job),
    #[command(subcommand)]
    Task(task::TaskCommand),
    #[command(subcommand)]
    Queue(queue::Queue),
    Status(status::Status),
    Serve(serve::Serve),
    #[command(name = "worker")]
    Work(serve::Work),
    #[command(subcommand)]
    Schedule(schedule::ScheduleCommand),
    Migrate(migrate::Migrate),
    Export(export::Export),
    #[command(subcommand)]
    Webhook(webhook::WebhookCommand),
    #[command(subcommand)]
    Token(token::TokenCommand),
    #[command(name = "login")]
    LogIn(login::LogIn),
    #[command(name = "openapi")]
    OpenApi(openapi::OpenApi),
    Completions(completions::Completions),
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Print all problems of the configuration at once. Exit code 1 if there are any.
    Check,
}

#[derive(Subcommand)]
enum SourceCommand {
    /// The configured sources, what each says of itself, and whether it can be used.
    List,
    New(source_new::New),
    Fetch(fetch::Fetch),
    Collect(collect::Collect),
    Units(source_units::Units),
    Diff(source_diff::Diff),
    Resume(source_resume::Resume),
    Check(source_check::Check),
    Test(source_test::Test),
    Versions(source_versions::Versions),
    Rollback(source_rollback::Rollback),
}

/// Ends a process as it is that was told again and again to stop. Nothing is lost by this that a crash would not lose.
fn end_by_force() -> ! {
    logging::end();
    std::process::exit(130)
}

/// Parses the command line, acts, and says how it went: 0 well, 1 not, 2 the command line was wrong, 3 the
/// source answered with a failure.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&anyhow::Error::from(error).context("starting the runtime")),
    };
    let within = runtime.enter();
    let traces = match traces(&arguments) {
        Ok(traces) => traces,
        Err(error) => return fail(&error),
    };
    let log = match (&arguments.command, arguments.log.as_str()) {
        // What a source says while it is tried in every way is told only to those who ask.
        (Command::Source(SourceCommand::Test(_)), LOG) => "warn,source=off",
        (_, log) => log,
    };
    if let Err(error) = logging::start(log, traces.as_ref()) {
        return fail(&error);
    }
    drop(within);
    let acted = runtime.block_on(act(arguments));
    if let Some(traces) = traces {
        traces.shut_down();
    }
    // An error is the last line.
    logging::end();
    acted.unwrap_or_else(|error| fail(&error))
}

/// What sends traces, if they are wanted; for commands that work, since the others have none.
fn traces(arguments: &Arguments) -> anyhow::Result<Option<Traces>> {
    if !matches!(arguments.command, Command::Serve(_) | Command::Work(_) | Command::Run(_)) {
        return Ok(None);
    }
    // What is wrong with the file, the command itself says.
    let Ok(config) = config::load(&arguments.config, &context::env) else { return Ok(None) };
    let Telemetry { otlp_endpoint: Some(endpoint), service_name, sample_ratio } = config.telemetry else {
        return Ok(None);
    };
    let tracing = Tracing { endpoint: endpoint.as_str(), service_name: &service_name, sample_ratio };
    Traces::start(&tracing).context("[telemetry] otlp_endpoint").map(Some)
}

async fn act(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let config = &arguments.config;
    match arguments.command {
        Command::Config(ConfigCommand::Check) => config_check::act(config).await,
        Command::Source(SourceCommand::List) => source_list::act(config).await,
        Command::Source(SourceCommand::New(command)) => command.act(),
        Command::Source(SourceCommand::Fetch(command)) => command.act(config).await,
        Command::Source(SourceCommand::Collect(command)) => command.act(config).await,
        Command::Source(SourceCommand::Units(command)) => command.act(config).await,
        Command::Source(SourceCommand::Diff(command)) => command.act(config).await,
        Command::Source(SourceCommand::Resume(command)) => command.act(config).await,
        Command::Source(SourceCommand::Check(command)) => command.act().await,
        Command::Source(SourceCommand::Test(command)) => command.act().await,
        Command::Source(SourceCommand::Versions(command)) => command.act(config).await,
        Command::Source(SourceCommand::Rollback(command)) => command.act(config).await,
        Command::Import(command) => command.act(config).await,
        Command::Run(command) => command.act(config).await,
        Command::Job(command) => command.act(config).await,
        Command::Task(command) => command.act(config).await,
        Command::Queue(command) => command.act(config).await,
        Command::Status(command) => command.act(config).await,
        Command::Serve(command) => command.act(config).await,
        Command::Work(command) => command.act(config).await,
        Command::Migrate(command) => command.act(config).await,
        Command::Schedule(command) => command.act(config).await,
        Command::Export(command) => command.act(config).await,
        Command::Webhook(command) => command.act(config).await,
        Command::Token(command) => command.act(config).await,
        Command::LogIn(command) => command.act(config).await,
        Command::OpenApi(command) => command.act(),
        Command::Completions(command) => command.act(),
    }
}

/// As a shell counts a program that a closed pipe ended.
const CLOSED_PIPE: u8 = 141;

fn fail(error: &anyhow::Error) -> ExitCode {
    if error.chain().any(is_closed_pipe) {
        return ExitCode::from(CLOSED_PIPE);
    }
    eprintln!("error: {}", explain(error));
    ExitCode::FAILURE
}

/// The error and its causes, less those that the text so far quotes already.
fn explain(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.contains(&cause) {
            continue;
        }
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&cause);
    }
    text
}

fn is_closed_pipe(error: &(dyn std::error::Error + 'static)) -> bool {
    let io = error.downcast_ref::<std::io::Error>();
    io.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
        || matches!(error.downcast_ref::<csv::Error>().map(csv::Error::kind), Some(csv::ErrorKind::Io(io)) if io.kind() == std::io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn an_error_names_each_of_its_causes_once() {
        let error =
            anyhow::anyhow!("disk full").context("opening b.db: disk full; make room").context("starting");
        assert_eq!(super::explain(&error), "starting: opening b.db: disk full; make room");
    }

    #[test]
    fn the_command_line_is_consistent() {
        super::Arguments::command().debug_assert();
    }
}
