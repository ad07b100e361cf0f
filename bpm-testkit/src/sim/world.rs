//! What happens in the simulated world: everything that the engine does not decide, drawn from
//! the seed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use bpm_core::clock::{Clock, Timestamp};
use bpm_core::engine::EngineOptions;
use bpm_core::event::{Actor, Event};
use bpm_core::ids::InstanceId;
use bpm_core::json::Json;
use bpm_core::store::UserTaskFilter;

use super::desk;
use super::faults::Fault;
use super::house::{Disk, House};
use super::times::Told;
use super::tree::{Features, Process};
use super::{Report, Violation};
use crate::arbitrary::Random;

/// While no time passes, so many steps are taken at most, and so many more for every turn that
/// there was before: no more can be undone than was done.
const STEPS_MAX: usize = 4_000;
const STEPS_A_TURN: usize = 10;

/// What time everything else takes at most: grace times, and what is tried again.
const SLACK: Duration = Duration::from_secs(10);

/// One chance in so many, of each sort of trouble.
struct Mix {
    crash: usize,
    commit: usize,
    read: usize,
    task: usize,
    person: usize,
    duplicate: usize,
}

/// Simulates one seed over the stores of a disk.
pub fn run(random: &mut Random, features: Features, disk: Disk) -> Result<Report, Violation> {
    let size = 1 + random.below(10);
    let process = Process::random(random, size, features);
    run_process(random, &process, disk)
}

/// The same with a process that is given.
pub fn run_process(
    random: &mut Random,
    process: &Process,
    disk: Disk,
) -> Result<Report, Violation> {
    let options = options(random);
    let longest = Duration::from_millis(process.longest()) + SLACK;
    let mut world = World::new(random, House::new(process, options, disk), longest);
    let done = catch_unwind(AssertUnwindSafe(|| world.until_it_ends()));
    let done = done.unwrap_or_else(|panic| Err(format!("it panicked: {}", text(&*panic))));
    let house = &world.house;
    let report = Report { events: house.turns, crashes: house.crashes };
    done.map(|()| report).map_err(|what| {
        let mut trace = format!("{process}{}\n", world.trace.join(" "));
        for (id, case) in &house.cases {
            trace.push_str(&format!("instance {id}\n{}", super::turns(&case.turns)));
        }
        Violation { what, trace }
    })
}

fn text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

fn options(random: &mut Random) -> EngineOptions {
    let mut one_of = |of: [usize; 4]| of[random.below(4)];
    EngineOptions {
        moves_per_turn: one_of([10_000, 10_000, 10_000, 3]),
        dispatcher_calls: one_of([1_024, 1_024, 8, 2]),
        workers: one_of([64, 64, 2, 1]),
        turns_per_commit: one_of([4_096, 4_096, 2, 1]),
        cached_instances: one_of([1_024, 1_024, 1, 0]),
        snapshot_turns: one_of([1_000, 1_000, 5, 1]) as u64,
        history_turns: one_of([10_000, 10_000, 8, 4]) as u64,
        timers_in_memory: one_of([10_000, 10_000, 2, 1]),
        grace: Duration::from_millis(one_of([1_000, 50, 50, 5]) as u64),
        lost_attempts_max: 3,
        // Nobody watches, and every engine makes room for them.
        watch_turns: 1,
        jitter_seed: 7,
        ..EngineOptions::default()
    }
}

struct World<'a> {
    random: &'a mut Random,
    house: House<'a>,
    mix: Mix,
    /// After so much time without faults everything has ended.
    longest: Duration,
    instances: u8,
    suspensions: usize,
    /// Calls that are under way.
    later: Vec<(InstanceId, Event)>,
    /// There are no more faults.
    calm: bool,
    trace: Vec<String>,
}

impl<'a> World<'a> {
    fn new(random: &'a mut Random, house: House<'a>, longest: Duration) -> Self {
        let mut one_of = |of: [usize; 4]| of[random.below(4)];
        let mix = Mix {
            crash: one_of([100_000, 200, 60, 25]),
            commit: one_of([100_000, 100_000, 30, 6]),
            read: one_of([100_000, 100_000, 40, 8]),
            task: one_of([40, 12, 5, 3]),
            person: one_of([400, 150, 60, 25]),
            duplicate: one_of([40, 40, 20, 10]),
        };
        Self {
            random,
            house,
            mix,
            longest,
            instances: 0,
            suspensions: 0,
            later: Vec::new(),
            calm: false,
            trace: Vec::new(),
        }
    }

    fn until_it_ends(&mut self) -> Result<(), String> {
        let steps = 20 + self.random.below(200);
        for _ in 0..steps {
            self.step()?;
        }
        self.note("no more faults");
        self.calm = true;
        self.house.no_room = false;
        let time = self.house.clock.monotonic().as_millis();
        self.house.clock.set_wall(Timestamp::from_millis(i64::try_from(time).unwrap_or(0)));
        self.house.plan.fail_reads(None);
        self.house.plan.be_busy(0);
        self.house.plan.next_commit(Fault::None);
        self.finish()?;
        self.house.audit()
    }

    fn note(&mut self, what: impl Into<String>) {
        self.trace.push(what.into());
    }

    /// One thing happens.
    fn step(&mut self) -> Result<(), String> {
        let fails = self.random.one_in(self.mix.read);
        let after = fails.then(|| [0, 0, 1, 4][self.random.below(4)]);
        self.house.plan.fail_reads(after);
        if !self.house.open()? {
            return Ok(());
        }
        if self.random.one_in(self.mix.crash) {
            self.note("crash");
            self.house.crash();
            return Ok(());
        }
        if self.random.one_in(self.mix.person) {
            self.person();
        }
        if self.random.one_in(self.mix.duplicate) {
            self.duplicate();
        }
        if self.random.one_in(8) {
            self.arrive();
        }
        match self.random.below(8) {
            0 | 1 => self.house.dispatch(),
            2 | 3 if self.house.has_turns() => self.commit(),
            4 if self.instances < 3 => self.start(),
            5 | 6 => self.end_attempt(),
            7 => {
                let advance = [1, 3, 10, 40][self.random.below(4)];
                self.house.clock.advance(Duration::from_millis(advance));
                if self.random.one_in(20) {
                    self.set_wall();
                }
                Ok(())
            }
            _ => self.user_task(),
        }
    }

    fn set_wall(&mut self) {
        let wall = self.house.clock.wall().as_millis();
        let jump = [-100_000, -50, 50, 500][self.random.below(4)];
        self.note(format!("wall{jump:+}"));
        self.house.clock.set_wall(Timestamp::from_millis(wall + jump));
    }

    fn commit(&mut self) -> Result<(), String> {
        if !self.random.one_in(self.mix.commit) {
            return self.house.commit();
        }
        let faults = [Fault::Before, Fault::After, Fault::After, Fault::Full, Fault::Busy];
        let slow = Duration::from_millis([0, 0, 5, 200][self.random.below(4)]);
        let fault = faults[self.random.below(faults.len())];
        self.note(format!("{fault:?} {slow:?}"));
        match fault {
            Fault::Busy => self.house.plan.be_busy(1 + self.random.below(4)),
            fault => self.house.plan.next_commit(fault),
        }
        self.house.clock.advance(slow);
        self.house.commit()
    }

    /// Starts an instance; now and then with the key of an earlier one.
    fn start(&mut self) -> Result<(), String> {
        self.instances += 1;
        let of = if self.random.one_in(4) { 1 } else { self.instances };
        let key = (!self.random.one_in(3)).then(|| format!("key{of}"));
        let byte = |at: usize| self.instances.wrapping_mul(37 + 2 * at as u8);
        self.house.start(InstanceId::from_bytes(std::array::from_fn(byte)), key);
        Ok(())
    }

    fn end_attempt(&mut self) -> Result<(), String> {
        let running = desk::running();
        if running == 0 {
            return self.user_task();
        }
        let which = self.random.below(running);
        let how = if self.random.one_in(self.mix.task) {
            let message = format!("e{}", self.random.below(4));
            match self.random.below(4) {
                0 => Told::Error(message, false),
                1 => Told::Panic(message),
                _ => Told::Error(message, true),
            }
        } else {
            Told::Value(self.random.below(5) as i64)
        };
        self.house.end_attempt(which, how)
    }

    fn user_task(&mut self) -> Result<(), String> {
        let tasks = self.house.store().map(|store| store.user_tasks(&UserTaskFilter::default()));
        let Some(Ok(tasks)) = tasks.filter(|tasks| !matches!(tasks, Ok(tasks) if tasks.is_empty()))
        else {
            return Ok(());
        };
        let task = &tasks[self.random.below(tasks.len())];
        let payload = Json::from(&serde_json::Value::from(self.random.below(5)));
        let (instance, node) = (task.instance, task.node.clone());
        let event = Event::UserTaskCompleted { task: task.id, node, payload, actor: None };
        self.call(instance, event);
        Ok(())
    }

    /// Someone asks for something: at once, twice, later than others do, or without waiting for
    /// the answer.
    fn call(&mut self, instance: InstanceId, event: Event) {
        match self.random.below(if self.calm { 1 } else { 16 }) {
            1 => self.later.push((instance, event)),
            2 => self.house.deliver_and_forget(instance, event),
            3 => {
                self.house.deliver(instance, event.clone());
                self.house.deliver_and_forget(instance, event);
            }
            _ => self.house.deliver(instance, event),
        }
    }

    /// What was asked a while ago arrives, in any order.
    fn arrive(&mut self) {
        if !self.later.is_empty() {
            let at = self.random.below(self.later.len());
            let (instance, event) = self.later.swap_remove(at);
            self.house.deliver(instance, event);
        }
    }

    /// Someone cancels, ends, or decides about an incident.
    fn person(&mut self) {
        let cases = self.house.cases.len();
        if cases == 0 {
            return;
        }
        let at = self.random.below(cases);
        let Some(instance) = self.house.cases.keys().nth(at).copied() else { return };
        let actor = Actor::new("ann");
        match self.random.below(7) {
            6 => self.suspend_or_resume(instance),
            0 | 1 => self.call(instance, Event::CancelRequested { actor }),
            2 => self.call(instance, Event::TerminateRequested { actor }),
            _ => self.incident(),
        }
    }

    /// Each time someone else, since no two events of an instance are the same.
    fn suspend_or_resume(&mut self, instance: InstanceId) {
        self.suspensions += 1;
        let actor = Actor::new(format!("eve{}", self.suspensions));
        let suspended = self
            .house
            .cases
            .get(&instance)
            .is_some_and(|case| case.judge.replayed().suspended().is_some());
        // Now and then they do not know, and come too late, or twice.
        let event = match suspended != (!self.calm && self.random.one_in(6)) {
            true => Event::ResumeRequested { actor },
            false => Event::SuspendRequested { actor },
        };
        self.call(instance, event);
    }

    /// Resumes an instance that is suspended, if one is.
    fn resume(&mut self) -> bool {
        let suspended =
            |case: &&super::house::Case<'_>| case.judge.replayed().suspended().is_some();
        let Some(instance) = self.house.cases.values().find(suspended).map(|case| case.judge.id())
        else {
            return false;
        };
        self.suspend_or_resume(instance);
        true
    }

    /// A person decides about an incident, if there is one.
    fn incident(&mut self) {
        let incidents = self.house.store().and_then(|store| store.incidents(10).ok());
        let Some(row) = incidents.and_then(|rows| rows.into_iter().next()) else { return };
        let (incident, actor) = (row.id, Actor::new("bob"));
        let value = Json::from(&serde_json::Value::from(self.random.below(5)));
        let event = match self.random.below(3) {
            1 => Event::IncidentRetried { incident, actor },
            2 if !row.node.ends_with("/undo") => Event::IncidentFailed { incident, actor },
            _ => Event::IncidentSkipped { incident, value, actor },
        };
        self.call(row.instance, event);
    }

    /// Something that happened comes again, late.
    fn duplicate(&mut self) {
        let turns = self.house.cases.iter();
        let turns = turns.flat_map(|(id, case)| case.turns.iter().map(move |turn| (*id, turn)));
        let again = |event: &Event| {
            !matches!(
                event,
                Event::ProcessStarted { .. }
                    | Event::Continued
                    | Event::SuspendRequested { .. }
                    | Event::ResumeRequested { .. }
            )
        };
        let events: Vec<_> = turns
            .filter(|(_, turn)| again(&turn.event))
            .map(|(id, turn)| (id, &turn.event))
            .collect();
        if events.is_empty() {
            return;
        }
        let (instance, event) = events[self.random.below(events.len())];
        let event = event.clone();
        self.house.deliver_late(instance, event);
    }

    /// No more faults: everything ends by what can be seen. What is bounded is how long that takes,
    /// and how much happens at one moment: what comes again every millisecond while something
    /// waits takes many steps and is no fault.
    fn finish(&mut self) -> Result<(), String> {
        let end = self.house.clock.monotonic() + self.longest;
        let (mut moment, mut steps) = (None, 0);
        while self.house.clock.monotonic() < end {
            if moment != Some(self.house.clock.monotonic()) {
                moment = Some(self.house.clock.monotonic());
                steps = STEPS_MAX + STEPS_A_TURN * self.house.turns;
            }
            let Some(left) = steps.checked_sub(1) else { break };
            steps = left;
            self.house.open()?;
            self.house.dispatch()?;
            if self.house.has_turns() {
                self.house.commit()?;
            } else if !self.house.has_messages() && !self.go_on()? {
                return self.all_ended();
            }
        }
        self.note(format!("{:?}", self.house.waiting()));
        Err("it does not end".to_owned())
    }

    /// Does one thing that can be seen to wait; false if nothing does.
    fn go_on(&mut self) -> Result<bool, String> {
        if std::mem::take(&mut self.house.no_room) {
            // There is when what the store refused was tried again.
            self.house.wait_for_engine();
            return Ok(true);
        }
        if self.resume() {
            return Ok(true);
        }
        if desk::running() > 0 {
            self.house.end_attempt(0, Told::Value(1))?;
            return Ok(true);
        }
        let Some(store) = self.house.store() else { return Ok(true) };
        let open = store.user_tasks(&UserTaskFilter::default());
        let rests = store.incidents(1);
        if open.is_ok_and(|open| !open.is_empty()) {
            self.user_task()?;
        } else if rests.is_ok_and(|rests| !rests.is_empty()) {
            self.incident();
        } else {
            return Ok(self.house.wait_for_engine());
        }
        Ok(true)
    }

    fn all_ended(&self) -> Result<(), String> {
        let alive = |(id, case): (&InstanceId, &super::house::Case<'_>)| {
            (!case.judge.replayed().status.is_end()).then_some(*id)
        };
        match self.house.cases.iter().find_map(alive) {
            Some(id) => Err(format!("silently stuck: instance {id}")),
            None => Ok(()),
        }
    }
}
