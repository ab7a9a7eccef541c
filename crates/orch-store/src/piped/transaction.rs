//! A connection on loan: a transaction, or statements that each stand for themselves.
//!
//! A statement that was sent is answered for at the latest before its transaction's commit is.
//! PostgreSQL rolls a transaction back once one of its statements has failed, and says so to each;
//! as every answer is looked at, a commit is never taken for one that was not.

use std::pin::pin;

use futures::TryStreamExt as _;
use tokio_postgres::types::{ToSql, Type};

use super::error::PipedError;
use super::home::Place;
use super::value::{Columns, Value};
use super::wire::{Ticket, Wire};
use crate::inline::FromRow;

/// A connection, inside a transaction or only reading. Dropping it changes nothing.
pub struct Piped {
    wire: Option<Box<Wire>>,
    place: Place,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Each statement stands for itself.
    Single,
    Transaction,
    /// A transaction in which a statement failed.
    BrokenOff,
}

impl Piped {
    pub(super) fn new(wire: Wire, place: Place) -> Self {
        Self {
            wire: Some(Box::new(wire)),
            place,
            stage: Stage::Single,
        }
    }

    fn wire(&mut self) -> &mut Wire {
        self.wire
            .as_mut()
            .expect("invariant: it has its connection until it is dropped")
    }

    /// Begins a transaction; the outcome comes with that of the first statement.
    pub(crate) fn begin(&mut self) {
        self.run("BEGIN");
        self.stage = Stage::Transaction;
    }

    fn run(&mut self, text: &'static str) {
        self.wire()
            .send(1, |client| async move { client.batch_execute(text).await });
    }

    /// Makes durable what was written.
    pub(crate) async fn commit(mut self) -> Result<(), PipedError> {
        self.may_go_on()?;
        let committed = self
            .wire()
            .ask(|client| async move { Ok(client.batch_execute("COMMIT").await?) })
            .await;
        // Committed or rolled back: the transaction has ended.
        self.stage = Stage::Single;
        committed
    }

    /// Whether the other end is known to be gone.
    pub(crate) fn is_dead(&self) -> bool {
        self.wire.as_ref().is_none_or(|wire| wire.is_dead())
    }

    /// A transaction goes on only while every statement before succeeded.
    fn may_go_on(&mut self) -> Result<(), PipedError> {
        let given_up = self.wire().is_given_up();
        match self.stage {
            Stage::Single => Ok(()),
            Stage::Transaction if !given_up => Ok(()),
            Stage::Transaction | Stage::BrokenOff => Err(PipedError::BrokenOff),
        }
    }

    fn note<T>(&mut self, answer: Result<T, PipedError>) -> Result<T, PipedError> {
        if let Err(PipedError::Postgres(_)) = answer
            && self.stage == Stage::Transaction
        {
            self.stage = Stage::BrokenOff;
        }
        answer
    }

    async fn prepare(
        &mut self,
        text: &str,
        types: &[Type],
    ) -> Result<tokio_postgres::Statement, PipedError> {
        self.may_go_on()?;
        let prepared = self.wire().prepare(text, types).await;
        self.note(prepared)
    }

    /// Runs a statement; answers how many rows it touched.
    pub(crate) async fn execute(
        &mut self,
        text: &str,
        values: Vec<Value>,
    ) -> Result<u64, PipedError> {
        let statement = self.prepare(text, &types(&values)).await?;
        let answer = self
            .wire()
            .ask(|client| async move { Ok(client.execute_raw(&statement, values).await?) })
            .await;
        self.note(answer)
    }

    /// Sends a statement whose outcome nobody waits for before the commit.
    pub(crate) async fn send(&mut self, text: &str, values: Vec<Value>) -> Result<(), PipedError> {
        let types = types(&values);
        self.send_values(text, &types, 1, values).await
    }

    /// Sends a statement over many rows: each column is one array.
    pub(crate) async fn send_columns(
        &mut self,
        text: &str,
        columns: Columns,
    ) -> Result<(), PipedError> {
        let (types, rows) = (columns.types(), columns.rows());
        self.send_values(text, &types, rows, columns.each()).await
    }

    async fn send_values<V: ToSql + Send + 'static>(
        &mut self,
        text: &str,
        types: &[Type],
        rows: usize,
        values: Vec<V>,
    ) -> Result<(), PipedError> {
        let statement = self.prepare(text, types).await?;
        if self.stage == Stage::Single {
            let answer = self
                .wire()
                .ask(|client| async move { Ok(client.execute_raw(&statement, values).await?) });
            return answer.await.map(drop);
        }
        self.wire().send(rows, |client| async move {
            client.execute_raw(&statement, values).await.map(drop)
        });
        Ok(())
    }

    /// Asks, and leaves the answer to be fetched.
    pub(crate) async fn ask(
        &mut self,
        text: &str,
        values: Vec<Value>,
    ) -> Result<Ticket, PipedError> {
        let statement = self.prepare(text, &types(&values)).await?;
        Ok(self.wire().ask_ahead(|client| async move {
            let rows = client.query_raw(&statement, values).await?;
            rows.try_collect().await
        }))
    }

    /// The answer to what was asked.
    pub(crate) async fn answer<T: FromRow>(
        &mut self,
        ticket: Ticket,
    ) -> Result<Vec<T>, PipedError> {
        let rows = self.wire().fetch(ticket).await;
        let rows = self.note(rows)?;
        let Some(first) = rows.first() else {
            return Ok(Vec::new());
        };
        let places = T::places_in(first.columns())?;
        let read = |row| T::read_piped(row, &places).map_err(PipedError::Unreadable);
        rows.iter().map(read).collect()
    }

    pub(crate) async fn fetch_all<T: FromRow>(
        &mut self,
        text: &str,
        values: Vec<Value>,
    ) -> Result<Vec<T>, PipedError> {
        match self.fetch(text, &values).await {
            // It stands for itself: nothing that came before is lost with the connection.
            Err(error) if self.stage == Stage::Single && error.is_lost_connection() => {
                tracing::debug!(%error, "a connection was lost during a read: trying another one");
                let wire = self.place.reconnect().await?;
                self.wire = Some(Box::new(wire));
                self.fetch(text, &values).await
            }
            fetched => fetched,
        }
    }

    async fn fetch<T: FromRow>(
        &mut self,
        text: &str,
        values: &[Value],
    ) -> Result<Vec<T>, PipedError> {
        let statement = self.prepare(text, &types(values)).await?;
        let answer = self
            .wire()
            .ask(|client| async move {
                let places = T::places_in(statement.columns())?;
                let rows = client.query_raw(&statement, values).await?;
                let mut rows = pin!(rows);
                let mut all = Vec::new();
                while let Some(row) = rows.try_next().await? {
                    all.push(T::read_piped(&row, &places).map_err(PipedError::Unreadable)?);
                }
                Ok(all)
            })
            .await;
        self.note(answer)
    }

    pub(crate) async fn fetch_optional<T: FromRow>(
        &mut self,
        text: &str,
        values: Vec<Value>,
    ) -> Result<Option<T>, PipedError> {
        Ok(self.fetch_all(text, values).await?.into_iter().next())
    }

    pub(crate) async fn fetch_one<T: FromRow>(
        &mut self,
        text: &str,
        values: Vec<Value>,
    ) -> Result<T, PipedError> {
        self.fetch_optional(text, values)
            .await?
            .ok_or(PipedError::NoRow)
    }
}

fn types(values: &[Value]) -> Vec<Type> {
    values.iter().map(Value::of_type).collect()
}

impl Drop for Piped {
    fn drop(&mut self) {
        let Some(wire) = &mut self.wire else {
            return;
        };
        if wire.is_dead() || !wire.is_idle() {
            // Closing it ends what is under way, and takes back what was not committed.
            return;
        }
        if self.stage != Stage::Single {
            self.run("ROLLBACK");
            // It is short, and all before it was read: it is written at once.
            self.wire().nudge();
        }
        if let Some(mut wire) = self.wire.take() {
            wire.forget();
            self.place.take_back(*wire);
        }
    }
}
