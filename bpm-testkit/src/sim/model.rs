//! The model: what language.md §5 and engine.md §4 say happens, on the tree of a process.
//!
//! Written from the text and not from the engine. It is told what happened, one committed event
//! after the other, and says where tokens rest, what must be undone next and how it ends. It
//! stops at nothing: whoever gives it the events of a turn that stopped at the bound on moves
//! compares once the instance has gone on.

mod close;
mod happen;
mod suspend;

use std::collections::BTreeMap;

pub use happen::{Fault, Happened};

use super::tree::{self, Block, Branch, Clause, On, Process, Stmt, Task};

/// What a token does where it rests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rest {
    /// An attempt is in flight: its number, and how many failed and were lost before it.
    Running(Tries),
    /// The next attempt is due later.
    BackingOff(Tries),
    /// A user task is open.
    Open,
    /// A timer is due, in milliseconds.
    Timing(u64),
    /// A person must decide; the error's text where the process says it.
    Incident(Tries, Option<String>),
}

/// The attempts of one visit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tries {
    /// The number of the latest one, from 1.
    pub attempt: u32,
    /// How many failed.
    pub failed: u32,
    /// How many were lost.
    pub lost: u32,
}

/// What a model knows how to end with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// With a result, if one was returned.
    Completed(Option<i64>),
    /// With the node of the first cause.
    Failed(String),
    /// With the node of what had failed, if something had.
    Cancelled(Option<String>),
    /// With what was not undone.
    Terminated(Vec<String>),
}

/// An instance of a process.
#[derive(Clone, Debug)]
pub struct Model<'a> {
    process: &'a Process,
    now: u64,
    lost_max: u32,
    tokens: Vec<Token<'a>>,
    scopes: BTreeMap<usize, Open<'a>>,
    joins: BTreeMap<usize, Join<'a>>,
    next: usize,
    /// What completed and is not undone, in the order of completion.
    log: Vec<Entry<'a>>,
    first: Option<String>,
    cancelled: bool,
    /// What was returned while other things went on.
    returned: Option<Option<i64>>,
    end: Option<End>,
    stopped: Vec<String>,
    /// Nothing is undone and nothing goes on, until someone resumes it.
    suspended: bool,
    /// What goes on when it is resumed.
    paused: Vec<suspend::Paused<'a>>,
}

#[derive(Clone, Debug)]
struct Token<'a> {
    node: &'a str,
    scope: usize,
    rest: Rest,
    what: What<'a>,
    then: Then<'a>,
    /// Told to stop: its scope is closing.
    stopping: bool,
    /// Told to stop with a branch of a race, whose variables nobody sees any more.
    unseen: bool,
}

#[derive(Clone, Copy, Debug)]
enum What<'a> {
    Task(&'a Task),
    User,
    Wait,
    /// By the wall clock, which the model does not see.
    Until,
    /// Undoes the entry of this number.
    Undo(usize),
}

/// What follows, innermost last.
type Then<'a> = Vec<Frame<'a>>;

#[derive(Clone, Debug)]
enum Frame<'a> {
    /// The statements from here on.
    Block(&'a [Stmt]),
    /// A loop that has so many turns left.
    Loop(u64, &'a Block),
    /// The end of a branch.
    Join(usize, usize),
    /// The end of a scope.
    Leave(usize),
}

/// A completed activity that can be undone.
#[derive(Clone, Debug)]
struct Entry<'a> {
    number: usize,
    task: &'a Task,
    scope: usize,
    value: i64,
    /// It stands although what is around it is undone: what returned is around it, or it won.
    stands: bool,
}

/// A parallel block.
#[derive(Clone, Debug)]
struct Join<'a> {
    branches: &'a [Branch],
    scope: usize,
    started: Vec<bool>,
    done: Vec<bool>,
    then: Then<'a>,
}

/// An open scope: the process, an activity or scope with clauses, a body beside one, a race and
/// each of its branches.
#[derive(Clone, Debug)]
struct Open<'a> {
    parent: usize,
    sort: Sort<'a>,
    clauses: &'a [Clause],
    /// The timers of its clauses, and when they are due.
    armed: Vec<(&'a Clause, u64)>,
    /// What a branch of a race sets.
    own: BTreeMap<String, i64>,
    then: Then<'a>,
    /// It completed, and awaits the bodies beside it.
    completed: bool,
    closing: Option<Closing<'a>>,
    /// What failed first in it and is to be handled, with the number of the scope that does.
    cause: Option<(usize, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort<'a> {
    Process,
    /// An activity, or a scope.
    Owner(Option<&'a str>),
    /// The body of a clause that does not interrupt.
    Beside(&'a str),
    /// A race, of which so many branches have yet to complete.
    Race(u32),
    /// A branch of a race.
    Branch,
}

/// What follows when everything in a scope is undone.
#[derive(Clone, Copy, Debug)]
enum Closing<'a> {
    /// The instance ends.
    Ends,
    /// The block of a clause runs.
    Handler(&'a Clause),
    /// The race goes on.
    Race,
}

impl<'a> Model<'a> {
    /// An instance that nothing has happened to. `lost_max` attempts of a visit may be lost.
    pub fn new(process: &'a Process, lost_max: u32) -> Self {
        let process_scope = Open {
            parent: 0,
            sort: Sort::Process,
            clauses: &[],
            armed: Vec::new(),
            own: process.variables.iter().map(|name| (name.clone(), 0)).collect(),
            then: Vec::new(),
            completed: false,
            closing: None,
            cause: None,
        };
        Self {
            process,
            now: 0,
            lost_max,
            tokens: Vec::new(),
            scopes: BTreeMap::from([(0, process_scope)]),
            joins: BTreeMap::new(),
            next: 1,
            log: Vec::new(),
            first: None,
            cancelled: false,
            returned: None,
            end: None,
            stopped: Vec::new(),
            suspended: false,
            paused: Vec::new(),
        }
    }

    /// Where tokens rest, and what each does there, in the order of the nodes.
    pub fn resting(&self) -> Vec<(String, Rest)> {
        let mut resting: Vec<_> =
            self.tokens.iter().map(|token| (token.node.to_owned(), token.rest.clone())).collect();
        for scope in self.scopes.values() {
            let timer = |(clause, due): &(&Clause, u64)| (clause.id.clone(), Rest::Timing(*due));
            resting.extend(scope.armed.iter().map(timer));
        }
        resting.sort_by(|one, other| one.0.cmp(&other.0));
        resting
    }

    /// What completed and is not undone, oldest first, with the values that its undo reads.
    pub fn undoable(&self) -> Vec<(String, i64)> {
        self.log.iter().map(|entry| (entry.task.id.clone(), entry.value)).collect()
    }

    /// The attempts that the last event told to stop.
    pub fn stopped(&self) -> &[String] {
        &self.stopped
    }

    /// The attempts that were told to stop and are in flight.
    pub fn stopping(&self) -> impl Iterator<Item = &str> {
        self.tokens.iter().filter(|token| token.stopping).map(|token| token.node)
    }

    /// How it ended.
    pub fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// Whether no new work starts in the whole instance.
    pub fn is_closing(&self) -> bool {
        self.scopes.get(&0).is_some_and(|process| process.closing.is_some())
    }

    fn number(&mut self) -> usize {
        self.next += 1;
        self.next
    }

    /// Goes on until a token rests.
    fn go(&mut self, scope: usize, mut then: Then<'a>) {
        while let Some(frame) = then.pop() {
            if self.suspended && !self.completes_activity(&frame) {
                then.push(frame);
                return self.pause(scope, then);
            }
            match frame {
                Frame::Block([]) => {}
                Frame::Block([stmt, rest @ ..]) => {
                    then.push(Frame::Block(rest));
                    if !self.enter(stmt, scope, &mut then) {
                        return;
                    }
                }
                Frame::Loop(0, _) => {}
                Frame::Loop(turns, body) => {
                    then.push(Frame::Loop(turns - 1, body));
                    then.push(Frame::Block(body));
                }
                Frame::Join(join, branch) => return self.arrive(join, branch),
                Frame::Leave(of) => return self.leave(of),
            }
        }
        if self.suspended {
            return self.pause(scope, then);
        }
        self.end = Some(End::Completed(None));
    }

    /// Begins a statement; whether the token that came goes on at once.
    fn enter(&mut self, stmt: &'a Stmt, scope: usize, then: &mut Then<'a>) -> bool {
        match stmt {
            Stmt::Task(task) => {
                let rest = Rest::Running(Tries { attempt: 1, failed: 0, lost: 0 });
                self.rest(&task.id, scope, rest, What::Task(task), &task.clauses, then);
            }
            Stmt::User(user) => {
                self.rest(&user.id, scope, Rest::Open, What::User, &user.clauses, then);
            }
            Stmt::Wait(id, ms) => {
                self.rest(id, scope, Rest::Timing(self.now + ms), What::Wait, &[], then);
            }
            Stmt::Until(id, at) => {
                self.rest(id, scope, Rest::Timing(*at), What::Until, &[], then);
            }
            Stmt::Choice(_, of, arms) => {
                let port = self.value(scope, of).unsigned_abs() as usize % arms.len();
                then.push(Frame::Block(&arms[port]));
                return true;
            }
            Stmt::Loop(_, turns, body) => {
                then.push(Frame::Loop(*turns, body));
                return true;
            }
            Stmt::Parallel(_, branches) => self.fork(branches, scope, std::mem::take(then)),
            Stmt::Scope(id, body, clauses) => {
                let sort = Sort::Owner(Some(id.as_str()));
                let open = self.open(scope, sort, clauses, std::mem::take(then));
                self.go(open, vec![Frame::Leave(open), Frame::Block(body)]);
            }
            Stmt::Race(_, wins, branches) => {
                self.race(*wins, branches, scope, std::mem::take(then));
            }
            Stmt::Fail(id) => self.fail(scope, id, Some("e0"), false),
            Stmt::Return(_, of) => self.give_back(scope, Some(self.value(scope, of))),
        }
        false
    }

    /// A token rests at an activity, which is a scope of its own if it has clauses.
    fn rest(
        &mut self,
        node: &'a str,
        scope: usize,
        rest: Rest,
        what: What<'a>,
        clauses: &'a [Clause],
        then: &mut Then<'a>,
    ) {
        let mut then = std::mem::take(then);
        let mut scope = scope;
        if !clauses.is_empty() {
            scope = self.open(scope, Sort::Owner(None), clauses, then);
            then = vec![Frame::Leave(scope)];
        }
        self.tokens.push(Token { node, scope, rest, what, then, stopping: false, unseen: false });
    }

    fn open(
        &mut self,
        parent: usize,
        sort: Sort<'a>,
        clauses: &'a [Clause],
        then: Then<'a>,
    ) -> usize {
        let due = |clause: &'a Clause| match clause.on {
            On::Error(_) => None,
            On::After(ms) | On::AlsoAfter(ms) | On::AlsoEvery(ms) => Some((clause, self.now + ms)),
            On::At(at) => Some((clause, at)),
        };
        let armed = clauses.iter().filter_map(due).collect();
        let (own, completed, closing, cause) = (BTreeMap::new(), false, None, None);
        let number = self.number();
        let open = Open { parent, sort, clauses, armed, own, then, completed, closing, cause };
        self.scopes.insert(number, open);
        number
    }

    fn fork(&mut self, branches: &'a [Branch], scope: usize, then: Then<'a>) {
        let number = self.number();
        let (started, done) = (vec![false; branches.len()], vec![false; branches.len()]);
        self.joins.insert(number, Join { branches, scope, started, done, then });
        self.start_branches(number);
    }

    /// Starts the branches that wait for nobody any more.
    fn start_branches(&mut self, number: usize) {
        let Some(join) = self.joins.get_mut(&number) else { return };
        let (scope, branches) = (join.scope, join.branches);
        for (at, branch) in branches.iter().enumerate() {
            let Some(join) = self.joins.get_mut(&number) else { return };
            if !join.started[at] && branch.after.iter().all(|before| join.done[*before]) {
                join.started[at] = true;
                let end = vec![Frame::Join(number, at)];
                if branches.iter().any(|branch| tree::returns(&branch.body)) {
                    let open = self.open(scope, Sort::Owner(None), &[], end);
                    self.go(open, vec![Frame::Leave(open), Frame::Block(&branch.body)]);
                } else {
                    self.go(scope, [end, vec![Frame::Block(&branch.body)]].concat());
                }
            }
        }
    }

    fn arrive(&mut self, number: usize, branch: usize) {
        let Some(join) = self.joins.get_mut(&number) else { return };
        join.done[branch] = true;
        if !join.done.iter().all(|done| *done) {
            return self.start_branches(number);
        }
        if let Some(join) = self.joins.remove(&number) {
            self.go(join.scope, join.then);
        }
    }

    fn race(&mut self, wins: u32, branches: &'a [Block], scope: usize, then: Then<'a>) {
        let race = self.open(scope, Sort::Race(wins), &[], then);
        for body in branches {
            let branch = self.open(race, Sort::Branch, &[], Vec::new());
            let mut set = Vec::new();
            super::lower::names_set(body, &mut set);
            let own = set.into_iter().map(|name| (self.value(scope, &name), name));
            let own = own.map(|(value, name)| (name, value)).collect();
            if let Some(open) = self.scopes.get_mut(&branch) {
                open.own = own;
            }
            self.go(branch, vec![Frame::Leave(branch), Frame::Block(body)]);
        }
    }

    /// A variable, as it is seen in a scope.
    fn value(&self, scope: usize, name: &str) -> i64 {
        let open = &self.scopes[&scope];
        match open.own.get(name) {
            Some(value) => *value,
            None if scope == 0 => 0,
            None => self.value(open.parent, name),
        }
    }

    fn set(&mut self, scope: usize, name: &str, value: i64) {
        let Some(open) = self.scopes.get_mut(&scope) else { return };
        match open.own.get_mut(name) {
            Some(own) => *own = value,
            None if scope == 0 => {}
            None => {
                let parent = open.parent;
                self.set(parent, name, value);
            }
        }
    }
}
