//! Files as large as may be go through a server, up and down, that holds none of them in memory; a larger one is not stored.

use std::{fs, path::Path};

use futures::future::join_all;
use reqwest::Response;
use serde_json::{Value, json};
use socai_test_s3::Server;

use crate::{
    binary::{Serving, socai},
    office::{Client, Filed, Office, RECEIVE, paper},
};

const LARGEST: usize = 50 << 20;
/// That go through at once.
const FILES: u8 = 6;
/// What all of them together may cost, in bytes: a quarter of what they have. In a bucket, a file goes up in parts of 5 MiB.
const COST: u64 = FILES as u64 * LARGEST as u64 / 4;

/// The server's memory, in bytes: at most, since [`from_now_on`].
fn peak(serving: &Serving) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", serving.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() << 10
}

/// Its peak is what it has now.
fn from_now_on(serving: &Serving) -> u64 {
    fs::write(format!("/proc/{}/clear_refs", serving.id()), "5").unwrap();
    peak(serving)
}

/// A file of so many bytes, of a kind of its own: a PDF, a ZIP, an OLE container.
fn content(number: u8, size: usize) -> Vec<u8> {
    let begin: &[u8] = match number % 3 {
        0 => b"%PDF-1.7",
        1 => b"PK\x03\x04",
        _ => &[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1],
    };
    let mut bytes = vec![number; size];
    bytes[..begin.len()].copy_from_slice(begin);
    bytes
}

async fn upload(clerk: &Client, content: Vec<u8>) -> (u16, Value) {
    let files = clerk.url.replace("/graphql", "/files");
    let sent = clerk.http.post(files).bearer_auth(&clerk.token).body(content).send().await.unwrap();
    (sent.status().as_u16(), sent.json().await.unwrap())
}

/// Receives a document with the file of this ticket.
async fn attach(clerk: &Client, number: usize, uploaded: &Value) -> Filed {
    let mut input = paper(&number.to_string());
    input["arriving"]["files"] =
        json!([{ "source": { "ticket": uploaded["ticket"] }, "name": "a.pdf", "role": "MAIN" }]);
    let received = clerk.must(RECEIVE, input).await;
    let of = |value: &Value| value.as_str().unwrap().to_owned();
    Filed { document: of(&received["receiveIncoming"]["document"]["id"]), file: of(&uploaded["hash"]) }
}

async fn download(clerk: &Client, filed: &Filed) -> Response {
    let url = clerk.url.replace("/graphql", &format!("/files/{}?of={}", filed.file, filed.document));
    clerk.http.get(url).bearer_auth(&clerk.token).send().await.unwrap()
}

/// Takes a file piece by piece: how many bytes it has, and that they are those that were sent.
async fn take(mut answer: Response, filed: &Filed) -> usize {
    let (mut hasher, mut size) = (blake3::Hasher::new(), 0);
    while let Some(piece) = answer.chunk().await.unwrap() {
        hasher.update(&piece);
        size += piece.len();
    }
    assert_eq!(hasher.finalize().to_hex().as_str(), filed.file);
    size
}

/// Sends and fetches the largest files, all at once; tells how many bytes are kept for them by `kept`.
async fn go_through(office: &Office, serving: &Serving, kept: impl Fn() -> (usize, usize)) {
    let person = office.clerk(&serving.url, "Ngô Thị Lan").await;
    let clerk = office.client(&serving.url, &person);
    // What it takes once, for any file.
    let (_, first) = upload(&clerk, content(100, 1 << 20)).await;
    let first = attach(&clerk, 100, &first).await;
    assert_eq!(take(download(&clerk, &first).await, &first).await, 1 << 20);

    let before = from_now_on(serving);
    let sent = join_all((0..FILES).map(|number| upload(&clerk, content(number, LARGEST)))).await;
    let up = peak(serving).saturating_sub(before);
    let mut filed = Vec::new();
    for (number, (status, uploaded)) in sent.iter().enumerate() {
        assert_eq!((*status, &uploaded["size"]), (201, &json!(LARGEST)), "{uploaded}");
        filed.push(attach(&clerk, number, uploaded).await);
    }
    let before = from_now_on(serving);
    // All are begun before any is read on.
    let answers = join_all(filed.iter().map(|filed| download(&clerk, filed))).await;
    let sizes = join_all(answers.into_iter().zip(&filed).map(|(answer, filed)| take(answer, filed))).await;
    assert_eq!(sizes, vec![LARGEST; FILES.into()]);
    let down = peak(serving).saturating_sub(before);
    println!("{} MiB more for {FILES} uploads, {} MiB for as many downloads", up >> 20, down >> 20);
    assert!(up < COST && down < COST, "{up} {down}");

    let there = kept();
    let (status, refused) = upload(&clerk, content(101, LARGEST + 1)).await;
    assert_eq!((status, &refused["errors"][0]["extensions"]["code"]), (413, &json!("TOO_LARGE")), "{refused}");
    assert_eq!(kept(), there);
}

/// Files below this folder, with all below it.
fn files(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| if entry.path().is_dir() { files(&entry.path()) } else { 1 }).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_largest_files_go_through_a_directory_without_being_held_in_memory() {
    let office = Office::new("G99");
    let mut serving = office.serve();
    let blobs = office.path().join("blobs");
    go_through(&office, &serving, || (files(&blobs), files(&blobs.join("unfinished")))).await;
    assert_eq!((files(&blobs), files(&blobs.join("unfinished"))), (usize::from(FILES) + 1, 0));
    assert!(serving.terminate().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_largest_files_go_through_a_bucket_without_being_held_in_memory() {
    let (office, storage) = (Office::new("G99"), Server::start().unwrap());
    let mut command = socai();
    command.args(["serve", "--listen", "127.0.0.1:0", "--level", "error", "--blobs", "s3://van-ban/so", "--data"]);
    let mut serving = Serving::of(command.arg(office.path()).envs(storage.environment()));
    go_through(&office, &serving, || (storage.objects("so"), storage.parts())).await;
    assert_eq!((storage.objects("so"), storage.parts()), (usize::from(FILES) + 2, 0), "and whose they are");
    assert!(serving.terminate().success());
}
