//! The macros `workflow!` and `#[service_task]` of bpm-engine.
//!
//! Everything but the two entry points works on `proc_macro2` streams, so that unit tests can call
//! it. What a process may say is checked in `bpm-model`, which knows no macros; types are checked
//! by rustc on the user's own tokens. Deliberately not here: any knowledge of types, and any
//! printing of user expressions from a syntax tree.

mod expand;
#[cfg(test)]
mod fuzzed;
mod lower;
mod mentions;
#[cfg(test)]
mod pages;
mod pattern;
mod report;
mod spacing;
mod syntax;
mod task;
#[cfg(test)]
mod tests;
mod workflow;

use proc_macro::TokenStream;

/// Compiles a process: what `workflow!` of the facade calls, with the facade's own path in front.
#[doc(hidden)]
#[proc_macro]
pub fn workflow_in(input: TokenStream) -> TokenStream {
    workflow::workflow(input.into()).into()
}

/// Marks an async function as a service task of a process.
///
/// The function stays as it is and gets a twin of the same name among the types, by which
/// processes call it. It returns a plain `T` or a `Result<T, E>`. Parameters of the types
/// `State<T>` and `TaskContext` are given by the engine; the others are the task's arguments.
///
/// `#[service_task(retry 5 every 1s..1m then suspend, timeout 30s)]` says how often the task is
/// attempted and how long one attempt may take, wherever a process calls it: once and without a
/// bound otherwise. A clause of the same word at the call takes its place as a whole.
///
/// `#[service_task(crate = path)]` names the facade where it cannot be found by the manifest.
#[proc_macro_attribute]
pub fn service_task(words: TokenStream, item: TokenStream) -> TokenStream {
    task::service_task(words.into(), item.into()).into()
}
