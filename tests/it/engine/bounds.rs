//! Bounds: reaching one gives backpressure, or an error that names the option.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bpm_engine::prelude::*;
use serde_json::{Value, json};

use crate::house::*;

const PAYLOAD: &str = "`EngineOptions::payload_bytes`";

fn small() -> EngineOptions {
    EngineOptions { payload_bytes: 100, ..Default::default() }
}

#[tokio::test]
async fn an_input_that_is_too_large_is_refused() {
    for house in House::all() {
        let builder = house.builder().definition(line("desk", &["user look"])).options(small());
        let engine = builder.start().await.unwrap();
        let fits = json!({ "text": "x".repeat(98) });
        engine.start_definition("desk", fits).await.unwrap();
        let input = json!({ "text": "x".repeat(99) });
        let refused = refusal(engine.start_definition("desk", input).await);
        assert!(matches!(refused, Refused::TooLarge { bytes: 101, limit: 100, .. }), "{refused}");
        assert!(refused.to_string().contains(PAYLOAD));
        house.finish(engine).await;
    }
}

#[tokio::test]
async fn a_payload_that_is_too_large_is_refused_and_the_task_stays_open() {
    for house in House::all() {
        let builder = house.builder().definition(line("desk", &["user look"])).options(small());
        let engine = builder.start().await.unwrap();
        engine.start_definition("desk", json!({})).await.unwrap();
        let task = the_task(&engine).await;
        let payload = json!({ "text": "x".repeat(100) });
        let refused = refusal(engine.complete_json(task.id, payload).await);
        assert!(refused.to_string().contains(PAYLOAD), "{refused}");
        assert_eq!(the_task(&engine).await, task);
        house.finish(engine).await;
    }
}

#[tokio::test]
async fn a_result_that_is_too_large_fails_its_instance() {
    for house in House::all() {
        let large = |_| async { Ok::<_, TaskError>(json!({ "text": "x".repeat(100) })) };
        let builder = house.builder().definition(line("one", &["service task"])).options(small());
        let engine = builder.handler("task", large).start().await.unwrap();
        let run = engine.start_definition("one", json!({})).await.unwrap();
        let Outcome::Failed(failure) = run.outcome().await.unwrap() else { panic!("not failed") };
        assert!(failure.message.contains(PAYLOAD), "{failure}");
        house.finish(engine).await;
    }
}

#[tokio::test]
async fn a_name_that_is_too_long_is_refused() {
    let too_long = |refused: Refused| {
        assert!(matches!(refused, Refused::NameTooLong { bytes: 11, limit: 10, .. }), "{refused}");
        assert!(refused.to_string().contains("`EngineOptions::name_bytes`"));
    };
    let (fits, long) = ("x".repeat(10), Actor::new("x".repeat(11)));
    for house in House::all() {
        let options = EngineOptions { name_bytes: 10, ..Default::default() };
        let builder = house.builder().definition(line("desk", &["user look"])).options(options);
        let engine = builder.start().await.unwrap();
        let start = |key: &str| engine.start_definition("desk", json!({})).key(key);
        too_long(refusal(start(long.name()).await));
        let run = start(&fits).await.unwrap();
        let task = the_task(&engine).await;
        too_long(refusal(engine.complete_json(task.id, json!({})).by(long.clone()).await));
        too_long(refusal(engine.suspend(run.id(), long.clone()).await));
        too_long(refusal(engine.resume(run.id(), long.clone()).await));
        too_long(refusal(engine.cancel(run.id(), long.clone()).await));
        too_long(refusal(engine.terminate(run.id(), long.clone()).await));
        assert_eq!(the_task(&engine).await, task);
        engine.complete_json(task.id, json!({})).by(Actor::new(&fits)).await.unwrap();
        run.outcome().await.unwrap().completed().unwrap();
        house.finish(engine).await;
    }
}

#[tokio::test]
async fn an_error_that_is_too_long_is_cut() {
    let told = |message: &str| message.contains("(cut: ") && message.contains("::error_bytes`");
    for (text, is_cut) in [("é".repeat(50), false), ("é".repeat(51), true)] {
        for panics in [false, true] {
            let house = House::memory();
            let options = EngineOptions { error_bytes: 110, ..Default::default() };
            let text = if panics { text.clone() } else { format!("{text}{}", "x".repeat(10)) };
            let task = move |_| {
                let text = text.clone();
                async move {
                    assert!(!panics, "{text}");
                    Err::<Value, _>(TaskError::permanent(text))
                }
            };
            let definition = line("one", &["service task"]);
            let builder = house.builder().definition(definition).options(options);
            let engine = builder.handler("task", task).start().await.unwrap();
            let run = engine.start_definition("one", json!({})).await.unwrap();
            let Outcome::Failed(failure) = run.outcome().await.unwrap() else { panic!("no") };
            assert_eq!(told(&failure.message), is_cut, "{failure}");
            assert!(failure.message.len() < 300, "{failure}");
            house.finish(engine).await;
        }
    }
}

#[tokio::test]
async fn a_fork_beyond_the_bound_on_tokens_is_an_incident() {
    for house in House::all() {
        let options = EngineOptions { tokens_per_instance: 2, ..Default::default() };
        let builder = house.builder().options(options);
        let builder = builder.definition(fork("two", &["user a", "user b"]));
        let builder = builder.definition(fork("three", &["user a", "user b", "user c"]));
        let engine = builder.start().await.unwrap();
        engine.start_definition("two", json!({})).await.unwrap();
        let run = engine.start_definition("three", json!({})).await.unwrap();
        let [incident] = engine.incidents().list().await.unwrap().try_into().unwrap();
        assert_eq!((incident.instance, incident.node.as_str()), (run.id(), "fork"));
        assert!(incident.error.contains("`EngineOptions::tokens_per_instance`"));
        house.finish(engine).await;
    }
}

/// With the default of the bound: as many tokens as may be are open, found again, and cancelled.
#[tokio::test]
async fn ten_thousand_tokens_are_taken_and_no_more() {
    const MOST: usize = 10_000;
    let activities: Vec<String> = (0..=MOST).map(|n| format!("user u{n}")).collect();
    let activities: Vec<&str> = activities.iter().map(String::as_str).collect();
    for house in House::all() {
        let options = EngineOptions { nodes_per_definition: 2 * MOST, ..Default::default() };
        let builder = house.builder().options(options);
        let builder = builder.definition(fork("most", &activities[1..]));
        let builder = builder.definition(fork("more", &activities));
        let engine = builder.start().await.unwrap();
        let more = engine.start_definition("more", json!({})).await.unwrap();
        let [incident] = engine.incidents().list().await.unwrap().try_into().unwrap();
        assert_eq!((incident.instance, incident.node.as_str()), (more.id(), "fork"));
        let mut watch = engine.watch();
        let most = engine.start_definition("most", json!({})).await.unwrap();
        let opened = |change: &&Change| matches!(change, Change::UserTaskCreated { .. });
        let mut open = 0;
        while open < MOST {
            let turn = until(&mut watch, |_| true).await;
            open += turn.recorded.changes.iter().filter(opened).count();
        }
        assert_eq!(open, MOST);
        engine.cancel(most.id(), Actor::new("ann")).await.unwrap();
        assert!(matches!(most.outcome().await.unwrap(), Outcome::Cancelled(_)));
        house.finish(engine).await;
    }
}

#[tokio::test]
async fn a_turn_beyond_the_bound_on_moves_goes_on_in_the_next_one() {
    for house in House::all() {
        let options = EngineOptions { moves_per_turn: 5, ..Default::default() };
        let builder = house.builder().definition(gateways(18)).options(options);
        let engine = builder.start().await.unwrap();
        let run = engine.start_definition("long", json!({})).await.unwrap();
        run.outcome().await.unwrap().completed().unwrap();
        let history = engine.history(run.id()).await.unwrap();
        assert_eq!(history.len(), 4);
        assert!(history[1..].iter().all(|turn| turn.event == Event::Continued));
        house.finish(engine).await;
    }
}

#[tokio::test]
async fn a_turn_at_the_bound_on_moves_is_one_turn() {
    for house in House::all() {
        let options = EngineOptions { moves_per_turn: 5, ..Default::default() };
        let engine =
            house.builder().definition(gateways(3)).options(options).start().await.unwrap();
        let run = engine.start_definition("long", json!({})).await.unwrap();
        run.outcome().await.unwrap().completed().unwrap();
        assert_eq!(engine.history(run.id()).await.unwrap().len(), 1);
        house.finish(engine).await;
    }
}

#[tokio::test]
async fn an_engine_does_not_start_with_a_definition_beyond_the_bound_on_nodes() {
    for house in House::all() {
        let options = EngineOptions { nodes_per_definition: 5, ..Default::default() };
        let start = |nodes: usize| {
            let builder = house.builder().definition(gateways(nodes)).options(options.clone());
            builder.start()
        };
        let engine = start(3).await.unwrap();
        engine.shutdown().await.unwrap();
        drop(engine);
        let refused = match start(4).await {
            Err(Error::Start(refused)) => refused,
            _ => panic!("not refused"),
        };
        assert!(matches!(refused, StartError::TooManyNodes { nodes: 6, limit: 5, .. }));
        assert!(refused.to_string().contains("`EngineOptions::nodes_per_definition`"));
        let engine = start(3).await.unwrap();
        house.finish(engine).await;
    }
}

#[tokio::test]
async fn no_more_attempts_are_in_flight_than_workers() {
    for house in House::all() {
        let options = EngineOptions { workers: 3, ..Default::default() };
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (task, mut attempts) = gate();
        let counted = {
            let (running, most) = (Arc::clone(&running), Arc::clone(&most));
            move |vars: Value| {
                let (running, most) = (Arc::clone(&running), Arc::clone(&most));
                let attempt = task(vars);
                async move {
                    most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    let given = attempt.await;
                    running.fetch_sub(1, Ordering::SeqCst);
                    given
                }
            }
        };
        let builder = house.builder().definition(line("one", &["service task"])).options(options);
        let engine = builder.handler("task", counted).start().await.unwrap();
        let mut runs = Vec::new();
        for _ in 0..10 {
            runs.push(engine.start_definition("one", json!({})).await.unwrap());
        }
        for _ in 0..10 {
            attempts.begun().await.end.send(Ok(json!({}))).unwrap();
        }
        for run in runs {
            run.outcome().await.unwrap().completed().unwrap();
        }
        assert!(most.load(Ordering::SeqCst) <= 3);
        house.finish(engine).await;
    }
}

#[tokio::test]
async fn callers_beyond_the_dispatchers_length_wait_their_turn() {
    for house in House::all() {
        let options =
            EngineOptions { dispatcher_calls: 1, turns_per_commit: 1, ..Default::default() };
        let builder = house.builder().definition(line("desk", &["user look"])).options(options);
        let engine = builder.start().await.unwrap();
        let mut starts = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let start = engine.start_definition("desk", json!({}));
            starts.spawn(async move { start.await.map(drop) });
        }
        assert!(starts.join_all().await.into_iter().all(|started| started.is_ok()));
        assert_eq!(engine.user_tasks().list().await.unwrap().len(), 50);
        house.finish(engine).await;
    }
}

/// With no place for instances at rest each call reads its instance, also one that is refused.
#[tokio::test]
async fn nothing_rests_in_memory_beyond_the_bound() {
    for house in House::all() {
        let options = EngineOptions { cached_instances: 0, ..Default::default() };
        let builder = house.builder().definition(line("desk", &["user look"])).options(options);
        let engine = builder.start().await.unwrap();
        let run = engine.start_definition("desk", json!({})).await.unwrap();
        let task = the_task(&engine).await;
        for times in 1..4 {
            refusal(engine.complete_json(task.id, json!(3)).await);
            assert_eq!(house.loads(run.id()), times);
        }
        engine.complete_json(task.id, json!({})).await.unwrap();
        for times in 5..8 {
            refusal(engine.cancel(run.id(), Actor::new("ann")).await);
            assert_eq!(house.loads(run.id()), times);
        }
        house.finish(engine).await;
    }
}

/// A task that blocks its thread holds that thread and nothing else.
#[tokio::test]
async fn a_task_that_blocks_its_thread_holds_up_nobody() {
    for house in House::all() {
        let (release, blocked) = std::sync::mpsc::channel::<()>();
        let blocked = Mutex::new(Some(blocked));
        let (began, mut begun) = tokio::sync::mpsc::unbounded_channel();
        let block = move |_| {
            let (began, blocked) = (began.clone(), blocked.lock().unwrap().take());
            async move {
                began.send(()).unwrap();
                // Ends when the test drops the other end.
                let _ = blocked.map(|blocked| blocked.recv());
                Ok::<_, TaskError>(json!({}))
            }
        };
        let options =
            EngineOptions { task_threads: 2, grace: Duration::ZERO, ..Default::default() };
        let builder = house.builder().options(options);
        let builder = builder.definition(line("bad", &["service block"]));
        let builder = builder.definition(line("good", &["service task", "user look"]));
        let engine = builder.handler("block", block).handler("task", done).start().await.unwrap();
        let bad = engine.start_definition("bad", json!({})).await.unwrap();
        begun.recv().await.unwrap();
        let mut watch = engine.watch();
        let good = engine.start_definition("good", json!({})).await.unwrap();
        let task = opened(&mut watch, &engine).await;
        engine.complete_json(task.id, json!({})).await.unwrap();
        good.outcome().await.unwrap().completed().unwrap();
        engine.cancel(bad.id(), Actor::new("ann")).await.unwrap();
        assert!(matches!(bad.outcome().await.unwrap(), Outcome::Cancelled(_)));
        engine.shutdown().await.unwrap();
        drop(release);
        drop((engine, good, bad));
        house.audit();
    }
}

/// Of so many threads one spins and the others work: attempts that can only end if all of them run
/// at the same time do end.
#[tokio::test]
async fn with_one_task_spinning_the_other_threads_work_and_nothing_else_notices() {
    for house in House::all() {
        soon(one_spins(house)).await;
    }
}

async fn one_spins(house: House) {
    const THREADS: usize = 4;
    let over = Over(Arc::default());
    let (began, mut begun) = tokio::sync::mpsc::unbounded_channel();
    let spin = {
        let over = Arc::clone(&over.0);
        move |_| {
            let (began, over) = (began.clone(), Arc::clone(&over));
            async move {
                began.send(()).unwrap();
                while !over.load(Ordering::Relaxed) {
                    std::thread::yield_now();
                }
                Ok::<_, TaskError>(json!({}))
            }
        }
    };
    let meeting = Arc::new(std::sync::Barrier::new(THREADS - 1));
    let meet = move |_| {
        let meeting = Arc::clone(&meeting);
        async move {
            // Blocks its thread until as many are here as threads are left.
            meeting.wait();
            Ok::<_, TaskError>(json!({}))
        }
    };
    let clock = bpm_testkit::clock::TestClock::new();
    let options =
        EngineOptions { task_threads: THREADS, grace: Duration::ZERO, ..Default::default() };
    let pause = ProcessDefinition::builder("pause").start("start").wait("pause", "1h").end("end");
    let pause = pause.edge("start", "pause").edge("pause", "end").build().unwrap();
    let builder = house.builder().options(options).clock(clock.clone()).definition(pause);
    let builder = builder.definition(line("bad", &["service spin"]));
    let builder = builder.definition(line("good", &["service meet", "user look"]));
    let engine = builder.handler("spin", spin).handler("meet", meet).start().await.unwrap();
    let start = async |name: &str| engine.start_definition(name, json!({})).await.unwrap();

    let bad = start("bad").await;
    begun.recv().await.unwrap();
    let pause = start("pause").await;
    clock.advance(Duration::from_secs(3_600));
    pause.outcome().await.unwrap().completed().unwrap();
    let mut watch = engine.watch();
    for _ in 0..3 * (THREADS - 1) {
        start("good").await;
    }
    for _ in 0..3 * (THREADS - 1) {
        let task = opened(&mut watch, &engine).await;
        engine.complete_json(task.id, json!({})).await.unwrap();
    }
    let good = engine.instances().process("good").status(Status::Completed).list().await.unwrap();
    assert_eq!(good.len(), 3 * (THREADS - 1));
    engine.cancel(bad.id(), Actor::new("ann")).await.unwrap();
    assert!(matches!(bad.outcome().await.unwrap(), Outcome::Cancelled(_)));
    engine.shutdown().await.unwrap();
    drop((over, engine, pause, bad));
    house.audit();
}

/// Ends what spins when the test is over, however it ends.
struct Over(Arc<AtomicBool>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
