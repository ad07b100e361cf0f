//! Tokens to a tree: CEL's grammar, by recursive descent. The depth of what nests is bounded here.

use std::ops::Range;

use super::lex::{Token, lex};
use super::tree::{Action, Form, Link, Node, Operator, Parsed, Step};
use super::types;
use super::{Error, ErrorKind, MAX_DEPTH, MAX_NODES, MAX_SOURCE, Value};

/// The operators of one precedence.
enum Level {
    Or,
    And,
    Chain(&'static [Operator]),
}

/// The binary operators, those that bind closer further down.
const LEVELS: [Level; 5] = [
    Level::Or,
    Level::And,
    Level::Chain(&[
        Operator::Equal,
        Operator::NotEqual,
        Operator::Less,
        Operator::LessEqual,
        Operator::Greater,
        Operator::GreaterEqual,
        Operator::In,
    ]),
    Level::Chain(&[Operator::Add, Operator::Subtract]),
    Level::Chain(&[Operator::Multiply, Operator::Divide, Operator::Remainder]),
];

/// Words with a meaning of their own: no names, not even of fields.
const KEYWORDS: [&str; 4] = ["false", "in", "null", "true"];

/// Words that CEL keeps for the languages around it: no names of variables.
const RESERVED: [&str; 17] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "namespace",
    "package",
    "return",
    "var",
    "void",
    "while",
];

pub(super) fn parse(source: &str) -> Result<Parsed, Error> {
    if source.len() > MAX_SOURCE {
        let length = source.len();
        let message = format!(
            "the expression is {length} bytes long, that is more than MAX_SOURCE = {MAX_SOURCE}"
        );
        return Err(Error::new(ErrorKind::Bound, 0..0, message));
    }
    let mut parser = Parser {
        source,
        tokens: lex(source)?,
        next: 0,
        depth: 0,
        nodes: 0,
        names: Vec::new(),
        mentions: Vec::new(),
    };
    let root = parser.expression()?;
    if *parser.peek() != Token::End {
        return Err(parser.unexpected("an operator or the end"));
    }
    Ok(Parsed { root, names: parser.names, mentions: parser.mentions })
}

struct Parser<'a> {
    source: &'a str,
    tokens: Vec<(Token, Range<usize>)>,
    next: usize,
    depth: usize,
    nodes: usize,
    names: Vec<String>,
    mentions: Vec<(usize, Range<usize>)>,
}

impl Parser<'_> {
    /// `condition ? then : otherwise`, or what binds closer. All nesting comes through here.
    fn expression(&mut self) -> Result<Node, Error> {
        if self.depth == MAX_DEPTH {
            let message = format!("the expression nests deeper than MAX_DEPTH = {MAX_DEPTH}");
            return Err(Error::new(ErrorKind::Bound, self.place(), message));
        }
        self.depth += 1;
        let start = self.place().start;
        let mut node = self.binary(0)?;
        if self.take("?") {
            let then = self.binary(0)?;
            self.expect(":")?;
            let otherwise = self.expression()?;
            node = self.node(start, Form::Choice(Box::new([node, then, otherwise])))?;
        }
        self.depth -= 1;
        Ok(node)
    }

    /// Operators of the level `least` and of those that bind closer.
    fn binary(&mut self, least: usize) -> Result<Node, Error> {
        let start = self.place().start;
        let mut node = self.unary()?;
        while let Some(level) = (least..LEVELS.len()).find(|&level| self.sees_level(level)) {
            let form = match &LEVELS[level] {
                Level::Or => Form::Or(self.operands(node, "||", level)?),
                Level::And => Form::And(self.operands(node, "&&", level)?),
                Level::Chain(operators) => self.links(node, operators, level)?,
            };
            node = self.node(start, form)?;
        }
        Ok(node)
    }

    fn sees_level(&self, level: usize) -> bool {
        match &LEVELS[level] {
            Level::Or => self.sees("||"),
            Level::And => self.sees("&&"),
            Level::Chain(operators) => self.operator(operators).is_some(),
        }
    }

    fn operator(&self, among: &[Operator]) -> Option<Operator> {
        among.iter().copied().find(|operator| self.sees(operator.symbol()))
    }

    fn operands(&mut self, first: Node, symbol: &str, level: usize) -> Result<Vec<Node>, Error> {
        let mut operands = vec![first];
        while self.take(symbol) {
            operands.push(self.binary(level + 1)?);
        }
        Ok(operands)
    }

    fn links(&mut self, first: Node, operators: &[Operator], level: usize) -> Result<Form, Error> {
        let mut links = Vec::new();
        while let Some(operator) = self.operator(operators) {
            let at = self.place();
            self.next += 1;
            links.push(Link { operator, at, operand: self.binary(level + 1)? });
        }
        Ok(Form::Chain { first: Box::new(first), links })
    }

    fn unary(&mut self) -> Result<Node, Error> {
        let start = self.place().start;
        let symbol = if self.sees("!") { "!" } else { "-" };
        let mut times = 0;
        let mut sign = None;
        while self.sees(symbol) {
            sign = Some(self.place().start);
            self.take(symbol);
            times += 1;
        }
        // the last minus before a number is part of the literal: its least int has no positive
        sign = sign
            .filter(|_| symbol == "-" && matches!(self.peek(), Token::Int(_) | Token::Double(_)));
        times -= usize::from(sign.is_some());
        let of = self.member(sign)?;
        match (times, symbol) {
            (0, _) => Ok(of),
            (_, "!") => self.node(start, Form::Not { times, of: Box::new(of) }),
            _ => self.node(start, Form::Negate { times, of: Box::new(of) }),
        }
    }

    /// A primary and the path from it.
    fn member(&mut self, sign: Option<usize>) -> Result<Node, Error> {
        let start = self.place().start;
        let base = self.primary(sign)?;
        let mut steps = Vec::new();
        loop {
            let at = self.place();
            if self.take(".") {
                steps.push(self.selection()?);
            } else if self.take("[") {
                let index = self.expression()?;
                self.expect("]")?;
                steps.push(Step { at: at.start..self.end(), action: Action::Index(index) });
            } else {
                break;
            }
            self.count(at)?;
        }
        if steps.is_empty() {
            return Ok(base);
        }
        self.node(start, Form::Path { base: Box::new(base), steps })
    }

    /// The field or the method after a dot.
    fn selection(&mut self) -> Result<Step, Error> {
        if self.sees("?") {
            return Err(self.not_in_subset("optional fields (`.?`)"));
        }
        let at = self.place();
        let name = self.name("the name of a field", &KEYWORDS)?;
        if !self.take("(") {
            return Ok(Step { at, action: Action::Field(name) });
        }
        types::refuse_other_cel(&name, &at)?;
        let arguments = self.list(")")?;
        let function = types::resolve(&name, true, arguments.len(), &at);
        Ok(Step { at, action: Action::Call { function, arguments } })
    }

    fn primary(&mut self, sign: Option<usize>) -> Result<Node, Error> {
        let at = self.place();
        if let Some(value) = self.literal(sign.is_some())? {
            self.next += 1;
            return self.node(sign.unwrap_or(at.start), Form::Literal(value));
        }
        if self.take("(") {
            let inner = self.expression()?;
            self.expect(")")?;
            return Ok(inner);
        }
        if self.take("[") {
            let elements = self.list("]")?;
            return self.node(at.start, Form::List(elements));
        }
        if self.sees(".") {
            return Err(self.not_in_subset("names from the root scope (`.name`)"));
        }
        let name = self.name("an expression", &KEYWORDS)?;
        if self.take("(") {
            return self.call(&name, at);
        }
        if RESERVED.contains(&name.as_str()) {
            let message = format!("`{name}` is reserved in CEL, no variable can have this name");
            return Err(Error::new(ErrorKind::Syntax, at, message));
        }
        let index = self.mention(name, at.clone());
        self.node(at.start, Form::Variable(index))
    }

    /// The literal that comes next, which is not taken.
    fn literal(&self, negative: bool) -> Result<Option<Value>, Error> {
        Ok(Some(match self.peek() {
            Token::Int(magnitude) => {
                let signed = if negative { -i128::from(*magnitude) } else { (*magnitude).into() };
                let int = i64::try_from(signed).map_err(|_| self.too_large(*magnitude))?;
                Value::Int(int)
            }
            Token::Uint(uint) => Value::Uint(*uint),
            Token::Double(double) => Value::Double(if negative { -double } else { *double }),
            Token::String(string) => Value::String(string.clone()),
            Token::Word(word) => match word.as_str() {
                "null" => Value::Null,
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                _ => return Ok(None),
            },
            _ => return Ok(None),
        }))
    }

    fn too_large(&self, magnitude: u64) -> Error {
        Error::new(ErrorKind::Syntax, self.place(), "the number does not fit an int")
            .help(format!("an unsigned number is written `{magnitude}u`"))
    }

    /// A call without a receiver; its parenthesis is open.
    fn call(&mut self, name: &str, at: Range<usize>) -> Result<Node, Error> {
        types::refuse_other_cel(name, &at)?;
        let mut arguments = self.list(")")?;
        if name == "has" {
            return self.has(arguments, at);
        }
        match types::resolve(name, false, arguments.len(), &at) {
            Ok(function) => {
                let base = Box::new(arguments.remove(0));
                let action = Action::Call { function: Ok(function), arguments };
                let step = Step { at: at.clone(), action };
                self.node(at.start, Form::Path { base, steps: vec![step] })
            }
            Err(error) => self.node(at.start, Form::NoFunction { error, arguments }),
        }
    }

    fn has(&mut self, arguments: Vec<Node>, at: Range<usize>) -> Result<Node, Error> {
        let refusal = Error::new(
            ErrorKind::Arguments,
            at.clone(),
            "`has` asks for a field of a map and takes one path: `has(order.note)`",
        );
        let Ok([Node { at: path_at, form: Form::Path { base, mut steps } }]) =
            <[Node; 1]>::try_from(arguments)
        else {
            return Err(refusal);
        };
        let Some(Step { action: Action::Field(field), .. }) = steps.pop() else {
            return Err(refusal);
        };
        let of = match steps.is_empty() {
            true => base,
            false => Box::new(Node { at: path_at, form: Form::Path { base, steps } }),
        };
        self.node(at.start, Form::Has { of, field })
    }

    /// Expressions up to the closing symbol, which is taken. A list, not a call, may end with a
    /// comma.
    fn list(&mut self, closing: &str) -> Result<Vec<Node>, Error> {
        let mut elements = Vec::new();
        if self.take(closing) {
            return Ok(elements);
        }
        loop {
            elements.push(self.expression()?);
            if self.take(closing) {
                return Ok(elements);
            }
            if !self.take(",") {
                return Err(self.unexpected(&format!("`,` or `{closing}`")));
            }
            if closing == "]" && self.take(closing) {
                return Ok(elements);
            }
        }
    }

    fn mention(&mut self, name: String, at: Range<usize>) -> usize {
        let known = self.names.iter().position(|known| *known == name);
        let index = known.unwrap_or_else(|| {
            self.names.push(name);
            self.names.len() - 1
        });
        self.mentions.push((index, at));
        index
    }

    /// A node from `start` to the last token taken.
    fn node(&mut self, start: usize, form: Form) -> Result<Node, Error> {
        let at = start..self.end();
        self.count(at.clone())?;
        Ok(Node { at, form })
    }

    fn count(&mut self, at: Range<usize>) -> Result<(), Error> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            let message = format!("the expression has more parts than MAX_NODES = {MAX_NODES}");
            return Err(Error::new(ErrorKind::Bound, at, message));
        }
        Ok(())
    }

    fn peek(&self) -> &Token {
        &self.tokens[self.next].0
    }

    /// Where the next token is.
    fn place(&self) -> Range<usize> {
        self.tokens[self.next].1.clone()
    }

    /// Where the last token taken ends.
    fn end(&self) -> usize {
        self.tokens[self.next.saturating_sub(1)].1.end
    }

    fn sees(&self, symbol: &str) -> bool {
        match self.peek() {
            Token::Symbol(seen) => *seen == symbol,
            Token::Word(word) => word == "in" && symbol == "in",
            _ => false,
        }
    }

    fn take(&mut self, symbol: &str) -> bool {
        let seen = self.sees(symbol);
        self.next += usize::from(seen);
        seen
    }

    fn expect(&mut self, symbol: &str) -> Result<(), Error> {
        match self.take(symbol) {
            true => Ok(()),
            false => Err(self.unexpected(&format!("`{symbol}`"))),
        }
    }

    fn name(&mut self, expected: &str, not: &[&str]) -> Result<String, Error> {
        match self.peek() {
            Token::Word(word) if !not.contains(&word.as_str()) => {
                let name = word.clone();
                self.next += 1;
                Ok(name)
            }
            _ => Err(self.unexpected(expected)),
        }
    }

    fn unexpected(&self, expected: &str) -> Error {
        let at = self.place();
        let found = match self.peek() {
            Token::End => "the end".to_owned(),
            Token::String(_) => "a string".to_owned(),
            _ => format!("`{}`", &self.source[at.clone()]),
        };
        let error =
            Error::new(ErrorKind::Syntax, at, format!("expected {expected}, found {found}"));
        match found.as_str() {
            "`and`" => error.help("the logical and is `&&`"),
            "`or`" => error.help("the logical or is `||`"),
            _ => error,
        }
    }

    fn not_in_subset(&self, what: &str) -> Error {
        let message = format!("{what} are CEL, but not in this subset");
        Error::new(ErrorKind::NotInSubset, self.place(), message)
    }
}
