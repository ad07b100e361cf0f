//! What is found in which graph.

mod scopes;

use super::notation::graph;
use super::{check, separate_private};
use crate::finding::{Code, Finding, Place};
use crate::graph::{Graph, ScopeKind};
use crate::kind::Kind;
use crate::policy::{Exhausted, Policy, Retry};

/// A finding in short: `B003 b.x` is a read of x at b, `B004 b=x` a set, `B008 branch pack`.
fn short(graph: &Graph, finding: &Finding) -> String {
    let id = |node: usize| &graph.nodes[node].id;
    let name = |variable: usize| &graph.variables[variable].name;
    let place = match &finding.place {
        Place::Process => "process".to_owned(),
        Place::Result => "result".to_owned(),
        Place::Node(node) => id(*node).to_string(),
        Place::Edge(edge) => {
            format!("{}>{}", id(graph.edges[*edge].from), id(graph.edges[*edge].to))
        }
        Place::Scope(scope) => match &graph.scopes[*scope].kind {
            ScopeKind::Branch { name, .. } => format!("branch {name}"),
            ScopeKind::Body { of } => format!("body {}", id(*of)),
            ScopeKind::Process => "process".to_owned(),
        },
        Place::Clause { node, part } => format!("{} {part:?}", id(*node)),
        Place::Read { node, variable } => format!("{}.{}", id(*node), name(*variable)),
        Place::Set { node, variable } => format!("{}={}", id(*node), name(*variable)),
        Place::Expression { edge, at } => {
            format!("{} {}..{}", id(graph.edges[*edge].from), at.start, at.end)
        }
    };
    format!("{} {place}", finding.code())
}

#[track_caller]
fn finds(text: &str, expected: &[&str]) {
    let graph = graph(text);
    let found: Vec<String> = check(&graph).iter().map(|at| short(&graph, at)).collect();
    assert_eq!(found, expected, "in\n{text}");
}

#[track_caller]
fn says(text: &str, expected: &str) {
    let graph = graph(text);
    let messages: Vec<String> =
        check(&graph).iter().map(|at| at.message(&graph).to_string()).collect();
    assert_eq!(messages.join("\n"), expected, "in\n{text}");
}

const FORK: &str = "branch one of +f: a; branch two of +f: b";

#[test]
fn nothing_in_a_plain_process() {
    finds("start > a > end", &[]);
    finds("start > ?g -[if x]> a > ?m > end; ?g -[else]> ?m", &[]);
    finds(&format!("start > +f > a > +j > end; +f > b > +j; {FORK}"), &[]);
    finds("start > ?m > *e -[item|x]> a > ?m; *e -[done]> end; a reads x", &[]);
}

#[test]
fn names() {
    let mut doubled = graph("start > a > b > end");
    doubled.nodes.to_mut()[2].id = "a".into();
    let found = check(&doubled);
    assert_eq!(found.iter().map(|at| short(&doubled, at)).collect::<Vec<_>>(), ["B001 a"]);
    assert_eq!(found[0].related, [Place::Node(1)]);
}

#[test]
fn unset_reads() {
    finds("parameters x; start > a > end; a reads x", &[]);
    finds("start > a > end; a reads x", &["B003 a.x"]);
    finds("start > s > a > end; s sets x; a reads x", &[]);
    finds("start > a > end; a sets x; a reads x", &["B003 a.x"]);
    let choice = "start > ?g -[if n > 1]> s > ?m > a > end; s sets x; a reads x";
    finds(&format!("{choice}; ?g -[else]> ?m"), &["B003 a.x"]);
    finds(&format!("{choice}; ?g -[else]> t > ?m; t sets x"), &[]);
    finds(&format!("{choice}; ?g -[else]> return"), &[]);
    finds("start > ?g -[Some(x)|x]> a > end; ?g -[None]> return; a reads x", &[]);
    let parallel = format!("start > +f > a > +j > c > end; +f > b > +j; {FORK}; c reads x y");
    finds(&format!("{parallel}; a sets x; b sets y"), &[]);
    finds(&format!("{parallel}; a sets x"), &["B003 c.y"]);
    let each = "start > ?m > *e -[item|x]> a > ?m; *e -[done]> b > end; a sets y";
    finds(&format!("{each}; a reads x; b reads x y"), &["B003 b.x", "B003 b.y"]);
    let turn = "start > ?m > a > ?g -[if d]> ?m; ?g -[else]> b > end; b reads x";
    finds(&format!("{turn}; a sets x"), &[]);
    finds(&format!("{turn}; a sets y; a reads y"), &["B003 a.y", "B003 b.x"]);
}

#[test]
fn the_path_on_which_it_is_unset() {
    says(
        "start > a > ?g -[if amount > 50]> s > ?m > b > ship > end; ?g -[else]> ?m
         s sets x; ship reads x",
        "[B003] `x` may be unset where `ship` reads it
  no step on this path sets it: start → a → else → b → ship
  help: set `x` on every path that leads here, or before the paths part",
    );
}

#[test]
fn races() {
    let parallel = format!("start > +f > a > +j > c > end; +f > b > +j; {FORK}");
    finds(&format!("{parallel}; a sets x; b sets x; c reads x"), &["B004 b=x"]);
    finds(&format!("{parallel}; a sets x; b reads x"), &["B004 b.x"]);
    finds(&format!("{parallel}; b sets x; a reads x"), &["B004 a.x"]);
    finds(&format!("parameters x; {parallel}; a reads x; b reads x"), &[]);
    finds(&format!("parameters x; {parallel}; a sets x; b reads x"), &[]);
    finds(&format!("{parallel}; a sets x; b reads x; b sets x"), &["B004 b.x"]);
    finds(&format!("parameters x; {parallel}; a sets x; b reads x; c reads x"), &["B004 b.x"]);
    finds(&format!("{parallel}; a sets x; b sets x"), &[]);
    let ordered = "start > +f > a > b > +j > end; +f > d > +j
        branch one of +f: a; branch two of +f: b after one; branch three of +f: d";
    finds(&format!("{ordered}; a sets x; b reads x; b sets x"), &[]);
    finds(&format!("{ordered}; a sets x; b reads x; d reads x"), &["B004 d.x"]);
    finds(&format!("{ordered}; a sets x; b reads x; d sets x"), &[]);
    finds(
        &format!("{ordered}; a sets x; b reads x; d reads x; d sets x"),
        &["B004 b.x", "B004 d.x"],
    );
}

#[test]
fn race_in_words() {
    says(
        "start > +f > pack > +j > c > end; +f > bill > +j; pack sets x; bill sets x; c reads x
         branch one of +f: pack; branch two of +f: bill",
        "[B004] the branches `one` and `two` both set `x`
  they run at the same time, so whichever is later would win
  help: use two names, or let one wait: `two after one`",
    );
}

#[test]
fn private_names() {
    let text = "start > +f > a > a2 > +j > c > end; +f > b > b2 > +j
        branch one of +f: a a2; branch two of +f: b b2
        a sets t; a2 reads t; b sets t; b2 reads t; c sets t";
    let separated = separate_private(&graph(text));
    let keys: Vec<&str> = separated.variables.iter().map(|at| &*at.key).collect();
    assert_eq!(keys, ["t", "one.t", "two.t"]);
    let node = |id: &str| &separated.nodes[separated.node(id).unwrap()];
    assert_eq!(node("a").sets, node("a2").reads);
    assert_eq!(*node("b").sets, [2]);
    assert_eq!(*node("c").sets, [0]);
    assert_eq!(separate_private(&separated), separated);
    finds(text, &[]);
    finds(&format!("{text}; end reads t"), &[]);
    finds(&format!("{text}; c reads t"), &["B004 b=t"]);
}

#[test]
fn private_names_of_nested_blocks() {
    let text = "start > +f > a > +g > i > +h > +j > end; +g > k > +h; +f > b > +j
        branch one of +f: a +g +h; branch two of +f: b; branch in1 of +g: i; branch in2 of +g: k
        i sets t; i reads u; k sets t; b sets t; a sets u";
    let separated = separate_private(&graph(text));
    let keys: Vec<&str> = separated.variables.iter().map(|at| &*at.key).collect();
    assert_eq!(keys, ["t", "u", "in1.t", "in2.t"]);
    finds(text, &[]);
}

#[test]
fn names_that_are_private_inside_of_a_branch_that_reads_them_before() {
    let text = "parameters t; start > +f > +g > a > i > +h > +j > end; +g > +h; +f > b > +j
        branch one of +f: +g +h; branch two of +f: b
        branch in1 of +g: a; branch in2 of +g: i after in1
        a reads t; i sets t; b reads t";
    finds(text, &[]);
}

#[test]
fn what_one_branch_of_an_inner_block_sets_is_not_taken_from_outside() {
    let text = "start > +f > +g > a > +h > c > +j > end; +g > i > +h; +f > b > b2 > +j
        branch one of +f: +g +h c; branch two of +f: b b2
        branch in1 of +g: a; branch in2 of +g: i
        i sets t; c reads t; b sets t; b2 reads t";
    finds(text, &[]);
    finds(&text.replace("i sets t; ", ""), &["B004 c.t"]);
}

#[test]
fn what_a_later_block_sets_anew_is_not_what_an_earlier_one_left() {
    let text = "start > +f > a > +j > +g > c > +h > e > end; +f > b > +j; +g > d > +h
        branch one of +f: a; branch two of +f: b; branch in1 of +g: c; branch in2 of +g: d
        a sets t; b sets t; d sets t; e reads t";
    finds(text, &[]);
    finds(&format!("{text}; c reads t"), &["B004 c.t", "B004 b=t"]);
    finds(&text.replace("d sets t; ", ""), &["B004 b=t"]);
}

#[test]
fn dead_parts() {
    finds("start > a > return; b > c > end", &["B005 b"]);
    finds("start > ?g -[if x]> return; ?g -[else]> return2; ?m > end", &[]);
    finds("start > ?g -[if x]> return; ?g -[else]> return2; ?m > b > c > end", &["B005 b"]);
    finds("start > ?l > a > ?l; b > end", &["B006 l", "B005 b"]);
    finds("start > a > return; ?l > b > ?l", &["B005 l"]);
    finds("start > a > return; ?g -[if x]> b > ?m > end; ?g -[else]> ?m", &["B005 g"]);
    let block = format!("start > +f > a > return; +f > b > +j > c > end; {FORK}");
    finds(&block, &["B005 c"]);
    finds(&block.replace(" of +f: a", " of +f: a return"), &["B005 c"]);
    finds(&format!("start > +f > a > +j > end; +f > b > return; b2 > +j; {FORK} b2"), &["B005 b2"]);
    finds("built; start > a > end; b > c > end; d > end", &["B005 b", "B005 d"]);
}

#[test]
fn undo() {
    finds("start > a > b > end; ^a/undo; a sets x; a/undo reads x", &[]);
    finds("start > a > b > end; ^a/undo; b sets x; a/undo reads x", &["B010 a/undo.x"]);
    finds(
        "start > ?g -[if c]> b > ?m > a > end; ?g -[else]> ?m; ^a/undo; b sets x; a/undo reads x",
        &["B010 a/undo.x"],
    );
    finds("start > return; a > end; ^a/undo", &["B005 a"]);
    let parallel = format!("start > +f > a > +j > end; +f > b > +j; {FORK}; ^a/undo");
    finds(&format!("{parallel}; b sets x; a/undo reads x"), &["B010 a/undo.x"]);
}

#[test]
fn policies() {
    let check_one = |kind: Kind, expected: &[&str]| {
        let mut graph = graph("start > a > end");
        graph.nodes.to_mut()[1].kind = kind;
        let found: Vec<String> = check(&graph).iter().map(|at| short(&graph, at)).collect();
        assert_eq!(found, expected);
    };
    let service = |retry, timeout_ms| Kind::Service {
        task: "a".into(),
        policy: Policy { retry, timeout_ms },
    };
    let retry = |attempts, first_ms, max_ms| {
        Some(Retry { attempts, first_ms, max_ms, then: Exhausted::Fail })
    };
    check_one(service(retry(1, 1, 1), Some(1)), &[]);
    check_one(service(retry(0, 5, 4), None), &["B015 a Attempts", "B015 a Max"]);
    check_one(service(retry(3, 0, 0), Some(0)), &["B015 a First", "B015 a Timeout"]);
    check_one(Kind::Wait { after_ms: Some(0) }, &["B015 a Wait"]);
    check_one(Kind::Wait { after_ms: Some(1) }, &[]);
    check_one(Kind::Wait { after_ms: None }, &[]);
}

#[test]
fn failing() {
    finds("start > ?g -[if x]> fail; ?g -[else]> end", &[]);
    finds("start > fail; -> value", &[]);
    finds("start > ?l > a > ?g -[if x]> ?l; ?g -[else]> fail; -> never", &[]);
}

#[test]
fn loops() {
    finds("start > ?l > a > ?l; -> never", &[]);
    finds("start > ?l > ~a > ?l; -> never", &[]);
    finds("start > ?l > .a > ?l; -> never", &["B006 l"]);
    finds("start > ?l > .a > ?l", &["B006 l"]);
    finds("start > ?l > .a > ?g -[if x]> ?l; ?g -[else]> end", &["B006 l"]);
    finds("start > ?l > a > ?g -[if x]> ?l; ?g -[else]> end", &[]);
    finds("start > ?m > *e -[item|x]> .a > ?m; *e -[done]> end", &[]);
    finds(
        "start > ?l > ?m > *e -[item|x]> .a > ?m; *e -[done]> ?g -[again]> ?l; ?g -[no]> end",
        &["B006 l"],
    );
    let block = "start > ?l > +f > .a > +j > ?g -[again]> ?l; ?g -[done]> end; +f";
    let branches = "branch one of +f: .a; branch two of +f:";
    finds(&format!("{block} > .b > +j; {branches} .b"), &["B006 l"]);
    finds(&format!("{block} > b > +j; {branches} b"), &[]);
    finds(
        &format!("{block} > ?h -[if x]> b > ?k > +j; ?h -[else]> ?k; {branches} b ?h ?k"),
        &["B006 l"],
    );
    finds(&format!("{block} > b > .c > +j; {branches} b .c"), &[]);
    says(
        "start > ?retry > .count > ?g -[if n < 3]> ?retry; ?g -[else]> end",
        "[B006] the loop `retry` can turn without ever resting
  it would spin inside one turn of the engine: count → if n < 3
  help: put a task or a wait on this path",
    );
}

#[test]
fn jumps() {
    let text = "start > ?l > +f > ?q -[if x]> ?out > end; ?q -[else]> a > +j; +f > b > +j > ?l
        branch one of +f: ?q a; branch two of +f: b";
    finds(text, &["B007 q"]);
}

#[test]
fn cycles_of_after() {
    finds(
        "start > +f > a > +j > d > end; b > c > b; c > +j
        branch one of +f: a; branch two of +f: b after three; branch three of +f: c after two",
        &["B008 branch two"],
    );
    says(
        "start > +f > a > +j > d > end; b > b; b > +j
        branch one of +f: a; branch two of +f: b after two",
        "[B008] the branch `two` waits for itself
  none of them would ever start, and the block would never end
  help: remove one `after` of the cycle",
    );
}

#[test]
fn endings() {
    finds("-> value; start > a > return", &[]);
    finds("-> value; start > a > end", &["B009 result"]);
    finds("-> never; start > a > end", &["B009 result"]);
    says(
        "-> value; start > ?g -[if x]> return; ?g -[else]> a > end",
        "[B009] a path ends without the result of the process
  the instance would end with nothing to hand back: start → else → a → end
  help: write `return …;` at the end of this path",
    );
}

#[test]
fn form() {
    finds("built; a > end; start2 > end", &["B005 a"]);
    finds("built; start > end; start2 > b > end2", &["B018 start2"]);
    finds("built; a > end", &["B018 process", "B005 a"]);
    finds("built; start > a", &["B018 process"]);
    finds(
        "built; start > ?g -{x}> a; ?g -{else}> ?m > b > ?h -{y}> ?m; ?h -{else}> c",
        &["B018 process"],
    );
    finds("built; start > ?g -{x}> a; ?g -{else}> b > end", &["B018 a"]);
    finds("built; start > a > b > end; a > end2", &["B018 a"]);
    finds("built; start > ?g > a > b > end; ?g > b", &["B018 b"]);
    finds("built; start > ?g -{x > 1}> a > end; ?g -{y}> a; ?g -{else}> end2", &[]);
    finds("built; start > ?g -{x > 1}> a > end; ?g -{y > 1}> b > end2", &["B013 g"]);
    finds("built; start > a -{x > 1}> end", &["B018 a>end"]);
    finds("built; start > ?g > a > end; ?g > b > ?g", &["B018 g"]);
    finds("built; start > ?g > a > end; ?g > ?m > b > ?m", &["B011 m"]);
}

#[test]
fn no_end_names_what_has_no_way_out() {
    says(
        "built; start > ?g -{x}> a; ?g -{else}> b",
        "[B018] the process `Test` has no end
  no instance could complete
  help: add `.end(\"end\")`, and an edge to it from `a` and from `b`",
    );
    says(
        "built; start > ?m > a > ?m",
        "[B018] the process `Test` has no end
  no instance could complete
  help: add `.end(\"end\")` and an edge to it",
    );
}

#[test]
fn what_is_never_chosen() {
    let says_of = |first: &str, expected: &str| {
        says(&format!("built; start > ?g -{{{first}}}> a > end; ?g -{{else}}> b > end2"), expected);
    };
    says_of(
        "1 > 2",
        "[B005] `a` can never run
  the way to it is taken if `1 > 2`, which is always false
  help: let the condition depend on a variable, or remove this way",
    );
    says_of(
        "1 < 2",
        "[B005] `b` can never run
  the way before it is taken if `1 < 2`, which is always true
  help: let the condition depend on a variable, or remove this way",
    );
    finds(
        "built; start > ?g -{false}> a > b > end; ?g -{else}> ?m > end2; ?h > ?m",
        &["B005 a", "B005 h"],
    );
}

#[test]
fn expressions() {
    let choice = |condition: &str, rest: &str| {
        format!("start > ?g -{{{condition}}}> a > end; ?g -{{else}}> b > end; {rest}")
    };
    finds(&choice("n > 1", "parameters n"), &[]);
    finds(&choice("n >", "parameters n"), &["B014 g 3..3"]);
    finds(&choice("m > 1", "parameters n"), &["B014 g 0..1"]);
    finds(&choice("m > 1", "built"), &[]);
    finds(&choice("n", "parameters n; type n u64"), &["B014 g 0..1"]);
    finds(&choice("n > 'a'", "parameters n; type n u64"), &["B014 g 2..3"]);
    finds(&choice("false", ""), &["B005 a"]);
    finds(&choice("true", ""), &["B005 b"]);
    finds("built; start > ?g -{true}> a > end", &[]);
    finds("start > ?l > ?g -{true}> a > ?l; ?g -{else}> end", &["B006 l"]);
}

#[test]
fn expressions_in_words() {
    says(
        "built; start > ?g -{size(lines) > }> a > end; ?g -{else}> end2",
        "[B014] expected an expression, found the end
  in `if size(lines) > `: it could not be evaluated at run time
    size(lines) > \n                  ^
  help: complete the expression, or remove what does not belong in it",
    );
}

/// Every error of an expression says what to do, also where the language has no help for it.
#[test]
fn errors_of_expressions_come_with_help() {
    let wrong = [
        "a >",
        "a b",
        "a ? b",
        "'open",
        "1u2",
        "0x",
        "a.map(x, x)",
        "[1].all(x, x > 0)",
        "b'x'",
        "fun(a)",
        "size()",
        "has(1)",
        "a.size(1)",
        "'a' < 1",
        "!1",
        "-'a'",
        "1 + 1u",
        "'a'.b",
        "5",
        "9223372036854775808",
        "\"\\q\"",
        "a = b",
        "a and b",
        "null > 1",
        "for",
        "@",
    ];
    for text in wrong {
        let graph = graph(&format!("built; start > ?g -{{{text}}}> a > end; ?g -{{else}}> end2"));
        let findings = check(&graph);
        assert!(!findings.is_empty(), "{text} is accepted");
        for finding in findings {
            let message = finding.message(&graph);
            assert_eq!(message.code, Code::B014, "{text}: {message}");
            assert!(!message.help.is_empty() && message.shown.contains('^'), "{text}: {message}");
        }
    }
}

#[test]
fn tokens() {
    finds("built; start > +f > a > +j > end; +f > b > +j", &[]);
    finds("built; start > ?f > a > +j > end; ?f > b > +j", &["B011 j"]);
    finds("built; start > +f > a > ?j > end; +f > b > ?j", &["B012 j"]);
    finds("built; start > +f > a > end; +f > b > end", &["B012 end"]);
    finds("built; start > +f > a > end; +f > b > end2", &["B012 end2"]);
    finds("built; start > +f > a > ?x > +j > end; +f > b > +j; ?x > end2", &["B011 j"]);
    finds("built; start > +j > +f > a > end; +f > b > +j", &["B011 j"]);
    let block = |at: u8, open: char, close: char| {
        format!("{open}o{at} > a{at} > {close}c{at}; {open}o{at} > b{at} > {close}c{at}")
    };
    let two = [block(1, '?', '+'), block(2, '+', '?')].join("; ");
    finds(&format!("built; start > ?o1; +c1 > +o2; ?c2 > end; {two}"), &["B011 c1", "B012 c2"]);
}

#[test]
fn runs_in_words() {
    says(
        "built; start > ?choice -{amount > 50}> ship > +join > end
         ?choice -{else}> invoice > +join",
        "[B011] `join` may wait for ever
  one of its ways in may stay empty while another has arrived: start → if amount > 50 → ship → \
[join waits for \"invoice\", which was never started]
  help: join what was forked with a parallel gateway and merge what was chosen with an exclusive one",
    );
    says(
        "built; start > +fork > a > ?x -{paid}> end; ?x -{else}> +join > end2; +fork > b > +join",
        "[B011] `join` may wait for ever
  one of its ways in may stay empty while another has arrived: start → fork → a → b → if paid → end → \
[join waits for \"otherwise\", which was not chosen]
  help: join what was forked with a parallel gateway and merge what was chosen with an exclusive one",
    );
    let twice = |text: &str, run: &str| {
        let graph = graph(text);
        let messages: Vec<String> =
            check(&graph).iter().map(|at| at.message(&graph).follows).collect();
        assert_eq!(messages.len(), 1, "{messages:?} in {text}");
        assert!(messages[0].ends_with(&format!(": {run}")), "{} in {text}", messages[0]);
    };
    twice(
        "built; start > +fork > pack > ?merge > end; +fork > invoice > ?merge",
        "start → fork → pack → invoice → [merge is reached a second time]",
    );
    twice(
        "built; start > +fork > a > +join > ?done > end; +fork > b > +join; +fork > c > ?done",
        "start → fork → a → join → c → [done is reached a second time]",
    );
    twice(
        "built; start > +fork > a > end; +fork > b > end",
        "start → fork → a → end → b → [end is reached a second time]",
    );
    twice("built; start > +fork > a > end; +fork > b > end2", "start → fork → a → end → b → end2");
}
