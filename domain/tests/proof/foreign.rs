//! Trees, tiles and notes against the crates `tlog_tiles` and `signed_note`, which were made by others.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use proptest::prelude::*;
use signed_note::{StandardSigner, StandardVerifier, VerifierList};
use socai_domain::{
    ledger::RecordHash,
    proof::{
        Checkpoint, Frontier, KeyName, Node, Note, SecretKey, SignatureKind, Tile, TileKind, TreeHash, TreeHead,
        consistency, inclusion, leaf_hash,
    },
};
use tlog_tiles::{
    Error, Hash, HashReader, check_record, check_tree, prove_record, prove_tree, stored_hash_index, stored_hashes,
    tree_hash,
};

/// The same leaves, in both implementations.
struct Both {
    theirs: Vec<Hash>,
    ours: BTreeMap<Node, TreeHash>,
    frontier: Frontier,
}

impl HashReader for Both {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, Error> {
        Ok(indexes.iter().map(|index| self.theirs[usize::try_from(*index).unwrap()]).collect())
    }
}

impl Both {
    fn of(size: u64) -> Self {
        let mut both = Self { theirs: vec![], ours: BTreeMap::new(), frontier: Frontier::new() };
        for index in 0..size {
            let record = RecordHash::of(&index.to_le_bytes());
            let more = stored_hashes(index, &record.0, &both).unwrap();
            both.theirs.extend(more);
            both.frontier.append_telling(leaf_hash(&record), |node, hash| both.ours.extend([(node, hash)]));
        }
        both
    }

    fn node(&self, node: Node) -> Result<TreeHash, Node> {
        self.ours.get(&node).copied().ok_or(node)
    }

    fn root(&self, size: u64) -> TreeHash {
        socai_domain::proof::tree::root(size, |node| self.node(node)).unwrap()
    }
}

fn theirs(hashes: &[TreeHash]) -> Vec<Hash> {
    hashes.iter().map(|hash| Hash(hash.0)).collect()
}

#[test]
fn nodes_roots_and_proofs_are_the_same() {
    let both = Both::of(130);
    for (node, hash) in &both.ours {
        let index = usize::try_from(stored_hash_index(node.level, node.index)).unwrap();
        assert_eq!(both.theirs[index], Hash(hash.0), "{node:?}");
    }
    for size in 0..=130 {
        assert_eq!(tree_hash(size, &both).unwrap(), Hash(both.root(size).0), "{size}");
        for index in 0..size {
            let ours = inclusion::prove(index, size, |node| both.node(node)).unwrap().unwrap();
            assert_eq!(prove_record(size, index, &both).unwrap(), theirs(&ours), "{index} of {size}");
            let ours = consistency::prove(index + 1, size, |node| both.node(node)).unwrap().unwrap();
            assert_eq!(prove_tree(size, index + 1, &both).unwrap(), theirs(&ours), "{} to {size}", index + 1);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn changed_proofs_are_judged_the_same(
        size in 1_u64..300,
        index in any::<prop::sample::Index>(),
        claimed in (0_u64..302, 0_u64..302, prop::bool::ANY),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..4, 0_usize..256), 0..3),
    ) {
        let both = Both::of(size);
        let index = u64::try_from(index.index(usize::try_from(size).unwrap())).unwrap();
        let changed = |mut proof: Vec<TreeHash>| {
            for (at, kind, bit) in &edits {
                let (at, end) = (at.index(proof.len() + 1), proof.len());
                match kind {
                    0 => proof.insert(at, TreeHash([9; 32])),
                    1 if at < end => drop(proof.remove(at)),
                    2 if at < end => proof.swap(at, end - 1),
                    _ if at < end => proof[at].0[bit / 8] ^= 1 << (bit % 8),
                    _ => {}
                }
            }
            proof
        };
        let leaf = both.ours[&Node::leaf(index)];
        let (claimed_index, claimed_size) = if claimed.2 { (index, size) } else { (claimed.0, claimed.1) };
        let root = both.root(size);

        let proof = changed(inclusion::prove(index, size, |node| both.node(node)).unwrap().unwrap());
        let ours = inclusion::verify(leaf, claimed_index, claimed_size, root, &proof);
        let other = check_record(&theirs(&proof), claimed_size, Hash(root.0), claimed_index, Hash(leaf.0));
        prop_assert_eq!(ours.is_ok(), other.is_ok(), "{:?}, {:?}", ours, other);

        let (old, old_root) = (index + 1, both.root(index + 1));
        let proof = changed(consistency::prove(old, size, |node| both.node(node)).unwrap().unwrap());
        let claimed_old = if claimed.2 { old } else { claimed.0 };
        // From nothing everything follows; theirs does not take that case.
        if claimed_old > 0 {
            let head = |size, root| TreeHead { size, root };
            let ours = consistency::verify(head(claimed_old, old_root), head(claimed_size, root), &proof);
            let other = check_tree(&theirs(&proof), claimed_size, Hash(root.0), claimed_old, Hash(old_root.0));
            prop_assert_eq!(ours.is_ok(), other.is_ok(), "{:?}, {:?}", ours, other);
        }
    }

    #[test]
    fn growth_makes_the_same_tiles(old in 0_u64..200_000, more in 0_u64..140_000) {
        let (old, new) = (old, old + more);
        let mut ours: Vec<_> = Tile::grown(old, new).filter(|tile| tile.kind() != TileKind::Entries).map(go_path).collect();
        let mut other: Vec<_> = tlog_tiles::Tile::new_tiles(8, old, new).iter().map(tlog_tiles::Tile::path).collect();
        ours.sort();
        other.sort();
        prop_assert_eq!(ours, other);
    }

    #[test]
    fn paths_are_the_same_but_for_the_height(level in 0_u8..=7, index in any::<u64>(), width in 1_u16..=256, shift in 0_u32..64) {
        let index = index >> shift;
        let Ok(tile) = Tile::new(TileKind::Hashes(level), index, width) else { return Ok(()) };
        let other = tlog_tiles::Tile::new(8, level, index, width.into(), false);
        prop_assert_eq!(go_path(tile), other.path());
        prop_assert_eq!(tlog_tiles::Tile::from_path(&go_path(tile)).unwrap(), other);
        prop_assert_eq!(tile.to_string().parse(), Ok(tile));
    }
}

/// The path as Go's module checksum database has it: with the height, 8, and other words for the entries.
fn go_path(tile: Tile) -> String {
    tile.to_string().replacen("tile/", "tile/8/", 1).replacen("entries", "data", 1)
}

#[test]
fn tiles_hold_the_same_hashes() {
    let both = Both::of(600);
    for tile in Tile::grown(0, 600).filter(|tile| tile.kind() != TileKind::Entries) {
        let ours: Vec<_> = tile.nodes().flat_map(|node| both.node(node).unwrap().0).collect();
        let other = tlog_tiles::Tile::from_path(&go_path(tile)).unwrap().read_data(&both).unwrap();
        assert_eq!(ours, other, "{tile}");
    }
    let entries = Tile::new(TileKind::Entries, 1_234, 17).unwrap();
    assert!(tlog_tiles::Tile::from_path(&go_path(entries)).unwrap().is_data());
}

#[test]
fn notes_are_signed_and_verified_the_same() {
    let name = "socai.so-vi-du.example/log";
    let key = SecretKey::new(KeyName::new(name).unwrap(), SignatureKind::Note, &[5; 32]);
    let secret = BASE64.encode([&[1_u8][..], &[5; 32]].concat());
    let signer = StandardSigner::new(&format!("PRIVATE+KEY+{name}+{}+{secret}", key.public().id())).unwrap();
    let verifiers = VerifierList::new(vec![Box::new(StandardVerifier::new(&key.public().to_string()).unwrap())]);

    let head = TreeHead { size: 9, root: Both::of(9).root(9) };
    let ours = Checkpoint::new(KeyName::new(name).unwrap(), head).sign(&key).unwrap();
    let mut other = signed_note::Note::new(ours.text().as_bytes(), &[]).unwrap();
    other.add_sigs(&[&signer]).unwrap();
    assert_eq!(ours.to_string().as_bytes(), other.to_bytes());

    let read = signed_note::Note::from_bytes(ours.to_string().as_bytes()).unwrap();
    assert_eq!(read.verify(&verifiers).unwrap().0.len(), 1);
    let read = Note::parse(&other.to_bytes()).unwrap();
    assert_eq!(Checkpoint::open(&read, key.public()).unwrap().head(), head);

    let checkpoint = tlog_tiles::Checkpoint::from_bytes(ours.text().as_bytes()).unwrap();
    assert_eq!((checkpoint.origin(), checkpoint.size(), *checkpoint.hash()), (name, 9, Hash(head.root.0)));
}
