//! A victim as its driver sees it: a process, what it says, and how it ends.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use bpm_engine::InstanceId;

use crate::child::{ORDERS, Orders};

/// Whatever takes longer hangs.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// What was acknowledged, and what was wrong with that by itself.
#[derive(Default)]
pub(crate) struct Acknowledged {
    pub(crate) started: BTreeMap<u64, InstanceId>,
    pub(crate) completed: BTreeSet<String>,
    pub(crate) cancelled: BTreeSet<InstanceId>,
    pub(crate) skipped: BTreeSet<String>,
    pub(crate) violations: Vec<String>,
}

impl Acknowledged {
    /// How many things were acknowledged.
    pub(crate) fn count(&self) -> usize {
        self.started.len() + self.completed.len() + self.cancelled.len() + self.skipped.len()
    }

    /// The first number whose start is not acknowledged.
    pub(crate) fn next(&self) -> u64 {
        (0..).find(|n| !self.started.contains_key(n)).unwrap_or_default()
    }

    /// Takes note of a line that a victim said.
    pub(crate) fn note(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        let once = match words[..] {
            ["start", n, instance] => {
                let (n, instance) = (n.parse(), instance.parse());
                let (Ok(n), Ok(instance)) = (n, instance) else { return self.unread(line) };
                // The same start again gives the same instance.
                *self.started.entry(n).or_insert(instance) == instance
            }
            ["complete", task] => self.completed.insert(task.to_owned()),
            ["skip", incident] => self.skipped.insert(incident.to_owned()),
            ["cancel", instance] => match instance.parse() {
                Ok(instance) => self.cancelled.insert(instance),
                Err(_) => return self.unread(line),
            },
            ["ready" | "waiting" | "drained"] | ["locked", ..] => true,
            _ => return self.unread(line),
        };
        if !once {
            self.violations.push(format!("acknowledged twice: {line}"));
        }
    }

    fn unread(&mut self, line: &str) {
        self.violations.push(format!("a victim says: {line}"));
    }
}

/// A running victim.
pub(crate) struct Victim {
    child: Child,
    lines: Receiver<String>,
    errors: PathBuf,
}

/// How a victim ended.
pub(crate) struct End {
    pub(crate) status: ExitStatus,
    /// What it said at last.
    pub(crate) last: Option<String>,
    /// The failpoint at which it died.
    pub(crate) failpoint: Option<String>,
}

impl Victim {
    /// Starts one; its folder must exist.
    pub(crate) fn start(orders: &Orders) -> io::Result<Self> {
        let errors = orders.folder.join(format!("errors-{}", orders.process));
        let text = serde_json::to_string(orders).map_err(io::Error::other)?;
        let mut child = Command::new(std::env::current_exe()?)
            .env(ORDERS, text)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&errors)?)
            .spawn()?;
        let output = child.stdout.take().ok_or_else(|| io::Error::other("no output"))?;
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            let mut output = BufReader::new(output);
            let mut line = String::new();
            // A line without its end was torn by the kill, and says nothing.
            while output.read_line(&mut line).is_ok_and(|_| line.ends_with('\n')) {
                if sender.send(line.trim_end().to_owned()).is_err() {
                    return;
                }
                line.clear();
            }
        });
        Ok(Self { child, lines, errors })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Listens until the victim says a line that begins like this; `false` if it ends or the time
    /// is over before.
    pub(crate) fn hear(&self, begin: &str, time: Duration, known: &mut Acknowledged) -> bool {
        let until = Instant::now() + time;
        loop {
            match self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    known.note(&line);
                    if line.starts_with(begin) {
                        return true;
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return false,
            }
        }
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) -> io::Result<()> {
        let (name, pid) = (format!("-{name}"), self.pid().to_string());
        if Command::new("kill").args([name, pid]).status()?.success() {
            Ok(())
        } else {
            Err(io::Error::other("not signalled"))
        }
    }

    /// Ends its standard input, on which it stops by itself.
    pub(crate) fn ask_to_stop(&mut self) {
        drop(self.child.stdin.take());
    }

    /// Kills it, with `kill -9`, unless it has ended, and takes note of what it said.
    pub(crate) fn kill(mut self, known: &mut Acknowledged) -> io::Result<End> {
        self.child.kill()?;
        self.ended(known)
    }

    /// Waits for its end; kills it if that takes longer than the given time.
    pub(crate) fn wait(self, time: Duration, known: &mut Acknowledged) -> io::Result<End> {
        let until = Instant::now() + time;
        let mut last = None;
        loop {
            match self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    known.note(&line);
                    last = Some(line);
                }
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    known.violations.push("a victim does not end".to_owned());
                    return self.kill(known);
                }
            }
        }
        let end = self.ended(known)?;
        Ok(End { last: end.last.or(last), ..end })
    }

    fn ended(mut self, known: &mut Acknowledged) -> io::Result<End> {
        let mut last = None;
        for line in &self.lines {
            known.note(&line);
            last = Some(line);
        }
        let status = self.child.wait()?;
        let errors = std::fs::read_to_string(&self.errors)?;
        let failpoint = errors.lines().find_map(|line| line.strip_prefix("failpoint "));
        if failpoint.is_none() && !errors.is_empty() {
            known.violations.push(format!("a victim complains: {errors}"));
        }
        Ok(End { status, last, failpoint: failpoint.map(str::to_owned) })
    }
}
