//! Calling a task with variables: how processes that are data do it.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote_spanned};

use super::signature::{Parameter, Signature};

/// The method that reads the arguments from the variables with the parameters' names.
pub(super) fn with_variables(facade: &TokenStream, signature: &Signature) -> TokenStream {
    let ours = Span::mixed_site();
    let body = match reason_against(signature) {
        Some(reason) => quote_spanned! {ours=>
            #facade::__private::Err(#facade::__private::TaskError::permanent(#reason))
        },
        None => body(facade, signature),
    };
    quote_spanned! {ours=>
        #[allow(unused_variables, unused_mut)]
        fn with_variables(
            __cx: #facade::__private::TaskContext,
            __variables: &#facade::__private::Values,
        ) -> #facade::__private::Result<
            #facade::__private::Called<Self::Return>,
            #facade::__private::TaskError,
        > {
            #body
        }
    }
}

/// Why variables cannot give the arguments.
fn reason_against(signature: &Signature) -> Option<String> {
    let name = crate::lower::plain(&signature.name);
    let unnamed = passed(signature).any(|(_, parameter)| parameter.name.is_none());
    if unnamed {
        return Some(format!(
            "a parameter of task `{name}` has no name that a variable could have"
        ));
    }
    let borrows = passed(signature).any(|(_, parameter)| borrows(owned(&parameter.ty)));
    (borrows || !signature.lifetimes.is_empty())
        .then(|| format!("a parameter of task `{name}` borrows within its type"))
}

/// Whether a type borrows: then no variable can give it.
fn borrows(ty: TokenStream) -> bool {
    ty.into_iter().any(|token| match token {
        TokenTree::Punct(sign) => matches!(sign.as_char(), '&' | '\''),
        TokenTree::Group(group) => borrows(group.stream()),
        TokenTree::Ident(_) | TokenTree::Literal(_) => false,
    })
}

fn body(facade: &TokenStream, signature: &Signature) -> TokenStream {
    let ours = Span::mixed_site();
    let task = crate::lower::plain(&signature.name);
    let call = Ident::new("call", ours);
    let reads = passed(signature).map(|(at, parameter)| {
        let (local, ty) = (local(at), kept(facade, &parameter.ty));
        let name = parameter.name.as_ref().map(crate::lower::plain).unwrap_or_default();
        quote_spanned! {ours=>
            let mut #local =
                #facade::__private::Argument::<#ty>::new(#task, #name).read(__variables)?;
        }
    });
    let values = passed(signature).map(|(at, parameter)| {
        let (local, reference) = (local(at), reference(&parameter.ty));
        quote_spanned!(ours=> #reference #local)
    });
    quote_spanned! {ours=>
        #[allow(unused_imports)]
        use #facade::__private::ArgumentOther as _;
        #(#reads)*
        let __task = Self { __cx };
        #facade::__private::Ok(#facade::__private::Box::pin(async move {
            __task.#call(#(#values),*).await
        }))
    }
}

/// The name of a value that was read: no name that a parameter has can meet one of ours.
fn local(at: usize) -> Ident {
    format_ident!("__argument_{at}", span = Span::mixed_site())
}

fn passed(signature: &Signature) -> impl Iterator<Item = (usize, &Parameter)> {
    let parameters = signature.parameters.iter().enumerate();
    parameters.filter(|(_, parameter)| parameter.given.is_none())
}

/// What a parameter borrows from, or its type if it does not.
fn owned(ty: &syn::Type) -> TokenStream {
    match plain(ty) {
        syn::Type::Reference(reference) => reference.elem.to_token_stream(),
        ty => ty.to_token_stream(),
    }
}

/// A type without the groups that a macro put around it.
fn plain(ty: &syn::Type) -> &syn::Type {
    match ty {
        syn::Type::Group(group) => plain(&group.elem),
        syn::Type::Paren(paren) => plain(&paren.elem),
        ty => ty,
    }
}

/// The type that is kept while the task borrows from it.
fn kept(facade: &TokenStream, ty: &syn::Type) -> TokenStream {
    let syn::Type::Reference(reference) = plain(ty) else { return ty.to_token_stream() };
    match &*reference.elem {
        syn::Type::Slice(slice) => {
            let item = &slice.elem;
            quote_spanned!(Span::mixed_site()=> #facade::__private::Vec<#item>)
        }
        syn::Type::Path(path) if path.path.is_ident("str") => {
            quote_spanned!(Span::mixed_site()=> #facade::__private::String)
        }
        other => other.to_token_stream(),
    }
}

/// `&` or `&mut`, if the parameter borrows.
fn reference(ty: &syn::Type) -> TokenStream {
    match plain(ty) {
        syn::Type::Reference(reference) => {
            let mutable = &reference.mutability;
            quote_spanned!(Span::mixed_site()=> &#mutable)
        }
        _ => TokenStream::new(),
    }
}
