//! `workflow!`: syntax → lower → check → expand.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use bpm_model::check;
use bpm_model::finding::{Fault, Finding, Place};

use crate::lower::{Lowered, lower};
use crate::report::Report;
use crate::{expand, syntax};

/// Compiles a process. Good and bad input take the same way; what is wrong is said behind what
/// was understood.
pub(crate) fn workflow(input: TokenStream) -> TokenStream {
    let (facade, tokens) = facade(input);
    let mut reports = Vec::new();
    let Some(process) = syntax::process(tokens, &mut reports) else {
        return reports.iter().map(Report::item).collect();
    };
    let mut lowered = lower(&process);
    reports.append(&mut lowered.reports);
    reports.extend(findings(&lowered));
    #[cfg(test)]
    if reports.is_empty() {
        crate::tests::sound::assert_sound(&lowered.graph);
    }
    let slots = check::separate_private(&lowered.graph);
    let mut output = expand::process(&facade, &process, &lowered, &slots, reports.is_empty());
    output.extend(reports.iter().map(Report::item));
    output
}

/// The path of the facade, which `workflow!` puts in front in parentheses.
fn facade(input: TokenStream) -> (TokenStream, TokenStream) {
    let mut tokens = input.into_iter();
    match tokens.next() {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis => {
            (Group::stream(&group), tokens.collect())
        }
        first => (TokenStream::new(), first.into_iter().chain(tokens).collect()),
    }
}

/// What the checks find, at the user's tokens.
fn findings(lowered: &Lowered) -> Vec<Report> {
    let found = check::check(&lowered.graph);
    let told = found.iter().filter(|finding| !is_vague(finding, lowered));
    told.map(|finding| report(finding, lowered)).collect()
}

/// Whether a finding only follows from what was not understood.
fn is_vague(finding: &Finding, lowered: &Lowered) -> bool {
    let vague = |place: &Place| lowered.places.is_vague(place);
    let unordered = |branch: &usize| lowered.places.is_unordered(&lowered.graph, *branch);
    let is_of_order = match &finding.fault {
        Fault::Race { branch, other, .. } | Fault::UnorderedRead { branch, other, .. } => {
            unordered(branch) || unordered(other)
        }
        _ => false,
    };
    is_of_order || vague(&finding.place) || finding.related.iter().any(vague)
}

fn report(finding: &Finding, lowered: &Lowered) -> Report {
    let message = finding.message(&lowered.graph);
    let span = lowered.places.span(&finding.place);
    let what = format!("[{}] {}", message.code, message.what);
    let report = Report::new(span, what).follows(&message.follows).shown(&message.shown);
    let notes = message.notes.iter();
    notes.fold(report.help(&message.help), |report, (place, note)| {
        report.note(lowered.places.span(place), note)
    })
}
