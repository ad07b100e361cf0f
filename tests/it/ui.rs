//! What the compiler says about processes: `tests/ui/<code>/` holds programs that do not compile
//! beside what is said, `rustc` and `syntax` likewise what has no code of ours, `pass` programs
//! that must compile without a word. Programs that end in `_built.rs` are another test's.
//!
//! After a change of words, `TRYBUILD=overwrite cargo test --test it ui` writes the texts again;
//! read what changed.

use std::fs;
use std::path::PathBuf;

/// One run for all programs: each run builds a crate of its own.
#[test]
fn the_compiler_says_what_is_wrong() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/pass/*.rs");
    for program in refused() {
        cases.compile_fail(program);
    }
}

/// The programs that do not compile.
fn refused() -> Vec<PathBuf> {
    let directories = fs::read_dir("tests/ui").expect("tests/ui").flatten();
    let directories = directories.map(|entry| entry.path()).filter(|path| path.is_dir());
    let files = directories.flat_map(|path| fs::read_dir(path).expect("a directory").flatten());
    let mut programs: Vec<PathBuf> = files.map(|entry| entry.path()).collect();
    programs.retain(|path| {
        let name = path.to_string_lossy();
        name.ends_with(".rs") && !name.ends_with("_built.rs") && !name.contains("/pass/")
    });
    programs.sort();
    programs
}
