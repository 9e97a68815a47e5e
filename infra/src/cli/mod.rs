//! The subcommands, a file each.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod believed;
mod copy;
mod demo;
mod doctor;
mod export;
mod flags;
mod fsck;
mod import;
mod keygen;
mod notary;
mod rebuild;
mod register_organ;
mod serve;
mod stats;
mod telling;
mod token;
mod verify;
mod verify_bundle;
mod verify_proof;

/// A ledger of everything that happens to a state agency's documents (sổ cái), and the system that runs the work on them.
#[derive(Debug, Parser)]
#[command(name = "socai", version, max_term_width = 100, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Demo),
    Serve(serve::Serve),
    Doctor(Box<doctor::Doctor>),
    Keygen(keygen::Keygen),
    Token(token::Token),
    RegisterOrgan(register_organ::Register),
    Import(import::Import),
    Export(export::Export),
    Verify(verify::Verify),
    Copy(copy::Copy),
    Fsck(fsck::Fsck),
    VerifyBundle(Box<verify_bundle::VerifyBundle>),
    VerifyProof(Box<verify_proof::VerifyProof>),
    Rebuild(rebuild::Rebuild),
    Stats(stats::Stats),
    Notary(notary::Notary),
}

/// Runs a subcommand. Exit code 0: all was done; 1: not all of it, or it found a fault; 2: it was asked wrongly. `fsck` says
/// by further codes where the fault is.
pub(crate) fn run(cli: Cli) -> ExitCode {
    let done = match cli.command {
        Command::Demo(it) => it.run(),
        Command::Serve(it) => it.run(),
        Command::Doctor(it) => it.run(),
        Command::Keygen(it) => it.run(),
        Command::Token(it) => it.run(),
        Command::RegisterOrgan(it) => it.run(),
        Command::Import(it) => it.run(),
        Command::Export(it) => it.run(),
        Command::Verify(it) => it.run(),
        Command::Copy(it) => it.run(),
        Command::Fsck(it) => it.run(),
        Command::VerifyBundle(it) => it.run(),
        Command::VerifyProof(it) => it.run(),
        Command::Rebuild(it) => it.run(),
        Command::Stats(it) => it.run(),
        Command::Notary(it) => it.run(),
    };
    done.unwrap_or_else(|error| {
        eprintln!("socai: {}", told(&error));
        ExitCode::FAILURE
    })
}

/// An error and its causes, but those that it has told already.
fn told(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |told, cause| match told.as_str() {
        "" => cause,
        told if told.contains(&cause) => told.to_owned(),
        told => format!("{told}: {cause}"),
    })
}

/// A runtime for subcommands that need one.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::told;

    #[test]
    fn a_cause_is_told_once() {
        let error = anyhow!("no space left").context("log/1: no space left").context("the log is not written");
        assert_eq!(told(&error), "the log is not written: log/1: no space left");
    }
}
