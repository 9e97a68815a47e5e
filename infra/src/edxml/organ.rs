//! Ids of organizations: two forms, both opaque.

/// Form of an organization's id. For showing and for picking an alias table; never a reason to refuse an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrganIdForm {
    /// Lowest level first, `000.00.15.H51`: the form of 2016.
    LowestFirst,
    /// Highest level first, `H37.02.02`: Decision 20/2020/QĐ-TTg.
    HighestFirst,
    /// Twelve digits: an enterprise, by the same decision.
    Enterprise,
    /// Something else, such as a test id.
    Other,
}

impl OrganIdForm {
    /// The form of `id`, told by where the group of a letter and two digits stands.
    pub fn of(id: &str) -> Self {
        let is_top = |group: &str| {
            let bytes = group.as_bytes();
            bytes.len() == 3 && bytes[0].is_ascii_uppercase() && bytes[1..].iter().all(u8::is_ascii_digit)
        };
        let plain = id.split('.').all(|group| !group.is_empty() && group.bytes().all(|b| b.is_ascii_alphanumeric()));
        let (first, last) = (id.split('.').next().unwrap_or_default(), id.rsplit('.').next().unwrap_or_default());
        if id.len() == 12 && id.bytes().all(|b| b.is_ascii_digit()) {
            Self::Enterprise
        } else if plain && is_top(first) {
            Self::HighestFirst
        } else if plain && is_top(last) {
            Self::LowestFirst
        } else {
            Self::Other
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_told_apart() {
        for (id, form) in [
            ("000.00.00.H99", OrganIdForm::LowestFirst),
            ("28.22.H97", OrganIdForm::LowestFirst),
            ("02.29.W00", OrganIdForm::LowestFirst),
            ("G92", OrganIdForm::HighestFirst),
            ("H97.02.02", OrganIdForm::HighestFirst),
            ("H97.DN.001", OrganIdForm::HighestFirst),
            ("020199999999", OrganIdForm::Enterprise),
            ("001.00.20.TT2", OrganIdForm::Other),
            ("vxp.saas.03", OrganIdForm::Other),
            ("000..H99", OrganIdForm::Other),
            ("", OrganIdForm::Other),
        ] {
            assert_eq!(OrganIdForm::of(id), form, "{id}");
        }
    }
}
