//! The wire types of Codex Orchestrator: REST and gRPC, problem responses, and the typed client.

pub mod client;
pub mod problem;
pub mod types;

/// The gRPC contract between the control plane and its agents (`proto/agent.proto`).
pub mod proto {
    #![expect(clippy::allow_attributes, reason = "generated from the contract")]
    tonic::include_proto!("orch.agent.v1");

    impl std::fmt::Debug for SecretValue {
        /// Leaves the value out.
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.debug_struct("SecretValue")
                .field("name", &self.name)
                .field("version", &self.version)
                .finish_non_exhaustive()
        }
    }
}
