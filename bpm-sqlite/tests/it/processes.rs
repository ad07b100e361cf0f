//! Two processes on one file, and one that is killed.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use bpm_core::ids::InstanceId;
use bpm_core::store::{Error, Store, Verdict};
use bpm_sqlite::Sqlite;

use crate::rows::{batch, start, turn};

const FILE: &str = "BPM_SQLITE_TEST_FILE";

/// Not a test but the other process: commits turn after turn, and says so after each commit.
#[test]
#[ignore = "run by the tests of this file"]
fn child() {
    let Ok(file) = std::env::var(FILE) else { return };
    let store = Sqlite::open(file).unwrap();
    for seq in store.history(InstanceId::from_bytes([1; 16]), 0, 99_999).unwrap().len() as u64 + 1..
    {
        let next = if seq == 1 { start(1, None) } else { turn(1, seq) };
        assert_eq!(store.commit(&batch(vec![next])).unwrap(), [Verdict::Committed]);
        println!("\ncommitted {seq}");
    }
}

fn spawn(file: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "processes::child", "--ignored", "--nocapture"]);
    command.env(FILE, file).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

/// The last turn that the child says is committed, once `enough` are or it is gone.
fn acknowledged(lines: &mut impl BufRead, enough: u64) -> u64 {
    let mut last = 0;
    for line in lines.lines().map_while(Result::ok) {
        if let Some(seq) = line.strip_prefix("committed ") {
            last = seq.parse().unwrap_or(last);
        }
        if last >= enough {
            break;
        }
    }
    last
}

#[test]
fn another_process_is_named_and_a_killed_one_lost_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.db");
    let mut known = 0;
    for _ in 0..5 {
        let mut child = spawn(&file);
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        known = acknowledged(&mut lines, known + 20).max(known);
        match Sqlite::open(&file) {
            Err(Error::Locked { by, .. }) => {
                assert!(by.starts_with(&format!("pid {} on ", child.id())), "{by}");
            }
            other => panic!("the child has the file, but it gave {other:?}"),
        }
        child.kill().unwrap();
        child.wait().unwrap();
        known = acknowledged(&mut lines, u64::MAX).max(known);
        let store = Sqlite::open(&file).unwrap();
        let seqs = store.history(InstanceId::from_bytes([1; 16]), 0, 99_999).unwrap();
        assert!(seqs.len() as u64 >= known, "{known} were acknowledged, {} are there", seqs.len());
        assert!(seqs.iter().map(|row| row.seq).eq(1..=seqs.len() as u64));
    }
    assert!(known >= 100);
}
