//! `#[service_task]`: the function stays as it is and gets a twin among the types.
//!
//! The twin carries the attempt's context and calls the function with what the engine gives and
//! what the process passes. The user's tokens are copied, never printed from a tree, so that a
//! half-typed body does not matter.

mod arguments;
mod facade;
mod signature;
mod variables;
mod words;

use bpm_model::policy::Policy;
use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;

use crate::expand;
use crate::report::Report;
use signature::{Given, Signature};
use words::Words;

/// Marks a function. Whatever is wrong, the function itself is emitted.
pub(crate) fn service_task(words: TokenStream, item: TokenStream) -> TokenStream {
    let mut reports = Vec::new();
    let words = Words::parse(words, &mut reports);
    let twin = match Signature::parse(item.clone(), &mut reports) {
        Some(signature) => twin(&words, &signature),
        None => TokenStream::new(),
    };
    let errors = reports.iter().map(Report::item);
    let errors: TokenStream = errors.collect();
    quote_spanned!(Span::mixed_site()=> #item #twin #errors)
}

fn twin(words: &Words, signature: &Signature) -> TokenStream {
    let ours = Span::mixed_site();
    let facade = &words.facade;
    let policy = policy(facade, &words.clauses.policy);
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
    let arguments = arguments::types(signature);
    let with_variables = variables::with_variables(facade, signature);
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
                type Arguments<'__a> = #arguments;
                type Key = #facade::__private::Key<Self>;
                const NAME: &'static str = #text;
                const KEY: Self::Key = #facade::__private::Key::NEW;
                #policy
                fn on(__cx: #facade::__private::TaskContext) -> Self { Self { __cx } }
                fn finish(
                    __returned: Self::Return,
                ) -> #facade::__private::Result<Self::Output, Self::Error> {
                    #finish(__returned)
                }
                fn states() -> #facade::__private::Vec<#facade::__private::StateType> {
                    [#(#states),*].to_vec()
                }
                #with_variables
            }
        };
    }
}

/// The policy, where the attribute says one.
fn policy(facade: &TokenStream, policy: &Policy) -> Option<TokenStream> {
    let value = expand::policy::tokens(facade, policy);
    let constant = quote_spanned! {Span::mixed_site()=>
        const POLICY: #facade::__private::Policy = #value;
    };
    (*policy != Policy::NONE).then_some(constant)
}

/// A method, so that an error about the number of arguments counts only those of the process.
fn call(facade: &TokenStream, signature: &Signature) -> TokenStream {
    let ours = Span::mixed_site();
    let Signature { conditions, visibility, name, lifetimes, returns, .. } = signature;
    let call = Ident::new("call", ours.located_at(name.span()));
    let parameters =
        signature.arguments().map(|(argument, ty)| quote_spanned!(ours=> #argument: #ty));
    let passed = signature.arguments().map(|(argument, _)| argument).collect::<Vec<_>>();
    let passed = arguments::together(&passed);
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
                match self.__cx.double::<Self>().await {
                    #facade::__private::Some(__answer) => __answer(#passed),
                    #facade::__private::None => #name(#(#values),*).await,
                }
            }
        }
    }
}
