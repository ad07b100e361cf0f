//! Random sound graphs under random orders of events: they always come to their end, and at every
//! turn a replay of what was recorded gives the same state.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex};

use bpm_core::instance::{Instance, TokenState};
use bpm_core::json::Json;
use bpm_core::step::{Effect, Limits, step};
use bpm_engine::prelude::*;
use bpm_model::kind::Kind;
use bpm_testkit::arbitrary::{Random, Sketch};
use serde_json::{Value, json};

use crate::house::*;

/// More events than any run of these graphs has.
const EVENTS_MAX: usize = 50_000;

/// A definition that is sound by construction, and how many ways out each of its choices has.
struct Sample {
    definition: ProcessDefinition,
    choices: BTreeMap<String, usize>,
}

impl Sample {
    fn new(random: &mut Random) -> Self {
        let mut sketch = Sketch::default();
        for _ in 0..1 + random.below(12) {
            match random.below(6) {
                0 => sketch.put_after(random.below(sketch.edges())),
                _ => sketch.grow(random),
            }
        }
        break_cycles(&mut sketch);
        Self::build(&sketch, random)
    }

    /// The sketch as calls of the builder; every choice follows a variable of its name.
    fn build(sketch: &Sketch, random: &mut Random) -> Self {
        let graph = sketch.graph();
        let mut builder = ProcessDefinition::builder("random");
        for node in graph.nodes.iter() {
            let id = node.id.as_ref();
            builder = match &node.kind {
                Kind::Start => builder.start(id),
                Kind::End { .. } => builder.end(id),
                Kind::Exclusive => builder.exclusive(id),
                Kind::Parallel => builder.parallel(id),
                _ if random.below(3) == 0 => builder.user(id),
                _ => builder.service(id),
            };
        }
        let mut choices = BTreeMap::new();
        for (from, node) in graph.nodes.iter().enumerate() {
            let ways: Vec<_> = graph.outgoing(from).map(|(_, edge)| edge.to).collect();
            for (way, to) in ways.iter().enumerate() {
                let (id, to) = (node.id.as_ref(), graph.nodes[*to].id.as_ref());
                builder = if node.kind != Kind::Exclusive || ways.len() == 1 {
                    builder.edge(id, to)
                } else if way + 1 == ways.len() {
                    builder.edge_if(id, to, EdgeCondition::Default)
                } else {
                    builder.edge_if(id, to, EdgeCondition::VariableEq(id.to_owned(), json!(way)))
                };
            }
            if node.kind == Kind::Exclusive && ways.len() > 1 {
                choices.insert(node.id.to_string(), ways.len());
            }
        }
        let definition = builder.build().unwrap_or_else(|findings| panic!("{findings}"));
        Self { definition, choices }
    }

    /// A value for every choice.
    fn payload(&self, random: &mut Random) -> Value {
        let choose = |(name, ways): (&String, &usize)| (name.clone(), json!(random.below(*ways)));
        Value::Object(self.choices.iter().map(choose).collect())
    }
}

/// Puts a task on every way from a choice back to itself, so that no turn goes round for ever.
fn break_cycles(sketch: &mut Sketch) {
    let graph = sketch.graph();
    let reaches = |from: usize, goal: usize| {
        let (mut seen, mut ready) = (vec![false; graph.nodes.len()], vec![from]);
        while let Some(node) = ready.pop() {
            if !std::mem::replace(&mut seen[node], true) {
                ready.extend(graph.outgoing(node).map(|(_, edge)| edge.to));
            }
        }
        seen[goal]
    };
    for (at, edge) in graph.edges.iter().enumerate() {
        let chooses =
            graph.nodes[edge.from].kind == Kind::Exclusive && graph.outgoing(edge.from).count() > 1;
        if chooses && reaches(edge.to, edge.from) {
            sketch.put_task(at);
        }
    }
}

/// Says which seed it was, and what had happened, if the test fails.
struct Trace {
    seed: u64,
    text: String,
}

impl Trace {
    fn of(seed: u64, sample: &Sample) -> Self {
        Self { seed, text: sample.definition.to_mermaid() }
    }

    fn add(&mut self, event: &Event) {
        writeln!(self.text, "{event:?}").unwrap();
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("seed {}\n{}", self.seed, self.text);
        }
    }
}

/// An instance under random events, and its double that only applies what was recorded.
struct Double<'a> {
    sample: &'a Sample,
    instance: Instance,
    replayed: Instance,
    now: i64,
    limits: Limits,
}

impl Double<'_> {
    /// Takes a turn and compares; whether it was refused.
    fn take(&mut self, event: &Event) -> bool {
        let before = self.instance.clone();
        self.now += 1;
        let now = Timestamp::from_millis(self.now);
        let definition = &self.sample.definition;
        let Ok(outcome) = step(definition, &mut self.instance, event, now, self.limits) else {
            assert_eq!(self.instance, before, "a refusal changed something");
            return true;
        };
        let text = serde_json::to_string(&outcome.changes).unwrap();
        let changes: Vec<Change> = serde_json::from_str(&text).unwrap();
        assert_eq!(changes, outcome.changes);
        changes.iter().for_each(|change| self.replayed.apply(change));
        self.replayed.seq += 1;
        assert_eq!(self.replayed, self.instance);
        let kept: Instance =
            serde_json::from_str(&serde_json::to_string(&self.instance).unwrap()).unwrap();
        if !kept.status.is_end() {
            assert_eq!(kept, self.instance, "a snapshot is not what it was taken of");
        }
        self.compare_effects(&outcome.effects);
        false
    }

    /// Whatever is to run can be derived from the state alone.
    fn compare_effects(&self, effects: &[Effect]) {
        for effect in effects {
            let (Effect::Run { token } | Effect::Stop { token } | Effect::Drop { token }) = effect;
            let state = self.instance.token(*token).map(|token| &token.state);
            let stopped = matches!(effect, Effect::Run { .. }) && state.is_none();
            assert!(stopped || matches!(state, Some(TokenState::Executing(_))), "{effect:?}");
        }
    }

    /// Everything that can happen next.
    fn possible(&self, random: &mut Random) -> Vec<Event> {
        let mut events = Vec::new();
        for token in self.instance.tokens() {
            let node = token.node.to_string();
            let result = Json::from(&self.sample.payload(random));
            match &token.state {
                TokenState::Ready => events.push(Event::Continued),
                TokenState::Executing(attempts) => {
                    let (visit, attempt) = (attempts.visit, attempts.attempt);
                    events.push(Event::TaskCompleted {
                        token: token.id,
                        node: node.clone(),
                        visit,
                        attempt,
                        result,
                    });
                    // Fewer than `lost_attempts`, which would end in an incident.
                    if attempts.lost < 3 && random.below(8) == 0 {
                        events.push(Event::TaskLost { token: token.id, node, visit, attempt });
                    }
                }
                TokenState::Waiting { task } => events.push(Event::UserTaskCompleted {
                    task: *task,
                    node,
                    payload: result,
                    actor: None,
                }),
                TokenState::Joining => {}
                TokenState::Timing { timer, .. } | TokenState::BackingOff { timer, .. } => {
                    events.push(Event::TimerFired { token: token.id, node, timer: *timer });
                }
                TokenState::Incident { .. } => panic!("an incident in a sound graph"),
            }
        }
        events
    }
}

/// Runs a graph to its end; some are cancelled or fail on the way.
fn run(seed: u64) {
    let mut random = Random::new(seed);
    let sample = Sample::new(&mut random);
    let mut trace = Trace::of(seed, &sample);
    let instance = Instance::new(InstanceId::from_bytes([1; 16]), None);
    let moves = [1, 3, 1_000][random.below(3)];
    let limits = Limits { moves, tokens: 10_000, lost_attempts: 5, jitter_seed: seed };
    let replayed = instance.clone();
    let mut double = Double { sample: &sample, instance, replayed, now: 0, limits };
    let breaks = (random.below(4) == 0).then(|| random.below(10));
    double.take(&Event::ProcessStarted { input: Vec::new() });
    for n in 0..EVENTS_MAX {
        let events = double.possible(&mut random);
        if events.is_empty() {
            break;
        }
        let mut event = events[random.below(events.len())].clone();
        if breaks == Some(n) {
            event = broken(event);
        }
        trace.add(&event);
        assert!(!double.take(&event), "refused: {event:?}");
        if event != Event::Continued {
            assert!(double.take(&event), "the same thing happened twice");
        }
    }
    let status = double.instance.status;
    assert!(double.instance.tokens().is_empty() && status.is_end(), "stuck as {status}");
    assert_eq!(status == Status::Completed, double.instance.ending_is_completed());
}

/// A failure or a cancellation in place of what would have happened.
fn broken(event: Event) -> Event {
    match event {
        Event::TaskCompleted { token, node, visit, attempt, .. } => {
            let failure = Failure::new(node.as_str(), bpm_engine::FailureKind::Error, "broken");
            Event::TaskFailed {
                token,
                node,
                visit,
                attempt,
                failure,
                retryable: true,
                caught: None,
                heartbeat: None,
            }
        }
        _ => Event::CancelRequested { actor: Actor::new("ann") },
    }
}

trait EndingIs {
    fn ending_is_completed(&self) -> bool;
}

impl EndingIs for Instance {
    fn ending_is_completed(&self) -> bool {
        matches!(self.ending(), Some(bpm_core::instance::Ending::Completed(_)))
    }
}

/// So many seeds or as many as `BPM_ENGINE_GRAPHS` says, from 0 or from what `BPM_ENGINE_SEED`
/// says.
fn seeds(n: u64) -> std::ops::Range<u64> {
    let number = |variable| std::env::var(variable).ok()?.parse::<u64>().ok();
    let first = number("BPM_ENGINE_SEED").unwrap_or(0);
    first..first + number("BPM_ENGINE_GRAPHS").unwrap_or(n)
}

#[test]
fn five_hundred_graphs_run_to_their_end() {
    seeds(500).for_each(run);
}

/// The same with the whole engine over a file, which is stopped, dropped and opened again.
async fn reopen(seed: u64) {
    let mut random = Random::new(seed);
    let sample = Sample::new(&mut random);
    let _trace = Trace::of(seed, &sample);
    let house = House::sqlite();
    let (task, mut attempts) = gate();
    let engine = async || {
        let services = sample.definition.service_tasks().into_iter().map(str::to_owned);
        let builder = house.builder().definition(sample.definition.clone());
        let builder = services.fold(builder, |builder, id| builder.handler(id, task.clone()));
        builder.start().await.unwrap()
    };
    let mut now = engine().await;
    let mut watch = now.watch();
    let instance = now.start_definition("random", json!({})).await.unwrap().id();
    let mut begun = Vec::new();
    let mut turn = until(&mut watch, |_| true).await.recorded.clone();
    loop {
        let starts = |change: &&Change| matches!(change, Change::TaskStarted { .. });
        for _ in turn.changes.iter().filter(starts) {
            begun.push(attempts.begun().await);
        }
        if random.below(3) == 0 {
            drop(watch);
            drop(now);
            house.audit();
            now = engine().await;
            watch = now.watch();
            // What was in flight begins again; its first attempts are gone.
            for attempt in &mut begun {
                *attempt = attempts.begun().await;
            }
        }
        let tasks = now.user_tasks().list().await.unwrap();
        if begun.is_empty() && tasks.is_empty() {
            break;
        }
        let payload = sample.payload(&mut random);
        let at = random.below(begun.len() + tasks.len());
        if at < begun.len() {
            begun.swap_remove(at).end.send(Ok(payload)).unwrap();
        } else {
            now.complete_json(tasks[at - begun.len()].id, payload).await.unwrap();
        }
        let lost = |turn: &Recorded| matches!(turn.event, Event::TaskLost { .. });
        turn = until(&mut watch, |turn| !lost(turn)).await.recorded.clone();
    }
    now.run::<Value>(instance).outcome().await.unwrap().completed().unwrap();
    house.finish(now).await;
}

#[tokio::test]
async fn graphs_over_a_file_that_is_reopened_run_to_their_end() {
    for seed in seeds(30) {
        reopen(seed).await;
    }
}

/// The whole engine over a store whose commits fail now and then, and may have happened all the
/// same: every instance comes to its end, and every result counts once.
async fn fail_commits(seed: u64) {
    let mut random = Random::new(seed);
    let sample = Sample::new(&mut random);
    let _trace = Trace::of(seed, &sample);
    let house = if seed.is_multiple_of(2) { House::memory() } else { House::sqlite() };
    for _ in 0..4 {
        house.fail_commit(1 + random.below(30), random.below(2) == 0);
    }
    let sample = Arc::new(sample);
    let engine = sample.definition.service_tasks().into_iter().fold(
        house.builder().definition(sample.definition.clone()),
        |builder, id| {
            let (sample, random) = (Arc::clone(&sample), Mutex::new(random.clone()));
            builder.handler(id, move |_| {
                let payload = sample.payload(&mut random.lock().unwrap());
                async { Ok::<_, TaskError>(payload) }
            })
        },
    );
    let engine = engine.start().await.unwrap();
    let mut runs = Vec::new();
    for n in 0..5 {
        let start = || engine.start_definition("random", json!({})).key(n.to_string());
        runs.push(until_it_works(start).await.unwrap());
    }
    for run in runs {
        let ending = run.outcome();
        let mut ending = std::pin::pin!(ending);
        let mut watch = engine.watch();
        loop {
            for task in engine.user_tasks().instance(run.id()).list().await.unwrap() {
                let payload = sample.payload(&mut random);
                until_it_works(|| engine.complete_json(task.id, payload.clone())).await;
            }
            tokio::select! {
                biased;
                outcome = &mut ending => break drop(outcome.unwrap().completed().unwrap()),
                turn = watch.next() => assert!(turn.is_some()),
            }
        }
    }
    house.finish(engine).await;
}

/// Calls again while the store fails; what then turns out to be done is done.
async fn until_it_works<C, T>(call: impl Fn() -> C) -> Option<T>
where
    C: IntoFuture<Output = Result<T, Error>>,
{
    loop {
        match call().await {
            Ok(done) => return Some(done),
            Err(Error::Refused(Refused::UserTaskClosed { .. })) => return None,
            Err(Error::Store(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn graphs_over_a_store_that_fails_run_to_their_end() {
    let mut runs = tokio::task::JoinSet::new();
    seeds(40).for_each(|seed| drop(runs.spawn(fail_commits(seed))));
    runs.join_all().await;
}
