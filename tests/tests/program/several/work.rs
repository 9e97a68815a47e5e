//! Clients: documents go their way from arrival to resolution, each step on whichever server.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    ask::{Acknowledged, Asker},
    dice::Dice,
    journal::pass,
    staff::Staff,
};
use crate::office::paper;

/// Everybody's work.
pub(super) struct Work {
    pub(super) asker: Arc<Asker>,
    pub(super) staff: Staff,
    /// No document is begun any more.
    pub(super) over: AtomicBool,
    pub(super) resolved: AtomicUsize,
    pub(super) cancelled: AtomicUsize,
    next: AtomicUsize,
}

impl Work {
    pub(super) fn new(asker: Arc<Asker>, staff: Staff) -> Self {
        let (over, resolved, cancelled) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
        Self { asker, staff, over, resolved, cancelled, next: AtomicUsize::new(0) }
    }

    /// One document after the other, received by this clerk.
    pub(super) async fn run(self: Arc<Self>, clerk: usize, mut dice: Dice) {
        while !self.over.load(Ordering::Relaxed) {
            // What went wrong was told where it did.
            let _ = self.document(clerk, &mut dice).await;
        }
    }

    async fn document(&self, clerk: usize, dice: &mut Dice) -> Option<()> {
        let (asker, staff) = (&self.asker, &self.staff);
        let clerk = &staff.clerks[clerk].token;
        let received = self.receive(clerk, dice).await?;
        let document = json!({ "document": received.stream });
        asker.command(dice, clerk, "registerIncoming", document.clone()).await?;
        if dice.once_in(8) {
            let why = json!({ "kind": "ERROR", "reason": "Vào sổ nhầm, đăng ký lại." });
            asker.command(dice, clerk, "cancelIncoming", with(&document, &why)).await?;
            self.cancelled.fetch_add(1, Ordering::Relaxed);
            return Some(());
        }
        let submit = with(&document, &json!({ "to": staff.leader.post }));
        asker.command(dice, clerk, "submitIncoming", submit).await?;
        let unit = json!([{ "assignee": { "unit": staff.unit }, "role": "LEAD", "limit": { "workingDays": 3 } }]);
        let direct = with(&document, &json!({ "note": "Giao Phòng Kế hoạch", "branches": unit }));
        let directed = asker.command(dice, &staff.leader.token, "directIncoming", direct).await?;
        let lead = self.branch(dice, &directed).await?;
        let on_lead = with(&document, &json!({ "branch": lead }));
        let head = &staff.head.token;
        asker.command(dice, head, "acceptBranch", on_lead.clone()).await?;
        let officer = json!({ "branches": [{ "assignee": { "post": staff.officer.post }, "role": "LEAD" }] });
        let assigned = asker.command(dice, head, "assignIncoming", with(&on_lead, &officer)).await?;
        let on_part = with(&document, &json!({ "branch": self.branch(dice, &assigned).await? }));
        let report = with(&on_part, &json!({ "text": "Đang lấy số liệu" }));
        asker.command(dice, &staff.officer.token, "reportProgress", report).await?;
        let complete = with(&on_part, &json!({ "result": "Đã báo cáo", "proposal": "NOTED" }));
        asker.command(dice, &staff.officer.token, "completeBranch", complete).await?;
        asker.command(dice, head, "resolveIncoming", with(&document, &json!({ "how": "NOTED" }))).await?;
        self.resolved.fetch_add(1, Ordering::Relaxed);
        Some(())
    }

    /// Takes in a paper with its scan.
    pub(super) async fn receive(&self, clerk: &str, dice: &mut Dice) -> Option<Acknowledged> {
        let number = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        let mut input = paper(&number.to_string());
        let scan = format!("%PDF-1.7 {number}");
        let ticket = loop {
            let client = self.asker.world.client(dice.below(self.asker.world.servers.len()), clerk);
            if let Some(ticket) = upload(client, scan.clone()).await {
                break ticket;
            }
            if self.over.load(Ordering::Relaxed) {
                return None;
            }
            pass(Duration::from_millis(100)).await;
        };
        input["arriving"]["files"] = json!([{ "source": { "ticket": ticket }, "name": "a.pdf", "role": "MAIN" }]);
        self.asker.command(dice, clerk, "receiveIncoming", input).await
    }

    /// The branch that was given last, as of this record.
    async fn branch(&self, dice: &mut Dice, given: &Acknowledged) -> Option<Value> {
        let query = "query($id: ID!, $at: Position) { incomingDocument(id: $id, atLeast: $at) { branches { id } } }";
        let asked = json!({ "id": given.stream, "at": given.position });
        let told = self.asker.query(dice, &self.staff.leader.token, query, &asked).await?;
        let last = told["incomingDocument"]["branches"].as_array().and_then(|all| all.last());
        if last.is_none() {
            self.asker
                .world
                .journal
                .wrong(format_args!("at {} no branch of {} is shown: {told}", given.position, given.stream));
        }
        last.map(|branch| branch["id"].clone())
    }
}

async fn upload(client: Option<crate::office::Client>, bytes: String) -> Option<Value> {
    let client = client?;
    let files = client.url.replace("/graphql", "/files");
    let answer = client.http.post(files).bearer_auth(&client.token).body(bytes).send().await.ok()?;
    let uploaded: Value = answer.json().await.ok()?;
    uploaded["ticket"].is_string().then(|| uploaded["ticket"].clone())
}

/// Both objects' fields.
fn with(one: &Value, other: &Value) -> Value {
    let mut both = one.clone();
    for (name, value) in other.as_object().unwrap() {
        both[name] = value.clone();
    }
    both
}
