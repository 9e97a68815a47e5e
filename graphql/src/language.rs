//! The language in which a client wants to be answered.

use async_graphql::Enum;

/// A language of labels and messages (ngôn ngữ).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
#[graphql(name = "Language")]
pub enum Language {
    /// Vietnamese (tiếng Việt).
    #[default]
    Vi,
    /// English (tiếng Anh).
    En,
}

impl Language {
    /// The better one by an `Accept-Language` header (RFC 9110, 12.5.4). Vietnamese unless English is wanted more.
    pub fn accepted(header: Option<&str>) -> Self {
        let quality = |tag: &str| {
            header.unwrap_or_default().split(',').find_map(|range| {
                let (name, parameters) = range.trim().split_once(';').unwrap_or((range.trim(), ""));
                let primary = name.split('-').next().unwrap_or_default();
                let weight = parameters.trim().strip_prefix("q=").map_or(Some(1.0), |q| q.trim().parse().ok());
                primary.eq_ignore_ascii_case(tag).then(|| weight.unwrap_or(0.0f32))
            })
        };
        match (quality("vi"), quality("en")) {
            (vi, Some(en)) if en > vi.unwrap_or(0.0) => Self::En,
            _ => Self::Vi,
        }
    }

    /// The text in this language.
    pub fn choose<T>(self, vi: T, en: T) -> T {
        match self {
            Self::Vi => vi,
            Self::En => en,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wanted_language_is_chosen() {
        for (header, language) in [
            (None, Language::Vi),
            (Some("en"), Language::En),
            (Some("en-GB,en;q=0.9"), Language::En),
            (Some("vi-VN,vi;q=0.9,en;q=0.8"), Language::Vi),
            (Some("en;q=0.3, vi;q=0.2"), Language::En),
            (Some("en;q=0"), Language::Vi),
            (Some("fr, de"), Language::Vi),
            (Some("en;q=nonsense"), Language::Vi),
        ] {
            assert_eq!(Language::accepted(header), language, "{header:?}");
        }
    }
}
