//! Secrets on both databases: scopes, versions, and one key for all servers.

use orch_core::ids::{ProjectId, SecretId};
use orch_core::secret::{Scope, SecretName};

use super::conformance::Transcript;
use super::on_both;
use crate::secret::{self, Kept};
use crate::{Order, Page, Store, token_key};

fn name(text: &str) -> SecretName {
    SecretName::parse(text).expect("a name")
}

/// Does everything that can be done with secrets, once.
pub(super) async fn tell(store: &Store, t: &Transcript) {
    let project = ProjectId(1);
    let (prod, own) = (Scope::Environment("prod".to_owned()), Scope::Project);
    let mut tx = store.begin("user").await.expect("a transaction");
    let now = tx.now();
    let (token, key) = (name("TOKEN"), name("KEY"));
    let (sealed, vault) = (Kept::Sealed("gAAA".to_owned()), Kept::Vault(7));
    let conn = &mut tx.conn;
    t.note(
        "first",
        secret::insert(conn, (project, &token, &own), &sealed, "user", now).await,
    );
    t.note(
        "prod",
        secret::insert(conn, (project, &token, &prod), &vault, "user", now).await,
    );
    t.note(
        "key",
        secret::insert(conn, (project, &key, &prod), &sealed, "user", now).await,
    );
    t.note("found", secret::find(conn, project, &token, &prod).await);
    t.note("not found", secret::find(conn, project, &key, &own).await);
    for environment in [None, Some("prod"), Some("test")] {
        t.note(
            "token",
            secret::resolve(conn, project, &token, environment).await,
        );
        t.note(
            "key",
            secret::resolve(conn, project, &key, environment).await,
        );
    }
    t.note(
        "other",
        secret::resolve(conn, ProjectId(2), &token, None).await,
    );
    let found = secret::find(conn, project, &token, &own)
        .await
        .expect("it is read");
    let mut changed = found.expect("it is there").secret;
    changed.version += 1;
    changed.set_by = "other".to_owned();
    t.note(
        "replaced",
        secret::replace(conn, &changed, &Kept::Vault(1)).await,
    );
    t.note(
        "sealed anew",
        secret::reseal(conn, changed.id, 2, "gBBB").await,
    );
    t.note(
        "changed meanwhile",
        secret::reseal(conn, changed.id, 1, "gCCC").await,
    );
    t.note("count", secret::count(conn, project).await);
    t.note("after", secret::after(conn, SecretId(1), 10).await);
    t.note("deleted", secret::delete(conn, SecretId(3)).await);
    let page = Page {
        order: Order::NewestFirst,
        after: None,
        limit: 5,
    };
    t.note("list", secret::list(conn, project, page).await);
    tx.commit().await.expect("a commit");
    t.note("token key", token_key::load_or_make(store, [7; 32]).await);
}

#[tokio::test]
async fn the_first_token_key_stays() {
    on_both(async |store, _| {
        let made = token_key::load_or_make(&store, [1; 32])
            .await
            .expect("a key");
        let again = token_key::load_or_make(&store, [2; 32])
            .await
            .expect("a key");
        assert_eq!((made, again), ([1; 32], [1; 32]));
    })
    .await;
}
