//! Reads a document: header, operation, trace, attachments.

use super::attachments;
use super::error::EdxmlError;
use super::fields::Fields;
use super::limits::Limits;
use super::model::{
    DocumentType, Edoc, Operation, Organization, OtherInfo, ReceiverChange, Replacement, Signer, TraceHeader, Update,
};
use super::text;
use super::xml::Element;

/// `OrganizationInCharge` of a receiver that the axis adds for an organization's old code.
const OLD_CODE_MARK: &str = "TLTVBQG_CDMDD_QD20";

/// Levels between the root and the parts of the envelope.
const LEVELS: usize = 4;

/// Reads the document whose message header is `header`, in the tree under `root`.
pub(super) fn read(root: &Element<'_>, header: &Element<'_>, limits: &Limits) -> Result<Edoc, EdxmlError> {
    let fields = Fields { element: header, limits };
    let trace = root.find("TraceHeaderList", LEVELS).map(|element| Fields { element, limits });
    let business = trace.and_then(|list| list.group("Bussiness").or_else(|| list.group("Business")));
    let (old_code_receivers, to) = receivers(fields)?.into_iter().partition(is_old_code);
    let code = fields.group("Code");
    let issue = fields.group("PromulgationInfo");
    Ok(Edoc {
        operation: business.map(operation).transpose()?.unwrap_or(Operation::New),
        reason: in_group(business, |group| {
            Ok(group.block("BussinessDocReason")?.or(group.block("BusinessDocReason")?))
        })?,
        paper: in_group(business, |group| group.number("Paper"))?,
        staff: business.map(Fields::staff).transpose()?.unwrap_or_default(),
        from: fields.sender()?,
        to,
        old_code_receivers,
        document_id: fields.id("DocumentId")?,
        code_number: in_group(code, |group| group.line("CodeNumber"))?,
        code_notation: in_group(code, |group| group.line("CodeNotation"))?,
        place: in_group(issue, |group| group.line("Place"))?,
        promulgated_on: in_group(issue, |group| group.date("PromulgationDate"))?,
        document_type: fields.group("DocumentType").map(document_type).transpose()?.unwrap_or_default(),
        subject: fields.line("Subject")?,
        content: fields.block("Content")?,
        signer: in_group(fields.group("SignerInfo"), signer)?,
        due_on: fields.date("DueDate")?,
        other: fields.group("OtherInfo").map(other_info).transpose()?.unwrap_or_default(),
        steering_type: fields.number("SteeringType")?,
        to_places: lines_in(fields.group("ToPlaces"), "Place")?,
        response_for: fields.responses()?,
        task_codes: lines_in(fields.group("ResponseForTask"), "TaskCode")?,
        application_type: fields.line("ApplicationType")?,
        trace: trace.map(stations).transpose()?.unwrap_or_default(),
        attachments: attachments::read(root, limits)?,
    })
}

fn in_group<'t, 'a: 't, T>(
    group: Option<Fields<'t, 'a>>,
    read: impl Fn(Fields<'t, 'a>) -> Result<Option<T>, EdxmlError>,
) -> Result<Option<T>, EdxmlError> {
    group.map_or(Ok(None), read)
}

fn lines_in<'t>(group: Option<Fields<'t, '_>>, name: &'t str) -> Result<Vec<String>, EdxmlError> {
    group.map_or(Ok(Vec::new()), |group| group.lines(name))
}

/// Receivers with an id or a name.
fn receivers(fields: Fields<'_, '_>) -> Result<Vec<Organization>, EdxmlError> {
    let all: Result<Vec<_>, _> = fields.groups("To").map(Fields::organization).collect();
    Ok(all?.into_iter().filter(|organization| *organization != Organization::default()).collect())
}

fn is_old_code(receiver: &Organization) -> bool {
    receiver.in_charge.as_deref() == Some(OLD_CODE_MARK)
}

fn operation(business: Fields<'_, '_>) -> Result<Operation, EdxmlError> {
    let document_id = business.id("DocumentId")?;
    let given = business.line("BussinessDocType")?.or(business.line("BusinessDocType")?);
    match given.as_deref().map(|given| (given, given.parse::<u32>())) {
        None | Some((_, Ok(0))) => Ok(Operation::New),
        Some((_, Ok(1))) => Ok(Operation::Recall { document_id }),
        Some((_, Ok(2))) => Ok(Operation::Update(update(business, document_id)?)),
        Some((_, Ok(3))) => Ok(Operation::Replace(replacements(business)?)),
        Some((given, _)) => Err(EdxmlError::UnknownOperation { given: text::excerpt(given, 40) }),
    }
}

fn update(business: Fields<'_, '_>, document_id: Option<String>) -> Result<Update, EdxmlError> {
    let mut update = Update { document_id, ..Update::default() };
    for info in business.groups("BussinessDocumentInfo").chain(business.groups("BusinessDocumentInfo")) {
        update.document_changes |= info.flag("DocumentInfo")?.unwrap_or(false);
        update.receivers_change |= info.flag("DocumentReceiver")?.unwrap_or(false);
        for receiver in info.groups("ReceiverList").flat_map(|list| list.groups("Receiver")) {
            if let Some(organ_id) = receiver.id("OrganId")? {
                update.receivers.push(ReceiverChange { organ_id, added: receiver.flag("ReceiverType")? });
            }
        }
    }
    Ok(update)
}

/// Each replaced document once: the official sample names one twice.
fn replacements(business: Fields<'_, '_>) -> Result<Vec<Replacement>, EdxmlError> {
    let mut all = Vec::new();
    for info in business.groups("ReplacementInfoList").flat_map(|list| list.groups("ReplacementInfo")) {
        let organ_ids = lines_in(info.group("OrganIdList"), "OrganId")?;
        let replacement = Replacement { document_id: info.id("DocumentId")?, organ_ids };
        let says_nothing = replacement.document_id.is_none() && replacement.organ_ids.is_empty();
        if !says_nothing && all.last() != Some(&replacement) {
            all.push(replacement);
        }
    }
    Ok(all)
}

fn document_type(group: Fields<'_, '_>) -> Result<DocumentType, EdxmlError> {
    Ok(DocumentType {
        type_: group.number("Type")?,
        detail: group.number("TypeDetail")?,
        name: group.line("TypeName")?,
    })
}

fn signer(group: Fields<'_, '_>) -> Result<Option<Signer>, EdxmlError> {
    let signer = Signer {
        competence: group.line("Competence")?,
        position: group.line("Position")?,
        full_name: group.line("FullName")?,
    };
    Ok(Some(signer).filter(|signer| *signer != Signer::default()))
}

fn other_info(group: Fields<'_, '_>) -> Result<OtherInfo, EdxmlError> {
    Ok(OtherInfo {
        priority: group.number("Priority")?,
        sphere: group.line("SphereOfPromulgation")?,
        typer_notation: group.line("TyperNotation")?,
        copies: group.number("PromulgationAmount")?,
        pages: group.number("PageAmount")?,
        reply_for: group.line("ReplyFors")?,
        direction: group.flag("Direction")?,
        reference_codes: group.line("ReferenceCodes")?,
        appendixes: lines_in(group.group("Appendixes"), "Appendix")?,
    })
}

fn stations(list: Fields<'_, '_>) -> Result<Vec<TraceHeader>, EdxmlError> {
    let read =
        |station: Fields<'_, '_>| Ok(TraceHeader { organ_id: station.id("OrganId")?, at: station.time("Timestamp")? });
    list.groups("TraceHeader").map(read).collect()
}
