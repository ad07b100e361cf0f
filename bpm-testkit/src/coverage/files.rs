//! Coverage as files, for `BPM_COVERAGE=folder cargo test`.
//!
//! Several programs, and one program a test, add to the same folder: what was hit is appended to
//! a list line by line, and the reports are made anew from the whole list.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Mutex;

use super::{Coverage, Hits, all};

/// The list in the folder.
const LIST: &str = "hits.txt";

/// The lines that this program has written.
static WRITTEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Writes what is covered, if the environment asks for it. That it cannot be written is said, and
/// fails no test.
pub(super) fn write_if_asked() {
    let Some(folder) = std::env::var_os("BPM_COVERAGE") else { return };
    if let Err(error) = write(Path::new(&folder)) {
        eprintln!("BPM_COVERAGE: {} cannot be written: {error}", Path::new(&folder).display());
    }
}

/// Adds to the list, and writes the reports of what is in it.
pub(super) fn write(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let covered: Vec<Coverage> = all().values().cloned().collect();
    let mut written = WRITTEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let lines: BTreeSet<_> = covered.iter().flat_map(lines).collect();
    let new: String = lines.difference(&written).map(|line| format!("{line}\n")).collect();
    let mut list = OpenOptions::new().create(true).append(true).open(folder.join(LIST))?;
    list.write_all(new.as_bytes())?;
    written.extend(lines);
    let list = fs::read_to_string(folder.join(LIST))?;
    covered.iter().try_for_each(|coverage| {
        let whole = Coverage { hits: hits(coverage, &list), ..coverage.clone() };
        let name = folder.join(file_name(coverage));
        fs::write(name.with_extension("txt"), whole.report())?;
        fs::write(name.with_extension("mmd"), whole.to_mermaid())
    })
}

/// How the list names a definition.
fn head(coverage: &Coverage) -> String {
    let definition = &coverage.definition;
    format!("{:?} {} {}", definition.name(), definition.version(), definition.fingerprint())
}

fn lines(coverage: &Coverage) -> Vec<String> {
    let head = head(coverage);
    let Hits { nodes, edges } = &coverage.hits;
    let nodes = nodes.iter().map(|node| format!("{head} node {node}"));
    nodes.chain(edges.iter().map(|edge| format!("{head} edge {edge}"))).collect()
}

fn hits(coverage: &Coverage, list: &str) -> Hits {
    let head = head(coverage);
    let of = |word: &str| {
        let rests = list.lines().filter_map(|line| line.strip_prefix(&head));
        let numbers = rests.filter_map(|rest| rest.trim().strip_prefix(word)?.trim().parse().ok());
        numbers.collect()
    };
    Hits { nodes: of("node"), edges: of("edge") }
}

/// A name for files: letters and digits stay.
fn file_name(coverage: &Coverage) -> String {
    let letter = |c: char| if c.is_alphanumeric() || c == '-' { c } else { '_' };
    let name: String = coverage.definition.name().chars().map(letter).collect();
    format!("{name}-v{}", coverage.definition.version())
}

#[cfg(test)]
mod tests {
    use bpm_core::definition::ProcessDefinition;

    use super::*;

    #[test]
    fn what_others_wrote_counts_too() {
        let definition = ProcessDefinition::builder("a b").start("start").end("end");
        let definition = definition.edge("start", "end").build().unwrap();
        let mut coverage = Coverage::none(&definition);
        coverage.hits.nodes.insert(1);
        let list = lines(&coverage).join("\n");
        assert_eq!(hits(&coverage, &list), coverage.hits);
        assert_eq!(hits(&coverage, "\"a b\" 1 00 node 0"), Hits::default(), "another fingerprint");
        assert_eq!(file_name(&coverage), "a_b-v1");
    }
}
