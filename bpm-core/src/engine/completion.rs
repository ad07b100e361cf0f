//! Completing user tasks.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;

use crate::error::Error;
use crate::event::{Actor, Event};
use crate::ids::UserTaskId;
use crate::json::Json;
use crate::refused::Refused;
use crate::store::UserTaskRow;

use super::shared::Shared;

/// A completion in the making; await it.
#[must_use = "a user task is completed when this is awaited"]
pub struct Completion {
    shared: Arc<Shared>,
    task: UserTaskId,
    /// Process and name, where the caller's constant says so.
    expected: Option<(&'static str, &'static str)>,
    payload: Result<Json, serde_json::Error>,
    actor: Option<Actor>,
}

impl Completion {
    pub(super) fn new(
        shared: Arc<Shared>,
        task: UserTaskId,
        expected: Option<(&'static str, &'static str)>,
        payload: Result<Json, serde_json::Error>,
    ) -> Self {
        Self { shared, task, expected, payload, actor: None }
    }

    /// Says who completes it; history keeps the name.
    pub fn by(mut self, actor: Actor) -> Self {
        self.actor = Some(actor);
        self
    }

    async fn complete(self) -> Result<(), Error> {
        let task = self.task;
        let row = self.row().await?;
        self.check(&row)?;
        let payload = self.payload.map_err(|error| Refused::WrongPayload {
            task,
            node: row.node.clone(),
            why: error.to_string(),
        })?;
        let event = Event::UserTaskCompleted { task, node: row.node, payload, actor: self.actor };
        match self.shared.deliver(row.instance, event).await {
            Err(Error::Refused(refused)) => {
                Err(closed_meanwhile(&self.shared, task, refused).await)
            }
            delivered => delivered,
        }
    }

    async fn row(&self) -> Result<UserTaskRow, Error> {
        let task = self.task;
        let row = self.shared.read(move |store| store.user_task(task)).await?;
        row.ok_or_else(|| Refused::UnknownUserTask(task).into())
    }

    /// Whether the row is what the caller means, and still open.
    fn check(&self, row: &UserTaskRow) -> Result<(), Refused> {
        let task = self.task;
        if let Some((process, name)) = self.expected
            && (process, name) != (row.process.as_str(), row.name.as_str())
        {
            let expected = (process.to_owned(), name.to_owned());
            let found = (row.process.clone(), row.name.clone());
            return Err(Refused::OtherUserTask { task, expected, found });
        }
        if let Some(closed) = &row.closed {
            let (node, closed) = (row.node.clone(), closed.clone());
            return Err(Refused::UserTaskClosed { task, node, closed });
        }
        let limit = self.shared.options.payload_bytes;
        match &self.payload {
            Ok(payload) if payload.text().len() > limit => Err(Refused::TooLarge {
                what: format!("the payload of user task `{}`", row.node),
                bytes: payload.text().len(),
                limit,
            }),
            _ => Ok(()),
        }
    }
}

/// Two people completed one task: the refusal says what the other one did.
async fn closed_meanwhile(shared: &Shared, task: UserTaskId, refused: Refused) -> Error {
    if !matches!(refused, Refused::UnknownUserTask(_) | Refused::Ended { .. }) {
        return refused.into();
    }
    match shared.read(move |store| store.user_task(task)).await {
        Ok(Some(UserTaskRow { node, closed: Some(closed), .. })) => {
            Refused::UserTaskClosed { task, node, closed }.into()
        }
        Ok(_) => refused.into(),
        Err(error) => error,
    }
}

impl IntoFuture for Completion {
    type Output = Result<(), Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.complete())
    }
}
