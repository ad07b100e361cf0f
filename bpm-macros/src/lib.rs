//! The macros `workflow!` and `#[service_task]` of bpm-engine.

use proc_macro::TokenStream;

/// Compiles a process; `workflow!` hands it the crate's own path.
#[proc_macro]
pub fn workflow_in(_: TokenStream) -> TokenStream {
    TokenStream::new()
}

/// Marks an async function as a service task.
#[proc_macro_attribute]
pub fn service_task(_: TokenStream, item: TokenStream) -> TokenStream {
    item
}
