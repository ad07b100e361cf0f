//! The input struct and the constants of user tasks.

use bpm_model::graph::Graph;
use bpm_model::render::svg;
use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{quote, quote_spanned};

use super::{Facade, ours};
use crate::lower::{Lowered, plain};
use crate::syntax::{Parameter, Process};

/// The struct of the parameters; without parameters a unit struct.
pub(super) fn structure(process: &Process, graph: Option<&Graph>) -> TokenStream {
    let Process { attributes, visibility, name, parameters, .. } = process;
    let picture = graph.map(picture);
    if parameters.is_empty() {
        return quote_spanned!(ours()=> #attributes #picture #visibility struct #name;);
    }
    let fields = parameters.iter().map(|Parameter { attributes, name, ty }| {
        let ty: TokenStream = ty.iter().cloned().collect();
        let doc = attributes.is_empty().then(|| {
            let doc = format!("The parameter `{}`.", plain(name));
            quote_spanned!(ours()=> #[doc = #doc])
        });
        quote_spanned!(ours()=> #attributes #doc #visibility #name: #ty,)
    });
    quote_spanned! {ours()=>
        #attributes
        #picture
        #visibility struct #name { #(#fields)* }
    }
}

/// The process as a picture, in `cargo doc` only: elsewhere it would flood what editors show.
fn picture(graph: &Graph) -> TokenStream {
    let picture = format!("\n\n{}\n", svg(graph));
    quote_spanned!(ours()=> #[cfg_attr(doc, doc = #picture)])
}

/// One typed constant a user task.
pub(super) fn user_tasks(facade: &Facade, process: &Process, lowered: &Lowered) -> TokenStream {
    if lowered.user_tasks.is_empty() {
        return TokenStream::new();
    }
    let Process { visibility, name: process, .. } = process;
    let process_name = lowered.graph.name.as_ref();
    let constants = lowered.user_tasks.iter().map(|task| {
        let (constant, name) = (&task.constant, &task.name);
        let ty: TokenStream = match task.target {
            Some(target) => target.ty.iter().cloned().collect(),
            None => quote!(()),
        };
        let doc = format!("The user task `{name}`.");
        quote_spanned! {ours()=>
            #[doc = #doc]
            #visibility const #constant: #facade::__private::UserTask<#ty> =
                #facade::__private::UserTask::new(#process_name, #name);
        }
    });
    quote_spanned!(ours()=> impl #process { #(#constants)* })
}

/// Serialises the input field by field.
pub(super) fn hand_over(facade: &Facade, process: &Process) -> TokenStream {
    let parameters = process.parameters.iter().map(|parameter| {
        let (field, name) = (&parameter.name, plain(&parameter.name));
        // A value that cannot be stored is reported at its type.
        let at = parameter.ty.first().map_or(field.span(), TokenTree::span);
        let method = Ident::new("parameter", ours().located_at(at));
        quote_spanned!(ours()=> __input.#method(#name, &self.#field);)
    });
    quote_spanned! {ours()=>
        fn input(&self, __input: &mut #facade::__private::Input) { #(#parameters)* }
    }
}
