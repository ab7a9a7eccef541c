use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::*;

/// A folder that does not count as temporary, with a user's Codex folder in it.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let home = PathBuf::from(std::env::var_os("HOME").unwrap());
        let scratch = home.join(".cache/codex-orchestrator/scratch");
        fs::create_dir_all(&scratch).unwrap();
        let top = TempDir::new_in(scratch).unwrap();
        fs::create_dir(top.path().join("user")).unwrap();
        fs::create_dir(top.path().join("run")).unwrap();
        Self(top)
    }

    fn run(&self) -> PathBuf {
        fs::canonicalize(self.0.path().join("run")).unwrap()
    }

    fn user(&self, name: &str) -> PathBuf {
        self.0.path().join("user").join(name)
    }

    fn setup(&self) -> CodexSetup {
        let home = self.0.path().join("user").to_string_lossy().into_owned();
        let cache = self.0.path().join("cache").to_string_lossy().into_owned();
        let env = [("CODEX_HOME", home), ("XDG_CACHE_HOME", cache)];
        let env = env.map(|(name, value)| (name.to_owned(), value));
        CodexSetup::from_env(env.into()).unwrap()
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn configuration_profiles_and_login_are_private_copies_that_go_with_the_run() {
    let place = Place::new();
    fs::write(place.user("config.toml"), "model = \"m\"").unwrap();
    fs::write(place.user("fast.config.toml"), "model = \"f\"").unwrap();
    fs::write(place.user("auth.json"), "{}").unwrap();
    fs::create_dir(place.run().join("codex")).unwrap();
    fs::write(place.run().join("codex/left-behind"), "").unwrap();

    let (home, _) = CodexHome::create(&place.setup(), &place.run(), &BTreeMap::new()).unwrap();
    let path = home.path().to_owned();
    assert_eq!(path, place.run().join("codex"));
    assert_eq!(mode(&path), 0o700);
    let mut names: Vec<_> = fs::read_dir(&path)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["auth.json", "config.toml", "fast.config.toml"]);
    assert!(names.iter().all(|name| mode(&path.join(name)) == 0o600));
    assert!(
        fs::read_to_string(path.join("config.toml"))
            .unwrap()
            .contains("model = \"m\"")
    );
    drop(home);
    assert!(!path.exists());
}

#[test]
fn a_login_that_codex_renewed_is_kept_unless_somebody_else_renewed_it() {
    let login = |account: &str, token: &str| {
        format!(r#"{{"tokens":{{"account_id":"{account}","refresh_token":"{token}"}}}}"#)
    };
    let (old, new, newer) = (login("a", "old"), login("a", "new"), login("a", "newer"));
    let others = login("b", "new");
    for (renewed, meanwhile, expected) in [
        (&new, &old, &new),
        (&new, &newer, &newer),
        // A command of the run may have written it.
        (&others, &old, &old),
    ] {
        let place = Place::new();
        let auth = place.user("auth.json");
        fs::write(&auth, &old).unwrap();
        let (home, _) = CodexHome::create(&place.setup(), &place.run(), &BTreeMap::new()).unwrap();
        fs::write(home.path().join("auth.json"), renewed).unwrap();
        fs::write(&auth, meanwhile).unwrap();
        drop(home);
        assert_eq!(fs::read_to_string(&auth).unwrap(), *expected);
    }
}

#[test]
fn a_folder_that_stays_keeps_the_conversation_and_not_the_login() {
    let place = Place::new();
    fs::write(place.user("auth.json"), "{}").unwrap();
    let site = |earlier| Site {
        path: place.run().join("home/.codex"),
        visible: vec!["PATH"],
        reach: Reach::ItsFolder,
        earlier,
        route: None,
    };
    let (mut home, _) = CodexHome::make(&place.setup(), site(Earlier::Goes)).unwrap();
    let path = home.path().to_owned();
    fs::write(path.join("rollout"), "said").unwrap();
    home.stay();
    drop(home);
    assert!(path.join("rollout").exists() && !path.join("auth.json").exists());

    let (home, _) = CodexHome::make(&place.setup(), site(Earlier::Stays)).unwrap();
    assert!(path.join("rollout").exists() && path.join("auth.json").exists());
    drop(home);
    assert!(!path.exists());
}

#[test]
fn a_link_in_place_of_the_folder_is_not_followed() {
    let place = Place::new();
    let elsewhere = place.0.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::create_dir(place.run().join("home")).unwrap();
    let path = place.run().join("home/.codex");
    std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
    let site = Site {
        path: path.clone(),
        visible: Vec::new(),
        reach: Reach::ItsFolder,
        earlier: Earlier::Stays,
        route: None,
    };
    let (home, _) = CodexHome::make(&place.setup(), site).unwrap();
    assert!(fs::symlink_metadata(&path).unwrap().is_dir());
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
    drop(home);
}

#[test]
fn a_run_in_a_temporary_folder_has_its_codex_folder_in_the_cache() {
    let place = Place::new();
    let run = TempDir::new_in("/tmp").unwrap();
    let (home, _) = CodexHome::create(&place.setup(), run.path(), &BTreeMap::new()).unwrap();
    let path = home.path().to_owned();
    let cache = place.0.path().join("cache/codex-orchestrator/codex-homes");
    assert!(
        path.starts_with(&cache) && path.is_dir(),
        "{}",
        path.display()
    );
    drop(home);
    assert!(!path.exists());
}

#[test]
fn without_a_place_the_error_says_what_to_do() {
    let run = TempDir::new_in("/tmp").unwrap();
    let env = BTreeMap::from([("HOME".to_owned(), "/tmp/home".to_owned())]);
    let setup = CodexSetup::from_env(env).unwrap();
    let error = CodexHome::create(&setup, run.path(), &BTreeMap::new()).unwrap_err();
    assert!(error.to_string().contains("state folder"), "{error}");
}

#[test]
fn a_configuration_that_is_named_must_be_there_and_valid() {
    let place = Place::new();
    let mut setup = place.setup();
    setup.config = Some(place.user("mine.toml"));
    let refusal = |setup: &CodexSetup| {
        let created = CodexHome::create(setup, &place.run(), &BTreeMap::new());
        created.unwrap_err().to_string()
    };
    assert!(refusal(&setup).starts_with("failed to read"));
    fs::write(place.user("mine.toml"), "a = [").unwrap();
    assert!(refusal(&setup).contains("mine.toml is not a valid Codex configuration"));
    assert!(!place.run().join("codex").exists());
}
