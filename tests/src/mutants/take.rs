//! How the wrong engine appends.

use futures::future::BoxFuture;
use socai_domain::ledger::{
    Append, AppendError, Appended, RecordHash, Revision, SealedRecord, StreamId,
    log::{Stamp, chain_head},
    record::MAX_RECORD_LEN,
};

use super::{
    Fault,
    engine::{Shared, WrongLog},
};

const MAX_APPEND: usize = 100;

/// A call, from its being made to its answer.
struct Call {
    log: WrongLog,
    append: Append,
    answer: Option<Result<Appended, AppendError>>,
    /// Polled: somebody waited for it.
    waited_for: bool,
}

pub(super) fn append(log: &WrongLog, append: Append) -> BoxFuture<'static, Result<Appended, AppendError>> {
    begin_group(log, append.stream);
    let mut call = Call { log: log.clone(), append, answer: None, waited_for: false };
    if !log.is(Fault::TakesWhenWaitedFor) {
        call.answer = Some(take(log, &call.append));
    }
    Box::pin(async move {
        call.waited_for = true;
        let answer = call.answer.clone();
        answer.unwrap_or_else(|| take(&call.log, &call.append))
    })
}

impl Drop for Call {
    fn drop(&mut self) {
        end_group(&self.log, self.append.stream);
        if !self.waited_for && self.log.is(Fault::TakesWhenWaitedFor) {
            // Nobody waits for the answer, whatever it is.
            let _ = take(&self.log, &self.append);
        }
        if !self.waited_for && self.log.is(Fault::TakesBackWhatWasDropped) {
            self.log.cut(self.append.drafts.len());
        }
    }
}

fn begin_group(log: &WrongLog, stream: StreamId) {
    let mut shared = log.lock();
    let len = shared.streams.get(&stream).map_or(0, Vec::len);
    shared.groups.entry(stream).or_insert((0, len)).0 += 1;
}

fn end_group(log: &WrongLog, stream: StreamId) {
    let mut shared = log.lock();
    if let Some(group) = shared.groups.get_mut(&stream) {
        group.0 -= 1;
        if group.0 == 0 {
            shared.groups.remove(&stream);
        }
    }
}

fn take(log: &WrongLog, given: &Append) -> Result<Appended, AppendError> {
    let mut append = given.clone();
    if log.is(Fault::SwapsOrganAndPerson) {
        append.drafts.iter_mut().for_each(|draft| std::mem::swap(&mut draft.organ, &mut draft.person));
    }
    check_count(log, &append)?;
    let mut too_large = check_size(log, &append);
    if log.is(Fault::WritesBeforeItChecks)
        && too_large.is_some()
        && let Some(fits) = append.drafts.iter().position(|draft| draft.record_len() > MAX_RECORD_LEN)
    {
        append.drafts.truncate(fits);
    } else if let Some(too_large) = too_large.take() {
        return Err(too_large);
    }
    let mut shared = log.lock();
    let places = shared.streams.get(&log.key(append.stream)).cloned().unwrap_or_default();
    let next = usize::try_from(append.expected.next().number()).unwrap_or(usize::MAX);
    let grouped = shared.groups.get(&append.stream).map_or(places.len(), |(_, before)| *before);
    let right = next == places.len()
        || (log.is(Fault::TakesOneBeyond) && next == places.len() + 1)
        || (log.is(Fault::ChecksOncePerGroup) && (grouped..=places.len()).contains(&next));
    if !right {
        return elsewhere(log, &shared, &append, &places, next);
    }
    let appended = write(log, &mut shared, &append, &places)?;
    too_large.map_or(Ok(appended), Err)
}

fn check_count(log: &WrongLog, append: &Append) -> Result<(), AppendError> {
    let count = append.drafts.len();
    let least = usize::from(!log.is(Fault::TakesNothing));
    let most = MAX_APPEND + usize::from(log.is(Fault::TakesOneTooMany));
    if (least..=most).contains(&count) { Ok(()) } else { Err(AppendError::Count { count, max: MAX_APPEND }) }
}

fn check_size(log: &WrongLog, append: &Append) -> Option<AppendError> {
    let mut len = append.drafts.iter().map(socai_domain::ledger::Draft::record_len).max().unwrap_or_default();
    let max = MAX_RECORD_LEN - usize::from(log.is(Fault::OneByteLess));
    let fits = len <= max;
    if log.is(Fault::MeasuresTheBody) {
        len -= socai_domain::ledger::record::HEADER_LEN;
    }
    (!fits).then_some(AppendError::TooLarge { len, max })
}

/// The stream stands elsewhere: a reissue or a conflict.
fn elsewhere(
    log: &WrongLog,
    shared: &Shared,
    append: &Append,
    places: &[usize],
    next: usize,
) -> Result<Appended, AppendError> {
    let end = next.saturating_add(append.drafts.len());
    let before = places.get(next..end).unwrap_or_default();
    let compared = if log.is(Fault::ComparesTheFirstEventOnly) { 1 } else { append.drafts.len() };
    let same = before.len() == append.drafts.len()
        && append.drafts.iter().zip(before).take(compared).all(|(draft, &index)| draft.became(&shared.records[index]))
        && !(log.is(Fault::ForgetsOlderAppends) && end < places.len());
    if same {
        let stamps = before.iter().map(|&index| stamp(log, shared, index)).collect();
        Ok(Appended { stamps, repeated: !log.is(Fault::HidesThatItIsARepetition) })
    } else {
        let count = places.len() as u64;
        let actual = if log.is(Fault::SaysHowManyInsteadOfWhere) { Some(count) } else { count.checked_sub(1) };
        Err(AppendError::Conflict { stream: append.stream, actual: actual.map(Revision::new) })
    }
}

fn write(log: &WrongLog, shared: &mut Shared, append: &Append, places: &[usize]) -> Result<Appended, AppendError> {
    let last = match places.last() {
        _ if log.is(Fault::KeepsTimeByStream) => places.last().map(|&index| shared.records[index].header().recorded),
        _ => Some(shared.recorded),
    };
    let recorded = log.clock.now().max(last.unwrap_or_default());
    let mut previous = match places.last() {
        Some(_) if log.is(Fault::ChainsAlongTheLog) => shared.records[shared.records.len() - 1].hash(),
        Some(&index) => shared.records[index].hash(),
        None if log.is(Fault::BeginsWithZero) => RecordHash([0; 32]),
        None => RecordHash::genesis(socai_domain::ledger::EventLog::ledger(log), append.stream),
    };
    let mut stamps = Vec::with_capacity(append.drafts.len());
    for draft in &append.drafts {
        let mut bytes = Vec::new();
        let revision = Revision::new((places.len() + stamps.len()) as u64);
        previous = draft.stamp(append.stream, revision, recorded, previous, &mut bytes);
        let index = shared.records.len();
        shared.records.push(SealedRecord::from_bytes(bytes).map_err(|error| AppendError::Corrupt(error.to_string()))?);
        shared.streams.entry(log.key(append.stream)).or_default().push(index);
        stamps.push(stamp(log, shared, index));
    }
    shared.recorded = recorded;
    shared.appends += 1;
    let hashes: Vec<RecordHash> = stamps.iter().map(|stamp| stamp.hash).collect();
    let before = shared.head.filter(|_| !log.is(Fault::ForgetsEarlierBatches));
    let batch = if log.is(Fault::ForgetsEarlierBatches) { &[][..] } else { &hashes };
    shared.head = Some(chain_head(socai_domain::ledger::EventLog::ledger(log), before, batch));
    for waiting in shared.waiting.drain(..) {
        // A follower that went away is not told.
        let _ = waiting.send(());
    }
    Ok(Appended { stamps, repeated: false })
}

fn stamp(log: &WrongLog, shared: &Shared, index: usize) -> Stamp {
    let record = &shared.records[index];
    let header = record.header();
    let hash = if log.is(Fault::StampsThePredecessor) { header.previous } else { record.hash() };
    Stamp { position: log.position(index), revision: header.revision, recorded: header.recorded, hash }
}
