//! What the compiler says about processes: `tests/ui/<code>/` holds programs that do not compile
//! beside what is said, `tests/ui/pass/` programs that must compile without a word.

/// One run for all fixtures: each run builds a crate of its own.
#[test]
fn the_compiler_says_what_is_wrong() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/pass/*.rs");
    cases.compile_fail("tests/ui/b*/*.rs");
    cases.compile_fail("tests/ui/rustc/*.rs");
    cases.compile_fail("tests/ui/syntax/*.rs");
}
