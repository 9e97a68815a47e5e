//! Who is let in, and how much one may ask for.

use std::time::Duration;

use serde_json::json;
use socai_domain::ledger::Following;
use socai_graphql::{Settings, token::Issuer};

use crate::world::{World, keys, person_of};

const VIEWER: &str = "{ viewer { person { id name } organ { name } posts { title role roleLabel } } }";

#[tokio::test]
async fn a_token_says_who_somebody_is_and_the_organ_what_they_may_do() {
    let world = World::new().await;
    let answer = world.ask(world.scene.clerk, VIEWER, json!({})).await;
    let viewer = &World::data(&answer)["viewer"];
    assert_eq!(viewer["person"]["name"], "Nguyễn Văn clerk");
    assert_eq!(viewer["organ"]["name"], "Sở Ví Dụ");
    assert_eq!(viewer["posts"], json!([{ "title": "Văn thư", "role": "RECORDS_CLERK", "roleLabel": "Văn thư" }]));
}

#[tokio::test]
async fn without_a_good_token_nothing_is_answered() {
    let world = World::new().await;
    let clerk = person_of(world.scene.clerk);
    let now = socai_domain::time::Clock::now(&world.clock);
    let forged = Issuer::from_pem(&keys(2).0).unwrap().issue(clerk, world.organ, now, 60).unwrap();
    let expired = Issuer::from_pem(&keys(1).0).unwrap().issue(clerk, world.organ, now.plus_minutes(-2), 60).unwrap();
    let good = world.token(world.scene.clerk);
    let unsigned = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{}.", good.split('.').nth(1).unwrap());
    for token in ["", "nonsense", &forged, &expired, &unsigned] {
        for query in [VIEWER, "{ __schema { types { name } } }", "nonsense {"] {
            let (status, answer) =
                world.ask_with(&[("authorization", &format!("Bearer {token}"))], query, json!({})).await;
            assert_eq!((status, &World::error(&answer)["code"]), (401, &json!("UNAUTHENTICATED")), "{token}");
            assert_eq!(answer["data"], json!(null));
        }
    }
    assert_eq!(world.ask_with(&[], VIEWER, json!({})).await.0, 401);
    let headers = [("authorization", &*format!("Bearer {good}"))];
    assert_eq!(world.ask_with(&headers, VIEWER, json!({})).await.0, 200);
    world.clock.pass_minutes(61);
    assert_eq!(world.ask_with(&headers, VIEWER, json!({})).await.0, 401, "an hour later");
}

#[tokio::test]
async fn messages_are_in_the_wanted_language() {
    let world = World::new().await;
    for (language, message) in
        [("vi", "Hãy gửi mã truy cập"), ("en", "Send a valid access token"), ("fr", "Hãy gửi mã truy cập")]
    {
        let (_, answer) = world.ask_with(&[("accept-language", language)], VIEWER, json!({})).await;
        assert!(answer["errors"][0]["message"].as_str().unwrap().starts_with(message), "{answer}");
    }
}

#[tokio::test]
async fn the_clients_correlation_id_comes_back_everywhere() {
    let world = World::new().await;
    let id = "0192f3a4-0000-7000-8000-000000000001";
    let request = world.client().post(format!("{}/graphql", world.url)).header("x-correlation-id", id);
    let response = request.json(&json!({ "query": VIEWER })).send().await.unwrap();
    assert_eq!(response.headers()["x-correlation-id"], id);
    assert_eq!(response.headers()["cache-control"], "no-store");
    let answer: serde_json::Value = response.json().await.unwrap();
    assert_eq!(World::error(&answer)["correlationId"], id);
}

#[tokio::test]
async fn a_request_that_asks_for_too_much_is_refused() {
    let world = World::with(Settings { depth: 5, complexity: 100, ..Settings::default() }).await;
    let deep = "{ organ { units { parent { parent { parent { parent { name } } } } } } }";
    let wide = "{ incomingRegister(first: 100) { edges { node { number issuer code } } } }";
    for query in [deep, wide] {
        let answer = world.ask(world.scene.clerk, query, json!({})).await;
        assert_eq!(World::error(&answer)["code"], "TOO_COMPLEX", "{query}");
    }
    let answer = world.ask(world.scene.clerk, "{ organ { name nonsense } }", json!({})).await;
    assert_eq!(World::error(&answer)["code"], "BAD_REQUEST");
    let answer = world.ask(world.scene.clerk, "{ incomingRegister(first: 101) { totalCount } }", json!({})).await;
    assert_eq!(World::error(&answer)["code"], "TOO_COMPLEX");
}

#[tokio::test]
async fn a_large_body_is_refused() {
    let world = World::with(Settings { body: 1_000, ..Settings::default() }).await;
    let token = format!("Bearer {}", world.token(world.scene.clerk));
    let query = format!("{{ ledger {{ engine }} }} #{}", "x".repeat(2_000));
    let (status, answer) = world.ask_with(&[("authorization", &token)], &query, json!({})).await;
    assert_eq!((status, &World::error(&answer)["code"]), (413, &json!("TOO_LARGE")));
}

#[tokio::test]
async fn one_person_may_not_ask_all_the_time() {
    let world = World::with(Settings { rate: 0.0, burst: 2, ..Settings::default() }).await;
    let clerk = format!("Bearer {}", world.token(world.scene.clerk));
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(world.ask_with(&[("authorization", &clerk)], VIEWER, json!({})).await.0);
    }
    assert_eq!(statuses, [200, 200, 429]);
    let leader = format!("Bearer {}", world.token(world.scene.leader));
    assert_eq!(world.ask_with(&[("authorization", &leader)], VIEWER, json!({})).await.0, 200);
}

#[tokio::test]
async fn health_needs_no_token_and_graphiql_must_be_asked_for() {
    let world = World::new().await;
    let get = async |path: &str| world.client().get(format!("{}{path}", world.url)).send().await.unwrap();
    for path in ["/health/live", "/health/ready", "/metrics"] {
        assert_eq!(get(path).await.status(), 200, "{path}");
    }
    for (path, status) in [("/graphql", 405), ("/graphiql", 404), ("/graphiql/react.js", 404)] {
        assert_eq!(get(path).await.status(), status, "{path}");
    }
}

/// Everything that the page names is served by the server itself, and the page may load nothing else.
#[tokio::test]
async fn graphiql_needs_no_network() {
    let demo = World::with(Settings { graphiql: true, ..Settings::default() }).await;
    let get = async |path: &str| demo.client().get(format!("{}{path}", demo.url)).send().await.unwrap();
    let page = get("/graphql").await;
    assert_eq!(page.url().path(), "/graphiql");
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("http"), "{policy}");
    let page = page.text().await.unwrap();
    let named: Vec<&str> = page.split('"').filter(|word| word.starts_with('/')).collect();
    assert_eq!(named.len(), 5, "{page}");
    for path in named {
        let asset = get(path).await;
        let kind = if path.ends_with("css") { "text/css; charset=utf-8" } else { "text/javascript; charset=utf-8" };
        assert_eq!(
            (asset.status().as_u16(), &asset.headers()["content-type"]),
            (200, &kind.parse().unwrap()),
            "{path}"
        );
        let gzip = asset.headers().get("content-encoding").is_some();
        assert_eq!(gzip, path != "/graphiql/start.js", "{path}");
        let bytes = asset.bytes().await.unwrap();
        assert!(!gzip || bytes.starts_with(&[0x1f, 0x8b]), "{path}");
    }
    assert_eq!(get("/graphiql/page.html").await.status(), 404);
}

#[tokio::test]
async fn whoever_watches_is_told_that_the_views_are_behind_or_stopped() {
    let world = World::new().await;
    let ready = async || {
        let answer = world.client().get(format!("{}/health/ready", world.url)).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    assert_eq!(ready().await, (200, "ok".to_owned()));
    world.following.send_replace(Following::Retrying("/secret/path is full".into()));
    let (status, text) = ready().await;
    assert!(status == 200 && text.contains("views: behind") && !text.contains("secret"), "{status} {text}");
    world.following.send_replace(Following::Stopped("/secret/path is damaged".into()));
    let (status, text) = ready().await;
    assert!(status == 503 && text.contains("views: stopped") && !text.contains("secret"), "{status} {text}");
}

#[tokio::test]
async fn a_stopped_server_finishes_and_ends() {
    let world = World::new().await;
    world.received().await;
    tokio::time::timeout(Duration::from_secs(20), world.stop()).await.expect("stops by itself");
}

/// A text is parsed once; what its variables say is judged each time.
#[tokio::test]
async fn what_is_asked_again_is_answered_as_the_first_time() {
    let world = World::with(Settings { complexity: 300, ..Settings::default() }).await;
    let query = "query($first: Int!, $year: Int!) { incomingRegister(first: $first, year: $year) { totalCount edges { node { number } } } }";
    let ask = async |query: &str, variables| world.ask(world.scene.clerk, query, variables).await;
    let good = ask(query, json!({ "first": 10, "year": 2026 })).await;
    let wrong = [
        (json!({ "first": "ten", "year": 2026 }), "BAD_REQUEST"),
        (json!({ "first": 10 }), "BAD_REQUEST"),
        (json!({ "first": 10, "year": { "of": 2026 } }), "BAD_REQUEST"),
        (json!({ "first": 0, "year": 2026 }), "INVALID_INPUT"),
        (json!({ "first": 100, "year": 2026 }), "TOO_COMPLEX"),
    ];
    let fresh = query.replace("query(", "query fresh(");
    for (variables, code) in wrong {
        for text in [query, &fresh] {
            let answer = ask(text, variables.clone()).await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{variables} {text} {answer}");
        }
    }
    assert_eq!(ask(query, json!({ "first": 10, "year": 2026 })).await, good);
}
