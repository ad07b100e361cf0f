//! The words of every fault: what is wrong, what follows, what to do.

mod handlers;

use super::path::{branch, choice, node, path, place_node, variable};
use super::{Degree, Fault, Finding, Message, Named, Place};
use crate::duration;
use crate::el::caret;
use crate::graph::{Condition, Graph, Origin, ScopeKind};
use crate::kind::Kind;
use crate::policy::Part;

/// The three parts, before the notes.
struct Words {
    what: String,
    follows: String,
    help: String,
}

fn words(what: impl Into<String>, follows: impl Into<String>, help: impl Into<String>) -> Words {
    Words { what: what.into(), follows: follows.into(), help: help.into() }
}

/// What a fault is told with.
struct Context<'a> {
    graph: &'a Graph,
    finding: &'a Finding,
    /// The name of the element to blame.
    subject: String,
    /// The path that shows it.
    path: String,
}

pub(super) fn message(finding: &Finding, graph: &Graph) -> Message {
    let subject = match (&finding.place, place_node(graph, &finding.place)) {
        (_, Some(at)) => node(graph, at),
        (Place::Scope(scope), None) => branch(graph, *scope),
        _ => format!("`{}`", graph.name),
    };
    let context = Context { graph, finding, subject, path: path(graph, &finding.witness) };
    let Words { what, follows, help } = context.words();
    let (shown, notes) = (shown(finding, graph), context.notes());
    Message { code: finding.code(), what, follows, shown, help, notes }
}

/// The expression that a finding is about, with the part to blame.
fn shown(finding: &Finding, graph: &Graph) -> String {
    let Place::Expression { edge, at } = &finding.place else { return String::new() };
    match &graph.edges[*edge].condition {
        Condition::Expression(text) => caret(text, at),
        _ => String::new(),
    }
}

impl Context<'_> {
    fn words(&self) -> Words {
        match &self.finding.fault {
            Fault::SameId { .. }
            | Fault::SameBranch { .. }
            | Fault::Unknown { .. }
            | Fault::ForeignClause { .. } => self.names(),
            Fault::MayBeUnset { .. }
            | Fault::UndoMayBeUnset { .. }
            | Fault::Race { .. }
            | Fault::UnorderedRead { .. }
            | Fault::SetBeside { .. }
            | Fault::ReadBeside { .. } => self.data(),
            Fault::NoResult | Fault::EndsNever => self.result(),
            Fault::JoinWaits
            | Fault::NoWayToEnd
            | Fault::TwoTokens
            | Fault::TwoEnds
            | Fault::Tangled { .. } => self.tokens(),
            Fault::NoDefault
            | Fault::Expression { .. }
            | Fault::UnknownVariable { .. }
            | Fault::NotBool { .. } => self.conditions(),
            Fault::NotADuration { .. }
            | Fault::NotANumber { .. }
            | Fault::NotALiteral { .. }
            | Fault::Zero { .. }
            | Fault::MaxBelowFirst { .. } => self.finding.fault.policy(),
            Fault::NothingToUndo => words(
                "there is nothing here that could be undone",
                "only what a task or a person did has an effect outside of the process",
                "write `undo` behind the activity whose effect it takes back",
            ),
            Fault::Degree(degree) => self.degree(*degree),
            Fault::CannotFail { .. } | Fault::FiresAtOnce { .. } | Fault::ComesLater { .. } => {
                self.handlers()
            }
            _ => self.control(),
        }
    }

    fn names(&self) -> Words {
        let subject = &self.subject;
        match &self.finding.fault {
            Fault::SameId { .. } => words(
                format!("two nodes have the id {subject}"),
                "the id is what is stored and what operators see, so neither could be told from the other",
                match self.graph.origin {
                    Origin::Workflow => "write a label in front of one of them: `'another_name: …`",
                    Origin::Built => "give one of them another id",
                },
            ),
            Fault::SameBranch { .. } => words(
                format!("two branches of one block are called {subject}"),
                "`after` could not tell which of the two it waits for",
                "give one of them another name",
            ),
            Fault::ForeignClause { word, of } => words(
                format!("`{word}` does not belong to `{of}`"),
                "only service tasks are attempted by the engine, so nothing would come of it",
                match self.graph.origin {
                    Origin::Workflow => "write it behind a service task, or remove it",
                    Origin::Built => "name a service task, or remove it",
                },
            ),
            Fault::Unknown { named, name, nearest } => unknown(*named, name, nearest.as_deref()),
            _ => unreachable!("only faults about names are told here"),
        }
    }

    fn data(&self) -> Words {
        match self.finding.fault {
            Fault::MayBeUnset { variable: at } => {
                let name = variable(self.graph, at);
                words(
                    format!("{name} may be unset where {} reads it", self.subject),
                    format!("no step on this path sets it: {}", self.path),
                    format!("set {name} on every path that leads here, or before the paths part"),
                )
            }
            Fault::UndoMayBeUnset { variable: at, of } => {
                let name = variable(self.graph, at);
                let activity = &self.graph.nodes[of].id;
                words(
                    format!(
                        "{name} may be unset when `{activity}` completes, and its undo reads it"
                    ),
                    format!(
                        "the values that an undo reads are kept at that moment, and no step on this path sets it: {}",
                        self.path
                    ),
                    format!(
                        "set {name} before `{activity}` on every path, or read in the undo only what is set by then"
                    ),
                )
            }
            _ => self.beside(),
        }
    }

    /// Variables that two places use at the same time.
    fn beside(&self) -> Words {
        match self.finding.fault {
            Fault::Race { variable: at, branch: this, other } => {
                let name = variable(self.graph, at);
                let (one, two) = (branch(self.graph, other), branch(self.graph, this));
                words(
                    format!("the branches {one} and {two} both set {name}"),
                    "they run at the same time, so whichever is later would win",
                    match &self.graph.scopes[this].kind {
                        ScopeKind::Branch { fork, .. } if self.is_race(*fork) => {
                            "use two names, or let one branch win".to_owned()
                        }
                        _ => format!(
                            "use two names, or let one wait: `{} after {}`",
                            bare(&two),
                            bare(&one)
                        ),
                    },
                )
            }
            Fault::SetBeside { variable: at, one, other } => {
                let (one, other) = (node(self.graph, one), node(self.graph, other));
                words(
                    format!("{one} and {other} both set {}", variable(self.graph, at)),
                    "they run at the same time, so whichever is later would win",
                    "use two names",
                )
            }
            Fault::ReadBeside { variable: at, reader, setter } => {
                let (reader, setter) = (node(self.graph, reader), node(self.graph, setter));
                let name = variable(self.graph, at);
                words(
                    format!("{reader} reads {name}, which {setter} sets"),
                    "they run at the same time, so the value may or may not be there",
                    "use two names",
                )
            }
            Fault::UnorderedRead { variable: at, branch: this, other } => {
                let name = variable(self.graph, at);
                let (this, other) = (branch(self.graph, this), branch(self.graph, other));
                words(
                    format!("the branch {this} reads {name}, which the branch {other} sets"),
                    "they run at the same time, so the value may or may not be there",
                    format!("let the branch wait: `{} after {}`", bare(&this), bare(&other)),
                )
            }
            _ => unreachable!("only faults about variables are told here"),
        }
    }

    fn is_race(&self, fork: usize) -> bool {
        matches!(self.graph.nodes[fork].kind, Kind::Race { .. })
    }

    fn control(&self) -> Words {
        let subject = &self.subject;
        match &self.finding.fault {
            Fault::NeverRuns => words(
                format!("{subject} can never run"),
                "no path from the start leads here",
                match self.graph.origin {
                    Origin::Workflow => "remove it, or let a path before it go on",
                    Origin::Built => "remove it, or draw an edge that leads to it",
                },
            ),
            Fault::NeverChosen { edge, always } => self.never_chosen(*edge, *always),
            Fault::NoExit => words(
                format!("the loop {subject} can never end"),
                "no `break`, `return` or `fail` can be reached in it, so an instance would turn in it for ever",
                "add a way out, or give the process the result type `!` if it is meant to run until it is cancelled",
            ),
            Fault::NoDurablePoint => words(
                format!("the loop {subject} can turn without ever resting"),
                format!("it would spin inside one turn of the engine: {}", self.path),
                "put a task or a wait on this path",
            ),
            Fault::LeavesBranch { branch } => self.leaves(*branch),
            Fault::AfterCycle { branches } => self.after_cycle(branches),
            _ => unreachable!("only faults about the order of steps are told here"),
        }
    }

    fn leaves(&self, scope: usize) -> Words {
        let name = branch(self.graph, scope);
        let race = match self.graph.scopes[scope].kind {
            ScopeKind::Branch { fork, .. } => self.is_race(fork),
            _ => {
                return words(
                    format!("this jump leaves {name}, which runs beside what it belongs to"),
                    "that would go on, and there would be two of what follows",
                    "let it set a variable, and jump behind what it runs beside",
                );
            }
        };
        let (waits, help) = match race {
            true => (
                "the race would wait for it for ever",
                "let the branch set a variable, and jump behind the race",
            ),
            false => (
                "the other branches would wait for it for ever",
                "let the branch set a variable, and jump behind the parallel block",
            ),
        };
        words(format!("this jump leaves the concurrent branch {name}"), waits, help)
    }

    fn never_chosen(&self, edge: usize, always: bool) -> Words {
        let condition = match &self.graph.edges[edge].condition {
            Condition::Expression(text) => text,
            _ => "",
        };
        let way = if always { "before it" } else { "to it" };
        words(
            format!("{} can never run", self.subject),
            format!("the way {way} is taken if `{condition}`, which is always {always}"),
            "let the condition depend on a variable, or remove this way",
        )
    }

    fn after_cycle(&self, branches: &[usize]) -> Words {
        let mut names: Vec<String> = branches.iter().map(|at| branch(self.graph, *at)).collect();
        names.extend(names.first().cloned());
        words(
            match branches {
                [only] => format!("the branch {} waits for itself", branch(self.graph, *only)),
                _ => format!("the branches wait for each other: {}", names.join(" after ")),
            },
            "none of them would ever start, and the block would never end",
            "remove one `after` of the cycle",
        )
    }

    fn result(&self) -> Words {
        match self.finding.fault {
            Fault::NoResult => words(
                "a path ends without the result of the process",
                format!("the instance would end with nothing to hand back: {}", self.path),
                "write `return …;` at the end of this path",
            ),
            _ => words(
                "a path ends in a process that never ends",
                format!("the result type `!` promises that this cannot happen: {}", self.path),
                "loop back on this path, or give the process another result type",
            ),
        }
    }

    fn tokens(&self) -> Words {
        let subject = &self.subject;
        match self.finding.fault {
            Fault::JoinWaits => words(
                format!("{subject} may wait for ever"),
                self.shown("one of its ways in may stay empty while another has arrived"),
                "join what was forked with a parallel gateway and merge what was chosen with an exclusive one",
            ),
            Fault::NoWayToEnd => words(
                format!("no end can be reached from {subject}"),
                self.shown("an instance that comes here would never complete"),
                "draw an edge from here that leads to an end",
            ),
            Fault::TwoTokens => words(
                format!("{subject} may be reached by two tokens of one instance"),
                self.shown("what follows it would run twice"),
                "join the concurrent ways with a parallel gateway before they meet here",
            ),
            Fault::TwoEnds => words(
                format!("an instance may end twice, the second time at {subject}"),
                self.shown(
                    "the first end would complete the instance while another token still runs",
                ),
                "join the concurrent ways with a parallel gateway before the end",
            ),
            Fault::Tangled { nodes, bound } => words(
                format!(
                    "the part of the process that begins at {subject} is too tangled to decide"
                ),
                format!(
                    "{nodes} gateways neither pair up nor nest, and {bound} may be left for the decision"
                ),
                "draw this part as blocks: each fork with its own join, each choice with its own merge",
            ),
            _ => unreachable!("only faults about tokens are told here"),
        }
    }

    /// What happens, and the run that shows it if there is one.
    fn shown(&self, happens: &str) -> String {
        match self.path.is_empty() {
            true => happens.to_owned(),
            false => format!("{happens}: {}", self.path),
        }
    }

    fn conditions(&self) -> Words {
        let condition = match self.finding.place {
            Place::Expression { edge, .. } => choice(self.graph, &self.graph.edges[edge]),
            _ => None,
        };
        let inside = format!("in `{}`", condition.unwrap_or_default());
        match &self.finding.fault {
            Fault::NoDefault => words(
                format!("{} has no default", self.subject),
                "if none of its conditions is true, an instance would stop here with an incident",
                "add an edge with the condition `Default`",
            ),
            Fault::Expression { what, help } => {
                words(what, format!("{inside}: it could not be evaluated at run time"), help)
            }
            Fault::UnknownVariable { name, nearest } => words(
                format!("the process has no variable `{name}`"),
                format!("{inside}: it could not be evaluated at run time"),
                did_you_mean(nearest.as_deref(), "set it with `let` before it is read"),
            ),
            Fault::NotBool { ty } => words(
                format!("this condition is not true or false, but a value of type {ty}"),
                format!("{inside}: nothing could be chosen by it"),
                "compare it with something",
            ),
            _ => unreachable!("only faults about conditions are told here"),
        }
    }

    fn degree(&self, degree: Degree) -> Words {
        let subject = &self.subject;
        match degree {
            Degree::NoStart => words(
                format!("the process {subject} has no start"),
                "no instance could begin",
                "add `.start(\"start\")` and an edge from it",
            ),
            Degree::SecondStart { first } => words(
                format!("{subject} is a second start"),
                format!("an instance begins at one place, and {} is one", node(self.graph, first)),
                "remove one, or lead both paths through one start and an exclusive gateway",
            ),
            Degree::NoEnd => words(
                format!("the process {subject} has no end"),
                "no instance could complete",
                self.end_to_add(),
            ),
            Degree::IntoStart => words(
                format!("an edge leads into the start {subject}"),
                "an instance would begin a second time",
                "lead the edge to an exclusive gateway behind the start",
            ),
            Degree::NoWayOut => words(
                format!("no edge leaves {subject}"),
                "an instance that comes here would never complete",
                "draw an edge from it, in the end to an end",
            ),
            Degree::OutOfEnd => words(
                format!("an edge leaves the end {subject}"),
                "the instance is complete there, so nothing behind it could run",
                "remove the edge, or make it a task or a gateway",
            ),
            other => self.gateway(other),
        }
    }

    /// The end that is missing, with what should lead to it.
    fn end_to_add(&self) -> String {
        let loose = self.finding.related.iter().filter_map(|place| place_node(self.graph, place));
        let from: Vec<String> = loose.map(|at| format!("from {}", node(self.graph, at))).collect();
        match from[..] {
            [] => "add `.end(\"end\")` and an edge to it".to_owned(),
            _ => format!("add `.end(\"end\")`, and an edge to it {}", from.join(" and ")),
        }
    }

    fn gateway(&self, degree: Degree) -> Words {
        let subject = &self.subject;
        match degree {
            Degree::ImplicitMerge { ways } => words(
                format!("{ways} edges lead into {subject}, which is not a gateway"),
                "it would not be clear whether it waits for all of them or runs once for each",
                "put a gateway in front: exclusive if one of them comes, parallel if all of them come",
            ),
            Degree::ImplicitSplit { ways } => words(
                format!("{ways} edges leave {subject}, which is not a gateway"),
                "it would not be clear whether one of them is taken or all",
                "put a gateway behind: exclusive to choose one, parallel to take all",
            ),
            Degree::BothSides => words(
                format!("{subject} both joins and splits"),
                "it would not be clear which way in belongs to which way out",
                "use two gateways, the first with one way out, the second with one way in",
            ),
            Degree::Each => words(
                format!("the loop {subject} has not exactly one way in and two ways out"),
                "its first way out is the body and its second one leaves the loop",
                "merge the ways in, and draw the body before the edge that leaves",
            ),
            Degree::ConditionWithoutChoice => words(
                format!("an edge out of {subject} has a condition, but {subject} does not choose"),
                "the condition would never be looked at",
                "put an exclusive gateway behind it, or remove the condition",
            ),
            _ => words(
                format!("{subject} has a second default"),
                "only one edge can be the last resort",
                "give one of them a condition, or remove it",
            ),
        }
    }

    fn notes(&self) -> Vec<(Place, String)> {
        self.finding.related.iter().map(|place| (place.clone(), self.note(place))).collect()
    }

    fn note(&self, place: &Place) -> String {
        let name = match place {
            Place::Read { variable: at, .. } | Place::Set { variable: at, .. } => {
                variable(self.graph, *at)
            }
            _ => String::new(),
        };
        match (&self.finding.fault, place) {
            (Fault::SameId { .. }, _) => "the first one with this id".to_owned(),
            (Fault::SameBranch { .. }, _) => "the first one with this name".to_owned(),
            (Fault::Degree(Degree::NoEnd), _) => "no edge leaves this".to_owned(),
            (Fault::Degree(_), _) => "the first one".to_owned(),
            (Fault::ComesLater { .. }, _) => "this one comes first".to_owned(),
            (Fault::NeverChosen { always, .. }, _) => format!("this is always {always}"),
            (_, Place::Set { .. }) => format!("{name} is set here"),
            (_, Place::Read { .. }) => format!("{name} is read here"),
            (_, Place::Scope(scope)) => format!("the branch {}", branch(self.graph, *scope)),
            (Fault::JoinWaits, _) => "the part that does not match begins here".to_owned(),
            (Fault::NoResult | Fault::EndsNever, _) => "the path ends here".to_owned(),
            _ => "this has a part in it".to_owned(),
        }
    }
}

impl Fault {
    /// What is told about a value without the element that it belongs to.
    fn policy(&self) -> Words {
        match self {
            Fault::NotADuration { text } => words(
                format!("`{text}` is not a duration"),
                "nobody could tell how long that is",
                "write a number with a unit, like 500ms, 30s, 5m, 2h, 3d or 1.5h",
            ),
            Fault::NotANumber { text } => words(
                format!("`{text}` is not a number of attempts"),
                "attempts are counted one by one, up to 4294967295",
                "write a whole number from 1, like 5",
            ),
            Fault::NotALiteral { part, text } => words(
                format!("`{text}` is not a literal"),
                "a policy belongs to the graph, which is the same for every instance",
                match part {
                    Part::Attempts => "write a whole number from 1, like 5",
                    _ => "write a number with a unit, like 500ms, 30s, 5m, 2h, 3d or 1.5h",
                },
            ),
            Fault::MaxBelowFirst { first_ms, max_ms } => {
                let (first, max) = (duration::text(*first_ms), duration::text(*max_ms));
                words(
                    format!("the largest delay, {max}, is below the first one, {first}"),
                    "no delay could keep to both of them",
                    format!("write the smaller one first: `every {max}..{first}`"),
                )
            }
            Fault::Zero { part } => part.zero(),
            _ => unreachable!("only faults about policies are told here"),
        }
    }
}

impl Part {
    fn zero(self) -> Words {
        match self {
            Part::Attempts => words(
                "no attempt at all is allowed",
                "the activity would have failed before it began",
                "write how many attempts there are in all, from 1",
            ),
            Part::First | Part::Max => words(
                "there is no time between two attempts",
                "they would follow one another while what they need is still down",
                "write how long the first delay is, like `every 1s..1m`",
            ),
            Part::Timeout => words(
                "an attempt may take no time at all",
                "each one would be dropped as it begins, and the activity would fail",
                "write how long an attempt may take, or remove the clause",
            ),
            Part::Wait => words(
                "this timer does not wait",
                "it would be due as soon as it is set",
                "write how long it waits, or remove it",
            ),
        }
    }
}

fn unknown(named: Named, name: &str, nearest: Option<&str>) -> Words {
    let (noun, follows, help) = match named {
        Named::Node => ("node", "the edge would lead nowhere", "add the node, or correct its id"),
        Named::Activity => {
            ("node", "the clause would apply to nothing", "add the node, or correct its id")
        }
        Named::Label => {
            ("label", "the jump would lead nowhere", "write the label in front of a loop")
        }
        Named::Branch => {
            ("branch", "there would be nothing to wait for", "name a branch of the same block")
        }
        Named::Clause => {
            ("clause", "nothing would come of it", "see the clauses of this statement")
        }
        Named::Statement => ("statement", "nothing would come of it", "begin with a BPMN verb"),
    };
    words(format!("there is no {noun} `{name}`"), follows, did_you_mean(nearest, help))
}

fn did_you_mean(nearest: Option<&str>, otherwise: &str) -> String {
    match nearest {
        Some(name) => format!("did you mean `{name}`?"),
        None => otherwise.to_owned(),
    }
}

/// A name without its backticks.
fn bare(name: &str) -> &str {
    name.trim_matches('`')
}
