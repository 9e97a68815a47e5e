//! At the clerk's desk: from its arrival until it lies with who directs it, or comes to an end before.

use socai_domain::{
    document_types::{Channel, SecrecyLevel},
    incoming::{
        annotate::AnnotateIncoming,
        arrival::Arriving,
        attach_scan::AttachScan,
        bring_back::BringBackIncoming,
        cancel::CancelIncoming,
        check_authenticity::RecordAuthenticityCheck,
        confirm_expunge::ConfirmExpunge,
        correct::CorrectIncoming,
        decline_expunge::DeclineExpunge,
        events::{Authenticity, AxisArrival},
        expunge::ExpungeIncoming,
        log_unopened::LogUnopened,
        pass_to_leader::PassToLeader,
        receive::ReceiveIncoming,
        record_paper::RecordPaperArrival,
        refuse::RefuseIncoming,
        register::RegisterIncoming,
        return_to_clerk::ReturnToClerk,
        submit::SubmitIncoming,
    },
    refusal::Code,
    register::VoidReason,
};

use super::{Actor, Script, document, original, text, why};
use crate::cli::demo::big::{
    World,
    fate::{Fate, Turn},
    files::{attachment, content},
    letter::Letter,
    office::{name, short},
};

/// Who says what is to be done: a leader, or the clerk by the agency's regulation.
#[derive(Clone, Copy, Debug)]
pub(super) enum Director {
    Leader(usize),
    Clerk,
}

/// Makes the letter one that this can happen to.
pub(super) fn fit(world: &World, n: u64, fate: Fate, turn: Turn, letter: &mut Letter) {
    match (fate, turn) {
        (Fate::Unopened | Fate::BroughtBack, _) => letter.channel = Channel::Paper,
        // The paper of a document that came over the axis some days before.
        (Fate::Duplicate | Fate::DuplicateAccepted, _) => {
            if let Some(original) = original(world, n) {
                let details = Letter::of(world, original).details;
                letter.details = details;
                letter.channel = Channel::Paper;
            }
        }
        (_, Turn::ArrivedAgain | Turn::Annotated) => letter.channel = Channel::Axis,
        _ => {}
    }
    // What came as another channel was not written by another unit.
    if letter.channel != Channel::Axis {
        letter.details.paper_follows = false;
    }
}

impl Script<'_> {
    /// Until it lies with who directs; none if it ends here.
    pub(super) fn desk(&mut self) -> Option<Director> {
        if !self.arrives() {
            return None;
        }
        match self.fate {
            Fate::Refused => {
                self.wait(5, 60);
                let reason = why("Văn bản không thuộc chức năng, gửi nhầm nơi nhận.");
                self.clerk_does(RefuseIncoming { reason });
                return None;
            }
            Fate::Erased | Fate::NotErased => {
                self.wait(5, 30);
                self.clerk_does(ExpungeIncoming { level: SecrecyLevel::Confidential });
                self.wait(5, 60);
                let leader = self.leader();
                if self.fate == Fate::Erased {
                    self.act(leader, ConfirmExpunge {});
                    return None;
                }
                self.act(leader, DeclineExpunge { reason: why("Văn bản không thuộc danh mục bí mật nhà nước.") });
            }
            _ => {}
        }
        self.registered()?;
        if matches!(self.fate, Fate::CancelledInError | Fate::Recalled) {
            self.wait(10, 900);
            let (kind, reason) = match self.fate {
                Fate::Recalled => (VoidReason::RecalledBySender, "Nơi gửi thu hồi văn bản."),
                _ => (VoidReason::Error, "Đăng ký nhầm, không phải văn bản đến."),
            };
            self.clerk_does(CancelIncoming { kind, reason: why(reason) });
            return None;
        }
        self.noted();
        Some(self.submitted())
    }

    fn leader(&mut self) -> Actor {
        Actor::Post(*self.dice.one(&self.world.office.leaders))
    }

    /// It is there, and can be read. False: it stays unopened.
    fn arrives(&mut self) -> bool {
        let mut arriving = Arriving {
            arrived_at: self.now,
            details: self.letter.details.clone(),
            files: vec![self.world.files.main(self.letter.type_name)],
            secrecy: None,
        };
        let own = self.fate == Fate::Erased;
        let bytes = own.then(|| [content(self.letter.type_name), self.n.to_le_bytes().to_vec()].concat());
        if let Some(bytes) = &bytes {
            arriving.files = vec![attachment(socai::blobs::BlobHash::of(bytes), bytes.len() as u64)];
        }
        let unscanned = self.letter.channel == Channel::Paper && !own && self.dice.per_mille(700);
        let scan = if unscanned { std::mem::take(&mut arriving.files) } else { Vec::new() };
        match self.letter.channel {
            _ if matches!(self.fate, Fate::Unopened | Fate::BroughtBack) => {
                self.clerk_does(LogUnopened {
                    sender: self.letter.details.issuer_name.clone(),
                    envelope: short(format!("Bì thư số {}", self.n)),
                    addressed_to: name(self.n),
                    arrived_at: self.now,
                });
                if self.fate == Fate::Unopened {
                    return false;
                }
                self.wait(120, 900);
                arriving.arrived_at = self.now;
                self.clerk_does(BringBackIncoming { arriving });
            }
            Channel::Axis => {
                let axis = Some(self.of_axis(0));
                self.act(Actor::System, ReceiveIncoming { channel: Channel::Axis, axis, arriving, follows: None });
            }
            channel => {
                self.clerk_does(ReceiveIncoming { channel, axis: None, arriving, follows: None });
            }
        }
        if let Some(last) = self.acts.last_mut() {
            last.file = bytes;
        }
        if self.letter.channel == Channel::Axis {
            self.wait(1, 15);
            let result = self.dice.weighed(&[
                (970, Authenticity::Valid),
                (20, Authenticity::NotSigned),
                (10, Authenticity::NotChecked),
            ]);
            self.act(Actor::System, RecordAuthenticityCheck { result, checked_by: None, note: None });
        }
        if !scan.is_empty() {
            self.wait(5, 45);
            self.clerk_does(AttachScan { files: scan });
        }
        true
    }

    fn of_axis(&self, content: u8) -> AxisArrival {
        let mut digest = *blake3::hash(&self.n.to_le_bytes()).as_bytes();
        digest[0] ^= content;
        AxisArrival { document_id: self.letter.axis_id.clone(), ordinal: 0, content: digest }
    }

    /// It has a number. None: it is here already, and ends.
    fn registered(&mut self) -> Option<()> {
        let urgent = self.letter.details.urgency.is_urgent();
        match self.dice.below(100) {
            _ if urgent => self.wait(2, 20),
            0..90 => self.wait(10, 150),
            90..98 => self.wait(300, 600),
            _ => self.wait(1_000, 2_000),
        }
        let register = RegisterIncoming { accept_duplicate_of: Vec::new(), accepted_because: None };
        self.clerk_does(register.clone());
        if !matches!(self.fate, Fate::Duplicate | Fate::DuplicateAccepted) {
            return Some(());
        }
        if let Some(last) = self.acts.last_mut() {
            last.refused = Some(Code::PossibleDuplicate);
        }
        self.wait(5, 60);
        if self.fate == Fate::Duplicate {
            let reason = why("Bản giấy của văn bản đã nhận qua trục liên thông.");
            self.clerk_does(CancelIncoming { kind: VoidReason::Duplicate, reason });
            return None;
        }
        let original = original(self.world, self.n)?;
        let original = document(self.world, original, &fitted(self.world, original));
        let because = why("Nơi gửi xác nhận là hai văn bản khác nhau.");
        self.clerk_does(RegisterIncoming { accept_duplicate_of: vec![original], accepted_because: Some(because) });
        Some(())
    }

    /// What the clerk does beside.
    fn noted(&mut self) {
        match self.turn {
            Turn::Annotated => {
                self.wait(1, 10);
                self.clerk_does(AnnotateIncoming { note: text("Nơi gửi ghi nhầm số trang.") });
            }
            Turn::Corrected => {
                self.wait(1, 10);
                let mut details = self.letter.details.clone();
                details.copy_count = Some(1);
                self.clerk_does(CorrectIncoming { details, reason: why("Bổ sung số bản còn thiếu.") });
            }
            Turn::ArrivedAgain => {
                let mut arriving = Arriving {
                    arrived_at: self.now,
                    details: self.letter.details.clone(),
                    files: vec![self.world.files.main(self.letter.type_name)],
                    secrecy: None,
                };
                arriving.details.page_count = Some(21);
                self.wait(1, 10);
                let axis = Some(self.of_axis(1));
                self.act(Actor::System, ReceiveIncoming { channel: Channel::Axis, axis, arriving, follows: None });
            }
            _ => {}
        }
        if self.letter.details.paper_follows {
            let days = u32::try_from(self.dice.within(2, 4)).unwrap_or(2);
            let at = self.world.days.days_later(self.now, days);
            self.act_at(at, Actor::Post(self.clerk), RecordPaperArrival { arrived_at: at });
        }
    }

    /// It lies with who directs.
    fn submitted(&mut self) -> Director {
        let by_regulation = self.fate == Fate::Usual && self.turn == Turn::Straight && self.dice.per_mille(150);
        let (least, most) = if self.letter.details.urgency.is_urgent() { (1, 10) } else { (5, 90) };
        self.wait(least, most);
        if by_regulation {
            return Director::Clerk;
        }
        let office = &self.world.office;
        let (mut leader, other) = two(&office.leaders, &mut self.dice);
        self.clerk_does(SubmitIncoming { to: office.posts[leader].id, note: None });
        match self.fate {
            Fate::ReturnedToClerk => {
                self.wait(10, 200);
                let reason = why("Đề nghị trình lãnh đạo phụ trách lĩnh vực.");
                self.act(Actor::Post(leader), ReturnToClerk { reason });
                self.wait(10, 100);
                self.clerk_does(SubmitIncoming { to: office.posts[other].id, note: None });
                leader = other;
            }
            Fate::PassedToLeader => {
                self.wait(10, 200);
                self.act(Actor::Post(leader), PassToLeader { to: office.posts[other].id, note: None });
                leader = other;
            }
            _ => {}
        }
        Director::Leader(leader)
    }
}

/// The letter as it arrives.
fn fitted(world: &World, n: u64) -> Letter {
    let mut letter = Letter::of(world, n);
    fit(world, n, Fate::of(n), Turn::of(n), &mut letter);
    letter
}

/// Two of them.
pub(super) fn two(of: &[usize], dice: &mut crate::cli::demo::big::dice::Dice) -> (usize, usize) {
    let first = dice.index(of.len());
    let second = (first + 1 + dice.index(of.len().saturating_sub(1))) % of.len();
    (of[first], of[second])
}
