//! Annotate: a remark on data that the axis gave, which are not corrected.

use serde::Serialize;
use thiserror::Error;

use super::{Event, IncomingDocument, Stage, events::Annotated};
use crate::{
    decide::{By, Decide},
    organ::Role,
    refusal::{Code, Denied},
    text::LongText,
};

/// Why the remark cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Only a records clerk annotates.
    #[error("only a records clerk annotates data: {0}")]
    NotTheClerk(#[from] Denied),
    /// Nothing has arrived, or it was refused or cancelled.
    #[error("only data of a document that is here and was taken in are annotated")]
    WrongStage,
}

impl crate::decide::Refusal for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::NotTheClerk(denied) => denied.code(),
            Self::WrongStage => Code::WrongStage,
        }
    }
}

/// Note what is odd about the data.
#[derive(Clone, Debug, Serialize)]
pub struct AnnotateIncoming {
    /// The remark.
    pub note: LongText,
}

impl Decide for AnnotateIncoming {
    type State = IncomingDocument;
    type Refusal = Refusal;
    const NAME: &'static str = "annotateIncoming";

    fn permit(document: &IncomingDocument, by: &By<'_>) -> Result<(), Refusal> {
        by.require(Role::RecordsClerk)?;
        match document.stage {
            Some(Stage::Arrived | Stage::Registered | Stage::Submitted | Stage::Directed | Stage::Resolved) => Ok(()),
            _ => Err(Refusal::WrongStage),
        }
    }

    fn decide(&self, document: &IncomingDocument, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        Self::permit(document, by)?;
        let known = document.annotations.contains(&self.note);
        Ok(if known { vec![] } else { vec![Annotated { note: self.note.clone() }.into()] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decide::Who,
        incoming::{
            events::ArrivedAgain,
            testing::{Plausible, arrived, arriving, past, unopened},
        },
        testing::{Scene, given, scene},
    };

    impl Plausible for AnnotateIncoming {
        fn plausible(_: &Scene, _: &IncomingDocument, _: Who) -> Self {
            note("Ngày ban hành trên trục khác với ngày trên văn bản")
        }
    }

    fn note(note: &str) -> AnnotateIncoming {
        AnnotateIncoming { note: LongText::new(note).unwrap() }
    }

    #[test]
    fn a_remark_is_made_once() {
        let scene = scene();
        let made = |text| -> Event { Annotated { note: note(text).note }.into() };
        given(&scene.organ, [arrived(&scene)])
            .when(scene.clerk, note("Thiếu trang 2"))
            .then([made("Thiếu trang 2")])
            .when(scene.clerk, note("Số trang ghi sai"))
            .then([made("Số trang ghi sai")])
            .when(scene.clerk, note("Thiếu trang 2"))
            .then_nothing_happened();
    }

    #[test]
    fn a_remark_of_before_is_made_again_on_other_content() {
        let scene = scene();
        let remark = || Event::from(Annotated { note: note("Đã xem").note });
        let again = ArrivedAgain { content: [2; 32], details: arriving().details, files: arriving().files };
        let past = [arrived(&scene), past(scene.clerk, 2, remark()), past(scene.clerk, 1, again)];
        given(&scene.organ, past)
            .when(scene.clerk, note("Đã xem"))
            .then([remark()])
            .when(scene.clerk, note("Đã xem"))
            .then_nothing_happened();
    }

    #[test]
    fn an_envelope_has_no_data_to_annotate() {
        let scene = scene();
        given(&scene.organ, [unopened(&scene)]).when(scene.clerk, note("Thiếu trang 2")).then_refused(Code::WrongStage);
    }
}
