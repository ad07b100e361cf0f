//! Text to tokens: CEL's lexis. Bytes literals are recognised to be refused with a reason.

use std::ops::Range;
use std::sync::Arc;

use super::{Error, ErrorKind};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// The magnitude only: the sign of `-9223372036854775808` is the parser's business.
    Int(u64),
    Uint(u64),
    Double(f64),
    String(Arc<str>),
    Word(String),
    Symbol(&'static str),
    End,
}

/// The tokens with their bytes in the source; the last one is [`Token::End`].
pub(super) fn lex(source: &str) -> Result<Vec<(Token, Range<usize>)>, Error> {
    let mut lexer = Lexer { source, at: 0 };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_blanks();
        let start = lexer.at;
        let token = lexer.token()?;
        let end = token == Token::End;
        tokens.push((token, start..lexer.at));
        if end {
            return Ok(tokens);
        }
    }
}

/// Longer ones first.
const SYMBOLS: [&str; 22] = [
    "==", "!=", "<=", ">=", "&&", "||", "<", ">", "!", "+", "-", "*", "/", "%", "?", ":", ".", ",",
    "(", ")", "[", "]",
];

struct Lexer<'a> {
    source: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn error(&self, from: usize, message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Syntax, from..self.at, message)
    }

    /// Takes the characters that fit, which may be none.
    fn take_while(&mut self, fits: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.find(|char| !fits(char)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn take(&mut self, text: &str) -> bool {
        let taken = self.rest().starts_with(text);
        if taken {
            self.at += text.len();
        }
        taken
    }

    fn skip_blanks(&mut self) {
        self.take_while(|char| matches!(char, ' ' | '\t' | '\n' | '\r' | '\x0c'));
        while self.take("//") {
            self.take_while(|char| char != '\n' && char != '\r');
            self.take_while(|char| matches!(char, ' ' | '\t' | '\n' | '\r' | '\x0c'));
        }
    }

    fn token(&mut self) -> Result<Token, Error> {
        let Some(first) = self.peek() else { return Ok(Token::End) };
        let after_dot = self.rest().strip_prefix('.').and_then(|rest| rest.chars().next());
        if first.is_ascii_digit() || after_dot.is_some_and(|char| char.is_ascii_digit()) {
            return self.number();
        }
        if first == '"' || first == '\'' {
            return self.string(false);
        }
        if first == '_' || first.is_ascii_alphabetic() {
            return self.word();
        }
        match SYMBOLS.into_iter().find(|symbol| self.rest().starts_with(symbol)) {
            Some(symbol) => {
                self.at += symbol.len();
                Ok(Token::Symbol(symbol))
            }
            None => Err(self.stranger(first)),
        }
    }

    /// A name, or the prefix of a string.
    fn word(&mut self) -> Result<Token, Error> {
        let start = self.at;
        let word = self.take_while(is_word);
        let quoted = matches!(self.peek(), Some('"' | '\''));
        match word {
            "r" | "R" if quoted => self.string(true),
            "b" | "B" | "br" | "bR" | "Br" | "BR" if quoted => {
                let message = "bytes literals are CEL, but not in this subset";
                Err(Error::new(ErrorKind::NotInSubset, start..self.at, message))
            }
            _ => Ok(Token::Word(word.to_owned())),
        }
    }

    fn number(&mut self) -> Result<Token, Error> {
        let start = self.at;
        let token = if self.take("0x") || self.take("0X") {
            let digits = self.take_while(|char| char.is_ascii_hexdigit());
            self.integer(start, digits, 16)?
        } else {
            self.decimal(start)?
        };
        if self.peek().is_some_and(is_word) {
            let word_start = self.at;
            self.take_while(is_word);
            return Err(self.error(word_start, "a number ends here, a name may not follow it"));
        }
        Ok(token)
    }

    fn decimal(&mut self, start: usize) -> Result<Token, Error> {
        let digits = self.take_while(|char| char.is_ascii_digit());
        let fraction = self.rest().strip_prefix('.').is_some_and(starts_with_digit);
        if fraction {
            self.at += 1;
            self.take_while(|char| char.is_ascii_digit());
        }
        if !self.exponent() && !fraction {
            return self.integer(start, digits, 10);
        }
        match self.source[start..self.at].parse::<f64>() {
            Ok(double) if double.is_finite() => Ok(Token::Double(double)),
            _ => Err(self.error(start, "the number does not fit a double")),
        }
    }

    fn exponent(&mut self) -> bool {
        let Some(rest) = self.rest().strip_prefix(['e', 'E']) else { return false };
        let digits = rest.strip_prefix(['+', '-']).unwrap_or(rest);
        if !starts_with_digit(digits) {
            return false;
        }
        self.at = self.source.len() - digits.len();
        self.take_while(|char| char.is_ascii_digit());
        true
    }

    fn integer(&mut self, start: usize, digits: &str, radix: u32) -> Result<Token, Error> {
        let unsigned = self.take("u") || self.take("U");
        match u64::from_str_radix(digits, radix) {
            Ok(number) if unsigned => Ok(Token::Uint(number)),
            Ok(number) => Ok(Token::Int(number)),
            Err(_) if digits.is_empty() => Err(self.error(start, "hexadecimal digits are missing")),
            Err(_) => Err(self.error(start, "the number does not fit 64 bits")),
        }
    }

    fn string(&mut self, raw: bool) -> Result<Token, Error> {
        let start = self.at;
        let quote = if self.rest().starts_with('"') { '"' } else { '\'' };
        let triple = String::from(quote).repeat(3);
        let closing = if self.take(&triple) { triple.as_str() } else { &triple[..1] };
        if closing.len() == 1 {
            self.at += 1;
        }
        let mut text = String::new();
        while !self.take(closing) {
            match self.peek() {
                Some('\n' | '\r') if closing.len() == 1 => return Err(self.open_string(start)),
                Some('\\') if !raw => text.push(self.escape()?),
                Some(char) => {
                    self.at += char.len_utf8();
                    text.push(char);
                }
                None => return Err(self.open_string(start)),
            }
        }
        Ok(Token::String(text.into()))
    }

    fn open_string(&self, start: usize) -> Error {
        self.error(start, "the string has no closing quote on its line")
            .help("a string in three quotes may span lines")
    }

    fn escape(&mut self) -> Result<char, Error> {
        let start = self.at;
        self.at += 1;
        let Some(code) = self.peek() else { return Err(self.error(start, BAD_ESCAPE)) };
        self.at += code.len_utf8();
        match code {
            'a' => Ok('\x07'),
            'b' => Ok('\x08'),
            'f' => Ok('\x0c'),
            'n' => Ok('\n'),
            'r' => Ok('\r'),
            't' => Ok('\t'),
            'v' => Ok('\x0b'),
            '\\' | '?' | '"' | '\'' | '`' => Ok(code),
            'x' | 'X' => self.code_point(start, self.at, 2, 16),
            'u' => self.code_point(start, self.at, 4, 16),
            'U' => self.code_point(start, self.at, 8, 16),
            '0'..='3' => self.code_point(start, self.at - 1, 3, 8),
            _ => Err(self.error(start, BAD_ESCAPE).help(
                "a backslash is written `\\\\`; in a raw string, r\"…\", it stands for itself",
            )),
        }
    }

    fn code_point(
        &mut self,
        start: usize,
        digits: usize,
        count: usize,
        radix: u32,
    ) -> Result<char, Error> {
        let length = self.source[digits..]
            .chars()
            .take(count)
            .take_while(|char| char.is_digit(radix))
            .count();
        self.at = digits + length;
        if length < count {
            return Err(self.error(start, format!("this escape needs {count} digits")));
        }
        u32::from_str_radix(&self.source[digits..self.at], radix)
            .ok()
            .and_then(char::from_u32)
            .ok_or_else(|| self.error(start, "this escape is not a code point"))
    }

    /// What begins nothing here, with a hint where the author's intent is plain.
    fn stranger(&mut self, first: char) -> Error {
        let start = self.at;
        self.at += first.len_utf8();
        let error = self.error(start, format!("unexpected `{}`", first.escape_debug()));
        match first {
            '{' => self.not_in_subset(start, "map and message literals"),
            '`' => self.not_in_subset(start, "quoted field names").help("write `map[\"name\"]`"),
            '=' => error.help("equality is `==`"),
            '&' => error.help("the logical and is `&&`"),
            '|' => error.help("the logical or is `||`"),
            _ => error,
        }
    }

    fn not_in_subset(&self, start: usize, what: &str) -> Error {
        let message = format!("{what} are CEL, but not in this subset");
        Error::new(ErrorKind::NotInSubset, start..self.at, message)
    }
}

const BAD_ESCAPE: &str = "there is no such escape";

fn is_word(char: char) -> bool {
    char == '_' || char.is_ascii_alphanumeric()
}

fn starts_with_digit(text: &str) -> bool {
    text.starts_with(|char: char| char.is_ascii_digit())
}
