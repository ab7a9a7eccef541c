//! One connection and what is under way on it. Whoever waits for an answer drives it, so that no
//! other task has to be woken to write or to read.

use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio_postgres::error::{DbError, Severity};
use tokio_postgres::tls::NoTlsStream;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Config, Connection, Error, NoTls, Row, Socket, Statement};

use super::error::PipedError;
use crate::ids::for_arrays;

/// What was sent and not waited for is left to gather until somebody waits, or it is so much.
const GATHERED_ROWS: usize = 64;

/// An answer that is to be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ticket(u64);

/// A statement under way; what it answers is kept under a ticket.
struct Sent {
    outcome: BoxFuture<'static, Result<Vec<Row>, Error>>,
    ticket: Option<Ticket>,
}

/// A connection, with its prepared statements.
pub(super) struct Wire {
    client: Arc<Client>,
    /// `None` once it has ended.
    connection: Option<Connection<Socket, NoTlsStream>>,
    /// Why it ended.
    fault: Option<Error>,
    statements: HashMap<Box<str>, Statement>,
    /// Statements that were sent and whose outcome is not known.
    sent: VecDeque<Sent>,
    /// The first of them that failed.
    failed: Option<Error>,
    /// Answers that nobody has fetched.
    answers: HashMap<Ticket, Vec<Row>>,
    tickets: u64,
    /// Somebody waits for an answer, or has stopped waiting before it came.
    waiting: bool,
}

impl Wire {
    pub(super) async fn connect(config: &Config) -> Result<Self, Error> {
        let (client, connection) = config.connect(NoTls).await?;
        Ok(Self {
            client: Arc::new(client),
            connection: Some(connection),
            fault: None,
            statements: HashMap::new(),
            sent: VecDeque::new(),
            failed: None,
            answers: HashMap::new(),
            tickets: 0,
            waiting: false,
        })
    }

    /// Writes what is to be written, and reads what has come.
    fn poll_io(&mut self, cx: &mut Context<'_>) {
        if let Some(connection) = &mut self.connection
            && let Poll::Ready(ended) = connection.poll_unpin(cx)
        {
            self.fault = ended.err();
            // Whoever waits for an answer learns that none will come.
            self.connection = None;
        }
    }

    /// The same, without waiting.
    pub(super) fn nudge(&mut self) {
        let mut io = std::pin::pin!(tokio::task::unconstrained(poll_fn(|cx| {
            self.poll_io(cx);
            Poll::Ready(())
        })));
        let _ = io.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    }

    pub(super) fn is_dead(&self) -> bool {
        self.connection.is_none()
    }

    /// Whether nobody waits for an answer.
    pub(super) fn is_idle(&self) -> bool {
        !self.waiting && self.sent.is_empty()
    }

    /// Whether somebody stopped waiting before the answer came.
    pub(super) fn is_given_up(&self) -> bool {
        self.waiting
    }

    fn poll_sent(&mut self, cx: &mut Context<'_>) {
        while let Some(first) = self.sent.front_mut() {
            let Poll::Ready(outcome) = first.outcome.as_mut().poll(cx) else {
                return;
            };
            let ticket = first.ticket;
            self.sent.pop_front();
            match outcome {
                Ok(rows) => self.answers.extend(ticket.map(|ticket| (ticket, rows))),
                Err(error) => {
                    self.failed.get_or_insert(error);
                }
            }
        }
    }

    /// Sends a request and waits for its answer and for those to all that was sent before. The
    /// first of them that failed is what failed.
    async fn answer<T>(
        &mut self,
        request: impl Future<Output = Result<T, PipedError>>,
    ) -> Result<T, PipedError> {
        let mut request = pin!(request);
        self.waiting = true;
        let mut early = None;
        let mut is_sent = false;
        let answer = poll_fn(|cx| {
            if !is_sent {
                is_sent = true;
                early = match request.as_mut().poll(cx) {
                    Poll::Ready(answer) => Some(answer),
                    Poll::Pending => None,
                };
            }
            self.poll_io(cx);
            self.poll_sent(cx);
            match (self.sent.is_empty(), early.take()) {
                (true, Some(answer)) => Poll::Ready(answer),
                (true, None) => request.as_mut().poll(cx),
                (false, answer) => {
                    early = answer;
                    Poll::Pending
                }
            }
        })
        .await;
        self.waiting = false;
        match (self.failed.take(), answer) {
            (Some(error), _) => Err(self.explain(error).into()),
            (None, Err(PipedError::Postgres(error))) => Err(self.explain(error).into()),
            (None, answer) => answer,
        }
    }

    /// Prepares a statement where it is not.
    pub(super) async fn prepare(
        &mut self,
        text: &str,
        types: &[Type],
    ) -> Result<Statement, PipedError> {
        if let Some(statement) = self.statements.get(text) {
            return Ok(statement.clone());
        }
        let client = Arc::clone(&self.client);
        let written = for_arrays(text);
        let statement = self
            .answer(async { Ok(client.prepare_typed(&written, types).await?) })
            .await?;
        self.statements.insert(text.into(), statement.clone());
        Ok(statement)
    }

    /// Asks, and waits for the answer.
    pub(super) async fn ask<T, F>(
        &mut self,
        ask: impl FnOnce(Arc<Client>) -> F,
    ) -> Result<T, PipedError>
    where
        F: Future<Output = Result<T, PipedError>>,
    {
        let request = ask(Arc::clone(&self.client));
        self.answer(request).await
    }

    /// Sends, and leaves the outcome to whoever waits next.
    pub(super) fn send<F>(&mut self, rows: usize, send: impl FnOnce(Arc<Client>) -> F)
    where
        F: Future<Output = Result<(), Error>> + Send + 'static,
    {
        let request = send(Arc::clone(&self.client));
        self.put(async { request.await.map(|()| Vec::new()) }.boxed(), None);
        if rows >= GATHERED_ROWS {
            self.nudge();
        }
    }

    /// Asks, and keeps the answer until it is fetched.
    pub(super) fn ask_ahead<F>(&mut self, ask: impl FnOnce(Arc<Client>) -> F) -> Ticket
    where
        F: Future<Output = Result<Vec<Row>, Error>> + Send + 'static,
    {
        let ticket = Ticket(self.tickets);
        self.tickets += 1;
        let request = ask(Arc::clone(&self.client));
        self.put(request.boxed(), Some(ticket));
        ticket
    }

    fn put(
        &mut self,
        mut outcome: BoxFuture<'static, Result<Vec<Row>, Error>>,
        ticket: Option<Ticket>,
    ) {
        // Polled once, it is on its way. Without the connection, it has failed at once.
        let mut nobody = Context::from_waker(Waker::noop());
        if let Poll::Ready(known) = outcome.as_mut().poll(&mut nobody) {
            outcome = std::future::ready(known).boxed();
        }
        self.sent.push_back(Sent { outcome, ticket });
    }

    /// Waits for an answer that was asked for ahead.
    pub(super) async fn fetch(&mut self, ticket: Ticket) -> Result<Vec<Row>, PipedError> {
        self.waiting = true;
        let answer = poll_fn(|cx| {
            self.poll_io(cx);
            self.poll_sent(cx);
            match (self.answers.remove(&ticket), self.failed.take()) {
                (Some(rows), failed) => {
                    self.failed = failed;
                    Poll::Ready(Ok(rows))
                }
                (None, Some(error)) => Poll::Ready(Err(Some(error))),
                // It failed as well, after one whose failure was told.
                (None, None) if self.sent.is_empty() => Poll::Ready(Err(None)),
                (None, None) => Poll::Pending,
            }
        })
        .await;
        self.waiting = false;
        answer.map_err(|error| match error {
            Some(error) => self.explain(error).into(),
            None => PipedError::BrokenOff,
        })
    }

    /// Forgets answers that nobody fetched, and failures that nobody asked about.
    pub(super) fn forget(&mut self) {
        self.answers.clear();
        self.failed = None;
    }

    /// A request that failed because the connection had ended failed for that reason. One that the
    /// database ended says so before it is gone.
    fn explain(&mut self, error: Error) -> Error {
        let severity = error.as_db_error().and_then(DbError::parsed_severity);
        if matches!(severity, Some(Severity::Fatal | Severity::Panic)) {
            self.connection = None;
        }
        match self.fault.take() {
            Some(fault) if error.is_closed() => fault,
            _ => error,
        }
    }
}
