//! The `socai` program: parses, configures, dispatches.

mod cli;

use std::{any::Any, panic, process::ExitCode};

use clap::Parser as _;

/// What a shell tells of a program that ended because nobody reads what it writes: 128 and the number of SIGPIPE.
const NOBODY_READS: u8 = 141;

fn main() -> ExitCode {
    // `println!` panics once nobody reads any more, as behind `| head`. That is no mistake of ours.
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if !nobody_reads(panic.payload()) {
            usual(panic);
        }
    }));
    panic::catch_unwind(|| cli::run(cli::Cli::parse())).unwrap_or_else(|panic| {
        if nobody_reads(&*panic) {
            return ExitCode::from(NOBODY_READS);
        }
        panic::resume_unwind(panic)
    })
}

fn nobody_reads(panic: &(dyn Any + Send)) -> bool {
    let message = panic.downcast_ref::<String>();
    message.is_some_and(|message| message.starts_with("failed printing to std") && message.contains("Broken pipe"))
}
