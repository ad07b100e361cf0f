//! Questions that the store answers: history, user tasks, incidents, instances.

use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::clock::Timestamp;
use crate::error::Error;
use crate::history::Recorded;
use crate::ids::{IncidentId, InstanceId, UserTaskId};
use crate::instance::Ending;
use crate::json::Json;
use crate::store::{
    self, IncidentRow, InstanceFilter, InstanceRow, Status, Store, UserTaskFilter, UserTaskRow,
};
use crate::vars::UserTaskName;

use super::shared::Shared;

/// How many rows of history are read at once.
const PAGE: usize = 1_000;

/// An instance as a query sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct InstanceInfo {
    /// The id.
    pub id: InstanceId,
    /// The process.
    pub process: String,
    /// Its version.
    pub version: u32,
    /// The business key.
    pub key: Option<String>,
    /// The status.
    pub status: Status,
    /// When it was started.
    pub created: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
}

impl From<InstanceRow> for InstanceInfo {
    fn from(row: InstanceRow) -> Self {
        Self {
            id: row.id,
            process: row.start.process,
            version: row.start.version,
            key: row.start.key,
            status: row.state.status,
            created: row.created,
            ended: row.ended,
        }
    }
}

/// A query for instances; every method narrows it.
///
/// ```no_run
/// # async fn example(engine: bpm_core::engine::Engine) -> Result<(), bpm_core::error::Error> {
/// use bpm_core::store::Status;
///
/// for instance in engine.instances().status(Status::Suspended).list().await? {
///     println!("{} of {} is suspended", instance.id, instance.process);
/// }
/// # Ok(()) }
/// ```
#[must_use = "a query does nothing until `list`"]
pub struct Instances {
    shared: Arc<Shared>,
    filter: InstanceFilter,
}

impl Instances {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, filter: InstanceFilter::default() }
    }

    /// Only those of this status.
    pub fn status(mut self, status: Status) -> Self {
        self.filter.status = Some(status);
        self
    }

    /// Only those of this process.
    pub fn process(mut self, name: impl Into<String>) -> Self {
        self.filter.process = Some(name.into());
        self
    }

    /// Only those behind this one: the next page.
    pub fn after(mut self, instance: InstanceId) -> Self {
        self.filter.after = Some(instance);
        self
    }

    /// At most so many; 1,000 if not said.
    pub fn limit(mut self, limit: usize) -> Self {
        self.filter.limit = Some(limit);
        self
    }

    /// The instances that fit, in the order of their ids, which is that of their starts.
    pub async fn list(self) -> Result<Vec<InstanceInfo>, Error> {
        let filter = self.filter;
        let rows = self.shared.read(move |store| store.instances(&filter)).await?;
        Ok(rows.into_iter().map(InstanceInfo::from).collect())
    }
}

/// The recorded turns of an instance that are kept.
pub(super) fn history(
    store: &dyn Store,
    instance: InstanceId,
) -> Result<Vec<Recorded>, store::Error> {
    let mut recorded = Vec::new();
    loop {
        let after = recorded.last().map_or(0, |last: &Recorded| last.seq);
        let page = store.history(instance, after, PAGE)?;
        let full = page.len() == PAGE;
        if page.first().is_some_and(|first| first.seq != after + 1) {
            // What was read so far was forgotten meanwhile.
            recorded.clear();
        }
        for row in page {
            recorded.push(Recorded::read(instance, &row)?);
        }
        if !full {
            return Ok(recorded);
        }
    }
}

/// How an instance ended, if it has.
pub(super) fn ending(store: &dyn Store, instance: InstanceId) -> Result<Option<Ending>, Error> {
    let Some(row) = store.instance(instance)? else {
        return Err(crate::refused::Refused::UnknownInstance(instance).into());
    };
    let decode = |text: &String| {
        serde_json::from_str(text).map_err(|source| Error::Unreadable {
            what: format!("the outcome of instance {instance}"),
            source,
        })
    };
    row.state.outcome.as_ref().map(decode).transpose()
}

/// A query for open user tasks; every method narrows it.
///
/// ```no_run
/// # async fn example(engine: bpm_core::engine::Engine) -> Result<(), bpm_core::error::Error> {
/// for task in engine.user_tasks().named("approve").group("managers").list().await? {
///     println!("{} waits since {}", task.name, task.created);
/// }
/// # Ok(()) }
/// ```
#[must_use = "a query does nothing until `list`"]
pub struct UserTasks {
    shared: Arc<Shared>,
    filter: UserTaskFilter,
}

impl UserTasks {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, filter: UserTaskFilter::default() }
    }

    /// Only those of this typed name.
    pub fn open<T>(mut self, name: UserTaskName<T>) -> Self {
        self.filter.process = Some(name.process().to_owned());
        self.named(name.name())
    }

    /// Only those of this name, of any process.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.filter.name = Some(name.into());
        self
    }

    /// Only those of this process.
    pub fn process(mut self, name: impl Into<String>) -> Self {
        self.filter.process = Some(name.into());
        self
    }

    /// Only those for this group.
    pub fn group(mut self, group: impl Into<String>) -> Self {
        self.filter.group = Some(group.into());
        self
    }

    /// Only those for this user.
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.filter.user = Some(user.into());
        self
    }

    /// Only those of instances with this business key.
    pub fn for_key(mut self, key: impl Into<String>) -> Self {
        self.filter.key = Some(key.into());
        self
    }

    /// Only those of this instance.
    pub fn instance(mut self, instance: InstanceId) -> Self {
        self.filter.instance = Some(instance);
        self
    }

    /// At most so many.
    pub fn limit(mut self, limit: usize) -> Self {
        self.filter.limit = Some(limit);
        self
    }

    /// The open user tasks that fit, oldest first.
    pub async fn list(self) -> Result<Vec<UserTask>, Error> {
        let filter = self.filter;
        let rows = self.shared.read(move |store| store.user_tasks(&filter)).await?;
        rows.into_iter().map(UserTask::read).collect()
    }
}

/// An open user task.
#[derive(Clone, Debug, PartialEq)]
pub struct UserTask {
    /// The id, by which it is completed.
    pub id: UserTaskId,
    /// The instance that waits for it.
    pub instance: InstanceId,
    /// The instance's process.
    pub process: String,
    /// The instance's business key.
    pub key: Option<String>,
    /// The activity.
    pub node: String,
    /// The name.
    pub name: String,
    /// What it shows.
    pub form: serde_json::Value,
    /// The group that it is for.
    pub group: Option<String>,
    /// The user that it is for.
    pub user: Option<String>,
    /// When it is due.
    pub due: Option<Timestamp>,
    /// How urgent it is; greater is more urgent.
    pub priority: Option<i64>,
    /// Since when it is open.
    pub created: Timestamp,
}

impl UserTask {
    fn read(row: UserTaskRow) -> Result<Self, Error> {
        let what = || format!("the form of user task {}", row.id);
        Ok(Self {
            id: row.id,
            instance: row.instance,
            form: read(&row.form, what)?,
            process: row.process,
            key: row.key,
            node: row.node,
            name: row.name,
            group: row.group,
            user: row.user,
            due: row.due,
            priority: row.priority,
            created: row.created,
        })
    }
}

fn read<T: DeserializeOwned>(text: &str, what: impl Fn() -> String) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|source| Error::Unreadable { what: what(), source })
}

/// Reads JSON that someone waits for as their own type.
pub(super) fn read_json<T: DeserializeOwned>(json: &Json, what: &str) -> Result<T, Error> {
    read(json.text(), || what.to_owned())
}

/// Questions about incidents.
#[must_use = "a query does nothing until `list`"]
pub struct Incidents {
    shared: Arc<Shared>,
}

/// An open incident: an instance rests until a person decides.
#[derive(Clone, Debug, PartialEq)]
pub struct Incident {
    /// The id.
    pub id: IncidentId,
    /// The instance that rests.
    pub instance: InstanceId,
    /// The instance's process.
    pub process: String,
    /// Where it rests.
    pub node: String,
    /// What is wrong.
    pub error: String,
    /// How many attempts failed, since the activity began or a person last had it retried.
    pub attempts: u32,
    /// How many attempts were lost: the process that ran them is gone.
    pub lost: u32,
    /// What a person can do.
    pub hint: String,
    /// Since when.
    pub since: Timestamp,
}

impl Incidents {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The open incidents, oldest first; at most 1,000. Behind them, instances whose stored rows
    /// cannot be read: they have no node, and no decision is possible but to restore the row.
    pub async fn list(self) -> Result<Vec<Incident>, Error> {
        let rows = self.shared.read(|store| store.incidents(PAGE)).await?;
        let stored = rows.into_iter().map(Incident::from);
        Ok(stored.chain(self.shared.unreadable.list()).collect())
    }
}

impl From<IncidentRow> for Incident {
    fn from(row: IncidentRow) -> Self {
        let IncidentRow { id, instance, process, node, error, attempts, lost, hint, since, .. } =
            row;
        Self { id, instance, process, node, error, attempts, lost, hint, since }
    }
}
