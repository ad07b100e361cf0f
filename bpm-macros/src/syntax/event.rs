//! Scopes, and the clauses `on …` and `also …` behind activities and scopes.

use bpm_model::finding::Fault;
use bpm_model::kind::Trigger;
use proc_macro2::{Delimiter, Ident, Span, TokenTree};

use super::clause::{is_measure, measured};
use super::cursor::is_punct;
use super::{Do, Event, Handled, Parser, PolicyClauses, Tokens, Undo, Until};
use crate::pattern;
use crate::report::Report;
use crate::spacing;

/// What may follow `on`.
const ON: [&str; 3] = ["error", "after", "at"];

/// What may follow `also`.
const ALSO: [&str; 2] = ["after", "every"];

impl Parser<'_> {
    /// `scope` with its braces, or at the end of half-typed input.
    pub(super) fn at_scope(&self) -> bool {
        let shaped = self.at_group(1, Delimiter::Brace) || self.peek(1).is_none();
        self.at_word(0, "scope") && shaped
    }

    /// `on` or `also` with the word that makes it a clause, seen from anywhere.
    pub(super) fn at_event(&self, ahead: usize) -> bool {
        let follows = |words: &[&str]| {
            let known = words.iter().any(|word| self.at_word(ahead + 1, word));
            known || self.at_word(ahead + 1, "receive")
        };
        (self.at_word(ahead, "on") && follows(&ON))
            || (self.at_word(ahead, "also") && follows(&ALSO))
    }

    /// `scope { … }` and its clauses.
    pub(super) fn scope(&mut self) -> Do {
        let Some(word) = self.ident() else { return self.lost("scope") };
        let body = self.block("behind `scope`");
        let mut events = Vec::new();
        while !self.lacks_block() && (self.event_clause(&mut events) || self.foreign_clause(&word))
        {
        }
        self.eat_sign(';');
        Do::Scope { word, body, events }
    }

    /// A clause that a scope does not have.
    fn foreign_clause(&mut self, scope: &Ident) -> bool {
        let (mut policy, mut undo): (_, Option<Undo>) = (PolicyClauses::default(), None);
        let span = self.span();
        if self.policy_clause(&mut policy) {
            for word in &policy.words {
                let word = if word == "retry" { "retry" } else { "timeout" };
                let fault = Fault::ForeignClause { word, of: scope.to_string() };
                self.report(Report::fault(fault, span));
            }
        } else if self.undo_clause(&mut undo) {
            let report = Report::new(span, "[B002] `undo` does not belong to `scope`")
                .follows("a scope is taken back by undoing what completed in it")
                .help("write `undo` behind the activities in it, or remove it");
            self.report(report);
        } else {
            return self.misspelt_clause_of_scope();
        }
        true
    }

    /// Two names in a row, or a name and a literal, behind the braces.
    fn misspelt_clause_of_scope(&mut self) -> bool {
        let literal = matches!(self.peek(1), Some(TokenTree::Literal(_)));
        let Some(TokenTree::Ident(word)) = self.peek(0) else { return false };
        let misspelt = self.misspelt().is_some() || literal;
        if !misspelt || self.starts_statement() {
            return false;
        }
        let word = word.clone();
        let help = "the clauses are `on error`, `on after`, `on at`, `also after` and `also every`";
        self.unknown_clause_of("a scope", &word, &["on", "also"], help);
        self.rest_of_clause();
        true
    }

    /// `on …` or `also …`, if one stands here.
    pub(super) fn event_clause(&mut self, events: &mut Vec<Event>) -> bool {
        let Some(word) = self.eat_word("on").or_else(|| self.eat_word("also")) else {
            return false;
        };
        let interrupts = word == "on";
        let (trigger, by) = self.trigger(&word);
        let handled = match by {
            Ok("error") => self.on_error(&trigger),
            Ok("after") => self.on_time(&trigger, Trigger::After),
            Ok("every") => self.on_time(&trigger, Trigger::Every),
            Ok(_) => self.on_time(&trigger, Trigger::At),
            Err(report) => self.on_unknown(report),
        };
        let understood = !matches!(handled, Handled::Unknown { .. });
        let (span, body) = self.handler(&word, &trigger, understood);
        events.push(Event { first: word.span(), word: trigger, interrupts, handled, span, body });
        true
    }

    /// The word behind `on` or `also`, and which one it is or was meant to be.
    fn trigger(&mut self, word: &Ident) -> (Ident, Result<&'static str, Report>) {
        let on = word == "on";
        let known: &[&'static str] = if on { &ON } else { &ALSO };
        let name = match self.peek(0) {
            Some(TokenTree::Ident(next)) if next == "receive" => self.ident(),
            Some(TokenTree::Ident(_)) if !self.starts_statement() => self.ident(),
            _ => None,
        };
        let Some(trigger) = name else {
            let help = match on {
                true => "`on error pattern => { … }`, `on after 3d => { … }`",
                false => "`also after 3d => { … }`, `also every 1d => { … }`",
            };
            let report = Report::new(word.span(), format!("`{word}` does not say when"));
            return (word.clone(), Err(report.help(help)));
        };
        if trigger == "receive" {
            let what = format!("`{word} receive` is a word of the language that is not there yet");
            let report = Report::new(word.span(), what);
            return (trigger, Err(report.follows("this version of bpm-engine cannot run it")));
        }
        let meant = match known.iter().find(|known| trigger == known) {
            Some(known) => Ok(*known),
            None => self.unknown_trigger(word, &trigger, known),
        };
        (trigger, meant)
    }

    fn unknown_trigger(
        &mut self,
        word: &Ident,
        trigger: &Ident,
        known: &[&'static str],
    ) -> Result<&'static str, Report> {
        let text = trigger.to_string();
        let report =
            Report::new(trigger.span(), format!("[B002] there is no clause `{word} {text}`"));
        let elsewhere = ON.into_iter().chain(ALSO).find(|other| text == *other);
        if let Some(other) = elsewhere {
            let (follows, help) = match word == "on" {
                true => ("what repeats does not interrupt", "also"),
                false => ("this event interrupts what it belongs to", "on"),
            };
            self.report(report.follows(follows).help(&format!("`{help} {text} … => {{ … }}`")));
            return Ok(other);
        }
        match bpm_model::spell::nearest(&text, known.iter().copied()) {
            Some(nearest) => {
                self.report(report.help(&format!("did you mean `{word} {nearest}`?")));
                known
                    .iter()
                    .copied()
                    .find(|known| *known == nearest)
                    .ok_or_else(|| unreachable!("the nearest word is one of those that are known"))
            }
            None => Err(report.help(match word == "on" {
                true => "the clauses are `on error`, `on after` and `on at`",
                false => "the clauses are `also after` and `also every`",
            })),
        }
    }

    fn on_error(&mut self, trigger: &Ident) -> Handled {
        let arrow = |parser: &Parser| parser.at_signs(['=', '>']) || parser.at_clause_end();
        let pattern = self.until(|parser| parser.at_word(0, "if") || arrow(parser));
        let guard = if self.at_word(0, "if") { self.until(arrow) } else { Vec::new() };
        if pattern.is_empty() {
            let report = Report::new(trigger.span(), "`on error` does not say which errors")
                .help("`on error pattern => { … }`, or `on error _ => { … }` for all of them");
            return Handled::Unknown { names: Vec::new(), report };
        }
        Handled::Error { pattern, guard }
    }

    fn on_time(&mut self, trigger: &Ident, by: Trigger) -> Handled {
        let value = self.until(|parser| parser.at_signs(['=', '>']) || parser.at_clause_end());
        let at = value.first().map_or(trigger.span(), TokenTree::span);
        if value.is_empty() {
            let (what, help) = match by {
                Trigger::At => ("when", "`on at time => { … }`"),
                Trigger::Every => ("how often", "`also every 1d => { … }`"),
                _ => ("how long", "`after 3d => { … }`"),
            };
            let report = Report::new(at, format!("`{trigger}` does not say {what}")).help(help);
            return Handled::Unknown { names: Vec::new(), report };
        }
        if by == Trigger::At {
            return Handled::Timer { trigger: by, until: Until::Time(value) };
        }
        if !is_measure(&value) {
            return Handled::Timer { trigger: by, until: Until::After(value) };
        }
        match measured(&value, at) {
            Ok(millis) => {
                let text = spacing::text(&value);
                Handled::Timer { trigger: by, until: Until::Millis { millis, text, span: at } }
            }
            Err(report) => Handled::Unknown { names: Vec::new(), report },
        }
    }

    /// The head of a clause that is not known: it sets what stands behind `as`.
    fn on_unknown(&mut self, report: Report) -> Handled {
        let head = self.until(|parser| parser.at_signs(['=', '>']) || parser.at_clause_end());
        let mut names = Vec::new();
        pattern::names_set_in(&head, &mut names);
        Handled::Unknown { names, report }
    }

    /// Where the head of a clause ends that lacks its block. Two names in a row never stand in a
    /// pattern or a value.
    fn at_clause_end(&self) -> bool {
        let clause = self.expression_ended() && self.at_shaped_clause(0);
        self.at_sign(0, ';') || clause || (!self.at_word(0, "if") && self.starts_statement())
    }

    /// `=> { … }`
    fn handler(
        &mut self,
        word: &Ident,
        trigger: &Ident,
        understood: bool,
    ) -> (Span, Vec<super::Statement>) {
        if self.at_signs(['=', '>']) {
            self.skip();
            self.skip();
            let span = self.span();
            return (span, self.block("behind `=>`"));
        }
        if understood {
            let what = format!("expected `=>` and a block behind `{word} {trigger} …`");
            self.report(Report::new(word.span(), what));
        }
        (trigger.span(), Vec::new())
    }

    /// Behind a clause that lacks the block behind its `=>`: what follows is no clause of it.
    pub(super) fn lacks_block(&self) -> bool {
        let before = |count, sign| self.back(count).is_some_and(|token| is_punct(token, sign));
        before(1, '>') && before(2, '=')
    }

    /// What is left of a clause that is not understood, with its block.
    pub(super) fn rest_of_clause(&mut self) -> Tokens {
        let mut rest = self.until(|parser| {
            parser.at_sign(0, ';')
                || parser.at_signs(['=', '>'])
                || parser.at_clause_word()
                || parser.starts_statement()
        });
        if self.at_signs(['=', '>']) {
            rest.extend(self.skip());
            rest.extend(self.skip());
            rest.extend(self.group(Delimiter::Brace).map(TokenTree::Group));
        }
        rest
    }

    /// `on …` or `also …` behind what has no such clause; gives the tokens of the clause.
    pub(super) fn foreign_event(&mut self, of: &str) -> (Report, Tokens) {
        let span = self.span();
        let words: Vec<String> =
            [self.skip(), self.skip()].iter().flatten().map(ToString::to_string).collect();
        let what = format!("[B002] `{}` does not belong to `{of}`", words.join(" "));
        let report = Report::new(span, what)
            .follows("only activities and scopes have handlers")
            .help("put the statement into a `scope { … }` and write it behind that");
        (report, self.rest_of_clause())
    }
}
