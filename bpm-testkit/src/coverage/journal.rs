//! What the instances of a test engine do, as it is committed.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bpm_core::change::Change;
use bpm_core::definition::ProcessDefinition;
use bpm_core::event::TokenId;
use bpm_core::history::Recorded;
use bpm_core::ids::InstanceId;
use bpm_core::instance::Token;
use bpm_core::store::{Batch, HistoryRow, Store, TurnRows, Verdict};
use bpm_model::graph::Graph;

use super::{Hits, all, entry, files};
use crate::audit;

/// The instances of a test engine, over its restarts.
pub(crate) struct Journal {
    definitions: Vec<ProcessDefinition>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    started: Vec<InstanceId>,
    walks: HashMap<InstanceId, Option<Walk>>,
}

/// Where the tokens of an instance are.
#[derive(Default)]
struct Walk {
    /// Which of the definitions.
    definition: usize,
    tokens: HashMap<TokenId, usize>,
}

impl Journal {
    /// For an engine with these definitions.
    pub(crate) fn new(definitions: Vec<ProcessDefinition>) -> Self {
        for definition in &definitions {
            entry(&mut all(), definition);
        }
        Self { definitions, kept: Mutex::default() }
    }

    /// The instances that were started, in order.
    pub(crate) fn started(&self) -> Vec<InstanceId> {
        self.kept().started.clone()
    }

    /// The graph of a definition of the engine.
    pub(crate) fn graph(&self, process: &str, version: u32) -> Option<Graph> {
        self.definition(process, version).map(|at| self.definitions[at].graph().clone())
    }

    fn definition(&self, process: &str, version: u32) -> Option<usize> {
        let is = |known: &ProcessDefinition| (known.name(), known.version()) == (process, version);
        self.definitions.iter().position(is)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what was committed.
    pub(crate) fn note(&self, store: &dyn Store, batch: &Batch, verdicts: &[Verdict]) {
        let mut kept = self.kept();
        for (turn, verdict) in batch.turns.iter().zip(verdicts) {
            if *verdict == Verdict::Committed {
                self.note_turn(&mut kept, store, turn);
            }
        }
    }

    fn note_turn(&self, kept: &mut Kept, store: &dyn Store, turn: &TurnRows) {
        if turn.start.is_some() {
            kept.started.push(turn.instance);
        }
        let walk = kept.walks.entry(turn.instance);
        let walk = walk.or_insert_with(|| self.begin(store, turn));
        let row = HistoryRow { seq: turn.seq, at: turn.at, body: turn.body.clone() };
        if let (Some(walk), Ok(recorded)) = (walk, Recorded::read(turn.instance, &row)) {
            let definition = &self.definitions[walk.definition];
            let hits = walk.go(definition.graph(), &recorded.changes);
            let mut all = all();
            let covered = &mut entry(&mut all, definition).hits;
            covered.nodes.extend(hits.nodes);
            covered.edges.extend(hits.edges);
        }
    }

    /// Where an instance was before this turn; it may have been started by another engine.
    fn begin(&self, store: &dyn Store, turn: &TurnRows) -> Option<Walk> {
        let row = store.instance(turn.instance).ok()??;
        let definition = self.definition(&row.start.process, row.start.version)?;
        let graph = self.definitions[definition].graph();
        let beginning = audit::beginning(store, &row).ok()?;
        let stand = |token: &Token| Some((token.id, graph.node(&token.node)?));
        let tokens = beginning.tokens().iter().filter_map(stand).collect();
        let mut walk = Walk { definition, tokens };
        if turn.start.is_none() {
            let history = audit::history(store, turn.instance).ok()?;
            for earlier in history.iter().filter(|earlier| earlier.seq < turn.seq) {
                walk.go(graph, &earlier.changes);
            }
        }
        Some(walk)
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        files::write_if_asked();
    }
}

impl Walk {
    /// Applies the changes of a turn; what they reached.
    fn go(&mut self, graph: &Graph, changes: &[Change]) -> Hits {
        let mut hits = Hits::default();
        // Where the last token ceased to be: a fork, or a join that is complete.
        let mut left = None;
        for change in changes {
            let (token, node, from) = match change {
                Change::TokenCreated { token, node } => (token, node, left),
                Change::TokenMoved { token, node } => {
                    (token, node, self.tokens.get(token).copied())
                }
                Change::UndoStarted { token, node, .. } => (token, node, None),
                Change::TokenConsumed { token } => {
                    left = self.tokens.remove(token);
                    continue;
                }
                _ => continue,
            };
            let Some(to) = graph.node(node) else { continue };
            hits.nodes.insert(to);
            self.tokens.insert(*token, to);
            let edges = graph.edges.iter().enumerate();
            let gone = edges.filter(|(_, edge)| Some(edge.from) == from && edge.to == to);
            hits.edges.extend(gone.map(|(at, _)| at));
        }
        hits
    }
}
