//! What `workflow!` makes of a process: its input struct as a [`Process`].

use std::fmt;

use bpm_model::graph::Graph;
use serde::{Deserialize, Serialize};

use crate::definition::ProcessDefinition;
use crate::json::Json;
use crate::task::TaskError;
use crate::vars::{Cx, Variable, Vars, Visited};

/// A process written with `workflow!`. The type that implements it is the process's input.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a process",
    note = "a process is written with `workflow! {{ process Name(…) {{ … }} }}`"
)]
pub trait Process: Sized + Send + 'static {
    /// What an instance completes with.
    type Output: Variable;

    /// The graph.
    const GRAPH: Graph;

    /// What the node with this index does.
    fn visit(node: usize, vars: &Vars<'_>, cx: Cx) -> Result<Visited, TaskError>;

    /// Hands over the parameters' values.
    fn input(&self, input: &mut Input);

    /// The process as a definition, the same that a builder makes.
    fn definition() -> ProcessDefinition {
        ProcessDefinition::compiled(Self::GRAPH, Self::visit)
    }
}

/// The values with which an instance starts: one a parameter, in order.
#[derive(Debug, Default)]
pub struct Input {
    values: Vec<(&'static str, Json)>,
    failed: Option<String>,
}

impl Input {
    /// Adds the value of a parameter.
    pub fn parameter<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) {
        match Json::of(value) {
            Ok(json) => self.values.push((name, json)),
            Err(error) => self.failed = Some(format!("parameter `{name}`: {error}")),
        }
    }

    /// The values, or which one cannot be stored and why.
    pub(crate) fn finish(self) -> Result<Vec<(&'static str, Json)>, String> {
        match self.failed {
            Some(failed) => Err(failed),
            None => Ok(self.values),
        }
    }
}

/// The result of a process that never ends by itself (`-> !`): there is no value of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Never {}

impl fmt::Debug for Never {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

impl Serialize for Never {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        match *self {}
    }
}

impl<'de> Deserialize<'de> for Never {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(serde::de::Error::custom("a process of result type `!` has no result"))
    }
}
