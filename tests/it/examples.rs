//! Every example is run and its output compared with `tests/it/examples/<name>.txt`, ids and times
//! replaced. With `UPDATE_EXAMPLES=1` the files are written instead.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn examples() -> Vec<String> {
    let files = fs::read_dir(root().join("examples")).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    let sources = paths.filter(|path| path.extension().is_some_and(|end| end == "rs"));
    let mut names: Vec<_> =
        sources.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// The program of an example: cargo has built it beside this test.
fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let built = test.parent().and_then(Path::parent).unwrap().join("examples");
    built.join(name).with_extension(std::env::consts::EXE_EXTENSION)
}

/// What an example prints, run in an empty folder.
fn output(name: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let program = program(name);
    let output = Command::new(&program).current_dir(folder.path()).output();
    let output = output.unwrap_or_else(|error| {
        panic!("{}: {error}\nhelp: cargo test builds the examples", program.display())
    });
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name} failed: {errors}");
    assert_eq!(errors, "", "{name} complains");
    normalised(&String::from_utf8(output.stdout).unwrap())
}

/// Ids and times, each replaced by a word and numbered in the order in which it comes.
fn normalised(text: &str) -> String {
    let (mut ids, mut rest, mut normal) = (Vec::new(), text, String::new());
    while let Some(next) = rest.chars().next() {
        if let Some(id) = starts_with_id(rest) {
            let known = ids.iter().position(|known| *known == id).unwrap_or_else(|| {
                ids.push(id);
                ids.len() - 1
            });
            normal.push_str(&format!("<id {}>", known + 1));
            rest = &rest[id.len()..];
        } else if let Some(time) = starts_with_time(rest) {
            normal.push_str("<time>");
            rest = &rest[time..];
        } else {
            normal.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    normal
}

/// `01a212ee-daa3-74b6-adf8-ec2cf76b376c`
fn starts_with_id(text: &str) -> Option<&str> {
    let id = text.get(..36)?;
    let fits = |(at, c): (usize, char)| match at {
        8 | 13 | 18 | 23 => c == '-',
        _ => c.is_ascii_hexdigit(),
    };
    id.char_indices().all(fits).then_some(id)
}

/// `2026-01-31T08:05:00.250Z`: its length.
fn starts_with_time(text: &str) -> Option<usize> {
    let pattern = "0000-00-00T00:00:00.000Z";
    let time = text.get(..pattern.len())?;
    let fits = |(c, like): (char, char)| if like == '0' { c.is_ascii_digit() } else { c == like };
    time.chars().zip(pattern.chars()).all(fits).then_some(pattern.len())
}

#[test]
fn ids_and_times_are_replaced() {
    let text = "a 01a212ee-daa3-74b6-adf8-ec2cf76b376c at 2026-01-31T08:05:00.250Z, \
                02a212ee-daa3-74b6-adf8-ec2cf76b376c, 01a212ee-daa3-74b6-adf8-ec2cf76b376c ä 2026";
    assert_eq!(normalised(text), "a <id 1> at <time>, <id 2>, <id 1> ä 2026");
}

#[test]
fn examples_print_what_they_are_said_to_print() {
    let folder = root().join("tests/it/examples");
    let mut differing = Vec::new();
    for name in examples() {
        let (path, printed) = (folder.join(&name).with_extension("txt"), output(&name));
        if std::env::var_os("UPDATE_EXAMPLES").is_some() {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, &printed).unwrap();
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        if printed != expected {
            differing.push(format!("== {name} prints\n{printed}\n== and should print\n{expected}"));
        }
    }
    assert!(
        differing.is_empty(),
        "{}\nhelp: if that is meant, run again with UPDATE_EXAMPLES=1",
        differing.join("\n")
    );
}
