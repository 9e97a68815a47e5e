//! The API as `socai serve` has it, but that a person may ask as often as they like.

use std::sync::Arc;

use socai::{app::App, ports::BlobFiles};
use socai_graphql::{Services, Settings, files::Tickets, token::Verifier};

pub(crate) fn api(app: &App, public: &str) -> socai_graphql::App {
    socai_graphql::App::new(Services {
        handler: app.handler.clone(),
        views: app.views.clone(),
        verifier: Verifier::from_pem(public).expect("it is a key"),
        files: Arc::new(BlobFiles::new(Arc::clone(&app.blobs))),
        tickets: Tickets::new(b"a bench"),
        notary: Arc::new(app.notary.clone()),
        witness: None,
        following: app.following(),
        followers: app.followers(),
        metrics: None,
        settings: Settings { rate: 1e9, burst: u32::MAX, ..Settings::default() },
    })
}
