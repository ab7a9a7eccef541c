//! The sandbox's first program by itself, for the tests of this crate. The product's binary is its
//! own: it takes the same argument.

fn main() -> std::process::ExitCode {
    orch_sandbox::init::begin_if_asked();
    eprintln!("this program is started by a sandbox, not by hand");
    std::process::ExitCode::from(2)
}
