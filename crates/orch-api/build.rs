//! Compiles the gRPC contract in Rust: no `protoc` is needed.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto");
    let descriptors = protox::compile(["agent.proto"], ["proto"])?;
    tonic_prost_build::configure()
        .build_transport(false)
        // All others are small.
        .boxed(".orch.agent.v1.ServerMessage.kind.assignment")
        .skip_debug(["SecretValue"])
        .compile_fds(descriptors)?;
    Ok(())
}
