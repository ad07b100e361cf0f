//! Tokens as text, by one spacing rule of ours.
//!
//! Node ids and fingerprints are made of this text, so it must depend on nothing but the tokens:
//! never on how a compiler prints them or on how a source is laid out. Whether two signs touch in
//! the source counts only where they form one operator of Rust together.

use proc_macro2::{Delimiter, Group, Spacing, TokenTree};

/// How many characters of a text are shown where it is shortened.
const SHOWN: usize = 48;

/// Operators of several signs, longest first.
const OPERATORS: [&str; 24] = [
    "..=", "...", "<<=", ">>=", "::", "->", "=>", "==", "!=", "<=", ">=", "&&", "||", "..", "+=",
    "-=", "*=", "/=", "%=", "^=", "|=", "&=", "<<", ">>",
];

/// The tokens as text on one line.
pub(crate) fn text(tokens: &[TokenTree]) -> String {
    let mut printer =
        Printer { text: String::new(), before: Before::Open, depth: 0, in_pipes: false };
    printer.list(tokens);
    printer.text
}

/// The same, shortened for people.
pub(crate) fn short(tokens: &[TokenTree]) -> String {
    shorten(&text(tokens))
}

/// A text without what is too much of it.
pub(crate) fn shorten(text: &str) -> String {
    if text.chars().count() <= SHOWN {
        return text.to_owned();
    }
    let kept: String = text.chars().take(SHOWN - 1).collect();
    format!("{}…", kept.trim_end())
}

/// What was printed last.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// Nothing yet, or an opening delimiter: the next token touches it.
    Open,
    /// A sign that the next token touches: `.`, `::`, `&` in front of a value, …
    Tight,
    /// A sign between two values.
    Operator,
    /// Something after which `-` is a subtraction: a name, a literal, a closed group.
    Value,
    /// A word of Rust, after which a value begins.
    Word,
}

struct Printer {
    text: String,
    before: Before,
    /// How many `<` of generic arguments are open.
    depth: usize,
    /// Whether the `|` of a closure's parameters is open.
    in_pipes: bool,
}

impl Printer {
    fn list(&mut self, tokens: &[TokenTree]) {
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            at += match token {
                TokenTree::Ident(ident) => self.word(&ident.to_string()),
                TokenTree::Literal(literal) => self.value(&literal.to_string()),
                TokenTree::Group(group) => self.group(group),
                TokenTree::Punct(_) => self.signs(tokens, at),
            };
        }
    }

    fn word(&mut self, word: &str) -> usize {
        self.value(word);
        if is_word(word) {
            self.before = Before::Word;
        }
        1
    }

    fn value(&mut self, text: &str) -> usize {
        self.separate();
        self.text.push_str(text);
        self.before = Before::Value;
        1
    }

    fn separate(&mut self) {
        if !matches!(self.before, Before::Open | Before::Tight) {
            self.text.push(' ');
        }
    }

    fn group(&mut self, group: &Group) -> usize {
        let tokens: Vec<TokenTree> = group.stream().into_iter().collect();
        let (open, close) = match group.delimiter() {
            Delimiter::Parenthesis => ("(", ")"),
            Delimiter::Bracket => ("[", "]"),
            Delimiter::Brace => ("{ ", " }"),
            Delimiter::None => ("", ""),
        };
        let call = self.before == Before::Value && group.delimiter() != Delimiter::Brace;
        if !call {
            self.separate();
        }
        let tokens =
            without_last_comma(&tokens, call || group.delimiter() != Delimiter::Parenthesis);
        self.text.push_str(if tokens.is_empty() { open.trim_end() } else { open });
        self.before = Before::Open;
        let depth = std::mem::take(&mut self.depth);
        self.list(tokens);
        self.depth = depth;
        self.text.push_str(if tokens.is_empty() { close.trim_start() } else { close });
        self.before = Before::Value;
        1
    }

    /// Prints the operator that begins at `at`; gives how many tokens it has.
    fn signs(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        let operator = operator(tokens, at, self.depth > 0 || self.text.ends_with("::"));
        self.operator(&operator);
        operator.len()
    }

    fn operator(&mut self, operator: &str) {
        let value = self.before == Before::Value;
        match operator {
            "." | ".." | "..=" | "..." => self.tight(operator, value),
            "::" => self.tight(operator, value),
            "," | ";" => self.ends(operator),
            ":" => self.ends(operator),
            "?" => self.behind(operator),
            "!" if value => self.behind(operator),
            "'" | "#" | "$" | "!" => self.in_front(operator),
            "<" if !value || self.opens_generics() => self.open_generics(value),
            ">" if self.depth > 0 => self.close_generics(),
            "&" | "*" | "-" | "&&" if !value => self.in_front(operator),
            "|" if self.in_pipes => self.close_pipes(),
            "|" if !value => self.open_pipes(),
            "||" if !value => self.between(operator),
            _ => self.between(operator),
        }
    }

    /// `a.b`, `a::b`, `..a`
    fn tight(&mut self, operator: &str, value: bool) {
        if !value {
            self.separate();
        }
        self.text.push_str(operator);
        self.before = Before::Tight;
    }

    /// `a, b`
    fn ends(&mut self, operator: &str) {
        self.text.push_str(operator);
        self.before = Before::Operator;
    }

    /// `a?`, `format!`
    fn behind(&mut self, operator: &str) {
        self.text.push_str(operator);
        self.before = Before::Value;
    }

    /// `&a`, `-a`, `'a`
    fn in_front(&mut self, operator: &str) {
        self.separate();
        self.text.push_str(operator);
        self.before = Before::Tight;
    }

    /// `|a, b|`
    fn open_pipes(&mut self) {
        self.in_front("|");
        self.in_pipes = true;
    }

    fn close_pipes(&mut self) {
        self.ends("|");
        self.in_pipes = false;
    }

    /// `a + b`
    fn between(&mut self, operator: &str) {
        self.separate();
        self.text.push_str(operator);
        self.before = Before::Operator;
    }

    /// `Vec<` and `::<` open generic arguments, `a <` compares.
    fn opens_generics(&self) -> bool {
        let last = self.text.rsplit(|sign: char| !sign.is_alphanumeric() && sign != '_').next();
        let is_type = last.is_some_and(|name| name.starts_with(char::is_uppercase));
        self.text.ends_with("::") || is_type
    }

    /// `Vec<` touches its name, `<T as Trait>` stands for a value.
    fn open_generics(&mut self, behind_name: bool) {
        if !behind_name {
            self.separate();
        }
        self.text.push('<');
        self.depth += 1;
        self.before = Before::Open;
    }

    fn close_generics(&mut self) {
        self.text.push('>');
        self.depth -= 1;
        self.before = Before::Value;
    }
}

/// The signs from `at` on that form one operator.
fn operator(tokens: &[TokenTree], at: usize, in_generics: bool) -> String {
    let mut signs = String::new();
    for token in &tokens[at..] {
        let TokenTree::Punct(punct) = token else { break };
        signs.push(punct.as_char());
        if punct.spacing() == Spacing::Alone {
            break;
        }
    }
    let known = OPERATORS.iter().find(|operator| signs.starts_with(**operator));
    match known {
        Some(known) if !(in_generics && known.starts_with(['<', '>'])) => (*known).to_owned(),
        _ => signs.chars().take(1).collect(),
    }
}

/// A comma in front of a closing delimiter says nothing, except in `(a,)`.
fn without_last_comma(tokens: &[TokenTree], always: bool) -> &[TokenTree] {
    let comma = |token: &&TokenTree| crate::syntax::is_punct(token, ',');
    let single = !always && tokens.iter().filter(comma).count() == 1;
    match tokens.split_last() {
        Some((last, rest)) if comma(&last) && !single => rest,
        _ => tokens,
    }
}

fn is_word(word: &str) -> bool {
    [
        "as", "in", "if", "else", "match", "return", "let", "mut", "ref", "move", "while", "loop",
        "for", "break", "unsafe", "async", "dyn", "impl", "where", "const", "static",
    ]
    .contains(&word)
}

#[cfg(test)]
mod tests {
    use super::text;

    fn check(source: &str, expected: &str) {
        let stream: proc_macro2::TokenStream = source.parse().unwrap();
        let tokens: Vec<_> = stream.into_iter().collect();
        assert_eq!(text(&tokens), expected);
    }

    #[test]
    fn layout_does_not_matter() {
        check("order . total>1_000", "order.total > 1_000");
        check("order.total\n    >  1_000", "order.total > 1_000");
        check("a==-b&&!c", "a == -b && !c");
        check("f ( a , & b , )", "f(a, &b)");
        check("S { a , b : 1 , }", "S { a, b: 1 }");
        check("( a , )", "(a,)");
        check("format ! ( \"{x}\" , y )", "format!(\"{x}\", y)");
        check(
            "v . iter ( ) . map ( | i | i * 2 ) . sum :: < Vec < u32 >> ( ) ?",
            "v.iter().map(|i| i * 2).sum::<Vec<u32>>()?",
        );
    }

    #[test]
    fn rust_reads_as_rust() {
        check("Decision :: Approved { by , .. }", "Decision::Approved { by, .. }");
        check("Some ( x ) if x > 3", "Some(x) if x > 3");
        check("0 ..= 5", "0..=5");
        check("* x - * y", "*x - *y");
        check("x as u64 + [ 1 , 2 ] [ 0 ]", "x as u64 + [1, 2][0]");
        check("let Some ( x ) = y", "let Some(x) = y");
        check("a || b", "a || b");
        check("{ }", "{}");
        check("f :: < < T as U > :: V > ( a << b >> c )", "f::<<T as U>::V>(a << b >> c)");
    }
}
