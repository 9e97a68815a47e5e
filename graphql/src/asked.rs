//! Query texts that were asked before. Frontends ask a few hundred of them again and again: each is parsed once. Whether it
//! keeps the schema's rules is looked at each time: that depends on its variables, too.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
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

/// The texts that were asked last, parsed.
#[derive(Debug)]
pub(crate) struct Asked(Mutex<LruCache<Box<str>, Arc<ExecutableDocument>>>);

impl Default for Asked {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(TEXTS)))
    }
}

impl Asked {
    /// Parses the request's text, if it was not parsed before; what it asks for.
    pub(crate) fn parse(&self, request: &mut Request) -> Kind {
        let known = self.texts().get(request.query.as_str()).cloned();
        if let Some(document) = known {
            let kind = Kind::wanted(&document, request.operation_name.as_deref());
            request.set_parsed_query(Arc::unwrap_or_clone(document));
            return kind;
        }
        let kind = Kind::of(request);
        if request.query.len() <= LONGEST
            && let Ok(document) = request.parsed_query()
        {
            let document = Arc::new(document.clone());
            self.texts().put(request.query.as_str().into(), document);
        }
        kind
    }

    fn texts(&self) -> MutexGuard<'_, LruCache<Box<str>, Arc<ExecutableDocument>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
            assert_eq!(asked.parse(&mut request(text).operation_name("a")), Kind::Query);
            assert_eq!(asked.parse(&mut request(text).operation_name("b")), Kind::Mutation);
        }
        assert_eq!(asked.parse(&mut request("subscription { x }")), Kind::Subscription);
        assert_eq!(asked.parse(&mut request("no GraphQL")), Kind::Query);
    }

    #[test]
    fn what_is_parsed_once_is_the_same_again() {
        let asked = Asked::default();
        let [mut first, mut again] = [(); 2].map(|()| request("{ viewer { id } }"));
        assert_eq!([asked.parse(&mut first), asked.parse(&mut again)], [Kind::Query; 2]);
        assert_eq!(asked.texts().len(), 1);
        assert_eq!(format!("{:?}", again.parsed_query().unwrap()), format!("{:?}", first.parsed_query().unwrap()));
    }

    #[test]
    fn memory_is_bounded() {
        let asked = Asked::default();
        for n in 0..TEXTS.get() + 5 {
            asked.parse(&mut request(&format!("{{ a{n} }}")));
        }
        asked.parse(&mut request(&format!("{{ {} }}", "a ".repeat(LONGEST / 2))));
        asked.parse(&mut request("no GraphQL"));
        let kept = asked.texts();
        assert_eq!(kept.len(), TEXTS.get());
        assert!(kept.iter().all(|(text, _)| text.len() < 20 && text.starts_with('{')));
    }
}
