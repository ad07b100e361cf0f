//! The tree of an expression, as the parser makes it and the check and the evaluation walk it.
//!
//! What repeats (`a + b + c`, `a.b.c`, `!!a`) is one flat node, so a tree is only as deep as its
//! source nests, which the parser bounds: a walk needs no look at its own depth.

use std::ops::Range;

use super::types::Function;
use super::{Error, Value};

#[derive(Clone, Debug)]
pub(super) struct Parsed {
    pub(super) root: Node,
    /// The variables, each once.
    pub(super) names: Vec<String>,
    /// Every mention of one: its index in `names`, and the place.
    pub(super) mentions: Vec<(usize, Range<usize>)>,
}

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) at: Range<usize>,
    pub(super) form: Form,
}

#[derive(Clone, Debug)]
pub(super) enum Form {
    Literal(Value),
    List(Vec<Node>),
    /// An index in [`Parsed::names`].
    Variable(usize),
    /// `base.field[index].function(…)`
    Path {
        base: Box<Node>,
        steps: Vec<Step>,
    },
    /// `has(of.field)`
    Has {
        of: Box<Node>,
        field: String,
    },
    /// `!!of`
    Not {
        times: usize,
        of: Box<Node>,
    },
    /// `--of`
    Negate {
        times: usize,
        of: Box<Node>,
    },
    /// `first + next - next`: operators of one precedence, from the left.
    Chain {
        first: Box<Node>,
        links: Vec<Link>,
    },
    /// `a && b && c`
    And(Vec<Node>),
    /// `a || b || c`
    Or(Vec<Node>),
    /// `condition ? then : otherwise`
    Choice(Box<[Node; 3]>),
    /// A call of what is no function; the arguments are kept for the check.
    NoFunction {
        error: Error,
        arguments: Vec<Node>,
    },
}

#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) at: Range<usize>,
    pub(super) action: Action,
}

#[derive(Clone, Debug)]
pub(super) enum Action {
    Field(String),
    Index(Node),
    Call { function: Result<Function, Error>, arguments: Vec<Node> },
}

#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) operator: Operator,
    /// The place of the operator.
    pub(super) at: Range<usize>,
    pub(super) operand: Node,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Operator {
    pub(super) fn symbol(self) -> &'static str {
        match self {
            Operator::Equal => "==",
            Operator::NotEqual => "!=",
            Operator::Less => "<",
            Operator::LessEqual => "<=",
            Operator::Greater => ">",
            Operator::GreaterEqual => ">=",
            Operator::In => "in",
            Operator::Add => "+",
            Operator::Subtract => "-",
            Operator::Multiply => "*",
            Operator::Divide => "/",
            Operator::Remainder => "%",
        }
    }
}
