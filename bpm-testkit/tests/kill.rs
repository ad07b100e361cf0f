//! The kill harness, as far as every run of the tests goes: moments, every failpoint, two
//! processes. `docs/reliability.md` says how to run it for longer.

use std::process::{Command, Output};

fn kill(arguments: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_kill"))
        .args(arguments)
        .output()
        .expect("the harness runs");
    print!("{}", String::from_utf8_lossy(&output.stdout));
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    output
}

/// A new seed a run, or the one that `BPM_ENGINE_SEED` says; the harness prints one that fails.
fn seed() -> String {
    let nanos = || {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.expect("it is after 1970").subsec_nanos().to_string()
    };
    std::env::var("BPM_ENGINE_SEED").unwrap_or_else(|_| nanos())
}

#[test]
fn kills_lose_nothing_and_every_failpoint_is_reached() {
    let output = kill(&["--kills", "100", "--processes", "2", "--from", &seed()]);
    let said = String::from_utf8(output.stdout).unwrap();
    let (before, last) = said.trim_end().rsplit_once('\n').unwrap();
    assert!(output.status.success(), "{last}");
    let value = |line: &str, name: &str| {
        let words = line.split([' ', '\n']).filter_map(|word| word.split_once('='));
        words.filter(|(word, _)| *word == name).map(|(_, value)| value.to_owned()).next().unwrap()
    };
    assert_eq!(value(before, "failpoints"), value(before, "reached"));
    assert_eq!(value(last, "violations"), "0");
    assert!(value(last, "kills").parse::<u64>().unwrap() >= 100, "{last}");
    assert!(value(last, "acknowledged").parse::<u64>().unwrap() > 100, "{last}");
    assert!(value(last, "repeats").parse::<u64>().unwrap() > 0, "{last}");
}

#[test]
fn what_is_no_argument_is_refused() {
    for arguments in [&["--kills"][..], &["--kills", "many"], &["--processes", "3"], &["--help"]] {
        let output = kill(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("usage: kill --kills N"));
    }
}
