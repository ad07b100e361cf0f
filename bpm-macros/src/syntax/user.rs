//! User tasks and their clauses.

use bpm_model::finding::Fault;
use proc_macro2::{Delimiter, Ident, TokenTree};

use super::clause::{is_measure, measured};
use super::cursor::is_ident;
use super::{
    ClauseWord, Do, Event, Field, Parser, PolicyClauses, Target, Tokens, Undo, UserClause,
};
use crate::report::Report;
use crate::spacing;

impl Parser<'_> {
    pub(super) fn user(&mut self, target: Option<Target>) -> Do {
        self.skip();
        let Some(name) = self.ident() else {
            let report = Report::new(self.span(), "expected the name of the user task");
            self.tail();
            return Do::Broken {
                sets: target.map(|target| target.names).unwrap_or_default(),
                report,
            };
        };
        if let Some(target) = &target
            && target.ty.is_empty()
        {
            let at = target.names.first().map_or(name.span(), Ident::span);
            let bound = spacing::text(&target.pattern);
            let report = Report::new(at, format!("the type of `{bound}` cannot be inferred"))
                .follows("a person completes the task, so no expression tells the type")
                .help(&format!("`let {bound}: Type = user {name} {{ … }};`"));
            self.tail();
            return Do::Broken { sets: target.names.clone(), report };
        }
        let form = self.form(&name);
        let (clauses, undo, events) = self.user_clauses(&name);
        Do::User { target, name, form, clauses, undo, events }
    }

    fn form(&mut self, name: &Ident) -> Vec<Field> {
        let Some(group) = self.group(Delimiter::Brace) else {
            let what = format!("expected the form of `{name}` in braces");
            let help = format!("`user {name} {{ field: value }}`");
            self.report(Report::new(name.span(), what).help(&help));
            return Vec::new();
        };
        let parts = self.inside(&group).parts();
        parts.into_iter().filter_map(|part| self.part(part).field()).collect()
    }

    fn field(&mut self) -> Option<Field> {
        let start = self.span();
        let Some(name) = self.ident() else {
            self.report(Report::new(start, "a field is a name and a value").help("`field: value`"));
            return None;
        };
        if self.eat_sign(':') {
            let value = self.until(|_| false);
            if value.is_empty() {
                self.report(Report::new(name.span(), format!("the field `{name}` has no value")));
                return None;
            }
            return Some(Field { name, value });
        }
        if !self.is_done() {
            let what = format!("expected `:` behind the field `{name}`");
            self.report(Report::new(self.span(), what).help(&format!("`{name}: value`")));
            return None;
        }
        Some(Field { name, value: Vec::new() })
    }

    fn user_clauses(&mut self, name: &Ident) -> (Vec<UserClause>, Option<Undo>, Vec<Event>) {
        let (mut clauses, mut events): (Vec<UserClause>, _) = (Vec::new(), Vec::new());
        let (mut undo, mut policy) = (None, PolicyClauses::default());
        loop {
            if let Some(clause) = self.user_clause() {
                if clauses.iter().any(|other| same(other.word, clause.word)) {
                    let what = "[B002] this clause stands here a second time";
                    self.report(Report::new(clause.span, what).help("keep one of them"));
                } else {
                    clauses.push(clause);
                }
            } else if !self.undo_clause(&mut undo)
                && !self.policy_clause(&mut policy)
                && !self.event_clause(&mut events)
            {
                break;
            }
        }
        self.no_policy(name, &policy);
        self.end_of_activity_in_clauses();
        (clauses, undo, events)
    }

    /// What a person does is not attempted by the engine.
    fn no_policy(&mut self, name: &Ident, policy: &PolicyClauses) {
        for word in &policy.words {
            let clause = if word == "retry" { "retry" } else { "timeout" };
            let fault = Fault::ForeignClause { word: clause, of: name.to_string() };
            self.report(Report::fault(fault, word.span()));
        }
    }

    fn user_clause(&mut self) -> Option<UserClause> {
        let span = self.span();
        let word = self.clause_word()?;
        let value = self.until(|parser| {
            let next = parser.starts_clause() && parser.before_is_value();
            parser.at_sign(0, ';') || next || parser.starts_statement_but_for()
        });
        match (word, &value[..]) {
            (_, []) => {
                self.report(Report::new(span, "this clause has no value"));
                self.user_clause()
            }
            (ClauseWord::Due, _) => self.due(span, value),
            _ => Some(UserClause { word, span, value }),
        }
    }

    fn clause_word(&mut self) -> Option<ClauseWord> {
        let word = match () {
            () if self.at_word(0, "for") && self.at_word(1, "group") => ClauseWord::Group,
            () if self.at_word(0, "for") && self.at_word(1, "user") => ClauseWord::User,
            () if self.at_word(0, "due") => ClauseWord::Due,
            () if self.at_word(0, "priority") => ClauseWord::Priority,
            () => return None,
        };
        if self.eat_word("for").is_none() || !self.is_done() {
            self.skip();
        }
        Some(word)
    }

    /// `due 3d`, `due after 3d`, `due at time`, `due time`.
    fn due(&mut self, span: proc_macro2::Span, mut value: Tokens) -> Option<UserClause> {
        let worded = value.len() > 1
            && value.first().is_some_and(|first| is_ident(first, "at") || is_ident(first, "after"));
        if worded {
            value.remove(0);
        }
        let word = match &value[..] {
            value if is_measure(value) => {
                let at = value.first().map_or(span, TokenTree::span);
                measured(value, at).map(ClauseWord::DueAfter)
            }
            _ => Ok(ClauseWord::Due),
        };
        match word {
            Ok(word) => Some(UserClause { word, span, value }),
            Err(report) => {
                self.report(report);
                self.user_clause()
            }
        }
    }

    fn at_clause(&self) -> bool {
        let whom = self.at_word(0, "for") && (self.at_word(1, "group") || self.at_word(1, "user"));
        whom || self.at_word(0, "due") || self.at_word(0, "priority") || self.at_clause_word()
    }

    /// A clause, or a word that is none: behind a value no name can follow.
    fn starts_clause(&self) -> bool {
        let name = matches!(self.peek(0), Some(TokenTree::Ident(word)) if word != "as");
        self.at_clause() || name
    }

    fn before_is_value(&self) -> bool {
        let word = |token: &TokenTree| {
            ["group", "user", "due", "priority"].iter().any(|word| is_ident(token, word))
        };
        self.expression_ended() && !self.before().is_some_and(word)
    }

    /// `for group …` is a clause here, not a loop.
    fn starts_statement_but_for(&self) -> bool {
        self.starts_statement() && !self.at_clause()
    }

    /// What stands between the clauses and `;` is not a clause.
    fn end_of_activity_in_clauses(&mut self) {
        const CLAUSES: [&str; 8] =
            ["for", "due", "priority", "retry", "timeout", "undo", "also", "on"];
        if self.starts_statement() {
            return;
        }
        let start = self.span();
        let rest = self.tail();
        let Some(TokenTree::Ident(word)) = rest.first() else {
            if !rest.is_empty() {
                let what =
                    format!("`{}` does not belong behind a user task", spacing::short(&rest));
                self.report(Report::new(start, what).help("end the statement with `;`"));
            }
            return;
        };
        let what = format!("[B002] there is no clause `{word}` of a user task");
        let help = match bpm_model::spell::nearest(&word.to_string(), CLAUSES) {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => {
                "the clauses are `for group`, `for user`, `due`, `priority`, `undo`, `on` and `also`".to_owned()
            }
        };
        self.report(Report::new(start, what).help(&help));
    }
}

fn same(one: ClauseWord, other: ClauseWord) -> bool {
    let due = |word| matches!(word, ClauseWord::Due | ClauseWord::DueAfter(_));
    one == other || (due(one) && due(other))
}
