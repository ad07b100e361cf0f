//! The macros on streams: ids, what is reported, what is emitted, input that is half typed.
//! `BLESS=1 cargo test -p bpm-macros` writes the snapshots again; read what changed.

mod clauses;
mod fuzz;
mod lines;
mod scopes;
pub(crate) mod sound;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use crate::fuzzed::seeds::SAMPLE;
use crate::lower::lower;
use crate::syntax;
use crate::workflow::workflow;

fn tokens(source: &str) -> TokenStream {
    source.parse().unwrap()
}

fn expanded(source: &str) -> String {
    let facade: TokenStream = "(::bpm)".parse().unwrap();
    lines::of(workflow(facade.into_iter().chain(tokens(source)).collect()))
}

/// Compares with a file; `BLESS=1` writes it again.
fn snapshot(name: &str, text: &str) {
    let path = format!("{}/src/tests/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    assert_eq!(text, std::fs::read_to_string(&path).unwrap_or_default());
}

/// The ids of a body's nodes, but for start and end.
fn ids(body: &str, expected: &[&str]) {
    let source = format!("process P(order: Order, n: u32) {{ {body} }}");
    let process = syntax::process(tokens(&source), &mut Vec::new()).unwrap();
    let graph = lower(&process).graph;
    let ids: Vec<&str> = graph.nodes.iter().map(|node| node.id.as_ref()).collect();
    assert_eq!(ids.strip_suffix(&["end"]).unwrap_or(&ids)[1..], *expected);
}

/// The first lines of what is reported about a body.
fn reports(body: &str, expected: &[&str]) {
    let source = format!("(::bpm) process P(order: Order, n: u32) {{ {body} }}");
    let mut texts = Vec::new();
    errors(workflow(tokens(&source)), &mut texts);
    let first_lines: Vec<&str> = texts.iter().filter_map(|text| text.lines().next()).collect();
    assert_eq!(first_lines, expected);
}

/// The texts of all `compile_error!`s; rustc shows equal ones once.
fn errors(stream: TokenStream, found: &mut Vec<String>) {
    let tokens: Vec<TokenTree> = stream.into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        let TokenTree::Group(group) = token else { continue };
        let called = at > 1 && syntax::is_ident(&tokens[at - 2], "compile_error");
        match syn::parse2::<syn::LitStr>(group.stream()) {
            Ok(text) if called && !found.contains(&text.value()) => found.push(text.value()),
            Ok(_) => {}
            Err(_) => errors(group.stream(), found),
        }
    }
}

#[test]
fn ids_are_names_or_made_from_the_content() {
    ids("service a::charge(&order); 'second: service charge(&order);", &["charge", "second"]);
    ids("let fee = n; let (a, b) = (n, n);", &["let:fee", "let:a+b"]);
    ids("if n>3 { } else if \"n > 1\" { }", &["if:n > 3", "if:n > 3/else", "if:n > 3/end"]);
    ids("match n { 1 => { } _ => { } }", &["match:n", "match:n/end"]);
    ids("user approve { };", &["approve"]);
    ids("loop { break; } 'out: loop { break; } loop { break; }", &["loop", "loop:out", "loop#2"]);
    ids("if n > 3 { } if n > 3 { }", &["if:n > 3", "if:n > 3/end", "if:n > 3#2", "if:n > 3#2/end"]);
    ids(
        "for x in order . items { service a(x); }",
        &["for:order.items", "for:order.items/again", "for:order.items/next", "a"],
    );
    ids(
        "parallel { a: { service x(); } b after a: { service y(); } }",
        &["parallel:a+b", "x", "parallel:a+b/a/end", "y", "parallel:a+b/end"],
    );
    // A given name never gets a number, wherever it stands.
    ids("let start = n; service start();", &["let:start", "start"]);
}

#[test]
fn layout_does_not_change_ids() {
    let dense = "if n>3&&order.total<4{}";
    let wide = "if n\n > 3 && order . total\n < 4 { }";
    let id = &["if:n > 3 && order.total < 4", "if:n > 3 && order.total < 4/end"];
    ids(dense, id);
    ids(wide, id);
}

/// Printing tokens and reading them again changes their layout and nothing else.
#[test]
fn layout_does_not_change_the_fingerprint() {
    let fingerprint = |source: &str| {
        let process = syntax::process(tokens(source), &mut Vec::new()).unwrap();
        bpm_model::fingerprint::fingerprint(&lower(&process).graph).to_string()
    };
    let printed = tokens(SAMPLE).to_string();
    assert_ne!(printed, SAMPLE);
    assert_eq!(fingerprint(SAMPLE), fingerprint(&printed));
    assert_ne!(fingerprint(SAMPLE), fingerprint(&SAMPLE.replace("low > 3", "low > 4")));
}

#[test]
fn one_mistake_is_one_report() {
    reports("count += 1;", &["[B002] `count += 1` is not a statement of a process"]);
    reports("n = 3; service f(n);", &["[B002] `n = 3` is not a statement of a process"]);
    reports("f(n);", &["[B002] `f(n)` is not a statement of a process"]);
    reports("service f(n)?;", &["`?` does not belong behind the arguments"]);
    reports("service f", &["a service task needs its arguments"]);
    reports(
        "let a: bool = receive b[n]; wait 3d;",
        &["`receive` is a word of the language that is not there yet"],
    );
    reports("service f(n) retry 3 on error X(y) => { let z = 3; } timeout 3s;", &[]);
    reports(
        "select { after 3d => { let z = 1; } } let a = z;",
        &["`select` is a word of the language that is not there yet"],
    );
    reports(
        "let Some(x) = order.a else { service f(n); }; service g(x);",
        &["the `else` of a `let` may not go on"],
    );
    reports(
        "if let Some(x) = order.a { service f(x); } if \"x > 3\" { }",
        &["[B014] the variable `x` is not in sight here"],
    );
    reports("break;", &["[B007] `break` stands in no loop"]);
    reports("loop { break 'a; }", &["[B002] there is no label `'a`"]);
    reports("parallel { }", &["a parallel block needs branches"]);
    reports(
        "for x in order.items parallel 3 { service f(x); }",
        &["`for … parallel` is a word of the language that is not there yet"],
    );
}

#[test]
fn a_jump_that_cannot_be_is_the_only_report() {
    let leaves = "[B007] this jump leaves the concurrent branch `a`";
    reports("loop { parallel { a: { break; } b: { service f(n); } } }", &[leaves]);
    reports("loop { parallel { a: { if n > 3 { break; } service g(n); } b: { } } }", &[leaves]);
    reports("loop { service f(n); parallel { a: { continue; } b: { } } break; }", &[leaves]);
    reports("'out: loop { loop { parallel { a: { break 'out; } b: { } } break; } }", &[leaves]);
    reports("loop { loop { parallel { a: { break; } b: { } } } service f(n); break; }", &[leaves]);
    reports(
        "parallel { a: { 'out: loop { parallel { c: { break 'out; } d: { } } } } b: { } }",
        &["[B007] this jump leaves the concurrent branch `c`"],
    );
    reports(
        "'out: loop { parallel { a: { parallel { c: { break 'out; } d: { } } } b: { } } }",
        &["[B007] this jump leaves the concurrent branch `c`"],
    );
    reports("'out: loop { loop { break 'uot; } }", &["[B002] there is no label `'uot`"]);
    reports("loop { service f(n); loop { break 'uot; } }", &["[B002] there is no label `'uot`"]);
    reports("loop { service f(n); continue 'uot; }", &["[B002] there is no label `'uot`"]);
    reports(
        "loop { parallel { a: { break 'uot; } b: { } } }",
        &["[B002] there is no label `'uot`"],
    );
}

#[test]
fn an_unknown_branch_says_nothing_about_data() {
    let unknown = "[B002] there is no branch `pakc`";
    let pack = "pack: { let parcel = service pack(&order); }";
    let block = |rest: &str| format!("parallel {{ {pack} {rest} }}");
    reports(&block("label after pakc: { service label(&parcel); }"), &[unknown]);
    let both = block("label after pakc: { let parcel = n; }");
    reports(&format!("{both} service f(parcel);"), &[unknown]);
    reports(&block("label after pakc: { } send after label: { service f(parcel); }"), &[unknown]);
    reports(
        &block("label after pakc: { } send: { service f(parcel); }"),
        &[unknown, "[B004] the branch `send` reads `parcel`, which the branch `pack` sets"],
    );
    reports(
        &format!(
            "let weight = n; {}",
            block("label after pakc: { if n > 3 { let x = n; } service f(x, weight); }")
        ),
        &[unknown, "[B003] `x` may be unset where `f` reads it"],
    );
}

#[test]
fn words_are_contextual() {
    reports("let user = n; let service = user; if service > user { }", &[]);
    reports("let wait = n; let call = wait + 1; let x = call * wait;", &[]);
    reports("let for_user: bool = user ask { user: n } for user order.user;", &[]);
    reports("let r#type = n; service tell(r#type);", &[]);
}

#[test]
fn a_process_becomes_a_struct_a_graph_and_a_function() {
    let source = r#"
        /// Charges.
        pub process P(order: Order) -> u64 {
            let payment = service charge(&order);
            if payment.amount > 3 { return payment.amount; }
            let ok: bool = user ask { payment };
            return 0;
        }
    "#;
    let output = expanded(source);
    let from = output.find("fn visit").unwrap();
    let to = output.find("fn input").unwrap();
    let head = &output[..output.find("const _").unwrap()];
    snapshot("head", &lines::without_picture(head));
    snapshot("visit", &output[from..to]);
}

#[test]
fn names_of_an_arm_have_a_definition_of_their_own() {
    let source = r#"
        process P(d: D) {
            match d { D::A(x) => { service a(x); } D::B(x, unused) => { service b(x); } }
        }
    "#;
    let output = expanded(source);
    let from = output.find("fn visit").unwrap();
    let to = output.find("fn input").unwrap();
    snapshot("arms", &output[from..to]);
}

/// Whatever is left out, there is a struct and nothing panics.
#[test]
fn half_typed_input_still_becomes_a_process() {
    let sample: Vec<TokenTree> = tokens(SAMPLE).into_iter().collect();
    assert!(!expanded(SAMPLE).contains("compile_error"), "{}", expanded(SAMPLE));
    let mut count = 0;
    for broken in mutilated(&sample) {
        let input = [TokenTree::Group(Group::new(Delimiter::Parenthesis, tokens("::bpm")))];
        let output = workflow(input.into_iter().chain(broken).collect()).to_string();
        assert!(output.contains("struct") || output.contains("expected `process Name"), "{output}");
        count += 1;
    }
    assert!(count > 500, "{count}");
}

/// The list without each of its tokens, cut off behind each, and the same inside of each group.
fn mutilated(list: &[TokenTree]) -> Vec<Vec<TokenTree>> {
    let mut found = Vec::new();
    for at in 0..list.len() {
        found.push(list[..at].to_vec());
        found.push([&list[..at], &list[at + 1..]].concat());
        if let TokenTree::Group(group) = &list[at] {
            let inner: Vec<TokenTree> = group.stream().into_iter().collect();
            for broken in mutilated(&inner) {
                let group = Group::new(group.delimiter(), broken.into_iter().collect());
                let mut list = list.to_vec();
                list[at] = TokenTree::Group(group);
                found.push(list);
            }
        }
    }
    found
}
