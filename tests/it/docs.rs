//! The documentation is true: pages on findings, names of files, links, options, crates.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use bpm_engine::EngineOptions;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The pages `docs/errors/B….md`, by code.
fn pages() -> BTreeMap<String, String> {
    let files = fs::read_dir(root().join("docs/errors")).expect("docs/errors");
    let mut pages = BTreeMap::new();
    for file in files {
        let path = file.expect("a file").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        if name.starts_with('B') {
            pages.insert(name, read(&path));
        }
    }
    pages
}

/// A block of a page, and the program of `tests/ui` that the section it stands in names.
struct Block {
    language: String,
    text: String,
    fixture: Option<String>,
    /// Which block of its section, from 0.
    nth: usize,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    for section in page.split("\n## ") {
        let mut fixture = None;
        for (nth, part) in section.split("```").enumerate() {
            if nth % 2 == 0 {
                fixture = named_fixture(part).or(fixture);
                continue;
            }
            let (language, text) = part.split_once('\n').expect("a block of lines");
            let (language, text) = (language.to_owned(), text.to_owned());
            blocks.push(Block { language, text, fixture: fixture.clone(), nth: nth / 2 });
        }
    }
    blocks
}

/// `[`tests/ui/…/x.rs`](../../tests/ui/…/x.rs)`: what is shown, and where it leads, is one file.
fn named_fixture(prose: &str) -> Option<String> {
    let (_, rest) = prose.split_once("[`tests/ui/")?;
    let (path, rest) = rest.split_once("`]")?;
    let target = format!("(../../tests/ui/{path})");
    assert!(rest.starts_with(&target), "the link on tests/ui/{path} leads elsewhere");
    Some(format!("tests/ui/{path}"))
}

/// A text without its indentation.
fn flat(text: &str) -> String {
    text.lines().map(str::trim).collect::<Vec<_>>().join("\n").trim().to_owned()
}

#[test]
fn pages_show_what_their_programs_are() {
    for (code, page) in pages() {
        for block in blocks(&page) {
            let Some(fixture) = &block.fixture else { continue };
            let is_built = fixture.ends_with("_built.rs");
            if block.language == "rust" && (is_built || block.nth == 0) {
                let program = flat(&read(&root().join(fixture)));
                let is_there = program.contains(&flat(&block.text));
                assert!(is_there, "{code}: {fixture} does not have\n{}", block.text);
            }
        }
    }
}

#[test]
fn pages_show_what_is_said_of_their_programs() {
    for (code, page) in pages() {
        for block in blocks(&page) {
            let Some(fixture) = block.fixture.filter(|_| block.language == "text") else {
                continue;
            };
            let path = root().join(&fixture);
            if fixture.ends_with("_built.rs") {
                let said = without_calls(&read(&path.with_extension("txt")));
                assert_eq!(block.text, said, "{code}: {fixture}");
                continue;
            }
            let said = flat(&read(&path.with_extension("stderr")));
            for line in block.text.lines().map(str::trim) {
                assert!(
                    said.contains(line),
                    "{code}: the compiler does not say of {fixture}: {line}"
                );
            }
        }
    }
}

/// A text without the lines that name a call: pages leave them out.
fn without_calls(text: &str) -> String {
    let names_call = |line: &&str| line.starts_with("  at ") || line.starts_with("  note: ");
    text.split_inclusive('\n').filter(|line| !names_call(line)).collect()
}

/// What the macro says of examples is compared in `bpm-macros`; that rustc accepts the mended
/// ones shows in that they stand in a program.
#[test]
fn mended_examples_compile() {
    let program = flat(&read(&root().join("tests/it/pages.rs")));
    for (code, page) in pages() {
        let blocks = blocks(&page);
        for (at, block) in blocks.iter().enumerate() {
            let refused = blocks.get(at + 1).is_some_and(|next| next.language == "text");
            if block.text.starts_with("workflow! {") && !refused {
                let is_there = program.contains(&flat(&block.text));
                assert!(is_there, "{code}: tests/it/pages.rs does not have\n{}", block.text);
            }
        }
    }
}

#[test]
fn pages_speak_of_their_own_code() {
    let index = read(&root().join("docs/errors/README.md"));
    for (code, page) in pages() {
        let title = page.lines().next().expect("a title");
        let what = title.strip_prefix(&format!("# {code}: "));
        let what = what.unwrap_or_else(|| panic!("the title of {code} is {title}"));
        let row = format!("| [{code}]({code}.md) | {what} |");
        assert!(index.contains(&row), "the index lacks the line {row}");
        let findings: Vec<Block> =
            blocks(&page).into_iter().filter(|block| block.language == "text").collect();
        assert!(!findings.is_empty(), "{code} shows no finding");
        for block in findings {
            let own = block.text.contains(&format!("[{code}] "));
            assert!(own, "{code} shows a finding of another code:\n{}", block.text);
        }
    }
    let listed = index.lines().filter(|line| line.starts_with("| [B")).count();
    assert_eq!(listed, pages().len(), "the index has a line without a page");
}

/// Every code whose finding can be made has a page: the words of the codes say which these are.
#[test]
fn every_code_that_is_reported_has_a_page() {
    let source = read(&root().join("bpm-model/src/finding.rs"));
    let (_, reported) = source.split_once("pub fn code(&self) -> Code {").expect("Fault::code");
    let (reported, _) = reported.split_once("\n    }\n").expect("its end");
    let reported: BTreeSet<String> =
        reported.split("Code::").skip(1).map(|rest| rest.chars().take(4).collect()).collect();
    assert_eq!(reported, pages().into_keys().collect(), "codes, and pages in docs/errors");
}

/// All documents, for links and names of files.
fn documents() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in ["", "docs", "docs/errors"] {
        let files = fs::read_dir(root().join(folder)).expect("a folder");
        let paths = files.map(|file| file.expect("a file").path());
        found.extend(paths.filter(|path| path.extension().is_some_and(|end| end == "md")));
    }
    found
}

#[test]
fn links_lead_somewhere() {
    for document in documents() {
        let text = read(&document);
        for target in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')) {
            let (file, _) = target.0.split_once('#').unwrap_or((target.0, ""));
            if file.is_empty() || file.contains("://") || file.contains(char::is_whitespace) {
                continue;
            }
            let leads = document.with_file_name("").join(file).exists();
            assert!(leads, "{}: the link on {file} leads nowhere", document.display());
        }
    }
}

/// The code map names files as they are: in its tables the first column is a path below the crate
/// that the table's heading names.
#[test]
fn the_code_map_is_true() {
    let text = read(&root().join("ARCHITECTURE.md"));
    let (_, map) = text.split_once("\n## Code map\n").expect("a code map");
    let (map, _) = map.split_once("\n## ").expect("a section behind it");
    let mut files = 0;
    for section in map.split("\n### `").skip(1) {
        let (folder, rows) = section.split_once('`').expect("a folder");
        for row in rows.lines().filter(|line| line.starts_with("| `")) {
            let names = row.split('|').nth(1).expect("a first column");
            for name in names.split('`').skip(1).step_by(2) {
                let path = root().join(folder).join(name);
                assert!(path.exists(), "the code map names {}", path.display());
                files += 1;
            }
        }
    }
    assert!(files > 50, "the code map names only {files} files");
}

/// What ARCHITECTURE.md says is absent is absent. Lines of comments may name it.
#[test]
fn what_is_said_to_be_absent_is_absent() {
    let impure = ["SystemTime", "Instant", "async ", "tokio", "Mutex", "println", "now_v7"];
    let hashed = ["HashMap", "HashSet"];
    let sql = ["SELECT ", "INSERT INTO", "DELETE FROM"];
    for file in sources("bpm-core/src/step").into_iter().chain(sources("bpm-core/src/step.rs")) {
        lacks(&file, &[&impure[..], &hashed].concat());
    }
    lacks(&root().join("bpm-core/src/instance.rs"), &[&impure[..], &hashed].concat());
    sources("bpm-model/src").iter().for_each(|file| lacks(file, &impure));
    for crate_ in ["src", "bpm-model/src", "bpm-macros/src", "bpm-core/src", "bpm-testkit/src"] {
        sources(crate_).iter().for_each(|file| lacks(file, &sql));
    }
}

/// The sources of a file or folder, without tests.
fn sources(path: &str) -> Vec<PathBuf> {
    let mut found = rust_files(&root().join(path));
    let inside = |path: &Path| path.strip_prefix(root()).unwrap_or(path).to_owned();
    found.retain(|path| !inside(path).components().any(|part| part.as_os_str() == "tests"));
    assert!(!found.is_empty(), "there is nothing in {path}");
    found
}

fn rust_files(path: &Path) -> Vec<PathBuf> {
    let (mut found, mut ready) = (Vec::new(), vec![path.to_owned()]);
    while let Some(path) = ready.pop() {
        if path.is_dir() {
            let inside = fs::read_dir(&path).expect("a folder");
            ready.extend(inside.map(|file| file.expect("a file").path()));
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
    found
}

fn lacks(file: &Path, words: &[&str]) {
    let text = read(file);
    for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
        let word = words.iter().find(|word| line.contains(**word));
        assert!(word.is_none(), "{} has {word:?}: {line}", file.display());
    }
}

/// `docs/engine.md` has a row for every bound, with the default that it has.
#[test]
fn every_option_is_documented() {
    let text = read(&root().join("docs/engine.md"));
    let printed = format!("{:#?}", EngineOptions::default());
    let fields = printed.lines().filter_map(|line| line.trim().split_once(": "));
    for (name, default) in fields {
        let row = text.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
        let row = row.unwrap_or_else(|| panic!("no row for `{name}`"));
        let shown = row.split('|').nth(2).expect("a second column").replace([',', '`'], "");
        let default = default.trim_end_matches(',');
        let differs = ["task_threads", "jitter_seed"].contains(&name);
        assert!(differs || shown.trim() == default, "{name} is {default}: {row}");
    }
    let rows = text.lines().filter(|line| line.starts_with("| `")).filter(|line| {
        let (_, above) = text.split_once("\n## Options\n").expect("a section on options");
        above.contains(*line)
    });
    assert!(rows.count() >= 11, "a row for each option");
}

/// Every test that the page on reliability names is one: names of three words or more, in tables.
#[test]
fn tests_that_are_named_exist() {
    let page = read(&root().join("docs/reliability.md"));
    let cells = page.lines().filter(|line| line.starts_with('|'));
    let names = cells.flat_map(|row| row.split('`').skip(1).step_by(2));
    let is_name = |name: &&str| {
        let word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase());
        name.split('_').count() > 3 && name.split('_').all(word)
    };
    let names: BTreeSet<&str> = names.filter(is_name).collect();
    assert!(names.len() > 60, "only {} names", names.len());
    let files = ["tests", "bpm-testkit", "bpm-powercut", "bpm-sqlite", "bpm-core"];
    let files = files.iter().flat_map(|folder| rust_files(&root().join(folder)));
    let tests: String = files.map(|file| read(&file)).collect();
    let lacks: Vec<_> =
        names.iter().filter(|name| !tests.contains(&format!("fn {name}("))).collect();
    assert!(lacks.is_empty(), "no tests: {lacks:?}");
}

/// A small tree is a feature: whoever embeds the engine builds these crates.
#[test]
fn the_tree_stays_small() {
    const MOST: usize = 60;
    let lock = read(&root().join("Cargo.lock"));
    let mut needs: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in lock.split("[[package]]").skip(1) {
        let name = package.split('"').nth(1).expect("a name");
        let list = package.split_once("dependencies = [").map_or("", |(_, list)| list);
        let names = list.split('"').skip(1).step_by(2);
        let names = names.map(|needed| needed.split(' ').next().unwrap_or(needed));
        needs.entry(name).or_default().extend(names);
    }
    // What only tests of the store need is not in an embedder's tree.
    let for_tests = ["bpm-testkit", "tempfile"];
    let mut tree = BTreeSet::new();
    let mut ready = vec!["bpm-sqlite"];
    while let Some(name) = ready.pop() {
        if !for_tests.contains(&name) && tree.insert(name) {
            ready.extend(needs.get(name).into_iter().flatten());
        }
    }
    assert!(tree.contains("rusqlite") && tree.contains("bpm-core"), "{tree:?}");
    assert!(tree.len() < MOST, "{} crates, {MOST} is too many: {tree:?}", tree.len());
}
