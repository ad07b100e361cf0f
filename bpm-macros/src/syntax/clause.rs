//! The clauses `retry`, `timeout` and `undo`, behind an activity and in `#[service_task(…)]`.

use bpm_model::finding::Fault;
use bpm_model::policy::{Exhausted, Part, Retry};
use proc_macro2::{Delimiter, Group, Ident, Literal, Span, TokenTree};

use super::cursor::{is_ident, is_punct};
use super::{Clauses, Do, Parser, PolicyClauses, Statement, Tokens, Undo};
use crate::pattern;
use crate::report::Report;
use crate::spacing;

/// The words that begin a clause of an activity.
const CLAUSES: [&str; 5] = ["retry", "timeout", "undo", "on", "also"];

/// Words inside of `retry`.
const PARTS: [&str; 2] = ["every", "then"];

/// All of them, for what is misspelt.
const WORDS: [&str; 7] = ["retry", "timeout", "undo", "on", "also", "every", "then"];

/// The largest delay where `every` says only the first one.
const MAX_MS: u64 = Retry::ONCE.max_ms;

impl Parser<'_> {
    /// Whether a clause of an activity begins here; behind an activity nothing else can.
    pub(super) fn at_clause_word(&self) -> bool {
        CLAUSES.iter().any(|word| self.at_word(0, word))
    }

    /// A clause with its shape, seen from where it does not belong.
    pub(super) fn at_shaped_clause(&self, ahead: usize) -> bool {
        let literal = matches!(self.peek(ahead + 1), Some(TokenTree::Literal(_)));
        match self.peek(ahead) {
            Some(word) if is_ident(word, "undo") => self.at_name(ahead + 1),
            Some(word) if is_ident(word, "retry") || is_ident(word, "timeout") => literal,
            _ => self.at_event(ahead),
        }
    }

    /// The clauses of a service task.
    pub(super) fn service_clauses(&mut self) -> Clauses {
        let mut clauses = Clauses::default();
        while !self.lacks_block() && (!self.starts_statement() || self.at_clause_word()) {
            if self.policy_clause(&mut clauses.policy)
                || self.undo_clause(&mut clauses.undo)
                || self.event_clause(&mut clauses.events)
            {
                continue;
            }
            match self.peek(0) {
                Some(TokenTree::Ident(word)) => {
                    let word = word.clone();
                    let help = "the clauses are `retry`, `timeout`, `undo`, `on` and `also`";
                    self.unknown_clause_of("a service task", &word, &WORDS, help);
                    self.rest_of_clause();
                }
                _ => break,
            }
        }
        clauses
    }

    /// What is no clause, up to where something else begins.
    pub(crate) fn unknown_clause_of(
        &mut self,
        of: &str,
        word: &Ident,
        known: &[&str],
        otherwise: &str,
    ) {
        let what = format!("[B002] there is no clause `{word}` of {of}");
        let help = match bpm_model::spell::nearest(&word.to_string(), known.iter().copied()) {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => otherwise.to_owned(),
        };
        self.report(Report::new(word.span(), what).help(&help));
        self.skip();
        self.until(|parser| {
            parser.at_sign(0, ';')
                || parser.at_sign(0, ',')
                || parser.at_clause_word()
                || parser.starts_statement()
        });
    }

    /// `retry …` or `timeout …`, if one stands here.
    pub(crate) fn policy_clause(&mut self, clauses: &mut PolicyClauses) -> bool {
        let Some(word) = self.eat_word("retry").or_else(|| self.eat_word("timeout")) else {
            return false;
        };
        let mut found = PolicyClauses::default();
        if word == "retry" {
            self.retry(&word, &mut found);
        } else {
            found.policy.timeout_ms = self.duration(&word, Part::Timeout, &mut found.places);
        }
        if clauses.words.contains(&word) {
            self.second(&word);
        } else {
            clauses.policy = clauses.policy.or(found.policy);
            clauses.places.append(&mut found.places);
            clauses.words.push(word);
        }
        true
    }

    /// `retry N [every D[..MAX]] [then suspend]`, behind its word.
    fn retry(&mut self, word: &Ident, found: &mut PolicyClauses) {
        let attempts = self.attempts(word, &mut found.places);
        let Retry { first_ms, max_ms, mut then, .. } = Retry::ONCE;
        let mut delays = Some((first_ms, max_ms));
        while let Some(part) = self.eat_word("every").or_else(|| self.eat_word("then")) {
            if part == "then" {
                then = self.exhausted(&part);
            } else {
                delays = self.delays(&part, &mut found.places);
            }
        }
        if let (Some(attempts), Some((first_ms, max_ms))) = (attempts, delays) {
            found.policy.retry = Some(Retry { attempts, first_ms, max_ms, then });
        }
    }

    /// `every D[..MAX]`, behind its word. Without MAX the bound is the one that holds without
    /// `every`, or D where that is longer.
    fn delays(&mut self, word: &Ident, places: &mut Vec<(Part, Span)>) -> Option<(u64, u64)> {
        let first = self.duration(word, Part::First, places);
        if !self.at_signs(['.', '.']) {
            return first.map(|first| (first, first.max(MAX_MS)));
        }
        self.skip();
        self.skip();
        let max = self.duration(word, Part::Max, places);
        Some((first?, max?))
    }

    /// `then suspend`, behind its first word.
    fn exhausted(&mut self, word: &Ident) -> Exhausted {
        if self.eat_word("suspend").is_none() {
            // The other outcome has a word that elsewhere begins a statement.
            let fails = self.eat_word("fail").map(|word| word.span());
            let span = match fails {
                Some(span) => span,
                None if self.at_value_end() => word.span(),
                None => self.span(),
            };
            self.value();
            let report = Report::new(span, "[B002] the only word behind `then` is `suspend`")
                .follows("without it the activity fails when its attempts are used up")
                .help("`then suspend`, or remove it");
            self.report(report);
        }
        Exhausted::Suspend
    }

    fn attempts(&mut self, word: &Ident, places: &mut Vec<(Part, Span)>) -> Option<u32> {
        let value = self.given(word, "`retry 5`")?;
        let at = value.first().map_or(word.span(), TokenTree::span);
        let [TokenTree::Literal(literal)] = &value[..] else {
            self.not_a_literal(Part::Attempts, &value, at);
            return None;
        };
        let text = literal.to_string();
        match text.replace('_', "").parse() {
            Ok(attempts) => {
                places.push((Part::Attempts, at));
                Some(attempts)
            }
            Err(_) => {
                self.report(Report::fault(Fault::NotANumber { text }, at));
                None
            }
        }
    }

    fn duration(
        &mut self,
        word: &Ident,
        part: Part,
        places: &mut Vec<(Part, Span)>,
    ) -> Option<u64> {
        let value = self.given(word, &format!("`{word} 30s`"))?;
        let at = value.first().map_or(word.span(), TokenTree::span);
        if !is_measure(&value) {
            self.not_a_literal(part, &value, at);
            return None;
        }
        match measured(&value, at) {
            Ok(millis) => {
                places.push((part, at));
                Some(millis)
            }
            Err(report) => {
                self.report(report);
                None
            }
        }
    }

    fn not_a_literal(&mut self, part: Part, value: &Tokens, at: Span) {
        let fault = Fault::NotALiteral { part, text: spacing::short(value) };
        self.report(Report::fault(fault, at));
    }

    /// The value of a clause, which must have one.
    fn given(&mut self, word: &Ident, help: &str) -> Option<Tokens> {
        let value = self.value();
        if value.is_empty() {
            let report = Report::new(word.span(), format!("`{word}` has no value"));
            self.report(report.help(help));
            return None;
        }
        Some(value)
    }

    fn value(&mut self) -> Tokens {
        self.until(|parser| parser.at_value_end())
    }

    fn at_value_end(&self) -> bool {
        self.is_done()
            || self.at_sign(0, ';')
            || self.at_sign(0, ',')
            || self.at_signs(['.', '.'])
            || PARTS.iter().any(|word| self.at_word(0, word))
            || self.at_clause_word()
            || (self.at_word(0, "crate") && self.at_sign(1, '='))
            || self.at_misspelt_clause()
            || self.starts_statement()
    }

    /// Behind a literal: a word, and its own literal.
    fn at_misspelt_clause(&self) -> bool {
        let literal = |token: Option<&TokenTree>| matches!(token, Some(TokenTree::Literal(_)));
        let word = matches!(self.peek(0), Some(TokenTree::Ident(_)));
        literal(self.before()) && word && literal(self.peek(1))
    }

    /// `undo task(arguments)`, if it stands here.
    pub(super) fn undo_clause(&mut self, undo: &mut Option<Undo>) -> bool {
        let Some(word) = self.eat_word("undo") else { return false };
        let (task, arguments) = self.task_call(&word);
        if undo.is_some() {
            self.second(&word);
        } else if task.is_empty() {
            self.report(no_task(&word));
        } else {
            *undo = Some(Undo { task, arguments });
        }
        true
    }

    /// A task and its arguments behind a word; arguments that are missing are reported.
    pub(super) fn task_call(&mut self, word: &Ident) -> (Tokens, Option<Group>) {
        let task = self.until(|parser| {
            let path = parser.before().is_some_and(|token| is_punct(token, ':'));
            let first = parser.before().is_some_and(|token| is_ident(token, &word.to_string()));
            match parser.peek(0) {
                Some(TokenTree::Punct(sign)) => !matches!(sign.as_char(), ':' | '<' | '>' | ','),
                Some(TokenTree::Ident(_)) => !(path || first) || parser.starts_statement(),
                _ => true,
            }
        });
        let arguments = self.group(Delimiter::Parenthesis);
        if let (Some(last), None) = (task.last(), &arguments) {
            let report = Report::new(last.span(), "a service task needs its arguments")
                .help(&format!("`{word} {}(…)`", spacing::text(&task)));
            self.report(report);
        }
        (task, arguments)
    }

    pub(super) fn second(&mut self, word: &Ident) {
        let what = format!("[B002] `{word}` stands here a second time");
        self.report(Report::new(word.span(), what).help("keep one of them"));
    }

    /// A clause behind a statement that has none.
    pub(super) fn misplaced_clauses(&mut self, of: &str, statements: &mut Vec<Statement>) {
        while self.at_shaped_clause(0) {
            if self.at_event(0) {
                let span = self.span();
                let (report, rest) = self.foreign_event(of);
                let mut sets = Vec::new();
                pattern::names_set_in(&rest, &mut sets);
                let does = Do::Broken { sets, report };
                statements.push(Statement { label: None, span, does });
                continue;
            }
            let Some(word) = self.ident() else { return };
            let fault = match word.to_string().as_str() {
                "undo" => Fault::NothingToUndo,
                "retry" => Fault::ForeignClause { word: "retry", of: of.to_owned() },
                _ => Fault::ForeignClause { word: "timeout", of: of.to_owned() },
            };
            self.report(Report::fault(fault, word.span()));
            self.until(|parser| {
                parser.at_sign(0, ';') || parser.at_clause_word() || parser.starts_statement()
            });
        }
    }
}

/// What stands where a task is missing.
pub(super) fn no_task(word: &Ident) -> Report {
    Report::new(word.span(), format!("expected a task behind `{word}`"))
        .help(&format!("`{word} task(arguments)`"))
}

/// The milliseconds of what looks like a duration.
pub(super) fn measured(value: &[TokenTree], at: Span) -> Result<u64, Report> {
    let text = spacing::text(value);
    bpm_model::duration::millis(&text)
        .ok_or_else(|| Report::fault(Fault::NotADuration { text }, at))
}

/// Whether it is a number with or without a unit, as people write durations.
pub(super) fn is_measure(value: &[TokenTree]) -> bool {
    let number =
        |literal: &Literal| literal.to_string().starts_with(|first: char| first.is_ascii_digit());
    match value {
        [TokenTree::Literal(literal)] => number(literal),
        [TokenTree::Literal(literal), TokenTree::Ident(_), ..] => number(literal),
        _ => false,
    }
}
