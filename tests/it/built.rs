//! What the builder refuses: every program of `tests/ui` that ends in `_built.rs`.
//!
//! Such a program has two functions: `build`, whose findings are printed as its `.txt` says, and
//! `mended`, the same with what the findings ask for, which is accepted. After a change of words,
//! `BLESS=1 cargo test --test it built` writes the texts again; read what changed.

use std::path::{Path, PathBuf};

use bpm_engine::{Findings, ProcessDefinition};

type Build = fn() -> Result<ProcessDefinition, Findings>;

struct Program {
    file: &'static str,
    build: Build,
    mended: Build,
}

macro_rules! programs {
    ($($name:ident $file:literal)*) => {
        $(#[path = $file] #[allow(unreachable_pub, reason = "a program of its own")] mod $name;)*

        const PROGRAMS: &[Program] =
            &[$(Program { file: $file, build: $name::build, mended: $name::mended }),*];
    };
}

programs! {
    same_id "../ui/B001/same_id_built.rs"
    clause_of_nothing "../ui/B002/clause_of_nothing_built.rs"
    foreign_clause "../ui/B002/foreign_clause_built.rs"
    missing_node "../ui/B002/missing_node_built.rs"
    misspelt_node "../ui/B002/misspelt_node_built.rs"
    two_nodes "../ui/B002/two_nodes_built.rs"
    never_true "../ui/B005/never_true_built.rs"
    no_edge_leads_here "../ui/B005/no_edge_leads_here_built.rs"
    never_rests "../ui/B006/never_rests_built.rs"
    back_into_join "../ui/B011/back_into_join_built.rs"
    branch_may_leave "../ui/B011/branch_may_leave_built.rs"
    choice_into_join "../ui/B011/choice_into_join_built.rs"
    no_way_to_end "../ui/B011/no_way_to_end_built.rs"
    fork_into_merge "../ui/B012/fork_into_merge_built.rs"
    late_branch "../ui/B012/late_branch_built.rs"
    two_ends "../ui/B012/two_ends_built.rs"
    one_condition "../ui/B013/one_condition_built.rs"
    two_conditions "../ui/B013/two_conditions_built.rs"
    values "../ui/B013/values_built.rs"
    function "../ui/B014/function_built.rs"
    not_bool "../ui/B014/not_bool_built.rs"
    syntax "../ui/B014/syntax_built.rs"
    retry "../ui/B015/retry_built.rs"
    wait "../ui/B015/wait_built.rs"
    both_sides "../ui/B018/both_sides_built.rs"
    condition_on_task "../ui/B018/condition_on_task_built.rs"
    implicit_merge "../ui/B018/implicit_merge_built.rs"
    implicit_split "../ui/B018/implicit_split_built.rs"
    no_end "../ui/B018/no_end_built.rs"
    second_default "../ui/B018/second_default_built.rs"
    second_start "../ui/B018/second_start_built.rs"
}

/// The path of a program, or with another extension of what belongs to it.
fn path(program: &Program, extension: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it")
        .join(program.file)
        .with_extension(extension)
}

#[test]
fn what_is_refused_and_why() {
    for program in PROGRAMS {
        let text = path(program, "txt");
        let found = match (program.build)() {
            Ok(_) => panic!("{} is accepted", program.file),
            // The programs are modules of this one, so their paths lead over it.
            Err(findings) => format!("{findings}\n").replace("tests/it/../ui", "tests/ui"),
        };
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&text, &found).expect("the text can be written");
        }
        let expected = std::fs::read_to_string(&text).unwrap_or_default();
        assert_eq!(found, expected, "the findings of {}, and what {text:?} says", program.file);
    }
}

#[test]
fn the_folder_is_a_code_that_is_found() {
    for program in PROGRAMS {
        let Err(findings) = (program.build)() else { panic!("{} is accepted", program.file) };
        let codes: Vec<String> = findings.codes().iter().map(ToString::to_string).collect();
        let folder = program.file.split('/').nth(2).expect("../ui/<code>/<program>").to_owned();
        assert!(codes.contains(&folder), "{} is refused with {codes:?} alone", program.file);
    }
}

#[test]
fn what_is_mended_is_accepted() {
    for program in PROGRAMS {
        if let Err(findings) = (program.mended)() {
            panic!("{} mended is refused:\n{findings}", program.file);
        }
    }
}

#[test]
fn no_program_is_forgotten() {
    let ui = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ui");
    let mut stored = Vec::new();
    for folder in std::fs::read_dir(ui).expect("tests/ui") {
        for file in std::fs::read_dir(folder.expect("a folder").path()).into_iter().flatten() {
            let file = file.expect("a file").path();
            if file.to_string_lossy().ends_with("_built.rs") {
                stored.push(file);
            }
        }
    }
    let mut listed: Vec<PathBuf> = PROGRAMS
        .iter()
        .map(|program| path(program, "rs").canonicalize().expect("a listed program"))
        .collect();
    stored.iter_mut().for_each(|file| *file = file.canonicalize().expect("a stored program"));
    stored.sort();
    listed.sort();
    assert_eq!(stored, listed, "add it to the list in tests/it/built.rs");
}
