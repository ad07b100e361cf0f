//! The head of a process: attributes, visibility, name, parameters, result type.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};

use super::cursor::{is_ident, is_punct};
use super::{Parameter, Parser, Process, ResultType, Statement, Tokens};
use crate::report::Report;

/// Parses a process. Only without a name there is nothing to go on with.
pub(crate) fn process(tokens: TokenStream, reports: &mut Vec<Report>) -> Option<Process> {
    let mut parser = Parser::new(tokens.into_iter().collect(), Span::call_site(), reports);
    let attributes = parser.attributes();
    let visibility = parser.visibility();
    let word = parser.eat_word("process");
    let before_name = parser.span();
    let (Some(_), Some(name)) = (word, parser.ident()) else {
        let report = Report::new(before_name, "expected `process Name(…) { … }`");
        parser.report(report);
        return None;
    };
    let parameters = parser.parameters(&name);
    let (result, result_span) = parser.result_type(&name);
    let (body, end) = parser.process_body(&name);
    parser.nothing_more();
    Some(Process {
        attributes: attributes.others,
        version: attributes.version,
        stored_name: attributes.name,
        visibility,
        name,
        parameters,
        result,
        result_span,
        body,
        end,
    })
}

struct Attributes {
    version: u32,
    name: Option<String>,
    others: TokenStream,
}

impl Parser<'_> {
    fn attributes(&mut self) -> Attributes {
        let mut found = Attributes { version: 1, name: None, others: TokenStream::new() };
        while self.at_sign(0, '#') && self.at_group(1, Delimiter::Bracket) {
            let (Some(sign), Some(TokenTree::Group(group))) = (self.skip(), self.skip()) else {
                break;
            };
            self.attribute(sign, group, &mut found);
        }
        found
    }

    fn attribute(&mut self, sign: TokenTree, group: Group, found: &mut Attributes) {
        let inner: Tokens = group.stream().into_iter().collect();
        match &inner[..] {
            [word, equals, TokenTree::Literal(value)]
                if is_ident(word, "version") && is_punct(equals, '=') =>
            {
                match value.to_string().parse() {
                    Ok(version @ 1..) => found.version = version,
                    _ => self.report(
                        Report::new(value.span(), "a version is a whole number from 1")
                            .help("`#[version = 2]`"),
                    ),
                }
            }
            [word, equals, TokenTree::Literal(value)]
                if is_ident(word, "name") && is_punct(equals, '=') =>
            {
                match syn::Lit::new(value.clone()) {
                    syn::Lit::Str(name) => found.name = Some(name.value()),
                    _ => self.report(
                        Report::new(value.span(), "a name is a string")
                            .help("`#[name = \"order fulfilment\"]`"),
                    ),
                }
            }
            _ => found.others.extend([sign, TokenTree::Group(group)]),
        }
    }

    fn visibility(&mut self) -> TokenStream {
        self.until(|parser| parser.at_word(0, "process") || parser.at_brace()).into_iter().collect()
    }

    fn parameters(&mut self, name: &Ident) -> Vec<Parameter> {
        let Some(group) = self.group(Delimiter::Parenthesis) else {
            let what = format!("expected the parameters of `{name}`");
            let help = format!("`process {name}(order: Order) {{ … }}`");
            self.report(Report::new(name.span(), what).help(&help));
            return Vec::new();
        };
        let parts = self.inside(&group).parts();
        parts.into_iter().filter_map(|part| self.part(part).parameter()).collect()
    }

    fn parameter(&mut self) -> Option<Parameter> {
        let mut attributes = TokenStream::new();
        while self.at_sign(0, '#') && self.at_group(1, Delimiter::Bracket) {
            attributes.extend(self.skip());
            attributes.extend(self.skip());
        }
        let start = self.span();
        match (self.ident(), self.eat_sign(':')) {
            (Some(name), true) if !self.is_done() => {
                Some(Parameter { attributes, name, ty: self.until(|_| false) })
            }
            _ => {
                self.report(Report::new(start, "a parameter is a name and a type: `order: Order`"));
                None
            }
        }
    }

    fn result_type(&mut self, name: &Ident) -> (ResultType, Span) {
        if !self.at_signs(['-', '>']) {
            return (ResultType::Unit, name.span());
        }
        self.skip();
        let arrow = self.span();
        self.skip();
        let ty = self.until(|parser| parser.at_brace());
        match &ty[..] {
            [] => {
                self.report(Report::new(arrow, "expected the result type behind `->`"));
                (ResultType::Unit, arrow)
            }
            [never] if is_punct(never, '!') => (ResultType::Never, never.span()),
            [TokenTree::Group(unit)] if unit.stream().is_empty() => (ResultType::Unit, unit.span()),
            [first, ..] => {
                let span = first.span();
                (ResultType::Value(ty), span)
            }
        }
    }

    fn process_body(&mut self, name: &Ident) -> (Vec<Statement>, Span) {
        match self.group(Delimiter::Brace) {
            Some(group) => (self.inside(&group).statements(), group.span_close()),
            None => {
                let what = format!("expected the body of `{name}` in braces");
                self.report(Report::new(self.span(), what));
                (Vec::new(), name.span())
            }
        }
    }

    fn nothing_more(&mut self) {
        if !self.is_done() {
            let what = "one `workflow!` holds one process";
            let help = "write a `workflow!` of its own for each";
            self.report(Report::new(self.span(), what).help(help));
        }
    }
}
