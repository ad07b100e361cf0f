//! Starting instances, and handles on them.

use std::future::{Future, IntoFuture};
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use tokio::sync::oneshot;

use crate::error::Error;
use crate::event::Failure;
use crate::ids::InstanceId;
use crate::instance::{Cancellation, Ending, Termination};
use crate::json::Json;
use crate::process::{Input, Process};
use crate::refused::Refused;
use crate::store::Status;

use super::mailbox::{Message, Start};
use super::queries::read_json;
use super::registry::Registered;
use super::shared::Shared;

/// What an instance is a run of: a process, or JSON for definitions that are data.
pub trait Runs {
    /// What it completes with.
    type Output: DeserializeOwned;
}

impl<P: Process> Runs for P {
    type Output = P::Output;
}

impl Runs for serde_json::Value {
    type Output = serde_json::Value;
}

/// A start in the making; await it.
#[must_use = "an instance is started when this is awaited"]
pub struct StartCall<P> {
    shared: Arc<Shared>,
    registered: Result<Registered, Refused>,
    input: Result<Vec<(String, Json)>, String>,
    key: Option<String>,
    process: PhantomData<fn() -> P>,
}

impl<P: Process> StartCall<P> {
    pub(super) fn of_process(shared: Arc<Shared>, process: &P) -> Self {
        let registered = shared.registry.get(&P::GRAPH.name, P::GRAPH.version).cloned();
        let registered = registered.ok_or_else(|| unknown(&shared, &P::GRAPH.name));
        let mut input = Input::default();
        process.input(&mut input);
        let named = |values: Vec<(&'static str, Json)>| {
            values.into_iter().map(|(name, json)| (name.to_owned(), json)).collect()
        };
        Self {
            shared,
            registered,
            input: input.finish().map(named),
            key: None,
            process: PhantomData,
        }
    }
}

impl StartCall<serde_json::Value> {
    pub(super) fn of_definition(shared: Arc<Shared>, name: &str, input: serde_json::Value) -> Self {
        let registered = shared.registry.latest(name).cloned();
        let registered = registered.ok_or_else(|| unknown(&shared, name));
        let input = match (&registered, input) {
            (Ok(registered), _) if registered.definition.visit().is_some() => {
                Err("it is written with `workflow!`; start it with a value of its own type"
                    .to_owned())
            }
            (_, serde_json::Value::Object(fields)) => {
                Ok(fields.iter().map(|(key, value)| (key.clone(), Json::from(value))).collect())
            }
            (_, serde_json::Value::Null) => Ok(Vec::new()),
            _ => Err("it must be a JSON object, whose fields become variables, or null".to_owned()),
        };
        Self { shared, registered, input, key: None, process: PhantomData }
    }
}

fn unknown(shared: &Shared, name: &str) -> Refused {
    Refused::UnknownProcess { name: name.to_owned(), known: shared.registry.names() }
}

impl<P> StartCall<P> {
    /// Gives the instance a business key, unique among the instances of its process. A second
    /// start with the same key and input gives the same instance, ended or not.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    async fn start(self) -> Result<Run<P>, Error> {
        let registered = self.registered?;
        let process = registered.definition.name().to_owned();
        let input =
            self.input.map_err(|why| Refused::InvalidInput { process: process.clone(), why })?;
        let limit = self.shared.options.payload_bytes;
        let bytes = input.iter().map(|(_, json)| json.text().len()).sum();
        if bytes > limit {
            let what = format!("the input of `{process}`");
            return Err(Refused::TooLarge { what, bytes, limit }.into());
        }
        if let Some(key) = &self.key {
            self.shared.options.check_name("the key", key)?;
        }
        let input_hash = input_hash(&input);
        let (id, key) = (InstanceId::new(), self.key);
        let start = |answer| {
            Message::Start(Box::new(Start { id, registered, key, input, input_hash, answer }))
        };
        let id = self.shared.call(start).await?;
        Ok(Run::new(self.shared, id))
    }
}

impl<P: 'static> IntoFuture for StartCall<P> {
    type Output = Result<Run<P>, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.start())
    }
}

/// A hash of an input that depends on its values only, not on the order of their names. FNV-1a,
/// because it is stored and must never change.
pub(super) fn input_hash(input: &[(String, Json)]) -> u64 {
    let mut sorted: Vec<_> = input.iter().collect();
    sorted.sort_by(|one, other| one.0.cmp(&other.0));
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for (name, json) in sorted {
        for byte in name.bytes().chain([0]).chain(json.text().bytes()).chain([0]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash
}

/// A handle on an instance; it need not live as long as the instance.
pub struct Run<P> {
    shared: Arc<Shared>,
    id: InstanceId,
    process: PhantomData<fn() -> P>,
}

impl<P> Run<P> {
    pub(super) fn new(shared: Arc<Shared>, id: InstanceId) -> Self {
        Self { shared, id, process: PhantomData }
    }

    /// The instance's id.
    pub fn id(&self) -> InstanceId {
        self.id
    }

    /// The instance's status.
    pub async fn status(&self) -> Result<Status, Error> {
        let id = self.id;
        let row = self.shared.read(move |store| store.instance(id)).await?;
        row.map(|row| row.state.status).ok_or_else(|| Refused::UnknownInstance(id).into())
    }

    async fn ending(&self) -> Result<Ending, Error> {
        let (sender, ending) = oneshot::channel();
        self.shared.mailbox.post(Message::Await(self.id, sender));
        ending.await.map_err(|_| Error::Stopped)?
    }
}

impl<P: Runs> Run<P> {
    /// Waits until the instance has ended, and says how. May be called often, also after the end.
    pub async fn outcome(&self) -> Result<Outcome<P::Output>, Error> {
        match self.ending().await? {
            Ending::Completed(result) => {
                let what = format!("the result of instance {}", self.id);
                read_json(&result, &what).map(Outcome::Completed)
            }
            Ending::Failed(failure) => Ok(Outcome::Failed(failure)),
            Ending::Cancelled(cancelled) => Ok(Outcome::Cancelled(cancelled)),
            Ending::Terminated(Termination { not_undone, .. }) => {
                Ok(Outcome::Terminated { not_undone })
            }
        }
    }
}

impl<P> Clone for Run<P> {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.shared), self.id)
    }
}

/// How an instance ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome<T> {
    /// With this result.
    Completed(T),
    /// With a failure.
    Failed(Failure),
    /// Because someone cancelled it.
    Cancelled(Cancellation),
    /// Because someone ended it at once; history says who.
    Terminated {
        /// The activities that have an `undo`, completed and were not undone, in the order of
        /// completion.
        not_undone: Vec<String>,
    },
}

impl<T> Outcome<T> {
    /// The result; a failure or cancellation as an error.
    pub fn completed(self) -> Result<T, Error> {
        match self {
            Outcome::Completed(result) => Ok(result),
            Outcome::Failed(failure) => Err(Error::Failed(failure)),
            Outcome::Cancelled(cancelled) => Err(Error::Cancelled(cancelled)),
            Outcome::Terminated { not_undone } => Err(Error::Terminated { not_undone }),
        }
    }
}
