//! Names: of nodes, made unique at the end, and of variables, as the statements see them.

use std::collections::{HashMap, HashSet};

use bpm_model::graph::Graph;
use proc_macro2::Ident;

/// How a node comes to its id.
pub(super) enum NodeName {
    /// The task's name or a label: doubled ones are the user's mistake.
    Given(String),
    /// Made from the content: doubled ones get a number.
    Content(String),
    /// Made from another node's id.
    Within(usize, String),
}

/// Gives each node its id: given names first, so that they never get a number.
pub(super) fn assign(names: &[NodeName], graph: &mut Graph) {
    let given = names.iter().filter_map(|name| match name {
        NodeName::Given(id) => Some(id.clone()),
        _ => None,
    });
    let mut taken: HashSet<String> = given.collect();
    let mut ids: Vec<String> = Vec::with_capacity(names.len());
    for name in names {
        let id = match name {
            NodeName::Given(id) => id.clone(),
            NodeName::Content(id) => unique(id.clone(), &mut taken),
            NodeName::Within(outer, part) => {
                let outer = ids.get(*outer).map_or("", String::as_str);
                unique(format!("{outer}/{part}"), &mut taken)
            }
        };
        ids.push(id);
    }
    for (node, id) in graph.nodes.to_mut().iter_mut().zip(ids) {
        node.id = id.into();
    }
}

fn unique(id: String, taken: &mut HashSet<String>) -> String {
    let numbered = (2..).map(|number: usize| format!("{id}#{number}"));
    let free = std::iter::once(id.clone()).chain(numbered).find(|id| !taken.contains(id));
    let free = free.unwrap_or_else(|| unreachable!("there are more numbers than nodes"));
    taken.insert(free.clone());
    free
}

/// The variables in sight: the process's own, and around the current statement the names that
/// patterns bind for their arms.
#[derive(Default)]
pub(super) struct Scopes {
    process: HashMap<String, usize>,
    arms: Vec<Vec<(Ident, Option<usize>)>>,
}

/// What a name means.
pub(super) enum Seen {
    /// A variable.
    Variable(usize),
    /// A name of an arm that nobody has mentioned before: it becomes a variable now.
    First(Ident),
    /// Nothing of the process.
    Nothing,
}

impl Scopes {
    pub(super) fn open_arm(&mut self, names: &[Ident]) {
        self.arms.push(names.iter().map(|name| (name.clone(), None)).collect());
    }

    /// The variables of the innermost arm, which ends here.
    pub(super) fn close_arm(&mut self) -> Vec<(Ident, usize)> {
        let arm = self.arms.pop().unwrap_or_default();
        arm.into_iter().filter_map(|(name, variable)| Some((name, variable?))).collect()
    }

    pub(super) fn is_of_arm(&self, name: &str) -> bool {
        self.arms.iter().flatten().any(|(known, _)| plain(known) == name)
    }

    pub(super) fn of_process(&self, name: &str) -> Option<usize> {
        self.process.get(name).copied()
    }

    pub(super) fn declare(&mut self, name: String, variable: usize) {
        self.process.insert(name, variable);
    }

    pub(super) fn see(&self, name: &str) -> Seen {
        let of_arm = self.arms.iter().rev().flatten().find(|(known, _)| plain(known) == name);
        match of_arm {
            Some((_, Some(variable))) => Seen::Variable(*variable),
            Some((name, None)) => Seen::First(name.clone()),
            None => self.of_process(name).map_or(Seen::Nothing, Seen::Variable),
        }
    }

    /// The name of the innermost arm that has it is this variable from now on.
    pub(super) fn mention(&mut self, name: &str, variable: usize) {
        let known = self.arms.iter_mut().rev().flatten().find(|(known, _)| plain(known) == name);
        if let Some((_, place)) = known {
            *place = Some(variable);
        }
    }
}

/// A name without `r#`.
pub(crate) fn plain(name: &Ident) -> String {
    let name = name.to_string();
    name.strip_prefix("r#").map(str::to_owned).unwrap_or(name)
}
