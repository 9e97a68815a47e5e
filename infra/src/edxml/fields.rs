//! Reads texts, numbers and groups out of an element, by local name and in any order.

use super::error::{EdxmlError, Part};
use super::limits::Limits;
use super::model::{Organization, ResponseFor, Staff};
use super::moment::{DateText, TimeText};
use super::text;
use super::xml::Element;

/// An element whose children are fields, and how long their texts may be.
#[derive(Clone, Copy)]
pub(super) struct Fields<'t, 'a> {
    /// The element.
    pub(super) element: &'t Element<'a>,
    /// The bounds.
    pub(super) limits: &'t Limits,
}

impl<'t, 'a> Fields<'t, 'a> {
    /// The fields of the first child called `name`; of nothing, if there is none.
    pub(super) fn group(self, name: &str) -> Option<Self> {
        self.element.child(name).map(|element| Self { element, ..self })
    }

    /// The fields of every child called `name`.
    pub(super) fn groups(self, name: &'t str) -> impl Iterator<Item = Fields<'t, 'a>> {
        self.element.all(name).map(move |element| Self { element, ..self })
    }

    /// One line of text: the first child called `name` that has any.
    pub(super) fn line(self, name: &str) -> Result<Option<String>, EdxmlError> {
        self.cleaned(name, text::line)
    }

    /// Several lines of text.
    pub(super) fn block(self, name: &str) -> Result<Option<String>, EdxmlError> {
        self.cleaned(name, text::block)
    }

    /// All non-empty lines called `name`.
    pub(super) fn lines(self, name: &'t str) -> Result<Vec<String>, EdxmlError> {
        self.groups(name).map(Self::own_line).filter_map(Result::transpose).collect()
    }

    /// The text of the element itself.
    pub(super) fn own_line(self) -> Result<Option<String>, EdxmlError> {
        let limit = self.limits.text;
        if self.element.text.len() > limit {
            return Err(EdxmlError::TooLarge { part: Part::Text, limit });
        }
        Ok(Some(text::line(&self.element.text)).filter(|line| !line.is_empty()))
    }

    /// A line that identifies something. The text `null`, a known fault of senders, is nothing.
    pub(super) fn id(self, name: &str) -> Result<Option<String>, EdxmlError> {
        Ok(self.line(name)?.filter(|id| !id.eq_ignore_ascii_case("null")))
    }

    /// A decimal number; what is not one is taken for absent.
    pub(super) fn number(self, name: &str) -> Result<Option<i32>, EdxmlError> {
        Ok(self.line(name)?.and_then(|digits| digits.parse().ok()))
    }

    /// `true`/`false` or 1/0; what is neither is taken for absent.
    pub(super) fn flag(self, name: &str) -> Result<Option<bool>, EdxmlError> {
        Ok(self.line(name)?.and_then(|flag| match flag.to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        }))
    }

    /// A date, readable or not.
    pub(super) fn date(self, name: &str) -> Result<Option<DateText>, EdxmlError> {
        Ok(self.line(name)?.map(DateText::read))
    }

    /// A time, readable or not.
    pub(super) fn time(self, name: &str) -> Result<Option<TimeText>, EdxmlError> {
        Ok(self.line(name)?.map(TimeText::read))
    }

    /// This element as an organization.
    pub(super) fn organization(self) -> Result<Organization, EdxmlError> {
        Ok(Organization {
            id: self.id("OrganId")?.unwrap_or_default(),
            in_charge: self.line("OrganizationInCharge")?,
            name: self.line("OrganName")?,
            address: self.line("OrganAdd")?,
            email: self.line("Email")?,
            telephone: self.line("Telephone")?,
            fax: self.line("Fax")?,
            website: self.line("Website")?,
        })
    }

    /// The sender, who must have an id.
    pub(super) fn sender(self) -> Result<Organization, EdxmlError> {
        let from = self.group("From").map(Self::organization).transpose()?.unwrap_or_default();
        if from.id.is_empty() { Err(EdxmlError::Missing { path: "From/OrganId" }) } else { Ok(from) }
    }

    /// All references to earlier documents; empty elements occur and mean nothing.
    pub(super) fn responses(self) -> Result<Vec<ResponseFor>, EdxmlError> {
        let mut responses = Vec::new();
        for group in self.groups("ResponseFor") {
            let response = ResponseFor {
                organ_id: group.id("OrganId")?,
                code: group.line("Code")?,
                document_id: group.id("DocumentId")?,
                promulgated_on: group.date("PromulgationDate")?,
            };
            if response != ResponseFor::default() {
                responses.push(response);
            }
        }
        Ok(responses)
    }

    /// All clerks named.
    pub(super) fn staff(self) -> Result<Vec<Staff>, EdxmlError> {
        let mut all = Vec::new();
        for group in self.groups("StaffInfo") {
            let staff = Staff {
                department: group.line("Department")?,
                department_id: group.id("DepartmentId")?,
                name: group.line("Staff")?,
                id: group.id("StaffId")?,
                email: group.line("Email")?,
                mobile: group.line("Mobile")?,
            };
            if staff != Staff::default() {
                all.push(staff);
            }
        }
        Ok(all)
    }

    fn cleaned(self, name: &str, clean: fn(&str) -> String) -> Result<Option<String>, EdxmlError> {
        let limit = self.limits.text;
        for element in self.element.children.iter().filter(|child| child.name == name) {
            if element.text.len() > limit {
                return Err(EdxmlError::TooLarge { part: Part::Text, limit });
            }
            let text = clean(&element.text);
            if !text.is_empty() {
                return Ok(Some(text));
            }
        }
        Ok(None)
    }
}
