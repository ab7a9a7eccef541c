//! Rows that cannot be read, through the API: lists go on without them, and they are named.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::postgres::Postgres;
use crate::support::{Installation, answer, sqlite};

/// A finished run of a new item.
async fn finished(server: &Installation, project: i64) -> i64 {
    let item = server.item(project, "a").await;
    let run = server
        .post(&format!("/work-items/{item}/start"), json!(null))
        .await;
    let path = format!("/work-items/runs/{}", run["id"]);
    let summary = json!({"content": "done"});
    server.post(&format!("{path}/summaries"), summary).await;
    let done = format!("{path}/complete?success=true");
    server.post(&done, json!(null)).await;
    run["id"].as_i64().unwrap()
}

fn ids(list: &Value) -> Vec<i64> {
    let list = list.as_array().unwrap().iter();
    list.map(|row| row["id"].as_i64().unwrap()).collect()
}

async fn named(server: &Installation, words: &str) {
    server
        .wait_for("/observability/health", words, |health| {
            let faults = health["faults"].as_array().unwrap();
            health["status"] == "degraded"
                && faults.iter().any(|fault| {
                    fault["kind"] == "unreadable_row"
                        && fault["what"].as_str().unwrap().contains(words)
                })
        })
        .await;
}

#[tokio::test]
async fn a_damaged_row_of_finished_work_is_left_out_of_lists_and_named() {
    let mut server = Installation::serve();
    let project = server.project().await;
    let mut runs = Vec::new();
    for _ in 0..3 {
        runs.push(finished(&server, project).await);
    }
    let said = "row 2 of table run cannot be read: column status holds `gone`";
    sqlite(&server, "UPDATE run SET status = 'gone' WHERE id = 2");
    let path = "/work-items/runs?limit=2&order=desc";
    let (status, page) = answer(server.request(Method::GET, path)).await;
    assert_eq!((status, ids(&page)), (StatusCode::OK, vec![3]));
    let next = "/work-items/runs?limit=2&order=desc&cursor=2";
    assert_eq!(ids(&server.get(next).await), [1]);
    let traces = server.get("/observability/traces").await;
    assert_eq!(traces.as_array().unwrap().len(), 2);
    named(&server, said).await;

    // What nobody lists is found when it is asked for, and by looking through all rows at a start.
    sqlite(&server, "UPDATE work_item SET state = 'Odd' WHERE id = 3");
    let (status, problem) = answer(server.request(Method::GET, "/work-items/3")).await;
    let expected = json!({
        "type": "/problems/unreadable-row", "table": "work_item", "id": 3, "column": "state",
        "code": "unreadable_row",
        "detail": "row 3 of table work_item cannot be read: column state holds `Odd`; \
            mend the row, or bring it back from a backup",
    });
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    for (member, value) in expected.as_object().unwrap() {
        assert_eq!(&problem[member], value, "{problem}");
    }
    named(&server, "row 3 of table work_item").await;

    // A project's row stands in the way of explaining its entries alone.
    let other = server.project().await;
    let item = server.item(other, "queued").await;
    server.enqueue(item).await;
    sqlite(&server, "UPDATE project SET created_at = 'x' WHERE id = 2");
    let queue = server.get("/scheduler/queue?status=queued").await;
    let why = &queue[0]["why_not_running"][0];
    assert_eq!(why["code"], "unreadable_row", "{queue}");
    named(
        &server,
        "row 2 of table project cannot be read: column created_at",
    )
    .await;
    sqlite(&server, "UPDATE project SET created_at = 1 WHERE id = 2");

    sqlite(
        &server,
        "UPDATE summary SET created_at = 'now' WHERE id = 1",
    );
    server.kill();
    server.start();
    named(
        &server,
        "row 1 of table summary cannot be read: column created_at",
    )
    .await;
    named(&server, said).await;
    assert!(server.log().contains("a row cannot be read"));

    sqlite(&server, "UPDATE run SET status = 'succeeded' WHERE id = 2");
    sqlite(&server, "UPDATE work_item SET state = 'Done' WHERE id = 3");
    sqlite(&server, "UPDATE summary SET created_at = 1 WHERE id = 1");
    server
        .wait_for("/observability/health", "health", |health| {
            health["status"] == "ok"
        })
        .await;
    assert_eq!(ids(&server.get("/work-items/runs").await), runs);
}

#[tokio::test]
async fn both_servers_on_one_database_name_the_row_that_one_of_them_met() {
    let cluster = Postgres::start();
    let url = cluster.database("orch");
    let key = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
    let env = [
        ("ORCH_DATABASE_URL", url.as_str()),
        ("ORCH_SECRET_KEY", key),
    ];
    let left = Installation::with("serve", &env);
    let right = Installation::with("serve", &env);
    let project = left.project().await;
    let run = finished(&left, project).await;
    let item = left.item(project, "queued").await;
    left.enqueue(item).await;
    assert!(cluster.query("orch", "UPDATE run SET digest = 'x' WHERE id = 1"));
    assert!(cluster.query("orch", "UPDATE work_item SET kind = 'odd' WHERE id = 2"));
    assert_eq!(run, 1);
    assert_eq!(left.get("/work-items/runs").await, json!([]));
    let queue = left.get("/scheduler/queue?status=queued").await;
    assert_eq!(
        queue[0]["why_not_running"][0]["code"], "unreadable_row",
        "{queue}"
    );
    for server in [&left, &right] {
        named(
            server,
            "row 1 of table run cannot be read: column digest holds `x`",
        )
        .await;
        named(
            server,
            "row 2 of table work_item cannot be read: column kind",
        )
        .await;
    }
}
