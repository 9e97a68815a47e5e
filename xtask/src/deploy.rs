//! What `deploy/` gives to whom, as far as it shows without containers.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use crate::{process::workspace_root, scratch::Scratch};

/// In the place of the program that makes certificates: the files that it makes, readable for all.
const MAKER: &str = r#"#!/bin/bash
set -eu
case "$1" in
  create-ca) mkdir ca; echo certificate > ca/ca.crt; echo secret > ca/ca.key ;;
  create-node) mkdir "$3"; echo certificate > "$3/node.crt"; echo secret > "$3/node.key" ;;
esac
"#;

fn read(name: &str) -> String {
    fs::read_to_string(workspace_root().unwrap().join(name)).unwrap()
}

/// The script of the service that makes certificates, for this folder in the place of the container's.
fn script(folder: &Path) -> String {
    let compose = read("deploy/kurrentdb/compose.yaml");
    let (_, script) = compose.split_once("    command:\n      - |\n").unwrap();
    let (script, _) = script.split_once("\n\n").unwrap();
    script.replace("/certs", folder.to_str().unwrap()).replace("$$", "$")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_server_is_given_the_authoritys_certificate_and_no_key() {
    let scratch = Scratch::new().unwrap();
    let (certs, bin) = (scratch.path().join("made"), scratch.path().join("bin"));
    fs::create_dir(&bin).unwrap();
    fs::write(bin.join("es-gencert-cli"), MAKER).unwrap();
    fs::set_permissions(bin.join("es-gencert-cli"), fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    // What is mounted may be made before it is filled; and the second start finds all there.
    fs::create_dir_all(certs.join("trusted")).unwrap();
    for _ in 0..2 {
        let made = Command::new("bash").args(["-euc", &script(&certs)]).env("PATH", &path).output().unwrap();
        assert!(made.status.success(), "{made:?}");
    }
    assert_eq!(mode(&certs.join("ca")) & 0o077, 0, "the authority's key is root's");
    for of_node in ["node1/node.crt", "node3/node.key"] {
        assert_eq!(mode(&certs.join(of_node)) & 0o044, 0o044, "{of_node}");
    }

    let compose = read("deploy/cluster/compose.yaml");
    let mounts: Vec<_> = compose.split('"').filter_map(|text| text.strip_prefix("../kurrentdb/certs")).collect();
    assert_eq!(mounts.len(), 2, "of each server");
    for mount in mounts {
        let folder = certs.join(mount.strip_suffix(":/certs:ro").unwrap().trim_start_matches('/'));
        let given: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(given, ["ca.crt"]);
    }
    assert!(compose.contains("tlsCaFile=/certs/ca.crt\n"), "as it is there");
    assert!(read(".dockerignore").lines().any(|line| line == "deploy/kurrentdb/certs"), "no image holds them");
}

/// While its databases are made, PostgreSQL listens on its socket: to ask there would find it ready too early.
#[test]
fn a_database_is_asked_where_the_servers_ask_it() {
    let compose = read("deploy/cluster/compose.yaml");
    let (_, asked) = compose.split_once(r#""pg_isready", "#).unwrap();
    assert!(asked.starts_with(r#""--host", "127.0.0.1""#) && compose.contains("@127.0.0.1:5432/views"));
}
