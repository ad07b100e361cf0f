//! Which names an expression mentions: what it may read of the process's variables.
//!
//! Where an expression parses, its scopes are respected: closure parameters, block locals and names
//! of its own patterns are not mentions. Where it does not (half-typed input), every identifier
//! that could be a variable is one, and the list says that it is not exact.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use syn::parse::{ParseStream, Parser};
use syn::visit::{self, Visit};
use syn::{Expr, Token};

use crate::pattern;
use crate::syntax::{is_ident, is_punct};

/// The mentioned names, each once, in order.
pub(crate) struct Mentions {
    /// The first mention of each name.
    pub(crate) names: Vec<Ident>,
    /// Whether the expressions could be parsed.
    pub(crate) exact: bool,
    /// What a script must not do, at its first place.
    pub(crate) forbidden: Option<(Forbidden, Span)>,
}

/// What an expression of a process must not contain outside of closures and blocks of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forbidden {
    Return,
    Await,
}

impl Mentions {
    pub(crate) fn new() -> Mentions {
        Mentions { names: Vec::new(), exact: true, forbidden: None }
    }

    /// Adds what an expression mentions.
    pub(crate) fn expression(&mut self, tokens: &[TokenTree]) {
        self.list(tokens.iter().cloned().collect(), &[]);
    }

    /// Adds what a guard mentions (with its `if`), but for the names of its own pattern.
    pub(crate) fn guard(&mut self, tokens: &[TokenTree], own: &[Ident]) {
        if let Some(guard) = tokens.get(1..) {
            self.list(guard.iter().cloned().collect(), own);
        }
    }

    /// Adds what a list of arguments mentions.
    pub(crate) fn arguments(&mut self, arguments: TokenStream) {
        self.list(arguments, &[]);
    }

    /// Adds what the arguments of `format!` mention.
    pub(crate) fn format(&mut self, tokens: &[TokenTree]) {
        let stream: TokenStream = tokens.iter().cloned().collect();
        self.exact &= macro_list.parse2(stream.clone()).is_ok();
        let call = syn::Macro {
            path: syn::Ident::new("format", Span::call_site()).into(),
            bang_token: Default::default(),
            delimiter: syn::MacroDelimiter::Paren(Default::default()),
            tokens: stream,
        };
        Walk { mentions: self, bound: Vec::new(), inner: 0 }.macro_call(&call);
    }

    /// Adds a name.
    pub(crate) fn name(&mut self, name: &Ident) {
        if !self.names.contains(name) {
            self.names.push(name.clone());
        }
    }

    fn list(&mut self, stream: TokenStream, own: &[Ident]) {
        match expressions.parse2(stream.clone()) {
            Ok(list) => {
                let mut walk = Walk { mentions: self, bound: own.to_vec(), inner: 0 };
                list.iter().for_each(|expression| walk.visit_expr(expression));
            }
            Err(_) => {
                self.exact = false;
                let tokens: Vec<TokenTree> = stream.into_iter().collect();
                self.tokens(&tokens, own);
            }
        }
    }

    /// Every identifier that is not a field, a segment of a path or a key of a struct.
    fn tokens(&mut self, tokens: &[TokenTree], own: &[Ident]) {
        for (at, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Group(group) => {
                    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                    self.tokens(&inner, own);
                }
                TokenTree::Ident(name) if !is_part_of_path(tokens, at) && !own.contains(name) => {
                    self.name(name);
                }
                TokenTree::Literal(literal) => {
                    self.captures(&literal.to_string(), literal.span(), own);
                }
                _ => {}
            }
        }
    }

    /// The names that a format string captures: `{name}`, `{name:>8}`, `{:width$.precision$}`.
    fn captures(&mut self, format: &str, span: Span, own: &[Ident]) {
        if !format.contains('"') {
            return;
        }
        for part in format.replace("{{", "").split('{').skip(1) {
            let part = part.split('}').next().unwrap_or_default();
            let (value, layout) = part.split_once(':').unwrap_or((part, ""));
            let sizes = layout.rsplit_once('$').map_or("", |(sizes, _)| sizes).split('$');
            let sizes = sizes.filter_map(|size| size.rsplit(|sign| !is_word(sign)).next());
            for name in std::iter::once(value.trim()).chain(sizes) {
                self.capture(name, span, own);
            }
        }
    }

    fn capture(&mut self, name: &str, span: Span, own: &[Ident]) {
        if let Ok(mut name) = syn::parse_str::<Ident>(name)
            && !own.contains(&name)
        {
            name.set_span(span);
            self.name(&name);
        }
    }

    fn forbid(&mut self, what: Forbidden, span: Span) {
        self.forbidden.get_or_insert((what, span));
    }
}

fn is_word(sign: char) -> bool {
    sign.is_alphanumeric() || sign == '_'
}

fn expressions(input: ParseStream) -> syn::Result<Vec<Expr>> {
    let list = input.call(syn::punctuated::Punctuated::<Expr, Token![,]>::parse_terminated)?;
    Ok(list.into_iter().collect())
}

fn is_part_of_path(tokens: &[TokenTree], at: usize) -> bool {
    let before = |sign| at > 0 && is_punct(&tokens[at - 1], sign);
    let range = before('.') && at > 1 && is_punct(&tokens[at - 2], '.');
    let behind = |sign| tokens.get(at + 1).is_some_and(|token| is_punct(token, sign));
    let path = behind(':') || before(':') && at > 1 && is_punct(&tokens[at - 2], ':');
    (before('.') && !range) || path || behind('!')
}

/// Walks an expression with the names that are bound at each place.
struct Walk<'a> {
    mentions: &'a mut Mentions,
    bound: Vec<Ident>,
    /// How many closures and async blocks are around: `return` and `.await` are theirs.
    inner: usize,
}

impl Walk<'_> {
    fn bind(&mut self, pattern: &syn::Pat) {
        pattern::names_of(pattern, &mut self.bound);
        Constants(self).visit_pat(pattern);
    }

    /// What `walk` binds is forgotten behind it.
    fn scope(&mut self, walk: impl FnOnce(&mut Self)) {
        let before = self.bound.len();
        walk(self);
        self.bound.truncate(before);
    }

    fn inside(&mut self, walk: impl FnOnce(&mut Self)) {
        self.inner += 1;
        self.scope(walk);
        self.inner -= 1;
    }

    fn macro_call(&mut self, call: &syn::Macro) {
        let name = call.path.segments.last().map(|last| last.ident.to_string());
        match name.as_deref().unwrap_or_default() {
            "stringify" | "concat" | "include_str" | "include_bytes" | "env" | "option_env" => {}
            "matches" => self.matches(call),
            name => self.macro_arguments(call, !matches!(name, "vec" | "json")),
        }
    }

    fn matches(&mut self, call: &syn::Macro) {
        let parse = |input: ParseStream| {
            let value: Expr = input.parse()?;
            input.parse::<Token![,]>()?;
            let pattern = syn::Pat::parse_multi_with_leading_vert(input)?;
            let guard = if input.parse::<Option<Token![if]>>()?.is_some() {
                Some(input.parse::<Expr>()?)
            } else {
                None
            };
            input.parse::<Option<Token![,]>>()?;
            Ok((value, pattern, guard))
        };
        match parse.parse2(call.tokens.clone()) {
            Ok((value, pattern, guard)) => self.scope(|walk| {
                walk.visit_expr(&value);
                walk.bind(&pattern);
                guard.iter().for_each(|guard| walk.visit_expr(guard));
            }),
            Err(_) => self.macro_tokens(call),
        }
    }

    fn macro_arguments(&mut self, call: &syn::Macro, captures: bool) {
        let Ok(list) = macro_list.parse2(call.tokens.clone()) else {
            return self.macro_tokens(call);
        };
        for argument in &list {
            match argument {
                Expr::Lit(literal) => {
                    if let (syn::Lit::Str(text), true) = (&literal.lit, captures) {
                        let token = text.token().to_string();
                        let bound = self.bound.clone();
                        self.mentions.captures(&token, text.span(), &bound);
                    }
                }
                // `format!("{x}", x = value)`
                Expr::Assign(named) => self.visit_expr(&named.right),
                other => self.visit_expr(other),
            }
        }
    }

    fn macro_tokens(&mut self, call: &syn::Macro) {
        let tokens: Vec<TokenTree> = call.tokens.clone().into_iter().collect();
        let bound = self.bound.clone();
        self.mentions.tokens(&tokens, &bound);
    }
}

/// The arguments of a macro; `[value; count]` counts as two.
fn macro_list(input: ParseStream) -> syn::Result<Vec<Expr>> {
    let mut list = Vec::new();
    while !input.is_empty() {
        list.push(input.parse()?);
        if !input.is_empty() && input.parse::<Option<Token![,]>>()?.is_none() {
            input.parse::<Token![;]>()?;
        }
    }
    Ok(list)
}

impl<'ast> Visit<'ast> for Walk<'_> {
    fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
        if let Some(name) = path.path.get_ident()
            && path.qself.is_none()
            && !self.bound.contains(name)
        {
            self.mentions.name(name);
        }
    }

    fn visit_expr_closure(&mut self, closure: &'ast syn::ExprClosure) {
        self.inside(|walk| {
            closure.inputs.iter().for_each(|input| walk.bind(input));
            walk.visit_expr(&closure.body);
        });
    }

    fn visit_expr_async(&mut self, block: &'ast syn::ExprAsync) {
        self.inside(|walk| walk.visit_block(&block.block));
    }

    fn visit_block(&mut self, block: &'ast syn::Block) {
        self.scope(|walk| visit::visit_block(walk, block));
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        if let Some(init) = &local.init {
            self.visit_expr(&init.expr);
            if let Some((_, otherwise)) = &init.diverge {
                self.visit_expr(otherwise);
            }
        }
        self.bind(&local.pat);
    }

    fn visit_expr_let(&mut self, condition: &'ast syn::ExprLet) {
        self.visit_expr(&condition.expr);
        self.bind(&condition.pat);
    }

    fn visit_expr_if(&mut self, choice: &'ast syn::ExprIf) {
        self.scope(|walk| {
            walk.visit_expr(&choice.cond);
            walk.visit_block(&choice.then_branch);
        });
        if let Some((_, otherwise)) = &choice.else_branch {
            self.visit_expr(otherwise);
        }
    }

    fn visit_expr_while(&mut self, choice: &'ast syn::ExprWhile) {
        self.scope(|walk| {
            walk.visit_expr(&choice.cond);
            walk.visit_block(&choice.body);
        });
    }

    fn visit_expr_for_loop(&mut self, choice: &'ast syn::ExprForLoop) {
        self.visit_expr(&choice.expr);
        self.scope(|walk| {
            walk.bind(&choice.pat);
            walk.visit_block(&choice.body);
        });
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        self.scope(|walk| {
            walk.bind(&arm.pat);
            walk.visit_expr(&arm.body);
        });
    }

    fn visit_expr_return(&mut self, leave: &'ast syn::ExprReturn) {
        if self.inner == 0 {
            self.mentions.forbid(Forbidden::Return, leave.return_token.span);
        }
        visit::visit_expr_return(self, leave);
    }

    fn visit_expr_await(&mut self, wait: &'ast syn::ExprAwait) {
        if self.inner == 0 {
            self.mentions.forbid(Forbidden::Await, wait.await_token.span);
        }
        visit::visit_expr_await(self, wait);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.macro_call(call);
    }

    /// A function or type inside of a block sees no variables.
    fn visit_item(&mut self, _: &'ast syn::Item) {}

    fn visit_type(&mut self, _: &'ast syn::Type) {}

    fn visit_pat(&mut self, _: &'ast syn::Pat) {}
}

/// Walks the expressions inside of a pattern: guards.
struct Constants<'a, 'b>(&'a mut Walk<'b>);

impl<'ast> Visit<'ast> for Constants<'_, '_> {
    fn visit_pat_guard(&mut self, guard: &'ast syn::PatGuard) {
        self.0.visit_expr(&guard.guard);
    }
}

/// Whether `process` is mentioned as what expressions know of their instance.
pub(crate) fn is_process(name: &Ident) -> bool {
    is_ident(&TokenTree::Ident(name.clone()), "process")
}

#[cfg(test)]
mod tests {
    use super::Mentions;

    fn check(expression: &str, expected: &str) {
        let stream: proc_macro2::TokenStream = expression.parse().unwrap();
        let mut mentions = Mentions::new();
        mentions.expression(&stream.into_iter().collect::<Vec<_>>());
        let names: Vec<String> = mentions.names.iter().map(ToString::to_string).collect();
        assert_eq!(names.join(" "), expected, "{expression}");
    }

    #[test]
    fn names_that_an_expression_binds_are_not_mentioned() {
        check("a.iter().map(|b| b + c).sum::<u64>()", "a c");
        check("{ let b = a; b + c }", "a c");
        check("match a { Some(b) if b > c => b, None => d, MAX => 0 }", "a c d");
        check("if let Some(b) = a && b > c { b } else { b }", "a c b");
        check("matches!(a, Some(b) if b > c)", "a c");
        check("for b in a { f(b) }", "a f");
        check("async move { a }", "a");
    }

    #[test]
    fn fields_keys_and_paths_are_not_mentioned() {
        check("S { a: b.c, d, ..e }", "b d e");
        check("m::f::<T>(a.0, Self::B)", "a");
        check("[a; N]", "a N");
    }

    #[test]
    fn format_strings_mention_what_they_capture() {
        check("format!(\"{a} {{b}} {c:>8} {:d$.e$} {0}\", f)", "a c d e f");
        check("format!(\"{a}\", a = b)", "a b");
        check("vec![a, \"{b}\"]", "a");
        check("json!({ \"x\": a, \"y\": [b] })", "a b");
    }

    #[test]
    fn what_does_not_parse_is_judged_by_its_tokens() {
        check("a.b + m::c + d.", "a d");
    }
}
