//! The signature of a service task.

use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident};
use syn::parse::Parser;

use crate::report::Report;
use crate::syntax::is_ident;

/// What the twin needs to know of a function.
pub(super) struct Signature {
    /// `#[cfg(…)]` behind ours: the twin is there when the function is.
    pub(super) conditions: Vec<syn::Attribute>,
    pub(super) visibility: TokenStream,
    pub(super) name: Ident,
    /// `<'a>`, if any.
    pub(super) lifetimes: TokenStream,
    pub(super) parameters: Vec<Parameter>,
    /// The type behind `->`, or `()`.
    pub(super) returns: TokenStream,
}

/// A parameter of the function.
pub(super) struct Parameter {
    /// Its name, if it is nothing but a name.
    pub(super) name: Option<Ident>,
    pub(super) ty: syn::Type,
    /// What the engine gives; the process passes the others.
    pub(super) given: Option<Given>,
}

/// What the engine gives to a task.
pub(super) enum Given {
    /// `State<T>`
    State(TokenStream),
    /// `TaskContext`
    Context,
}

impl Signature {
    /// Reads the signature in front of the body, which is not looked at.
    pub(super) fn parse(item: TokenStream, reports: &mut Vec<Report>) -> Option<Signature> {
        let head: TokenStream = item.into_iter().take_while(|token| !is_body(token)).collect();
        let at = head.clone().into_iter().next().map_or_else(Span::call_site, |first| first.span());
        let parse = |input: syn::parse::ParseStream| {
            let attributes = input.call(syn::Attribute::parse_outer)?;
            Ok((attributes, input.parse::<syn::Visibility>()?, input.parse::<syn::Signature>()?))
        };
        let Ok((mut conditions, visibility, signature)) = parse.parse2(head) else {
            let help = "`#[service_task] async fn name(arguments) -> Result<Value, Error> { … }`";
            reports.push(Report::new(at, "a service task is an async function").help(help));
            return None;
        };
        conditions.retain(|attribute| attribute.path().is_ident("cfg"));
        if !is_possible(&signature, reports) {
            return None;
        }
        let returns = match &signature.output {
            syn::ReturnType::Default => quote::quote!(()),
            syn::ReturnType::Type(_, ty) => quote::quote!(#ty),
        };
        let parameters = signature.inputs.into_iter().filter_map(parameter).collect();
        let visibility = quote::quote!(#visibility);
        let lifetimes = signature.generics.to_token_stream();
        Some(Signature {
            conditions,
            visibility,
            name: signature.ident,
            lifetimes,
            parameters,
            returns,
        })
    }

    pub(super) fn given(&self) -> impl Iterator<Item = &Given> {
        self.parameters.iter().filter_map(|parameter| parameter.given.as_ref())
    }

    /// The parameters that the process passes, with their types.
    pub(super) fn arguments(&self) -> impl Iterator<Item = (Ident, &syn::Type)> {
        let parameters = self.parameters.iter().enumerate();
        let passed = parameters.filter(|(_, parameter)| parameter.given.is_none());
        passed.map(|(at, parameter)| (argument(parameter, at), &parameter.ty))
    }

    /// Where errors about the result land.
    pub(super) fn result_at(&self) -> Span {
        let first = self.returns.clone().into_iter().next();
        first.map_or_else(|| self.name.span(), |first| first.span())
    }
}

/// The name of an argument of the twin: the parameter's own, for hints in editors.
pub(super) fn argument(parameter: &Parameter, at: usize) -> Ident {
    let ours = Span::mixed_site();
    match &parameter.name {
        Some(name) => Ident::new(&name.to_string(), ours.located_at(name.span())),
        None => format_ident!("__argument_{at}", span = ours),
    }
}

fn is_body(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
        || matches!(token, TokenTree::Punct(sign) if sign.as_char() == ';')
}

/// What cannot be called from a process.
fn is_possible(signature: &syn::Signature, reports: &mut Vec<Report>) -> bool {
    let before = reports.len();
    if signature.asyncness.is_none() {
        reports.push(
            Report::new(
                signature.fn_token.span,
                format!("the service task `{}` is not async", signature.ident),
            )
            .help(&format!(
                "`async fn {}`; it may still do its work without waiting",
                signature.ident
            )),
        );
    }
    if signature
        .generics
        .params
        .iter()
        .any(|generic| !matches!(generic, syn::GenericParam::Lifetime(_)))
    {
        let what = "a service task has no type parameters";
        let help = "write a function for each type";
        reports.push(Report::new(signature.ident.span(), what).help(help));
    }
    if let Some(syn::FnArg::Receiver(receiver)) = signature.inputs.first() {
        let what = "a service task is a function, not a method";
        let help = "take the value as a parameter: `stock: State<Warehouse>`";
        reports.push(Report::new(receiver.self_token.span, what).help(help));
    }
    reports.len() == before
}

fn parameter(input: syn::FnArg) -> Option<Parameter> {
    let syn::FnArg::Typed(typed) = input else { return None };
    let name = match &*typed.pat {
        syn::Pat::Ident(name) if name.subpat.is_none() => Some(name.ident.clone()),
        _ => None,
    };
    let ty = *typed.ty;
    Some(Parameter { name, given: given(&ty), ty })
}

/// `State<T>` and `TaskContext` by value, under any path.
fn given(ty: &syn::Type) -> Option<Given> {
    let syn::Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    match &last.arguments {
        syn::PathArguments::AngleBracketed(arguments) if last.ident == "State" => {
            let inner = &arguments.args;
            Some(Given::State(quote::quote!(#inner)))
        }
        syn::PathArguments::None
            if is_ident(&TokenTree::Ident(last.ident.clone()), "TaskContext") =>
        {
            Some(Given::Context)
        }
        _ => None,
    }
}
