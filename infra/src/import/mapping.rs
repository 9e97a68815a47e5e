//! What a message of the axis says, as a document that arrives. Nothing is guessed and nothing is lost: what does not fit a
//! field, or is odd, stands in the note for the clerk.

use socai_domain::{
    document_types::{DocumentType, Urgency},
    incoming::events::{Attachment, Details, FileRole, Signer},
    organ::Organ,
    text::{
        Abstract, AxisDocumentId, CodeNotation, CodeNumber, FileName, LongText, OrganCode, PersonName, ShortText,
        search_key,
    },
};

use crate::{
    blobs::BlobHash,
    edxml::{Damage, DateText, Edoc, Organization},
};

/// A message as a document, and the bytes of its files in the same order.
#[derive(Clone, Debug)]
pub(super) struct Mapped<'e> {
    /// What it says of itself.
    pub(super) details: Details,
    /// Its files: the first is the document itself.
    pub(super) files: Vec<Attachment>,
    /// Their bytes.
    pub(super) bytes: Vec<&'e [u8]>,
}

/// The most of a list of recipients' lines that is kept, in bytes.
const TO_PLACES: usize = 12 << 10;

/// The receiver that this organ is, if the message is addressed to it: by any of its identifiers in either form, or by its
/// name where the message gives nothing else.
pub(super) fn receiver<'e>(edoc: &'e Edoc, organ: &Organ) -> Option<&'e Organization> {
    let is_ours = |receiver: &&Organization| {
        if receiver.id.is_empty() {
            let key = |name: &str| search_key(name);
            return receiver.name.as_deref().zip(organ.name.as_ref()).is_some_and(|(a, b)| key(a) == key(b.as_str()));
        }
        OrganCode::new(receiver.id.as_str())
            .is_ok_and(|code| organ.codes.iter().any(|(_, ours)| ours.is_same_organ(&code)))
    };
    edoc.to.iter().chain(&edoc.old_code_receivers).find(is_ours)
}

/// The document that the message brings to `organ`.
pub(super) fn map<'e>(edoc: &'e Edoc, organ: &Organ) -> Mapped<'e> {
    let mut odd = Odd::default();
    let (files, bytes) = files(edoc, &mut odd);
    let details = details(edoc, organ, odd);
    Mapped { details, files, bytes }
}

/// What the clerk should know.
#[derive(Default)]
struct Odd(Vec<String>);

impl Odd {
    fn says(&mut self, what: String) {
        self.0.push(what);
    }

    fn date(&mut self, label: &str, date: Option<&DateText>) {
        if let Some(DateText { raw, date: None, .. }) = date {
            self.says(format!("{label} ghi “{raw}”, không đọc được."));
        }
    }
}

fn short(text: Option<&String>) -> Option<ShortText> {
    text.and_then(|text| ShortText::cleaned(text))
}

fn details(edoc: &Edoc, organ: &Organ, mut odd: Odd) -> Details {
    let Edoc { from, document_type, other, .. } = edoc;
    let subject = edoc.subject.as_deref().or(edoc.content.as_deref());
    let summary = edoc.content.as_deref().filter(|content| Some(*content) != subject);
    if let Some(summary) = summary {
        odd.says(format!("Tóm tắt: {summary}"));
    }
    odd.date("Ngày ban hành", edoc.promulgated_on.as_ref());
    odd.date("Thời hạn trả lời", edoc.due_on.as_ref());
    let priority = i64::from(other.priority.unwrap_or(0));
    let urgency = Urgency::from_axis_code(priority).unwrap_or_else(|| {
        odd.says(format!("Mức độ khẩn ghi “{priority}”, không có trong danh mục."));
        Urgency::Normal
    });
    let to_places = to_places(edoc, &mut odd);
    for response in edoc.response_for.iter().skip(1) {
        let id = response.document_id.as_ref().or(response.code.as_ref());
        odd.says(format!("Trả lời cả văn bản {}.", id.map_or("không rõ", String::as_str)));
    }
    let type_name = short(document_type.name.as_ref())
        .and_then(|name| ShortText::cleaned(DocumentType::from_name(name).label_vi()));
    Details {
        issuer_code: OrganCode::new(from.id.as_str()).ok(),
        issuer_name: short(from.name.as_ref())
            .or_else(|| short(from.in_charge.as_ref()))
            .or_else(|| ShortText::cleaned(&from.id))
            .unwrap_or_else(|| not_given("Không rõ")),
        number: edoc.code_number.as_deref().and_then(CodeNumber::cleaned),
        notation: edoc.code_notation.as_deref().and_then(CodeNotation::cleaned),
        place: short(edoc.place.as_ref()),
        promulgated_on: edoc.promulgated_on.as_ref().and_then(|date| date.date),
        type_name: type_name.unwrap_or_else(|| not_given("Không nêu loại")),
        abstract_text: subject
            .and_then(Abstract::cleaned)
            .or_else(|| Abstract::cleaned("Không có trích yếu"))
            .expect("a sentence is an abstract"),
        language: None,
        page_count: other.pages.and_then(|pages| u16::try_from(pages).ok()),
        copy_count: other.copies.and_then(|copies| u16::try_from(copies).ok()),
        signer: edoc.signer.as_ref().and_then(|signer| {
            Some(Signer {
                competence: short(signer.competence.as_ref()),
                position: short(signer.position.as_ref()),
                name: PersonName::cleaned(signer.full_name.as_deref()?)?,
            })
        }),
        due_on: edoc.due_on.as_ref().and_then(|date| date.date),
        urgency,
        due_at: None,
        addressee: addressee(edoc, organ),
        to_places,
        response_for: edoc
            .response_for
            .iter()
            .find_map(|response| response.document_id.as_deref().and_then(|id| AxisDocumentId::new(id).ok())),
        paper_follows: edoc.paper.is_some_and(|paper| paper > 0),
        note: LongText::cleaned(&odd.0.join("\n")),
    }
}

/// One of those that share the registry, if the message names it.
fn addressee(edoc: &Edoc, organ: &Organ) -> Option<ShortText> {
    let name = search_key(receiver(edoc, organ)?.name.as_deref()?);
    organ.settings.addressees.iter().find(|addressee| search_key(addressee.as_str()) == name).cloned()
}

fn to_places(edoc: &Edoc, odd: &mut Odd) -> Vec<ShortText> {
    let mut kept = Vec::new();
    let mut bytes = 0;
    for place in edoc.to_places.iter().filter_map(|place| ShortText::cleaned(place)) {
        bytes += place.as_str().len() + 2;
        if bytes > TO_PLACES {
            odd.says(format!("Nơi nhận có {} dòng, chỉ giữ {}.", edoc.to_places.len(), kept.len()));
            break;
        }
        kept.push(place);
    }
    kept
}

fn files<'e>(edoc: &'e Edoc, odd: &mut Odd) -> (Vec<Attachment>, Vec<&'e [u8]>) {
    let mut files = Vec::new();
    let mut bytes = Vec::new();
    for (index, attachment) in edoc.attachments.iter().enumerate() {
        if let Some(damage) = attachment.damage {
            odd.says(format!("Tệp {}: {}.", attachment.name, in_words(damage)));
            if damage == Damage::Missing {
                continue;
            }
        }
        let name = FileName::cleaned(&attachment.name).or_else(|| FileName::cleaned(&format!("tep-{}", index + 1)));
        files.push(Attachment {
            hash: *BlobHash::of(&attachment.bytes).as_bytes(),
            name: name.expect("letters and digits are a file name"),
            size: attachment.bytes.len() as u64,
            role: if files.is_empty() { FileRole::Main } else { FileRole::Annex },
        });
        bytes.push(&attachment.bytes[..]);
    }
    (files, bytes)
}

fn in_words(damage: Damage) -> &'static str {
    match damage {
        Damage::Missing => "được nêu tên nhưng không gửi kèm",
        Damage::Base64 => "mã hóa base64 bị lỗi, nội dung có thể hỏng",
        Damage::Zip => "tệp nén không mở được",
        Damage::Replaced => "nội dung bị hỏng trên đường truyền",
    }
}

fn not_given(text: &str) -> ShortText {
    ShortText::new(text).expect("words are a short text")
}

/// The identity of the message on the axis, if it has one that can be kept.
pub(super) fn axis_id(edoc: &Edoc) -> Option<AxisDocumentId> {
    edoc.document_id.as_deref().and_then(|id| AxisDocumentId::new(id).ok())
}
