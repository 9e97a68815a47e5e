//! Tests of the read side: hand-made histories through a real log, sealed and opened, and what the views say of them.

mod agreement;
mod crashes;
mod deadlines;
mod digests;
mod erased;
mod figures;
mod following;
mod generated;
mod handling;
mod history;
mod past;
mod postgres;
mod promptness;
mod rebuilding;
mod registers;
mod savings;
mod searching;
mod visibility;
mod watched;
mod work;
