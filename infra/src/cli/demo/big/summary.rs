//! What was built, in a few lines.

use std::{fs, io, path::Path, time::Duration};

use anyhow::Context as _;
use socai::{app::App, clock::SystemClock, config::Config, files, verify::VerifyReport};
use socai_domain::time::{Clock as _, Date};
use socai_graphql::token::Issuer;
use socai_projections::{
    Viewer,
    statistics::{DocumentFigures, GroupBy, Period, StatisticsFilter},
};

use super::{
    Took, World,
    office::{NAME, name},
};
use crate::cli::{
    demo::{TOKEN_HOURS, words::Lang},
    telling::thousands,
};

/// Records, documents, years, time, size, figures of each year.
pub(super) async fn tell(
    app: &App,
    config: &Config,
    world: &World,
    lang: Lang,
    report: &VerifyReport,
    took: Took,
) -> anyhow::Result<()> {
    let t = |vi, en| lang.of(vi, en);
    let years = world.days.played();
    let line = |label: &str, text: String| println!("{label:<14}{text}");
    line(t("cơ quan", "agency"), format!("{NAME} ({})", t("không có thật", "invented")));
    let (posts, people) = (world.office.posts.len() as u64, world.office.people());
    line(
        t("quy mô", "size"),
        format!(
            "{} {}, {} {}, {} {}, {} {}",
            thousands(world.days.documents()),
            t("văn bản", "documents"),
            thousands(report.records),
            t("bản ghi", "records"),
            thousands(posts),
            t("vị trí", "posts"),
            thousands(people),
            t("người", "people")
        ),
    );
    line(t("năm", "years"), format!("{}–{}", years.start(), years.end()));
    let all = took.played + took.checked + took.views;
    line(
        t("thời gian", "took"),
        format!(
            "{} ({} {}, {} {}, {} {}); {} {}",
            seconds(all),
            t("ghi", "playing"),
            seconds(took.played),
            t("kiểm tra", "checking"),
            seconds(took.checked),
            t("dựng bảng", "views"),
            seconds(took.views),
            thousands(rate(report.records, took.played)),
            t("bản ghi/giây khi ghi", "records a second while playing")
        ),
    );
    let log = config.log_directory().context("the log is in files")?;
    let ring = config.key_ring.path().context("the key ring is a file")?;
    let views = config.views.path().context("the views are in a file")?;
    let blobs = config.blobs.path().context("the files are in a directory")?;
    let sizes = [log.as_path(), ring, views, blobs].map(size);
    let [log, keys, views, blobs] = sizes;
    line(
        t("trên đĩa", "on disk"),
        format!(
            "{} MiB {}, {} MiB {}, {} MiB {}, {} MiB {}",
            mebibytes(log?),
            t("sổ cái", "log"),
            mebibytes(keys?),
            t("khóa", "keys"),
            mebibytes(views?),
            t("bảng", "views"),
            mebibytes(blobs?),
            t("tệp", "files")
        ),
    );
    line(
        t("đã kiểm tra", "verified"),
        format!(
            "{} {}, {} {}; head {}:{}",
            thousands(report.records),
            t("bản ghi", "records"),
            thousands(report.streams as u64),
            t("luồng", "streams"),
            report.head.position,
            report.head.hash
        ),
    );
    figures(app, world, lang).await
}

/// A line for each year, as things stood at the end of the last one.
async fn figures(app: &App, world: &World, lang: Lang) -> anyhow::Result<()> {
    let t = |vi, en| lang.of(vi, en);
    let heads = [
        t("đến", "arrived"),
        t("vào sổ", "registered"),
        t("xong", "processed"),
        t("đúng hạn", "on time"),
        t("quá hạn", "late"),
        t("không hạn", "no deadline"),
        t("từ chối", "refused"),
        t("hủy", "cancelled"),
    ];
    print!("\n{:<6}", t("năm", "year"));
    for head in heads {
        print!("  {head:>11}");
    }
    println!();
    let at = world.days.end().plus_micros(-1);
    let mut last = DocumentFigures::default();
    for year in world.days.played() {
        let begin = |year| Date::new(year, 1, 1).map(Date::start);
        let filter = StatisticsFilter::of(Period { from: begin(year)?, before: begin(year + 1)? });
        let viewer = Viewer::operator(world.office.organ, at);
        let lines = app.views.document_statistics(&viewer, &filter, GroupBy::Organ).await?;
        let f = lines.first().map(|line| line.figures).unwrap_or_default();
        print!("{year:<6}");
        let numbers =
            [f.arrived, f.registered, f.processed, f.on_time, f.late_done, f.no_deadline_done, f.refused, f.cancelled];
        for number in numbers {
            print!("  {:>11}", thousands(number));
        }
        println!();
        last = f;
    }
    println!(
        "{}: {} {}, {} {}",
        t("Cuối kỳ", "At the end"),
        thousands(last.in_process),
        t("đang xử lý", "in process"),
        thousands(last.late_open),
        t("trong đó quá hạn", "of them late")
    );
    Ok(())
}

/// Where to look, and as whom.
pub(in crate::cli::demo) fn how_to_go_on(config: &Config, documents: u64, lang: Lang, url: &str) -> anyhow::Result<()> {
    let world = World::of(documents);
    let pem = files::read_secret(&config.token_key).with_context(|| config.token_key.display().to_string())?;
    let issuer = Issuer::from_pem(str::from_utf8(&pem)?)?;
    println!("\n{url}/graphiql");
    let now = SystemClock.now();
    let office = &world.office;
    let roles = [
        (office.clerks[0], lang.of("văn thư", "clerk")),
        (office.leaders[0], lang.of("lãnh đạo", "leader")),
        (office.units[1].heads[0], lang.of("vụ trưởng", "head of a unit")),
        (office.units[1].specialists[0], lang.of("chuyên viên", "officer")),
    ];
    for (post, role) in roles {
        let number = office.holder(post, now);
        let token = issuer.issue(office.person(number), office.organ, now, TOKEN_HOURS * 3600)?;
        println!("{} ({role})  {token}", name(number));
    }
    println!("{}", lang.of("Ctrl-C để kết thúc.", "Ctrl-C ends it."));
    Ok(())
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

fn rate(records: u64, took: Duration) -> u64 {
    let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX).max(1);
    records.saturating_mul(1_000) / millis
}

fn mebibytes(bytes: u64) -> String {
    thousands(bytes.div_ceil(1 << 20))
}

/// Bytes of a file, or of all files under a directory.
fn size(path: &Path) -> io::Result<u64> {
    if !path.is_dir() {
        return Ok(fs::metadata(path)?.len());
    }
    fs::read_dir(path)?.map(|entry| size(&entry?.path())).sum()
}
