//! Reads a status: a receipt about one document.

use super::error::EdxmlError;
use super::fields::Fields;
use super::limits::Limits;
use super::model::{Status, StatusCode};
use super::text;
use super::xml::Element;

/// Reads the status in `header`; its code is `code`.
pub(super) fn read(header: &Element<'_>, code: &str, limits: &Limits) -> Result<Status, EdxmlError> {
    let fields = Fields { element: header, limits };
    let number: u32 = code.parse().map_err(|_| EdxmlError::BadStatusCode { given: text::excerpt(code, 40) })?;
    Ok(Status {
        from: fields.sender()?,
        response_for: fields.responses()?.into_iter().next().ok_or(EdxmlError::Missing { path: "ResponseFor" })?,
        staff: fields.staff()?.into_iter().next(),
        code: StatusCode::from(number),
        description: fields.block("Description")?,
        at: fields.time("Timestamp")?,
    })
}
