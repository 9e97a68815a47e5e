//! The developer's commands. `cargo xtask ci` is exactly what CI runs.

mod arrows;
mod bench;
mod ci;
mod conformance;
#[cfg(test)]
mod deploy;
mod fuzz;
mod golden;
mod prerequisites;
mod process;
mod readme;
mod report;
mod scratch;
mod tidy;

use std::process::ExitCode;

use anyhow::Result;

use report::Outcome;

const HELP: &str = "\
The developer's commands.

Usage: cargo xtask COMMAND

  ci [--long]               everything CI checks; --long runs the long tests at full size (SOCAI_LONG=1)
  prerequisites             install what the build and the tests need and this machine lacks
  arrows                    which crate may use which (DESIGN §1)
  tidy                      house rules: file length, no ignored tests, no sleeping tests
  readme                    run the README's blocks marked <!-- run -->
  golden [FILTER]           rewrite the golden files (tests with `golden` in their path)
  bench [NAME] [-- ARGS]    run the benchmarks, or those whose name contains NAME
  fuzz [TARGET] [SECONDS]   fuzz one target, or all, SECONDS each (60); needs nightly and cargo-fuzz
  conformance               build socai-conformance, static, to be carried to where a KurrentDB cluster is
  interop                   KurrentDB's published client against our double: five more minutes of building
  help                      this text
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match dispatch(&args) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(args: &[&str]) -> Result<ExitCode> {
    let root = process::workspace_root()?;
    match args {
        [] | ["help" | "-h" | "--help"] => print!("{HELP}"),
        ["ci"] => return Ok(ci::run(root, false)),
        ["ci", "--long"] => return Ok(ci::run(root, true)),
        ["prerequisites"] => prerequisites::ensure(&root)?,
        ["arrows"] => println!("{}", arrows::check(&root)?),
        ["tidy"] => println!("{}", tidy::check(&root)?),
        ["readme"] => {
            if let Outcome::Skipped(reason) = readme::check(&root, None)? {
                println!("nothing to run: {reason}");
            }
        }
        ["golden"] => golden::run(&root, "golden")?,
        ["golden", filter] => golden::run(&root, filter)?,
        ["bench", rest @ ..] => bench::run(&root, rest)?,
        ["conformance"] => println!("{}", conformance::build(&root)?.display()),
        ["interop"] => {
            process::run(&mut process::cargo(&root, ["test", "--manifest-path", "tests/kurrent-interop/Cargo.toml"]))?;
        }
        ["fuzz", rest @ ..] if rest.len() <= 2 => fuzz::run(&root, rest)?,
        _ => {
            eprint!("error: cannot make sense of `{}`\n\n{HELP}", args.join(" "));
            return Ok(ExitCode::from(2));
        }
    }
    Ok(ExitCode::SUCCESS)
}
