//! The one way from an event to rows: live and in a rebuild, record by record, in the order of the log.

use socai_domain::{
    decide::Meta,
    id::OrganId,
    ledger::{Context, DomainEvent, Header, Opened, StreamKind},
    organ, register,
};

use crate::{error::ViewsError, rows::Rows, writer::Tables};

/// Takes in one record.
pub(crate) async fn apply(
    rows: &mut Rows,
    tables: &mut Tables<'_>,
    place: i64,
    header: &Header,
    opened: &Opened,
) -> Result<(), ViewsError> {
    match opened {
        Opened::Event(context, event) => apply_event(rows, tables, place, header, context, event).await,
        Opened::Erased => apply_erased(rows, tables, place, header).await,
    }
}

async fn apply_event(
    rows: &mut Rows,
    tables: &mut Tables<'_>,
    place: i64,
    header: &Header,
    context: &Context,
    event: &DomainEvent,
) -> Result<(), ViewsError> {
    let meta = Meta::of(header, context);
    match event {
        DomainEvent::Organ(event) => {
            let id = OrganId::new(header.stream.key());
            rows.change_organ(tables, id, |organ| organ.apply(event, &meta, place)).await?;
            if matches!(event, organ::Event::CalendarDecided(_)) {
                rows.derive_deadlines(tables, id, place).await?;
            }
        }
        DomainEvent::Person(event) => rows.person(tables, header, place).await?.apply(event),
        DomainEvent::Register(event) => {
            let book = rows.book(tables, header, place).await?;
            match event {
                register::Event::BookOpened(e) => book.open(e),
                register::Event::NumberAssigned(e) => {
                    let book = book.clone();
                    rows.entry(tables, &book, e.number.get()).await?.give(e.document, &meta);
                }
                register::Event::FingerprintsRenewed(_) => {}
                register::Event::NumberVoided(e) => {
                    let book = book.clone();
                    rows.entry(tables, &book, e.number.get()).await?.void(e, &meta);
                }
            }
        }
        DomainEvent::Incoming(event) => {
            let organ = rows.organ(tables, meta.organ).await?;
            rows.document(tables, header, place).await?.apply(event, &meta, &organ, place);
        }
    }
    Ok(())
}

/// Of a record whose key was destroyed only the header is left.
async fn apply_erased(rows: &mut Rows, tables: &mut Tables<'_>, place: i64, header: &Header) -> Result<(), ViewsError> {
    match header.stream.kind() {
        StreamKind::Incoming => rows.document(tables, header, place).await?.apply_erased(header, place),
        StreamKind::Person => rows.person(tables, header, place).await?.apply_erased(),
        // Agencies and books hold nothing that is ever erased.
        StreamKind::Organ | StreamKind::Register => {}
    }
    Ok(())
}
