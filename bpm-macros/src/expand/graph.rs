//! The graph as a constant.

use bpm_model::graph::{Condition, Edge, Graph, Node, Outcome, Scope, ScopeKind, Variable};
use bpm_model::kind::{Kind, Trigger};
use proc_macro2::TokenStream;
use quote::quote_spanned;

use super::{Facade, ours, policy};

pub(super) fn constant(facade: &Facade, graph: &Graph) -> TokenStream {
    let print = Printer(facade);
    let Graph { name, version, nodes, edges, variables, parameters, scopes, outcome, .. } = graph;
    let outcome = match outcome {
        Outcome::Value => quote_spanned!(ours()=> Value),
        Outcome::Never => quote_spanned!(ours()=> Never),
        Outcome::Unit | Outcome::Variables => quote_spanned!(ours()=> Unit),
    };
    let name = print.text(name);
    let nodes = print.list(nodes.iter().map(|node| print.node(node)));
    let edges = print.list(edges.iter().map(|edge| print.edge(edge)));
    let variables = print.list(variables.iter().map(|variable| print.variable(variable)));
    let scopes = print.list(scopes.iter().map(|scope| print.scope(scope)));
    quote_spanned! {ours()=>
        #facade::__private::Graph {
            name: #name,
            version: #version,
            origin: #facade::__private::Origin::Workflow,
            outcome: #facade::__private::Outcome::#outcome,
            nodes: #nodes,
            edges: #edges,
            variables: #variables,
            parameters: #parameters,
            scopes: #scopes,
        }
    }
}

struct Printer<'a>(&'a Facade);

impl Printer<'_> {
    fn text(&self, text: &str) -> TokenStream {
        let facade = self.0;
        quote_spanned!(ours()=> #facade::__private::Cow::Borrowed(#text))
    }

    fn list(&self, items: impl Iterator<Item = TokenStream>) -> TokenStream {
        let facade = self.0;
        quote_spanned!(ours()=> #facade::__private::Cow::Borrowed(&[#(#items),*]))
    }

    fn indices(&self, indices: &[usize]) -> TokenStream {
        self.list(indices.iter().map(|index| quote_spanned!(ours()=> #index)))
    }

    fn node(&self, node: &Node) -> TokenStream {
        let facade = self.0;
        let Node { id, kind, scope, reads, sets, source } = node;
        let (id, kind, source) = (self.text(id), self.kind(kind), self.text(source));
        let (reads, sets) = (self.indices(reads), self.indices(sets));
        quote_spanned! {ours()=>
            #facade::__private::Node {
                id: #id, kind: #facade::__private::Kind::#kind, scope: #scope,
                reads: #reads, sets: #sets, source: #source,
            }
        }
    }

    fn kind(&self, kind: &Kind) -> TokenStream {
        let facade = self.0;
        match kind {
            Kind::Start => quote_spanned!(ours()=> Start),
            Kind::End { returns } => quote_spanned!(ours()=> End { returns: #returns }),
            Kind::Fail => quote_spanned!(ours()=> Fail),
            Kind::Service { task, policy } => {
                let (task, policy) = (self.text(task), policy::tokens(facade, policy));
                quote_spanned!(ours()=> Service { task: #task, policy: #policy })
            }
            Kind::Undo { task, of } => {
                let task = self.text(task);
                quote_spanned!(ours()=> Undo { task: #task, of: #of })
            }
            Kind::Wait { .. } => {
                let none = quote_spanned!(ours()=> #facade::__private::None);
                quote_spanned!(ours()=> Wait { after_ms: #none })
            }
            Kind::User { name } => {
                let name = self.text(name);
                quote_spanned!(ours()=> User { name: #name })
            }
            Kind::Script => quote_spanned!(ours()=> Script),
            Kind::Exclusive => quote_spanned!(ours()=> Exclusive),
            Kind::Each => quote_spanned!(ours()=> Each),
            Kind::Parallel => quote_spanned!(ours()=> Parallel),
            Kind::Scope { copies } => {
                let pairs = copies.iter().map(|(of, copy)| quote_spanned!(ours()=> (#of, #copy)));
                let copies = self.list(pairs);
                quote_spanned!(ours()=> Scope { copies: #copies })
            }
            Kind::Leave { of } => quote_spanned!(ours()=> Leave { of: #of }),
            Kind::Boundary { of, on, interrupts } => {
                let on = match on {
                    Trigger::Error => quote_spanned!(ours()=> Error),
                    Trigger::After => quote_spanned!(ours()=> After),
                    Trigger::At => quote_spanned!(ours()=> At),
                    Trigger::Every => quote_spanned!(ours()=> Every),
                };
                quote_spanned! {ours()=>
                    Boundary {
                        of: #of, on: #facade::__private::Trigger::#on, interrupts: #interrupts,
                    }
                }
            }
            Kind::Race { wins } => quote_spanned!(ours()=> Race { wins: #wins }),
            Kind::Won { race } => quote_spanned!(ours()=> Won { race: #race }),
        }
    }

    fn edge(&self, edge: &Edge) -> TokenStream {
        let facade = self.0;
        let Edge { from, to, condition, text, sets } = edge;
        let (condition, text, sets) =
            (self.condition(condition), self.text(text), self.indices(sets));
        quote_spanned! {ours()=>
            #facade::__private::Edge {
                from: #from, to: #to, condition: #facade::__private::Condition::#condition,
                text: #text, sets: #sets,
            }
        }
    }

    fn condition(&self, condition: &Condition) -> TokenStream {
        match condition {
            Condition::Always => quote_spanned!(ours()=> Always),
            Condition::Code => quote_spanned!(ours()=> Code),
            Condition::Default => quote_spanned!(ours()=> Default),
            Condition::Boundary => quote_spanned!(ours()=> Boundary),
            Condition::Expression(text) => {
                let text = self.text(text);
                quote_spanned!(ours()=> Expression(#text))
            }
            Condition::VariableEq(name, value) => {
                let (name, value) = (self.text(name), self.text(value));
                quote_spanned!(ours()=> VariableEq(#name, #value))
            }
        }
    }

    fn variable(&self, variable: &Variable) -> TokenStream {
        let facade = self.0;
        let Variable { name, key, ty } = variable;
        let (name, key, ty) = (self.text(name), self.text(key), self.text(ty));
        quote_spanned!(ours()=> #facade::__private::Slot { name: #name, key: #key, ty: #ty })
    }

    fn scope(&self, scope: &Scope) -> TokenStream {
        let facade = self.0;
        let parent = scope.parent;
        let kind = match &scope.kind {
            ScopeKind::Process => quote_spanned!(ours()=> Process),
            ScopeKind::Branch { name, fork, after } => {
                let (name, after) = (self.text(name), self.indices(after));
                quote_spanned!(ours()=> Branch { name: #name, fork: #fork, after: #after })
            }
            ScopeKind::Body { of } => quote_spanned!(ours()=> Body { of: #of }),
        };
        quote_spanned! {ours()=>
            #facade::__private::Scope {
                kind: #facade::__private::ScopeKind::#kind, parent: #parent,
            }
        }
    }
}
