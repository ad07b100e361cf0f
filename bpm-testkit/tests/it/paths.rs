//! Paths, and what is covered by them.

use std::time::Duration;

use bpm_core::definition::ProcessDefinition;
use bpm_testkit::path::Step::{Gap, Node};
use bpm_testkit::{Coverage, TestEngine, assert_path};
use serde_json::json;

use crate::shop::{approve, engine, shop, start};

#[tokio::test]
async fn a_path_is_compared_with_gaps_and_without_gateways_that_are_not_named() {
    let engine = engine("ways").start().await.unwrap();
    let small = start(&engine, "ways", 1).await;
    engine.settle().await;
    assert_path!(engine, "start", "price", "small");
    assert_path!(engine, "start", "price", "choice", "small");
    let large = start(&engine, "ways", 60).await;
    engine.settle().await;
    approve(&engine).await;
    engine.advance(Duration::from_secs(31 * 24 * 60 * 60)).await;
    assert_path!(engine, "start", .., "approve", .., "end");
    assert_path!(engine, ..);
    assert_path!(engine.path(&small), .., "small");
    assert_path!(engine.path(&large), "start", "price", "approve", "pause", "end", ..);
    assert_path!(engine.history(small.id()).await.unwrap(), "start", "price", "choice", "small");
    let path = engine.path(&small);
    assert_eq!(path.to_string(), "start → price → choice → small");
    for wrong in [&[Node("start")][..], &[Gap, Node("price")], &[Node("price"), Gap], &[]] {
        assert!(path.compare(wrong).is_err(), "{wrong:?}");
    }
}

#[tokio::test]
async fn a_wrong_path_is_shown_where_it_parts() {
    let engine = engine("wrong").start().await.unwrap();
    let run = start(&engine, "wrong", 1).await;
    engine.settle().await;
    let expected = [Node("start"), Node("price"), Node("approve"), Node("end")];
    let differs = engine.path(&run).compare(&expected).unwrap_err().to_string();
    assert_eq!(
        differs,
        "the instance went another way (- expected, + passed):\n    start\n    price\n  - approve\n  \
         - end\n  + small"
    );
}

#[tokio::test]
async fn what_was_not_run_is_reported_and_drawn() {
    let definition = shop("covered").build().unwrap();
    let first = engine("covered").start().await.unwrap();
    assert_eq!(Coverage::of_definition(&definition).missed_nodes().len(), 7);
    start(&first, "covered", 1).await;
    first.settle().await;
    let covered = Coverage::of_definition(&definition);
    assert_eq!(covered.missed_nodes(), ["approve", "pause", "end"]);
    assert_eq!(covered.missed_ways(), ["choice -> approve", "approve -> pause", "pause -> end"]);
    let report = covered.report();
    assert!(report.starts_with("covered, version 1: 4 of 7 nodes, 3 of 6 ways\n"), "{report}");
    let picture = covered.to_mermaid();
    assert!(picture.contains("    class n3,n4,n5 missed\n    linkStyle 2,4,5 stroke"), "{picture}");
    assert!(Coverage::all().iter().any(|coverage| coverage.report() == report));

    // Another engine of the same program, and one that crashes, complete it.
    let second = engine("covered").start().await.unwrap();
    let run = start(&second, "covered", 60).await;
    second.settle().await;
    let second = second.crash_and_restart().await;
    approve(&second).await;
    second.outcome(&run).await.unwrap();
    let covered = Coverage::of_definition(&definition);
    assert!(covered.is_complete(), "{}", covered.report());
    assert!(!covered.to_mermaid().contains("missed"));
}

/// Runs one test of this program with `BPM_COVERAGE`.
fn run_covered(test: &str, folder: &std::path::Path) {
    let mut program = std::process::Command::new(std::env::current_exe().unwrap());
    let output = program.args([test, "--exact"]).env("BPM_COVERAGE", folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn programs_add_to_the_files_of_one_folder() {
    let folder = tempfile::tempdir().unwrap();
    run_covered("paths::small_amounts", folder.path());
    let report = || std::fs::read_to_string(folder.path().join("files-v1.txt")).unwrap();
    assert!(report().starts_with("files, version 1: 4 of 7 nodes, 3 of 6 ways\n"), "{}", report());
    run_covered("paths::large_amounts", folder.path());
    assert_eq!(report(), "files, version 1: 7 of 7 nodes, 6 of 6 ways\n");
    let picture = std::fs::read_to_string(folder.path().join("files-v1.mmd")).unwrap();
    assert!(picture.starts_with("flowchart TD\n") && !picture.contains("missed"), "{picture}");
}

#[tokio::test]
async fn small_amounts() {
    let engine = engine("files").start().await.unwrap();
    start(&engine, "files", 1).await;
    engine.settle().await;
}

#[tokio::test]
async fn large_amounts() {
    let engine = engine("files").start().await.unwrap();
    let run = start(&engine, "files", 60).await;
    engine.settle().await;
    approve(&engine).await;
    engine.outcome(&run).await.unwrap();
}

#[tokio::test]
async fn forks_and_joins_are_covered() {
    let definition = ProcessDefinition::builder("both")
        .start("start")
        .parallel("fork")
        .wait("a", "1s")
        .wait("b", "2s")
        .parallel("join")
        .end("end")
        .edge("start", "fork")
        .edge("fork", "a")
        .edge("fork", "b")
        .edge("a", "join")
        .edge("b", "join")
        .edge("join", "end")
        .build()
        .unwrap();
    let engine = TestEngine::builder().definition(definition.clone()).start().await.unwrap();
    let run = engine.start_definition("both", json!({})).await.unwrap();
    engine.outcome(&run).await.unwrap();
    let covered = Coverage::of_definition(&definition);
    assert!(covered.is_complete(), "{}", covered.report());
}
