//! End to end, through the binary: each test starts its own installation on a free port in a
//! temporary folder, and ends every process that it started.

#![expect(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

mod acceptance;
mod agent;
mod approvals;
mod artifacts;
mod audit;
mod bad_input;
mod buckets;
mod cli;
mod codex;
mod codex_app;
mod codex_costs;
mod crash;
mod crash_harness;
mod database;
mod documents;
mod dry_run;
mod exposure;
mod fairness;
mod golden;
mod grpc;
mod import;
mod live;
mod logs;
mod mcp;
mod mcp_http;
mod mcp_places;
mod mcp_roles;
mod mcp_runs;
mod migrate;
mod models;
mod once;
mod openapi;
mod orchestrate;
mod pdf;
mod plan_by_model;
mod plan_impact;
mod plan_truth;
mod plan_work;
mod plans;
#[path = "../support/postgres.rs"]
mod postgres;
mod power_loss;
mod process;
mod recovery;
mod replicas;
mod requirements;
mod requirements_by_model;
mod roles;
mod run_tokens;
#[path = "../support/s3.rs"]
mod s3;
mod sandbox;
mod scheduling;
mod secret_delivery;
mod secrets;
mod slow_readers;
mod step_secrets;
mod support;
mod tools;
mod trust;
mod unreadable;
mod workspaces;
