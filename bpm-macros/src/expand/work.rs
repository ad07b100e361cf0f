//! What a visit does with the variables that it read.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::quote_spanned;

use super::names::{error, method};
use super::visit::Slots;
use super::{Facade, ours};
use crate::lower::{Caught, Keep, Visit, Work};
use crate::report::Report;
use crate::spacing;
use crate::syntax::{Arm, ClauseWord, Condition, Field, Target, Tokens, Until, UserClause};

/// Emits visits.
pub(super) struct Emit<'a> {
    pub(super) facade: &'a Facade,
    pub(super) slots: Slots,
    /// The service tasks whose errors patterns are matched against.
    pub(super) thrown: &'a [usize],
}

impl Emit<'_> {
    /// What the engine may ask about a node without evaluating the user's expressions.
    pub(super) fn question(&self, visit: &Visit) -> TokenStream {
        let facade = self.facade;
        match &visit.work {
            Work::Service { task, result, .. } => {
                let task = stream(task);
                let sets = result.as_ref().map(|keep| {
                    let sets = self.sets(visit.node, keep);
                    quote_spanned!(ours()=> __key.#sets;)
                });
                let fails = self.thrown.contains(&visit.node).then(|| {
                    let error = error(visit.node);
                    quote_spanned!(ours()=> __key.fails(#error);)
                });
                quote_spanned! {ours()=>
                    let __key = <#task as #facade::__private::ServiceTask>::KEY;
                    #sets
                    #fails
                    if __cx.asks() { return __vars.answer_service(__key, __cx); }
                }
            }
            Work::User { constant, result, .. } => {
                let sets = result.as_ref().map(|keep| {
                    let sets = self.sets(visit.node, keep);
                    quote_spanned!(ours()=> Self::#constant.#sets;)
                });
                quote_spanned! {ours()=>
                    #sets
                    if __cx.asks() { return __vars.answer(Self::#constant, __cx); }
                }
            }
            Work::Catch { of, word, arm: (pattern, ..), .. } => self.thrown(*of, word, pattern),
            _ => TokenStream::new(),
        }
    }

    /// The value that a pattern is matched against; without one it does not match.
    fn thrown(&self, of: Caught, word: &Ident, pattern: &Tokens) -> TokenStream {
        let facade = self.facade;
        let thrown = thrown(word);
        match of {
            Caught::All => TokenStream::new(),
            Caught::Failure => quote_spanned! {ours()=>
                let #facade::__private::Some(#thrown) = __cx.failure() else {
                    return __vars.caught(false);
                };
            },
            Caught::Error(service) => {
                let (error, text) = (error(service), spacing::text(pattern));
                quote_spanned! {ours()=>
                    let #facade::__private::Some(#thrown) = __vars.thrown(#error) else {
                        return __vars.caught(false);
                    };
                    {
                        use #facade::__private::{
                            ToldAsDebug as _, ToldAsDisplay as _, ToldAsError as _,
                            ToldAsNothing as _, ToldAsTaskError as _,
                        };
                        let __told = #facade::__private::Told(&#thrown);
                        __vars.told((&&&&&__told).told(), #text);
                    }
                }
            }
        }
    }

    /// Ties the result of an activity to its variable.
    fn sets(&self, node: usize, keep: &Keep) -> TokenStream {
        let sets = method("sets", keep.name.span());
        let handle = self.target(node, keep);
        quote_spanned!(ours()=> #sets(#handle))
    }

    /// The handle that a node sets; an annotation that stands nowhere else is checked against it.
    fn target(&self, node: usize, keep: &Keep) -> TokenStream {
        let facade = self.facade;
        let handle = self.slots.set(node, keep.variable, keep.name.span());
        match keep.ty {
            Some(ty) => {
                let ty = stream(ty);
                quote_spanned!(ours()=> { let __typed: #facade::__private::Var<#ty> = #handle; __typed })
            }
            None => handle,
        }
    }

    /// Keeps what a pattern bound.
    fn keeps(&self, node: usize, keeps: &[Keep]) -> TokenStream {
        let keeps = keeps.iter().map(|keep| {
            let (name, method) = (&keep.name, method("keep", keep.name.span()));
            let handle = self.slots.set(node, keep.variable, name.span());
            quote_spanned!(ours()=> __vars.#method(#name, #handle)?;)
        });
        keeps.collect()
    }

    pub(super) fn work(&self, visit: &Visit) -> TokenStream {
        let node = visit.node;
        match &visit.work {
            Work::Service { arguments, task, .. } => self.service(task, *arguments),
            Work::Set { keep, value } => self.set(node, keep, value),
            Work::Unpack { target, value, keeps } => self.unpack(node, target, value, keeps),
            Work::LetElse { target, value, keeps } => self.let_else(node, target, value, keeps),
            Work::Catch { of, word, arm, keeps } => {
                self.catch(*of, word, *arm, self.keeps(node, keeps))
            }
            Work::User { constant, form, clauses, .. } => self.user(constant, form, clauses),
            Work::Wait { word, until } => self.wait(word, until),
            Work::Fail { word, text } => self.fail(word, text),
            Work::If { arms } => self.if_chain(node, arms),
            Work::Match { word, scrutinee, braces, arms } => {
                self.match_arms(node, word, scrutinee, *braces, arms)
            }
            Work::Look => {
                let names = visit.prologue.reads.iter().map(|(name, _)| name);
                quote_spanned!(ours()=> let _ = (#(&#names,)*); return __vars.done();)
            }
            Work::Items { items, list, cursor } => self.items(node, items, *list, *cursor),
            Work::Next { pattern, list, cursor, keeps } => {
                self.next(node, pattern, (*list, *cursor), keeps)
            }
            Work::Return { word, value } => self.end(*word, value),
            Work::Broken { report, .. } => self.broken(node, &visit.work.sets(), report),
        }
    }

    /// Sets variables to what is known to be wrong, so that rustc says nothing about what follows.
    pub(super) fn broken(&self, node: usize, sets: &[usize], report: &Report) -> TokenStream {
        let broken = report.value();
        if sets.is_empty() {
            return quote_spanned!(ours()=> #broken; return __vars.done(););
        }
        let keeps = sets.iter().map(|variable| {
            let handle = self.slots.set(node, *variable, ours());
            quote_spanned!(ours()=> __vars.keep(#broken, #handle)?;)
        });
        quote_spanned!(ours()=> #(#keeps)* return __vars.done();)
    }

    fn service(&self, task: &Tokens, arguments: Option<&Group>) -> TokenStream {
        let at = task.last().map_or_else(ours, TokenTree::span);
        let (call, service) = (method("call", at), method("service", at));
        let Some(arguments) = arguments else {
            return quote_spanned!(ours()=> return __vars.done(););
        };
        quote_spanned! {ours()=>
            let __task = __key.on(__cx);
            return __vars.#service(__key, async move { __task.#call #arguments.await });
        }
    }

    fn set(&self, node: usize, keep: &Keep, value: &Tokens) -> TokenStream {
        let script = method("script", keep.name.span());
        let handle = self.target(node, keep);
        let arguments = call(quote_spanned!(ours()=> #handle,), value);
        quote_spanned!(ours()=> return __vars.#script #arguments;)
    }

    fn unpack(&self, node: usize, target: &Target, value: &Tokens, keeps: &[Keep]) -> TokenStream {
        let (pattern, ty, value) = (stream(&target.pattern), annotation(target), stream(value));
        let keeps = self.keeps(node, keeps);
        quote_spanned!(ours()=> let #pattern #ty = #value; #keeps return __vars.done();)
    }

    fn let_else(
        &self,
        node: usize,
        target: &Target,
        value: &Tokens,
        keeps: &[Keep],
    ) -> TokenStream {
        let (pattern, ty, value) = (stream(&target.pattern), annotation(target), stream(value));
        let keeps = self.keeps(node, keeps);
        quote_spanned! {ours()=>
            let #pattern #ty = #value else { return __vars.port(1usize); };
            #keeps
            return __vars.port(0usize);
        }
    }

    fn user(&self, constant: &Ident, form: &[Field], clauses: &[UserClause]) -> TokenStream {
        let facade = self.facade;
        let fields = form.iter().map(|field| {
            let (method, name) = (method("field", field.name.span()), field.name.to_string());
            let arguments = match field.value.is_empty() {
                true => {
                    let name = &field.name;
                    quote_spanned!(ours()=> &#name)
                }
                false => stream(&field.value),
            };
            quote_spanned!(ours()=> __work.#method(#name, #arguments);)
        });
        let clauses = clauses.iter().map(|clause| self.clause(clause));
        quote_spanned! {ours()=>
            let mut __work = #facade::__private::Work::new();
            #(#fields)*
            #(#clauses)*
            return __vars.user(Self::#constant, __work);
        }
    }

    fn clause(&self, clause: &UserClause) -> TokenStream {
        let name = match clause.word {
            ClauseWord::Group => "group",
            ClauseWord::User => "user",
            ClauseWord::Due => "due",
            ClauseWord::DueAfter(millis) => {
                return quote_spanned!(ours()=> __work.due_after(__vars.process().now, #millis););
            }
            ClauseWord::Priority => "priority",
        };
        let method = method(name, clause.span);
        let arguments = call(TokenStream::new(), &clause.value);
        quote_spanned!(ours()=> __work.#method #arguments;)
    }

    fn wait(&self, word: &Ident, until: &Until) -> TokenStream {
        let facade = self.facade;
        let (name, value) = match until {
            Until::Millis { millis, .. } => {
                return quote_spanned! {ours()=>
                    return __vars.wait(#facade::__private::Duration::from_millis(#millis));
                };
            }
            Until::After(value) => ("wait", value),
            Until::Time(value) => ("wait_until", value),
        };
        let method = method(name, word.span());
        let arguments = call(TokenStream::new(), value);
        quote_spanned!(ours()=> return __vars.#method #arguments;)
    }

    fn fail(&self, word: &Ident, text: &Tokens) -> TokenStream {
        let facade = self.facade;
        let fail = method("fail", word.span());
        let text = call(TokenStream::new(), text);
        quote_spanned!(ours()=> return __vars.#fail(#facade::__private::format! #text);)
    }

    /// The condition's tokens stand as they are between `if` and a block.
    fn if_chain(&self, node: usize, arms: &[(&Condition, Vec<Keep>)]) -> TokenStream {
        let last = arms.len();
        let arms = arms.iter().enumerate().map(|(port, (condition, keeps))| {
            let (condition, keeps) = (stream(&condition.tokens), self.keeps(node, keeps));
            quote_spanned!(ours()=> if #condition { #keeps #port } else)
        });
        quote_spanned!(ours()=> return __vars.port(#(#arms)* { #last });)
    }

    fn match_arms(
        &self,
        node: usize,
        word: &Ident,
        scrutinee: &Tokens,
        braces: Span,
        arms: &[(&Arm, Vec<Keep>)],
    ) -> TokenStream {
        let arms = arms.iter().enumerate().map(|(port, (arm, keeps))| {
            let keeps = self.keeps(node, keeps);
            let body = group(Delimiter::Brace, quote_spanned!(ours()=> #keeps #port), arm.span);
            let (pattern, guard) = (stream(&arm.pattern), stream(&arm.guard));
            quote_spanned!(ours().located_at(arm.span)=> #pattern #guard => #body)
        });
        let arms = group(Delimiter::Brace, arms.collect(), braces);
        let scrutinee = stream(scrutinee);
        quote_spanned!(ours()=> return __vars.port(#word #scrutinee #arms);)
    }

    /// What the pattern does not take is given back.
    fn catch(
        &self,
        of: Caught,
        word: &Ident,
        (pattern, guard, span): (&Tokens, &Tokens, Span),
        keeps: TokenStream,
    ) -> TokenStream {
        let value = thrown(word);
        let (thrown, otherwise) = match of {
            Caught::All => (quote_spanned!(ours()=> ()), quote_spanned!(ours()=> caught(false))),
            Caught::Failure => {
                (quote_spanned!(ours()=> #value), quote_spanned!(ours()=> caught(false)))
            }
            Caught::Error(_) => {
                (quote_spanned!(ours()=> #value), quote_spanned!(ours()=> missed(__other)))
            }
        };
        let (pattern, guard) = (stream(pattern), stream(guard));
        let body = quote_spanned!(ours()=> #keeps __vars.caught(true));
        let body = group(Delimiter::Brace, body, span);
        let arm = quote_spanned!(ours().located_at(span)=> #pattern #guard => #body);
        quote_spanned! {ours()=>
            return match #thrown {
                #arm
                #[allow(unreachable_patterns, unused_variables)]
                __other => __vars.#otherwise,
            };
        }
    }

    fn items(&self, node: usize, items: &Tokens, list: usize, cursor: usize) -> TokenStream {
        let at = items.first().map_or_else(ours, TokenTree::span);
        let method = method("items", at);
        let (list, cursor) = (self.slots.set(node, list, at), self.slots.set(node, cursor, ours()));
        let arguments = call(quote_spanned!(ours()=> #list, #cursor,), items);
        quote_spanned!(ours()=> return __vars.#method #arguments;)
    }

    fn next(
        &self,
        node: usize,
        pattern: &Tokens,
        (list, cursor): (usize, usize),
        keeps: &[Keep],
    ) -> TokenStream {
        let facade = self.facade;
        let (list, cursor) =
            (self.slots.read(node, list, ours()), self.slots.read(node, cursor, ours()));
        let (pattern, keeps) = (stream(pattern), self.keeps(node, keeps));
        quote_spanned! {ours()=>
            return match __vars.next(#list, #cursor)? {
                #facade::__private::Some(__item) => {
                    let #pattern = __item;
                    #keeps
                    __vars.port(0usize)
                }
                #facade::__private::None => __vars.port(1usize),
            };
        }
    }

    fn end(&self, word: Span, value: &Tokens) -> TokenStream {
        let facade = self.facade;
        let end = method("end", word);
        let unit = [TokenTree::Group(group(Delimiter::Parenthesis, TokenStream::new(), word))];
        let value = if value.is_empty() { &unit[..] } else { value };
        let arguments = call(TokenStream::new(), value);
        quote_spanned! {ours()=>
            return __vars.#end::<<Self as #facade::__private::Process>::Output> #arguments;
        }
    }
}

/// Arguments whose parentheses stand at the end of the user's expression, so that no error covers
/// more than the expression.
fn call(ours: TokenStream, value: &[TokenTree]) -> TokenStream {
    let mut arguments = ours;
    arguments.extend(value.iter().cloned());
    let at = value.last().map_or_else(super::ours, TokenTree::span);
    TokenStream::from(TokenTree::Group(group(Delimiter::Parenthesis, arguments, at)))
}

/// The value that a pattern is matched against. It is the word in front of the pattern, as if the
/// user had written it there: rustc says its type, and of a name of ours it would say it at the
/// macro as a whole.
fn thrown(word: &Ident) -> Ident {
    Ident::new("__thrown", word.span())
}

fn group(delimiter: Delimiter, stream: TokenStream, at: Span) -> Group {
    let mut group = Group::new(delimiter, stream);
    group.set_span(at);
    group
}

fn annotation(target: &Target) -> Option<TokenStream> {
    let ty = stream(&target.ty);
    (!ty.is_empty()).then(|| quote_spanned!(ours()=> : #ty))
}

fn stream(tokens: &[TokenTree]) -> TokenStream {
    tokens.iter().cloned().collect()
}
