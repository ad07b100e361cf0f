//! The ledger of effects: a file to which the engine's process appends and which the driver reads.
//!
//! It must survive what the engine survives. Each record is one write of a line with its length
//! and a checksum; a record that a kill has torn is none, and does not hurt the next one.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Mutex;

use bpm_engine::{InstanceId, TaskContext};
use serde::{Deserialize, Serialize};

/// An effect that an attempt had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Effect {
    pub(crate) instance: InstanceId,
    pub(crate) node: String,
    pub(crate) visit: u64,
    pub(crate) attempt: u32,
    /// The process that ran the attempt, as the driver numbers them.
    pub(crate) process: u32,
    /// Whether this is no effect but says that the attempt runs no longer: its result is on its
    /// way to the store.
    #[serde(default)]
    pub(crate) ended: bool,
}

impl Effect {
    /// The effect of the attempt that runs; the ledger knows the process.
    pub(crate) fn of(cx: &TaskContext) -> Result<Self, String> {
        let key = cx.idempotency_key().to_string();
        let parts = key.split_once('/').and_then(|(_, rest)| rest.rsplit_once('/'));
        let (node, visit) = parts.ok_or("a key has three parts")?;
        Ok(Self {
            instance: cx.instance(),
            node: node.to_owned(),
            visit: visit.parse().map_err(|_| "a visit is a number")?,
            attempt: cx.attempt(),
            process: 0,
            ended: false,
        })
    }
}

/// The writing end.
pub(crate) struct Ledger {
    file: Mutex<File>,
    process: u32,
}

impl Ledger {
    /// Opens the ledger of a folder for a process.
    pub(crate) fn open(folder: &Path, process: u32) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).open(path(folder))?;
        Ok(Self { file: Mutex::new(file), process })
    }

    /// Appends a record in one write.
    pub(crate) fn write(&self, effect: &Effect) -> Result<(), String> {
        let effect = Effect { process: self.process, ..effect.clone() };
        let text = serde_json::to_string(&effect).map_err(|error| error.to_string())?;
        let mut file = self.file.lock().map_err(|_| "another attempt panicked")?;
        file.write_all(frame(&text).as_bytes()).map_err(|error| error.to_string())
    }
}

/// Has an effect, does the rest of the work, and says that it has ended.
pub(crate) async fn with_effect(
    ledger: &Ledger,
    effect: &Effect,
    rest: std::time::Duration,
) -> Result<(), String> {
    ledger.write(effect)?;
    tokio::time::sleep(rest).await;
    ledger.write(&Effect { ended: true, ..effect.clone() })
}

/// The records that are whole, in the order in which they were written.
pub(crate) fn read(folder: &Path) -> io::Result<Vec<Effect>> {
    let bytes = match std::fs::read(path(folder)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        bytes => bytes?,
    };
    Ok(bytes.split(|byte| *byte == b'\n').filter_map(record).collect())
}

fn path(folder: &Path) -> std::path::PathBuf {
    folder.join("ledger")
}

/// A line of its own, whatever was torn before it.
fn frame(text: &str) -> String {
    format!("\n{} {:016x} {text}\n", text.len(), checksum(text))
}

fn record(line: &[u8]) -> Option<Effect> {
    let line = std::str::from_utf8(line).ok()?;
    let (length, rest) = line.split_once(' ')?;
    let (sum, text) = rest.split_once(' ')?;
    let whole =
        length.parse() == Ok(text.len()) && u64::from_str_radix(sum, 16) == Ok(checksum(text));
    serde_json::from_str(text).ok().filter(|_| whole)
}

/// FNV-1a.
fn checksum(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effect(attempt: u32) -> Effect {
        let instance = InstanceId::from_bytes([7; 16]);
        Effect { instance, node: "first".to_owned(), visit: 3, attempt, process: 9, ended: false }
    }

    #[test]
    fn a_torn_record_is_none_and_does_not_hurt_the_next() {
        let whole = frame(&serde_json::to_string(&effect(1)).unwrap());
        for torn in 0..whole.len() - 1 {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(path(folder.path()), &whole[..torn]).unwrap();
            let ledger = Ledger::open(folder.path(), 9).unwrap();
            ledger.write(&effect(2)).unwrap();
            assert_eq!(read(folder.path()).unwrap(), [effect(2)], "torn at {torn}");
        }
    }

    #[test]
    fn a_record_that_was_changed_is_none() {
        let whole = frame(&serde_json::to_string(&effect(1)).unwrap());
        let changed = whole.replace("first", "fjrst");
        assert_eq!(record(whole.trim().as_bytes()), Some(effect(1)));
        assert_eq!(record(changed.trim().as_bytes()), None);
    }
}
