//! Declared outputs, from a recipe to a download: collected, bounded, checked.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Installation, answer};

async fn run(up: &Installation, recipe: &str, status: &str) -> i64 {
    let item = up.item(up.project().await, "makes things").await;
    up.post(
        &format!("/work-items/{item}/tool-recipe"),
        json!({ "yaml": recipe }),
    )
    .await;
    up.enqueue(item).await;
    up.wait_run(item, status).await["id"].as_i64().unwrap()
}

async fn artifacts(up: &Installation, run: i64) -> Vec<Value> {
    let all = up.get(&format!("/work-items/runs/{run}/artifacts")).await;
    all.as_array().cloned().unwrap()
}

fn names(artifacts: &[Value]) -> Vec<&str> {
    let names = artifacts.iter().map(|one| one["name"].as_str().unwrap());
    names.collect()
}

#[tokio::test]
async fn declared_outputs_are_kept_and_downloaded_whole_in_part_and_not_again() {
    let up = Installation::up();
    let recipe = "artifacts: [{path: out/app, name: app, type: binary}, 'nothing/*']
steps:
  - run: mkdir -p dist/deep out && echo one > dist/one && echo two > dist/deep/two && ln -s /etc/passwd dist/link
    artifacts: ['dist/**']
  - run: head -c 3000000 /dev/zero > out/app
";
    let run = run(&up, recipe, "succeeded").await;
    let kept = artifacts(&up, run).await;
    assert_eq!(names(&kept), ["dist/deep/two", "dist/one", "app"]);
    assert_eq!(
        (&kept[0]["step"], &kept[2]["step"]),
        (&json!(1), &Value::Null)
    );
    assert_eq!(kept[2]["size_bytes"], 3_000_000);
    assert_eq!(kept[2]["kind"], "binary");
    let lines = up.log_lines(run).await.join("\n");
    assert!(
        lines.contains("not kept: dist/link: a symbolic link"),
        "{lines}"
    );
    assert!(
        lines.contains("not kept: nothing/*: no file matches"),
        "{lines}"
    );
    let omitted = up.get(&format!("/work-items/runs/{run}")).await["artifacts_omitted"].clone();
    assert_eq!(omitted[0]["path"], "dist/link", "{omitted}");

    let path = format!("/work-items/runs/artifacts/{}/raw", kept[1]["id"]);
    let whole = up.request(Method::GET, &path).send().await.unwrap();
    let tag = whole.headers()["etag"].clone();
    assert_eq!(
        tag.to_str().unwrap(),
        format!("\"{}\"", kept[1]["sha256"].as_str().unwrap())
    );
    assert_eq!(whole.headers()["x-content-type-options"], "nosniff");
    assert_eq!(
        whole.headers()["content-disposition"],
        "attachment; filename*=UTF-8''one"
    );
    assert_eq!(whole.text().await.unwrap(), "one\n");
    let part = up.request(Method::GET, &path).header("range", "bytes=1-2");
    let part = part.send().await.unwrap();
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.headers()["content-range"], "bytes 1-2/4");
    assert_eq!(part.text().await.unwrap(), "ne");
    let again = up.request(Method::GET, &path).header("if-none-match", tag);
    assert_eq!(
        again.send().await.unwrap().status(),
        StatusCode::NOT_MODIFIED
    );
}

#[tokio::test]
async fn many_files_get_a_hundred_lines_and_a_sum_and_none_is_told_twice() {
    let up = Installation::up();
    let recipe = "artifacts: ['links/*', links/1]
steps:
  - run: mkdir out links && for n in $(seq 1 150); do echo > out/$n; ln -s x links/$n; done
    artifacts: ['out/*', 'links/*']
";
    let run = run(&up, recipe, "succeeded").await;
    assert_eq!(artifacts(&up, run).await.len(), 150);
    let lines = up.log_lines(run).await;
    let count = |part: &str| lines.iter().filter(|line| line.contains(part)).count();
    assert_eq!(count("kept artifact out/"), 100, "{lines:?}");
    assert_eq!(count("kept 50 more artifacts (50 bytes)"), 1, "{lines:?}");
    assert_eq!(count("not kept: links/"), 100, "{lines:?}");
    assert_eq!(count("not kept: 50 more files"), 1, "{lines:?}");
    assert_eq!(count("no file matches"), 0, "{lines:?}");
    let shown = up.get(&format!("/work-items/runs/{run}")).await;
    assert_eq!(shown["artifacts_omitted"].as_array().unwrap().len(), 150);
}

#[tokio::test]
async fn a_finished_run_takes_files_by_its_epoch_and_names_stay_below_it() {
    let up = Installation::up();
    let id = run(&up, "steps: ['true']\n", "succeeded").await;
    let path = format!("/work-items/runs/{id}/artifacts");
    let epoch = up.get(&format!("/work-items/runs/{id}")).await["epoch"].clone();
    let post = async |name: &str, kind: &str, epoch: &Value| {
        let body = json!({"name": name, "kind": kind, "content_base64": "YQ==", "epoch": epoch});
        answer(up.request(Method::POST, &path).json(&body)).await
    };
    let (status, problem) = post("a", "file", &Value::Null).await;
    assert_eq!(status, 409, "{problem}");
    assert_eq!(problem["code"], "run_finished");
    for (name, kind) in [
        ("../a", "file"),
        ("/a", "file"),
        ("a\nb", "file"),
        ("a", "two words"),
        ("a", "\u{1b}[2J"),
    ] {
        let (status, problem) = post(name, kind, &epoch).await;
        assert!(status.is_client_error(), "{name} {kind}: {problem}");
    }
    assert_eq!(post("late/a", "report", &epoch).await.0, 200);
    assert_eq!(names(&artifacts(&up, id).await), ["late/a"]);
}

#[tokio::test]
async fn a_run_that_fails_keeps_its_outputs_and_what_is_too_large_is_named() {
    let up = Installation::with("up", &[("AGENT_ARTIFACT_FILE_LIMIT", "1M")]);
    let recipe = "artifacts: ['*.txt']
steps:
  - echo short > a.txt; head -c 2000000 /dev/zero > b.txt; exit 3
";
    let run = run(&up, recipe, "failed").await;
    assert_eq!(names(&artifacts(&up, run).await), ["a.txt"]);
    let shown = up.get(&format!("/work-items/runs/{run}")).await;
    let omitted = &shown["artifacts_omitted"][0];
    assert_eq!(omitted["path"], "b.txt", "{shown}");
    let reason = omitted["reason"].as_str().unwrap();
    assert!(
        reason.contains("more than AGENT_ARTIFACT_FILE_LIMIT"),
        "{reason}"
    );
}

#[tokio::test]
async fn a_changed_byte_is_never_handed_out() {
    let up = Installation::up();
    let run = run(&up, "artifacts: [a]\nsteps: [echo good > a]\n", "succeeded").await;
    let kept = artifacts(&up, run).await;
    let sha256 = kept[0]["sha256"].as_str().unwrap();
    let file = up
        .data_dir()
        .join("artifacts")
        .join(&sha256[..2])
        .join(sha256);
    if !file.exists() {
        // On PostgreSQL the bytes are rows.
        return;
    }
    std::fs::write(&file, "evil\n").unwrap();
    let path = format!("/work-items/runs/artifacts/{}/raw", kept[0]["id"]);
    let refused = up.request(Method::GET, &path).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    let problem = refused.text().await.unwrap();
    assert!(
        problem.contains("artifact_damaged") && !problem.contains("evil"),
        "{problem}"
    );
}

#[tokio::test]
async fn what_reports_say_is_counted_once_in_the_metrics() {
    let up = Installation::up();
    let recipe = r#"steps:
  - run: |
      echo '<testsuite><testcase name="a"/><testcase name="b"><failure/></testcase></testsuite>' > unit.xml
      printf 'SF:a.rs\nDA:1,1\nDA:2,0\nend_of_record\n' > lines.info
      echo '{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "x"}}, "results": [{"ruleId": "r", "level": "error", "message": {"text": "m"}}]}]}' > found.json
    artifacts: [unit.xml, lines.info, found.json]
artifacts: [unit.xml]
"#;
    run(&up, recipe, "succeeded").await;
    let reports = up.get("/observability/metrics").await["reports"].clone();
    assert_eq!(
        reports["tests"],
        json!({"passed": 1, "failed": 1, "skipped": 0}),
        "{reports}"
    );
    let text = up.request(Method::GET, "/metrics").send().await.unwrap();
    let text = text.text().await.unwrap();
    for line in [
        "# TYPE orch_report_tests_total counter",
        r#"orch_reports_total{format="junit"} 1"#,
        r#"orch_report_tests_total{result="failed"} 1"#,
        r#"orch_report_lines_total{state="covered"} 1"#,
        r#"orch_report_findings_total{severity="error"} 1"#,
        "orch_report_components_total 0",
        "orch_tool_cache_hits_total 0",
    ] {
        assert!(
            text.lines().any(|shown| shown == line),
            "{line} is not in: {text}"
        );
    }
}
