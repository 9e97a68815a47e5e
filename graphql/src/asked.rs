//! Query texts that were asked before. Frontends ask a few hundred of them again and again: each is parsed once, and a query
//! that was found valid is not searched for mistakes again.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

use async_graphql::{
    Name, Request,
    parser::types::{ExecutableDocument, OperationType},
};
use lru::LruCache;

/// How many texts are remembered, and the longest: at most 16 MiB of text.
const TEXTS: NonZeroUsize = NonZeroUsize::new(1_024).unwrap();
const LONGEST: usize = 16 * 1024;

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Query,
    Mutation,
    Subscription,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Mutation => "mutation",
            Self::Subscription => "subscription",
        }
    }

    /// A request that cannot be read counts as a query, and is refused as one.
    pub(crate) fn of(request: &mut Request) -> Self {
        let wanted = request.operation_name.clone();
        request.parsed_query().map_or(Self::Query, |document| Self::wanted(document, wanted.as_deref()))
    }

    fn wanted(document: &ExecutableDocument, wanted: Option<&str>) -> Self {
        let mut operations = document.operations.iter();
        let operation = operations.find(|(name, _)| wanted.is_none() || name.map(Name::as_str) == wanted);
        match operation.map(|(_, operation)| operation.node.ty) {
            Some(OperationType::Mutation) => Self::Mutation,
            Some(OperationType::Subscription) => Self::Subscription,
            _ => Self::Query,
        }
    }
}

/// A text that was parsed before.
#[derive(Clone, Debug)]
struct Text {
    document: Arc<ExecutableDocument>,
    /// Answered without an error before: the document keeps the schema's rules, whatever the variables are.
    valid: bool,
}

/// The texts that were asked last.
#[derive(Debug)]
pub(crate) struct Asked(Mutex<LruCache<Box<str>, Text>>);

impl Default for Asked {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(TEXTS)))
    }
}

impl Asked {
    /// Parses the request's text, if it was not parsed before: what it asks for, and whether its text is known to be valid.
    pub(crate) fn parse(&self, request: &mut Request) -> (Kind, bool) {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(request.query.as_str()).cloned();
        if let Some(Text { document, valid }) = known {
            let kind = Kind::wanted(&document, request.operation_name.as_deref());
            request.set_parsed_query(Arc::unwrap_or_clone(document));
            return (kind, valid);
        }
        let kind = Kind::of(request);
        if request.query.len() <= LONGEST
            && let Ok(document) = request.parsed_query()
        {
            let text = Text { document: Arc::new(document.clone()), valid: false };
            let query = request.query.as_str().into();
            self.0.lock().unwrap_or_else(PoisonError::into_inner).put(query, text);
        }
        (kind, false)
    }

    /// The text was answered without an error.
    pub(crate) fn is_valid(&self, query: &str) {
        if let Some(text) = self.0.lock().unwrap_or_else(PoisonError::into_inner).peek_mut(query) {
            text.valid = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(query: &str) -> Request {
        Request::new(query)
    }

    #[test]
    fn the_wanted_operation_decides_the_kind() {
        let asked = Asked::default();
        let text = "query a { viewer { id } } mutation b { x }";
        for _ in 0..2 {
            assert_eq!(asked.parse(&mut request(text).operation_name("a")).0, Kind::Query);
            assert_eq!(asked.parse(&mut request(text).operation_name("b")).0, Kind::Mutation);
        }
        assert_eq!(asked.parse(&mut request("subscription { x }")).0, Kind::Subscription);
        assert_eq!(asked.parse(&mut request("no GraphQL")).0, Kind::Query);
    }

    #[test]
    fn a_text_is_parsed_once_and_known_as_valid_when_told() {
        let asked = Asked::default();
        let mut first = request("{ viewer { id } }");
        assert_eq!(asked.parse(&mut first), (Kind::Query, false));
        assert_eq!(asked.parse(&mut request("{ viewer { id } }")), (Kind::Query, false));
        asked.is_valid("{ viewer { id } }");
        asked.is_valid("{ never asked }");
        let mut again = request("{ viewer { id } }");
        assert_eq!(asked.parse(&mut again), (Kind::Query, true));
        assert_eq!(format!("{:?}", again.parsed_query().unwrap()), format!("{:?}", first.parsed_query().unwrap()));
        assert_eq!(asked.parse(&mut request("{ viewer { name } }")), (Kind::Query, false));
    }

    #[test]
    fn memory_is_bounded() {
        let asked = Asked::default();
        for n in 0..TEXTS.get() + 5 {
            asked.parse(&mut request(&format!("{{ a{n} }}")));
        }
        asked.parse(&mut request(&format!("{{ {} }}", "a ".repeat(LONGEST / 2))));
        asked.parse(&mut request("no GraphQL"));
        let kept = asked.0.lock().unwrap();
        assert_eq!(kept.len(), TEXTS.get());
        assert!(kept.iter().all(|(text, _)| text.len() < 20 && text.starts_with('{')));
    }
}
