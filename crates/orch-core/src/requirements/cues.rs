//! The phrases that tell what a clause is about. Data only: what follows from them is decided elsewhere.

use std::sync::LazyLock;

use super::words::Lexicon;

/// What a phrase hints at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cue {
    /// Not decided: "maybe", "TBD".
    Hedge,
    /// Left out: "will not", "later".
    Exclusion,
    /// How one will know: "done when", "success".
    Success,
    /// A number that is to move: "increase", "reduce".
    Change,
    /// What people do when it works: "sign up", "pay".
    Adoption,
    /// A figure that tells how well it goes: "revenue", "churn".
    Outcome,
    /// A quality: "GDPR", "accessible".
    Quality,
    /// A quality of speed or load, whose numbers are limits rather than outcomes.
    Performance,
    /// A quality word that says nothing without a number.
    Vague(Vague),
    /// How much it carries: "handle", "serve".
    Capacity,
    /// What it is for: "let users", "so that".
    Benefit,
    /// What somebody will be able to do: "can", "be able to".
    Capability,
    /// What it contains: "includes", "shows".
    Feature,
    /// A limit: "no", "only", "without", "using".
    Rule,
    /// Duty: "must", "should".
    Duty,
    /// Money: "budget", "cost".
    Money,
    /// A date: "deadline", "by June".
    Deadline,
    /// A technology by name.
    Technology,
    /// What may go wrong: "risk", "worried".
    Danger,
    /// A phrase that hides the cues inside it.
    Nothing,
}

/// What number a vague word lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Vague {
    /// A response time.
    Speed,
    /// A load.
    Load,
    /// An amount of money.
    Price,
    /// A date.
    Date,
    /// A share of time, or of failures.
    Dependability,
    /// A share of people who manage, or the time they take.
    Ease,
    /// A size in memory or on disk.
    Footprint,
    /// A number of things.
    Amount,
    /// A period.
    Rhythm,
    /// What somebody would see.
    Taste,
    /// The rest of a list.
    Rest,
}

impl Vague {
    /// Whether the word names a quality of the product; an amount or a rhythm may be of anything.
    pub const fn is_quality(self) -> bool {
        match self {
            Self::Speed
            | Self::Load
            | Self::Price
            | Self::Date
            | Self::Dependability
            | Self::Ease
            | Self::Footprint
            | Self::Taste => true,
            Self::Amount | Self::Rhythm | Self::Rest => false,
        }
    }
}

/// Phrases by meaning, lower case, parted by commas; the longest phrase at a word wins and hides
/// the shorter ones.
pub static CUES: LazyLock<Lexicon<Cue>> = LazyLock::new(|| Lexicon::new(GROUPS));

const GROUPS: &[(Cue, &str)] = &[
    (
        Cue::Hedge,
        "eventuell, noch offen, unklar, vielleicht, \
         do not know, does not know, doesn't know, don't know, have not decided, haven't decided, \
         i might, i wonder, maybe, might add, might also, might be nice, might need, might want, \
         not clear, not decided, not quite sure, not sure, not yet clear, not yet decided, open \
         question, perhaps, possibly, remains open, still deciding, still open, still thinking, \
         tba, tbc, tbd, to be confirmed, to be decided, to be defined, to be determined, to be \
         discussed, unclear, undecided, unknown, unsure, we might, wondering",
    ),
    (
        Cue::Exclusion,
        "nicht enthalten, nicht teil, spätere version, \
         are not needed, as a next step, can wait, do not need, does not need, doesn't need, \
         don't need, exclude, excluded, excludes, excluding, future release, future version, in \
         the future, is not needed, später, not now, nicht jetzt, is not part, later, no need, non-goal, not a goal, not doing, \
         not included, not in scope, not in the first version, not part of, not planned, not yet, \
         out of scope, out-of-scope, phase 2, phase two, second phase, version 2, version two, \
         will not, won't",
    ),
    (
        Cue::Nothing,
        "nice to have, would be nice, wäre schön, and later, and newer, or later, or newer, later than, only then, or more, sooner or later, will not be able to, will not exceed, will not \
         fail, will not have to, will not need to, will not wait, won't be able to, won't exceed, \
         won't fail, won't have to, won't need to, won't wait, no longer, no one, not only, of \
         course",
    ),
    (
        Cue::Success,
        "acceptance criteria, accepted when, complete when, definition of done, done once, done \
         when, finished when, i will know, i'll know, know it works, kpi, kpis, measure of \
         success, measure success, measured by, north star, okr, okrs, satisfied when, succeed \
         if, have succeeded, succeeded if, succeeded when, is a success, succeed when, succeeds if, succeeds when, success, success criteria, success \
         criterion, success is, success looks like, success means, success metric, success \
         metrics, successful if, successful once, successful when, we will know, we'll know",
    ),
    (
        Cue::Change,
        "boost, cut, cuts, decrease, decreases, double, doubles, drop, drops, grow, grows, halve, \
         halves, improve, improves, increase, increased, increases, lower, raise, raises, reduce, \
         reduced, reduces, rises, saves, shrink, triple, triples",
    ),
    (
        Cue::Adoption,
        "active, adopt, adopted, convert, paid, pay, paying, recommend, register, registered, \
         return, sign up, signed up, subscribe, subscribed, switch",
    ),
    (
        Cue::Outcome,
        "adoption, bookings, churn, conversion, downloads, net promoter score, nps, retention, \
         revenue, sales, sign-ups, signups, subscribers",
    ),
    (
        Cue::Quality,
        "barrierefrei, datenschutz, dsgvo, verschlüsselt, \
         accessibility, accessible, audit, audit log, audit trail, auditable, authenticated, \
         authentication, availability, available, back up, backed up, backup, backups, ccpa, \
         compatible, compliance, compliant, confidential, coverage, data loss, data protection, \
         disaster recovery, downtime, durability, durable, encrypt, encrypted, encryption, error \
         rate, fault tolerance, fault tolerant, fault-tolerant, gdpr, hipaa, \
         internationalisation, internationalization, iso 27001, localised, localized, logging, \
         maintainability, maintainable, monitored, monitoring, observability, observable, owasp, \
         pci, pci-dss, personal data, portability, portable, privacy, private, real time, \
         real-time, recover, recovers, recovery, redundancy, reliability, rpo, rto, screen \
         reader, screen readers, secured, securely, security, sla, slo, soc 2, soc2, test \
         coverage, tls, usability, usable, wcag",
    ),
    (
        Cue::Performance,
        "at once, concurrent, concurrently, latency, load time, p50, p90, p95, p99, page load, \
         per second, qps, requests, response time, response times, rps, simultaneous, \
         simultaneously, throughput, tps, uptime",
    ),
    (
        Cue::Vague(Vague::Speed),
        "schnell, schneller, \
         blazing, efficient, efficiently, fast, faster, high performance, high-performance, \
         instant, instantly, low latency, low-latency, performant, quick, quickly, rapid, \
         responsive, snappy, speedy, without delay",
    ),
    (
        Cue::Vague(Vague::Load),
        "skalierbar, skalieren, \
         elastic, heavy load, high load, high traffic, lots of traffic, lots of users, many \
         users, massive scale, scalable, scale, scales",
    ),
    (
        Cue::Vague(Vague::Price),
        "billig, günstig, preiswert, \
         not expensive, not too expensive, nicht teuer, affordable, cheap, cheaper, cheaply, cost effective, cost-effective, inexpensive, low \
         cost, low-cost",
    ),
    (
        Cue::Vague(Vague::Date),
        "baldmöglichst, demnächst, \
         as soon as possible, asap, in the near future, shortly, soon, urgently",
    ),
    (
        Cue::Vague(Vague::Dependability),
        "ausfallsicher, hochverfügbar, stabil, zuverlässig, \
         always available, always on, dependable, high availability, high-availability, highly \
         available, reliable, reliably, resilient, robust, stable",
    ),
    (
        Cue::Vague(Vague::Ease),
        "benutzerfreundlich, bedienerfreundlich, einfach zu bedienen, intuitiv, \
         easy to learn, easy to understand, easy to use, easy-to-use, ergonomic, intuitive, \
         simple to use, user friendly, user-friendly",
    ),
    (
        Cue::Vague(Vague::Footprint),
        "light-weight, lightweight, low memory, small footprint",
    ),
    (
        Cue::Vague(Vague::Amount),
        "a few, a lot of, lots of, numerous, plenty of, several, many languages, many devices, many formats, mehrere, einige, viele",
    ),
    (
        Cue::Vague(Vague::Rhythm),
        "frequently, from time to time, occasionally, periodically, regularly, regelmäßig, \
         gelegentlich",
    ),
    (
        Cue::Vague(Vague::Taste),
        "friendly, secure, freundlich, sicher, nice, modern, beautiful, attractive, elegant, sleek, pretty, state of the art, \
         state-of-the-art, schön, modernes, moderne, ansprechend",
    ),
    (
        Cue::Vague(Vague::Rest),
        "etc, and so on, and so forth, and the like, usw",
    ),
    (
        Cue::Danger,
        "afraid, worries me, worries us, what worries, my worry, our worry, my fear, i fear, we fear, danger, dangerous, might fail, may fail, could fail, risk, risks, risky, worried, \
         worry, risiko, risiken, sorge",
    ),
    (
        Cue::Capacity,
        "cope with, handle, handles, process, processes, serve, serves, support, supports, \
         sustain, sustains, withstand",
    ),
    (
        Cue::Benefit,
        "damit, \
         aim is, aims to, allow, allows, empower, empowers, enable, enables, goal is, help, \
         helps, in order to, let, lets, make it easy, make it possible, mission is, objective is, \
         purpose is, so that, vision is",
    ),
    (
        Cue::Capability,
        "kann, können, \
         are able to, be able to, can, is able to, should also be able to, must be able to, \
         should be able to, may",
    ),
    (
        Cue::Feature,
        "consists of, contain, contains, displays, feature, features, has, have, include, \
         includes, including, integrates with, lists, offers, provides, sends, shows, support \
         for, with support for",
    ),
    (
        Cue::Rule,
        "darf nicht, dürfen nicht, höchstens, kein, keine, keinen, niemals, nur, ohne, \
         at most, avoid, based on, built on, built with, cannot, can't, complies with, comply \
         with, compulsory, do not, does not, doesn't, don't, exclusively, forbidden, hosted in, \
         hosted on, licensed, limited to, mandatory, must be written in, must not, must use, \
         may not, may only, never, no, nobody, no more than, nothing may, nothing that, nothing with, none, not allowed, not exceed, offline, on premise, on \
         premises, on-premise, on-premises, only, open source, open-source, prohibited, required, \
         requires, restricted to, self-hosted, shall not, should not, shouldn't, using, without, \
         written in",
    ),
    (
        Cue::Duty,
        "benötigt, muss, müssen, soll, sollen, sollte, sollten, \
         has to, have to, must, need to, needs to, ought to, shall, should",
    ),
    (
        Cue::Money,
        "budget, kosten, cost, costs, expenses, price limit, spend, spending, free of charge, pay more \
         than",
    ),
    (
        Cue::Deadline,
        "before christmas, before easter, by easter, vor ostern, vor weihnachten, bis ostern, bis weihnachten, before summer, by april, by august, by christmas, by december, by february, by \
         friday, by january, by july, by june, by march, by may, by monday, by next, by november, \
         by october, by q1, by q2, by q3, by q4, by saturday, by september, by spring, by summer, \
         by autumn, by sunday, by the end of, by thursday, by tomorrow, by tuesday, by wednesday, \
         by winter, deadline, due by, due date, end of the month, end of the quarter, end of the \
         year, no later than, not later than, this month, this quarter, this week, this year",
    ),
    (
        Cue::Technology,
        ".net, android, angular, ansible, aws, azure, bigquery, c#, c++, cassandra, clickhouse, \
         cloudflare, debian, digitalocean, django, docker, dynamodb, ec2, eks, elasticsearch, \
         fastapi, firebase, flutter, fly.io, gcp, gke, golang, google cloud, graphql, grpc, helm, \
         heroku, hetzner, ios, java, javascript, k8s, kafka, kotlin, kubernetes, lambda, laravel, \
         linux, macos, mariadb, mongodb, mysql, nats, netlify, next.js, nginx, node, node.js, \
         opentofu, oracle, php, podman, postgres, postgresql, python, rabbitmq, rails, raspberry \
         pi, react, redis, ruby, rust, s3, scala, sql server, sqlite, supabase, svelte, swift, \
         terraform, typescript, vercel, vue, wasm, webassembly, windows, wordpress",
    ),
];
