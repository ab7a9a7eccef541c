//! Which model a role asks, and which price holds, by what is set where.

use orch_model::Usage;
use tempfile::TempDir;

use super::*;

const FILE: &str = r#"
version = 1
[[model]]
name = "big"
protocol = "chat"
base_url = "http://127.0.0.1:1/v1"
model = "gpt-5-2026"
[[model]]
name = "small"
protocol = "program"
command = ["true"]
price = { input = 0, output = 0 }
[default]
chain = ["small"]
max_output_tokens = 5
[role.spec]
chain = ["big", "small"]
"#;

struct Set {
    settings: ModelSettings,
    folder: TempDir,
}

fn set() -> Set {
    Set {
        settings: ModelSettings::default(),
        folder: TempDir::new().unwrap(),
    }
}

impl Set {
    fn openai(mut self) -> Self {
        self.settings.base_url = Some("http://127.0.0.1:1/v1".to_owned());
        self
    }

    fn anthropic(mut self) -> Self {
        self.settings.anthropic_key = Some("k".to_owned());
        self
    }

    fn file(mut self) -> Self {
        let path = self.folder.path().join("models.toml");
        std::fs::write(&path, FILE).unwrap();
        self.settings.file = Some(path);
        self
    }

    fn prices(mut self) -> Self {
        let path = self.folder.path().join("prices.toml");
        let table = "version = 1\n[[price]]\nmodel = \"gpt-5\"\ninput = 1000000\noutput = 0\n";
        std::fs::write(&path, table).unwrap();
        self.settings.prices = Some(path);
        self
    }

    fn models(&self) -> Models {
        Models::new(
            &self.settings,
            &["spec", "code"],
            &[],
            crate::clock::wall(),
            7,
        )
        .unwrap()
    }

    fn chain(&self, role: &str, own: &str) -> Option<Vec<String>> {
        let text = format!(
            "+++\nname = \"{role}\"\ntitle = \"T\"\nabout = \"a\"\ninputs = [\"prompt\"]\n{own}\n+++\ns\n+++\n{{{{ prompt }}}}\n"
        );
        let role = Role::parse("role", &text).unwrap();
        self.models().line(&role).map(|line| line.chain)
    }
}

fn names(names: &[&str]) -> Option<Vec<String>> {
    Some(names.iter().map(|&name| name.to_owned()).collect())
}

#[test]
fn a_role_asks_its_line_then_its_own_model_then_the_default_then_what_is_simply_set() {
    let own = "model = \"mine\"";
    assert_eq!(set().chain("code", ""), None);
    assert_eq!(set().openai().chain("code", ""), names(&["gpt-4o-mini"]));
    assert_eq!(
        set().anthropic().chain("code", ""),
        names(&["claude-sonnet-4-5"])
    );
    assert_eq!(
        set().openai().anthropic().chain("code", ""),
        names(&["gpt-4o-mini"])
    );
    assert_eq!(set().openai().chain("code", own), names(&["mine"]));
    assert_eq!(set().anthropic().chain("code", own), None);
    assert_eq!(set().openai().file().chain("code", ""), names(&["small"]));
    assert_eq!(
        set().file().chain("code", "model = \"big\""),
        names(&["big"])
    );
    assert_eq!(set().file().chain("code", own), None);
    assert_eq!(set().file().chain("spec", own), names(&["big", "small"]));
}

#[test]
fn a_price_that_was_set_wins_and_a_name_of_ones_own_has_that_of_its_provider() {
    let models = set().file().prices().models();
    let one = Usage {
        input_tokens: 1,
        ..Usage::default()
    };
    let cost =
        |prices: &Prices, name: &str| prices.of(name).map(|price| price.of(one).micros()).ok();
    let prices = models.prices([]);
    assert_eq!(
        (cost(&prices, "big"), cost(&prices, "small")),
        (Some(1), Some(0))
    );
    let price = |input| Price {
        input,
        cached: 0,
        output: 0,
    };
    let prices = models.prices([
        ("gpt-5".to_owned(), price(2_000_000)),
        ("small".to_owned(), price(3_000_000)),
    ]);
    assert_eq!(
        (cost(&prices, "big"), cost(&prices, "small")),
        (Some(2), Some(3))
    );
    let prices = models.prices([("big".to_owned(), price(4_000_000))]);
    assert_eq!(
        (cost(&prices, "big"), cost(&prices, "unknown")),
        (Some(4), None)
    );
}

#[test]
fn a_line_bounds_and_samples_what_is_asked() {
    let models = set().file().models();
    let line = models.usual().unwrap();
    let asked = models.ask(&line, Ask::new("", "x"));
    assert_eq!(asked.max_output_tokens, Some(5));
    let own = Ask {
        max_output_tokens: Some(9),
        ..Ask::new("", "x")
    };
    assert_eq!(models.ask(&line, own).max_output_tokens, Some(9));
}
