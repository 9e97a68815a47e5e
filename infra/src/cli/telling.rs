//! How subcommands tell what happens: messages of `tracing`, progress bars, tables of figures.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use socai::config::{Config, Messages};
use socai_projections::{Progress, Views};
use tracing_subscriber::EnvFilter;

/// For commands that read whole tables: that this takes its time is no news.
pub(crate) const WHOLE_TABLES: &str = "warn,sqlx::query=error";

/// Messages go to standard error: for people on a terminal, else a JSON object a line. No message holds content of documents.
pub(crate) fn start(config: &Config, level: &str) -> anyhow::Result<()> {
    let filter = config.level.as_deref().unwrap_or(level);
    let filter = EnvFilter::try_new(filter).with_context(|| format!("level {filter:?}"))?;
    let json = match config.messages {
        Messages::Auto => !std::io::stderr().is_terminal(),
        Messages::Text => false,
        Messages::Json => true,
    };
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = if json { subscriber.json().try_init() } else { subscriber.with_target(false).try_init() };
    started.map_err(|error| anyhow::anyhow!("messages: {error}"))
}

/// A bar on a terminal, and nothing elsewhere or where only data may be written.
pub(crate) fn bar(total: u64, what: &'static str, quiet: bool) -> ProgressBar {
    styled("{msg} [{bar:32}] {percent:>3} %  {eta} left", total, quiet).with_message(what)
}

/// The same for work in several phases, whose message says what is left of all.
pub(crate) fn bar_of_phases(quiet: bool) -> ProgressBar {
    styled("[{bar:32}] {percent:>3} %  {wide_msg}", 0, quiet)
}

/// Does work that has views rebuilt, and tells how far that is.
pub(crate) async fn rebuilding<T>(views: &Views, work: impl Future<Output = T>, mut tell: impl FnMut(Progress)) -> T {
    let mut state = views.rebuilding();
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            changed = state.changed() => {
                let now = state.borrow_and_update().progress();
                if let (Ok(()), Some(progress)) = (changed, now) {
                    tell(progress);
                }
            }
        }
    }
}

fn styled(template: &str, total: u64, quiet: bool) -> ProgressBar {
    let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(Some(total), target).with_style(style.progress_chars("=> "))
}

/// 1234567 as `1 234 567`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_are_grouped() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1 000"), (1_234_567, "1 234 567")] {
            assert_eq!(super::thousands(number), text);
        }
    }
}
