//! The part of the story that is about projects, visions and requirements.

use std::time::Duration;

use orch_core::ids::{ProjectId, VisionId};
use orch_core::time::Timestamp;

use super::conformance::{Transcript, page};
use crate::{
    Order, Page, Store, Tx, attachment, model_call, orchestration, project, project_role,
    requirement_comment, requirements, role_memory, survey, vision,
};

pub(super) async fn projects(store: &Store, t: &Transcript) {
    let mut tx = store.begin("user").await.expect("a transaction");
    let now = tx.now();
    for name in ["one", "two", "three"] {
        t.note(
            "project",
            project::insert(&mut tx.conn, name, "d", now).await,
        );
    }
    let mut first = project::find(&mut tx.conn, ProjectId(1))
        .await
        .expect("a row")
        .expect("it exists");
    first.quota.max_runs_per_day = Some(50);
    t.note("update", project::update(&mut tx.conn, &first).await);
    t.note(
        "vision",
        vision::insert(&mut tx.conn, ProjectId(1), "We want it.", now).await,
    );
    t.note(
        "proposal",
        requirements::insert(
            &mut tx.conn,
            &requirements::NewVersion {
                project: ProjectId(1),
                vision: VisionId(1),
                parent: None,
                author: "user",
                reason: None,
                draft: "# D",
                items: "[]",
                document: "{}",
                digest: "",
            },
            now,
        )
        .await,
    );
    tx.commit().await.expect("a commit");
    let mut dropped = store.begin("user").await.expect("a transaction");
    let now = dropped.now();
    project::insert(&mut dropped.conn, "never", "", now)
        .await
        .expect("a row");
    drop(dropped);
    let mut conn = store.read().await.expect("a connection");
    for page in [
        page(Order::OldestFirst, None, 2),
        page(Order::OldestFirst, Some(2), 5),
        page(Order::NewestFirst, Some(3), 5),
    ] {
        t.note("projects", project::list(&mut conn, page).await);
    }
    t.note("vision", vision::latest(&mut conn, ProjectId(1)).await);
    t.note("visions", vision::list(&mut conn, ProjectId(2)).await);
    t.note(
        "current",
        requirements::current(&mut conn, ProjectId(1)).await,
    );
    drop(conn);
    let mut tx = store.begin("user").await.expect("a transaction");
    let now = tx.now();
    let id = orch_core::ids::RequirementsId(1);
    t.note(
        "approved",
        requirements::approve(&mut tx.conn, ProjectId(1), id, "user", now).await,
    );
    t.note(
        "newest approved",
        requirements::approved(&mut tx.conn, ProjectId(1)).await,
    );
    let said = Some("R-1");
    t.note(
        "comment",
        requirement_comment::insert(&mut tx.conn, ProjectId(1), id, said, "user", "Why?", now)
            .await,
    );
    t.note(
        "comments",
        requirement_comment::up_to(&mut tx.conn, ProjectId(1), id).await,
    );
    let file = attachment::NewAttachment {
        name: "a.md".to_owned(),
        media_type: "text/markdown".to_owned(),
        size_bytes: 3,
        sha256: "0".repeat(64),
        content: "{}".to_owned(),
    };
    t.note(
        "attachment",
        attachment::insert(&mut tx.conn, VisionId(1), &file, now).await,
    );
    t.note(
        "attachments",
        attachment::of_vision(&mut tx.conn, VisionId(1)).await,
    );
    for (after, order) in [
        (None, Order::OldestFirst),
        (Some(1), Order::OldestFirst),
        (None, Order::NewestFirst),
    ] {
        let page = Page {
            order,
            after,
            limit: 2,
        };
        t.note(
            "newest by project",
            requirements::newest_by_project(&mut tx.conn, page).await,
        );
    }
    roles(&mut tx, t).await;
    surveys(&mut tx, t).await;
    tx.commit().await.expect("a commit");
}

/// What was found in existing code.
async fn surveys(tx: &mut Tx, t: &Transcript) {
    let now = tx.now();
    let found = survey::NewSurvey {
        source: "repository",
        name: "https://example.org/a.git".to_owned(),
        reference: None,
        commit_id: Some("1".repeat(40)),
        sha256: None,
        content: r#"{"version":1}"#.to_owned(),
    };
    for project in [ProjectId(1), ProjectId(2), ProjectId(1)] {
        t.note(
            "survey",
            survey::insert(&mut tx.conn, project, &found, "user", now).await,
        );
    }
    let id = orch_core::ids::SurveyId(2);
    for project in [ProjectId(1), ProjectId(2)] {
        t.note("one survey", survey::find(&mut tx.conn, project, id).await);
        t.note("newest survey", survey::latest(&mut tx.conn, project).await);
        t.note("surveys", survey::list(&mut tx.conn, project, 1).await);
    }
}

/// Roles of projects, and what they remember.
async fn roles(tx: &mut Tx, t: &Transcript) {
    let (project, now) = (ProjectId(1), tx.now());
    for (name, content) in [("code", "a"), ("spec", "b"), ("code", "c")] {
        t.note(
            "role set",
            project_role::set(&mut tx.conn, project, name, content, "user", now).await,
        );
    }
    t.note(
        "roles",
        project_role::of_project(&mut tx.conn, project).await,
    );
    for name in ["spec", "spec"] {
        t.note(
            "role removed",
            project_role::remove(&mut tx.conn, project, name).await,
        );
    }
    for content in ["one", "two", "three", "four"] {
        let new = role_memory::NewNote {
            project,
            role: "code",
            content,
            author: "user",
            origin: "person",
        };
        t.note("noted", role_memory::insert(&mut tx.conn, &new, now).await);
    }
    t.note(
        "forgot",
        role_memory::remove(&mut tx.conn, project, "code", 2).await,
    );
    t.note(
        "beyond",
        role_memory::forget_beyond(&mut tx.conn, project, "code", 2).await,
    );
    t.note(
        "notes",
        role_memory::of_role(&mut tx.conn, project, "code", Timestamp::from_micros(0), 5).await,
    );
    t.note(
        "before",
        role_memory::forget_before(&mut tx.conn, now.plus(Duration::from_secs(1))).await,
    );
    t.note(
        "texts",
        model_call::forget_texts_before(&mut tx.conn, now).await,
    );
    t.note(
        "requests",
        orchestration::forget_before(&mut tx.conn, now).await,
    );
}
