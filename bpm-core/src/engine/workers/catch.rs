//! The error with which an attempt ended, and the boundary events of its task whose patterns are
//! matched against it.

use bpm_model::graph::{Condition, Graph};
use bpm_model::kind::{Kind, Trigger};

use crate::event::{Caught, Failure, FailureKind};
use crate::json::Json;
use crate::task::TaskError;
use crate::thrown::Raised;
use crate::vars::{Cx, Does, Vars, Visit};

use super::{Failed, Launch, failed, too_large};

/// The failure of an attempt, with the first boundary event whose pattern matches the error.
/// Patterns and guards see the variables as they were when the attempt began.
pub(super) fn caught(launch: &Launch, mut error: Raised, limit: usize) -> Failed {
    let definition = &launch.registered.definition;
    let (graph, node) = (definition.graph(), launch.node_id());
    for boundary in definition.visit().into_iter().flat_map(|_| boundaries(graph, launch.node)) {
        let Some(visit) = definition.visit() else { break };
        match ask(launch, visit, boundary, error) {
            Ok(Asked::Missed(other)) => error = other,
            Ok(Asked::Caught(failure, values)) => {
                let bytes = values.iter().map(|(_, value)| value.text().len()).sum();
                if bytes > limit {
                    return too_large(node, "what its error carries has", bytes, limit);
                }
                let keyed = |(variable, value): (usize, Json)| {
                    (graph.variables[variable].key.clone(), value)
                };
                let values = values.into_iter().map(keyed).collect();
                let caught = Caught { boundary: graph.nodes[boundary].id.clone(), values };
                return Failed { failure, retryable: false, caught: Some(caught) };
            }
            // What the handler needs cannot be stored, or a guard cannot be evaluated.
            Err(error) => return failed(node, error.kind(), &error),
        }
    }
    failed(node, FailureKind::Error, &error.into())
}

/// Of the texts of an error what has room; what is cut is said.
pub(super) fn cut(mut failed: Failed, limit: usize) -> Failed {
    let Failure { message, chain, .. } = &mut failed.failure;
    let bytes = message.len() + chain.iter().map(String::len).sum::<usize>();
    if bytes <= limit {
        return failed;
    }
    let mut room = limit;
    for text in std::iter::once(&mut *message).chain(chain.iter_mut()) {
        let end = (0..=room.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or(0));
        room -= text.len();
    }
    chain.retain(|text| !text.is_empty());
    message.push_str(&format!(
        " … (cut: the error has {bytes} bytes, more than the {limit} of `EngineOptions::error_bytes`)"
    ));
    failed
}

enum Asked {
    Caught(Failure, Vec<(usize, Json)>),
    Missed(Raised),
}

fn ask(
    launch: &Launch,
    visit: Visit,
    boundary: usize,
    mut error: Raised,
) -> Result<Asked, TaskError> {
    let graph = launch.registered.definition.graph();
    let value = std::mem::replace(&mut error.value, Box::new(()));
    let vars = Vars::new(graph, &launch.values, &launch.current).with_thrown(value);
    let caught = matches!(visit(boundary, &vars, Cx::Evaluate)?.0, Does::Caught(true));
    match vars.take_thrown() {
        Some(value) if !caught => Ok(Asked::Missed(error.with(value))),
        // A pattern that matches everything leaves the error as it is.
        Some(value) => {
            let told = TaskError::from(error.with(value)).chain();
            Ok(Asked::Caught(failure(launch, told), vars.into_kept()))
        }
        None => {
            let told = vars.take_told();
            Ok(Asked::Caught(failure(launch, told), vars.into_kept()))
        }
    }
}

fn failure(launch: &Launch, told: Vec<String>) -> Failure {
    let mut told = told.into_iter();
    let message = told.next().unwrap_or_default();
    let mut failure = Failure::new(launch.node_id(), FailureKind::Error, message);
    failure.chain = told.collect();
    failure
}

/// The boundary events of a task that wait for an error, in the order of writing.
fn boundaries(graph: &Graph, task: usize) -> impl Iterator<Item = usize> {
    let edges = graph.outgoing(task);
    let ways = edges.filter(|(_, edge)| edge.condition == Condition::Boundary);
    ways.map(|(_, edge)| edge.to)
        .filter(|to| matches!(graph.nodes[*to].kind, Kind::Boundary { on: Trigger::Error, .. }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_cut_behind_the_message() {
        let mut failure = Failure::new("pay".to_owned(), FailureKind::Error, "aé".to_owned());
        failure.chain = vec!["bb".to_owned(), "cc".to_owned()];
        let failed = Failed { failure, retryable: true, caught: None };
        let cut = |limit| {
            let failure = failed.failure.clone();
            cut(Failed { failure, retryable: true, caught: None }, limit).failure
        };
        assert_eq!(cut(7), failed.failure);
        let at = |limit| {
            let Failure { message, chain, .. } = cut(limit);
            (message.split(" … (cut").next().unwrap_or_default().to_owned(), chain)
        };
        assert_eq!(at(6), ("aé".to_owned(), vec!["bb".to_owned(), "c".to_owned()]));
        assert_eq!(at(4), ("aé".to_owned(), vec!["b".to_owned()]));
        assert_eq!(at(2), ("a".to_owned(), vec!["b".to_owned()]));
        assert_eq!(at(0), (String::new(), Vec::new()));
    }
}
