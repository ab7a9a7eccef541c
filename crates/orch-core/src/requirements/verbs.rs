//! Words by the part they play at the start of a clause. Data only.

use std::sync::LazyLock;

use super::lookup::{Words, set};

/// Words that begin what a person wants made.
pub static BUILD_VERBS: Words = LazyLock::new(|| {
    set(
        "achieve, automate, become, bring, build, change, create, deliver, design, develop, \
         enable, empower, encourage, eliminate, establish, extend, give, help, implement, \
         improve, increase, introduce, launch, make, modernise, modernize, open, port, publish, \
         reach, reduce, replace, rewrite, ship, simplify, start, teach, turn",
    )
});

/// Words that begin an order about how it is made.
pub static ORDER_VERBS: Words = LazyLock::new(|| {
    set(
        "avoid, comply, deploy, follow, host, keep, limit, prefer, require, restrict, run, stay, \
         stick, store, target, use, write",
    )
});

/// Base forms that may open a clause after "and"; words that are as common as nouns are left out.
pub static CLAUSE_VERBS: Words = LazyLock::new(|| {
    set(
        "achieve, add, allow, answer, avoid, be, become, build, comply, connect, cost, create, \
         deliver, deploy, encrypt, expose, fit, follow, give, handle, have, host, include, \
         integrate, keep, launch, let, load, make, meet, never, no, not, offer, only, pass, pay, \
         prefer, provide, publish, reach, recover, remain, respond, run, satisfy, scale, send, \
         serve, ship, show, stay, stick, store, survive, sustain, tolerate, use, without, work, \
         write, don't, do, maybe, perhaps, possibly, limit, start, finish, return, require",
    )
});

/// Third-person forms that may open a clause after "and", or close a subject before it.
pub static CLAUSE_VERBS_THIRD: Words = LazyLock::new(|| {
    set(
        "answers, costs, deploys, encrypts, fits, handles, has, includes, is, keeps, loads, \
         meets, needs, offers, provides, recovers, remains, requires, responds, returns, runs, \
         scales, sends, serves, shows, stays, stores, supports, survives, sustains, uses, works, \
         writes, are",
    )
});

/// Auxiliaries: what stands before one is the clause's subject.
pub static MODALS: Words = LazyLock::new(|| {
    set(
        "must, should, shall, can, cannot, can't, will, won't, may, might, needs, need, has, \
         have, does, doesn't, shouldn't",
    )
});

/// Every word that makes what stands before it a clause.
pub static PREDICATES: Words = LazyLock::new(|| {
    let sets = [
        &BUILD_VERBS,
        &ORDER_VERBS,
        &CLAUSE_VERBS,
        &CLAUSE_VERBS_THIRD,
        &MODALS,
    ];
    sets.into_iter()
        .flat_map(|set| set.iter().copied())
        .collect()
});
