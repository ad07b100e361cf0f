//! `#[service_task]`: the function stays as it is and gets a twin among the types.
//!
//! The twin carries the attempt's context and calls the function with what the engine gives and
//! what the process passes. The user's tokens are copied, never printed from a tree, so that a
//! half-typed body does not matter.

mod facade;
mod signature;

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;

use crate::report::Report;
use crate::spacing;
use signature::{Given, Signature};

/// Marks a function. Whatever is wrong, the function itself is emitted.
pub(crate) fn service_task(words: TokenStream, item: TokenStream) -> TokenStream {
    let mut reports = Vec::new();
    let facade = facade::path(words, &mut reports);
    let twin = match Signature::parse(item.clone(), &mut reports) {
        Some(signature) => twin(&facade, &signature),
        None => TokenStream::new(),
    };
    let errors = reports.iter().map(Report::item);
    let errors: TokenStream = errors.collect();
    quote_spanned!(Span::mixed_site()=> #item #twin #errors)
}

fn twin(facade: &TokenStream, signature: &Signature) -> TokenStream {
    let ours = Span::mixed_site();
    let Signature { conditions, visibility, name, returns, .. } = signature;
    let text = crate::lower::plain(name);
    let doc = format!("The service task `{text}`, as processes call it.");
    let at = ours.located_at(signature.result_at());
    let picked = quote_spanned! {at=>
        #facade::__private::Pick<#returns, { <#facade::__private::Probe<#returns>>::IS }>
    };
    let output = quote_spanned!(at=> <#picked as #facade::__private::TaskResult>::Ok);
    let error = quote_spanned!(at=> <#picked as #facade::__private::TaskResult>::Err);
    let finish = quote_spanned!(at=> <#picked as #facade::__private::TaskResult>::finish);
    let call = call(facade, signature);
    let states = signature.given().filter_map(|given| match given {
        Given::State(ty) => Some(quote_spanned!(ours=> #facade::__private::StateType::of::<#ty>())),
        Given::Context => None,
    });
    quote_spanned! {ours=>
        #(#conditions)*
        #[doc = #doc]
        #[allow(non_camel_case_types)]
        #visibility struct #name {
            __cx: #facade::__private::TaskContext,
        }
        #call
        #(#conditions)*
        const _: () = {
            #[allow(unused_imports)]
            use #facade::__private::ProbeOther as _;
            impl #facade::__private::ServiceTask for #name {
                type Return = #returns;
                type Output = #output;
                type Error = #error;
                type Key = #facade::__private::Key<Self>;
                const NAME: &'static str = #text;
                const KEY: Self::Key = #facade::__private::Key::NEW;
                fn on(__cx: #facade::__private::TaskContext) -> Self { Self { __cx } }
                fn finish(
                    __returned: Self::Return,
                ) -> #facade::__private::Result<Self::Output, Self::Error> {
                    #finish(__returned)
                }
                fn states() -> #facade::__private::Vec<#facade::__private::StateType> {
                    [#(#states),*].to_vec()
                }
            }
        };
    }
}

/// A method, so that an error about the number of arguments counts only those of the process.
fn call(facade: &TokenStream, signature: &Signature) -> TokenStream {
    let ours = Span::mixed_site();
    let Signature { conditions, visibility, name, lifetimes, returns, .. } = signature;
    let call = Ident::new("call", ours.located_at(name.span()));
    let parameters =
        signature.arguments().map(|(argument, ty)| quote_spanned!(ours=> #argument: #ty));
    let values = signature.parameters.iter().enumerate().map(|(at, parameter)| {
        match &parameter.given {
            Some(Given::State(ty)) => quote_spanned!(ours=> self.__cx.state::<#ty>()),
            Some(Given::Context) => {
                quote_spanned!(ours=> <#facade::__private::TaskContext as #facade::__private::Clone>::clone(&self.__cx))
            }
            None => {
                let argument = signature::argument(parameter, at);
                quote_spanned!(ours=> #argument)
            }
        }
    });
    quote_spanned! {ours=>
        #(#conditions)*
        impl #name {
            #[doc(hidden)]
            #[allow(unused_variables, clippy::too_many_arguments)]
            #visibility async fn #call #lifetimes(self, #(#parameters),*) -> #returns {
                #name(#(#values),*).await
            }
        }
    }
}

/// A word of the attribute that is not there yet, or not at all.
fn unknown_word(span: Span, word: &str) -> Report {
    match word {
        "retry" | "timeout" => {
            let what = format!("`{word}` is a word of the language that is not there yet");
            Report::new(span, what).follows("this version of bpm-engine makes one attempt")
        }
        _ => {
            let what =
                format!("[B002] there is no clause `{}` of a service task", spacing::shorten(word));
            let known = ["retry", "timeout", "crate"];
            match bpm_model::spell::nearest(word, known) {
                Some(nearest) => {
                    Report::new(span, what).help(&format!("did you mean `{nearest}`?"))
                }
                None => Report::new(span, what)
                    .help("`#[service_task]`, `#[service_task(crate = path)]`"),
            }
        }
    }
}
