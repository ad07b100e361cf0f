//! Choices and loops: `if`, `match`, `for`, `while`, `loop`.

use proc_macro2::{Delimiter, Group, TokenTree};

use super::cursor::{is_ident, is_punct};
use super::{Arm, Condition, Do, Parser, Statement, Tokens};
use crate::report::Report;

impl Parser<'_> {
    pub(super) fn if_statement(&mut self) -> Do {
        let mut arms = Vec::new();
        let mut otherwise = None;
        while self.eat_word("if").is_some() {
            let condition = self.condition();
            arms.push((condition, self.block("behind the condition")));
            if self.eat_word("else").is_none() {
                break;
            }
            if !self.at_word(0, "if") {
                otherwise = Some(self.block("behind `else`"));
                break;
            }
        }
        self.eat_sign(';');
        Do::If { arms, otherwise }
    }

    fn condition(&mut self) -> Condition {
        let start = self.span();
        let tokens = self.head();
        if tokens.is_empty() {
            self.report(Report::new(start, "expected a condition"));
        }
        Condition { tokens }
    }

    /// What stands in front of a block: the braces of `match`, `unsafe` and macros inside of it
    /// are not the block.
    fn head(&mut self) -> Tokens {
        let mut head = Vec::new();
        let mut braces_inside = 0_usize;
        while !self.is_done() && !self.at_sign(0, ';') && !self.starts_statement() {
            let opens = |token: &TokenTree| {
                ["match", "unsafe", "loop"].iter().any(|word| is_ident(token, word))
            };
            if self.peek(0).is_some_and(opens) {
                braces_inside += 1;
            }
            if self.at_brace() && !self.before().is_some_and(|token| is_punct(token, '!')) {
                if braces_inside == 0 {
                    break;
                }
                braces_inside -= 1;
            }
            head.extend(self.skip());
        }
        head
    }

    pub(super) fn match_statement(&mut self) -> Do {
        let Some(word) = self.ident() else { return self.lost("match") };
        let scrutinee = self.head();
        let Some(braces) = self.group(Delimiter::Brace) else {
            self.report(Report::new(word.span(), "expected the arms of `match` in braces"));
            return Do::Match { braces: word.span(), word, scrutinee, arms: Vec::new() };
        };
        let arms = self.arms(&braces);
        self.eat_sign(';');
        Do::Match { word, scrutinee, braces: braces.span(), arms }
    }

    fn arms(&mut self, braces: &Group) -> Vec<Arm> {
        let mut parser = self.inside(braces);
        let mut arms = Vec::new();
        while !parser.is_done() {
            if !parser.eat_sign(',') {
                arms.push(parser.arm());
            }
        }
        arms
    }

    fn arm(&mut self) -> Arm {
        let arrow = |parser: &Parser| parser.at_signs(['=', '>']);
        let pattern = self.until(|parser| parser.at_word(0, "if") || arrow(parser));
        let guard = if self.at_word(0, "if") { self.until(arrow) } else { Vec::new() };
        if !arrow(self) {
            self.report(Report::new(self.span(), "expected `=>` and a block"));
            return Arm { pattern, guard, span: self.span(), body: Vec::new() };
        }
        self.skip();
        self.skip();
        let span = self.span();
        let body = match self.group(Delimiter::Brace) {
            Some(group) => self.inside(&group).statements(),
            None => {
                let statement = self.until(|parser| parser.at_sign(0, ','));
                self.part(statement).statements()
            }
        };
        self.eat_sign(',');
        Arm { pattern, guard, span, body }
    }

    pub(super) fn for_loop(&mut self) -> Do {
        let word = self.span();
        self.skip();
        let pattern = self.until(|parser| parser.at_word(0, "in") || parser.at_brace());
        if self.eat_word("in").is_none() || pattern.is_empty() {
            let help = "`for item in list { … }`";
            self.report(Report::new(word, "expected a pattern, `in` and a list").help(help));
        }
        let items = self.head();
        let items = self.without_parallel(items);
        let body = self.block("behind the list");
        self.eat_sign(';');
        Do::For { pattern, items, body }
    }

    /// Cuts off `parallel [n]` behind the list.
    fn without_parallel(&mut self, mut items: Tokens) -> Tokens {
        let last = items.len().saturating_sub(2);
        let at = (last..items.len()).find(|at| *at > 0 && is_ident(&items[*at], "parallel"));
        if let Some(at) = at {
            let what = "`for … parallel` is a word of the language that is not there yet";
            let follows = "this version of bpm-engine runs the iterations one after the other";
            self.report(Report::new(items[at].span(), what).follows(follows));
            items.truncate(at);
        }
        items
    }

    pub(super) fn while_loop(&mut self) -> Do {
        self.skip();
        let condition = self.condition();
        let body = self.loop_body("behind the condition");
        Do::While { condition, body }
    }

    pub(super) fn endless_loop(&mut self) -> Do {
        self.skip();
        Do::Loop { body: self.loop_body("behind `loop`") }
    }

    fn loop_body(&mut self, of: &str) -> Vec<Statement> {
        let body = self.block(of);
        self.eat_sign(';');
        body
    }

    pub(super) fn lost(&mut self, word: &str) -> Do {
        let report = Report::new(self.span(), format!("expected `{word}`"));
        self.tail();
        Do::Broken { sets: Vec::new(), report }
    }
}
