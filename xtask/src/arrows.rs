//! Who may use whom: the arrows of DESIGN §1, for normal, dev and build dependencies alike.

use std::path::Path;

use anyhow::{Context, Result, bail};
use cargo_metadata::{DependencyKind, MetadataCommand};

/// What one crate of the workspace may use of the others, and what it must know nothing of.
struct Rule {
    package: &'static str,
    may_use: &'static [&'static str],
    /// Crates from outside, each with its family: `sqlx` means `sqlx-core`, too.
    never: &'static [&'static str],
}

const DOMAIN: &str = "socai-domain";
const COMMANDS: &str = "socai-commands";
const PROJECTIONS: &str = "socai-projections";
const GRAPHQL: &str = "socai-graphql";
const INFRA: &str = "socai";
const KURRENT: &str = "socai-kurrent";
const KURRENT_DOUBLE: &str = "socai-kurrent-double";
const POSTGRES: &str = "socai-test-postgres";
const S3: &str = "socai-test-s3";
const CONFORMANCE: &str = "socai-conformance";
const TESTS: &str = "socai-tests";

/// The whole drawing. A crate that is not in it is refused, so that a new one is drawn first.
const RULES: &[Rule] = &[
    Rule { package: DOMAIN, may_use: &[], never: &["tokio", "sqlx", "axum", "async-graphql"] },
    Rule { package: COMMANDS, may_use: &[DOMAIN], never: &["sqlx", "axum", "async-graphql"] },
    Rule { package: PROJECTIONS, may_use: &[DOMAIN, POSTGRES], never: &["axum", "async-graphql"] },
    Rule { package: GRAPHQL, may_use: &[DOMAIN, COMMANDS, PROJECTIONS], never: &["sqlx"] },
    Rule { package: KURRENT, may_use: &[DOMAIN], never: &["sqlx", "axum", "async-graphql"] },
    Rule { package: KURRENT_DOUBLE, may_use: &[DOMAIN, COMMANDS, KURRENT], never: &["sqlx", "axum", "async-graphql"] },
    Rule {
        package: CONFORMANCE,
        may_use: &[DOMAIN, KURRENT, KURRENT_DOUBLE],
        never: &["sqlx", "axum", "async-graphql"],
    },
    Rule { package: POSTGRES, may_use: &[], never: &["axum", "async-graphql"] },
    Rule { package: S3, may_use: &[], never: &["axum", "async-graphql"] },
    Rule {
        package: INFRA,
        may_use: &[DOMAIN, COMMANDS, PROJECTIONS, GRAPHQL, KURRENT, KURRENT_DOUBLE, POSTGRES, S3],
        never: &[],
    },
    Rule {
        package: TESTS,
        may_use: &[DOMAIN, COMMANDS, PROJECTIONS, GRAPHQL, KURRENT, KURRENT_DOUBLE, CONFORMANCE, POSTGRES, S3, INFRA],
        never: &[],
    },
    Rule { package: "xtask", may_use: &[], never: &[] },
];

/// Servers of tests: no part of what is shipped.
const ONLY_FOR_TESTS: [&str; 4] = [KURRENT_DOUBLE, CONFORMANCE, POSTGRES, S3];

/// A crate of the workspace and the packages that its manifest names.
#[derive(Debug, Clone)]
struct Member {
    package: String,
    uses: Vec<String>,
    /// Those that it uses for its tests and benches alone.
    tests_with: Vec<String>,
}

/// Holds the workspace against the rules; says how many crates were looked at.
pub(crate) fn check(root: &Path) -> Result<String> {
    let members = members(root)?;
    let wrong = violations(&members);
    if !wrong.is_empty() {
        bail!("wrong arrows:\n  {}", wrong.join("\n  "));
    }
    Ok(format!("the arrows hold in {} crates", members.len()))
}

/// The workspace as its manifests declare it: optional and platform-specific dependencies included.
fn members(root: &Path) -> Result<Vec<Member>> {
    let metadata = MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .no_deps()
        .exec()
        .context("cargo metadata does not answer")?;
    let member = |package: &cargo_metadata::Package| Member {
        package: package.name.to_string(),
        uses: package.dependencies.iter().map(|dependency| dependency.name.clone()).collect(),
        tests_with: package
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind == DependencyKind::Development)
            .map(|dependency| dependency.name.clone())
            .collect(),
    };
    Ok(metadata.workspace_packages().into_iter().map(member).collect())
}

/// Every arrow that the rules do not draw, as a sentence.
fn violations(members: &[Member]) -> Vec<String> {
    let ours = |name: &str| members.iter().any(|member| member.package == name);
    let mut wrong = Vec::new();
    for Member { package, uses, tests_with } in members {
        let Some(rule) = RULES.iter().find(|rule| rule.package == package) else {
            wrong.push(format!("{package} has no place in the drawing: add it to the rules in xtask/src/arrows.rs"));
            continue;
        };
        for used in uses {
            if ours(used) && used != package && !rule.may_use.contains(&used.as_str()) {
                wrong.push(format!("{package} must not use {used}"));
            }
            let ships = package != TESTS && !ONLY_FOR_TESTS.contains(&package.as_str());
            if ships && ONLY_FOR_TESTS.contains(&used.as_str()) && !tests_with.contains(used) {
                wrong.push(format!("{package} may use {used} for its tests only"));
            }
            if let Some(family) = rule.never.iter().find(|family| in_family(used, family)) {
                wrong.push(format!("{package} must know nothing of {family}, but uses {used}"));
            }
        }
    }
    wrong
}

fn in_family(package: &str, family: &str) -> bool {
    package.strip_prefix(family).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(package: &str, uses: &[&str]) -> Member {
        let uses: Vec<_> = uses.iter().map(ToString::to_string).collect();
        let tests_with = uses.iter().filter(|used| ONLY_FOR_TESTS.contains(&used.as_str())).cloned().collect();
        Member { package: package.into(), uses, tests_with }
    }

    /// Every allowed arrow, drawn.
    fn full_graph() -> Vec<Member> {
        RULES.iter().map(|rule| member(rule.package, rule.may_use)).collect()
    }

    #[test]
    fn the_workspace_holds_its_arrows() {
        check(&crate::process::workspace_root().unwrap()).unwrap();
    }

    #[test]
    fn the_workspace_has_every_crate_of_the_drawing() {
        let members = members(&crate::process::workspace_root().unwrap()).unwrap();
        let missing = |rule: &&Rule| !members.iter().any(|member| member.package == rule.package);
        assert_eq!(RULES.iter().filter(missing).map(|rule| rule.package).collect::<Vec<_>>(), [""; 0]);
    }

    #[test]
    fn every_arrow_that_is_not_drawn_is_caught() {
        let mut caught = 0;
        for from in RULES {
            for to in RULES.iter().filter(|to| to.package != from.package && !from.may_use.contains(&to.package)) {
                let mut graph = full_graph();
                let member = graph.iter_mut().find(|member| member.package == from.package).unwrap();
                member.uses.push(to.package.into());
                member.tests_with.push(to.package.into());
                assert_eq!(violations(&graph), [format!("{} must not use {}", from.package, to.package)]);
                caught += 1;
            }
        }
        // 12 crates have 132 pairs; 31 arrows are drawn.
        assert_eq!(caught, 101);
        assert_eq!(violations(&full_graph()), [""; 0]);
    }

    #[test]
    fn a_server_of_tests_is_not_shipped() {
        for (package, used) in [(PROJECTIONS, POSTGRES), (INFRA, POSTGRES)] {
            let mut graph = full_graph();
            let shipping = graph.iter_mut().find(|member| member.package == package).unwrap();
            shipping.tests_with.retain(|name| name != used);
            assert_eq!(violations(&graph), [format!("{package} may use {used} for its tests only")]);
        }
    }

    #[test]
    fn what_a_crate_must_not_know_is_caught_with_its_family() {
        let pairs = [
            (DOMAIN, ["tokio", "tokio-stream", "sqlx", "axum", "async-graphql"].as_slice()),
            (COMMANDS, &["sqlx", "sqlx-core", "axum", "async-graphql-value"]),
            (PROJECTIONS, &["axum", "async-graphql"]),
            (GRAPHQL, &["sqlx"]),
        ];
        for (package, forbidden) in pairs {
            for used in forbidden {
                assert_eq!(violations(&[member(package, &[used])]).len(), 1, "{package} -> {used}");
            }
        }
        let fine = [member(DOMAIN, &["serde", "tokio2"]), member(COMMANDS, &["tokio"]), member(PROJECTIONS, &["sqlx"])];
        assert_eq!(violations(&fine), [""; 0]);
    }

    #[test]
    fn a_crate_that_is_not_drawn_is_refused() {
        assert_eq!(violations(&[member("socai-extra", &[])]).len(), 1);
    }
}
