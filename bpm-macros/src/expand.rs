//! From a lowered process to Rust: the input struct, its constants, the graph, the visit function.
//!
//! User tokens are copied as they are, each once. Names of ours have mixed-site hygiene, so that no
//! name of the user can meet them; where an error may land on one, it stands at the user's place.

mod graph;
mod input;
mod names;
pub(crate) mod policy;
mod visit;
mod work;

use bpm_model::graph::Graph;
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};

use crate::lower::Lowered;
use crate::syntax::{Process, ResultType};

/// The path of the facade.
pub(crate) type Facade = TokenStream;

/// The span of what has no place at the user's: nothing of it is visible to user code.
fn ours() -> Span {
    Span::mixed_site()
}

/// Everything that a process becomes. `slots` is the graph with private names told apart; only a
/// `sound` graph is drawn.
pub(crate) fn process(
    facade: &Facade,
    process: &Process,
    lowered: &Lowered,
    slots: &Graph,
    sound: bool,
) -> TokenStream {
    let name = &process.name;
    let structure = input::structure(process, sound.then_some(slots));
    let constants = input::user_tasks(facade, process, lowered);
    let graph = graph::constant(facade, slots);
    let result = result_type(facade, &process.result);
    let visit = visit::function(facade, lowered, slots);
    let input = input::hand_over(facade, process);
    quote_spanned! {ours()=>
        #structure
        #constants
        const _: () = {
            impl #facade::__private::Process for #name {
                type Output = #result;
                const GRAPH: #facade::__private::Graph = #graph;
                #visit
                #input
            }
        };
    }
}

fn result_type(facade: &Facade, result: &ResultType) -> TokenStream {
    match result {
        ResultType::Unit => quote_spanned!(ours()=> ()),
        ResultType::Never => quote_spanned!(ours()=> #facade::__private::Never),
        ResultType::Value(ty) => ty.iter().map(ToTokens::to_token_stream).collect(),
    }
}
