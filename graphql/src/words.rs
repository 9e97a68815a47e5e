//! The words of the ledger for people, as the API says them: for papers that are printed without it.

use socai_domain::{
    deadline::Limit,
    document_types,
    incoming::{self, events},
    ledger::EventKind,
    organ,
    time::{Date, Timestamp},
};

pub use crate::schema::types::words::{summary, title};
use crate::{
    language::Language,
    schema::{
        labels::{self, Labelled as _},
        types::deadline,
    },
};

/// By which article of Decree 30/2020/NĐ-CP something is done, where the decree says it: catalogue name, article.
const ARTICLES: &[(&str, &str)] = &[
    ("IncomingArrived", "21"),
    ("UnopenedLogged", "21.1"),
    ("AuthenticityChecked", "21.2"),
    ("ScanAttached", "22.2"),
    ("PaperArrived", "23.4"),
    ("ReceiptRefused", "21"),
    ("RegistrationBegan", "22"),
    ("IncomingRegistered", "22"),
    ("IncomingSubmitted", "23.1"),
    ("IncomingDirected", "23"),
    ("BranchesAssigned", "23"),
    ("UrgedToAct", "24"),
    ("FollowerAppointed", "24"),
    ("IncomingResolved", "24"),
];

/// The article by which an event of this kind happens; none where the decree says nothing of it.
pub fn article(kind: EventKind, language: Language) -> Option<String> {
    let name = kind.entry()?.name;
    let (_, article) = ARTICLES.iter().find(|(event, _)| *event == name)?;
    Some(labels::article(article, language))
}

/// What a post may do.
pub fn role(role: organ::Role, language: Language) -> &'static str {
    labels::Role::from(role).label(language)
}

/// What a file is to its document.
pub fn file_role(role: events::FileRole, language: Language) -> &'static str {
    labels::FileRole::from(role).label(language)
}

/// How a document came.
pub fn channel(channel: document_types::Channel, language: Language) -> &'static str {
    labels::Channel::from(channel).label(language)
}

/// Where a document stands.
pub fn stage(stage: incoming::Stage, language: Language) -> &'static str {
    labels::Stage::from(stage).label(language)
}

/// The part that somebody has in the work.
pub fn branch_role(role: events::BranchRole, language: Language) -> &'static str {
    labels::BranchRole::from(role).label(language)
}

/// A time limit.
pub fn limit(limit: Limit, language: Language) -> String {
    deadline::limit(limit, language)
}

/// An instant as people say it: `24:00 06/03/2026` for the end of a day.
pub fn moment(at: Timestamp) -> String {
    deadline::moment(at)
}

/// A date as people say it: `06/03/2026`.
pub fn day(date: Date) -> String {
    deadline::day(date)
}

#[cfg(test)]
mod tests {
    use socai_domain::ledger::catalogue::CATALOGUE;

    use super::*;

    #[test]
    fn every_article_is_one_of_an_event() {
        for (name, _) in ARTICLES {
            let entry = CATALOGUE.iter().find(|entry| entry.name == *name).unwrap();
            assert!(article(entry.kind, Language::Vi).unwrap().ends_with("Nghị định 30/2020/NĐ-CP"), "{name}");
        }
        assert_eq!(article(EventKind::new(200), Language::Vi), None);
    }
}
