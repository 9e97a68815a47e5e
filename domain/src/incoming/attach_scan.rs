//! Attach a scan: what arrived without an electronic file is digitised before it is submitted on the network (S1-31, S1-32;
//! Decree 30/2020, art. 22.2); a file that came later is added.

use serde::Serialize;
use thiserror::Error;

use super::{
    Event, IncomingDocument, Stage,
    arrival::{self, Unacceptable},
    events::{Attachment, ScanAttached},
};
use crate::{
    decide::{By, Decide},
    organ::Role,
    refusal::{Code, Denied},
};

/// Why the files cannot be attached.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Only a records clerk attaches scans.
    #[error("only a records clerk attaches scans: {0}")]
    NotTheClerk(#[from] Denied),
    /// Nothing has arrived, or it ended.
    #[error("scans are attached to a document that is here and not at an end")]
    WrongStage,
    /// There is nothing to attach.
    #[error("name at least one file")]
    NoFile,
    /// A handler contributes in their own branch.
    #[error(transparent)]
    Unacceptable(#[from] Unacceptable),
}

impl crate::decide::Refusal for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::NotTheClerk(denied) => denied.code(),
            Self::WrongStage => Code::WrongStage,
            Self::NoFile => Code::InvalidInput,
            Self::Unacceptable(why) => why.code(),
        }
    }

    fn fields(&self) -> &'static [&'static str] {
        match self {
            Self::NoFile => &["files"],
            Self::Unacceptable(why) => why.fields(),
            _ => &[],
        }
    }
}

/// Add files to the document.
#[derive(Clone, Debug, Serialize)]
pub struct AttachScan {
    /// The files: the document itself or annexes.
    pub files: Vec<Attachment>,
}

impl Decide for AttachScan {
    type State = IncomingDocument;
    type Refusal = Refusal;
    const NAME: &'static str = "attachScan";

    fn permit(document: &IncomingDocument, by: &By<'_>) -> Result<(), Refusal> {
        by.require(Role::RecordsClerk)?;
        match document.stage {
            Some(Stage::Arrived | Stage::Registered | Stage::Submitted | Stage::Directed) => Ok(()),
            _ => Err(Refusal::WrongStage),
        }
    }

    fn decide(&self, document: &IncomingDocument, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        Self::permit(document, by)?;
        if self.files.is_empty() {
            return Err(Refusal::NoFile);
        }
        arrival::check_files(&self.files)?;
        let same =
            |new: &Attachment| document.files.iter().any(|known| known.hash == new.hash && known.role == new.role);
        let files: Vec<_> = arrival::once(&self.files).into_iter().filter(|file| !same(file)).collect();
        Ok(if files.is_empty() { vec![] } else { vec![ScanAttached { files }.into()] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decide::Who,
        incoming::{
            events::FileRole,
            testing::{Plausible, arrived, arrived_on_paper, main_file, scan},
        },
        testing::{Scene, given, scene},
    };

    impl Plausible for AttachScan {
        fn plausible(_: &Scene, _: &IncomingDocument, _: Who) -> Self {
            AttachScan { files: vec![scan()] }
        }
    }

    #[test]
    fn paper_gets_its_main_file() {
        let scene = scene();
        let given = given::<IncomingDocument>(&scene.organ, [arrived_on_paper(&scene)]);
        assert!(!given.state().has_main_file());
        let given = given
            .when(scene.clerk, AttachScan { files: vec![scan()] })
            .then([ScanAttached { files: vec![scan()] }.into()]);
        assert!(given.state().has_main_file());
        given.when(scene.clerk, AttachScan { files: vec![scan(), scan()] }).then_nothing_happened();
    }

    #[test]
    fn only_what_is_new_is_added() {
        let scene = scene();
        given(&scene.organ, [arrived(&scene)])
            .when(scene.clerk, AttachScan { files: vec![main_file(), scan()] })
            .then([ScanAttached { files: vec![scan()] }.into()]);
    }

    #[test]
    fn there_is_a_file_and_it_is_no_contribution() {
        let scene = scene();
        let given = given(&scene.organ, [arrived(&scene)]);
        given.clone().when(scene.clerk, AttachScan { files: vec![] }).then_refused(Code::InvalidInput);
        let contribution = Attachment { role: FileRole::Contribution, ..scan() };
        given.when(scene.clerk, AttachScan { files: vec![contribution] }).then_refused(Code::InvalidInput);
    }
}
