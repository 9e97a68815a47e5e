//! A log that tells which of its pieces are asked for, and gives each only when it is let.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
    mpsc,
};

use futures::{
    StreamExt as _,
    stream::{self},
};
use socai_domain::ledger::{
    Block, EventLog, Followed, Piece, Pieces, Position, ReadError, memory::MemoryLog, pieces::followed,
};

/// A log, watched. Each of its records is a piece of its own.
pub(super) struct Watched {
    log: MemoryLog,
    /// After what and up to where pieces were asked for.
    pub(super) asked: Mutex<Vec<(Option<Position>, Position)>>,
    /// How many pieces were begun.
    pub(super) begun: Arc<AtomicUsize>,
    gate: Option<Arc<Mutex<mpsc::Receiver<()>>>>,
}

impl Watched {
    pub(super) fn new(log: &MemoryLog) -> Self {
        Self { log: log.clone(), asked: Mutex::default(), begun: Arc::default(), gate: None }
    }

    /// No piece is given before the gate is opened: by dropping it.
    pub(super) fn gated(log: &MemoryLog) -> (Self, mpsc::Sender<()>) {
        let (gate, closed) = mpsc::channel();
        (Self { gate: Some(Arc::new(Mutex::new(closed))), ..Self::new(log) }, gate)
    }
}

struct Gated {
    piece: Box<dyn Piece>,
    counted: bool,
    begun: Arc<AtomicUsize>,
    gate: Option<Arc<Mutex<mpsc::Receiver<()>>>>,
}

impl Piece for Gated {
    fn next(&mut self, block: &mut Block, bytes: usize) -> Result<(), ReadError> {
        if !std::mem::replace(&mut self.counted, true) {
            self.begun.fetch_add(1, Ordering::SeqCst);
        }
        if let Some(gate) = self.gate.take() {
            // It ends when the gate is open.
            let _ = gate.lock().unwrap().recv();
        }
        self.piece.next(block, bytes)
    }
}

impl EventLog for Watched {
    socai_domain::hand_on!(log: append, read, follow, stood_at, head, ledger);

    fn pieces(&self, after: Option<Position>, until: Position) -> Pieces {
        self.asked.lock().unwrap().push((after, until));
        let single = |told| match told {
            Ok(Followed::Records(records)) => {
                stream::iter(records.into_iter().map(|record| Ok(Followed::Records(vec![record]))).collect::<Vec<_>>())
            }
            other => stream::iter(vec![other]),
        };
        let (begun, gate) = (Arc::clone(&self.begun), self.gate.clone());
        let gated = move |piece: Result<Box<dyn Piece>, ReadError>| {
            let (begun, gate) = (Arc::clone(&begun), gate.clone());
            Ok(Box::new(Gated { piece: piece?, counted: false, begun, gate }) as Box<dyn Piece>)
        };
        followed(self.log.follow(after).flat_map(single).boxed(), until).map(gated).boxed()
    }

    fn engine(&self) -> &'static str {
        "watched"
    }
}
