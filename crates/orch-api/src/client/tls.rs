//! The one cryptography provider of TLS: ring. Two of them linked into one program would panic.

/// Makes ring the process's provider. Call it before any HTTPS client is built; again is harmless.
pub fn install_provider() {
    // The error only says that a provider stands already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
