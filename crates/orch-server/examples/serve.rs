use orch_server::*;
#[tokio::main]
async fn main() {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    let dir = std::path::PathBuf::from(std::env::args().nth(1).unwrap());
    let config = ServerConfig {
        host: "127.0.0.1".into(),
        port: 18099,
        database: dir.join("orchestrator.db"),
        data_dir: dir,
        rules: Default::default(),
        scheduling: SchedulingMode::OnTick,
        api_token: None,
        exposure: Exposure::LoopbackOnly,
        allowed_hosts: vec![],
        cors_origins: String::new(),
        rate_limit_per_min: 0,
        secret_key: None,
        agent_secret: None,
        max_concurrent_requests: None,
    };
    let server = Server::bind(config).await.unwrap();
    println!("listening on http://{}", server.local_addr());
    let stop = tokio_util::sync::CancellationToken::new();
    let s = stop.clone();
    tokio::spawn(async move {
        tokio::signal::ctrl_c().await.unwrap();
        s.cancel();
    });
    server.run(stop).await.unwrap();
}
