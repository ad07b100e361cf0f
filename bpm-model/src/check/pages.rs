//! The pages on findings, `docs/errors/*.md`, show what is really said.

use super::check;
use super::notation::graph;
use crate::finding::{Fault, Finding, Named, Place};
use crate::graph::{Graph, ScopeKind};

/// The graphs of the examples in `workflow!`, refused and mended, in the order of their pages.
const EXAMPLES: &[(&str, &str, &str)] = &[
    (
        "B003",
        "parameters order; start > ?if -[if order.total > 1_000]> insure > ?m > ship > end
         ?if -[else]> ?m; insure sets insurance; ship reads order insurance",
        "parameters order; start > ?if -[if order.total > 1_000]> insure > ?m > ship > end
         ?if -[else]> .let:insurance > ?m
         insure sets insurance; let:insurance sets insurance; ship reads order insurance",
    ),
    (
        "B004",
        "parameters order; start > +f > weigh > +j > ship > end; +f > weigh_box > +j
         branch goods of +f: weigh; branch packing of +f: weigh_box
         weigh sets weight; weigh_box sets weight; ship reads order weight",
        "parameters order; start > +f > weigh > +j > ship > end; +f > weigh_box > +j
         branch goods of +f: weigh; branch packing of +f: weigh_box
         weigh sets net; weigh_box sets tare; ship reads order net tare",
    ),
    (
        "B004",
        "parameters order; start > +f > pack > +j > end; +f > print_label > +j
         branch pack of +f: pack; branch label of +f: print_label
         pack sets parcel; print_label reads parcel",
        "parameters order; start > +f > pack > print_label > +j > end
         branch pack of +f: pack; branch label of +f: print_label after pack
         pack sets parcel; print_label reads parcel",
    ),
    (
        "B005",
        "-> value; parameters user; start > create_account > return; send_welcome > end
         create_account sets account; return reads account; send_welcome reads user",
        "-> value; parameters user; start > create_account > send_welcome > return
         create_account sets account; return reads account; send_welcome reads user",
    ),
    (
        "B006",
        "parameters site; start > ?loop > probe > acknowledge > ?loop
         probe sets state; acknowledge reads state",
        "-> never; parameters site; start > ?loop > probe > acknowledge > ?loop
         probe sets state; acknowledge reads state",
    ),
    (
        "B006",
        "parameters order; start > .let:paid > ?while:!paid > ?condition
         ?condition -[while !paid]> .let:paid#2 > ?while:!paid; ?condition -[not !paid]> end
         let:paid sets paid; let:paid#2 sets paid; condition reads paid",
        "parameters order; start > .let:paid > ?while:!paid > ?condition
         ?condition -[while !paid]> is_paid > ?while:!paid; ?condition -[not !paid]> end
         let:paid sets paid; is_paid sets paid; condition reads paid",
    ),
    (
        "B007",
        "parameters order; start > ?loop > +f > ask_price > ?if -[if offer.is_good()]> ?out > end
         ?if -[else]> ?m > +j; +f > reserve > +j > ?loop
         branch price of +f: ask_price ?if ?m; branch stock of +f: reserve
         ask_price sets offer; if reads offer",
        "parameters order; start > ?loop > +f > ask_price > +j; +f > reserve > +j > ?if
         ?if -[if offer.is_good()]> end; ?if -[else]> ?loop
         branch price of +f: ask_price; branch stock of +f: reserve
         ask_price sets offer; if reads offer",
    ),
    (
        "B008",
        "parameters order; start > +f > +j > end; pack > +j; print_label > +j
         pack > print_label; print_label > pack
         branch pack of +f: pack after label; branch label of +f: print_label after pack",
        "parameters order; start > +f > pack > print_label > +j > end
         branch pack of +f: pack; branch label of +f: print_label after pack",
    ),
    (
        "B009",
        "-> value; parameters order; start > ?if -[if order.total > 1_000]> charge > return
         ?if -[else]> reject > end; charge sets receipt; return reads receipt",
        "-> value; parameters order; start > ?if -[if order.total > 1_000]> charge > return
         ?if -[else]> reject > return#2; charge sets receipt; return reads receipt",
    ),
    (
        "B009",
        "-> never; parameters site; start > ?loop > probe > ?if -[if state.is_gone()]> end
         ?if -[else]> ?loop; probe sets state; if reads state",
        "parameters site; start > ?loop > probe > ?if -[if state.is_gone()]> end
         ?if -[else]> ?loop; probe sets state; if reads state",
    ),
    (
        "B014",
        "parameters amount; start > ?if -{amuont > 50}> approve > ?m > end; ?if -{else}> ?m",
        "parameters amount; start > ?if -{amount > 50}> approve > ?m > end; ?if -{else}> ?m",
    ),
];

/// What is said of examples that the notation has no words for.
fn others() -> Vec<(&'static str, String)> {
    let mut ids = graph("parameters order; start > charge > freight > end");
    ids.nodes.to_mut()[2].id = "charge".into();
    let mut branches = graph(
        "parameters order; start > +f > print_label > +j > end; +f > print_bill > +j
         branch paper of +f: print_label; branch bill of +f: print_bill",
    );
    if let ScopeKind::Branch { name, .. } = &mut branches.scopes.to_mut()[2].kind {
        *name = "paper".into();
    }
    let (name, nearest) = ("pakc".to_owned(), Some("pack".to_owned()));
    let fault = Fault::Unknown { named: Named::Branch, name, nearest };
    let unknown = Finding::new(fault, Place::Process).message(&branches);
    vec![("B001", said(&ids)), ("B001", said(&branches)), ("B002", unknown.to_string())]
}

fn said(graph: &Graph) -> String {
    let said: Vec<String> =
        check(graph).iter().map(|finding| finding.message(graph).to_string()).collect();
    said.join("\n\n")
}

/// The findings that a page shows below examples in `workflow!`.
fn shown(page: &str) -> Vec<String> {
    let path = format!("{}/../docs/errors/{page}.md", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect(&path);
    let blocks: Vec<&str> = text.split("```").skip(1).step_by(2).collect();
    let below = blocks.windows(2).filter(|pair| pair[0].starts_with("rust\nworkflow!"));
    below.filter_map(|pair| pair[1].strip_prefix("text\n")).map(|at| at.trim().into()).collect()
}

#[test]
fn what_pages_show_is_what_is_said() {
    let mut said_of = others();
    said_of.extend(EXAMPLES.iter().map(|(page, refused, _)| (*page, said(&graph(refused)))));
    for number in 1..=18 {
        let page = format!("B{number:03}");
        let said: Vec<&String> =
            said_of.iter().filter(|(of, _)| *of == page).map(|(_, said)| said).collect();
        if !said.is_empty() {
            assert_eq!(shown(&page).iter().collect::<Vec<_>>(), said, "docs/errors/{page}.md");
        }
    }
}

#[test]
fn mended_examples_are_accepted() {
    for (page, _, mended) in EXAMPLES {
        assert_eq!(said(&graph(mended)), "", "mended on docs/errors/{page}.md");
    }
}
