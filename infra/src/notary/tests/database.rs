//! The store in a database: connections cut at every write, a server that crashes, a second notary, changed rows.

use std::sync::Arc;

use socai_domain::proof::TreeHead;
use socai_projections::PostgresUrl;

use super::{
    super::{
        Beside, Notary, NotaryError,
        beside::{has_signed, signed_size},
        postgres::PostgresStore,
        store::{Column, NotaryStore, Piece, StoreError, Text},
    },
    finding::filled,
    key, leaves, place,
    power::{STEPS, Shown, whole},
    record, root,
};
use crate::{
    clock::SystemClock,
    config::Location,
    postgres::testing::{Cut, Proxy, Server},
};

/// How the store is opened.
type Open = fn(&PostgresUrl) -> Result<Arc<dyn NotaryStore>, StoreError>;

fn right(address: &PostgresUrl) -> Result<Arc<dyn NotaryStore>, StoreError> {
    Ok(Arc::new(PostgresStore::open(address)?))
}

/// A store that swaps the checkpoint before it stages what that covers.
#[derive(Debug)]
struct Late(PostgresStore, std::sync::Mutex<Vec<(Column, u64, Vec<u8>)>>);

impl NotaryStore for Late {
    fn load(&self) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.load()
    }

    fn stage(&self, pieces: &[Piece<'_>]) -> Result<(), StoreError> {
        let owed = pieces.iter().map(|piece| (piece.column, piece.first, piece.bytes.to_vec()));
        self.1.lock().unwrap().extend(owed);
        Ok(())
    }

    fn swap(&self, before: Option<&[u8]>, after: &[u8]) -> Result<(), StoreError> {
        self.0.swap(before, after)?;
        let owed = std::mem::take(&mut *self.1.lock().unwrap());
        let piece = |(column, first, bytes): &(Column, u64, Vec<u8>)| {
            self.0.stage(&[Piece { column: *column, first: *first, bytes }])
        };
        owed.iter().try_for_each(piece)
    }

    fn read(&self, column: Column, first: u64, count: usize) -> Result<Vec<u8>, StoreError> {
        self.0.read(column, first, count)
    }

    fn text(&self, text: Text) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.text(text)
    }

    fn keep(&self, text: Text, bytes: &[u8]) -> Result<(), StoreError> {
        self.0.keep(text, bytes)
    }
}

fn late(address: &PostgresUrl) -> Result<Arc<dyn NotaryStore>, StoreError> {
    Ok(Arc::new(Late(PostgresStore::open(address)?, std::sync::Mutex::default())))
}

fn on(store: Arc<dyn NotaryStore>, records: u64) -> Result<Notary, NotaryError> {
    Notary::on(store, None, key(), 60, records, Arc::new(SystemClock))
}

/// Of so many leaves one is looked for: each takes several questions to the server.
const SOME: usize = 29;

/// Opens; after a fault, the operator tries again.
fn open(how: Open, address: &PostgresUrl, shown: &Shown) -> Result<Notary, String> {
    let mut last = String::new();
    for _ in 0..8 {
        match how(address).map_err(NotaryError::from).and_then(|store| on(store, shown.last())) {
            Ok(notary) => return Ok(notary),
            Err(error) if error.may_pass() => last = error.to_string(),
            Err(error) => return Err(error.to_string()),
        }
        assert!(!last.contains("geheim"), "{last}");
    }
    Err(format!("the store does not open any more: {last}"))
}

/// A life of the notary: two runs, with a text that is kept.
fn live(how: Open, address: &PostgresUrl, shown: &mut Shown) -> Result<(), String> {
    for run in 0..2 {
        let notary = open(how, address, shown)?;
        let (mut step, end) = [(0, 4), (4, STEPS.len())][run];
        let (mut loaded, mut tries) = (None, 0);
        while step < end {
            let size = STEPS[..=step].iter().sum::<u64>();
            let done = (|| {
                let (mut tree, before) = match loaded.take() {
                    Some(loaded) => loaded,
                    None => notary.load()?,
                };
                // It may be there already, where the answer was not heard.
                tree.append(&leaves(tree.size()..size.max(tree.size())))?;
                let note = notary.commit(&mut tree, before.as_deref().map(str::as_bytes))?;
                notary.0.store.keep(Text::Cosigned, note.as_bytes())?;
                Ok::<_, NotaryError>((tree, Some(note)))
            })();
            if let Some(head) = notary.committed().map(|committed| committed.head) {
                shown.0.push(head);
            }
            match done {
                Ok(done) => (loaded, step) = (Some(done), step + 1),
                Err(error) if error.may_pass() && tries < 40 => tries += 1,
                Err(error) => return Err(error.to_string()),
            }
        }
    }
    Ok(())
}

/// Everything is there, for another notary, and for who only reads; and it goes on.
fn afterwards(server: &Server, shown: &Shown) -> Result<(), String> {
    let address = server.address();
    let notary = open(right, &address, shown)?;
    whole(&notary, shown, SOME)?;
    let at = Location::Postgres(address);
    let told = |error: &dyn ToString| error.to_string();
    let beside = Beside::open_with(&at, key().public().clone()).map_err(|error| told(&error))?;
    let cosigned = beside.cosigned().map_err(|error| told(&error))?.ok_or("the text is gone")?;
    if beside.head().size != shown.last() || cosigned.head() != beside.head() {
        return Err(format!("{} leaves are found by who only reads", beside.head().size));
    }
    let (mut tree, before) = notary.load().map_err(|error| told(&error))?;
    tree.append(&leaves(tree.size()..tree.size() + 20)).map_err(|error| told(&error))?;
    notary.commit(&mut tree, before.as_deref().map(str::as_bytes)).map_err(|error| told(&error))?;
    whole(&notary, &Shown(vec![TreeHead { size: tree.size(), root: root(tree.size()) }]), SOME)
}

/// Tries these faults at every step of a writing session; the first thing that is wrong, or how many rows there were.
fn everywhere(server: &Server, how: Open, cuts: &[Cut], every: usize) -> Result<usize, String> {
    let proxy = Proxy::start(server, "advisory_lock");
    let (address, mut shown) = (proxy.address(), Shown::default());
    live(how, &address, &mut shown)?;
    let (steps, mut rows) = (proxy.steps(), 0);
    for at in (0..steps).step_by(every) {
        for &cut in cuts {
            server.run("DROP SCHEMA IF EXISTS socai_notary CASCADE");
            proxy.plan(Some((at, cut)));
            let told = |what: String| format!("{cut:?} at {at}: {what}");
            let mut shown = Shown::default();
            live(how, &address, &mut shown).map_err(told)?;
            assert!(proxy.has_struck(), "{cut:?} at {at} of {steps}");
            proxy.plan(None);
            afterwards(server, &shown).map_err(told)?;
            rows += 1;
        }
    }
    Ok(rows)
}

#[test]
fn a_connection_may_be_cut_at_every_write() {
    let server = Server::start();
    let rows = everywhere(&server, right, &[Cut::Before, Cut::After], 1).unwrap();
    assert!(rows > 60, "{rows}");
}

#[test]
fn the_server_may_crash_at_any_write() {
    let every = if std::env::var_os("SOCAI_LONG").is_some() { 1 } else { 9 };
    let rows = everywhere(&Server::start(), right, &[Cut::Crash], every).unwrap();
    assert!(rows > 3, "{rows}");
}

#[test]
fn a_store_that_swaps_before_it_stages_is_caught() {
    let server = Server::start();
    let caught = everywhere(&server, late, &[Cut::Before, Cut::After], 1);
    assert!(caught.is_err(), "nobody noticed");
}

/// The lock is lost unnoticed, as behind a pooler of connections: the fence holds.
#[test]
fn who_was_replaced_writes_nothing_any_more() {
    let server = Server::start();
    let address = server.address();
    let one = filled(Location::Postgres(address.clone()), 300);
    let (mut tree, before) = one.load().unwrap();
    tree.append(&leaves(300..310)).unwrap();
    tree.stage().unwrap();
    // Its session goes on, and has the lock no more.
    let of_notary = "FROM pg_locks WHERE locktype = 'advisory'";
    server.run(&format!("SELECT pg_terminate_backend(pid) {of_notary}"));
    let error = one.commit(&mut tree, before.as_deref().map(str::as_bytes)).unwrap_err();
    assert!(error.may_pass(), "{error}");
    let (mut tree, before) = one.load().unwrap();
    assert_eq!(tree.size(), 300);
    let before = before.as_deref().map(str::as_bytes);

    // Another one loads, though the lock is taken: as if that were lost.
    server.run("UPDATE socai_notary.checkpoint SET holder = 'another'");
    tree.append(&leaves(300..320)).unwrap();
    let moved = |error: NotaryError| {
        assert!(matches!(error, NotaryError::Store(StoreError::Moved(_))) && !error.may_pass(), "{error}");
    };
    moved(tree.stage().unwrap_err().into());
    moved(one.0.store.swap(before, b"note").unwrap_err().into());
    moved(one.0.store.keep(Text::PublicKey, b"key").unwrap_err().into());
    // Who has the right to write, but remembers another checkpoint.
    let (_, before) = one.load().unwrap();
    moved(one.0.store.swap(Some(b"other"), b"note").unwrap_err().into());
    moved(one.0.store.swap(None, b"note").unwrap_err().into());
    let (mut tree, again) = one.load().unwrap();
    assert_eq!((tree.size(), &again), (300, &before));
    tree.append(&leaves(300..310)).unwrap();
    one.commit(&mut tree, again.as_deref().map(str::as_bytes)).unwrap();
    whole(&one, &Shown::default(), 1).unwrap();
}

/// The second one is there when the first has ended, and the first does not come back beside it.
#[test]
fn a_notary_whose_session_ended_waits_for_who_took_over() {
    let server = Server::start();
    let at = Location::Postgres(server.address());
    let one = filled(&at, 300);
    let proxy = Proxy::start(&server, "advisory_lock");
    let other = PostgresStore::open(&proxy.address()).unwrap_err();
    assert!(matches!(&other, StoreError::InUse(name) if !name.contains("geheim")), "{other}");
    server.run("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'");
    let other = on(right(&proxy.address()).unwrap(), 300).unwrap();
    let (mut tree, before) = other.load().unwrap();
    tree.append(&leaves(300..350)).unwrap();
    other.commit(&mut tree, before.as_deref().map(str::as_bytes)).unwrap();

    // Its first write finds that the session ended; then somebody else has the lock.
    assert!(one.0.store.keep(Text::PublicKey, b"key").unwrap_err().may_pass());
    let error = one.load().unwrap_err();
    assert!(error.may_pass() && error.to_string().contains("another session"), "{error}");
    drop((other, tree));
    let (tree, _) = one.load().unwrap();
    assert_eq!(tree.size(), 350);
    whole(&one, &Shown::default(), 1).unwrap();
}

#[test]
fn a_server_that_is_gone_is_an_error_that_may_pass() {
    let server = Server::start();
    let at = Location::Postgres(server.address());
    assert_eq!((signed_size(&at), has_signed(&at)), (Ok(0), Ok(false)), "nothing is made by who only looks");
    let notary = filled(&at, 300);
    assert_eq!((signed_size(&at), has_signed(&at)), (Ok(300), Ok(true)));
    server.cluster.stop().unwrap();
    for error in [
        notary.load().map(drop).unwrap_err().to_string(),
        signed_size(&at).unwrap_err().to_string(),
        notary.0.store.read(Column::Entries, 0, 1).unwrap_err().to_string(),
        Notary::open(&at, key(), 60, 300, Arc::new(SystemClock)).unwrap_err().to_string(),
    ] {
        assert!(error.contains("cannot be used now") && error.contains("postgres://"), "{error}");
    }
    server.cluster.restart("").unwrap();
    assert_eq!(notary.load().unwrap().0.size(), 300);
    whole(&notary, &Shown::default(), 1).unwrap();
}

/// Held against the log, a changed row is named; one that is missing is damage.
#[test]
fn what_was_changed_is_found() {
    const SIZE: u64 = 600;
    let server = Server::start();
    let at = Location::Postgres(server.address());
    drop(filled(&at, SIZE));
    let compared = || {
        let beside = Beside::open_with(&at, key().public().clone()).unwrap();
        let mut comparison = beside.compare().unwrap();
        comparison.add((0..SIZE).map(|number| (record(number), place(number)))).unwrap();
        let found = comparison.end().unwrap();
        found.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(compared(), [""; 0]);
    for (name, number, byte, item) in
        [("entries", 1, 64, 258), ("tiles-1", 0, 40, 1), ("positions", 0, 1023, 127), ("ids", 0, 4_000, 250)]
    {
        let flip = format!(
            "UPDATE socai_notary.piece SET bytes = set_byte(bytes, {byte}, get_byte(bytes, {byte}) # 1)
             WHERE name = '{name}' AND number = {number}"
        );
        server.run(&flip);
        assert_eq!(compared(), [format!("item {item} of {name}")]);
        server.run(&flip);
        server.run(&format!("CREATE TABLE kept AS SELECT * FROM socai_notary.piece WHERE name = '{name}'"));
        for gone in [
            format!("DELETE FROM socai_notary.piece WHERE name = '{name}' AND number = {number}"),
            format!(
                "UPDATE socai_notary.piece SET bytes = substr(bytes, 1, octet_length(bytes) - 1) WHERE name = '{name}'"
            ),
        ] {
            server.run(&gone);
            assert_eq!(compared().len(), 1, "{gone}");
            let notary = Notary::open(&at, key(), 60, SIZE, Arc::new(SystemClock)).unwrap();
            let error = whole(&notary, &Shown::default(), 1).unwrap_err();
            assert!(error.contains("restore the notary's store"), "{gone}: {error}");
            drop(notary);
            server.run(&format!("DELETE FROM socai_notary.piece WHERE name = '{name}'"));
            server.run("INSERT INTO socai_notary.piece SELECT * FROM kept");
        }
        server.run("DROP TABLE kept");
    }
    assert_eq!(compared(), [""; 0]);
    // A tail that is missing is not written over.
    let notary = Notary::open(&at, key(), 60, SIZE, Arc::new(SystemClock)).unwrap();
    let (mut tree, _) = notary.load().unwrap();
    server.run("DELETE FROM socai_notary.piece WHERE name = 'entries' AND number = 2");
    tree.append(&leaves(SIZE..SIZE + 1)).unwrap();
    assert!(matches!(tree.stage(), Err(StoreError::Damaged(_))));
}
