//! Policies as constants.

use bpm_model::policy::{Exhausted, Policy, Retry};
use proc_macro2::TokenStream;
use quote::quote_spanned;

use super::{Facade, ours};

/// A policy as a constant expression.
pub(crate) fn tokens(facade: &Facade, policy: &Policy) -> TokenStream {
    let Policy { retry, timeout_ms } = policy;
    let retry = retry.as_ref().map(|retry| retry_tokens(facade, retry));
    let timeout = timeout_ms.map(|millis| quote_spanned!(ours()=> #millis));
    let (retry, timeout) = (option(facade, retry), option(facade, timeout));
    quote_spanned!(ours()=> #facade::__private::Policy { retry: #retry, timeout_ms: #timeout })
}

fn retry_tokens(facade: &Facade, retry: &Retry) -> TokenStream {
    let Retry { attempts, first_ms, max_ms, then } = retry;
    let then = match then {
        Exhausted::Fail => quote_spanned!(ours()=> Fail),
        Exhausted::Suspend => quote_spanned!(ours()=> Suspend),
    };
    quote_spanned! {ours()=>
        #facade::__private::Retry {
            attempts: #attempts, first_ms: #first_ms, max_ms: #max_ms,
            then: #facade::__private::Exhausted::#then,
        }
    }
}

fn option(facade: &Facade, value: Option<TokenStream>) -> TokenStream {
    match value {
        Some(value) => quote_spanned!(ours()=> #facade::__private::Some(#value)),
        None => quote_spanned!(ours()=> #facade::__private::None),
    }
}
