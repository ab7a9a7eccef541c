//! The flags of `tool`: each stands over the variable that it is named beside.

use std::fs;

use super::support::{Ran, World};

/// A folder `catalog` with one entry, signed by the key in the file `key`; and empty places that the
/// environment names.
fn world() -> World {
    let world = World::alone();
    for folder in ["catalog", "empty", "osv"] {
        fs::create_dir(world.path().join(folder)).unwrap();
    }
    let entry = format!(
        "name: greet\nversion: 1.2.0\nsource: {{url: 'https://tools.example.com/g', checksum: 'sha256:{}'}}\n",
        "0".repeat(64)
    );
    fs::write(world.path().join("catalog/greet.yaml"), entry).unwrap();
    assert_eq!(world.run(&["tool", "keygen", "key"]).code, 0);
    let signed = world.run(&["tool", "sign", "--key", "key", "catalog/greet.yaml"]);
    assert_eq!(signed.code, 0, "{}", signed.err);
    world
}

/// Runs `tool` where the environment says something else than every flag.
fn tool(world: &World, args: &[&str]) -> Ran {
    let mut command = world.command(&[&["tool"], args].concat());
    command.env("ORCH_DATA_DIR", world.path().join("data"));
    command.env("AGENT_TOOL_CATALOG", "empty");
    command.output().unwrap().into()
}

#[test]
fn the_catalog_is_the_one_that_the_flag_names() {
    let world = world();
    let listed = tool(&world, &["list", "--catalog", "catalog", "--json"]).json();
    assert_eq!(listed[0]["name"], "greet");
    assert_eq!(
        tool(&world, &["list", "--json"]).json(),
        serde_json::json!([])
    );
}

#[test]
fn the_cache_is_the_one_that_the_flag_names() {
    let world = world();
    let verified = tool(&world, &["verify", "--cache", "mine"]);
    assert_eq!(verified.code, 0, "{}", verified.err);
    assert!(world.path().join("mine").is_dir());
    assert!(!world.path().join("data/tools").exists());
}

#[test]
fn the_trusted_keys_are_those_that_the_flag_names() {
    let world = world();
    let list = |more: &[&str]| {
        let listed = ["list", "--catalog", "catalog", "--json"];
        tool(&world, &[&listed, more].concat()).json()[0]["signed_by"].clone()
    };
    assert_eq!(list(&[]), serde_json::Value::Null);
    assert!(list(&["--keys", "key.pub"]).is_string());
}

#[test]
fn unsigned_entries_are_taken_where_the_flag_says_so() {
    let world = world();
    let resolve = |more: &[&str]| {
        let wanted = ["resolve", "greet", "--catalog", "catalog"];
        tool(&world, &[&wanted, more].concat())
    };
    let refused = resolve(&[]);
    assert!(
        refused.err.contains("not signed by a trusted key"),
        "{}",
        refused.err
    );
    let locked = resolve(&["--allow-unsigned"]);
    assert_eq!(locked.code, 0, "{}", locked.err);
    assert_eq!(locked.json()["tools"][0]["version"], "1.2.0");
}

#[test]
fn vulnerabilities_are_looked_for_where_the_flag_names() {
    let world = world();
    let check = |more: &[&str]| {
        let wanted = [
            "check",
            "greet",
            "--catalog",
            "catalog",
            "--keys",
            "key.pub",
        ];
        tool(&world, &[&wanted, more].concat())
    };
    assert!(
        check(&[])
            .err
            .contains("no database of vulnerabilities is set")
    );
    let checked = check(&["--osv", "osv"]);
    assert_eq!(checked.code, 0, "{}", checked.err);
}

#[test]
fn a_key_that_is_there_is_not_written_over_and_an_empty_catalog_says_what_to_do() {
    let world = world();
    let public = fs::read(world.path().join("key.pub")).unwrap();
    let again = world.run(&["tool", "keygen", "key"]);
    assert_ne!(again.code, 0);
    assert!(again.err.contains("already there"), "{}", again.err);
    fs::remove_file(world.path().join("key")).unwrap();
    // Whoever trusts the public key would trust another one from here on.
    let over = world.run(&["tool", "keygen", "key"]);
    assert!(
        over.err.contains("key.pub is already there"),
        "{}",
        over.err
    );
    assert_eq!(fs::read(world.path().join("key.pub")).unwrap(), public);
    assert!(!world.path().join("key").exists());
    let listed = tool(&world, &["list"]);
    assert!(listed.err.contains("no entry"), "{}", listed.err);
}
