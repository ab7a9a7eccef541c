use super::*;

const WHOLE: &str = r#"
version = 1

[[model]]
name = "main"
protocol = "responses"
base_url = "https://api.openai.com/v1"
model = "gpt-5"
key_env = "OPENAI_API_KEY"
timeout_seconds = 60
price = { input = 1250000, output = 10000000 }

[[model]]
name = "local"
protocol = "program"
command = ["llm", "-m", "small"]
speech = "json"
environment = ["LLM_HOME"]

[default]
chain = ["main", "local"]
on_limit = "next"
temperature = 0.7
seed = 3

[role.code]
chain = ["set"]
sampling = "provider"
max_output_tokens = 4000
"#;

fn parse(text: &str) -> Result<Roster, RosterError> {
    Roster::parse(text, &["set"], &["code", "reviewer"])
}

fn said(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

#[test]
fn a_whole_file_is_read() {
    let roster = parse(WHOLE).unwrap();
    let [main, local] = roster.models.as_slice() else {
        panic!("{roster:?}")
    };
    assert_eq!((main.name.as_str(), main.model.as_str()), ("main", "gpt-5"));
    assert_eq!(main.timeout, Duration::from_secs(60));
    assert_eq!(main.price.unwrap().cached, 1_250_000);
    assert_eq!(local.model, "local");
    let By::Program {
        command,
        speech,
        environment,
        folder,
    } = &local.by
    else {
        panic!("{local:?}")
    };
    assert_eq!(command, &["llm", "-m", "small"]);
    assert_eq!(
        (*speech, environment.as_slice(), folder),
        (Speech::Json, &["LLM_HOME".to_owned()][..], &None)
    );
    let usual = roster.usual.unwrap();
    assert_eq!(
        (usual.chain, usual.on_limit),
        (vec!["main".to_owned(), "local".to_owned()], OnLimit::Next)
    );
    assert_eq!(usual.sampling.unwrap().temperature(), Some(0.7));
    assert_eq!(usual.sampling.unwrap().seed(), Some(3));
    let code = &roster.roles["code"];
    assert_eq!(
        (code.sampling, code.max_output_tokens),
        (Some(Sampling::Provider), Some(4000))
    );
}

#[test]
fn an_unknown_key_is_refused_with_its_line_and_what_is_accepted() {
    let said = said(&WHOLE.replace("key_env", "api_key"));
    assert!(
        said.contains("line 9") && said.contains("`api_key`") && said.contains("`key_env`"),
        "{said}"
    );
    let said = self::said(&WHOLE.replace("\"responses\"", "\"respones\""));
    assert!(said.contains("responses_else_chat"), "{said}");
}

#[test]
fn a_name_that_nobody_has_is_refused_with_its_line_and_the_nearest() {
    assert_eq!(
        said(&WHOLE.replace("[\"main\", \"local\"]", "[\"main\", \"locl\"]")),
        r#"line 21: there is no model "locl", did you mean "local"; the models are local, main, set"#
    );
    assert_eq!(
        said(&WHOLE.replace("role.code", "role.cod")),
        r#"line 26: there is no role "cod", did you mean "code"; the roles are code, reviewer"#
    );
    assert!(
        said(&WHOLE.replace("\"local\"\nprot", "\"main\"\nprot"))
            .starts_with("line 14: there is a model \"main\" already")
    );
    assert!(
        said(&WHOLE.replace("name = \"local\"", "name = \"set\"")).contains("ORCH_OPENAI_MODEL")
    );
}

#[test]
fn numbers_beyond_their_bounds_are_refused() {
    assert_eq!(
        said(&WHOLE.replace("timeout_seconds = 60", "timeout_seconds = 0")),
        "line 10: timeout_seconds is 0; expected a number from 1 to 86400"
    );
    assert!(
        said(&WHOLE.replace("0.7", "2.5"))
            .contains("temperature is 2.5; expected a number from 0 to 2")
    );
    assert!(said(&WHOLE.replace("= 4000", "= 0")).contains("max_output_tokens is 0"));
    assert!(
        said(&WHOLE.replace("[\"set\"]", "[]")).contains("chain has 0 models; expected 1 to 8")
    );
    assert!(said(&WHOLE.replace("version = 1", "version = 2")).contains("version 2"));
    assert!(said(&" ".repeat(LARGEST_BYTES + 1)).contains("bytes"));
}

#[test]
fn a_key_in_place_of_its_variable_is_refused_and_not_repeated() {
    let said = said(&WHOLE.replace("\"OPENAI_API_KEY\"", "\"sk-proj-123\""));
    assert!(
        said.starts_with("line 9: key_env") && !said.contains("sk-proj"),
        "{said}"
    );
}

#[test]
fn what_belongs_to_the_other_kind_is_refused() {
    assert!(
        said(&WHOLE.replace("speech = \"json\"", "base_url = \"http://h\""))
            .contains("base_url is not for a program")
    );
    assert!(
        said(&WHOLE.replace("timeout_seconds = 60", "speech = \"text\""))
            .contains("speech is for protocol")
    );
    assert!(
        said(&WHOLE.replace("base_url = \"https://api.openai.com/v1\"\n", ""))
            .contains("base_url is missing")
    );
    assert!(said(&WHOLE.replace("https://api.openai.com", "https://a:b@h")).contains("password"));
    assert!(
        said(&WHOLE.replace("command = [\"llm\", \"-m\", \"small\"]", ""))
            .contains("needs a command")
    );
    assert!(
        said(&WHOLE.replace(
            "sampling = \"provider\"",
            "sampling = \"provider\"\nseed = 1"
        ))
        .contains("keep what is meant")
    );
}

#[test]
fn a_seed_alone_keeps_the_temperature_at_0_and_one_model_alone_is_asked_by_all() {
    let model =
        "version = 1\n[[model]]\nname = \"m\"\nprotocol = \"program\"\ncommand = [\"true\"]\n";
    let seeded = format!("{model}[default]\nchain = [\"m\"]\nseed = 3\n");
    let usual = Roster::parse(&seeded, &[], &[]).unwrap().usual.unwrap();
    let sampling = usual.sampling.unwrap();
    assert_eq!(
        (sampling.temperature(), sampling.seed()),
        (Some(0.0), Some(3))
    );
    let alone = Roster::parse(model, &[], &[]).unwrap().usual.unwrap();
    assert_eq!(alone.chain, ["m"]);
    // Beside a model that is simply set, nobody knows which is meant.
    assert!(Roster::parse(model, &["set"], &[]).unwrap().usual.is_none());
}
