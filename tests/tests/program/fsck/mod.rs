//! `socai fsck`: a whole data directory is whole, also under load; whatever is changed is named by its layer.

mod backups;
mod changed;
mod cluster;
mod live;
mod whole;
mod world;
