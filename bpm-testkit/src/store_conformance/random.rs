//! Random batches, right and wrong ones, to a store and to [`Memory`]: both must say the same.

use bpm_core::change::Closing;
use bpm_core::clock::Timestamp;
use bpm_core::store::{Batch, Closed, Memory, Status, Store, TimerRow, TurnRows, UserTaskFilter};

use super::rows::{incident, incident_id, instance, start, state, task, task_id, timer, turn};
use super::{Places, ok};

/// Schedules that are tried.
const SEEDS: u64 = 24;

/// Batches of one schedule.
const BATCHES: usize = 24;

/// Instances, and as many user tasks and incidents.
const IDS: u8 = 6;

/// Whatever batches come, the store answers as the memory store does. A failure names the seed.
pub fn random<S: Store>(places: Places<'_, S>) {
    for seed in 1..=SEEDS {
        schedule(places, seed);
    }
}

fn schedule<S: Store>(places: Places<'_, S>, seed: u64) {
    let open = places();
    let (mut store, memory, mut dice) = (ok(open()), Memory::new(), Dice(seed));
    let mut heads = [0; IDS as usize];
    for step in 0..BATCHES {
        let batch = batch(&mut dice, &mut heads, step);
        let (is, expected) = (ok(store.commit(&batch)), ok(memory.commit(&batch)));
        assert_eq!(is, expected, "seed {seed}, step {step}: {batch:#?}");
        if dice.roll(4) == 0 {
            drop(store);
            store = ok(open());
        }
        compare(&store, &memory, &format!("seed {seed}, step {step}: {batch:#?}"));
    }
}

/// xorshift64*: the same numbers everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % sides
    }

    fn id(&mut self) -> u8 {
        u8::try_from(self.roll(u64::from(IDS))).unwrap_or(0)
    }
}

fn batch(dice: &mut Dice, heads: &mut [u64; IDS as usize], step: usize) -> Batch {
    let turns = (0..=dice.roll(8)).map(|_| random_turn(dice, heads)).collect();
    Batch { now: Timestamp::from_millis(1_000 * step as i64), turns }
}

/// Mostly the next turn of an instance, by a guess that is wrong after a refusal.
fn random_turn(dice: &mut Dice, heads: &mut [u64; IDS as usize]) -> TurnRows {
    let n = dice.id();
    let head = &mut heads[usize::from(n)];
    *head = match dice.roll(10) {
        0 => *head,
        1 => *head + 2,
        2 => dice.roll(3),
        _ => *head + 1,
    };
    let mut turn = match *head {
        1 => start(n, [None, Some("a"), Some("b")][dice.roll(3) as usize]),
        seq => turn(n, seq),
    };
    if dice.roll(3) == 0 {
        turn.state = Some(state(Status::ALL[dice.roll(8) as usize]));
        let state = turn.state.iter_mut();
        state.for_each(|state| {
            state.active = dice.roll(2) == 0;
            state.snapshot = (dice.roll(3) == 0).then(|| format!("\"{}\"", turn.seq));
        });
    }
    let snapshot = turn.state.as_ref().and_then(|state| state.snapshot.as_ref());
    if snapshot.is_some() && turn.seq > 0 && dice.roll(2) == 0 {
        turn.forget = Some(dice.roll(turn.seq));
    }
    random_waits(dice, n, &mut turn);
    turn
}

fn random_waits(dice: &mut Dice, n: u8, turn: &mut TurnRows) {
    let closed = Closed { how: Closing::Cancelled, at: turn.at, by: None };
    match dice.roll(8) {
        0 => turn.opened.push(task(dice.id(), n)),
        1 => turn.closed.push((task_id(dice.id()), closed)),
        2 => turn.raised.push(incident(dice.id(), n)),
        3 => turn.settled.push((incident_id(dice.id()), closed)),
        _ => {}
    }
    for _ in 0..dice.roll(3) {
        match dice.roll(3) {
            0 => turn.timers_closed.push(dice.roll(4)),
            _ => {
                let timer = timer(n, dice.roll(4), dice.roll(5) as i64);
                turn.timers_set.push(TimerRow { calendar: dice.roll(3) == 0, ..timer });
            }
        }
    }
}

fn compare(store: &impl Store, memory: &impl Store, when: &str) {
    for n in 0..IDS {
        let (is, expected) = (ok(store.load(instance(n))), ok(memory.load(instance(n))));
        assert_eq!(format!("{is:#?}"), format!("{expected:#?}"), "{when}");
        let all = |store: &dyn Store| {
            (ok(store.history(instance(n), 0, 999)), ok(store.base(instance(n))))
        };
        assert_eq!(all(store), all(memory), "{when}");
        let (is, expected) = (ok(store.user_task(task_id(n))), ok(memory.user_task(task_id(n))));
        assert_eq!(is, expected, "{when}");
        let (is, expected) =
            (ok(store.incident(incident_id(n))), ok(memory.incident(incident_id(n))));
        assert_eq!(is, expected, "{when}");
    }
    assert_eq!(ok(store.timers(None, 99)), ok(memory.timers(None, 99)), "{when}");
    let tasks = UserTaskFilter::default();
    assert_eq!(ok(store.user_tasks(&tasks)), ok(memory.user_tasks(&tasks)), "{when}");
    assert_eq!(ok(store.incidents(99)), ok(memory.incidents(99)), "{when}");
    assert_eq!(ok(store.active(None, 99)), ok(memory.active(None, 99)), "{when}");
    assert_eq!(ok(store.live("shop", 1)), ok(memory.live("shop", 1)), "{when}");
    for key in ["a", "b"] {
        assert_eq!(ok(store.started("shop", key)), ok(memory.started("shop", key)), "{when}");
    }
}
