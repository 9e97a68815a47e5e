//! A server whose views are on a standby of the database: it carries out commands as the others do, and shows what they write.

use serde_json::{Value, json};

use super::pair::{Pair, received, registered, shown};
use crate::{
    binary::{run, text, told},
    office::{Office, RECEIVE, paper},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_on_a_standby_shows_what_others_write_and_writes_nothing_there() {
    let pair = Pair::new().await;
    let (office, other) = (&pair.office, &pair.other());
    let standby = pair.database.standby().unwrap();
    let (primary, replica) = (pair.postgres(), standby.url("postgres"));

    let mut leader = pair.serve(office.path(), &primary);
    let mut reader = pair.serve(other, &replica);
    let person = office.clerk(&leader.url, "Ngô Thị Lan").await;
    let [writing, reading] = [&leader.url, &reader.url].map(|url| office.client(url, &person));
    let position = registered(&writing, "1").await;
    assert_eq!(shown(&reading, &position).await, Ok(1));
    let position = registered(&reading, "2").await;
    assert_eq!([shown(&writing, &position).await, shown(&reading, &position).await], [Ok(2), Ok(2)]);

    // A file that was uploaded to one is attached on the other.
    let upload = reading.http.post(format!("{}/files", reader.url)).bearer_auth(&reading.token);
    let uploaded: Value = upload.body("%PDF-1.7 chung").send().await.unwrap().json().await.unwrap();
    let mut arriving = paper("2a");
    arriving["arriving"]["files"] =
        json!([{ "source": { "ticket": uploaded["ticket"] }, "name": "a.pdf", "role": "MAIN" }]);
    writing.must(RECEIVE, arriving).await;

    // Views that are built anew on the primary are followed to.
    told(office.path(), &Pair::command(&["rebuild", "--json"], &pair.settings(&primary)));
    let position = registered(&writing, "3").await;
    assert_eq!(shown(&reading, &position).await, Ok(3));

    // Alone it carries out commands, and does not take the views over: it shows nothing older than what is asked for.
    leader.kill();
    let position = received(&reading, "4").await["position"].clone();
    let refused = shown(&reading, &position).await.unwrap_err();
    assert_eq!(refused["errors"][0]["extensions"]["retry"], "LATER", "{refused}");
    let leader = pair.serve(office.path(), &primary);
    assert_eq!(shown(&office.client(&leader.url, &person), &position).await, Ok(3));
    while shown(&reading, &position).await != Ok(3) {}
    assert!(reader.terminate().success());

    let reading = pair.settings(&replica);
    let refused = run(other, &Pair::command(&["rebuild"], &reading));
    let said = text(&refused.stderr);
    assert!(!refused.status.success() && said.contains("another server keeps these views"), "{said}");
    let examined = run(other, &Pair::command(&["doctor"], &reading));
    assert!(text(&examined.stdout).contains("another one keeps in step"), "{}", text(&examined.stdout));
    let alone = Office::new("G98");
    let refused = run(alone.path(), &["serve", "--listen", "127.0.0.1:0", "--views", &replica]);
    let said = text(&refused.stderr);
    assert!(!refused.status.success() && said.contains("Name the primary"), "{said}");
}
