//! Processes as trees of statements, as people write them, and random ones.
//!
//! The judges read the tree; the engine sees only the graph that is [made of it](super::lower).

use crate::arbitrary::Random;

/// A random process.
#[derive(Clone, Debug)]
pub struct Process {
    /// Its statements.
    pub body: Block,
    /// The names of its variables: one for each activity.
    pub variables: Vec<String>,
}

/// Statements, one after the other.
pub type Block = Vec<Stmt>;

/// A statement; the text in it is the id of its node.
#[derive(Clone, Debug)]
pub enum Stmt {
    /// `let id = service …`, which sets the variable of its name.
    Task(Task),
    /// `let id: i64 = user …`.
    User(User),
    /// `wait D`.
    Wait(String, u64),
    /// `wait until T`.
    Until(String, u64),
    /// `match variable % arms`.
    Choice(String, String, Vec<Block>),
    /// A body that runs so many times.
    Loop(String, u64, Block),
    /// `parallel`.
    Parallel(String, Vec<Branch>),
    /// `scope`, with its clauses.
    Scope(String, Block, Vec<Clause>),
    /// `race k of`.
    Race(String, u32, Vec<Block>),
    /// `fail`.
    Fail(String),
    /// `return variable`.
    Return(String, String),
}

/// A service task.
#[derive(Clone, Debug)]
pub struct Task {
    /// The node.
    pub id: String,
    /// The node of its undo.
    pub undo: Option<String>,
    /// How many attempts it has, and whether it rests with an incident then.
    pub retry: Option<(u32, bool)>,
    /// After how many milliseconds an attempt is dropped.
    pub timeout: Option<u64>,
    /// Its boundary events.
    pub clauses: Vec<Clause>,
}

/// A user task.
#[derive(Clone, Debug)]
pub struct User {
    /// The node.
    pub id: String,
    /// Its boundary events.
    pub clauses: Vec<Clause>,
}

/// A branch of a parallel block.
#[derive(Clone, Debug)]
pub struct Branch {
    /// Its statements; the first one is a durable point.
    pub body: Block,
    /// The branches that complete before it starts.
    pub after: Vec<usize>,
}

/// A boundary event and its block.
#[derive(Clone, Debug)]
pub struct Clause {
    /// The node.
    pub id: String,
    /// What brings it.
    pub on: On,
    /// What runs then.
    pub body: Block,
}

/// What brings a boundary event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum On {
    /// `on error`: any, or those of this message.
    Error(Option<String>),
    /// `on after D`.
    After(u64),
    /// `on at T`.
    At(u64),
    /// `also after D`.
    AlsoAfter(u64),
    /// `also every D`.
    AlsoEvery(u64),
}

impl On {
    /// Whether the activity or scope is cancelled and undone when it happens.
    pub fn interrupts(&self) -> bool {
        !matches!(self, On::AlsoAfter(_) | On::AlsoEvery(_))
    }
}

/// Which statements are written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Features {
    /// Scopes and boundary events.
    pub scopes: bool,
    /// Races.
    pub races: bool,
    /// `return` where other things go on.
    pub returns: bool,
}

impl Features {
    /// Everything.
    pub const ALL: Self = Self { scopes: true, races: true, returns: true };
}

/// How deep blocks nest.
const DEPTH_MAX: usize = 4;

impl Task {
    /// One attempt, that can be undone.
    pub fn undoable(id: &str) -> Self {
        let undo = Some(format!("{id}/undo"));
        Self { id: id.to_owned(), undo, retry: None, timeout: None, clauses: Vec::new() }
    }
}

impl Process {
    /// A process that is written down; its variables are those that it sets.
    pub fn of(body: Block) -> Self {
        let mut variables = Vec::new();
        super::lower::names_set(&body, &mut variables);
        Self { body, variables }
    }

    /// A process of at most about so many statements.
    pub fn random(random: &mut Random, statements: usize, features: Features) -> Self {
        let variables = Vec::new();
        let mut writer =
            Writer { random, features, variables, ids: 0, left: statements, depth: 0, alone: true };
        let mut body = vec![Stmt::Task(writer.task())];
        while writer.left > 0 {
            body.push(writer.statement());
        }
        if writer.one_in(4) {
            body.push(writer.ending());
        }
        Self { body, variables: writer.variables }
    }

    /// For how many milliseconds an instance waits at most for the time to pass, if whatever else
    /// it waits for comes at once.
    pub fn longest(&self) -> u64 {
        longest(&self.body)
    }
}

/// What an attempt and its undo wait for: delays before further attempts.
const RETRIES: u64 = 200;

fn longest(block: &Block) -> u64 {
    let clauses = |clauses: &[Clause]| -> u64 {
        let due = |on: &On| match on {
            On::Error(_) => 0,
            On::After(ms) | On::At(ms) | On::AlsoAfter(ms) | On::AlsoEvery(ms) => *ms,
        };
        clauses.iter().map(|clause| due(&clause.on) + longest(&clause.body)).sum()
    };
    let of = |stmt: &Stmt| match stmt {
        Stmt::Task(task) => RETRIES + clauses(&task.clauses),
        Stmt::User(user) => clauses(&user.clauses),
        Stmt::Wait(_, ms) | Stmt::Until(_, ms) => *ms,
        Stmt::Choice(_, _, arms) => arms.iter().map(longest).sum(),
        Stmt::Loop(_, turns, body) => turns * longest(body),
        Stmt::Parallel(_, branches) => branches.iter().map(|branch| longest(&branch.body)).sum(),
        Stmt::Scope(_, body, on) => longest(body) + clauses(on),
        Stmt::Race(_, _, branches) => branches.iter().map(longest).sum(),
        Stmt::Fail(_) | Stmt::Return(..) => 0,
    };
    block.iter().map(of).sum()
}

/// Whether a `return` is in the block, at any depth.
pub fn returns(block: &Block) -> bool {
    let clauses = |clauses: &[Clause]| clauses.iter().any(|clause| returns(&clause.body));
    block.iter().any(|stmt| match stmt {
        Stmt::Return(..) => true,
        Stmt::Task(task) => clauses(&task.clauses),
        Stmt::User(user) => clauses(&user.clauses),
        Stmt::Choice(_, _, arms) => arms.iter().any(returns),
        Stmt::Loop(_, _, body) => returns(body),
        Stmt::Parallel(_, branches) => branches.iter().any(|branch| returns(&branch.body)),
        Stmt::Scope(_, body, on) => returns(body) || clauses(on),
        Stmt::Race(_, _, branches) => branches.iter().any(returns),
        Stmt::Wait(..) | Stmt::Until(..) | Stmt::Fail(_) => false,
    })
}

struct Writer<'a> {
    random: &'a mut Random,
    features: Features,
    variables: Vec<String>,
    ids: usize,
    left: usize,
    depth: usize,
    /// Whether a token that comes here is the only one.
    alone: bool,
}

impl Writer<'_> {
    fn one_in(&mut self, chances: usize) -> bool {
        self.random.one_in(chances)
    }

    fn id(&mut self, word: &str) -> String {
        self.ids += 1;
        format!("{word}{}", self.ids)
    }

    fn variable(&mut self, word: &str) -> String {
        let id = self.id(word);
        self.variables.push(id.clone());
        id
    }

    fn some_variable(&mut self) -> String {
        self.variables[self.random.below(self.variables.len())].clone()
    }

    fn statement(&mut self) -> Stmt {
        if self.depth >= DEPTH_MAX {
            return self.durable();
        }
        match self.random.below(12) {
            1 | 2 => self.choice(),
            3 => self.repeat(),
            4 | 5 => self.parallel(),
            6 | 7 | 9 if self.features.scopes => self.scope(),
            8 if self.features.races => self.race(),
            _ => self.durable(),
        }
    }

    /// A statement at which a token rests.
    fn durable(&mut self) -> Stmt {
        self.left = self.left.saturating_sub(1);
        match self.random.below(8) {
            1 => {
                let id = self.variable("u");
                let clauses = self.clauses(3);
                Stmt::User(User { id, clauses })
            }
            2 if self.one_in(4) => Stmt::Until(self.id("w"), self.duration() * 3),
            2 => Stmt::Wait(self.id("w"), self.duration()),
            _ => Stmt::Task(self.task()),
        }
    }

    fn duration(&mut self) -> u64 {
        1 + self.random.below(40) as u64
    }

    fn task(&mut self) -> Task {
        let id = self.variable("t");
        let undo = (!self.one_in(3)).then(|| format!("{id}/undo"));
        let retry = match self.random.below(4) {
            2 => Some((1 + self.random.below(3) as u32, true)),
            1 => Some((2 + self.random.below(2) as u32, false)),
            _ => None,
        };
        let timeout = self.one_in(4).then(|| self.duration());
        let clauses = self.clauses(4);
        Task { id, undo, retry, timeout, clauses }
    }

    fn block(&mut self, most: usize) -> Block {
        self.depth += 1;
        let mut block = Vec::new();
        for _ in 0..self.random.below(most + 1) {
            if self.left > 0 {
                block.push(self.statement());
            }
        }
        self.depth -= 1;
        block
    }

    /// A block that begins with a durable point, so that no two things happen in one turn whose
    /// order the language leaves open.
    fn branch(&mut self) -> Block {
        let alone = std::mem::replace(&mut self.alone, false);
        let mut block = vec![self.durable()];
        block.extend(self.block(2));
        self.alone = alone;
        block
    }

    fn choice(&mut self) -> Stmt {
        let (id, of) = (self.id("c"), self.some_variable());
        let mut arms = Vec::new();
        for at in 0..2 + self.random.below(2) {
            let mut arm = self.block(2);
            if at > 0 && self.one_in(4) {
                arm.push(self.ending());
            }
            arms.push(arm);
        }
        Stmt::Choice(id, of, arms)
    }

    fn ending(&mut self) -> Stmt {
        if (self.alone || self.features.returns) && self.one_in(2) {
            let id = self.id("r");
            return Stmt::Return(id, self.some_variable());
        }
        Stmt::Fail(self.id("f"))
    }

    fn repeat(&mut self) -> Stmt {
        let id = self.id("l");
        let turns = 1 + self.random.below(3) as u64;
        let mut body = vec![self.durable()];
        body.extend(self.block(2));
        Stmt::Loop(id, turns, body)
    }

    fn parallel(&mut self) -> Stmt {
        let id = self.id("p");
        let mut branches = Vec::new();
        for at in 0..2 + self.random.below(2) {
            let after = (0..at).filter(|_| self.one_in(4)).collect();
            let body = self.branch();
            branches.push(Branch { body, after });
        }
        Stmt::Parallel(id, branches)
    }

    fn scope(&mut self) -> Stmt {
        let id = self.id("s");
        let alone = std::mem::replace(&mut self.alone, false);
        let mut body = self.block(3);
        if body.is_empty() {
            body.push(self.durable());
        }
        if self.one_in(4) {
            let (id, of) = (self.id("c"), self.some_variable());
            body.push(Stmt::Choice(id, of, vec![Vec::new(), vec![Stmt::Fail(self.id("f"))]]));
        }
        self.alone = alone;
        let clauses = self.clauses(1);
        Stmt::Scope(id, body, clauses)
    }

    /// Clauses with one chance in so many.
    fn clauses(&mut self, chances: usize) -> Vec<Clause> {
        if !self.features.scopes || self.depth >= DEPTH_MAX || !self.one_in(chances) {
            return Vec::new();
        }
        (0..1 + self.random.below(2)).map(|_| self.clause()).collect()
    }

    fn clause(&mut self) -> Clause {
        let id = self.id("b");
        let on = match self.random.below(6) {
            0 => On::Error(Some(format!("e{}", self.random.below(3)))),
            1 | 2 => On::Error(None),
            3 => On::After(self.duration()),
            4 if self.one_in(2) => On::At(self.duration() * 3),
            4 => On::AlsoAfter(self.duration()),
            _ => On::AlsoEvery(self.duration()),
        };
        let body = match on.interrupts() {
            true => self.block(2),
            false => self.branch(),
        };
        Clause { id, on, body }
    }

    fn race(&mut self) -> Stmt {
        let id = self.id("x");
        let branches: Vec<Block> = (0..2 + self.random.below(2)).map(|_| self.branch()).collect();
        let wins = 1 + self.random.below(branches.len()) as u32;
        Stmt::Race(id, wins, branches)
    }
}
