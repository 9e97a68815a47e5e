//! `socai demo`: the product in a minute.

mod big;
mod clock;
mod letters;
mod play;
mod tamper;
mod tell;
mod words;
mod world;

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context as _, bail};
use clap::Args;
use futures::FutureExt as _;
use socai::{
    app::App,
    clock::SystemClock,
    config::Config,
    data::DataLock,
    files,
    log::building,
    server::{Server, asked_to_stop},
};
use socai_domain::{
    id::IncomingId,
    time::{Clock as _, Date, Timestamp},
};
use socai_graphql::token::Issuer;

use super::{flags::Settings, keygen, serve, telling};
use clock::{DemoClock, days_before};
use play::{Play, Played};
use tell::Teller;
use words::Lang;
use world::{CLERK, LEADER, MINISTRY, OFFICER, OUTSIDER, calendar};

/// Plays the last ten working days in two invented agencies on a fresh ledger, tells what happened, and serves it.
/// Everything is real: the files, the rules, the ledger, the views. Ends with an interrupt; what it made is then removed,
/// unless --data was given.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  socai demo
  socai demo --lang vi --exit
  socai demo --data /tmp/socai-demo --listen 127.0.0.1:9000    # a second time, it serves the same again
  socai demo --documents 20000 --data /tmp/socai-big --exit    # years of a big office, for measurements")]
pub(crate) struct Demo {
    /// End after telling.
    #[arg(long)]
    exit: bool,
    /// Build years of one big invented agency with so many incoming documents instead, through the same rules; the same
    /// number gives the same history, but for keys and hashes. Nothing is synced before the end: a ledger whose building was
    /// interrupted is refused by every command and has to be deleted.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=MOST_DOCUMENTS))]
    documents: Option<u64>,
    /// The language of what is told; by LANG if not given.
    #[arg(long, value_enum)]
    lang: Option<Lang>,
    #[command(flatten)]
    settings: Settings<true>,
}

/// A directory that is removed at the end.
struct Fresh(PathBuf);

impl Fresh {
    fn make() -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("socai-demo-{}", uuid::Uuid::now_v7().simple()));
        files::make_private_dir(&path).with_context(|| path.display().to_string())?;
        Ok(Self(path))
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("socai: {} was not removed: {error}", self.0.display());
        }
    }
}

/// A year has numbers for more, but nobody has the time.
const MOST_DOCUMENTS: u64 = 100_000_000;
/// Hours for which the demo's tokens are good.
const TOKEN_HOURS: u32 = 24;

impl Demo {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let fresh = Fresh::make()?;
        let given = self.settings.gives("data");
        let chosen = self.settings.gives("listen");
        let data = fresh.0.join("data").display().to_string();
        let settings = self.settings.all_in(data).or("origin", "socai/LEDGER").or("graphiql", "true");
        // Small segments for small ledgers.
        let segment = self.documents.map_or(1, |documents| (documents / 500).clamp(1, 64));
        let settings = settings.or("segment_mib", segment.to_string());
        let mut config = settings.load()?;
        if !chosen && TcpListener::bind(config.listen).is_err() {
            config.listen.set_port(0);
        }
        telling::start(&config, "error")?;
        let lang = self.lang.unwrap_or_else(Lang::of_environment);
        if let Some(documents) = self.documents {
            return super::runtime()?.block_on(big(&config, documents, lang, self.exit));
        }
        super::runtime()?.block_on(async {
            let stop = tokio::spawn(asked_to_stop());
            let metrics = serve::recorder()?;
            let there = given && config.data.join("keys").exists();
            if there {
                println!(
                    "{}",
                    lang.of(
                        "Thư mục này đã có sổ cái; mở lại.",
                        "This directory holds a ledger already; it is opened again."
                    )
                );
            } else {
                drop(DataLock::make(&config.data)?);
                keygen::make(&config, false)?;
            }
            let clock = Arc::new(DemoClock::new());
            let app = App::open(&config, clock.clone()).await?;
            let told = tell(&app, &clock, &config, lang, there, &fresh.0).await;
            let story = match told {
                Ok(story) if !self.exit => story,
                told => {
                    app.close().await?;
                    return told.map(|_| ExitCode::SUCCESS);
                }
            };
            let server = Server::bind(app, &config, Some(metrics)).await?;
            let key = server.verifier_key();
            how_to_go_on(&config, lang, &server.url()?, &key, story)?;
            let stopped = async move {
                // It ends, or the runtime does.
                let _ = stop.await;
            };
            server.run(stopped.boxed()).await?;
            Ok(ExitCode::SUCCESS)
        })
    }
}

/// Builds the big ledger, tells about it, and serves it if it is not to end.
async fn big(config: &Config, documents: u64, lang: Lang, exit: bool) -> anyhow::Result<ExitCode> {
    if let Some(log) = config.log_directory() {
        building::check_finished(&log)?;
    }
    if config.data.join("keys").exists() {
        let data = config.data.display();
        bail!("{data} holds a ledger already: `socai serve --data {data}` serves it; give another --data to build one");
    }
    drop(DataLock::make(&config.data)?);
    keygen::make(config, false)?;
    let mut stop = tokio::spawn(asked_to_stop());
    big::build(config, documents, lang, &mut stop).await?;
    if exit {
        return Ok(ExitCode::SUCCESS);
    }
    // From here on it is served like any other. While it was built nobody looked at what is counted.
    let metrics = serve::recorder()?;
    let app = App::open(config, Arc::new(SystemClock)).await?;
    let server = Server::bind(app, config, Some(metrics)).await?;
    big::how_to_go_on(config, documents, lang, &server.url()?)?;
    let stopped = async move {
        // It ends, or the runtime does.
        let _ = stop.await;
    };
    server.run(stopped.boxed()).await?;
    Ok(ExitCode::SUCCESS)
}

/// Plays, unless the ledger is there, and tells the five beats.
async fn tell(
    app: &App,
    clock: &DemoClock,
    config: &Config,
    lang: Lang,
    there: bool,
    scratch: &Path,
) -> anyhow::Result<IncomingId> {
    let now = SystemClock.now();
    let played = if there { found(app).await? } else { Play::new(app, clock, now).play().await? };
    // What is left of the day is real.
    clock.let_go();
    app.settle().await?;
    let since = played.first_day;
    let teller = Teller::new(app, lang).await?;
    teller.what_it_is(played.examples);
    teller.story(played.story).await?;
    teller.who_has_what(since).await?;
    teller.as_of(since, played.last_day).await?;
    let directory = config.log_directory().context("the demo keeps its log in files")?;
    teller.tampered(&directory, &scratch.join("copy"), played.story).await?;
    Ok(played.story)
}

/// What an earlier run played. The first record tells when that was.
async fn found(app: &App) -> anyhow::Result<Played> {
    if app.handler.organ(MINISTRY.organ()).await?.id.is_none() {
        bail!("this ledger is not one of the demo: give another --data, or use `socai serve`");
    }
    let stream = socai_domain::organ::stream(MINISTRY.organ());
    let first = app.log().read(stream, socai_domain::ledger::Direction::Forwards, None, 1).await?;
    let began: Timestamp = first.first().context("the first record")?.record.header().recorded;
    let first_day = began.date();
    let letter_of = first_day.plus_days(-1);
    let mut today = first_day;
    // The day on which it was played is the one whose ten days begin there.
    while days_before(today, &calendar(today))[0] < first_day {
        today = today.plus_days(1);
    }
    let last: Date = days_before(today, &calendar(today))[clock::DAYS - 1];
    let story: IncomingId = play::story(letter_of);
    Ok(Played { story, first_day, last_day: play::near_the_end_of(last), examples: letters::counted() })
}

/// Where to look, as whom, and what to ask.
fn how_to_go_on(config: &Config, lang: Lang, url: &str, log_key: &str, story: IncomingId) -> anyhow::Result<()> {
    let pem = files::read_secret(&config.token_key).with_context(|| config.token_key.display().to_string())?;
    let issuer = Issuer::from_pem(str::from_utf8(&pem)?)?;
    println!("\n→  {}  {url}/graphiql", lang.of("Mở", "Open"));
    println!(
        "   {}",
        lang.of(
            "Tiêu đề: {\"Authorization\": \"Bearer …\"}, với một trong các thẻ sau:",
            "Header: {\"Authorization\": \"Bearer …\"}, with one of these tokens:"
        )
    );
    let outsider = lang.of("người ngoài cuộc: không thấy gì", "outsider: sees nothing");
    let roles = [
        (CLERK, lang.of("văn thư", "clerk")),
        (LEADER, lang.of("lãnh đạo", "leader")),
        (OFFICER, lang.of("chuyên viên", "officer")),
        (OUTSIDER, outsider),
    ];
    for (member, role) in roles {
        let token = issuer.issue(MINISTRY.person(member), MINISTRY.organ(), SystemClock.now(), TOKEN_HOURS * 3600)?;
        println!("   {} ({role})  {token}", member.name);
    }
    println!("   {} {url}/log/checkpoint  {log_key}", lang.of("Ai cũng kiểm chứng được:", "For anyone to verify:"));
    println!("   {}", lang.of("Ba câu hỏi để thử:", "Three queries to try:"));
    for query in queries(story) {
        println!("   {query}");
    }
    println!("   {}", lang.of("Ctrl-C để kết thúc.", "Ctrl-C ends it."));
    Ok(())
}

/// Queries that everybody may ask; what comes back is what they may see.
fn queries(story: IncomingId) -> [String; 3] {
    let story = socai_domain::incoming::stream(story);
    [
        "{ viewer { person { name } } workList(first: 20) { edges { node { kindLabel states dueAt document { code } } } } }".to_owned(),
        "{ incomingRegister(first: 20) { edges { node { number code issuer abstractText receiverUnit { name } } } } }"
            .to_owned(),
        format!(
            "{{ incomingDocument(id: \"{story}\") {{ stageLabel trail(first: 20) {{ verification records {{ edges {{ node {{ revision summary hash }} }} }} }} }} }}"
        ),
    ]
}
