//! The examples of `docs/expressions.md` are true.

use super::run;

/// Each line of a block marked `cel` is an expression and, behind `//`, its value or its error.
#[test]
fn examples_of_the_document_are_true() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/expressions.md");
    let document = std::fs::read_to_string(path).expect("docs/expressions.md");
    let mut examples = 0;
    for block in document.split("```cel\n").skip(1) {
        let (block, _) = block.split_once("```").expect("the end of the block");
        for line in block.lines() {
            let (source, expected) = line.split_once(" // ").expect("an expected value");
            let result = run(source).unwrap_or_else(|error| format!("error: {error}"));
            assert_eq!(result, expected.trim(), "{source}");
            examples += 1;
        }
    }
    assert!(examples > 20, "only {examples} examples found");
}

/// The blocks that show an error: an expression, its carets, its message.
#[test]
fn errors_of_the_document_look_like_that() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/expressions.md");
    let document = std::fs::read_to_string(path).expect("docs/expressions.md");
    let blocks: Vec<&str> = document.split("```text\n").skip(1).collect();
    assert!(!blocks.is_empty(), "no errors are shown");
    for block in blocks {
        let (block, _) = block.split_once("```").expect("the end of the block");
        let source = block.lines().next().expect("an expression");
        let error = run(source).expect_err(source);
        assert_eq!(block.trim_end(), format!("{}\n{error}", error.caret(source)));
    }
}
