//! For logs of tests, which wrap another log and do one thing in their own way.

/// Methods of an [`EventLog`](crate::ledger::EventLog) that the log in a field answers:
/// `socai_domain::hand_on!(log: append, read, head);`
#[macro_export]
macro_rules! hand_on {
    ($log:tt: $($method:ident),+) => { $($crate::hand_on! { @$method $log })+ };
    (@append $log:tt) => {
        fn append(
            &self,
            append: $crate::ledger::Append,
        ) -> ::futures::future::BoxFuture<'static, Result<$crate::ledger::Appended, $crate::ledger::AppendError>> {
            self.$log.append(append)
        }
    };
    (@read $log:tt) => {
        fn read(
            &self,
            stream: $crate::ledger::StreamId,
            direction: $crate::ledger::Direction,
            from: Option<$crate::ledger::Revision>,
            limit: usize,
        ) -> ::futures::future::BoxFuture<'_, Result<Vec<$crate::ledger::Recorded>, $crate::ledger::ReadError>> {
            self.$log.read(stream, direction, from, limit)
        }
    };
    (@follow $log:tt) => {
        fn follow(
            &self,
            after: Option<$crate::ledger::Position>,
        ) -> ::futures::stream::BoxStream<'static, Result<$crate::ledger::Followed, $crate::ledger::ReadError>> {
            self.$log.follow(after)
        }
    };
    (@stood_at $log:tt) => {
        fn stood_at(
            &self,
            then: $crate::time::Timestamp,
        ) -> ::futures::future::BoxFuture<'_, Result<Option<$crate::ledger::Position>, $crate::ledger::ReadError>> {
            self.$log.stood_at(then)
        }
    };
    (@head $log:tt) => {
        fn head(
            &self,
        ) -> ::futures::future::BoxFuture<'_, Result<$crate::ledger::Head, $crate::ledger::ReadError>> {
            self.$log.head()
        }
    };
    (@is_shared $log:tt) => {
        fn is_shared(&self) -> bool {
            self.$log.is_shared()
        }
    };
    (@ledger $log:tt) => {
        fn ledger(&self) -> $crate::ledger::LedgerId {
            self.$log.ledger()
        }
    };
    (@engine $log:tt) => {
        fn engine(&self) -> &'static str {
            self.$log.engine()
        }
    };
}
