//! What a process passes to a task, as one type: how doubles of the task take it.

use proc_macro2::{Delimiter, Group, Ident, Punct, Spacing, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};

use super::signature::Signature;

/// The only argument's type, or a tuple of them. Every borrow in it lives for `'__a`.
pub(super) fn types(signature: &Signature) -> TokenStream {
    let types = signature.arguments().map(|(_, ty)| borrowed(ty.to_token_stream()));
    together(&types.collect::<Vec<_>>())
}

/// One thing as it is, others as a tuple.
pub(super) fn together<T: ToTokens>(parts: &[T]) -> TokenStream {
    match parts {
        [one] => one.to_token_stream(),
        parts => quote_spanned!(Span::mixed_site()=> (#(#parts),*)),
    }
}

/// The type with its lifetimes, written or not, replaced; `'static` stays.
fn borrowed(ty: TokenStream) -> TokenStream {
    let mut out = TokenStream::new();
    let mut tokens = ty.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(sign) if sign.as_char() == '&' => {
                let named =
                    matches!(tokens.peek(), Some(TokenTree::Punct(next)) if next.as_char() == '\'');
                out.extend([TokenTree::Punct(sign)]);
                if !named {
                    out.extend(lifetime(Ident::new("__a", Span::mixed_site())));
                }
            }
            TokenTree::Punct(sign) if sign.as_char() == '\'' => match tokens.next() {
                Some(TokenTree::Ident(name)) if name == "static" => out.extend(lifetime(name)),
                _ => out.extend(lifetime(Ident::new("__a", Span::mixed_site()))),
            },
            TokenTree::Group(group) => out.extend([TokenTree::Group(inside(&group))]),
            token => out.extend([token]),
        }
    }
    out
}

fn inside(group: &Group) -> Group {
    let stream = match group.delimiter() {
        // The length of an array and what a macro takes are no types.
        Delimiter::Brace => group.stream(),
        _ => borrowed(group.stream()),
    };
    let mut replaced = Group::new(group.delimiter(), stream);
    replaced.set_span(group.span());
    replaced
}

fn lifetime(name: Ident) -> [TokenTree; 2] {
    [TokenTree::Punct(Punct::new('\'', Spacing::Joint)), TokenTree::Ident(name)]
}
