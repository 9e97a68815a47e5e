//! What a fresh Debian machine lacks for the tests is installed, saying so. What is there is left alone.

use std::path::Path;

use anyhow::{Result, bail};

use crate::process;

/// A program that the build or the tests need, and the Debian packages that bring it.
struct Prerequisite {
    /// What it is called in what we print.
    name: &'static str,
    program: &'static str,
    /// Arguments with which the program succeeds if all that is needed is there; without any, being there is enough.
    probe: &'static [&'static str],
    packages: &'static [&'static str],
    why: &'static str,
}

const PREREQUISITES: &[Prerequisite] = &[
    Prerequisite {
        name: "cc",
        program: "cc",
        probe: &[],
        packages: &["gcc", "libc6-dev"],
        why: "a C compiler and linker: SQLite is built from source",
    },
    Prerequisite {
        name: "python3 with cryptography",
        program: "python3",
        probe: &["-c", "import cryptography"],
        packages: &["python3", "python3-cryptography"],
        why: "a test runs docs/verify_proof.py, which checks proofs without socai",
    },
];

impl Prerequisite {
    fn is_there(&self, root: &Path) -> bool {
        process::on_path(self.program)
            && (self.probe.is_empty() || process::succeeds(process::program(self.program, root).args(self.probe)))
    }
}

/// How `apt-get` can be run here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Right {
    Root,
    Sudo,
    None,
}

/// Installs what is missing; an error says what to install by hand where that cannot be done.
pub(crate) fn ensure(root: &Path) -> Result<()> {
    let missing: Vec<_> = PREREQUISITES.iter().filter(|wanted| !wanted.is_there(root)).collect();
    for wanted in PREREQUISITES {
        let found = if missing.iter().any(|lacking| lacking.name == wanted.name) { "missing" } else { "found" };
        println!("{}: {found} ({})", wanted.name, wanted.why);
    }
    for command in plan(&missing, process::on_path("apt-get"), right(root))? {
        let (name, args) = command.split_first().unwrap_or((&"true", &[]));
        process::run(process::program(name, root).args(args).env("DEBIAN_FRONTEND", "noninteractive"))?;
    }
    match missing.iter().find(|wanted| !wanted.is_there(root)) {
        Some(wanted) => {
            bail!("`{}` is still missing after the installation; is another one first on PATH?", wanted.name)
        }
        None => Ok(()),
    }
}

fn right(root: &Path) -> Right {
    let user = process::program("id", root).arg("-u").output();
    if user.is_ok_and(|output| output.stdout.trim_ascii() == b"0") {
        Right::Root
    } else if process::succeeds(process::program("sudo", root).args(["-n", "true"])) {
        Right::Sudo
    } else {
        Right::None
    }
}

/// The commands that install what is missing.
fn plan(missing: &[&Prerequisite], apt: bool, right: Right) -> Result<Vec<Vec<&'static str>>> {
    if missing.is_empty() {
        return Ok(vec![]);
    }
    let packages: Vec<_> = missing.iter().flat_map(|wanted| wanted.packages).copied().collect();
    let sudo: &[&str] = match right {
        Right::Root => &[],
        Right::Sudo => &["sudo", "-n", "env", "DEBIAN_FRONTEND=noninteractive"],
        Right::None => bail!("neither root nor sudo here; please run: sudo apt-get install {}", packages.join(" ")),
    };
    if !apt {
        let names: Vec<_> = missing.iter().map(|wanted| wanted.name).collect();
        bail!("no apt-get here; please install what brings: {}", names.join(", "));
    }
    println!("installing with apt-get: {}", packages.join(" "));
    let install = ["apt-get", "install", "--yes", "--no-install-recommends"];
    Ok(vec![[sudo, &["apt-get", "update"]].concat(), [sudo, &install, &packages].concat()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_missing_needs_neither_rights_nor_apt() {
        assert!(plan(&[], false, Right::None).unwrap().is_empty());
    }

    #[test]
    fn what_is_missing_is_installed_as_root_or_with_sudo() {
        let missing = [&PREREQUISITES[0]];
        let install = "apt-get install --yes --no-install-recommends gcc libc6-dev";
        let lines = |right| plan(&missing, true, right).unwrap().iter().map(|line| line.join(" ")).collect::<Vec<_>>();
        assert_eq!(lines(Right::Root), ["apt-get update", install]);
        let sudo = "sudo -n env DEBIAN_FRONTEND=noninteractive";
        assert_eq!(lines(Right::Sudo), [format!("{sudo} apt-get update"), format!("{sudo} {install}")]);
    }

    #[test]
    fn a_program_that_lacks_something_is_not_there() {
        let of = |probe| Prerequisite { name: "sh", program: "sh", probe, packages: &[], why: "" };
        let root = Path::new("/");
        assert!(of(&[]).is_there(root) && of(&["-c", "exit 0"]).is_there(root));
        assert!(!of(&["-c", "exit 1"]).is_there(root));
        assert!(!Prerequisite { program: "socai-no-such-program", ..of(&[]) }.is_there(root));
    }

    #[test]
    fn where_it_cannot_be_installed_the_error_says_what_to_do() {
        let missing = [&PREREQUISITES[0]];
        let error = |apt, right| plan(&missing, apt, right).unwrap_err().to_string();
        assert!(error(true, Right::None).contains("sudo apt-get install gcc libc6-dev"));
        assert!(error(false, Right::Root).contains("cc"));
    }
}
