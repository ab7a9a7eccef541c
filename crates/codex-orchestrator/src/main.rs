//! The `codex-orchestrator` program: server, agent, and client of the API.
//!
//! Owns arguments, settings, output and exit codes. Decides nothing about projects, runs or
//! approvals: those decisions are the server's.

mod cli;
mod clock;
mod commands;
mod config;
mod exit;
mod failure;
mod input;
mod launch;
mod output;
mod view;

fn main() -> std::process::ExitCode {
    // Before anything else: it may be told to become a sandbox's first program, or to read one PDF.
    orch_sandbox::init::begin_if_asked();
    orch_server::read_pdf_if_asked();
    // Before anything can open an HTTPS connection.
    orch_api::client::install_provider();
    launch::launch()
}
