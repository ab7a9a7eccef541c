//! Who may reach a handler: Host, Origin, CORS and the token, through the whole stack.
//! Also the table in which every route says whom it admits.

use axum::http::{Request, Version};
use serde_json::json;

use super::super::{AllowedOrigins, ApiToken, BodyLimit, EdgeConfig, Protocol, TimeLimit};
use super::world::{answer, area, ask, config};

fn refused(status: u16, slug: &str) -> (u16, String) {
    (status, slug.to_owned())
}

fn with_origins(list: &str) -> EdgeConfig {
    EdgeConfig {
        origins: AllowedOrigins::parse(list).unwrap(),
        ..config()
    }
}

fn with_token() -> EdgeConfig {
    EdgeConfig {
        token: Some(ApiToken::parse("s3cret").unwrap()),
        ..config()
    }
}

#[tokio::test]
async fn our_own_hosts_are_answered_on_any_port_and_foreign_ones_are_not() {
    for host in ["localhost", "127.0.0.1:1", "[::1]:18080", "ORCH.example."] {
        let request = ask("GET", "/health", &[&format!("host: {host}")], ());
        assert_eq!(answer(&config(), request).await.status, 200, "{host}");
    }
    let rebound = answer(
        &config(),
        ask("GET", "/health", &["host: evil.example"], ()),
    )
    .await;
    assert_eq!(
        rebound.problem(),
        json!({
            "type": "/problems/host-not-allowed",
            "title": "Host not allowed",
            "status": 403,
            "detail": "this server does not answer to the host `evil.example`; \
                       add it to ORCH_ALLOWED_HOSTS if it should",
            "instance": "/health",
        })
    );
}

#[tokio::test]
async fn a_request_names_exactly_one_host() {
    let bare = Request::get("/health").body(Default::default()).unwrap();
    assert_eq!(
        answer(&config(), bare).await.refusal(),
        refused(400, "bad-request")
    );
    for headers in [
        &["host: localhost", "host: localhost"][..],
        &["host: "],
        &["host: user@localhost"],
        &["host: localhost/x"],
    ] {
        let status = answer(&config(), ask("GET", "/health", headers, ()))
            .await
            .status;
        assert_eq!(status, 400, "{headers:?}");
    }
    let split = ask(
        "GET",
        "http://localhost/health",
        &["host: evil.example"],
        (),
    );
    assert_eq!(answer(&config(), split).await.status, 400);
    let old = Request::get("/health").version(Version::HTTP_10);
    let old = old.body(Default::default()).unwrap();
    assert_eq!(answer(&config(), old).await.status, 400);
}

#[tokio::test]
async fn http2_names_its_host_in_the_authority() {
    let to = |uri: &str| {
        let request = Request::get(uri).version(Version::HTTP_2);
        request.body(Default::default()).unwrap()
    };
    assert_eq!(
        answer(&config(), to("http://localhost:1/health"))
            .await
            .status,
        200
    );
    assert_eq!(
        answer(&config(), to("http://evil.example/health"))
            .await
            .status,
        403
    );
}

#[tokio::test]
async fn pages_of_this_server_and_of_listed_origins_may_call_and_no_others() {
    let config = with_origins("https://app.example");
    for (origin, status) in [
        ("http://localhost:18080", 200),
        ("http://LOCALHOST:18080", 200),
        ("https://app.example", 200),
        ("https://localhost:18080", 403),
        ("http://localhost", 403),
        ("http://127.0.0.1:18080", 403),
        ("http://localhost:18080.evil.example", 403),
        ("https://app.example.evil.example", 403),
        ("null", 403),
        ("", 403),
    ] {
        let origin = format!("origin: {origin}");
        for path in ["/health", "/nowhere"] {
            let answer = answer(&config, ask("GET", path, &[&origin], ())).await;
            assert_eq!(answer.status == 403, status == 403, "{path} {origin}");
        }
    }
    let foreign = answer(
        &config,
        ask("POST", "/complete", &["origin: http://evil.example"], ()),
    );
    assert_eq!(foreign.await.refusal(), refused(403, "origin-not-allowed"));
}

#[tokio::test]
async fn a_proxy_that_ends_tls_makes_https_the_servers_own_scheme() {
    let headers =
        |proto: &'static str| ["host: orch.example", "origin: https://orch.example", proto];
    let ask = |proto| ask("GET", "/health", &headers(proto), ());
    assert_eq!(
        answer(&config(), ask("x-forwarded-proto: https"))
            .await
            .status,
        200
    );
    assert_eq!(
        answer(&config(), ask("x-forwarded-proto: http"))
            .await
            .status,
        403
    );
}

#[tokio::test]
async fn a_websocket_of_a_foreign_origin_is_refused_before_the_handshake() {
    let handshake = |origin: &'static str| {
        ask(
            "GET",
            "/ws",
            &[
                "connection: upgrade",
                "upgrade: websocket",
                "sec-websocket-version: 13",
                "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
                origin,
            ],
            (),
        )
    };
    let foreign = answer(&config(), handshake("origin: http://evil.example")).await;
    assert_eq!(foreign.refusal(), refused(403, "origin-not-allowed"));
    // Without a connection to take over, an admitted handshake fails in the next step.
    let own = answer(&config(), handshake("origin: http://localhost:18080")).await;
    assert_eq!(own.refusal(), refused(426, "websocket-required"));
}

#[tokio::test]
async fn a_listed_origin_may_read_answers_and_is_told_so_before_it_asks() {
    let config = EdgeConfig {
        origins: AllowedOrigins::parse("https://app.example").unwrap(),
        ..with_token()
    };
    let preflight = [
        "origin: https://app.example",
        "access-control-request-method: PATCH",
        "access-control-request-headers: authorization,content-type",
    ];
    let permitted = answer(&config, ask("OPTIONS", "/projects", &preflight, ())).await;
    assert_eq!(permitted.status, 204);
    for (name, value) in [
        ("access-control-allow-origin", "https://app.example"),
        (
            "access-control-allow-methods",
            "GET, HEAD, POST, PUT, PATCH, DELETE",
        ),
        ("access-control-allow-headers", "authorization,content-type"),
        ("access-control-max-age", "600"),
    ] {
        assert_eq!(permitted.header(name), value);
    }
    let refused_token = answer(&config, ask("GET", "/projects", &preflight[..1], ())).await;
    assert_eq!(refused_token.status, 401);
    let readable = "access-control-allow-origin";
    assert_eq!(refused_token.header(readable), "https://app.example");
    assert_eq!(refused_token.header("vary"), "origin");
    let exposed = refused_token
        .header("access-control-expose-headers")
        .to_owned();
    for name in [
        "x-ratelimit-remaining",
        "x-request-id",
        "link",
        "etag",
        "retry-after",
    ] {
        assert!(exposed.contains(name), "{name}");
    }
    let plain = answer(&config, ask("GET", "/health", &[], ())).await;
    assert_eq!(
        (plain.header(readable), plain.header("vary")),
        ("", "origin")
    );
}

#[tokio::test]
async fn a_foreign_preflight_is_refused_and_a_star_permits_all() {
    let preflight = ["origin: null", "access-control-request-method: GET"];
    let foreign = answer(&config(), ask("OPTIONS", "/projects", &preflight, ())).await;
    assert_eq!(foreign.refusal(), refused(403, "origin-not-allowed"));
    let any = answer(
        &with_origins("*"),
        ask("OPTIONS", "/projects", &preflight, ()),
    )
    .await;
    assert_eq!(
        (any.status, any.header("access-control-allow-origin")),
        (204, "*")
    );
}

#[tokio::test]
async fn every_route_but_the_public_ones_asks_for_the_token() {
    let config = with_token();
    let area = area();
    for route in area.table().entries() {
        let path = route.path.replace("{id}", "1").replace("{*call}", "Do");
        let method = route.verb.to_string().replace('*', "POST");
        let answer = answer(&config, ask(&method, &path, &[], ())).await;
        let open = route.statement.access == super::super::Access::Public;
        assert_eq!(answer.status == 401, !open, "{method} {path}");
    }
    for path in ["/nowhere", "/projects/1/2/3"] {
        let answer = answer(&config, ask("GET", path, &[], ())).await;
        assert_eq!(answer.refusal(), refused(401, "unauthorized"), "{path}");
    }
}

#[tokio::test]
async fn the_token_makes_its_bearer_the_user() {
    let config = with_token();
    let name = async |path: &str, headers: &[&str]| {
        let answer = answer(&config, ask("GET", path, headers, ())).await;
        (answer.status, answer.text)
    };
    let right = ["authorization: Bearer s3cret"];
    let ok = |name: &str| (200, name.to_owned());
    assert_eq!(name("/projects", &right).await, ok("user"));
    assert_eq!(name("/health", &right).await, ok("user"));
    assert_eq!(
        name("/health", &["authorization: Bearer wrong"]).await,
        ok("anonymous")
    );
    let wrong = answer(
        &config,
        ask("GET", "/projects", &["authorization: Bearer wrong"], ()),
    )
    .await;
    assert_eq!(wrong.refusal(), refused(401, "unauthorized"));
    assert_eq!(
        wrong.header("www-authenticate"),
        "Bearer realm=\"codex-orchestrator\""
    );
    let single = answer(&super::world::config(), ask("GET", "/projects", &[], ())).await;
    assert_eq!(single.text, "user");
}

#[test]
fn the_table_lists_every_route_with_its_statement() {
    let area = area();
    let rows: Vec<String> = area
        .table()
        .entries()
        .map(|row| {
            let statement = row.statement;
            let mut text = format!("{} {} {:?}", row.verb, row.path, statement.access);
            if statement.body != BodyLimit::Default {
                text += &format!(" {:?}", statement.body);
            }
            if statement.time != TimeLimit::Default {
                text += " untimed";
            }
            if statement.protocol == Protocol::Grpc {
                text += " grpc";
            }
            text
        })
        .collect();
    assert_eq!(
        rows,
        [
            "POST /artifacts Agent Bytes(3145728)",
            "POST /complete Agent",
            "GET /health Public",
            "GET /items/{id} Agent",
            "POST /items/{id}/approvals Agent",
            "GET /never User",
            "* /orch.v1.Agent/{*call} Agent Unlimited untimed grpc",
            "GET /page User",
            "GET /panic User",
            "GET /projects User",
            "POST /projects User",
            "GET /slow User untimed",
            "GET /who User",
            "GET /ws User",
        ]
    );
    let documented: Vec<&String> = area.openapi().paths.paths.keys().collect();
    assert_eq!(documented, ["/projects"]);
}
