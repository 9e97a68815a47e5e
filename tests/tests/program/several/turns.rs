//! Servers attach and remove files in turns.

use std::time::Duration;

use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::{journal::pass, pair::Pair};
use crate::office::{RECEIVE, erase, paper, receive};

/// The lock by which they do, in the notary's database.
const LOCK: i64 = i64::from_be_bytes(*b"socai_fi");

/// Holds the lock as another server does, until it is closed.
async fn holds(pair: &Pair, how: &str) -> PgConnection {
    let mut other = PgConnection::connect_with(&pair.database.options()).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(format!("SELECT {how}({LOCK})"))).execute(&mut other).await.unwrap();
    other
}

#[tokio::test(flavor = "multi_thread")]
async fn no_file_is_removed_while_another_server_attaches_some_nor_attached_while_it_removes_some() {
    let pair = Pair::new().await;
    let mut server = pair.serve(pair.office.path(), &pair.postgres());
    let mut clerks = Vec::new();
    for name in ["Ngô Thị Lan", "Lê Văn Bình"] {
        let clerk = pair.office.clerk(&server.url, name).await;
        clerks.push(pair.office.client(&server.url, &clerk));
    }
    let goes = receive(&clerks[0], "1", "goes").await;
    let file = pair.file(&goes.file);
    assert!(file.exists());

    let mut other = holds(&pair, "pg_advisory_lock_shared").await;
    let erasing = tokio::spawn(async move {
        erase(&clerks[0], &clerks[1], &goes.document).await;
        clerks.swap_remove(0)
    });
    let waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock' AND NOT granted";
    let in_time = async {
        while sqlx::query_scalar::<_, i64>(waits).fetch_one(&mut other).await.unwrap() == 0 {
            pass(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), in_time).await.expect("the erasure waits for its turn");
    assert!(file.exists());
    other.close().await.unwrap();
    let clerk = erasing.await.unwrap();
    let in_time = async {
        while file.exists() {
            pass(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), in_time).await.expect("the file goes");

    let files = clerk.url.replace("/graphql", "/files");
    let upload = clerk.http.post(files).bearer_auth(&clerk.token).body("%PDF-1.7 attached").send().await.unwrap();
    let uploaded: serde_json::Value = upload.json().await.unwrap();
    let mut input = paper("2");
    input["arriving"]["files"] =
        json!([{ "source": { "ticket": uploaded["ticket"] }, "name": "a.pdf", "role": "MAIN" }]);
    let other = holds(&pair, "pg_advisory_lock").await;
    let refused = clerk.ask(RECEIVE, json!({ "input": input })).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "BUSY", "{refused}");
    clerk.must(RECEIVE, paper("3")).await;
    other.close().await.unwrap();
    clerk.must(RECEIVE, input).await;
    assert!(server.terminate().success());
}
