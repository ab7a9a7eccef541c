//! PDFs that come with a vision: each is read in a process of its own, which bounds what a hostile one takes.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::join_all;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::json;

use crate::process::{peak_mb, wait_until};
use crate::support::{Installation, PATIENCE, answer};

/// What a server that reads nothing itself stays below, in MB.
const MOST_OF_THE_SERVER_MB: u64 = 400;

/// A PDF of one page that shows its content so many times.
fn pdf(content: &str, times: usize) -> Vec<u8> {
    let objects = [
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        "<</Type/Pages/Kids[3 0 R]/Count 1>>".to_owned(),
        format!(
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents[{}]/Resources<</Font<</F 5 0 R>>>>>>",
            "4 0 R ".repeat(times)
        ),
        format!(
            "<</Length {}>>\nstream\n{content}\nendstream",
            content.len()
        ),
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>".to_owned(),
    ];
    let mut file = "%PDF-1.4\n".to_owned();
    let mut table = "0000000000 65535 f \n".to_owned();
    for (at, object) in objects.iter().enumerate() {
        table.push_str(&format!("{:010} 00000 n \n", file.len()));
        file.push_str(&format!("{} 0 obj\n{object}\nendobj\n", at + 1));
    }
    let start = file.len();
    file.push_str(&format!(
        "xref\n0 6\n{table}trailer\n<</Size 6/Root 1 0 R>>\nstartxref\n{start}\n%%EOF"
    ));
    file.into_bytes()
}

/// Two million operations, which the reader would keep a gigabyte of.
fn bomb() -> Vec<u8> {
    pdf(&"(a) Tj ".repeat(400_000), 5)
}

fn send(server: &Installation, project: i64, file: &[u8]) -> RequestBuilder {
    let body = json!({
        "content": "Users must log in.",
        "attachments": [{"name": "a.pdf", "content_base64": STANDARD.encode(file)}],
    });
    let path = format!("/projects/{project}/vision");
    server
        .request(Method::POST, &path)
        .json(&body)
        .timeout(PATIENCE)
}

/// The processes that this one started and has not waited for.
fn children_of(parent: u32) -> Vec<u32> {
    let of_parent = |pid: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (_, after) = stat.rsplit_once(") ")?;
        let found: u32 = after.split(' ').nth(1)?.parse().ok()?;
        (found == parent).then_some(pid)
    };
    std::fs::read_dir("/proc")
        .expect("processes")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(of_parent)
        .collect()
}

#[tokio::test]
async fn a_pdf_that_needs_too_much_is_refused_and_takes_nothing_of_the_server() {
    let server = Installation::serve();
    let project = server.project().await;
    let bomb = bomb();
    let answers = join_all((0..2).map(|_| answer(send(&server, project, &bomb)))).await;
    for (status, problem) in answers {
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
        let detail = problem["detail"].as_str().expect("a detail");
        let expected = ["takes more memory to read", "takes longer to read"];
        assert!(
            detail.starts_with("`attachments[0].content` of a.pdf")
                && expected.iter().any(|words| detail.contains(words)),
            "{problem}"
        );
    }
    assert_eq!(children_of(server.pid()), Vec::<u32>::new());
    let peak = peak_mb(server.pid());
    assert!(peak < MOST_OF_THE_SERVER_MB, "the server took {peak} MB");

    // And nobody else waits for it.
    let good = pdf("BT /F 9 Tf (Use Rust.) Tj ET", 1);
    let (status, vision) = answer(send(&server, project, &good)).await;
    assert_eq!(status, StatusCode::CREATED, "{vision}");
    let files = server
        .get(&format!("/projects/{project}/vision/attachments"))
        .await;
    assert!(files.to_string().contains("Use Rust."), "{files}");
}

#[tokio::test]
async fn reading_ends_with_the_server_that_is_killed() {
    let mut server = Installation::serve();
    let project = server.project().await;
    let sent = tokio::spawn(send(&server, project, &bomb()).send());
    let pid = server.pid();
    let mut readers = Vec::new();
    wait_until("a reader", || {
        readers = children_of(pid);
        !readers.is_empty()
    })
    .await;
    server.kill();
    let reader = Path::new("/proc").join(readers[0].to_string());
    wait_until("the end of the reader", || is_over(&reader)).await;
    assert!(sent.await.expect("it ends").is_err());
}

/// Gone, or waited for by nobody.
fn is_over(process: &Path) -> bool {
    match std::fs::read_to_string(process.join("stat")) {
        Ok(stat) => stat
            .rsplit_once(") ")
            .is_none_or(|(_, after)| after.starts_with('Z')),
        Err(_) => true,
    }
}
