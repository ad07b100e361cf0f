//! The checks and the explorer must agree on random graphs; and the checks must be fast on those
//! that no explorer finishes.

use std::time::{Duration, Instant};

use bpm_model::check::{check, tokens};
use bpm_model::finding::Code;
use bpm_model::graph::Graph;
use bpm_model::kind::Kind;
use bpm_testkit::arbitrary::{Random, Sketch};
use bpm_testkit::blocks::Blocks;
use bpm_testkit::explorer::{Verdict, explore};

const MARKINGS_MAX: usize = 5_000;

/// What the checks say about tokens.
fn codes(graph: &Graph) -> Vec<Code> {
    let codes = check(graph).into_iter().map(|finding| finding.message(graph).code);
    codes.filter(|code| *code != Code::B006).collect()
}

#[track_caller]
fn agree(seed: u64, sketch: &Sketch) -> Verdict {
    let graph = sketch.graph();
    let verdict = explore(&graph, MARKINGS_MAX);
    let codes = codes(&graph);
    let of_tokens = codes.iter().all(|code| [Code::B011, Code::B012].contains(code));
    assert!(of_tokens, "seed {seed}: {codes:?} in {sketch:?}");
    if verdict != Verdict::TooLarge {
        let sound = verdict == Verdict::Sound;
        assert_eq!(sound, codes.is_empty(), "seed {seed}: {verdict:?}, {codes:?} in {sketch:?}");
    }
    verdict
}

#[test]
fn sound_graphs_are_accepted() {
    for seed in 0..1_500 {
        let mut random = Random::new(seed);
        let steps = random.below(14);
        let sketch = Sketch::sound(&mut random, steps);
        let verdict = agree(seed, &sketch);
        assert!([Verdict::Sound, Verdict::TooLarge].contains(&verdict), "seed {seed}: {verdict:?}");
        assert_eq!(codes(&sketch.graph()), [], "seed {seed}");
    }
}

#[test]
fn mutated_graphs_are_judged_alike() {
    let mut sound = 0;
    for seed in 0..6_000 {
        let mut random = Random::new(seed);
        let steps = random.below(8);
        let mut sketch = Sketch::sound(&mut random, steps);
        for _ in 0..1 + random.below(4) {
            sketch.mutate(&mut random);
        }
        sound += usize::from(agree(seed, &sketch) == Verdict::Sound);
    }
    assert!((600..5_400).contains(&sound), "{sound} of 6000 are sound: a poor sample");
}

#[test]
fn blocks_are_sound() {
    let mut judged = 0;
    for seed in 0..800 {
        let mut random = Random::new(seed);
        let statements = 2 + random.below(12);
        let graph = Blocks::with_scopes(&mut random, statements).graph;
        let verdict = explore(&graph, MARKINGS_MAX);
        let expected = [Verdict::Sound, Verdict::TooLarge];
        assert!(expected.contains(&verdict), "seed {seed}: {verdict:?} in {graph:#?}");
        judged += usize::from(verdict == Verdict::Sound);
        let found: Vec<String> =
            tokens(&graph).iter().map(|at| at.message(&graph).to_string()).collect();
        assert!(found.is_empty(), "seed {seed}: {found:?} in {graph:#?}");
        let codes: Vec<Code> = check(&graph).iter().map(|finding| finding.code()).collect();
        let of_form = [Code::B005, Code::B007, Code::B009, Code::B016, Code::B018];
        assert!(
            !codes.iter().any(|at| of_form.contains(at)),
            "seed {seed}: {codes:?} in {graph:#?}"
        );
    }
    assert!(judged > 600, "only {judged} of 800 were judged");
}

#[track_caller]
fn accepted_within(limit: Duration, graph: &Graph) {
    let begin = Instant::now();
    assert_eq!(codes(graph), []);
    assert!(begin.elapsed() < limit, "took {:?}", begin.elapsed());
}

#[test]
fn twenty_branches_with_inner_structure() {
    let mut sketch = Sketch::default();
    sketch.put_block(0, Kind::Parallel, 20);
    let branches: Vec<usize> = (0..sketch.graph().edges.len()).collect();
    for edge in branches {
        sketch.put_task(edge);
        sketch.put_block(edge, Kind::Exclusive, 3);
        sketch.put_loop(edge);
    }
    accepted_within(Duration::from_secs(2), &sketch.graph());
}

#[test]
fn long_chains_of_blocks() {
    let mut sketch = Sketch::default();
    for at in 0..500 {
        let kind = if at % 2 == 0 { Kind::Parallel } else { Kind::Exclusive };
        sketch.put_block(0, kind, 3);
        sketch.put_task(0);
    }
    accepted_within(Duration::from_secs(2), &sketch.graph());
}

#[test]
fn ten_thousand_nodes() {
    let mut sketch = Sketch::default();
    (0..10_000).for_each(|_| sketch.put_task(0));
    accepted_within(Duration::from_secs(4), &sketch.graph());
    let mut nested = Sketch::default();
    for at in 0..2_500 {
        let kind = if at % 2 == 0 { Kind::Parallel } else { Kind::Exclusive };
        nested.put_block(0, kind, 2);
        let inner = nested.graph().edges.len() - 3;
        nested.put_task(inner);
    }
    accepted_within(Duration::from_secs(4), &nested.graph());
}

#[test]
fn a_large_tangle() {
    let mut random = Random::new(1);
    let mut sketch = Sketch::default();
    for _ in 0..500 {
        let edge = random.below(sketch.graph().edges.len());
        sketch.put_detour(edge, &mut random);
    }
    accepted_within(Duration::from_secs(4), &sketch.graph());
}
