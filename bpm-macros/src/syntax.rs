//! What people write: a process as statements over token lists.
//!
//! User expressions stay the tokens that they are. Parsing never stops: what is not understood
//! becomes a report and, where it sets a variable, a [`Do::Broken`] that still sets it.

mod block;
mod choice;
mod clause;
mod cursor;
mod event;
mod process;
mod race;
mod starts;
mod statement;
mod user;
mod wait;

use bpm_model::kind::Trigger;
use bpm_model::policy::{Part, Policy};
use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};

use crate::report::Report;

pub(crate) use cursor::{Parser, is_ident, is_punct};
pub(crate) use process::process;

/// User tokens, in order.
pub(crate) type Tokens = Vec<TokenTree>;

/// A process.
pub(crate) struct Process {
    /// Doc comments and all attributes that are not ours.
    pub(crate) attributes: TokenStream,
    pub(crate) version: u32,
    /// `#[name = "…"]`.
    pub(crate) stored_name: Option<String>,
    pub(crate) visibility: TokenStream,
    pub(crate) name: Ident,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) result: ResultType,
    /// Where the result type stands, or would.
    pub(crate) result_span: Span,
    pub(crate) body: Vec<Statement>,
    /// The closing brace of the body.
    pub(crate) end: Span,
}

/// A parameter of a process.
pub(crate) struct Parameter {
    /// Doc comments and other attributes; they go to the field.
    pub(crate) attributes: TokenStream,
    pub(crate) name: Ident,
    pub(crate) ty: Tokens,
}

/// What stands behind `->`.
pub(crate) enum ResultType {
    /// Nothing, or `()`.
    Unit,
    /// `!`.
    Never,
    Value(Tokens),
}

/// A statement with its label.
pub(crate) struct Statement {
    pub(crate) label: Option<Label>,
    /// Its first word.
    pub(crate) span: Span,
    pub(crate) does: Do,
}

/// `'name` in front of a statement or behind `break`.
#[derive(Clone)]
pub(crate) struct Label {
    pub(crate) name: String,
    pub(crate) span: Span,
}

/// What a statement does.
pub(crate) enum Do {
    /// `let x = service f(args) …;`; without arguments only in half-typed input.
    Service { target: Option<Target>, task: Tokens, arguments: Option<Group>, clauses: Clauses },
    /// `let x = value;`
    Script { target: Target, value: Tokens },
    /// `let pattern = value else { … };`
    LetElse { target: Target, value: Tokens, word: Span, otherwise: Vec<Statement> },
    /// `let x: T = user name { … } …;`
    User {
        target: Option<Target>,
        name: Ident,
        form: Vec<Field>,
        clauses: Vec<UserClause>,
        undo: Option<Undo>,
        events: Vec<Event>,
    },
    /// `wait …;`
    Wait { word: Ident, until: Until },
    /// `fail "…";`
    Fail { word: Ident, text: Tokens },
    /// `if … { } else if … { } else { }`
    If { arms: Vec<(Condition, Vec<Statement>)>, otherwise: Option<Vec<Statement>> },
    /// `match scrutinee { … }`
    Match { word: Ident, scrutinee: Tokens, braces: Span, arms: Vec<Arm> },
    /// `parallel { … }`
    Parallel { branches: Vec<Branch> },
    /// `race { … }`, `race 2 of { … }`
    Race { wins: u32, branches: Vec<Branch> },
    /// `scope { … } on … => { … }`
    Scope { word: Ident, body: Vec<Statement>, events: Vec<Event> },
    /// `for pattern in items { … }`
    For { pattern: Tokens, items: Tokens, body: Vec<Statement> },
    /// `while condition { … }`
    While { condition: Condition, body: Vec<Statement> },
    /// `loop { … }`
    Loop { body: Vec<Statement> },
    /// `break 'label;`
    Break { label: Option<Label> },
    /// `continue 'label;`
    Continue { label: Option<Label> },
    /// `return value;`
    Return { value: Tokens },
    /// What was not understood. What it sets counts as set, so that nothing else is reported.
    Broken { sets: Vec<Ident>, report: Report },
    /// What was not understood and does not go on: `fail` without a text, `goto`.
    Leaves { report: Report },
}

/// The clauses of a service task.
#[derive(Default)]
pub(crate) struct Clauses {
    pub(crate) policy: PolicyClauses,
    pub(crate) undo: Option<Undo>,
    pub(crate) events: Vec<Event>,
}

/// `on … => { … }` or `also … => { … }`: a boundary event with what handles it.
pub(crate) struct Event {
    /// Where `on` or `also` stands.
    pub(crate) first: Span,
    /// The word that says what happens: `error`, `after`, `at`, `every`.
    pub(crate) word: Ident,
    /// Whether it is `on`.
    pub(crate) interrupts: bool,
    pub(crate) handled: Handled,
    /// The place of the body.
    pub(crate) span: Span,
    pub(crate) body: Vec<Statement>,
}

/// What a boundary event waits for.
pub(crate) enum Handled {
    /// `error pattern if guard`
    Error {
        pattern: Tokens,
        /// With its `if`.
        guard: Tokens,
    },
    /// `after 3d`, `every 1d`, `at time`
    Timer { trigger: Trigger, until: Until },
    /// What was not understood; it would bind these names.
    Unknown { names: Vec<Ident>, report: Report },
}

/// `retry` and `timeout`: of an activity, or of `#[service_task(…)]`.
#[derive(Default)]
pub(crate) struct PolicyClauses {
    pub(crate) policy: Policy,
    /// Where its values stand.
    pub(crate) places: Vec<(Part, Span)>,
    /// The words that were there, with values or without.
    pub(crate) words: Vec<Ident>,
}

/// `undo task(args)`; without arguments only in half-typed input.
pub(crate) struct Undo {
    pub(crate) task: Tokens,
    pub(crate) arguments: Option<Group>,
}

/// Until when a `wait` waits.
pub(crate) enum Until {
    /// `wait 14d`
    Millis {
        millis: u64,
        /// As it was written.
        text: String,
        /// Where.
        span: Span,
    },
    /// `wait duration`
    After(Tokens),
    /// `wait until time`
    Time(Tokens),
}

/// What `let` sets.
pub(crate) struct Target {
    pub(crate) pattern: Tokens,
    /// The names that the pattern binds, in order.
    pub(crate) names: Vec<Ident>,
    /// The annotation, if any.
    pub(crate) ty: Tokens,
}

impl Target {
    /// The one name, if the pattern is nothing but a name.
    pub(crate) fn name(&self) -> Option<&Ident> {
        let plain = match &self.pattern[..] {
            [TokenTree::Ident(_)] => true,
            [TokenTree::Ident(word), TokenTree::Ident(_)] => word == "mut",
            _ => false,
        };
        self.names.first().filter(|_| plain)
    }

    /// Whether it is `mut name`.
    pub(crate) fn mutable(&self) -> Option<&TokenTree> {
        self.pattern.first().filter(|token| self.name().is_some() && is_ident(token, "mut"))
    }
}

/// A field of a user task's form.
pub(crate) struct Field {
    pub(crate) name: Ident,
    /// Empty in the short form, where the variable of that name is meant.
    pub(crate) value: Tokens,
}

/// A clause of a user task.
pub(crate) struct UserClause {
    pub(crate) word: ClauseWord,
    /// The word's own place.
    pub(crate) span: Span,
    pub(crate) value: Tokens,
}

/// For whom a user task is and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClauseWord {
    Group,
    User,
    /// At a point in time.
    Due,
    /// So many milliseconds after the task was opened; the value is a literal with a unit.
    DueAfter(u64),
    Priority,
}

/// The condition of `if` or `while`.
pub(crate) struct Condition {
    pub(crate) tokens: Tokens,
}

impl Condition {
    /// The string literal, if the condition is an expression of the expression language.
    pub(crate) fn expression(&self) -> Option<syn::LitStr> {
        match &self.tokens[..] {
            [TokenTree::Literal(literal)] => match syn::Lit::new(literal.clone()) {
                syn::Lit::Str(text) => Some(text),
                _ => None,
            },
            _ => None,
        }
    }
}

/// An arm of a `match`.
pub(crate) struct Arm {
    pub(crate) pattern: Tokens,
    /// With its `if`.
    pub(crate) guard: Tokens,
    /// The place of its body.
    pub(crate) span: Span,
    pub(crate) body: Vec<Statement>,
}

/// A branch of a parallel block.
pub(crate) struct Branch {
    pub(crate) name: Ident,
    pub(crate) after: Vec<Ident>,
    pub(crate) body: Vec<Statement>,
}
