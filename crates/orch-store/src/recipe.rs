//! Stored tool recipes; each is immutable, an item points at its current one.

use orch_core::ids::{RecipeId, WorkItemId};
use orch_core::time::Timestamp;

use crate::conn::{one, optional};
use crate::inline::row;
use crate::stored::{Lenient, noun, stored};
use crate::{Conn, StoreError};

row! {
    /// A recipe as it was given.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Recipe {
        pub id: i64,
        pub work_item_id: i64,
        pub yaml: String,
        pub created_at: i64,
    }
}

stored!(Recipe, "recipe" by id => Recipe);

/// Stores a recipe.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    conn: &mut Conn,
    item: WorkItemId,
    yaml: &str,
    now: Timestamp,
) -> Result<Recipe, StoreError> {
    one!(
        conn,
        Recipe,
        "INSERT INTO recipe (work_item_id, yaml, created_at) VALUES ($1, $2, $3) RETURNING *",
        item.get(),
        yaml,
        now.as_micros()
    )
}

/// One recipe.
///
/// # Errors
/// When the database fails.
pub async fn find(conn: &mut Conn, id: RecipeId) -> Result<Option<Recipe>, StoreError> {
    noun::<Recipe>(optional!(
        conn,
        Lenient<Recipe>,
        "SELECT * FROM recipe WHERE id = $1",
        id.get()
    )?)
}
