//! The rules of the house, held by looking at its files. What is said of single crates
//! (no clock, no SQL) stands in `docs.rs`.

use std::fs;
use std::path::Path;

/// Lines of a file without its tests, and of a function.
const FILE_MAX: usize = 600;
const FUNCTION_MAX: usize = 70;

/// Words that stand for unfinished work; in pieces, so that this file does not have them.
const UNFINISHED: [&str; 5] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("to", "do!("),
    concat!("db", "g!("),
    concat!("XX", "X"),
];

/// How paths begin that exist on one machine only.
const ABSOLUTE: [&str; 5] = [
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/wo", "rk/"),
    concat!("/Us", "ers/"),
    concat!("/tm", "p/"),
];

/// A file of the repository.
struct Page {
    path: String,
    text: String,
    /// Whether it is only compiled for tests.
    is_test: bool,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file that people write, by path.
fn pages() -> Vec<Page> {
    let skipped = ["target", ".git", "Cargo.lock"];
    let written = ["rs", "md", "toml", "sql", "txt", "stderr", "sh"];
    let (mut pages, mut ready) = (Vec::new(), vec![root().to_owned()]);
    while let Some(path) = ready.pop() {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path != root() && skipped.contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() {
            ready.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|end| written.iter().any(|known| end == *known)) {
            let (text, path) = (fs::read_to_string(&path).unwrap(), relative(&path));
            let is_test = path.split('/').any(|part| matches!(part, "tests" | "tests.rs"));
            pages.push(Page { path, text, is_test });
        }
    }
    let for_tests: Vec<_> = pages.iter().flat_map(Page::test_modules).collect();
    for page in &mut pages {
        page.is_test |= for_tests.contains(&page.path);
    }
    pages.sort_by(|one, other| one.path.cmp(&other.path));
    assert!(pages.len() > 100, "the walk has lost its way");
    pages
}

fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/")
}

impl Page {
    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// The modules beside it that are only compiled for tests.
    fn test_modules(&self) -> Vec<String> {
        let folder = self.path.strip_suffix(".rs").unwrap_or_default();
        let folder = folder.strip_suffix("/lib").unwrap_or(folder);
        let declared = self.text.split("#[cfg(test)]\n").skip(1);
        let declared = declared.map(|rest| rest.strip_prefix("pub(crate) ").unwrap_or(rest));
        let declared = declared.filter_map(|rest| rest.strip_prefix("mod "));
        let names = declared.filter_map(|rest| rest.split_once(';')).map(|(name, _)| name);
        names.map(|name| format!("{folder}/{name}.rs")).collect()
    }

    /// The lines in front of the tests that end a file.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().take_while(|line| *line != "#[cfg(test)]");
        lines.enumerate().map(|(at, line)| (at + 1, line))
    }
}

/// Asserts that nothing was found, and names all that was.
fn none(rule: &str, found: Vec<String>) {
    assert!(found.is_empty(), "{rule}:\n{}", found.join("\n"));
}

#[test]
fn files_are_short() {
    let long = |page: &Page| page.is_rust() && !page.is_test && page.code().count() > FILE_MAX;
    let found = pages().into_iter().filter(long);
    let found = found.map(|page| format!("{}: {} lines", page.path, page.code().count()));
    none("a file has at most 600 lines without its tests", found.collect());
}

#[test]
fn functions_are_short() {
    let mut found = Vec::new();
    for page in pages().iter().filter(|page| page.is_rust()) {
        for (line, length) in functions(&page.text) {
            if length > FUNCTION_MAX {
                found.push(format!("{}:{line}: {length} lines", page.path));
            }
        }
    }
    none("a function has at most 70 lines", found);
}

/// Where functions begin and how long they are. The formatter sees to it that a function ends
/// with a brace under its first word.
fn functions(text: &str) -> Vec<(usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let words = line.trim_start();
        if !begins_function(words) {
            continue;
        }
        let close = format!("{}}}", &line[..line.len() - words.len()]);
        let length = lines[at..].iter().position(|line| *line == close);
        if let Some(length) = length.filter(|_| !line.ends_with('}') && has_body(&lines[at..])) {
            found.push((at + 1, length + 1));
        }
    }
    found
}

fn begins_function(words: &str) -> bool {
    let words =
        words.strip_prefix("pub(").and_then(|rest| rest.split_once(") ")).map_or(words, |it| it.1);
    let mut words = words.split(' ');
    let word = words.find(|word| !matches!(*word, "pub" | "const" | "async" | "unsafe"));
    word == Some("fn")
}

/// Whether a signature ends with a body and not, as in a trait, with a semicolon.
fn has_body(lines: &[&str]) -> bool {
    lines.iter().find_map(|line| match line.chars().last() {
        Some('{') => Some(true),
        Some(';') => Some(false),
        _ => None,
    }) == Some(true)
}

#[test]
fn nothing_is_unwrapped_outside_of_tests() {
    let mut found = Vec::new();
    for page in pages().iter().filter(|page| page.is_rust() && !page.is_test) {
        let shown = page.code().filter(|(_, line)| !line.trim_start().starts_with("//"));
        // A `Span` of proc-macro2 has an `unwrap` that is none: it gives the compiler's own span.
        let unwraps = shown.filter(|(_, line)| {
            line.replace("span.unwrap()", "").contains(concat!(".unw", "rap()"))
        });
        found.extend(unwraps.map(|(at, line)| format!("{}:{at}: {}", page.path, line.trim())));
    }
    none("an impossible case is `unreachable!(\"why\")`", found);
}

#[test]
fn nothing_is_left_unfinished() {
    // What the compiler says is not written by us.
    let ours = |page: &Page| !page.path.ends_with(".stderr");
    none("what is written is finished", lines_with(&UNFINISHED, ours));
}

#[test]
fn no_path_is_of_one_machine() {
    none("paths are relative", lines_with(&ABSOLUTE, |_| true));
}

fn lines_with(words: &[&str], of: fn(&Page) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for page in pages().iter().filter(|page| of(page)) {
        for (at, line) in page.text.lines().enumerate() {
            if words.iter().any(|word| line.contains(word)) {
                found.push(format!("{}:{}: {}", page.path, at + 1, line.trim()));
            }
        }
    }
    found
}

#[test]
fn modules_have_no_mod_rs_and_no_names_without_meaning() {
    let vague =
        ["mod.rs", "utils.rs", "util.rs", "common.rs", "helpers.rs", "manager.rs", "types.rs"];
    let bad = |page: &Page| {
        let name = page.path.rsplit('/').next().unwrap_or_default();
        // The types of the expression language are what that file is about.
        vague.contains(&name) && page.path != "bpm-model/src/el/types.rs"
    };
    let found = pages().into_iter().filter(bad).map(|page| page.path);
    none("a file is named after its noun", found.collect());
}

#[test]
fn unsafe_code_is_forbidden() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(manifest.contains("unsafe_code = \"forbid\""));
    for page in pages().iter().filter(|page| page.path.ends_with("/Cargo.toml")) {
        let inherits = page.text.contains("[lints]\nworkspace = true");
        let is_apart =
            ["bench/", "fuzz/"].iter().any(|at| page.path.starts_with(at)) || page.path == POWERCUT;
        assert!(inherits || is_apart, "{} has no lints", page.path);
    }
}

/// The manifest of the one crate that may have unsafe code.
const POWERCUT: &str = "bpm-powercut/Cargo.toml";

/// The crate of power cuts is never published, nothing depends on it, and its unsafe code is
/// where it speaks with SQLite.
#[test]
fn unsafe_code_is_in_one_place_that_nothing_depends_on() {
    let pages = pages();
    let (own, others): (Vec<_>, Vec<_>) = pages
        .iter()
        .filter(|page| page.path.ends_with("Cargo.toml"))
        .partition(|page| page.path == POWERCUT);
    assert!(
        own[0].text.contains("publish = false") && own[0].text.contains("unsafe_code = \"deny\"")
    );
    let named = |page: &&&Page| page.text.lines().any(|line| line.starts_with("bpm-powercut"));
    let depend = others.iter().filter(named).map(|page| page.path.clone());
    none("nothing depends on bpm-powercut", depend.collect());
    let word = concat!("unsafe", "_code");
    let allows = |page: &&Page| page.is_rust() && page.text.contains(&format!("allow({word}"));
    let allowing = pages.iter().filter(allows).map(|page| page.path.clone());
    let elsewhere = allowing.filter(|path| !path.starts_with("bpm-powercut/src/vfs"));
    none("unsafe code is in bpm-powercut/src/vfs", elsewhere.collect());
}

#[test]
fn every_example_is_named_in_the_readme() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let pages = pages();
    let examples: Vec<_> = pages.iter().filter_map(|page| example(&page.path)).collect();
    assert!(examples.len() >= 7, "{examples:?}");
    let missing = examples.iter().filter(|name| !readme.contains(&format!("`{name}`")));
    none("the README has a row for every example", missing.map(|name| name.to_string()).collect());
}

/// The example that a path is.
fn example(path: &str) -> Option<&str> {
    path.strip_prefix("examples/")?.strip_suffix(".rs").filter(|name| !name.contains('/'))
}

/// The codes that have a page are those that can be found; each has programs that show it.
#[test]
fn every_finding_has_three_programs_that_show_it() {
    let pages = pages();
    let code = |page: &Page| {
        Some(page.path.strip_prefix("docs/errors/B")?.strip_suffix(".md")?.to_owned())
    };
    let codes: Vec<String> = pages.iter().filter_map(code).collect();
    assert!(codes.len() >= 14, "{codes:?}");
    let few = codes.iter().filter_map(|code| {
        let folder = format!("tests/ui/B{code}/");
        let shows = |page: &&Page| page.is_rust() && page.path.starts_with(&folder);
        let count = pages.iter().filter(shows).count();
        (count < 3).then(|| format!("{folder}: {count}"))
    });
    none("three fixtures a code", few.collect());
}

/// A kind of node has one noun: its step, its engine test.
#[test]
fn every_node_kind_has_an_engine_test() {
    let kinds = ["service", "user", "timer", "exclusive", "parallel", "end", "saga"];
    for kind in kinds.into_iter().chain(["cancel", "incident"]) {
        let test = root().join(format!("tests/it/engine/{kind}.rs"));
        assert!(test.exists(), "{kind} has no engine test");
    }
}

#[test]
fn functions_are_measured_as_the_formatter_leaves_them() {
    let text = "fn one() {}\n\npub(super) async fn two(\n    a: u8,\n) -> u8 {\n    if a {\n    }\n    a\n}\n\n\
                trait T {\n    fn none(&self);\n    fn three(&self) {\n        self\n    }\n}\n";
    assert_eq!(functions(text), [(3, 7), (13, 3)]);
}
