//! The scene of the example files.

use anyhow::Context as _;
use socai::import::NotImported;
use socai_domain::{
    id::IncomingId,
    incoming::{refuse::RefuseIncoming, register::RegisterIncoming},
};

use super::{Play, why};
use crate::cli::demo::{
    letters::EXAMPLES,
    world::{Agency, CLERK, DEPARTMENT, DEPARTMENT_CLERK, MINISTRY},
};

impl Play<'_> {
    /// The example files come to both agencies; the ministry refuses the new document, the department registers it.
    pub(super) async fn examples(&self) -> anyhow::Result<(usize, usize)> {
        let (mut received, mut not_yet) = (0, 0);
        self.at(0, 9, 30);
        for (name, message) in EXAMPLES {
            for agency in [&MINISTRY, &DEPARTMENT] {
                match self.importer.import(agency.organ(), message.as_bytes()).await {
                    Ok(imported) => {
                        received += 1;
                        self.looks_at(agency, imported.document()).await?;
                    }
                    Err(NotImported::NotHandledYet(_)) => not_yet += 1,
                    Err(error) => return Err(error).context(*name),
                }
            }
        }
        Ok((received, not_yet))
    }

    async fn looks_at(&self, agency: &Agency, document: IncomingId) -> anyhow::Result<()> {
        if agency.organ() == DEPARTMENT.organ() {
            let register = RegisterIncoming { accept_duplicate_of: Vec::new(), accepted_because: None };
            return self.act_in(&DEPARTMENT, DEPARTMENT_CLERK, document, register).await;
        }
        let reason = why("Văn bản thử nghiệm, không thuộc chức năng của Bộ.");
        self.act(CLERK, document, RefuseIncoming { reason }).await
    }
}
