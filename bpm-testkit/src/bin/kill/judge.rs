//! The judge: what is stored, against what was acknowledged and what the ledger says.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bpm_core::change::{Change, Closing};
use bpm_core::clock::Timestamp;
use bpm_core::event::Event;
use bpm_core::history::Recorded;
use bpm_core::store::{Error, Store};
use bpm_engine::{InstanceId, Sqlite};
use bpm_testkit::audit;

use crate::child::WORKERS;
use crate::driver::Folder;
use crate::ledger::{self, Effect};
use crate::load::{HISTORY, Sort};
use crate::victim::Acknowledged;

/// One visit of one activity.
type Visit = (String, u64);

/// Looks at the file between two kills: it is sound, and what was acknowledged is there.
pub(crate) fn peek(folder: &mut Folder) {
    let mut found = Vec::new();
    if let Err(error) = look(folder, &mut found) {
        found.push(format!("the file cannot be read after a kill: {error}"));
    }
    folder.known.violations.extend(found);
}

fn look(folder: &Folder, found: &mut Vec<String>) -> Result<(), Error> {
    let store = Sqlite::open(folder.path().join("kill.db"))?;
    starts(&store, &folder.known, found)?;
    store.close()?;
    found.extend(integrity(folder).err());
    Ok(())
}

/// Judges a file that is drained; how many attempts were repeated.
pub(crate) fn judge(folder: &mut Folder) -> io::Result<usize> {
    let effects = ledger::read(folder.path())?;
    let mut found = Vec::new();
    let repeats = everything(folder, &effects, &mut found).unwrap_or_else(|error| {
        found.push(format!("the file cannot be read: {error}"));
        0
    });
    found.extend(integrity(folder).err());
    folder.known.violations.extend(found);
    Ok(repeats)
}

fn integrity(folder: &Folder) -> Result<(), String> {
    let check = || {
        let connection = rusqlite::Connection::open(folder.path().join("kill.db"))?;
        connection.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0))
    };
    match check() {
        Ok(sound) if sound == "ok" => Ok(()),
        Ok(finding) => Err(format!("integrity_check: {finding}")),
        Err(error) => Err(format!("integrity_check: {error}")),
    }
}

/// Every acknowledged start is there, as the instance that was named.
fn starts(store: &Sqlite, known: &Acknowledged, found: &mut Vec<String>) -> Result<(), Error> {
    for (n, instance) in &known.started {
        let started = store.started(&Sort::of(*n).process(), &n.to_string())?;
        if started.as_ref().map(|started| started.instance) != Some(*instance) {
            found.push(format!("start {n} {instance} is lost: {started:?}"));
        }
    }
    Ok(())
}

fn everything(
    folder: &Folder,
    effects: &[Effect],
    found: &mut Vec<String>,
) -> Result<usize, Error> {
    let store = Sqlite::open(folder.path().join("kill.db"))?;
    let known = &folder.known;
    starts(&store, known, found)?;
    let mut of_instance: BTreeMap<InstanceId, Vec<&Effect>> = BTreeMap::new();
    effects.iter().for_each(|effect| of_instance.entry(effect.instance).or_default().push(effect));
    let (mut happened, mut lost) = (Happened::default(), Lost::default());
    for n in 0..folder.until {
        let Some(started) = store.started(&Sort::of(n).process(), &n.to_string())? else {
            found.push(format!("instance {n} was not started by the drain"));
            continue;
        };
        let replayed =
            catch_unwind(AssertUnwindSafe(|| audit::check_replay(&store, started.instance)));
        if replayed.is_err() {
            found.push(format!("instance {n} is not what its history makes of it"));
        }
        let history = audit::history(&store, started.instance)?;
        let effects = of_instance.remove(&started.instance).unwrap_or_default();
        let judged = Judged { n, history: &history, effects: &effects };
        let wrong = judged.violations(&store, started.instance, &mut lost)?;
        found.extend(wrong.iter().map(|wrong| {
            let sort = Sort::of(n);
            format!("instance {n} ({sort:?}, {}): {wrong}", started.instance)
        }));
        happened.note(started.instance, &history);
    }
    let strange: Vec<_> = of_instance.keys().collect();
    if !strange.is_empty() {
        found.push(format!("effects of instances that nobody knows: {strange:?}"));
    }
    happened.compare(known, found);
    let too_many = lost.running.iter().filter(|(_, running)| **running > WORKERS);
    found.extend(too_many.map(|(process, running)| {
        format!("{running} attempts of process {process} ran when it was killed, of {WORKERS}")
    }));
    Ok(lost.repeats)
}

/// Attempts that had an effect and were lost, so that there was another one.
#[derive(Default)]
pub(crate) struct Lost {
    pub(crate) repeats: usize,
    /// By process, those that still ran; the results of the others were on their way.
    pub(crate) running: BTreeMap<u32, usize>,
}

/// What callers did, as history has it.
#[derive(Default)]
struct Happened {
    completed: Vec<String>,
    cancelled: Vec<InstanceId>,
    skipped: Vec<String>,
}

impl Happened {
    fn note(&mut self, instance: InstanceId, history: &[Recorded]) {
        for turn in history {
            match &turn.event {
                Event::UserTaskCompleted { task, .. } => self.completed.push(task.to_string()),
                Event::CancelRequested { .. } => self.cancelled.push(instance),
                Event::IncidentSkipped { incident, .. } => self.skipped.push(incident.to_string()),
                _ => {}
            }
        }
    }

    /// Each once, and all that was acknowledged.
    fn compare(&self, known: &Acknowledged, found: &mut Vec<String>) {
        compare("complete", &self.completed, &known.completed, found);
        compare("cancel", &self.cancelled, &known.cancelled, found);
        compare("skip", &self.skipped, &known.skipped, found);
    }
}

fn compare<T: Ord + std::fmt::Display>(
    what: &str,
    happened: &[T],
    known: &BTreeSet<T>,
    found: &mut Vec<String>,
) {
    let once: BTreeSet<&T> = happened.iter().collect();
    if once.len() != happened.len() {
        found.push(format!("{what}: {} times of {} things", happened.len(), once.len()));
    }
    let lost = known.iter().filter(|known| !once.contains(known));
    found.extend(lost.map(|lost| format!("{what} {lost} is lost")));
}

/// An instance at its end.
pub(crate) struct Judged<'a> {
    pub(crate) n: u64,
    pub(crate) history: &'a [Recorded],
    pub(crate) effects: &'a [&'a Effect],
}

impl Judged<'_> {
    fn violations(
        &self,
        store: &Sqlite,
        instance: InstanceId,
        lost: &mut Lost,
    ) -> Result<Vec<String>, Error> {
        let status = store.instance(instance)?.map(|row| row.state.status);
        let expected = Sort::of(self.n).expected(self.n);
        let mut found = Vec::new();
        if status != Some(expected.status) {
            found.push(format!("is {status:?}, not {}: {:?}", expected.status, self.history));
        }
        if self.result() != expected.result {
            found.push(format!("gave {:?}, not {:?}", self.result(), expected.result));
        }
        self.kept(&mut found);
        self.completions(expected.completed, &mut found);
        self.repetitions(lost, &mut found);
        self.undos(&mut found);
        self.timers(&mut found);
        Ok(found)
    }

    /// The whole history is there, or of a long one the last turns.
    fn kept(&self, found: &mut Vec<String>) {
        let (first, count) = (self.history.first().map(|turn| turn.seq), self.history.len());
        let whole = first == Some(1);
        if count as u64 > HISTORY || whole == (Sort::of(self.n) == Sort::Long) {
            found.push(format!("{count} turns are kept, from turn {first:?} on"));
        }
    }

    fn changes(&self) -> impl Iterator<Item = &Change> {
        self.history.iter().flat_map(|turn| &turn.changes)
    }

    fn result(&self) -> Option<u64> {
        self.changes().find_map(|change| match change {
            Change::ProcessCompleted { result, .. } => result.text().parse().ok(),
            _ => None,
        })
    }

    /// Each step once, the ones that are expected, and each had its effect.
    pub(crate) fn completions(&self, expected: Option<&[&str]>, found: &mut Vec<String>) {
        let mut done: BTreeMap<Visit, u32> = BTreeMap::new();
        for turn in self.history {
            let Event::TaskCompleted { node, visit, attempt, .. } = &turn.event else { continue };
            if done.insert((node.clone(), *visit), *attempt).is_some() {
                found.push(format!("{node} completed twice"));
            }
        }
        let mut names: Vec<&str> = done.keys().map(|(node, _)| node.as_str()).collect();
        names.retain(|name| !name.ends_with("/undo"));
        if expected.is_some_and(|expected| names != expected) {
            found.push(format!("completed {names:?}, not {expected:?}"));
        }
        for ((node, visit), attempt) in &done {
            let mut of_it = self.effects_of(node, *visit);
            if !of_it.any(|effect| effect.attempt == *attempt) {
                found.push(format!("{node} completed without its effect"));
            }
            if self.effects_of(node, *visit).any(|effect| effect.attempt > *attempt) {
                found.push(format!("{node} ran again after it was committed"));
            }
        }
    }

    fn effects_of(&self, node: &str, visit: u64) -> impl Iterator<Item = &&Effect> {
        let of_it = move |effect: &&&Effect| effect.node == *node && effect.visit == visit;
        self.effects.iter().filter(of_it)
    }

    /// Every attempt had its effect at most once, and there was another one only if it failed or
    /// was lost; the lost ones are counted for the process that ran them.
    pub(crate) fn repetitions(&self, lost: &mut Lost, found: &mut Vec<String>) {
        let mut attempts: BTreeMap<(&str, u64, u32), &Effect> = BTreeMap::new();
        let mut ended = BTreeSet::new();
        for effect in self.effects {
            let key = (effect.node.as_str(), effect.visit, effect.attempt);
            if effect.ended {
                ended.insert(key);
            } else if attempts.insert(key, effect).is_some() {
                found.push(format!("attempt {} of {} ran twice", effect.attempt, effect.node));
            }
        }
        for turn in self.history {
            let Event::TaskLost { node, visit, attempt, .. } = &turn.event else { continue };
            let key = (node.as_str(), *visit, *attempt);
            let Some(effect) = attempts.get(&key) else { continue };
            lost.repeats += 1;
            if !ended.contains(&key) {
                *lost.running.entry(effect.process).or_default() += 1;
            }
        }
    }

    /// What completed and can be undone was undone, in exactly the reverse order, in history and
    /// in the world.
    pub(crate) fn undos(&self, found: &mut Vec<String>) {
        let (mut open, mut undone) = (Vec::new(), Vec::new());
        for change in self.changes() {
            match change {
                Change::UndoRecorded { node, visit, .. } => open.push((node.to_string(), *visit)),
                Change::Undone { node, visit } => {
                    if open.pop() != Some((node.to_string(), *visit)) {
                        found.push(format!("{node} was undone out of order"));
                    }
                    undone.push(format!("{node}/undo"));
                }
                _ => {}
            }
        }
        if !open.is_empty() {
            found.push(format!("not undone: {open:?}"));
        }
        let mut had: Vec<&str> = Vec::new();
        for effect in self.effects.iter().filter(|effect| effect.node.ends_with("/undo")) {
            if !had.contains(&effect.node.as_str()) {
                had.push(&effect.node);
            }
        }
        if had != undone {
            found.push(format!("undone were {undone:?}, their effects were {had:?}"));
        }
    }

    /// No timer fired early, and none twice.
    fn timers(&self, found: &mut Vec<String>) {
        let mut due: BTreeMap<u64, Option<Timestamp>> = BTreeMap::new();
        for turn in self.history {
            if let Event::TimerFired { timer, node, .. } = &turn.event
                && due.remove(timer).is_none_or(|due| due.is_some_and(|due| turn.at < due))
            {
                found.push(format!("the timer at {node} fired early or twice"));
            }
            for change in &turn.changes {
                match change {
                    // When the wall clock showed it, history does not say.
                    Change::TimerSet { timer, calendar: true, .. } => {
                        due.insert(*timer, None);
                    }
                    Change::TimerSet { timer, due: at, .. }
                    | Change::RetryScheduled { timer, due: at, .. } => {
                        due.insert(*timer, Some(*at));
                    }
                    Change::UserTaskClosed { how: Closing::Completed, by: None, .. } => {
                        found.push("a user task was completed by nobody".to_owned());
                    }
                    _ => {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bpm_engine::Json;

    use super::*;

    fn turn(event: Event, changes: Vec<Change>) -> Recorded {
        Recorded { seq: 1, at: Timestamp::default(), event, changes }
    }

    fn done(node: &str, attempt: u32) -> Recorded {
        let (node, result) = (node.to_owned(), Json::null());
        turn(Event::TaskCompleted { token: 0, node, visit: 1, attempt, result }, Vec::new())
    }

    fn lost(node: &str, attempt: u32) -> Recorded {
        let node = node.to_owned();
        turn(Event::TaskLost { token: 0, node, visit: 1, attempt }, Vec::new())
    }

    fn effect(node: &str, attempt: u32) -> Effect {
        let instance = InstanceId::from_bytes([1; 16]);
        Effect { instance, node: node.to_owned(), visit: 1, attempt, process: 7, ended: false }
    }

    /// What is wrong with a history and its effects, and how many running attempts were lost.
    fn wrong(history: &[Recorded], effects: &[Effect]) -> (String, usize) {
        let effects: Vec<&Effect> = effects.iter().collect();
        let judged = Judged { n: 0, history, effects: &effects };
        let (mut found, mut lost) = (Vec::new(), Lost::default());
        judged.completions(None, &mut found);
        judged.repetitions(&mut lost, &mut found);
        judged.undos(&mut found);
        (found.join("; "), lost.running.values().sum())
    }

    #[test]
    fn a_lost_attempt_may_run_again_and_a_committed_one_may_not() {
        let history = [lost("a", 1), done("a", 2)];
        let both = [effect("a", 1), effect("a", 2)];
        assert_eq!(wrong(&history, &both), (String::new(), 1));
        let ended = Effect { ended: true, ..effect("a", 1) };
        assert_eq!(wrong(&history, &[&both[..], &[ended]].concat()), (String::new(), 0));
        let late = [&both[..], &[effect("a", 3)]].concat();
        assert_eq!(wrong(&history, &late).0, "a ran again after it was committed");
        let twice = [&both[..], &both[1..]].concat();
        assert_eq!(wrong(&history, &twice).0, "attempt 2 of a ran twice");
        assert_eq!(wrong(&history, &both[..1]).0, "a completed without its effect");
        assert_eq!(wrong(&[done("a", 2), done("a", 2)], &both).0, "a completed twice");
    }

    #[test]
    fn undo_is_reverse_and_complete_in_history_and_in_the_world() {
        let recorded = |node: &'static str| Change::UndoRecorded {
            node: node.into(),
            visit: 1,
            scope: 0,
            values: Vec::new(),
        };
        let undone = |node: &'static str| Change::Undone { node: node.into(), visit: 1 };
        let history = |changes| [turn(Event::Continued, changes)];
        let right = vec![recorded("a"), recorded("b"), undone("b"), undone("a")];
        let effects = [effect("b/undo", 1), effect("a/undo", 1)];
        assert_eq!(wrong(&history(right.clone()), &effects).0, "");
        let forward = vec![recorded("a"), recorded("b"), undone("a"), undone("b")];
        assert!(wrong(&history(forward), &effects).0.contains("a was undone out of order"));
        let missing = vec![recorded("a"), recorded("b"), undone("b")];
        assert!(wrong(&history(missing), &effects).0.contains("not undone"));
        let reversed = [effect("a/undo", 1), effect("b/undo", 1)];
        assert!(wrong(&history(right), &reversed).0.contains("their effects were"));
    }
}
