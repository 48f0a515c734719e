use super::table::{Arity, SETTINGS};
use super::*;
use std::fs;

/// An environment of just these variables, and a home.
fn env<'a>(vars: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
    move |name| match vars.iter().find(|(key, _)| *key == name) {
        Some((_, value)) => Some((*value).to_owned()),
        None if name == "HOME" => Some("/home/nobody-at-all".to_owned()),
        None => None,
    }
}

fn flags(given: &[(&'static str, &str)]) -> Flags {
    Flags(given.iter().map(|(key, value)| (*key, vec![(*value).to_owned()])).collect())
}

fn settings(given: &Flags, vars: &[(&str, &str)]) -> Outcome<Settings> {
    Settings::parse(&Resolved::gather(given, &env(vars))?)
}

fn config(text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tintype.toml");
    fs::write(&path, text).unwrap();
    let path = path.display().to_string();
    (folder, path)
}

#[test]
fn a_flag_goes_before_the_environment_before_the_file_before_the_default() {
    let (_folder, path) = config("listen = '127.0.0.1:3'");
    let file = [("TINTYPE_CONFIG", path.as_str())];
    let both = [("TINTYPE_CONFIG", path.as_str()), ("TINTYPE_LISTEN", "127.0.0.1:2")];
    let port = |given: &Flags, vars: &[(&str, &str)]| settings(given, vars).unwrap().listen.port();
    assert_eq!(port(&Flags::default(), &[]), 7860);
    assert_eq!(port(&Flags::default(), &file), 3);
    assert_eq!(port(&Flags::default(), &both), 2);
    assert_eq!(port(&flags(&[("listen", "127.0.0.1:1")]), &both), 1);
}

#[test]
fn a_setting_knows_where_it_came_from() {
    let resolved = Resolved::gather(&Flags::default(), &env(&[("TINTYPE_WORKERS", "3")])).unwrap();
    let origins: Vec<_> = resolved
        .iter()
        .filter(|(key, ..)| *key == "workers")
        .map(|(_, _, origin)| origin.to_string())
        .collect();
    assert_eq!(origins, ["TINTYPE_WORKERS"]);
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_one() {
    let (_folder, path) = config("lisen = '127.0.0.1:3'");
    let failure = settings(&flags(&[("config", &path)]), &[]).unwrap_err();
    assert!(failure.message.ends_with("unknown key `lisen`; did you mean `listen`?"), "{failure}");
}

#[test]
fn an_unknown_adapter_is_refused_with_the_known_ones() {
    let (_folder, path) = config("[ports]\nimages = 's4'");
    let failure = settings(&flags(&[("config", &path)]), &[]).unwrap_err();
    assert!(failure.message.ends_with("`ports.images` \"s4\" must be one of: files"), "{failure}");
}

#[test]
fn a_wrong_value_names_its_origin_and_what_is_allowed() {
    let failure = settings(&Flags::default(), &[("TINTYPE_WORKERS", "many")]).unwrap_err();
    assert_eq!(
        failure.message,
        "TINTYPE_WORKERS \"many\" must be from 0 to 256; with 0, jobs are accepted and wait"
    );
}

#[test]
fn another_machine_may_only_come_with_a_key() {
    let open = flags(&[("listen", "0.0.0.0:7860")]);
    let failure = settings(&open, &[]).unwrap().check_exposure().unwrap_err();
    assert_eq!(failure.exit, crate::failure::Exit::Usage);
    assert!(failure.hints.iter().any(|hint| hint.contains("tintype key")), "{:?}", failure.hints);

    let hash = "a".repeat(64);
    let keyed = open.with("keys", vec![format!("alice={hash}")]);
    settings(&keyed, &[]).unwrap().check_exposure().unwrap();
    settings(&Flags::default(), &[]).unwrap().check_exposure().unwrap();
}

#[test]
fn a_bad_key_is_never_repeated() {
    let failure = settings(&Flags::default(), &[("TINTYPE_KEYS", "alice=secret")]).unwrap_err();
    assert!(!failure.message.contains("secret"), "{failure}");
}

#[test]
fn keys_are_read_from_their_sections() {
    let hash = "0".repeat(64);
    let (_folder, path) = config(&format!("[[keys]]\nowner = 'alice'\nsha256 = '{hash}'\n"));
    let keys = settings(&flags(&[("config", &path)]), &[]).unwrap().keys;
    assert_eq!(keys.len(), 1);
    assert_eq!(keys[0].owner.as_str(), "alice");
}

#[test]
fn a_key_may_have_scopes_in_a_flag_and_in_a_file() {
    let hash = "0".repeat(64);
    let (_folder, path) = config(&format!(
        "[[keys]]\nowner = 'team:a'\nsha256 = '{hash}'\nscopes = ['operate']\n[[keys]]\nowner = 'b'\nsha256 = '{hash}'\n"
    ));
    let scopes = |given: &Flags| -> Vec<_> {
        let keys = settings(given, &[]).unwrap().keys.into_iter();
        keys.map(|key| (key.owner.to_string(), key.scopes.into_iter().collect::<Vec<_>>())).collect()
    };
    let expected = ("team:a".to_owned(), vec![Scope::Operate]);
    assert_eq!(scopes(&flags(&[("config", &path)])), [expected.clone(), ("b".to_owned(), vec![])]);
    assert_eq!(scopes(&flags(&[("keys", &format!("team:a+operate={hash}"))])), [expected]);
    let unknown = format!("a+own={hash}");
    let failure = settings(&flags(&[("keys", unknown.as_str())]), &[]).unwrap_err();
    assert!(failure.message.ends_with("known are: operate"), "{failure}");
}

#[test]
fn only_keys_of_a_file_are_read_again() {
    let hash = "0".repeat(64);
    let key = format!("a={hash}");
    let (_folder, path) = config(&format!("keys = ['{key}']"));
    let file = |given: &Flags| settings(given, &[]).unwrap().keys_file;
    assert_eq!(file(&flags(&[("config", &path)])), Some(path.clone().into()));
    assert_eq!(file(&flags(&[("config", &path), ("keys", &key)])), None);
    assert_eq!(file(&Flags::default()), None);
}

#[test]
fn a_certificate_and_its_key_go_together() {
    let cert = flags(&[("c2pa.cert", "cert.pem")]);
    assert_eq!(settings(&Flags::default(), &[]).unwrap().signing, Signing::Local);
    assert!(settings(&cert, &[]).unwrap_err().message.contains("go together"));
    let both = [("TINTYPE_C2PA_KEY", "key.pem")];
    let signing = settings(&cert, &both).unwrap().signing;
    assert_eq!(signing, Signing::Operator { cert: "cert.pem".into(), key: "key.pem".into() });
    let off = [("TINTYPE_C2PA_KEY", "key.pem"), ("TINTYPE_C2PA_SIGN", "off")];
    assert_eq!(settings(&cert, &off).unwrap().signing, Signing::Off);
}

#[test]
fn sizes_of_the_disk_have_units_and_are_chosen_by_its_size_where_none_is_given() {
    let space = |vars: &[(&str, &str)]| settings(&Flags::default(), vars).map(|settings| settings.space);
    assert_eq!(space(&[]).unwrap(), SpaceSettings::default());
    let given = space(&[("TINTYPE_DISK_MIN_FREE", "2g"), ("TINTYPE_DISK_RESERVE", "0")]).unwrap();
    assert_eq!(given, SpaceSettings { min_free: Some(2 << 30), reserve: Some(0) });
    for wrong in ["M", "1.5G", "-1", "1X", "99999999999T", "4MB"] {
        let failure = space(&[("TINTYPE_DISK_MIN_FREE", wrong)]).unwrap_err();
        assert!(failure.message.contains("TINTYPE_DISK_MIN_FREE"), "{failure}");
    }
}

#[test]
fn limits_of_images_come_from_the_domain_unless_they_are_set() {
    assert_eq!(settings(&Flags::default(), &[]).unwrap().images, limits::IMAGES);
    let (_folder, path) = config("[images]\nmax_pixels = 1000000\nmax_side = 2000");
    let file = flags(&[("config", &path), ("images.max_ratio", "7")]);
    let images = settings(&file, &[("TINTYPE_IMAGES_MAX_BYTES", "5000")]).unwrap().images;
    let expected = ImageLimits {
        max_pixels: 1_000_000,
        max_side: 2_000,
        max_ratio: 7,
        max_bytes: 5_000,
        ..limits::IMAGES
    };
    assert_eq!(images, expected);
    let failure = settings(&Flags::default(), &[("TINTYPE_IMAGES_MAX_SIDE", "0")]).unwrap_err();
    assert_eq!(failure.message, "TINTYPE_IMAGES_MAX_SIDE \"0\" must be a whole number from 1 to 65535");
}

#[test]
fn every_setting_has_names_of_its_own() {
    for (index, setting) in SETTINGS.iter().enumerate() {
        assert!(setting.env.starts_with("TINTYPE_"), "{}", setting.key);
        for other in &SETTINGS[..index] {
            assert!(other.key != setting.key && other.env != setting.env, "{}", setting.key);
            assert!(setting.flag.is_none() || other.flag != setting.flag, "{}", setting.key);
        }
    }
    assert!(SETTINGS.iter().any(|setting| setting.arity == Arity::Many));
}

#[test]
fn a_port_alone_means_this_machine() {
    assert_eq!(parse_listen("8080").unwrap().to_string(), "127.0.0.1:8080");
    assert_eq!(parse_listen("localhost:8080").unwrap().to_string(), "127.0.0.1:8080");
    assert_eq!(parse_listen("[::1]:8080").unwrap().to_string(), "[::1]:8080");
    assert!(parse_listen("example").is_err());
}

#[test]
fn a_number_of_connections_has_bounds() {
    for key in ["connections.max", "connections.per_address"] {
        for wrong in ["0", "16385", "many"] {
            let error = settings(&flags(&[(key, wrong)]), &[]).unwrap_err();
            assert!(error.to_string().contains("from 1 to 16384"), "{error}");
        }
    }
    let (_folder, path) = config("[connections]\nmax = 100\nper_address = 10");
    let given = settings(&Flags::default(), &[("TINTYPE_CONFIG", &path)]).unwrap();
    assert_eq!((given.connections, given.connections_per_address), (Some(100), Some(10)));
}
