//! The schema: what can be asked, what can be done, what can be followed.

pub(crate) mod input;
pub(crate) mod labels;
mod mutation;
mod page;
mod query;
mod subscription;
pub(crate) mod types;

use std::{sync::Arc, time::Duration};

use async_graphql::{Schema, dataloader::DataLoader};

use crate::app::Services;
pub(crate) use types::{document::Documents, people::Directory};

pub(crate) type ApiSchema = Schema<query::Query, mutation::Mutation, subscription::Subscription>;

/// The schema over these services.
pub(crate) fn build(services: &Arc<Services>) -> ApiSchema {
    let settings = &services.settings;
    let (views, clock) = (&services.views, services.clock());
    let directory = Directory { views: views.clone(), clock: Arc::clone(clock) };
    let documents = Documents { views: views.clone(), clock: Arc::clone(clock), past: None };
    let (people, documents) = (together(directory), together(documents));
    plain()
        .limit_depth(settings.depth)
        .limit_complexity(settings.complexity)
        .data(Arc::clone(services))
        .data(people)
        .data(documents)
        .finish()
}

/// Loads at once what the fields of one level ask for: they ask before the loader has its turn, so it waits no longer.
pub(crate) fn together<T>(loader: T) -> Arc<DataLoader<T>> {
    Arc::new(DataLoader::new(loader, tokio::spawn).delay(Duration::ZERO))
}

fn plain() -> async_graphql::SchemaBuilder<query::Query, mutation::Mutation, subscription::Subscription> {
    Schema::build(query::Query::default(), mutation::Mutation::default(), subscription::Subscription)
}

/// The schema in its own language: what `graphql/schema.graphql` holds.
pub fn sdl() -> String {
    plain().finish().sdl_with_options(async_graphql::SDLExportOptions::new().sorted_fields().sorted_enum_items())
}

#[cfg(test)]
mod tests {
    use std::{
        collections::HashMap,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use async_graphql::dataloader::Loader;
    use async_trait::async_trait;
    use futures::future::join_all;

    use super::*;

    struct Counting(Arc<AtomicUsize>);

    #[async_trait]
    impl Loader<u32> for Counting {
        type Value = u32;
        type Error = ();

        async fn load(&self, keys: &[u32]) -> Result<HashMap<u32, u32>, ()> {
            self.0.fetch_add(1, Ordering::SeqCst);
            Ok(keys.iter().map(|key| (*key, 2 * key)).collect())
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_one_level_asks_for_is_loaded_at_once() {
        let loads = Arc::new(AtomicUsize::new(0));
        let loader = together(Counting(Arc::clone(&loads)));
        for round in 1..=20 {
            // As a list does with its items, in a task of its own.
            let loader = Arc::clone(&loader);
            let all = async move { join_all((0..100).map(|key| loader.load_one(key))).await };
            let found = tokio::spawn(all).await.unwrap();
            assert!(found.iter().zip(0..).all(|(value, key)| *value == Ok(Some(2 * key))));
            assert_eq!(loads.load(Ordering::SeqCst), round, "one look for each list");
        }
    }
}
