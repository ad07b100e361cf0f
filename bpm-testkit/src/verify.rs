//! Which stored instances a new build can go on with, before it is deployed.

use std::collections::BTreeSet;
use std::fmt;

use bpm_core::definition::ProcessDefinition;
use bpm_core::event::Event;
use bpm_core::history::Recorded;
use bpm_core::ids::InstanceId;
use bpm_core::instance::{Instance, Token};
use bpm_core::store::{DefinitionRow, Error, InstanceFilter, InstanceRow, Status, Store};
use bpm_model::graph::Graph;

use crate::audit;

/// What a build can go on with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// The instances that have not ended, in the order of their ids.
    pub instances: Vec<Verified>,
}

/// Whether an instance can go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The instance.
    pub instance: InstanceId,
    /// Its business key.
    pub key: Option<String>,
    /// Its process.
    pub process: String,
    /// The version with which it was started.
    pub version: u32,
    /// Why it cannot go on; it can if there is nothing.
    pub obstacles: Vec<Obstacle>,
}

/// Why an instance cannot go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// The build has no definition of this name and version: the instance would rest.
    MissingDefinition,
    /// The definition is another one than that with which the instance was started: an engine
    /// refuses to start.
    Fingerprint {
        /// That of the stored definition.
        stored: String,
        /// That of the build's.
        current: String,
    },
    /// A token is at a node that the definition no longer has, or an activity that may have to be
    /// undone is gone.
    MissingNode {
        /// The node's id.
        node: String,
    },
    /// A node is of another kind than it was.
    NodeKind {
        /// The node's id.
        node: String,
        /// What it was.
        stored: String,
        /// What it is.
        current: String,
    },
    /// A variable was declared with another type.
    VariableType {
        /// The variable's key.
        variable: String,
        /// The type as it was written.
        stored: String,
        /// The type as it is written.
        current: String,
    },
    /// A variable that the instance has is not in the definition any more.
    MissingVariable {
        /// The variable's key.
        variable: String,
    },
    /// A value that an activity gave no longer reads as its type.
    Value {
        /// The activity.
        node: String,
        /// What serde says.
        why: String,
    },
}

/// Compares every stored instance that has not ended with these definitions: its history is
/// replayed, the results in it are read as the types that the activities have now, and where its
/// tokens are is looked up in the graph. Nothing is written.
///
/// A store that opens a file locks it, so verify a copy of it, made by SQLite itself:
/// `sqlite3 shop.db "VACUUM INTO 'copy.db'"`.
///
/// # Errors
///
/// If the store or the history of an instance cannot be read.
pub fn verify(store: &dyn Store, definitions: &[ProcessDefinition]) -> Result<Verification, Error> {
    let stored = store.definitions()?;
    let mut instances = Vec::new();
    for row in living(store)? {
        instances.push(Verified {
            instance: row.id,
            obstacles: obstacles(store, &row, &stored, definitions)?,
            key: row.start.key,
            process: row.start.process,
            version: row.start.version,
        });
    }
    Ok(Verification { instances })
}

/// The instances that have not ended, in the order of their ids.
fn living(store: &dyn Store) -> Result<Vec<InstanceRow>, Error> {
    let mut living = Vec::new();
    for status in Status::ALL.into_iter().filter(|status| !status.is_end()) {
        let mut filter =
            InstanceFilter { status: Some(status), limit: Some(PAGE), ..Default::default() };
        loop {
            let page = store.instances(&filter)?;
            let full = page.len() == PAGE;
            filter.after = page.last().map(|row| row.id).or(filter.after);
            living.extend(page);
            if !full {
                break;
            }
        }
    }
    living.sort_by_key(|row| row.id);
    Ok(living)
}

/// How many instances are read at once.
const PAGE: usize = 1_000;

fn obstacles(
    store: &dyn Store,
    row: &InstanceRow,
    stored: &[DefinitionRow],
    definitions: &[ProcessDefinition],
) -> Result<Vec<Obstacle>, Error> {
    let wanted = (row.start.process.as_str(), row.start.version);
    let same = |known: &&ProcessDefinition| (known.name(), known.version()) == wanted;
    let Some(definition) = definitions.iter().find(same) else {
        return Ok(vec![Obstacle::MissingDefinition]);
    };
    let history = audit::history(store, row.id)?;
    let instance = match store.load(row.id)? {
        Some(kept) => Instance::restore(&kept)?,
        None => audit::beginning(store, row)?.replayed(&history),
    };
    let mut found = Vec::new();
    if let Some(known) = stored.iter().find(|known| (known.name.as_str(), known.version) == wanted)
    {
        found.extend(changed(known, definition));
        let before = serde_json::from_str::<Graph>(&known.graph).map_err(|error| {
            Error::Corrupt(format!("the graph of `{}` cannot be read: {error}", known.name))
        })?;
        found.extend(differences(&before, definition.graph(), &instance));
    }
    found.extend(missing_nodes(definition, &instance));
    found.extend(history.iter().filter_map(|turn| unreadable(definition, turn)));
    Ok(found)
}

fn changed(stored: &DefinitionRow, definition: &ProcessDefinition) -> Option<Obstacle> {
    let current = definition.fingerprint().to_string();
    let stored = stored.fingerprint.clone();
    (stored != current).then_some(Obstacle::Fingerprint { stored, current })
}

fn differences(before: &Graph, now: &Graph, instance: &Instance) -> Vec<Obstacle> {
    let kinds = nodes(instance).into_iter().filter_map(|id| {
        let stored = before.nodes[before.node(&id)?].kind.noun();
        let current = now.nodes[now.node(&id)?].kind.noun();
        let (stored, current) = (stored.to_owned(), current.to_owned());
        (stored != current).then_some(Obstacle::NodeKind { node: id, stored, current })
    });
    let variables = before.variables.iter().filter(|old| instance.values().get(&old.key).is_some());
    let variables = variables.filter_map(|old| {
        let variable = old.key.to_string();
        match now.variables.iter().find(|new| new.key == old.key) {
            None => Some(Obstacle::MissingVariable { variable }),
            Some(new) if new.ty != old.ty => Some(Obstacle::VariableType {
                variable,
                stored: old.ty.to_string(),
                current: new.ty.to_string(),
            }),
            Some(_) => None,
        }
    });
    kinds.chain(variables).collect()
}

/// Where the instance is, and what it may have to undo.
fn nodes(instance: &Instance) -> BTreeSet<String> {
    let places = instance.tokens().iter().map(|Token { node, .. }| node.to_string());
    places.chain(instance.not_undone().iter().map(|done| done.node.to_string())).collect()
}

fn missing_nodes(definition: &ProcessDefinition, instance: &Instance) -> Vec<Obstacle> {
    let gone = nodes(instance).into_iter().filter(|node| definition.graph().node(node).is_none());
    gone.map(|node| Obstacle::MissingNode { node }).collect()
}

/// A result in the history that the activity could not have given now.
fn unreadable(definition: &ProcessDefinition, turn: &Recorded) -> Option<Obstacle> {
    let (node, value) = match &turn.event {
        Event::TaskCompleted { node, result, .. } => (node, result),
        Event::UserTaskCompleted { node, payload, .. } => (node, payload),
        _ => return None,
    };
    let why = definition.accepts(node, value).err()?;
    Some(Obstacle::Value { node: node.clone(), why })
}

impl Verification {
    /// The instances that can go on.
    pub fn go_on(&self) -> impl Iterator<Item = &Verified> {
        self.instances.iter().filter(|verified| verified.obstacles.is_empty())
    }

    /// The instances that cannot.
    pub fn stuck(&self) -> impl Iterator<Item = &Verified> {
        self.instances.iter().filter(|verified| !verified.obstacles.is_empty())
    }

    /// Whether every instance can go on.
    pub fn is_ok(&self) -> bool {
        self.stuck().next().is_none()
    }
}

impl fmt::Display for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (all, stuck) = (self.instances.len(), self.stuck().count());
        writeln!(f, "{} of {all} instances can go on", all - stuck)?;
        for Verified { instance, key, process, version, obstacles } in self.stuck() {
            let key = key.as_ref().map(|key| format!(" (`{key}`)")).unwrap_or_default();
            writeln!(f, "{instance}{key} of `{process}`, version {version}:")?;
            obstacles.iter().try_for_each(|obstacle| writeln!(f, "  {obstacle}"))?;
        }
        Ok(())
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Obstacle::MissingDefinition => {
                f.write_str("the definition is missing; register this version too")
            }
            Obstacle::Fingerprint { stored, current } => write!(
                f,
                "the definition changed from {stored} to {current}; give the new one a higher \
                 version and keep the old one"
            ),
            Obstacle::MissingNode { node } => write!(f, "there is no node `{node}` any more"),
            Obstacle::NodeKind { node, stored, current } => {
                write!(f, "`{node}` was a {stored} and is a {current}")
            }
            Obstacle::VariableType { variable, stored, current } => {
                write!(f, "`{variable}` was a `{stored}` and is a `{current}`")
            }
            Obstacle::MissingVariable { variable } => {
                write!(f, "there is no variable `{variable}` any more")
            }
            Obstacle::Value { node, why } => {
                write!(f, "what `{node}` gave no longer reads as its type: {why}")
            }
        }
    }
}
