//! The schema: what can be asked, what can be done, what can be followed.

pub(crate) mod input;
pub(crate) mod labels;
mod mutation;
mod page;
mod query;
mod subscription;
pub(crate) mod types;

use std::sync::Arc;

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
    let people = Arc::new(DataLoader::new(directory, tokio::spawn));
    let documents = Arc::new(DataLoader::new(documents, tokio::spawn));
    plain()
        .limit_depth(settings.depth)
        .limit_complexity(settings.complexity)
        .data(Arc::clone(services))
        .data(people)
        .data(documents)
        .finish()
}

fn plain() -> async_graphql::SchemaBuilder<query::Query, mutation::Mutation, subscription::Subscription> {
    Schema::build(query::Query::default(), mutation::Mutation::default(), subscription::Subscription)
}

/// The schema in its own language: what `graphql/schema.graphql` holds.
pub fn sdl() -> String {
    plain().finish().sdl_with_options(async_graphql::SDLExportOptions::new().sorted_fields().sorted_enum_items())
}
