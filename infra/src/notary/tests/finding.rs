//! What is kept is found, proved, and never told when it is damaged.

use std::{collections::BTreeMap, fs, sync::Arc};

use socai_domain::{
    ledger::{LedgerId, Position, RecordId},
    proof::{
        Checkpoint, Frontier, Node, Note, Tile, TileKind, TreeHash, TreeHead, bundle, consistency, inclusion,
        leaf_hash, policy::Policy, tlog_proof::TlogProof,
    },
};
use socai_graphql::notary::{self as api, Notary as _, Proof, Wanted};
use uuid::Uuid;

use super::{
    super::{
        Beside, Notary, NotaryError, Voice,
        store::{Column, StoreError},
    },
    RECORDS, everywhere, key, leaves, place, record, root,
};
use crate::{clock::SystemClock, config::Location};

fn at(at: impl Into<Location>, records: u64) -> Result<Notary, NotaryError> {
    Notary::open(at, key(), 60, records, Arc::new(SystemClock))
}

/// A store of so many records, in two commits.
pub(super) fn filled(store: impl Into<Location>, size: u64) -> Notary {
    let notary = at(store, 0).unwrap();
    let (mut tree, before) = notary.load().unwrap();
    tree.append(&leaves(0..size / 2)).unwrap();
    let before = notary.commit(&mut tree, before.as_deref().map(str::as_bytes)).unwrap();
    tree.append(&leaves(size / 2..size)).unwrap();
    notary.commit(&mut tree, Some(before.as_bytes())).unwrap();
    notary
}

fn position(place: u64) -> Position {
    Position::new(LedgerId(Uuid::from_u128(7)), 1, place)
}

/// Every full node of the tests' tree.
fn nodes(size: u64) -> BTreeMap<Node, TreeHash> {
    let (mut frontier, mut nodes) = (Frontier::new(), BTreeMap::new());
    for number in 0..size {
        frontier.append_telling(leaf_hash(&record(number)), |node, hash| {
            nodes.insert(node, hash);
        });
    }
    nodes
}

#[tokio::test]
async fn every_record_is_proved_by_id_and_by_place() {
    for place in everywhere() {
        proved(place.at()).await;
    }
}

async fn proved(store: Location) {
    let notary = filled(&store, RECORDS);
    let policy = Policy::new(key().public().clone(), Vec::new(), 0).unwrap();
    for leaf in (0..RECORDS).step_by(37).chain([255, 256, 257, 511, 512, RECORDS - 1]) {
        let by_id = notary.prove(Wanted::Record(record(leaf).id())).await.unwrap();
        assert_eq!(by_id, notary.prove(Wanted::At(position(place(leaf)))).await.unwrap());
        let Proof::Covered { index, size, text } = by_id else { panic!("{leaf}: {by_id:?}") };
        assert_eq!((index, size), (leaf, RECORDS));
        let proof = TlogProof::parse(text.as_bytes()).unwrap();
        assert_eq!(proof.verify(record(leaf), &policy).unwrap().index, leaf);
        assert!(proof.verify(record(leaf + 1), &policy).is_err());
    }
    let absent = [Wanted::Record(RecordId(Uuid::from_u128(1))), Wanted::At(position(2)), Wanted::At(position(1 << 40))];
    for wanted in absent {
        assert_eq!(notary.prove(wanted).await, Ok(Proof::Unknown), "{wanted:?}");
    }
    let places = vec![position(place(3)), position(place(RECORDS)), position(place(RECORDS - 1))];
    assert_eq!(notary.leaves(places).await, Ok(vec![Some(3), None, Some(RECORDS - 1)]));
}

#[tokio::test]
async fn what_is_staged_but_not_committed_is_not_covered_yet() {
    for place in everywhere() {
        staged(place.at()).await;
    }
}

async fn staged(store: Location) {
    let notary = filled(&store, 300);
    let (mut tree, _) = notary.load().unwrap();
    tree.append(&leaves(300..RECORDS)).unwrap();
    tree.stage().unwrap();
    for leaf in [300, 512, 767, RECORDS - 1] {
        let proof = notary.prove(Wanted::Record(record(leaf).id())).await.unwrap();
        assert!(matches!(proof, Proof::NotYet { .. }), "{leaf}: {proof:?}");
        assert_eq!(notary.prove(Wanted::At(position(place(leaf)))).await, Ok(Proof::Unknown));
    }
    assert_eq!(notary.standing().signed.unwrap().size, 300);
    assert_eq!(notary.signed(301).await, Ok(None));
}

#[tokio::test]
async fn every_size_is_signed_again_to_the_same_bytes_and_grew_from_every_other() {
    for place in everywhere() {
        signed_again(place.at()).await;
    }
}

async fn signed_again(store: Location) {
    let notary = filled(&store, RECORDS);
    notary.speak();
    let newest = notary.standing().signed.unwrap();
    assert_eq!(notary.signed(RECORDS).await.unwrap().unwrap().note, newest.note);
    let sizes = [0, 1, 2, 255, 256, 257, 600, 1024, RECORDS];
    for to in sizes {
        let signed = notary.signed(to).await.unwrap().unwrap();
        let checkpoint = Checkpoint::open(&Note::parse(signed.note.as_bytes()).unwrap(), key().public()).unwrap();
        assert_eq!(checkpoint.head(), TreeHead { size: to, root: root(to) });
        for from in sizes.into_iter().filter(|from| *from <= to) {
            let growth = notary.growth(from, Some(to)).await.unwrap().unwrap();
            let head = |size| TreeHead { size, root: root(size) };
            assert_eq!(consistency::verify(head(from), head(to), &growth.hashes), Ok(()), "{from} to {to}");
            assert_eq!((growth.from.root, growth.to.root), (root(from), root(to)));
        }
    }
    assert_eq!(notary.growth(1, None).await.unwrap().unwrap().to, newest);
    for (from, to) in [(2, Some(1)), (1, Some(RECORDS + 1)), (RECORDS + 1, None)] {
        assert_eq!(notary.growth(from, to).await, Ok(None), "{from} to {to:?}");
    }
}

#[tokio::test]
async fn every_tile_is_there_at_every_width() {
    for place in everywhere() {
        tiles(place.at()).await;
    }
}

async fn tiles(store: Location) {
    let notary = filled(&store, RECORDS);
    let nodes = nodes(RECORDS);
    for tile in Tile::grown(0, RECORDS) {
        for width in [1, tile.width() / 2 + 1, tile.width()] {
            let tile = Tile::new(tile.kind(), tile.index(), width).unwrap();
            let bytes = notary.tile(tile).await.unwrap().unwrap();
            match tile.kind() {
                TileKind::Hashes(_) => {
                    let expected: Vec<_> = tile.nodes().map(|node| nodes[&node]).collect();
                    assert_eq!(bundle::read_hashes(tile, &bytes), Ok(expected), "{tile}");
                }
                TileKind::Entries => {
                    let first = tile.index() * 256;
                    let expected: Vec<_> = (first..first + u64::from(width)).map(record).collect();
                    assert_eq!(bundle::read_entries(tile, &bytes), Ok(expected), "{tile}");
                }
            }
        }
    }
    for beyond in
        ["tile/0/005.p/221", "tile/0/005", "tile/0/006.p/1", "tile/1/000.p/6", "tile/2/000.p/1", "tile/entries/006"]
    {
        assert_eq!(notary.tile(beyond.parse().unwrap()).await, Ok(None), "{beyond}");
    }
}

/// Held against the log, whatever is damaged is named by its column, whether or not the notary ever reads it.
#[test]
fn what_differs_from_the_log_is_named() {
    const SIZE: u64 = 600;
    let dir = tempfile::tempdir().unwrap();
    drop(filled(dir.path(), SIZE));
    let compared = |size: u64| {
        let beside = Beside::open_with(&dir.path().into(), key().public().clone()).unwrap();
        let mut comparison = beside.compare().unwrap();
        for number in 0..size {
            comparison.add([(record(number), place(number))].into_iter()).unwrap();
        }
        assert_eq!(comparison.root(), root(size));
        comparison.end().unwrap()
    };
    assert_eq!(compared(SIZE), []);
    for column in [Column::Entries, Column::Level(1), Column::Ids, Column::Places] {
        let path = dir.path().join(column.to_string());
        let whole = fs::read(&path).unwrap();
        for at in (0..whole.len()).step_by(whole.len() / 97 + 1).chain([whole.len() - 1]) {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            fs::write(&path, bytes).unwrap();
            let found = compared(SIZE);
            let item = (at / column.width()) as u64;
            assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), [format!("item {item} of {column}")]);
        }
        fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        assert_eq!(compared(SIZE).len(), 1, "{column}");
        fs::remove_file(&path).unwrap();
        assert_eq!(compared(SIZE).len(), 1, "{column}");
        fs::write(&path, &whole).unwrap();
    }
    assert_eq!(compared(SIZE), []);
}

/// The store's files with one byte changed, or cut.
#[tokio::test]
async fn whatever_is_damaged_is_an_alarm_and_never_told() {
    const SIZE: u64 = 600;
    let dir = tempfile::tempdir().unwrap();
    drop(filled(dir.path(), SIZE));
    for name in ["entries", "tiles-1", "ids", "positions", "checkpoint"] {
        let path = dir.path().join(name);
        let whole = fs::read(&path).unwrap();
        let flip = |at: usize| {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            bytes
        };
        let changed =
            (0..6).map(|part| flip(part * (whole.len() - 1) / 5)).chain([whole[..whole.len() - 1].to_vec(), vec![]]);
        for bytes in changed {
            fs::write(&path, bytes).unwrap();
            let notary = at(dir.path(), SIZE).unwrap();
            if let Err(error) = notary.load() {
                assert!(!error.may_pass(), "{name}: {error}");
                continue;
            }
            let mut wrong = 0;
            for leaf in 0..SIZE {
                match notary.prove(Wanted::Record(record(leaf).id())).await {
                    Ok(Proof::Covered { index, text, .. }) => {
                        let proof = TlogProof::parse(text.as_bytes()).unwrap();
                        let leaf_hash = leaf_hash(&record(leaf));
                        assert_eq!(index, leaf);
                        assert_eq!(inclusion::verify(leaf_hash, leaf, SIZE, root(SIZE), proof.hashes()), Ok(()));
                    }
                    _ => wrong += 1,
                }
            }
            for tile in Tile::grown(0, SIZE) {
                match notary.tile(tile).await {
                    Ok(Some(bytes)) if !tile.is_partial() && tile.kind() == TileKind::Hashes(0) => {
                        let nodes: Vec<_> = bundle::read_hashes(tile, &bytes).unwrap();
                        let first = tile.index() * 256;
                        let expected: Vec<_> = (first..first + 256).map(|leaf| leaf_hash(&record(leaf))).collect();
                        assert_eq!(nodes, expected, "{name}: {tile}");
                    }
                    Ok(Some(_)) => {}
                    Ok(None) => panic!("{name}: {tile}"),
                    Err(_) => wrong += 1,
                }
            }
            let places: Vec<_> = (0..SIZE).map(|leaf| position(place(leaf))).collect();
            let leaves = notary.leaves(places).await.unwrap_or_default();
            wrong += (0..).zip(leaves).filter(|(leaf, found)| *found != Some(*leaf)).count();
            assert!(wrong > 0, "{name}: nobody noticed");
            let alarm = matches!(notary.0.standing.borrow().voice, Voice::Alarm(_));
            assert!(alarm || !matches!(name, "entries" | "tiles-1"), "{name}: what the tree itself commits to");
        }
        fs::write(&path, whole).unwrap();
    }
    // As it was, all is well.
    assert_eq!(at(dir.path(), SIZE).unwrap().load().unwrap().0.size(), SIZE);
}

#[tokio::test]
async fn an_old_head_is_never_signed_from_damaged_leaves() {
    let dir = tempfile::tempdir().unwrap();
    let notary = filled(dir.path(), RECORDS);
    notary.speak();
    let path = dir.path().join("entries");
    let mut bytes = fs::read(&path).unwrap();
    // Leaf 10: in a tree of 20, its tile is partial, and has no root above it to be checked against.
    bytes[32 * 10] ^= 1;
    fs::write(&path, bytes).unwrap();
    let error = notary.signed(20).await.unwrap_err();
    assert!(matches!(error, api::NotaryError::Nothing(_)), "{error}");
    assert!(matches!(notary.standing().voice, api::Voice::Alarm(_)));
    assert_eq!(notary.signed(10).await, Err(error), "nor any other from that tile");
}

#[test]
fn somebody_elses_checkpoint_is_not_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let notary = filled(dir.path(), 300);
    let (mut tree, before) = notary.load().unwrap();
    tree.append(&leaves(300..310)).unwrap();
    fs::write(dir.path().join("checkpoint"), "another's").unwrap();
    let error = notary.commit(&mut tree, before.as_deref().map(str::as_bytes)).unwrap_err();
    assert!(matches!(error, NotaryError::Store(StoreError::Moved(_))) && !error.may_pass(), "{error}");
    assert_eq!(fs::read(dir.path().join("checkpoint")).unwrap(), b"another's");
    assert_eq!(notary.standing().signed.unwrap().size, 300);
}

#[test]
fn a_second_notary_is_refused() {
    for place in everywhere() {
        second(&place.at());
    }
}

fn second(store: &Location) {
    let one = at(store, 0).unwrap();
    let error = at(store, 0).unwrap_err();
    assert!(matches!(error, NotaryError::Store(StoreError::InUse(_))), "{error}");
    drop(one);
    at(store, 0).unwrap();
}

#[test]
fn nothing_is_read_beyond_the_end_of_a_column() {
    for place in everywhere() {
        beyond(&place.at());
    }
}

fn beyond(store: &Location) {
    let store = Arc::clone(&filled(store, 300).0.store);
    assert!(store.read(Column::Entries, 299, 1).is_ok());
    for (column, first) in [(Column::Entries, 300), (Column::Level(1), 1), (Column::Level(2), 0), (Column::Ids, 256)] {
        assert!(matches!(store.read(column, first, 1), Err(StoreError::Damaged(_))), "{column}");
    }
}
