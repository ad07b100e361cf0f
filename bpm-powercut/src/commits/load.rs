//! Random turns, each of them right: instances start, go on, wait and end.

use std::collections::BTreeMap;

use bpm_core::change::Closing;
use bpm_core::clock::Timestamp;
use bpm_core::ids::{IncidentId, InstanceId, UserTaskId};
use bpm_core::store::{
    Batch, Closed, IncidentRow, StartRow, StateRow, Status, TimerRow, TurnRows, UserTaskRow,
};
use bpm_testkit::arbitrary::Random;

/// The process of all instances.
pub const PROCESS: &str = "shop";

/// Turns of a batch, at most, but for the few that are much larger.
const TURNS: usize = 6;

/// Makes batches, one behind the other.
pub struct Load {
    random: Random,
    now: i64,
    /// Ids are never used twice, also not of what a cut took.
    last_id: u64,
    living: BTreeMap<InstanceId, Living>,
}

/// What an instance has.
#[derive(Clone, Default)]
struct Living {
    seq: u64,
    task: Option<UserTaskId>,
    incident: Option<IncidentId>,
    timer: Option<u64>,
}

impl Load {
    /// The batches of a seed.
    pub fn new(seed: u64) -> Self {
        Self { random: Random::new(seed), now: 0, last_id: 0, living: BTreeMap::new() }
    }

    /// The next batch.
    pub fn batch(&mut self) -> Batch {
        self.now += self.random.below(700) as i64;
        let most = if self.random.below(12) == 0 { 60 } else { TURNS };
        let turns = (0..=self.random.below(most)).map(|_| self.turn()).collect();
        Batch { now: Timestamp::from_millis(self.now), turns }
    }

    /// Goes on from where these batches lead.
    pub fn go_back(&mut self, batches: &[Batch]) {
        self.living.clear();
        self.now = batches.last().map_or(0, |batch| batch.now.as_millis());
        for turn in batches.iter().flat_map(|batch| &batch.turns) {
            let living = self.living.entry(turn.instance).or_default();
            living.seq = turn.seq;
            living.task = match turn.opened.first() {
                Some(task) => Some(task.id),
                None => living.task.filter(|_| turn.closed.is_empty()),
            };
            living.incident = match turn.raised.first() {
                Some(incident) => Some(incident.id),
                None => living.incident.filter(|_| turn.settled.is_empty()),
            };
            living.timer = match turn.timers_set.first() {
                Some(timer) => Some(timer.timer),
                None => living.timer.filter(|_| turn.timers_closed.is_empty()),
            };
            if turn.state.as_ref().is_some_and(|state| state.status.is_end()) {
                self.living.remove(&turn.instance);
            }
        }
    }

    fn id(&mut self) -> [u8; 16] {
        self.last_id += 1;
        (u128::from(self.last_id) << 32 | 0xC07).to_be_bytes()
    }

    fn turn(&mut self) -> TurnRows {
        let instance = match self.random.below(3) {
            0 => None,
            _ if self.living.is_empty() => None,
            _ => {
                let nth = self.random.below(self.living.len());
                self.living.keys().nth(nth).copied()
            }
        };
        let instance = instance.unwrap_or_else(|| InstanceId::from_bytes(self.id()));
        let mut living = self.living.remove(&instance).unwrap_or_default();
        living.seq += 1;
        let mut turn = self.rows(instance, living.seq);
        self.waits(&mut living, &mut turn);
        let ends = living.seq > 1 && self.random.below(12) == 0;
        if living.seq == 1 || ends || self.random.below(3) == 0 {
            turn.state = Some(self.state(ends, living.seq));
        }
        let snapshot = turn.state.as_ref().and_then(|state| state.snapshot.as_ref());
        if snapshot.is_some() && self.random.below(2) == 0 {
            turn.forget = Some(self.random.below(living.seq as usize) as u64);
        }
        if !ends {
            self.living.insert(instance, living);
        }
        turn
    }

    fn rows(&mut self, instance: InstanceId, seq: u64) -> TurnRows {
        let length = match self.random.below(30) {
            0 => 12_000,
            1 => 3_000,
            _ => 200,
        };
        let text = "x".repeat(self.random.below(length));
        let start = StartRow {
            process: PROCESS.into(),
            version: 1,
            key: (self.random.below(2) == 0).then(|| format!("{instance}")),
            input_hash: self.last_id,
        };
        TurnRows {
            instance,
            seq,
            at: Timestamp::from_millis(self.now),
            body: format!("{{\"n\":{},\"text\":\"{text}\"}}", self.random.below(1 << 40)),
            start: (seq == 1).then_some(start),
            state: None,
            forget: None,
            opened: Vec::new(),
            closed: Vec::new(),
            raised: Vec::new(),
            settled: Vec::new(),
            timers_set: Vec::new(),
            timers_closed: Vec::new(),
        }
    }

    fn state(&mut self, ends: bool, seq: u64) -> StateRow {
        let status = if ends { Status::Completed } else { Status::Running };
        StateRow {
            status,
            active: !ends && self.random.below(2) == 0,
            tokens: format!("[{seq}]"),
            snapshot: (self.random.below(3) == 0).then(|| format!("\"{seq}\"")),
            outcome: ends.then(|| "\"done\"".to_owned()),
        }
    }

    /// Opens what is not open, and closes what is.
    fn waits(&mut self, living: &mut Living, turn: &mut TurnRows) {
        let closed = Closed { how: Closing::Completed, at: turn.at, by: None };
        match (self.random.below(6), living.task, living.incident, living.timer) {
            (0, Some(task), ..) => {
                turn.closed.push((task, closed));
                living.task = None;
            }
            (0, None, ..) => {
                let id = UserTaskId::from_bytes(self.id());
                turn.opened.push(task(id, turn));
                living.task = Some(id);
            }
            (1, _, Some(incident), _) => {
                turn.settled.push((incident, closed));
                living.incident = None;
            }
            (1, _, None, _) => {
                let id = IncidentId::from_bytes(self.id());
                turn.raised.push(incident(id, turn));
                living.incident = Some(id);
            }
            (2 | 3, _, _, Some(timer)) => {
                turn.timers_closed.push(timer);
                living.timer = None;
            }
            (2 | 3, _, _, None) => {
                let due = Timestamp::from_millis(self.now + self.random.below(9_999) as i64);
                let (instance, timer, calendar) =
                    (turn.instance, turn.seq, turn.seq.is_multiple_of(2));
                turn.timers_set.push(TimerRow { calendar, due, instance, timer, token: 1 });
                living.timer = Some(timer);
            }
            _ => {}
        }
    }
}

fn task(id: UserTaskId, turn: &TurnRows) -> UserTaskRow {
    UserTaskRow {
        id,
        instance: turn.instance,
        process: PROCESS.into(),
        key: None,
        node: "approve".into(),
        name: "approve".into(),
        form: "{}".into(),
        group: Some("desk".into()),
        user: None,
        due: None,
        priority: None,
        created: turn.at,
        closed: None,
    }
}

fn incident(id: IncidentId, turn: &TurnRows) -> IncidentRow {
    IncidentRow {
        id,
        instance: turn.instance,
        process: PROCESS.into(),
        node: "charge".into(),
        error: "no answer".into(),
        attempts: 3,
        lost: 0,
        hint: "call the bank".into(),
        since: turn.at,
        closed: None,
    }
}
