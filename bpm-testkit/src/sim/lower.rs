//! From a tree to the graph that `workflow!` would make of it, and one function that does what
//! all nodes do, by the small instruction in each node's `source`.

use std::collections::BTreeMap;
use std::time::Duration;

use bpm_core::__private::{
    Called, Condition, Cx, Edge, Graph, Key, Kind, Node, Origin, Outcome, Policy, Retry, Scope,
    ScopeKind, ServiceTask, Slot, StateType, TaskContext, TaskError, Thrown, Trigger, UserTask,
    Values, Var, Vars, Visited, Work,
};
use bpm_core::clock::Timestamp;
use bpm_core::definition::{Exhausted, ProcessDefinition};
use bpm_core::event::Failure;

use super::tree::{Block, Branch, Clause, On, Process, Stmt, Task, returns};

/// Attempts of an undo before it rests with an incident.
pub const UNDO_ATTEMPTS: u32 = 3;

/// After how many milliseconds an attempt of an undo is dropped.
pub const UNDO_TIMEOUT_MS: u64 = 30;

/// The definition of a process.
pub fn definition(process: &Process) -> ProcessDefinition {
    ProcessDefinition::of_graph(graph(process), Some(visit))
}

/// A path that has no next node yet: a node, and the place of the edge among its ways out.
type Open = (usize, usize);

/// Behind all other ways out stand the boundary events.
const BOUNDARY: usize = 1_000;

struct Lowering {
    nodes: Vec<Node>,
    edges: Vec<(usize, usize, usize)>,
    variables: Vec<Slot>,
    scopes: Vec<Scope>,
    scope: usize,
    /// The place of each name here.
    names: BTreeMap<String, usize>,
    open: Vec<Open>,
}

fn graph(process: &Process) -> Graph {
    let scopes = vec![Scope { kind: ScopeKind::Process, parent: 0 }];
    let (nodes, edges, variables) = (Vec::new(), Vec::new(), Vec::new());
    let (names, open) = (BTreeMap::new(), Vec::new());
    let mut lowering = Lowering { nodes, edges, variables, scopes, scope: 0, names, open };
    for name in &process.variables {
        let index = lowering.variable(name.clone(), name.clone());
        lowering.names.insert(name.clone(), index);
    }
    let parameters = lowering.variables.len();
    lowering.node("start", Kind::Start, "");
    lowering.block(&process.body);
    if !lowering.open.is_empty() {
        lowering.merge("end/merge");
        lowering.node("end", Kind::End { returns: false }, "");
    }
    lowering.finish(parameters)
}

impl Lowering {
    fn finish(mut self, parameters: usize) -> Graph {
        self.edges.sort_by_key(|(from, place, _)| (*from, *place));
        let edge = |&(from, place, to): &(usize, usize, usize)| {
            let condition = match &self.nodes[from] {
                _ if place >= BOUNDARY => Condition::Boundary,
                node if node.kind == Kind::Exclusive && !node.source.is_empty() => Condition::Code,
                _ => Condition::Always,
            };
            Edge { from, to, condition, text: "".into(), sets: Vec::new().into() }
        };
        Graph {
            name: "Random".into(),
            version: 1,
            origin: Origin::Workflow,
            outcome: Outcome::Unit,
            edges: self.edges.iter().map(edge).collect::<Vec<_>>().into(),
            nodes: self.nodes.into(),
            variables: self.variables.into(),
            parameters,
            scopes: self.scopes.into(),
        }
    }

    fn variable(&mut self, name: String, key: String) -> usize {
        self.variables.push(Slot { name: name.into(), key: key.into(), ty: "i64".into() });
        self.variables.len() - 1
    }

    /// Adds a node; the open paths lead to it.
    fn node(&mut self, id: &str, kind: Kind, source: &str) -> usize {
        let (node, scope) = (self.nodes.len(), self.scope);
        let (reads, sets) = (Vec::new().into(), Vec::new().into());
        let (id, source) = (id.to_owned().into(), source.to_owned().into());
        self.nodes.push(Node { id, kind, scope, reads, sets, source });
        let open = std::mem::replace(&mut self.open, vec![(node, 0)]);
        self.edges.extend(open.into_iter().map(|(from, place)| (from, place, node)));
        node
    }

    fn merge(&mut self, id: &str) {
        if self.open.len() > 1 {
            self.node(id, Kind::Exclusive, "");
        }
    }

    fn block(&mut self, block: &Block) {
        block.iter().for_each(|stmt| self.statement(stmt));
    }

    fn statement(&mut self, stmt: &Stmt) {
        match stmt {
            Stmt::Task(task) => self.task(task),
            Stmt::User(user) => {
                let name = user.id.clone().into();
                let node = self.activity(&user.id, Kind::User { name });
                self.clauses(node, &user.id, &user.clauses);
            }
            Stmt::Wait(id, ms) => {
                let even = ms % 2 == 0;
                let kind = Kind::Wait { after_ms: even.then_some(*ms) };
                self.node(id, kind, &format!("wait {ms}"));
            }
            Stmt::Until(id, at) => {
                self.node(id, Kind::Wait { after_ms: None }, &format!("until {at}"));
            }
            Stmt::Choice(id, of, arms) => self.choice(id, of, arms),
            Stmt::Loop(id, turns, body) => self.repeat(id, *turns, body),
            Stmt::Parallel(id, branches) => self.parallel(id, branches),
            Stmt::Scope(id, body, clauses) => {
                let node = self.scoped(id, &[], |this| this.block(body));
                self.clauses(node, id, clauses);
            }
            Stmt::Race(id, wins, branches) => self.race(id, *wins, branches),
            Stmt::Fail(id) => {
                self.node(id, Kind::Fail, "fail");
                self.open.clear();
            }
            Stmt::Return(id, of) => {
                let source = format!("return {}", self.names[of]);
                self.node(id, Kind::End { returns: true }, &source);
                self.open.clear();
            }
        }
    }

    fn activity(&mut self, id: &str, kind: Kind) -> usize {
        let node = self.node(id, kind, &format!("set {}", self.names[id]));
        self.nodes[node].sets = vec![self.names[id]].into();
        node
    }

    fn task(&mut self, task: &Task) {
        let retry = task.retry.map(|(attempts, suspends)| Retry {
            attempts,
            first_ms: 4,
            max_ms: 20,
            then: if suspends { Exhausted::Suspend } else { Exhausted::Fail },
        });
        let policy = Policy { retry, timeout_ms: task.timeout };
        let node = self.activity(&task.id, Kind::Service { task: "work".into(), policy });
        if let Some(undo) = &task.undo {
            let open = std::mem::take(&mut self.open);
            let undo = self.node(undo, Kind::Undo { task: "undo".into(), of: node }, "undo");
            self.nodes[undo].reads = vec![self.names[&task.id]].into();
            self.open = open;
        }
        self.clauses(node, &task.id, &task.clauses);
    }

    fn choice(&mut self, id: &str, of: &str, arms: &[Block]) {
        let source = format!("choose {} {}", self.names[of], arms.len());
        let node = self.node(id, Kind::Exclusive, &source);
        let mut ends = Vec::new();
        for (at, arm) in arms.iter().enumerate() {
            self.open = vec![(node, at)];
            self.block(arm);
            ends.append(&mut self.open);
        }
        self.open = ends;
        self.merge(&format!("{id}/merge"));
    }

    fn repeat(&mut self, id: &str, turns: u64, body: &Block) {
        let counter = self.variable(id.to_owned(), id.to_owned());
        self.node(&format!("{id}/begin"), Kind::Script, &format!("zero {counter}"));
        let head = self.node(&format!("{id}/head"), Kind::Exclusive, "");
        let turn = self.node(id, Kind::Exclusive, &format!("loop {counter} {turns}"));
        self.block(body);
        let ends = std::mem::replace(&mut self.open, vec![(turn, 1)]);
        self.edges.extend(ends.into_iter().map(|(from, place)| (from, place, head)));
    }

    fn parallel(&mut self, id: &str, branches: &[Branch]) {
        let fork = self.node(id, Kind::Parallel, "");
        let first = self.scopes.len();
        for (at, branch) in branches.iter().enumerate() {
            let after: Vec<usize> = branch.after.iter().map(|before| first + before).collect();
            let name = format!("{id}/{at}").into();
            let kind = ScopeKind::Branch { name, fork, after: after.into() };
            self.scopes.push(Scope { kind, parent: self.scope });
        }
        let wrapped = branches.iter().any(|branch| returns(&branch.body));
        let (mut ends, mut joined) = (Vec::new(), Vec::new());
        for (at, branch) in branches.iter().enumerate() {
            self.open = branch.after.iter().map(|before| (ends[*before], 1 + at)).collect();
            let around = std::mem::replace(&mut self.scope, first + at);
            match branch.after.len() {
                0 => self.open = vec![(fork, at)],
                1 => {}
                _ => drop(self.node(&format!("{id}/{at}/begin"), Kind::Parallel, "")),
            }
            if wrapped {
                self.scoped(&format!("{id}/{at}"), &[], |this| this.block(&branch.body));
            } else {
                self.block(&branch.body);
            }
            self.merge(&format!("{id}/{at}/merge"));
            self.scope = around;
            let awaited = branches.iter().any(|branch| branch.after.contains(&at));
            if awaited {
                self.node(&format!("{id}/{at}/done"), Kind::Parallel, "");
            }
            ends.push(self.open[0].0);
            joined.append(&mut self.open);
        }
        self.open = joined;
        self.node(&format!("{id}/join"), Kind::Parallel, "");
    }

    /// A scope node, its body, and its end, behind which the open path goes on.
    fn scoped(
        &mut self,
        id: &str,
        copies: &[(usize, usize)],
        body: impl FnOnce(&mut Self),
    ) -> usize {
        let node = self.node(id, Kind::Scope { copies: copies.to_vec().into() }, "");
        self.body(node, &format!("{id}/end"), body);
        node
    }

    fn body(&mut self, of: usize, end: &str, body: impl FnOnce(&mut Self)) {
        self.scopes.push(Scope { kind: ScopeKind::Body { of }, parent: self.scope });
        let around = std::mem::replace(&mut self.scope, self.scopes.len() - 1);
        body(self);
        self.merge(&format!("{end}/merge"));
        self.node(end, Kind::Leave { of }, "");
        self.scope = around;
    }

    fn race(&mut self, id: &str, wins: u32, branches: &[Block]) {
        let race = self.node(id, Kind::Race { wins }, "");
        let mut ends = Vec::new();
        for (at, branch) in branches.iter().enumerate() {
            let name = format!("{id}/{at}");
            let kind = ScopeKind::Branch {
                name: name.clone().into(),
                fork: race,
                after: Vec::new().into(),
            };
            self.scopes.push(Scope { kind, parent: self.scope });
            let around = std::mem::replace(&mut self.scope, self.scopes.len() - 1);
            let outside = self.names.clone();
            let copies = self.copies(&name, branch);
            self.open = vec![(race, at)];
            self.scoped(&name, &copies, |this| this.block(branch));
            self.names = outside;
            self.scope = around;
            ends.append(&mut self.open);
        }
        self.open = ends;
        self.node(&format!("{id}/end"), Kind::Won { race }, "");
    }

    /// The variables that a branch sets, each with a copy, which is what the name means there.
    fn copies(&mut self, place: &str, branch: &Block) -> Vec<(usize, usize)> {
        let mut set = Vec::new();
        names_set(branch, &mut set);
        let copy = |name: &String| {
            let copy = self.variable(name.clone(), format!("{place}/{name}"));
            let outer = self.names.insert(name.clone(), copy);
            (outer.unwrap_or(copy), copy)
        };
        set.iter().map(copy).collect()
    }

    fn clauses(&mut self, of: usize, id: &str, clauses: &[Clause]) {
        let mut ends = std::mem::take(&mut self.open);
        for (at, clause) in clauses.iter().enumerate() {
            self.open = vec![(of, BOUNDARY + at)];
            let (on, source) = trigger(&clause.on);
            let interrupts = clause.on.interrupts();
            let node = self.node(&clause.id, Kind::Boundary { of, on, interrupts }, &source);
            if interrupts {
                self.block(&clause.body);
                ends.append(&mut self.open);
            } else {
                self.body(node, &format!("{}/end", clause.id), |this| this.block(&clause.body));
            }
        }
        self.open = ends;
        self.merge(&format!("{id}/merge"));
    }
}

fn trigger(on: &On) -> (Trigger, String) {
    match on {
        On::Error(None) => (Trigger::Error, "catch _".to_owned()),
        On::Error(Some(message)) => (Trigger::Error, format!("catch {message}")),
        On::After(ms) | On::AlsoAfter(ms) => (Trigger::After, format!("wait {ms}")),
        On::AlsoEvery(ms) => (Trigger::Every, format!("wait {ms}")),
        On::At(ms) => (Trigger::At, format!("until {ms}")),
    }
}

/// The variables that a block sets.
pub fn names_set(block: &Block, set: &mut Vec<String>) {
    let clauses = |clauses: &[Clause], set: &mut Vec<String>| {
        clauses.iter().for_each(|clause| names_set(&clause.body, set));
    };
    for stmt in block {
        match stmt {
            Stmt::Task(task) => {
                set.push(task.id.clone());
                clauses(&task.clauses, set);
            }
            Stmt::User(user) => {
                set.push(user.id.clone());
                clauses(&user.clauses, set);
            }
            Stmt::Choice(_, _, arms) => arms.iter().for_each(|arm| names_set(arm, set)),
            Stmt::Loop(_, _, body) => names_set(body, set),
            Stmt::Parallel(_, branches) => {
                branches.iter().for_each(|branch| names_set(&branch.body, set));
            }
            Stmt::Scope(_, body, handlers) => {
                names_set(body, set);
                clauses(handlers, set);
            }
            Stmt::Race(_, _, branches) => branches.iter().for_each(|body| names_set(body, set)),
            Stmt::Wait(..) | Stmt::Until(..) | Stmt::Fail(_) | Stmt::Return(..) => {}
        }
    }
}

/// Does what the node's instruction says.
fn visit(node: usize, vars: &Vars<'_>, cx: Cx) -> Result<Visited, TaskError> {
    let source = vars.graph().nodes[node].source.as_ref();
    let (word, rest) = source.split_once(' ').unwrap_or((source, ""));
    let number = |at: usize| -> u64 {
        rest.split(' ').nth(at).and_then(|part| part.parse().ok()).unwrap_or(0)
    };
    let variable = Var::<i64>::new(number(0) as usize);
    match word {
        "set" | "undo" => activity(node, vars, cx),
        "choose" => vars.port((vars.get(variable)?.unsigned_abs() % number(1)) as usize),
        "zero" => vars.script(variable, 0),
        "loop" => turn(vars, variable, number(1)),
        "wait" => vars.wait(Duration::from_millis(number(0))),
        "until" => vars.wait_until(Timestamp::from_millis(number(0) as i64)),
        "fail" => vars.fail("e0".to_owned()),
        "return" => vars.end(vars.get(variable)?),
        "catch" => match cx {
            Cx::Catch(failure) => vars.caught(catches(vars.graph(), node, rest, &failure)),
            _ => matches_error(vars, rest),
        },
        _ => vars.done(),
    }
}

/// Whether the pattern of an error boundary matches a failure. At an activity this is asked where
/// there is no error value, so that only `_` can match.
fn catches(graph: &Graph, node: usize, pattern: &str, failure: &Failure) -> bool {
    let Kind::Boundary { of, .. } = graph.nodes[node].kind else { return false };
    let is_scope = matches!(graph.nodes[of].kind, Kind::Scope { .. });
    pattern == "_" || (is_scope && pattern == failure.message)
}

/// Whether the pattern matches the error value of an attempt, which stays as it is.
fn matches_error(vars: &Vars<'_>, pattern: &str) -> Result<Visited, TaskError> {
    let Some(error) = vars.thrown(Thrown::<TaskError>::new()) else { return vars.caught(false) };
    let matches = pattern == "_" || pattern == error.to_string();
    vars.missed(error)?;
    vars.caught(matches)
}

/// The head of a loop: counts.
fn turn(vars: &Vars<'_>, counter: Var<i64>, turns: u64) -> Result<Visited, TaskError> {
    let done = vars.get(counter)?;
    vars.keep(done + 1, counter)?;
    vars.port(usize::from(done.unsigned_abs() >= turns))
}

fn activity(node: usize, vars: &Vars<'_>, cx: Cx) -> Result<Visited, TaskError> {
    let at = &vars.graph().nodes[node];
    let undo = matches!(at.kind, Kind::Undo { .. });
    if let Kind::User { .. } = at.kind {
        let name = UserTask::<i64>::new("Random", "user");
        return match cx {
            Cx::Evaluate => vars.user(name, Work::new()),
            cx => vars.answer(name, cx),
        };
    }
    match cx {
        Cx::Run(context) if undo => {
            let saw = vars.get(Var::<i64>::new(at.reads[0])).ok();
            vars.service(Key::<Undoing>::NEW, super::desk::attempt(&context, saw))
        }
        Cx::Run(context) => vars.service(Key::<Working>::NEW, super::desk::attempt(&context, None)),
        cx if undo => vars.answer_service(Key::<Undoing>::NEW, cx),
        cx => vars.answer_service(Key::<Working>::NEW, cx),
    }
}

macro_rules! task {
    ($name:ident, $policy:expr) => {
        struct $name;

        impl ServiceTask for $name {
            type Return = Result<i64, TaskError>;
            type Output = i64;
            type Error = TaskError;
            type Arguments<'a> = ();
            type Key = Key<Self>;
            const NAME: &'static str = stringify!($name);
            const KEY: Self::Key = Key::NEW;
            const POLICY: Policy = $policy;

            fn on(_: TaskContext) -> Self {
                Self
            }

            fn finish(returned: Self::Return) -> Result<i64, TaskError> {
                returned
            }

            fn states() -> Vec<StateType> {
                Vec::new()
            }

            fn with_variables(
                cx: TaskContext,
                _: &Values,
            ) -> Result<Called<Self::Return>, TaskError> {
                Ok(Box::pin(super::desk::attempt(&cx, None)))
            }
        }
    };
}

task!(Working, Policy::NONE);
task!(
    Undoing,
    Policy {
        retry: Some(Retry {
            attempts: UNDO_ATTEMPTS,
            first_ms: 4,
            max_ms: 20,
            then: Exhausted::Suspend
        }),
        timeout_ms: Some(UNDO_TIMEOUT_MS)
    }
);
