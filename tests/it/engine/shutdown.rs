//! Stopping: attempts get their grace time, the store is free afterwards, and nothing that was
//! acknowledged is lost.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bpm_engine::prelude::*;
use serde_json::json;

use crate::house::*;

fn two() -> ProcessDefinition {
    line("two", &["service one", "service two"])
}

fn desk() -> ProcessDefinition {
    line("desk", &["user look"])
}

#[tokio::test]
async fn an_attempt_in_flight_may_finish_and_nothing_new_begins() {
    for house in House::all() {
        let (one, mut attempts) = gate();
        let (other, mut later) = gate();
        let builder = house.builder().definition(two()).definition(desk());
        let engine = builder.handler("one", one).handler("two", other).start().await.unwrap();
        let run = engine.start_definition("two", json!({})).await.unwrap();
        let attempt = attempts.begun().await;
        let mut shutdown = shutting_down(&engine).await;
        assert!(!shutdown.is_finished());
        attempt.end.send(Ok(json!({ "one": true }))).unwrap();
        (&mut shutdown).await.unwrap().unwrap();
        assert!(later.is_idle());
        let instance = run.id();
        drop((run, engine));
        house.audit();

        let engine = house.engine(two()).await;
        assert_eq!(engine.recovered().resumed, [instance]);
        let run = engine.run::<serde_json::Value>(instance);
        let result = run.outcome().await.unwrap().completed().unwrap();
        assert_eq!(result, json!({ "one": true }));
        house.finish(engine).await;
    }
}

/// The engine stops from now on.
async fn shutting_down(engine: &Engine) -> tokio::task::JoinHandle<Result<(), Error>> {
    let shutdown = tokio::spawn({
        let engine = engine.clone();
        async move { engine.shutdown().await }
    });
    refuse_new_work(engine).await;
    shutdown
}

/// The next engine brings the instance, which had work in flight, to its end; its history.
async fn goes_on(house: House, instance: InstanceId) -> Vec<Recorded> {
    let engine = house.engine(two()).await;
    assert_eq!(engine.recovered().resumed, [instance]);
    let run = engine.run::<serde_json::Value>(instance);
    run.outcome().await.unwrap().completed().unwrap();
    let history = engine.history(instance).await.unwrap();
    house.finish(engine).await;
    history
}

/// Starts until one is refused: from then on the engine is shutting down.
async fn refuse_new_work(engine: &Engine) {
    for _ in 0..1_000 {
        match engine.start_definition("desk", json!({})).key("same").await {
            Err(Error::Refused(Refused::ShuttingDown)) => return,
            Err(error) => panic!("{error}"),
            Ok(_) => {}
        }
    }
    panic!("the engine goes on");
}

#[tokio::test]
async fn an_attempt_that_goes_on_is_lost_after_the_grace_time_and_runs_again() {
    for house in House::all() {
        let (one, mut attempts) = gate();
        let options = EngineOptions { grace: Duration::ZERO, ..Default::default() };
        let builder = house.builder().definition(two()).options(options);
        let engine = builder.handler("one", one).handler("two", done).start().await.unwrap();
        let run = engine.start_definition("two", json!({})).await.unwrap();
        let mut attempt = attempts.begun().await;
        engine.shutdown().await.unwrap();
        attempt.end.closed().await;
        let instance = run.id();
        drop((run, engine));

        let history = goes_on(house, instance).await;
        assert_eq!(words(&history)[1], "TaskLost: TaskStarted");
    }
}

/// A result whose commit fails while the engine stops is tried again within the grace time.
#[tokio::test]
async fn a_result_that_the_store_did_not_take_is_stored_before_the_engine_stops() {
    for house in House::all() {
        let (one, mut attempts) = gate();
        let builder = house.builder().definition(two()).definition(desk());
        let engine = builder.handler("one", one).handler("two", done).start().await.unwrap();
        let run = engine.start_definition("two", json!({})).await.unwrap();
        let attempt = attempts.begun().await;
        let shutdown = shutting_down(&engine).await;
        house.fail_commit(1, false);
        attempt.end.send(Ok(json!({ "one": true }))).unwrap();
        shutdown.await.unwrap().unwrap();
        let instance = run.id();
        drop((run, engine));

        let history = goes_on(house, instance).await;
        assert!(matches!(history[1].event, Event::TaskCompleted { .. }), "{:?}", words(&history));
    }
}

/// What a task answers that waits until it is told to stop.
async fn stopped_with(error: TaskError) -> (House, InstanceId) {
    let house = House::sqlite();
    let (begins, mut begun) = tokio::sync::mpsc::unbounded_channel();
    let error = Arc::new(Mutex::new(Some(error)));
    let task = move |_, context: TaskContext| {
        let (begins, error) = (begins.clone(), Arc::clone(&error));
        async move {
            begins.send(()).unwrap();
            context.cancelled().await;
            Err::<serde_json::Value, _>(error.lock().unwrap().take().unwrap())
        }
    };
    let builder = house.builder().definition(two()).handler_with("one", task);
    let engine = builder.handler("two", done).start().await.unwrap();
    let run = engine.start_definition("two", json!({})).await.unwrap();
    begun.recv().await.unwrap();
    engine.shutdown().await.unwrap();
    (house, run.id())
}

/// A deploy fails no activity, although its task gives up as soon as it is told to stop.
#[tokio::test]
async fn an_attempt_that_gives_up_because_the_engine_stops_runs_again() {
    let (house, instance) = stopped_with(TaskError::retryable("the engine stops")).await;
    let history = goes_on(house, instance).await;
    assert_eq!(words(&history)[1], "TaskLost: TaskStarted");
}

#[tokio::test]
async fn an_error_for_good_is_recorded_while_the_engine_stops() {
    let (house, instance) = stopped_with(TaskError::permanent("no such account")).await;
    let engine = house.engine(two()).await;
    let run = engine.run::<serde_json::Value>(instance);
    let Outcome::Failed(failure) = run.outcome().await.unwrap() else { panic!("not failed") };
    assert_eq!(failure.message, "no such account");
    house.finish(engine).await;
}

#[tokio::test]
async fn the_store_is_free_and_closed_afterwards() {
    for house in House::all() {
        let engine = house.engine(desk()).await;
        let run = engine.start_definition("desk", json!({})).await.unwrap();
        let task = the_task(&engine).await;
        let mut watch = engine.watch();
        let ending = tokio::spawn({
            let run = run.clone();
            async move { run.outcome().await.map(drop) }
        });
        engine.shutdown().await.unwrap();
        let second = house.engine(desk()).await;
        assert!(matches!(ending.await.unwrap(), Err(Error::Stopped)));
        assert!(watch.next().await.is_none());
        assert!(matches!(engine.history(run.id()).await, Err(Error::Store(_))));
        assert!(engine.start_definition("desk", json!({})).await.is_err());
        assert!(engine.complete_json(task.id, json!({})).await.is_err());
        assert!(engine.cancel(run.id(), Actor::new("ann")).await.is_err());
        engine.shutdown().await.unwrap();
        drop(engine);
        house.finish(second).await;
    }
}

#[tokio::test]
async fn whoever_shuts_down_last_waits_as_long_as_the_first() {
    for house in House::all() {
        let (one, mut attempts) = gate();
        let builder = house.builder().definition(two()).definition(desk());
        let engine = builder.handler("one", one).handler("two", done).start().await.unwrap();
        engine.start_definition("two", json!({})).await.unwrap();
        let attempt = attempts.begun().await;
        let shutdown = |engine: Engine| tokio::spawn(async move { engine.shutdown().await });
        let first = shutdown(engine.clone());
        refuse_new_work(&engine).await;
        let second = shutdown(engine.clone());
        // A third call that is answered shows that the dispatcher has seen the second one.
        let refused = engine.start_definition("two", json!({})).await;
        assert!(refused.is_err());
        let third = shutdown(engine.clone());
        assert!(engine.start_definition("two", json!({})).await.is_err());
        assert!(!second.is_finished() && !third.is_finished());
        attempt.end.send(Ok(json!({}))).unwrap();
        for shutdown in [first, second, third] {
            shutdown.await.unwrap().unwrap();
        }
        drop(engine);
        house.audit();
    }
}

#[tokio::test]
async fn a_second_engine_on_the_file_is_told_who_has_it() {
    let house = House::sqlite();
    let engine = house.engine(two()).await;
    let Err(error) = Sqlite::open(house.path()) else { panic!("opened twice") };
    let said = error.to_string();
    assert!(said.contains(&format!("pid {}", std::process::id())), "{said}");
    house.finish(engine).await;
}

/// Dropped in the midst of everything: what was acknowledged is there, and the rest goes on.
#[tokio::test]
async fn dropping_the_engine_loses_nothing() {
    for house in House::all() {
        let (one, mut attempts) = gate();
        let builder = house.builder().definition(two()).definition(desk());
        let engine = builder.handler("one", one).handler("two", done).start().await.unwrap();
        let mut waiting = Vec::new();
        for n in 0..20 {
            let key = format!("k{n}");
            waiting.push(engine.start_definition("desk", json!({})).key(key).await.unwrap().id());
        }
        let running = engine.start_definition("two", json!({})).await.unwrap().id();
        let mut attempt = attempts.begun().await;
        drop(engine);
        attempt.end.closed().await;

        let builder = house.builder().definition(two()).definition(desk());
        let engine = builder.handler("one", done).handler("two", done).start().await.unwrap();
        assert_eq!(engine.recovered().resumed, [running]);
        let mut open: Vec<_> = engine.user_tasks().list().await.unwrap();
        open.sort_by_key(|task| task.instance);
        assert!(open.iter().map(|task| task.instance).eq(waiting));
        engine.run::<serde_json::Value>(running).outcome().await.unwrap().completed().unwrap();
        house.finish(engine).await;
    }
}

/// The last handle may go anywhere, also in a task of the engine's own.
#[tokio::test]
async fn a_task_may_drop_the_engine_it_runs_in() {
    for house in House::all() {
        let (last, held) = (Arc::new(Mutex::new(None::<Engine>)), tokio::sync::Notify::new());
        let (go, dropped) = (Arc::new(held), Arc::new(tokio::sync::Notify::new()));
        let leave = {
            let (last, go, dropped) = (Arc::clone(&last), Arc::clone(&go), Arc::clone(&dropped));
            move |_| {
                let (last, go, dropped) =
                    (Arc::clone(&last), Arc::clone(&go), Arc::clone(&dropped));
                async move {
                    go.notified().await;
                    drop(last.lock().unwrap().take());
                    dropped.notify_one();
                    Ok::<_, TaskError>(json!({}))
                }
            }
        };
        let builder = house.builder().definition(line("leave", &["service leave"]));
        let engine = builder.handler("leave", leave).start().await.unwrap();
        let instance = engine.start_definition("leave", json!({})).await.unwrap().id();
        *last.lock().unwrap() = Some(engine);
        go.notify_one();
        dropped.notified().await;

        let engine = house.engine(line("leave", &["service leave"])).await;
        assert_eq!(engine.recovered().resumed, [instance]);
        let run = engine.run::<serde_json::Value>(instance);
        run.outcome().await.unwrap().completed().unwrap();
        drop(run);
        house.finish(engine).await;
    }
}
