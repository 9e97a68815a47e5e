//! What a fresh Debian machine lacks for the tests is installed, saying so. What is there is left alone.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use cargo_metadata::MetadataCommand;

use crate::process;

/// A program that the build or the tests need, and the Debian packages that bring it.
struct Prerequisite {
    program: &'static str,
    /// With these words it succeeds where nothing of it is missing.
    proof: &'static [&'static str],
    packages: &'static [&'static str],
    why: &'static str,
}

const PREREQUISITES: &[Prerequisite] = &[
    Prerequisite {
        program: "cc",
        proof: &["--version"],
        packages: &["gcc", "libc6-dev"],
        why: "a C compiler and linker: SQLite is built from source",
    },
    Prerequisite {
        program: "pg_lsclusters",
        proof: &["--help"],
        packages: &["postgresql"],
        why: "a server of PostgreSQL: tests start clusters of their own, and stop them",
    },
    Prerequisite {
        program: "sqlite3",
        proof: &["--version"],
        packages: &["sqlite3"],
        why: "SQLite's shell: a test backs the key ring up as README.md says",
    },
    Prerequisite {
        program: "python3",
        proof: &["-c", "import ensurepip, venv"],
        packages: &["python3", "python3-venv"],
        why: "Python with its virtual environments: the tests open exports with DuckDB, and check proofs without socai",
    },
];

/// What the tests want of Python, from the root.
const REQUIREMENTS: &str = "tests/fixtures/python/requirements.txt";
/// Where it is installed, under cargo's target folder: nothing of the machine is changed, and `cargo clean` removes it.
const PYTHON: &str = "tests-python";

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
        let found = if wanted.is_there(root) { "found" } else { "missing" };
        println!("{}: {found} ({})", wanted.program, wanted.why);
    }
    for command in plan(&missing, process::on_path("apt-get"), right(root))? {
        let (name, args) = command.split_first().unwrap_or((&"true", &[]));
        process::run(process::program(name, root).args(args).env("DEBIAN_FRONTEND", "noninteractive"))?;
    }
    if let Some(wanted) = missing.iter().find(|wanted| !wanted.is_there(root)) {
        bail!("`{}` is still missing after the installation", wanted.program);
    }
    let target = MetadataCommand::new().manifest_path(root.join("Cargo.toml")).no_deps().exec()?.target_directory;
    python(root, &target.into_std_path_buf().join(PYTHON))
}

impl Prerequisite {
    fn is_there(&self, root: &Path) -> bool {
        process::on_path(self.program) && process::succeeds(process::program(self.program, root).args(self.proof))
    }
}

/// Installs what the tests want of Python, unless just that is there.
fn python(root: &Path, folder: &Path) -> Result<()> {
    let wanted = root.join(REQUIREMENTS);
    let packages = std::fs::read_to_string(&wanted).with_context(|| wanted.display().to_string())?;
    let installed = folder.join("requirements.txt");
    if std::fs::read_to_string(&installed).is_ok_and(|installed| installed == packages) {
        println!("{}: found", one_line(&packages));
        return Ok(());
    }
    println!("installing with pip, for the tests only: {}", one_line(&packages));
    process::run(process::program("python3", root).args(["-m", "venv", "--clear"]).arg(folder))?;
    let pip =
        ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:", "--requirement"];
    process::run(process::program(folder.join("bin/python"), root).args(pip).arg(&wanted))
        .context("the tests need these packages; they are fetched once, from the Python Package Index")?;
    std::fs::write(&installed, packages).with_context(|| installed.display().to_string())
}

fn one_line(packages: &str) -> String {
    packages.lines().collect::<Vec<_>>().join(", ")
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
        let programs: Vec<_> = missing.iter().map(|wanted| wanted.program).collect();
        bail!("no apt-get here; please install what brings: {}", programs.join(", "));
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
    fn what_is_there_but_lacks_a_part_is_missing() {
        let with = |proof| Prerequisite { program: "sh", proof, packages: &[], why: "" };
        assert!(with(&["-c", "true"]).is_there(Path::new("/")));
        assert!(!with(&["-c", "false"]).is_there(Path::new("/")));
        let nothing = Prerequisite { program: "socai-no-such-program", ..with(&[]) };
        assert!(!nothing.is_there(Path::new("/")));
    }

    #[test]
    fn where_it_cannot_be_installed_the_error_says_what_to_do() {
        let missing = [&PREREQUISITES[0]];
        let error = |apt, right| plan(&missing, apt, right).unwrap_err().to_string();
        assert!(error(true, Right::None).contains("sudo apt-get install gcc libc6-dev"));
        assert!(error(false, Right::Root).contains("cc"));
    }
}
