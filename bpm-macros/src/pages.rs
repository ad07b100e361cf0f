//! The pages on findings, `docs/errors/*.md`, show what `workflow!` really says.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use crate::workflow::workflow;

/// A block of a page: its language and its text.
type Block<'a> = (&'a str, &'a str);

/// The pages by name, in order.
fn pages() -> Vec<(String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/errors");
    let files = std::fs::read_dir(folder).expect(folder).map(|file| file.expect(folder).path());
    let mut pages: Vec<(String, String)> = files
        .map(|path| (path.display().to_string(), std::fs::read_to_string(path).expect("a page")))
        .collect();
    pages.sort();
    pages
}

fn blocks(page: &str) -> Vec<Block<'_>> {
    let blocks = page.split("```").skip(1).step_by(2);
    blocks.map(|block| block.split_once('\n').expect("a block of lines")).collect()
}

/// What the macro says of `workflow! { … }`. Notes are left out: the lines that they name are
/// known to the compiler only.
fn said(source: &str) -> String {
    let tokens: TokenStream = source.parse().expect("tokens");
    let Some(TokenTree::Group(body)) = tokens.into_iter().nth(2) else { panic!("{source}") };
    let facade = Group::new(Delimiter::Parenthesis, "::bpm_engine".parse().expect("a path"));
    let input = TokenStream::from_iter([TokenTree::Group(facade)]);
    let mut errors = Vec::new();
    find_errors(input.into_iter().chain(body.stream()).collect(), &mut errors);
    let told = |error: &String| {
        let lines = error.lines().filter(|line| !line.starts_with("  note: "));
        lines.collect::<Vec<_>>().join("\n")
    };
    errors.iter().map(told).collect::<Vec<_>>().join("\n\n")
}

fn find_errors(input: TokenStream, errors: &mut Vec<String>) {
    let mut ready = vec![workflow(input)];
    while let Some(stream) = ready.pop() {
        let tokens: Vec<TokenTree> = stream.into_iter().collect();
        for window in tokens.windows(3) {
            if let [TokenTree::Ident(name), _, TokenTree::Group(text)] = window
                && name == "compile_error"
            {
                let text: syn::LitStr = syn::parse2(text.stream()).expect("a text");
                errors.push(text.value());
            }
        }
        ready.extend(tokens.into_iter().filter_map(|token| match token {
            TokenTree::Group(group) => Some(group.stream()),
            _ => None,
        }));
    }
}

/// An example that is followed by findings has these and no others; any other one has none.
#[test]
fn what_pages_show_is_what_is_said() {
    let mut refused = 0;
    for (path, page) in pages() {
        let blocks = blocks(&page);
        for (at, (_, source)) in blocks.iter().enumerate() {
            if !source.starts_with("workflow! {") {
                continue;
            }
            let findings = blocks.get(at + 1).filter(|(language, _)| *language == "text");
            let expected = findings.map_or("", |(_, text)| text.trim_end());
            assert_eq!(said(source), expected, "{path}:\n{source}");
            refused += usize::from(findings.is_some());
        }
    }
    assert!(refused > 10, "only {refused} refused examples were found");
}
