//! Finding documents.

use socai_domain::text::ShortText;

use super::history::{History, Who, says};
use crate::PageRequest;

#[tokio::test]
async fn words_are_found_without_their_marks_and_codes_only_with_them() {
    let mut history = History::new();
    let nguyen = history.arrives(1, |arrived| {
        says("15", "QĐ-BNV", "Bổ nhiệm ông Nguyễn Đức Ví Dụ")(arrived);
        arrived.details.issuer_name = ShortText::new("Bộ Nội vụ Ví Dụ").unwrap();
    });
    let plain = history.arrives(2, says("16", "QD-XYZ", "Báo cáo tình hình"));
    let views = history.views().await;
    let clerk = history.sight(Who::Clerk);
    for (question, found) in [
        ("nguyen", vec![nguyen]),
        ("Nguyễn", vec![nguyen]),
        ("NGUYEN duc", vec![nguyen]),
        ("đức", vec![nguyen]),
        ("d", vec![plain, nguyen]),
        ("noi vu", vec![nguyen]),
        ("QĐ", vec![nguyen]),
        ("qđ-bnv", vec![nguyen]),
        ("15/QĐ-BNV", vec![nguyen]),
        ("15/QĐ", vec![nguyen]),
        ("QD", vec![plain]),
        ("16", vec![plain]),
        ("bao cao", vec![plain]),
        ("QD nguyen", vec![]),
        ("guyen", vec![]),
        ("\" OR 1=1 --", vec![]),
        ("*", vec![]),
        ("", vec![]),
    ] {
        let page = views.search(&clerk, question, &PageRequest::first(10)).await.unwrap();
        let ids: Vec<_> = page.nodes().map(|row| row.id).collect();
        assert_eq!(ids, found, "{question:?}");
        assert_eq!(views.search_count(&clerk, question).await.unwrap(), found.len() as u64, "{question:?}");
    }
}

#[tokio::test]
async fn a_corrected_text_is_found_and_the_old_one_is_not() {
    let mut history = History::new();
    let document = history.arrives(1, says("15", "QĐ-BNV", "Về cây xanh"));
    let views = history.views().await;
    let clerk = history.sight(Who::Clerk);
    let old = views.document(&clerk, document).await.unwrap().unwrap().document.details.unwrap();
    let mut new = old.clone();
    new.abstract_text = socai_domain::text::Abstract::new("Về cây cảnh").unwrap();
    let reason = super::history::reason();
    history.then(document, socai_domain::incoming::events::Corrected { old, new, reason });
    history.fill(&views, 1).await;
    assert_eq!(views.search_count(&clerk, "cay canh").await.unwrap(), 1);
    assert_eq!(views.search_count(&clerk, "cay xanh").await.unwrap(), 0);
}
