//! Starting again: exactly what had work in flight goes on, from where it was.

use std::collections::BTreeSet;

use bpm_core::instance::Instance;
use bpm_engine::Cancellation;
use bpm_engine::prelude::*;
use serde_json::{Value, json};

use crate::house::*;

fn choice() -> ProcessDefinition {
    ProcessDefinition::builder("choice")
        .start("start")
        .exclusive("gateway")
        .end("yes")
        .end("no")
        .edge("start", "gateway")
        .edge_if("gateway", "yes", EdgeCondition::Expression("yes".into()))
        .edge_if("gateway", "no", EdgeCondition::Default)
        .build()
        .unwrap()
}

/// An engine with all processes of this page; `a` and `b` are gated, `c` just succeeds.
async fn engine(house: &House) -> (Engine, Gate, Gate) {
    let ((a, began_a), (b, began_b)) = (gate(), gate());
    let builder = house
        .builder()
        .definition(line("one", &["service a", "service c"]))
        .definition(line("desk", &["user look"]))
        .definition(fork("fork", &["service a", "service b"]))
        .definition(choice());
    let builder = builder.handler("a", a).handler("b", b).handler("c", done);
    (builder.start().await.unwrap(), began_a, began_b)
}

async fn start(engine: &Engine, process: &str) -> InstanceId {
    engine.start_definition(process, json!({})).await.unwrap().id()
}

/// Waits for the turn of an instance that records a change.
async fn changed(watch: &mut bpm_engine::Watch, id: InstanceId, fits: fn(&Change) -> bool) {
    while until(watch, |turn| turn.changes.iter().any(fits)).await.instance != id {}
}

#[tokio::test]
async fn every_state_goes_on_from_where_it_was() {
    for house in House::all() {
        let (first, mut began_a, mut began_b) = engine(&house).await;
        let mut watch = first.watch();
        let executing = start(&first, "one").await;
        let _held = began_a.begun().await;
        let waiting = start(&first, "desk").await;
        let joining = start(&first, "fork").await;
        let (a, _held_b) = (began_a.begun().await, began_b.begun().await);
        a.end.send(Ok(json!({ "a": 1 }))).unwrap();
        changed(&mut watch, joining, |c| matches!(c, Change::TokenJoining { .. })).await;
        let failing = start(&first, "fork").await;
        let (a, _held_b) = (began_a.begun().await, began_b.begun().await);
        a.end.send(Err(TaskError::permanent("broken"))).unwrap();
        changed(&mut watch, failing, |c| matches!(c, Change::ProcessFailing { .. })).await;
        let cancelling = start(&first, "one").await;
        let _held_a = began_a.begun().await;
        first.cancel(cancelling, Actor::new("ann")).await.unwrap();
        let incident = start(&first, "choice").await;
        drop(first);
        house.audit();

        let (second, mut began_a, mut began_b) = engine(&house).await;
        assert_eq!(second.recovered().resumed, [executing, joining, failing, cancelling]);
        assert_eq!(second.recovered().missing, []);
        let outcome = async |id| second.run::<Value>(id).outcome().await.unwrap();
        let Outcome::Failed(failure) = outcome(failing).await else { panic!("not failed") };
        assert_eq!((failure.node.as_str(), failure.message.as_str()), ("a", "broken"));
        let cancelled = Cancellation { by: Actor::new("ann"), failure: None };
        assert_eq!(outcome(cancelling).await, Outcome::Cancelled(cancelled));
        began_a.begun().await.end.send(Ok(json!({ "again": true }))).unwrap();
        assert_eq!(outcome(executing).await, Outcome::Completed(json!({ "again": true })));
        began_b.begun().await.end.send(Ok(json!({ "b": 2 }))).unwrap();
        assert_eq!(outcome(joining).await, Outcome::Completed(json!({ "a": 1, "b": 2 })));
        assert!(began_a.is_idle() && began_b.is_idle(), "committed work ran again");
        let task = the_task(&second).await;
        assert_eq!(task.instance, waiting);
        second.complete_json(task.id, json!({})).await.unwrap();
        outcome(waiting).await.completed().unwrap();
        let [open] = second.incidents().list().await.unwrap().try_into().unwrap();
        assert_eq!(open.instance, incident);
        house.finish(second).await;
    }
}

#[tokio::test]
async fn of_a_thousand_that_rest_and_three_that_run_three_are_read() {
    for house in House::all() {
        let (first, mut began, _) = engine(&house).await;
        let mut starts = tokio::task::JoinSet::new();
        for _ in 0..1_000 {
            let start = first.start_definition("desk", json!({}));
            starts.spawn(async move { start.await.map(drop).unwrap() });
        }
        starts.join_all().await;
        let (mut active, mut held) = (BTreeSet::new(), Vec::new());
        for _ in 0..3 {
            active.insert(start(&first, "one").await);
            held.push(began.begun().await);
        }
        drop((first, held));
        house.count_anew();

        let (second, mut began, _) = engine(&house).await;
        assert!(second.recovered().resumed.iter().eq(&active));
        for _ in &active {
            began.begun().await.end.send(Ok(json!({}))).unwrap();
        }
        for id in &active {
            second.run::<Value>(*id).outcome().await.unwrap().completed().unwrap();
        }
        assert_eq!(house.loaded(), active);
        house.finish(second).await;
    }
}

/// Start, do a little, stop, again and again: a join keeps what arrived.
#[tokio::test]
async fn a_join_gathers_its_branches_over_many_restarts() {
    let names: Vec<String> = (0..5).map(|n| format!("user u{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for house in House::all() {
        let mut key = None;
        for _ in 0..5 {
            let engine = house.engine(fork("wide", &names)).await;
            let run = engine.start_definition("wide", json!({})).key("k").await.unwrap();
            assert_eq!(*key.get_or_insert(run.id()), run.id());
            assert_eq!(engine.recovered().resumed, []);
            let tasks = engine.user_tasks().list().await.unwrap();
            let task = &tasks[tasks.len() / 2];
            engine.complete_json(task.id, json!({ &task.name: true })).await.unwrap();
            if tasks.len() == 1 {
                let result = run.outcome().await.unwrap().completed().unwrap();
                assert_eq!(result.as_object().unwrap().len(), 5);
            }
            drop((run, engine));
        }
        let store = house.store();
        bpm_testkit::audit::check_replay(&*store, key.unwrap());
    }
}

/// A turn that stopped at the bound on moves left tokens that can move.
#[tokio::test]
async fn an_instance_in_the_midst_of_its_moves_goes_on() {
    for house in House::all() {
        let engine = async || {
            let options = EngineOptions { moves_per_turn: 1, ..Default::default() };
            house.builder().definition(gateways(30)).options(options).start().await.unwrap()
        };
        let first = engine().await;
        let second_commit = house.hold_commit(2);
        let run = first.start_definition("long", json!({})).await.unwrap();
        let (stopped, ()) = tokio::join!(biased; first.shutdown(), async { drop(second_commit) });
        stopped.unwrap();
        let id = run.id();
        drop((first, run));
        house.audit();

        let second = engine().await;
        assert_eq!(second.recovered().resumed, [id]);
        second.run::<Value>(id).outcome().await.unwrap().completed().unwrap();
        house.finish(second).await;
    }
}

#[tokio::test]
async fn an_instance_that_cannot_be_read_is_an_incident_and_the_others_go_on() {
    let last = format!("body = replace(body, '\"token\":0', '\"token\":{}')", u64::MAX);
    is_an_incident("body = '{'", "turn 1 of instance", "cannot be read").await;
    is_an_incident("seq = 7", "turn 7 of instance", "stands behind turn 0").await;
    is_an_incident(&last, "turn 1 of instance", "is damaged").await;
}

async fn is_an_incident(damage: &str, row: &str, what: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.db");
    let options = EngineOptions { grace: std::time::Duration::ZERO, ..Default::default() };
    let builder = Engine::builder().store(Sqlite::open(&path).unwrap()).options(options);
    let never = |_: Value| std::future::pending::<Result<Value, TaskError>>();
    let engine =
        builder.definition(line("line", &["service a"])).handler("a", never).start().await.unwrap();
    let damaged = engine.start_definition("line", json!({})).await.unwrap().id();
    let sound = engine.start_definition("line", json!({})).await.unwrap().id();
    engine.shutdown().await.unwrap();

    let file = rusqlite::Connection::open(&path).unwrap();
    let damage = format!("UPDATE bpm_history SET {damage} WHERE instance = ?1");
    assert_eq!(file.execute(&damage, [damaged.as_bytes()]).unwrap(), 1);
    drop(file);

    let builder = Engine::builder().store(Sqlite::open(&path).unwrap());
    let engine =
        builder.definition(line("line", &["service a"])).handler("a", done).start().await.unwrap();
    engine.run::<Value>(sound).outcome().await.unwrap().completed().unwrap();
    let incidents = engine.incidents().list().await.unwrap();
    assert_eq!(incidents.len(), 1, "{incidents:?}");
    assert_eq!((incidents[0].instance, incidents[0].process.as_str()), (damaged, "line"));
    let told = format!("{row} {damaged} {what}");
    assert!(incidents[0].error.contains(&told), "{incidents:?}");
    engine.shutdown().await.unwrap();
}

/// What can be read need not be what the engine wrote: the instance rests visibly when it breaks
/// what the engine relies on, and the dispatcher goes on.
#[tokio::test]
async fn an_instance_that_breaks_an_invariant_is_an_incident_and_the_others_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broken.db");
    let desk = || line("desk", &["user look"]);
    let builder = || Engine::builder().store(Sqlite::open(&path).unwrap()).definition(desk());
    let engine = builder().start().await.unwrap();
    let broken = engine.start_definition("desk", json!({})).await.unwrap().id();
    let sound = engine.start_definition("desk", json!({})).await.unwrap();
    let history = engine.history(broken).await.unwrap();
    engine.shutdown().await.unwrap();

    let mut state = serde_json::to_value(Instance::replay(broken, None, &history)).unwrap();
    state["undoable"] = json!([{ "node": "gone", "visit": 1, "scope": 0, "values": {} }]);
    let file = rusqlite::Connection::open(&path).unwrap();
    let damage = "UPDATE bpm_instance SET snapshot = ?1, snapshot_seq = 1 WHERE id = ?2";
    assert_eq!(file.execute(damage, (state.to_string(), broken.as_bytes())).unwrap(), 1);
    drop(file);

    let engine = builder().start().await.unwrap();
    let told = engine.cancel(broken, Actor::new("ann")).await.unwrap_err();
    assert!(told.to_string().contains(&broken.to_string()), "{told}");
    let incidents = engine.incidents().list().await.unwrap();
    assert_eq!(incidents.len(), 1, "{incidents:?}");
    assert_eq!((incidents[0].instance, incidents[0].process.as_str()), (broken, "desk"));
    assert_eq!(engine.history(broken).await.unwrap(), history);
    engine.cancel(sound.id(), Actor::new("ann")).await.unwrap();
    assert!(matches!(
        engine.run::<Value>(sound.id()).outcome().await.unwrap(),
        Outcome::Cancelled(_)
    ));
    engine.shutdown().await.unwrap();
}
