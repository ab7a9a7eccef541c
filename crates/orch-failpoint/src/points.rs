//! The list of all points. A test of xtask checks that each stands in the source exactly once.

/// Which program passes a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    Server,
    Agent,
}

/// A named place in the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    pub name: &'static str,
    pub program: Program,
}

const fn server(name: &'static str) -> Point {
    Point {
        name,
        program: Program::Server,
    }
}

const fn agent(name: &'static str) -> Point {
    Point {
        name,
        program: Program::Agent,
    }
}

/// Every point.
pub const POINTS: [Point; 39] = [
    server("store.open.recovered"),
    server("store.migrate.before"),
    server("store.migrate.after"),
    server("store.migrate.shared"),
    server("store.group.loaded"),
    server("store.group.saved"),
    server("store.group.committed"),
    server("store.schedule.committed"),
    server("store.fill.committed"),
    server("store.log.appended"),
    server("store.log.synced"),
    server("store.log.flush"),
    server("store.log.flushed"),
    server("store.segment.roll"),
    server("store.segment.created"),
    server("store.commit.before"),
    server("store.commit.after"),
    server("store.idempotency.keep"),
    server("store.artifact.written"),
    server("store.artifact.renamed"),
    server("server.idempotency.acted"),
    server("server.artifact.stored"),
    server("server.approval.decide"),
    server("server.approval.decided"),
    server("server.lease.expire"),
    server("server.lease.renew"),
    server("server.lease.renewed"),
    server("server.dispatch.committed"),
    server("server.dispatch.sent"),
    server("server.heads.sign"),
    server("server.heads.written"),
    server("server.shutdown.begun"),
    server("server.shutdown.settled"),
    agent("agent.run.assigned"),
    agent("agent.step.before"),
    agent("agent.step.after"),
    agent("agent.outcome.before"),
    agent("agent.outcome.after"),
    agent("agent.outbox.rewound"),
];
