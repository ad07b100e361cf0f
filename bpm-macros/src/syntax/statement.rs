//! Statements: the first word decides.

use proc_macro2::{Delimiter, Ident, Span, TokenTree};

use super::clause::no_task;
use super::cursor::is_punct;
use super::{Do, Label, Parser, Statement, Target, Tokens};
use crate::pattern;
use crate::report::Report;
use crate::spacing;

impl Parser<'_> {
    /// All statements up to the end of the block.
    pub(super) fn statements(mut self) -> Vec<Statement> {
        let mut statements = Vec::new();
        while !self.is_done() {
            if !self.eat_sign(';') {
                let label = self.statement_label();
                let span = self.span();
                let word = self.peek(0).map(ToString::to_string).unwrap_or_default();
                let does = self.statement();
                statements.push(Statement { label, span, does });
                self.misplaced_clauses(&word, &mut statements);
            }
        }
        statements
    }

    /// A block in braces; half-typed input may lack it.
    pub(super) fn block(&mut self, of: &str) -> Vec<Statement> {
        match self.group(Delimiter::Brace) {
            Some(group) => self.inside(&group).statements(),
            None => {
                self.report(Report::new(self.span(), format!("expected a block in braces {of}")));
                Vec::new()
            }
        }
    }

    fn statement(&mut self) -> Do {
        if self.at_service() || (self.at_word(0, "service") && self.peek(1).is_none()) {
            return self.service(None);
        }
        if self.at_user() {
            return self.user(None);
        }
        if self.at_verb("wait") {
            return self.wait();
        }
        if self.at_verb("fail") {
            return self.fail();
        }
        if self.at_scope() {
            return self.scope();
        }
        if self.at_race() {
            return self.race();
        }
        if let Some(word) = self.at_later() {
            return self.later(word, Vec::new());
        }
        let first = self.peek(0).map(ToString::to_string).unwrap_or_default();
        match first.as_str() {
            "let" => self.let_statement(),
            "if" => self.if_statement(),
            "match" => self.match_statement(),
            "parallel" if self.at_group(1, Delimiter::Brace) => self.parallel(),
            "for" => self.for_loop(),
            "while" => self.while_loop(),
            "loop" => self.endless_loop(),
            "break" | "continue" => self.jump(&first),
            "return" => self.return_statement(),
            _ => self.stray(),
        }
    }

    fn statement_label(&mut self) -> Option<Label> {
        let label = self.label()?;
        if !self.eat_sign(':') {
            let what = format!("expected `:` behind the label `'{}`", label.name);
            self.report(Report::new(label.span, what));
        }
        Some(label)
    }

    pub(super) fn label(&mut self) -> Option<Label> {
        if !self.at_sign(0, '\'') {
            return None;
        }
        self.skip();
        let name = self.ident()?;
        Some(Label { name: name.to_string(), span: name.span() })
    }

    fn let_statement(&mut self) -> Do {
        self.skip();
        let target = self.target();
        if !self.eat_sign('=') {
            let report = Report::new(self.span(), "expected `=` and what the variable is set to")
                .help("`let name = value;`");
            self.tail();
            return Do::Broken { sets: target.names, report };
        }
        if self.at_service() {
            return self.service(Some(target));
        }
        if self.at_user() {
            return self.user(Some(target));
        }
        if let Some(word) = self.at_later() {
            return self.later(word, target.names);
        }
        if let Some(word) = ["wait", "fail"].into_iter().find(|word| self.at_shaped(word)) {
            return self.sets_nothing(word, target.names);
        }
        if self.at_word(0, "scope") && self.at_group(1, Delimiter::Brace) {
            return self.sets_nothing("scope", target.names);
        }
        if self.at_race() && self.peek(1).is_some() {
            return self.sets_nothing("race", target.names);
        }
        if self.at_word(0, "for") {
            return self.later("for … parallel", target.names);
        }
        self.script(target)
    }

    /// The pattern and the type of a `let`.
    fn target(&mut self) -> Target {
        let pattern = self.until(|parser| {
            let path = parser.at_signs([':', ':'])
                || parser.before().is_some_and(|token| is_punct(token, ':'));
            let range = parser.before().is_some_and(|token| is_punct(token, '.'));
            parser.at_sign(0, ';')
                || (parser.at_sign(0, ':') && !path)
                || (parser.at_sign(0, '=') && !range)
                || parser.starts_statement()
        });
        let ty = if self.eat_sign(':') { self.ty() } else { Vec::new() };
        let names = pattern::names(&pattern);
        Target { pattern, names, ty }
    }

    /// A type, up to the `=` that does not belong to it.
    fn ty(&mut self) -> Tokens {
        let mut ty = Vec::new();
        let mut depth = 0_i32;
        while !self.is_done() && !self.at_sign(0, ';') && !self.starts_statement() {
            if depth <= 0 && self.at_sign(0, '=') {
                break;
            }
            let arrow = self.before().is_some_and(|token| is_punct(token, '-'));
            match self.peek(0) {
                Some(token) if is_punct(token, '<') => depth += 1,
                Some(token) if is_punct(token, '>') && !arrow => depth -= 1,
                _ => {}
            }
            ty.extend(self.skip());
        }
        ty
    }

    fn script(&mut self, target: Target) -> Do {
        let equals = self.before().map_or_else(|| self.span(), TokenTree::span);
        if let Some(report) = self.misspelt_verb() {
            self.tail();
            return Do::Broken { sets: target.names, report };
        }
        let value = self.until(|parser| {
            let closed = matches!(parser.before(), Some(TokenTree::Group(group))
                if group.delimiter() == Delimiter::Brace);
            let otherwise = parser.at_word(0, "else") && !closed;
            parser.at_sign(0, ';') || otherwise || parser.starts_statement()
        });
        if let Some(word) = self.eat_word("else") {
            let otherwise = self.block("behind `else`");
            self.eat_sign(';');
            return Do::LetElse { target, value, word: word.span(), otherwise };
        }
        self.eat_sign(';');
        if value.is_empty() {
            let report = Report::new(equals, "expected an expression behind `=`");
            return Do::Broken { sets: target.names, report };
        }
        Do::Script { target, value }
    }

    /// Two names in a row: the first was meant to be a verb.
    fn misspelt_verb(&self) -> Option<Report> {
        let word = self.misspelt()?;
        let text = format!("[B002] there is no word `{word}` in front of a name");
        Some(unknown_word(Report::new(word.span(), text), word))
    }

    fn service(&mut self, target: Option<Target>) -> Do {
        let Some(word) = self.ident() else { return self.lost("service") };
        let (task, arguments) = self.task_call(&word);
        if task.is_empty() {
            self.tail();
            let sets = target.map(|target| target.names).unwrap_or_default();
            return Do::Broken { sets, report: no_task(&word) };
        }
        let clauses = self.service_clauses();
        let behind = if arguments.is_some() { "the arguments" } else { "the task" };
        self.end_of_activity(behind);
        Do::Service { target, task, arguments, clauses }
    }

    /// What stands between an activity and its `;` must be a clause.
    fn end_of_activity(&mut self, behind: &str) {
        let start = self.span();
        let rest = self.tail();
        let Some(first) = rest.first() else { return };
        let what = format!("`{}` does not belong behind {behind}", spacing::short(&rest));
        let help = match is_punct(first, '?') || is_punct(first, '.') {
            true => "end the statement with `;`: the result is awaited, and an error is handled",
            false => "end the statement with `;`",
        };
        self.report(Report::new(start, what).help(help));
    }

    fn jump(&mut self, word: &str) -> Do {
        self.skip();
        let label = self.label();
        let start = self.span();
        if !self.tail().is_empty() {
            let what = format!("`{word}` carries no value in a process");
            let help = "set a variable with `let` in front of it";
            self.report(Report::new(start, what).help(help));
        }
        if word == "break" { Do::Break { label } } else { Do::Continue { label } }
    }

    fn return_statement(&mut self) -> Do {
        self.skip();
        Do::Return { value: self.tail() }
    }

    /// The rest of a statement, without its `;`.
    pub(super) fn tail(&mut self) -> Tokens {
        let rest = self.until(|parser| parser.at_sign(0, ';') || parser.starts_statement());
        self.eat_sign(';');
        rest
    }

    /// A verb of the language that is not there yet, with everything that belongs to it.
    fn later(&mut self, word: &'static str, sets: Vec<Ident>) -> Do {
        let span = self.span();
        let first = self.skip();
        let mut rest = self.rest_of_later();
        rest.splice(0..0, first);
        not_there_yet(word, span, sets, &rest)
    }

    /// Up to `;`, or to a closing brace with no clause behind it.
    fn rest_of_later(&mut self) -> Tokens {
        let rest = self.until(|parser| {
            let closed = matches!(parser.before(), Some(TokenTree::Group(group))
                if group.delimiter() == Delimiter::Brace);
            let clause = parser.at_clause_word() || parser.at_word(0, "else");
            parser.at_sign(0, ';') || (closed && !clause && parser.starts_anything())
        });
        self.eat_sign(';');
        rest
    }

    /// Whether a token that may begin a statement follows.
    fn starts_anything(&self) -> bool {
        self.starts_statement() || matches!(self.peek(0), Some(TokenTree::Ident(_)))
    }

    /// What is not a statement. Rust habits get their own help.
    fn stray(&mut self) -> Do {
        let span = self.span();
        let first = self.skip();
        let mut tokens: Tokens = first.into_iter().collect();
        tokens.extend(self.tail());
        if tokens.last().is_some_and(|last| is_punct(last, '=')) {
            // `total = service price(order)`: the word behind it would begin a statement.
            tokens.extend(self.skip());
            tokens.extend(self.tail());
        }
        let (sets, report) = stray(&tokens, span);
        Do::Broken { sets: sets.into_iter().collect(), report }
    }
}

fn not_there_yet(word: &str, span: Span, mut sets: Vec<Ident>, rest: &[TokenTree]) -> Do {
    pattern::names_set_in(rest, &mut sets);
    let report =
        Report::new(span, format!("`{word}` is a word of the language that is not there yet"))
            .follows("this version of bpm-engine cannot run it");
    match word {
        "goto" => Do::Leaves { report },
        _ => Do::Broken { sets, report },
    }
}

/// What a stray statement was probably meant to be, and the variable that it would set.
fn stray(tokens: &[TokenTree], span: Span) -> (Option<Ident>, Report) {
    let text = spacing::short(tokens);
    let report = Report::new(span, format!("[B002] `{text}` is not a statement of a process"));
    match tokens {
        [TokenTree::Ident(name), TokenTree::Punct(sign), equals, value @ ..]
            if is_punct(equals, '=') && "+-*/%&|^".contains(sign.as_char()) =>
        {
            let value = spacing::text(value);
            let help = format!("`let {name} = {name} {} {value};`", sign.as_char());
            (Some(name.clone()), assigned(report, &help))
        }
        [TokenTree::Ident(name), equals, value @ ..] if is_punct(equals, '=') => {
            let help = format!("`let {name} = {};`", spacing::text(value));
            (Some(name.clone()), assigned(report, &help))
        }
        [TokenTree::Ident(word), TokenTree::Ident(_), ..] => (None, unknown_word(report, word)),
        [TokenTree::Ident(_), .., TokenTree::Group(group)]
            if group.delimiter() == Delimiter::Parenthesis =>
        {
            let follows = "what leaves the process is a task, so that its result is durable";
            (None, report.follows(follows).help(&format!("`service {text};`")))
        }
        [TokenTree::Ident(word), ..] => (None, unknown_word(report, word)),
        _ => (None, report.help("begin with a word of the language, such as `let` or `service`")),
    }
}

fn assigned(report: Report, help: &str) -> Report {
    report.follows("a process variable is set with `let`, also again").help(help)
}

fn unknown_word(report: Report, word: &Ident) -> Report {
    const WORDS: [&str; 16] = [
        "let", "service", "user", "if", "match", "parallel", "race", "scope", "for", "while",
        "loop", "break", "continue", "return", "wait", "fail",
    ];
    match bpm_model::spell::nearest(&word.to_string(), WORDS) {
        Some(nearest) => report.help(&format!("did you mean `{nearest}`?")),
        None => report.help("begin with a word of the language, such as `let` or `service`"),
    }
}
