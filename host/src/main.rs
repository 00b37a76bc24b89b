//! The binary `backfill`: parse, act, map the result to an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    backfill::cli::main()
}
