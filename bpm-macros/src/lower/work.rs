//! What visits do, still in user tokens.

use proc_macro2::{Group, Ident, Span};

use crate::report::Report;
use crate::syntax::{Arm, Condition, Field, Target, Tokens, Until, UserClause};

/// A part of the visit function in which some names are in sight: the whole, or the body of an arm
/// whose pattern binds names.
pub(crate) struct Region<'a> {
    /// The nodes that it covers, from the first to the last.
    pub(crate) nodes: (usize, usize),
    /// The variables that it defines.
    pub(crate) variables: Vec<usize>,
    pub(crate) parts: Vec<Part<'a>>,
}

/// A node or a region inside of a region.
pub(crate) enum Part<'a> {
    Visit(Visit<'a>),
    Region(Region<'a>),
}

/// What a visit of one node does.
pub(crate) struct Visit<'a> {
    pub(crate) node: usize,
    pub(crate) prologue: Prologue,
    pub(crate) work: Work<'a>,
}

/// The variables that are read before anything else.
#[derive(Default)]
pub(crate) struct Prologue {
    /// Mentions and what they mean, in the order of the node's `reads`.
    pub(crate) reads: Vec<(Ident, usize)>,
    /// The mention of `process`, if it means the instance.
    pub(crate) process: Option<Ident>,
    /// What the expressions must not do: then they are not emitted.
    pub(crate) forbidden: Option<Report>,
}

/// A name that a pattern bound, and the variable that keeps it.
pub(crate) struct Keep<'a> {
    pub(crate) name: Ident,
    pub(crate) variable: usize,
    /// An annotation that no definition carries: it is emitted here.
    pub(crate) ty: Option<&'a Tokens>,
}

/// What the pattern of a boundary event is matched against.
#[derive(Clone, Copy)]
pub(crate) enum Caught {
    /// The error of this service task.
    Error(usize),
    /// The failure.
    Failure,
    /// Nothing: it matches every error.
    All,
}

/// What is done once the variables are read.
pub(crate) enum Work<'a> {
    /// Calls a service task.
    Service { task: &'a Tokens, arguments: Option<&'a Group>, result: Option<Keep<'a>> },
    /// Sets one variable.
    Set { keep: Keep<'a>, value: &'a Tokens },
    /// Sets what an irrefutable pattern binds.
    Unpack { target: &'a Target, value: &'a Tokens, keeps: Vec<Keep<'a>> },
    /// Sets what a pattern binds, or takes the other way.
    LetElse { target: &'a Target, value: &'a Tokens, keeps: Vec<Keep<'a>> },
    /// Says whether a boundary event catches a failure, by a pattern with its guard and the place
    /// of its body.
    Catch { of: Caught, word: &'a Ident, arm: (&'a Tokens, &'a Tokens, Span), keeps: Vec<Keep<'a>> },
    /// Opens a user task.
    User { constant: Ident, form: &'a [Field], clauses: &'a [UserClause], result: Option<Keep<'a>> },
    /// Waits until a time.
    Wait { word: &'a Ident, until: &'a Until },
    /// Fails the instance.
    Fail { word: &'a Ident, text: &'a Tokens },
    /// Takes the way of the first true condition.
    If { arms: Vec<(&'a Condition, Vec<Keep<'a>>)> },
    /// Says that the variables are used.
    Look,
    /// Takes the way of the first arm that matches.
    Match {
        word: &'a Ident,
        scrutinee: &'a Tokens,
        braces: Span,
        arms: Vec<(&'a Arm, Vec<Keep<'a>>)>,
    },
    /// Evaluates the list of a `for`.
    Items { items: &'a Tokens, list: usize, cursor: usize },
    /// Takes the next item of a `for`.
    Next { pattern: &'a Tokens, list: usize, cursor: usize, keeps: Vec<Keep<'a>> },
    /// Ends the instance.
    Return { word: Span, value: &'a Tokens },
    /// Sets what a statement would set that was not understood.
    Broken { keeps: Vec<Keep<'a>>, report: Report },
}

impl Work<'_> {
    /// The variables that it sets.
    pub(crate) fn sets(&self) -> Vec<usize> {
        let variables =
            |keeps: &[Keep]| keeps.iter().map(|keep| keep.variable).collect::<Vec<usize>>();
        match self {
            Work::Service { result, .. } | Work::User { result, .. } => {
                result.iter().map(|keep| keep.variable).collect()
            }
            Work::Set { keep, .. } => vec![keep.variable],
            Work::Unpack { keeps, .. }
            | Work::LetElse { keeps, .. }
            | Work::Next { keeps, .. }
            | Work::Catch { keeps, .. }
            | Work::Broken { keeps, .. } => variables(keeps),
            Work::If { arms } => arms.iter().flat_map(|(_, keeps)| variables(keeps)).collect(),
            Work::Match { arms, .. } => {
                arms.iter().flat_map(|(_, keeps)| variables(keeps)).collect()
            }
            Work::Items { list, .. } => vec![*list],
            Work::Return { .. } | Work::Look | Work::Wait { .. } | Work::Fail { .. } => Vec::new(),
        }
    }
}
