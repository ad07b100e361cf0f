//! The visit function: one for the whole process, so that rustc infers each variable's type from
//! what sets it and editors see one definition a variable.

use std::collections::HashMap;

use bpm_model::graph::Graph;
use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;

use super::names::{Handles, method};
use super::work::Emit;
use super::{Facade, ours};
use crate::lower::{Lowered, Part, Prologue, Region, Visit};

/// The function of the process.
pub(super) fn function(facade: &Facade, lowered: &Lowered, slots: &Graph) -> TokenStream {
    let emit = Emit { facade, slots: Slots::new(lowered, slots), thrown: &lowered.thrown };
    let handles = handles(&emit, lowered);
    let body = region(&emit, lowered, &lowered.body);
    quote_spanned! {ours()=>
        #[allow(unreachable_code, unused_assignments, unused_must_use, clippy::all)]
        fn visit(
            __node: usize,
            __vars: &#facade::__private::Vars<'_>,
            __cx: #facade::__private::Cx,
        ) -> #facade::__private::Result<
            #facade::__private::Visited,
            #facade::__private::TaskError,
        > {
            let __never = false;
            #handles
            #body
            __vars.done()
        }
    }
}

/// One handle a variable. The type of a parameter comes from its field.
fn handles(emit: &Emit, lowered: &Lowered) -> TokenStream {
    let facade = emit.facade;
    let own = lowered.binders.iter().enumerate().filter(|(_, binder)| binder.copy_of.is_none());
    let handles = own.map(|(at, binder)| {
        let name = &binder.name;
        let handle = emit.slots.handle(at, name.span());
        if at < lowered.graph.parameters {
            quote_spanned! {ours()=>
                let #handle = #facade::__private::Var::parameter(#at, |__input: &Self| &__input.#name);
            }
        } else {
            quote_spanned!(ours()=> let #handle = #facade::__private::Var::new(#at);)
        }
    });
    let thrown = lowered.thrown.iter().map(|service| {
        let error = super::names::error(*service);
        quote_spanned!(ours()=> let #error = #facade::__private::Thrown::new();)
    });
    handles.chain(thrown).collect()
}

/// Defines the names of a region and visits its nodes. The definitions stand at the user's tokens
/// and are initialised where a node reads them; code that never runs ties them to their handles.
fn region(emit: &Emit, lowered: &Lowered, region: &Region) -> TokenStream {
    let seen = region.variables.iter().filter(|variable| !lowered.binders[**variable].hidden);
    let seen: Vec<usize> = seen.copied().collect();
    let definitions = seen.iter().map(|variable| {
        let binder = &lowered.binders[*variable];
        let (mutable, name) = (&binder.mutable, &binder.name);
        let ty = binder.annotation.map(|target| {
            let ty: TokenStream = target.ty.iter().cloned().collect();
            quote_spanned!(ours()=> : #ty)
        });
        quote_spanned!(ours()=> let #mutable #name #ty;)
    });
    let ties = seen.iter().map(|variable| {
        let name = &lowered.binders[*variable].name;
        let handle = emit.slots.handle(*variable, name.span());
        quote_spanned!(ours()=> #name = #handle.value();)
    });
    let parts = region.parts.iter().map(|part| match part {
        Part::Visit(visit) => node(emit, visit),
        Part::Region(inner) => {
            let (first, last) = inner.nodes;
            let body = self::region(emit, lowered, inner);
            quote_spanned!(ours()=> #first..=#last => { #body })
        }
    });
    quote_spanned! {ours()=>
        #(#definitions)*
        if __never { return __vars.done(); #(#ties)* }
        match __node { #(#parts)* _ => {} }
    }
}

fn node(emit: &Emit, visit: &Visit) -> TokenStream {
    let node = visit.node;
    let question = emit.question(visit);
    let prologue = prologue(emit, node, &visit.prologue);
    let work = match &visit.prologue.forbidden {
        Some(report) => emit.broken(node, &visit.work.sets(), report),
        None => emit.work(visit),
    };
    quote_spanned!(ours()=> #node => { #question #prologue #work })
}

/// Assigns the variables that the node reads; each token stands at its own mention.
fn prologue(emit: &Emit, node: usize, prologue: &Prologue) -> TokenStream {
    let reads = prologue.reads.iter().map(|(name, variable)| {
        let (get, handle) =
            (method("get", name.span()), emit.slots.read(node, *variable, name.span()));
        quote_spanned!(ours()=> #name = __vars.#get(#handle)?;)
    });
    let process = prologue
        .process
        .as_ref()
        .map(|name| quote_spanned!(ours()=> let #name = __vars.process();));
    quote_spanned!(ours()=> #(#reads)* #process)
}

/// Where nodes find variables that have places of their own in a branch.
pub(super) struct Slots {
    handles: Handles,
    reads: Places,
    sets: Places,
}

impl Slots {
    /// Compares the variables as they are seen with those of the graph in which copies and private
    /// names are told apart.
    fn new(lowered: &Lowered, separated: &Graph) -> Slots {
        let graph = &lowered.graph;
        let mut slots =
            Slots { handles: Handles::new(graph), reads: HashMap::new(), sets: HashMap::new() };
        let seen = |list: &[usize]| list.iter().map(|at| lowered.seen(*at)).collect::<Vec<usize>>();
        let nodes = graph.nodes.iter().zip(separated.nodes.iter());
        for (at, (node, other)) in nodes.enumerate() {
            note(&mut slots.reads, at, &seen(&node.reads), &other.reads);
            note(&mut slots.sets, at, &seen(&node.sets), &other.sets);
        }
        for (edge, other) in graph.edges.iter().zip(separated.edges.iter()) {
            note(&mut slots.sets, edge.from, &seen(&edge.sets), &other.sets);
        }
        slots
    }

    pub(super) fn handle(&self, variable: usize, at: Span) -> Ident {
        self.handles.handle(variable, at)
    }

    /// Where a node reads a variable.
    pub(super) fn read(&self, node: usize, variable: usize, at: Span) -> TokenStream {
        self.slot(&self.reads, node, variable, at)
    }

    /// Where a node, or a way out of it, sets a variable.
    pub(super) fn set(&self, node: usize, variable: usize, at: Span) -> TokenStream {
        self.slot(&self.sets, node, variable, at)
    }

    fn slot(&self, slots: &Places, node: usize, variable: usize, at: Span) -> TokenStream {
        let handle = self.handle(variable, at);
        match slots.get(&(node, variable)) {
            Some(slot) => quote_spanned!(ours()=> #handle.at(#slot)),
            None => quote_spanned!(ours()=> #handle),
        }
    }
}

/// The places of their own of variables at nodes.
type Places = HashMap<(usize, usize), usize>;

fn note(slots: &mut Places, node: usize, from: &[usize], to: &[usize]) {
    for (variable, slot) in from.iter().zip(to).filter(|(variable, slot)| variable != slot) {
        slots.insert((node, *variable), *slot);
    }
}
