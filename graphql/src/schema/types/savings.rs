//! Faster, and saved.

use async_graphql::SimpleObject;
use socai_projections::savings as view;

use super::times::Distribution;
use crate::scalars::{Date, DateTime};

/// What is reckoned by, as the agency decided it: `decideBaseline` (căn cứ tính tiết kiệm).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Baseline {
    /// Since which day.
    from: Date,
    /// Working minutes from arrival to resolution, before: the middle one.
    handling_minutes: Option<u32>,
    /// A printed or copied page, in đồng.
    page_price: Option<u32>,
    /// A posted envelope, in đồng.
    envelope_price: Option<u32>,
    /// Minutes of somebody's work that a copy on paper takes.
    copy_minutes: Option<u32>,
    /// An hour of somebody's work, in đồng.
    hour_price: Option<u32>,
}

/// How much faster, and what was saved, in a stretch of time with the same parameters (tiết kiệm chi phí, thời gian). A result
/// whose parameter is missing is null; its inputs are shown all the same.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Saving {
    /// From this instant.
    from: DateTime,
    /// Until before this instant.
    before: DateTime,
    /// By what; none where nothing was decided.
    baseline: Option<Baseline>,
    /// Working time from arrival to the first resolution, of the documents resolved in it.
    handling: Distribution,
    /// Documents that arrived without paper: envelopes not posted.
    paperless: u64,
    /// Of these, the ones whose number of pages nobody entered: they count no page.
    without_pages: u64,
    /// Copies of them that were not printed: one for each branch.
    copies: u64,
    /// Pages of those copies.
    pages: u64,
    /// `baseline.handlingMinutes` ÷ the median of `handling` (nhanh hơn bao nhiêu lần).
    times_faster: Option<f64>,
    /// `pages` × `baseline.pagePrice`, in đồng (tiết kiệm in, sao chụp).
    on_pages: Option<u64>,
    /// `paperless` × `baseline.envelopePrice`, in đồng (tiết kiệm bưu chính).
    on_post: Option<u64>,
    /// `copies` × `baseline.copyMinutes` ÷ 60 × `baseline.hourPrice`, in đồng (tiết kiệm thời gian).
    on_time: Option<u64>,
    /// The three together, in đồng (tổng cộng).
    total: Option<u64>,
}

impl From<view::Saving> for Saving {
    #[allow(clippy::cast_precision_loss)] // thousandths, for people
    fn from(of: view::Saving) -> Self {
        Self {
            from: DateTime(of.period.from),
            before: DateTime(of.period.before),
            times_faster: of.times_faster_per_mille().map(|thousandths| thousandths as f64 / 1000.0),
            on_pages: of.on_pages(),
            on_post: of.on_post(),
            on_time: of.on_time(),
            total: of.total(),
            baseline: of.baseline.map(|(from, baseline)| Baseline {
                from: Date(from),
                handling_minutes: baseline.handling_minutes,
                page_price: baseline.page_price,
                envelope_price: baseline.envelope_price,
                copy_minutes: baseline.copy_minutes,
                hour_price: baseline.hour_price,
            }),
            handling: of.handling.into(),
            paperless: of.paperless,
            without_pages: of.without_pages,
            copies: of.copies,
            pages: of.pages,
        }
    }
}
