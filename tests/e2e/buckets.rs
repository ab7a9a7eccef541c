//! Artifacts in an S3-compatible bucket, through the binary.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::s3::S3;
use crate::support::Installation;

#[tokio::test]
async fn artifacts_lie_in_the_bucket_and_an_outage_of_it_is_named() {
    let mut server = S3::start();
    server.bucket("kept");
    let endpoint = server.endpoint();
    let env = [
        ("ORCH_ARTIFACTS", "s3://kept/here"),
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "hush-hush"),
    ];
    let up = Installation::with("up", &env);
    let item = up.item(up.project().await, "makes a file").await;
    let recipe = "artifacts: [out.bin]\nsteps: ['head -c 20000000 /dev/zero > out.bin']\n";
    let path = format!("/work-items/{item}/tool-recipe");
    up.post(&path, json!({ "yaml": recipe })).await;
    up.enqueue(item).await;
    let run = up.wait_run(item, "succeeded").await["id"].clone();
    let kept = up.get(&format!("/work-items/runs/{run}/artifacts")).await;
    let (id, sha256) = (&kept[0]["id"], kept[0]["sha256"].as_str().unwrap());

    let listed = server.get("/kept?list-type=2");
    assert!(
        listed.contains(&format!("here/{}/{sha256}", &sha256[..2])),
        "{listed}"
    );
    let raw = format!("/work-items/runs/artifacts/{id}/raw");
    let part = up
        .request(Method::GET, &raw)
        .header("range", "bytes=19999998-");
    let part = part.send().await.unwrap();
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.bytes().await.unwrap().as_ref(), [0, 0]);

    server.put(
        "kept",
        &format!("here/{}/{sha256}", &sha256[..2]),
        b"rotten",
    );
    let damaged = up.request(Method::GET, &raw).send().await.unwrap();
    assert_eq!(damaged.status(), StatusCode::CONFLICT);

    server.down();
    let away = up.request(Method::GET, &raw).send().await.unwrap();
    assert_eq!(away.status(), StatusCode::SERVICE_UNAVAILABLE);
    let said = away.text().await.unwrap();
    assert!(
        said.contains("s3://kept/here") && !said.contains("hush"),
        "{said}"
    );
    let health = up.wait_for("/observability/health", "the fault is named", |health| {
        health["faults"][0]["kind"] == "artifacts_unreachable"
    });
    health.await;
    assert!(!up.log().contains("hush-hush"));
}
