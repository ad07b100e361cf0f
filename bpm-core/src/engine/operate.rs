//! What operators do about incidents.

use crate::error::Error;
use crate::event::Event;
use crate::ids::IncidentId;
use crate::refused::Refused;
use crate::store::IncidentRow;

use super::shared::Shared;

impl Shared {
    /// Brings a decision about an incident to its instance. An incident that is over is refused
    /// with what happened to it.
    pub(super) async fn settle(&self, incident: IncidentId, event: Event) -> Result<(), Error> {
        let row = self.incident(incident).await?;
        if let Some(refused) = closed(&row) {
            return Err(refused.into());
        }
        match self.deliver(row.instance, event).await {
            Err(Error::Refused(
                refused @ (Refused::UnknownIncident(_) | Refused::Ended { .. }),
            )) => {
                // Two people decided: the refusal says what the other one did.
                Err(closed(&self.incident(incident).await?).unwrap_or(refused).into())
            }
            delivered => delivered,
        }
    }

    async fn incident(&self, incident: IncidentId) -> Result<IncidentRow, Error> {
        let row = self.read(move |store| store.incident(incident)).await?;
        row.ok_or_else(|| Refused::UnknownIncident(incident).into())
    }
}

fn closed(row: &IncidentRow) -> Option<Refused> {
    let closed = row.closed.clone()?;
    Some(Refused::IncidentClosed { incident: row.id, node: row.node.clone(), closed })
}
