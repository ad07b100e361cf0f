//! What happens at start: registered definitions against stored ones, and the instances that had
//! work in flight.
//!
//! Nothing of an instance that rests is read: its waits are rows that the outside wakes.

use crate::definition::ProcessDefinition;
use crate::error::{Error, StartError};
use crate::failpoint;
use crate::ids::InstanceId;
use crate::store::{DefinitionRow, Store};

use super::mailbox::Message;
use super::registry::Registry;
use super::shared::Shared;

/// What the engine found at its start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// The instances that had work in flight and go on, in the order of their ids. Those of a
    /// missing definition are among them, and rest.
    pub resumed: Vec<InstanceId>,
    /// Definitions that are stored and not registered, while instances of them live.
    pub missing: Vec<MissingDefinition>,
}

/// A definition that is stored and not registered; its instances rest until it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingDefinition {
    /// The process.
    pub process: String,
    /// The version.
    pub version: u32,
    /// How many instances have not ended.
    pub live: u64,
}

/// How many ids of active instances are read at once.
const PAGE: usize = 1_000;

/// Compares the registered definitions with the stored ones and stores what is new. A definition
/// that changed while instances of it live is refused before anything is written.
pub(super) fn agree(store: &dyn Store, registry: &Registry) -> Result<(), Error> {
    let stored = store.definitions()?;
    let mut new = Vec::new();
    for registered in registry.iter() {
        let row = row(&registered.definition);
        match stored.iter().find(|known| (&known.name, known.version) == (&row.name, row.version)) {
            Some(known) if known.fingerprint == row.fingerprint => {}
            Some(known) => {
                refuse_if_live(store, known, &row)?;
                new.push(row);
            }
            None => new.push(row),
        }
    }
    failpoint!(DefinitionsAgreed);
    new.iter().try_for_each(|row| store.put_definition(row)).map_err(Error::from)
}

fn row(definition: &ProcessDefinition) -> DefinitionRow {
    DefinitionRow {
        name: definition.name().to_owned(),
        version: definition.version(),
        fingerprint: definition.fingerprint().to_string(),
        graph: serde_json::to_string(definition)
            .unwrap_or_else(|error| unreachable!("a graph prints as JSON: {error}")),
    }
}

fn refuse_if_live(
    store: &dyn Store,
    stored: &DefinitionRow,
    row: &DefinitionRow,
) -> Result<(), Error> {
    let live = store.live(&row.name, row.version)?;
    if live == 0 {
        return Ok(());
    }
    Err(Error::Start(StartError::Changed {
        name: row.name.clone(),
        version: row.version,
        stored: stored.fingerprint.clone(),
        registered: row.fingerprint.clone(),
        live,
    }))
}

/// Finds the instances that must go on, and the definitions that are missing.
pub(super) fn look(store: &dyn Store, registry: &Registry) -> Result<Recovered, Error> {
    let mut recovered = Recovered { missing: missing(store, registry)?, ..Recovered::default() };
    loop {
        let page = store.active(recovered.resumed.last().copied(), PAGE)?;
        let full = page.len() == PAGE;
        recovered.resumed.extend(page);
        if !full {
            return Ok(recovered);
        }
    }
}

fn missing(store: &dyn Store, registry: &Registry) -> Result<Vec<MissingDefinition>, Error> {
    let mut missing = Vec::new();
    for stored in store.definitions()? {
        if registry.get(&stored.name, stored.version).is_some() {
            continue;
        }
        let live = store.live(&stored.name, stored.version)?;
        if live > 0 {
            missing.push(MissingDefinition { process: stored.name, version: stored.version, live });
        }
    }
    Ok(missing)
}

/// Tells the dispatcher to go on with what was found.
pub(super) fn resume(shared: &Shared, recovered: &Recovered) {
    for instance in &recovered.resumed {
        shared.mailbox.post(Message::Recover(*instance));
    }
}
