//! Bodies, queries and paths as clients get them wrong, and what they are told.
//! Which status, which field, which words; the parsing itself is tested beside its code.

use serde_json::json;

use super::world::{answer, ask, config};

const JSON: &str = "content-type: application/json";

#[tokio::test]
async fn a_body_is_read_with_or_without_a_content_type_and_a_foreign_one_is_refused() {
    for headers in [
        &[JSON][..],
        &[],
        &["content-type: application/json; charset=utf-8"],
    ] {
        let created = answer(
            &config(),
            ask("POST", "/projects", headers, r#"{"reason":"a"}"#),
        )
        .await;
        assert_eq!(
            (created.status, created.text.as_str()),
            (201, r#"{"reason":"a"}"#)
        );
    }
    for foreign in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    ] {
        let headers = [&*format!("content-type: {foreign}")];
        let refused = answer(&config(), ask("POST", "/projects", &headers, "{}")).await;
        assert_eq!(
            refused.problem(),
            json!({
                "type": "/problems/unsupported-media-type",
                "title": "Unsupported media type",
                "status": 415,
                "detail": format!("the body's content type is `{foreign}`; \
                                   send `content-type: application/json`"),
                "instance": "/projects",
            })
        );
    }
}

#[tokio::test]
async fn a_fault_in_a_body_names_field_and_place() {
    let refused = answer(
        &config(),
        ask("POST", "/projects", &[JSON], r#"{"raison":"a"}"#),
    )
    .await;
    assert_eq!(
        refused.problem(),
        json!({
            "type": "/problems/unprocessable",
            "title": "Invalid value",
            "status": 422,
            "detail": "`raison`: expected `reason`, got an unknown field (line 1 column 9)",
            "instance": "/projects",
            "errors": [{
                "field": "raison",
                "got": "an unknown field",
                "expected": "`reason`",
            }],
        })
    );
    let empty = answer(&config(), ask("POST", "/projects", &[JSON], "")).await;
    assert_eq!(empty.refusal(), (400, "bad-request".to_owned()));
}

#[tokio::test]
async fn an_optional_body_is_the_default_when_absent_empty_or_null() {
    let form = "content-type: application/x-www-form-urlencoded";
    for headers in [&[][..], &[JSON], &[form], &["content-length: 0"]] {
        let given = answer(&config(), ask("POST", "/items/1/approvals", headers, "")).await;
        assert_eq!(
            (given.status, given.text.as_str()),
            (200, ""),
            "{headers:?}"
        );
    }
    for body in ["null", " null\n", "  ", "{}"] {
        let given = answer(&config(), ask("POST", "/items/1/approvals", &[JSON], body)).await;
        assert_eq!((given.status, given.text.as_str()), (200, ""), "{body:?}");
    }
    let given = ask("POST", "/items/1/approvals", &[], r#"{"reason":"ship"}"#);
    assert_eq!(answer(&config(), given).await.text, "ship");
    for (headers, body, status) in [
        (&[][..], "nul", 400),
        (&[], "[]", 422),
        (&[form], "a=b", 415),
    ] {
        let refused = answer(&config(), ask("POST", "/items/1/approvals", headers, body)).await;
        assert_eq!(refused.status, status, "{body}");
    }
}

#[tokio::test]
async fn query_and_path_faults_are_told_apart() {
    let asked =
        async |method: &str, path: &str| answer(&config(), ask(method, path, &[], ())).await;
    assert_eq!(asked("POST", "/complete?success=True").await.text, "true");
    assert_eq!(asked("POST", "/complete?success=maybe").await.status, 422);
    for id in ["abc", "1.5", "%20", "99999999999999999999"] {
        let path = format!("/items/{id}");
        let missing = asked("GET", &path).await;
        assert_eq!(missing.refusal(), (404, "not-found".to_owned()), "{id}");
    }
    let detail = &asked("GET", "/items/abc").await.problem()["detail"];
    assert_eq!(
        detail,
        "there is nothing under `abc`: an id is a positive whole number"
    );
    assert_eq!(asked("GET", "/items/%ff").await.status, 400);
}

#[tokio::test]
async fn a_trailing_slash_changes_nothing_for_any_method() {
    for (method, path, body) in [
        ("GET", "/projects/", ""),
        ("GET", "/projects/?", ""),
        ("POST", "/projects/", "{}"),
        ("HEAD", "/projects/", ""),
        ("GET", "/items/1/", ""),
    ] {
        let with = answer(&config(), ask(method, path, &[], body)).await;
        let bare = path.replacen("/?", "?", 1);
        let bare = bare.strip_suffix('/').unwrap_or(&bare);
        let without = answer(&config(), ask(method, bare, &[], body)).await;
        assert!(with.status < 300, "{method} {path}: {}", with.text);
        assert_eq!(
            (with.status, with.text),
            (without.status, without.text),
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems_and_methods_are_listed() {
    let missing = answer(&config(), ask("GET", "/nowhere", &[], ())).await;
    assert_eq!(missing.refusal(), (404, "not-found".to_owned()));
    let wrong = answer(&config(), ask("DELETE", "/projects", &[], ())).await;
    assert_eq!(wrong.refusal(), (405, "method-not-allowed".to_owned()));
    assert_eq!(wrong.header("allow"), "GET,HEAD,POST");
    let options = answer(&config(), ask("OPTIONS", "/health", &[], ())).await;
    assert_eq!((options.status, options.header("allow")), (405, "GET,HEAD"));
}
