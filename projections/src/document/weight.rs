//! About how much memory a document takes.

use super::state::{Branch, Document, Remark, ResolutionMade};

/// What an allocation costs beside its bytes.
const EACH: usize = 16;

fn text(text: Option<&impl AsRef<str>>) -> usize {
    text.map_or(0, |text| text.as_ref().len() + EACH)
}

fn many<T>(all: &[T], inside: impl Fn(&T) -> usize) -> usize {
    if all.is_empty() { 0 } else { size_of_val(all) + EACH + all.iter().map(inside).sum::<usize>() }
}

fn remark(remark: &Remark) -> usize {
    text(Some(&remark.text))
}

fn resolution(made: &ResolutionMade) -> usize {
    size_of_val(made.answers.as_slice()) + text(made.note.as_ref()) + text(made.transferred_to.as_ref())
}

fn branch(branch: &Branch) -> usize {
    let words = text(branch.note.as_ref()) + text(branch.result.as_ref());
    let told = many(&branch.progress, remark) + many(&branch.urged, remark);
    let times = many(&branch.replaced, |_| 0) + many(&branch.extensions, |_| EACH) + many(&branch.sum_at_end, |_| EACH);
    words + told + times + many(&branch.held_before, |_| 0)
}

impl Document {
    /// About how many bytes it takes. What is rare and small is left out.
    pub(crate) fn bytes(&self) -> usize {
        let details = self.details.as_ref().map_or(0, |details| {
            let names = text(Some(&details.issuer_name)) + text(Some(&details.type_name));
            names + text(Some(&details.abstract_text)) + 4 * EACH
        });
        let of_round = |sum: usize, made: Option<&ResolutionMade>| sum * EACH + made.map_or(0, resolution);
        let rounds = many(&self.rounds, |round| of_round(round.sum_at_end.len(), round.resolution.as_ref()));
        let files = many(&self.files, |file| text(Some(&file.name)));
        let said = many(&self.remarks, remark) + text(self.directive.as_ref());
        let again = many(&self.arrived_again, |other| size_of_val(other.files.as_slice()) + 512);
        let work = many(&self.branches, branch) + many(&self.pauses, |_| EACH) + many(&self.rework, |_| 2 * EACH);
        // A place in a tree for each party, one in the cache for the document.
        size_of::<Self>() + 128 + details + rounds + files + said + again + work + 32 * self.parties.len()
    }
}
