use std::path::Path;

use super::*;

fn load(flags: &[(&'static str, &str)], environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let flags = flags.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Config::load(&flags, |name| environment.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into()))
}

#[test]
fn flags_come_before_the_environment_and_that_before_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("socai.toml");
    fs::write(&file, "data = 'from-file'\nlisten = '127.0.0.1:1'\ngraphiql = true\nviews = 'DATA/v'\n").unwrap();
    let file = file.to_str().unwrap();
    let config = load(&[("config", file), ("listen", "127.0.0.1:3")], &[("SOCAI_LISTEN", "127.0.0.1:2")]).unwrap();
    assert_eq!((config.listen.port(), config.graphiql), (3, true));
    assert_eq!(config.blobs.path(), Some(Path::new("from-file/blobs")));
    assert_eq!(config.views.to_string(), "DATA/v", "only the default is under the data directory");
    let config = load(&[], &[("SOCAI_CONFIG", file), ("SOCAI_LISTEN", "127.0.0.1:2")]).unwrap();
    assert_eq!((config.listen.port(), config.log), (2, "file:from-file/log".to_owned()));
}

#[test]
fn without_anything_set_every_setting_has_a_value() {
    let config = load(&[], &[("SOCAI_LISTEN", "")]).unwrap();
    assert_eq!(config.master_key, PathBuf::from("socai-data/keys/master.key"));
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
}

#[test]
fn a_password_of_the_views_is_never_shown() {
    let config = load(&[("views", "postgres://socai:secret@db.example/views")], &[]).unwrap();
    assert!(config.views.path().is_none() && !format!("{config:?}").contains("secret"));
    let wrong = load(&[("views", "postgres://socai:secret@:x/views")], &[]).unwrap_err().to_string();
    assert!(wrong.starts_with("--views: ") && !wrong.contains("secret"), "{wrong}");
}

#[test]
fn files_may_be_kept_in_a_bucket() {
    let config = load(&[("blobs", "s3://van-ban/so")], &[]).unwrap();
    assert_eq!((config.blobs.to_string().as_str(), config.blobs.path()), ("s3://van-ban/so", None));
    let wrong = load(&[("blobs", "s3://id:geheim@van-ban")], &[]).unwrap_err().to_string();
    assert!(wrong.contains("s3://BUCKET/PREFIX") && !wrong.contains("geheim"), "{wrong}");
}

#[test]
fn a_password_in_a_file_that_is_no_toml_is_not_shown() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("socai.toml");
    for text in ["level = 'info'\nnotary = postgres://u:geheim@h/d\n", "notary = ['postgres://u:geheim@h/d']\n"] {
        fs::write(&file, text).unwrap();
        let error = load(&[("config", file.to_str().unwrap())], &[]).unwrap_err();
        let told = format!("{error} {error:?}");
        assert!(told.contains("socai.toml") && !told.contains("geheim"), "{told}");
        assert!(told.contains("line 2") || told.contains("array"), "{told}");
    }
}

#[test]
fn what_is_wrong_is_named_with_its_origin() {
    let error = |flags: &[(&'static str, &str)], environment: &[(&str, &str)]| {
        load(flags, environment).unwrap_err().to_string()
    };
    let wanted = "--listen: \"8080\" is not an address and port such as 127.0.0.1:8080";
    assert_eq!(error(&[("listen", "8080")], &[]), wanted);
    assert!(error(&[], &[("SOCAI_GRAPHIQL", "yes")]).starts_with("SOCAI_GRAPHIQL: "));
    for (url, hint) in [
        ("kafka://u:geheim@a", "file:DIR"),
        ("file:", "file:/var"),
        ("kurrentdb://", "is not a host"),
        ("kurrentdb://u:geheim@h?shiny=1", "no parameter"),
    ] {
        for (told, origin) in
            [(error(&[("log", url)], &[]), "--log: "), (error(&[], &[("SOCAI_LOG", url)]), "SOCAI_LOG: ")]
        {
            assert!(told.starts_with(origin) && told.contains(hint) && !told.contains("geheim"), "{told}");
        }
    }
    assert!(error(&[("config", "nowhere.toml")], &[]).starts_with("nowhere.toml: "));
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("s.toml");
    for (text, said) in [
        ("lissten = 1", "lissten"),
        ("listen = [1]", "listen"),
        ("listen = ", "s.toml"),
        ("log = 'esdb://a,,b'", "s.toml, log: \"\" is not a host"),
    ] {
        fs::write(&file, text).unwrap();
        let error = error(&[("config", file.to_str().unwrap())], &[]);
        assert!(error.contains(said), "{error}");
    }
}
