//! Looking at rows for whether they can be read: at those that are suspected, and slowly at all.

use crate::conn::{all, sql};
use crate::stored::{Found, Lenient, Stored as _};
use crate::{Conn, Key, Store, StoreError, Unreadable};
use crate::{
    agent, approval, artifact, attachment, audit, budget, info_request, model_call, model_price,
    orchestration, plan, project, queue, recipe, requirement_comment, requirements, run, step,
    summary, survey, vision, work_item,
};

/// Rows of one look.
const AT_ONCE: i64 = 500;

/// How far the tables were looked through.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sweep {
    table: usize,
    after: i64,
}

/// The rows of a look.
struct Looked {
    unreadable: Vec<Unreadable>,
    /// Where to go on; none at the end of the table.
    next: Option<i64>,
}

fn looked<T>(found: Found<T>) -> Looked {
    Looked {
        unreadable: found.unreadable,
        next: found.next,
    }
}

/// The tables whose rows are numbered.
macro_rules! tables {
    ($($table:literal by $key:literal: $row:ty),+ $(,)?) => {
        /// Every table that is looked through.
        const TABLES: &[&str] = &[$($table),+, agent::Agent::TABLE];

        /// The first rows behind `after`.
        async fn behind(
            conn: &mut Conn,
            table: &str,
            after: i64,
            most: i64,
        ) -> Result<Looked, StoreError> {
            let page = crate::Page { after: Some(after), limit: most, ..crate::Page::default() };
            match table {
                $($table => {
                    let rows = all!(
                        conn,
                        Lenient<$row>,
                        sql!(concat!("SELECT * FROM ", $table, " WHERE ", $key, " > $1 ORDER BY ", $key, " LIMIT $2")),
                        after,
                        most
                    )?;
                    Ok(looked(Found::page(rows, page)))
                })+
                // Few, and named by text.
                _ => Ok(looked(agent::list(conn).await?)),
            }
        }
    };
}

tables!(
    "project" by "id": project::Row,
    "vision" by "id": vision::Vision,
    "vision_attachment" by "id": attachment::Attachment,
    "survey" by "id": survey::Survey,
    "requirements" by "id": requirements::Requirements,
    "requirement_comment" by "id": requirement_comment::Comment,
    "plan" by "id": plan::Plan,
    "recipe" by "id": recipe::Recipe,
    "orchestration" by "id": orchestration::Orchestration,
    "model_call" by "id": model_call::ModelCall,
    "budget" by "id": budget::Budget,
    "model_price" by "id": model_price::ModelPrice,
    "work_item" by "id": work_item::Row,
    "queue_entry" by "id": queue::Row,
    "run" by "id": run::Row,
    "approval" by "id": approval::Row,
    "info_request" by "id": info_request::Row,
    "step" by "id": step::Step,
    "artifact" by "id": artifact::Artifact,
    "artifact_omitted" by "id": artifact::Omitted,
    "summary" by "id": summary::Summary,
    "audit" by "seq": audit::Row,
);

/// The row's present fault; none where it can be read, or is gone.
async fn fault(conn: &mut Conn, table: &str, key: &Key) -> Result<Option<Unreadable>, StoreError> {
    let after = match key {
        Key::Number(id) => id.saturating_sub(1),
        Key::Name(_) => 0,
    };
    let looked = behind(conn, table, after, 1).await?;
    Ok(looked.unreadable.into_iter().find(|row| row.key == *key))
}

/// The table of this name.
fn table(name: &str) -> Option<&'static str> {
    TABLES.iter().copied().find(|table| *table == name)
}

impl Store {
    /// Takes what was found; rows that cannot be read are named, here and to the other servers.
    pub fn named<T>(&self, found: Found<T>) -> crate::Listed<T> {
        for row in found.unreadable {
            self.quarantine.note(row);
        }
        self.tell_of_unreadable();
        crate::Listed {
            rows: found.rows,
            next: found.next,
        }
    }

    /// Somebody could not read this row: it is looked at soon.
    pub fn suspect(&self, table_name: &str, key: Key) {
        if let Some(table) = table(table_name) {
            self.quarantine.suspect(table, key);
        }
    }

    /// Looks at what is suspected, here or by another server. Asks nothing where nothing is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn look_at_suspects(&self) -> Result<(), StoreError> {
        let mut suspects = self.quarantine.take_suspects();
        for (name, key) in self.signals().unreadable_elsewhere() {
            suspects.extend(table(&name).map(|table| (table, key)));
        }
        if suspects.is_empty() {
            return Ok(());
        }
        let mut conn = self.read().await?;
        for (table, key) in suspects {
            if let Some(row) = fault(&mut conn, table, &key).await? {
                self.quarantine.note(row);
            }
        }
        self.tell_of_unreadable();
        Ok(())
    }

    /// Looks at the next few rows of all; `false` once there are none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sweep(&self, sweep: &mut Sweep) -> Result<bool, StoreError> {
        let Some(table) = TABLES.get(sweep.table) else {
            return Ok(false);
        };
        let mut conn = self.read().await?;
        let looked = behind(&mut conn, table, sweep.after, AT_ONCE).await?;
        drop(conn);
        for row in looked.unreadable {
            self.quarantine.note(row);
        }
        self.tell_of_unreadable();
        match looked.next {
            Some(next) => sweep.after = next,
            None => {
                *sweep = Sweep {
                    table: sweep.table + 1,
                    after: 0,
                }
            }
        }
        Ok(true)
    }

    /// No longer names rows that can be read by now, or are gone.
    pub(super) async fn recheck_rows(&self, conn: &mut Conn) -> Result<(), StoreError> {
        for (table, key) in self.quarantine.named_rows() {
            match fault(conn, table, &key).await? {
                Some(row) => self.quarantine.note(row),
                None => self.quarantine.forget(table, &key),
            }
        }
        Ok(())
    }

    pub(super) fn tell_of_unreadable(&self) {
        let news = self.quarantine.take_news();
        if !news.is_empty() {
            self.signals().tell_of_unreadable(news);
        }
    }
}
