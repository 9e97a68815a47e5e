//! Things in memory, as the tables have them and as they are by now. What is not changed is shared, not copied.

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
    sync::Arc,
};

use crate::out::Out;

/// A thing that rows are made of.
pub(crate) trait Thing: Clone + Send + Sync + 'static {
    /// Its rows in all read models.
    fn rows(&self, out: &mut Out);

    /// The order in which its rows stand in the tables.
    fn place(&self) -> (i64, u32);

    /// About how many bytes of memory it takes.
    fn weight(&self) -> usize;

    /// Will it change again soon? Then it is kept rather than others.
    fn goes_on(&self) -> bool {
        true
    }
}

/// What of that which may differ from the tables is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Take {
    /// All.
    All,
    /// What has ended: it will hardly change again, and need not be kept until then.
    Ended,
}

/// What the tables have of a thing, and what they are to have.
pub(crate) struct Change<T> {
    pub(crate) stored: Option<Arc<T>>,
    pub(crate) now: Arc<T>,
}

struct Cached<T> {
    stored: Option<Arc<T>>,
    now: Arc<T>,
    /// In which turn it was last wanted.
    used: u64,
    weight: usize,
}

impl<T: Thing> Cached<T> {
    fn weigh(&mut self) -> usize {
        let shared = self.stored.as_ref().is_none_or(|stored| Arc::ptr_eq(stored, &self.now));
        self.weight = self.now.weight() * if shared { 1 } else { 2 };
        self.weight
    }
}

/// Things of one kind.
pub(crate) struct Cache<K, T> {
    things: HashMap<K, Cached<T>>,
    /// What may differ from the tables.
    touched: HashSet<K>,
    /// Counts commits.
    turn: u64,
    weight: usize,
    /// Of what may differ from the tables.
    unwritten: usize,
}

impl<K, T> Default for Cache<K, T> {
    fn default() -> Self {
        Self { things: HashMap::new(), touched: HashSet::new(), turn: 0, weight: 0, unwritten: 0 }
    }
}

impl<K: Hash + Eq + Copy, T: Thing> Cache<K, T> {
    pub(crate) fn has(&self, key: K) -> bool {
        self.things.contains_key(&key)
    }

    /// Takes in a thing as the tables have it; if they do not, `otherwise`.
    pub(crate) fn put(&mut self, key: K, stored: Option<T>, otherwise: impl FnOnce() -> T) {
        let stored = stored.map(Arc::new);
        let now = stored.clone().unwrap_or_else(|| Arc::new(otherwise()));
        let mut cached = Cached { stored, now, used: self.turn, weight: 0 };
        self.weight += cached.weigh();
        if let Some(before) = self.things.insert(key, cached) {
            self.weight -= before.weight;
        }
    }

    /// To be looked at.
    pub(crate) fn look(&self, key: K) -> Option<&Arc<T>> {
        self.things.get(&key).map(|cached| &cached.now)
    }

    /// To be changed.
    pub(crate) fn get(&mut self, key: K) -> Option<&mut T> {
        let cached = self.things.get_mut(&key)?;
        // As it was left the last time.
        let (before, now) = (cached.weight, cached.weigh());
        self.weight = self.weight - before + now;
        self.unwritten += if self.touched.insert(key) { now } else { now.saturating_sub(before) };
        cached.used = self.turn;
        Some(Arc::make_mut(&mut cached.now))
    }

    /// Changes it, if the change says that it is another thing then.
    pub(crate) fn change_if(&mut self, key: K, change: impl FnOnce(&mut T) -> bool) {
        let Some(now) = self.look(key) else { return };
        let mut changed = T::clone(now);
        if change(&mut changed)
            && let Some(now) = self.get(key)
        {
            *now = changed;
        }
    }

    /// Those of which this holds.
    pub(crate) fn those(&self, wanted: impl Fn(&T) -> bool) -> Vec<K> {
        self.things.iter().filter(|(_, cached)| wanted(&cached.now)).map(|(key, _)| *key).collect()
    }

    /// What may differ from the tables. From now on it counts as written.
    pub(crate) fn take_changes(&mut self, which: Take) -> Vec<Change<T>> {
        self.turn += 1;
        let mut changes = Vec::with_capacity(self.touched.len());
        self.touched.retain(|key| {
            let Some(cached) = self.things.get_mut(key) else { return false };
            if which == Take::Ended && cached.now.goes_on() {
                return true;
            }
            let stored = cached.stored.replace(Arc::clone(&cached.now));
            changes.push(Change { stored, now: Arc::clone(&cached.now) });
            self.weight = self.weight - cached.weight + cached.weigh();
            false
        });
        self.unwritten = self.touched.iter().filter_map(|key| self.things.get(key)).map(|cached| cached.weight).sum();
        changes
    }

    /// About how many bytes those take that may differ from the tables.
    pub(crate) fn unwritten(&self) -> usize {
        self.unwritten
    }

    /// Forgets what the tables have as well, until no more than `most` bytes are left: first what has ended, and of that and
    /// the rest what was not wanted for longest. Nothing may be on its way to the tables.
    pub(crate) fn forget(&mut self, most: usize) {
        if self.weight <= most {
            return;
        }
        let may_go = self.things.iter().filter(|(key, _)| !self.touched.contains(key));
        let mut going: Vec<_> = may_go.map(|(key, cached)| (cached.now.goes_on(), cached.used, *key)).collect();
        going.sort_unstable_by_key(|(goes_on, used, _)| (*goes_on, *used));
        // Some more than needed, so that it is not done again at once.
        for (_, _, key) in going {
            if self.weight <= most / 4 * 3 {
                break;
            }
            self.weight -= self.things.remove(&key).map_or(0, |gone| gone.weight);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, PartialEq, Debug)]
    struct Sack(usize, bool);

    impl Thing for Sack {
        fn rows(&self, _: &mut Out) {}

        fn place(&self) -> (i64, u32) {
            (0, 0)
        }

        fn weight(&self) -> usize {
            self.0
        }

        fn goes_on(&self) -> bool {
            self.1
        }
    }

    fn put(cache: &mut Cache<u32, Sack>, key: u32, weight: usize, goes_on: bool) {
        cache.put(key, None, || Sack(weight, goes_on));
        cache.get(key);
    }

    #[test]
    fn what_changed_is_taken_once_and_what_did_not_is_shared() {
        let mut cache = Cache::default();
        put(&mut cache, 1, 10, true);
        cache.put(2, Some(Sack(20, true)), || Sack(0, true));
        assert_eq!((cache.weight, cache.unwritten()), (30, 10), "the other is as the tables have it");
        cache.get(2).unwrap().0 = 25;
        let changes = cache.take_changes(Take::All);
        let mut taken: Vec<_> =
            changes.iter().map(|change| (change.stored.as_deref().cloned(), change.now.0)).collect();
        taken.sort_by_key(|(_, now)| *now);
        assert_eq!(taken, [(None, 10), (Some(Sack(20, true)), 25)]);
        assert_eq!((cache.weight, cache.unwritten(), cache.take_changes(Take::All).len()), (35, 0, 0));
        // What is on its way to the tables is not changed by what comes after it.
        cache.get(2).unwrap().0 = 70;
        assert_eq!(changes.iter().map(|change| change.now.0).max(), Some(25));
        cache.get(2);
        assert_eq!(cache.weight, 10 + 2 * 70, "as the tables have it and as it is");
        assert_eq!(cache.take_changes(Take::All)[0].stored.as_deref(), Some(&Sack(25, true)));
        assert_eq!(cache.weight, 80);
    }

    #[test]
    fn what_goes_on_can_wait() {
        let mut cache = Cache::default();
        put(&mut cache, 1, 10, true);
        put(&mut cache, 2, 20, false);
        let taken: Vec<_> = cache.take_changes(Take::Ended).iter().map(|change| change.now.0).collect();
        assert_eq!((taken, cache.unwritten(), cache.weight), (vec![20], 10, 30));
        let taken: Vec<_> = cache.take_changes(Take::All).iter().map(|change| change.now.0).collect();
        assert_eq!((taken, cache.unwritten()), (vec![10], 0));
    }

    #[test]
    fn a_change_that_changes_nothing_is_none() {
        let mut cache = Cache::default();
        cache.put(1, Some(Sack(10, true)), || Sack(0, true));
        cache.change_if(1, |sack| {
            sack.0 = 99;
            false
        });
        assert_eq!((cache.look(1).unwrap().0, cache.take_changes(Take::All).len()), (10, 0));
        cache.change_if(1, |sack| {
            sack.0 = 11;
            true
        });
        cache.change_if(2, |_| true);
        assert_eq!((cache.look(1).unwrap().0, cache.take_changes(Take::All).len()), (11, 1));
    }

    #[test]
    fn what_ended_goes_first_and_what_is_not_written_stays() {
        let mut cache = Cache::default();
        for (key, goes_on) in [(1, true), (2, false), (3, true), (4, false)] {
            put(&mut cache, key, 10, goes_on);
            cache.take_changes(Take::All);
        }
        put(&mut cache, 5, 10, false);
        let left = |cache: &Cache<u32, Sack>| (1..=5).filter(|key| cache.has(*key)).collect::<Vec<_>>();
        cache.forget(50);
        assert_eq!(left(&cache), [1, 2, 3, 4, 5], "there is room for all");
        cache.forget(48);
        assert_eq!(left(&cache), [1, 3, 5], "36 bytes is what is left free");
        cache.forget(24);
        assert_eq!(left(&cache), [5], "the rest, the oldest first");
        cache.forget(0);
        assert_eq!((left(&cache), cache.weight), (vec![5], 10));
    }
}
