//! User tasks: listed, completed once, refused with the reason.

use bpm_engine::prelude::*;
use bpm_engine::{Closing, UserTasks};
use serde_json::{Value, json};

use crate::house::*;

fn approval() -> ProcessDefinition {
    line("approval", &["user approve"])
}

#[tokio::test]
async fn a_payload_becomes_variables_and_history_knows_who() {
    for house in House::all() {
        let engine = house.engine(approval()).await;
        let run = engine.start_definition("approval", json!({ "amount": 60 })).await.unwrap();
        let task = the_task(&engine).await;
        assert_eq!((task.instance, task.node.as_str()), (run.id(), "approve"));
        assert_eq!((task.name.as_str(), task.process.as_str()), ("approve", "approval"));
        engine
            .complete_json(task.id, json!({ "approved": true }))
            .by(Actor::new("ann"))
            .await
            .unwrap();
        let result = run.outcome().await.unwrap().completed().unwrap();
        assert_eq!(result, json!({ "amount": 60, "approved": true }));
        assert!(engine.user_tasks().list().await.unwrap().is_empty());
        let history = engine.history(run.id()).await.unwrap();
        let Event::UserTaskCompleted { actor: Some(actor), .. } = &history[1].event else {
            panic!("{history:?}")
        };
        assert_eq!(actor.name(), "ann");
        house.finish(engine).await;
    }
}

#[tokio::test]
async fn what_is_no_payload_is_refused_and_changes_nothing() {
    for house in House::all() {
        let engine = house.engine(approval()).await;
        let run = engine.start_definition("approval", json!({})).await.unwrap();
        let task = the_task(&engine).await;
        let before = engine.history(run.id()).await.unwrap();
        for payload in [json!(3), json!("yes"), json!([true])] {
            let refused = refusal(engine.complete_json(task.id, payload).await);
            let Refused::WrongPayload { task: refused_task, node, why } = &refused else {
                panic!("{refused}")
            };
            assert_eq!((*refused_task, node.as_str()), (task.id, "approve"));
            assert!(why.contains("must be a JSON object"), "{why}");
        }
        assert_eq!(engine.history(run.id()).await.unwrap(), before);
        assert_eq!(the_task(&engine).await, task);
        engine.complete_json(task.id, Value::Null).await.unwrap();
        run.outcome().await.unwrap().completed().unwrap();
        house.finish(engine).await;
    }
}

#[tokio::test]
async fn a_second_completion_is_told_who_was_first() {
    for house in House::all() {
        let engine = house.engine(approval()).await;
        let run = engine.start_definition("approval", json!({})).await.unwrap();
        let task = the_task(&engine).await;
        engine.complete_json(task.id, json!({ "n": 1 })).by(Actor::new("ann")).await.unwrap();
        let before = engine.history(run.id()).await.unwrap();
        let refused = refusal(engine.complete_json(task.id, json!({ "n": 2 })).await);
        let Refused::UserTaskClosed { closed, .. } = &refused else { panic!("{refused}") };
        assert_eq!(
            (closed.how, closed.by.as_ref()),
            (Closing::Completed, Some(&Actor::new("ann")))
        );
        assert_eq!(closed.at, before[1].at);
        let said = refused.to_string();
        assert!(said.contains("was completed by ann at 20"), "{said}");
        assert_eq!(engine.history(run.id()).await.unwrap(), before);
        house.finish(engine).await;
    }
}

#[tokio::test]
async fn of_many_at_once_one_wins() {
    for house in House::all() {
        let engine = house.engine(approval()).await;
        let run = engine.start_definition("approval", json!({})).await.unwrap();
        let task = the_task(&engine).await;
        let mut people = tokio::task::JoinSet::new();
        for person in 0..20 {
            let engine = engine.clone();
            people.spawn(async move {
                let payload = json!({ "person": person });
                let by = Actor::new(format!("p{person}"));
                (person, engine.complete_json(task.id, payload).by(by).await)
            });
        }
        let answers = people.join_all().await;
        let won: Vec<_> =
            answers.iter().filter(|(_, answer)| answer.is_ok()).map(|(who, _)| *who).collect();
        let result = run.outcome().await.unwrap().completed().unwrap();
        assert_eq!(won, [result["person"].as_i64().unwrap()]);
        let winner = Some(Actor::new(format!("p{}", won[0])));
        for (_, answer) in answers.into_iter().filter(|(_, answer)| answer.is_err()) {
            let refused = refusal(answer);
            let Refused::UserTaskClosed { closed, .. } = refused else { panic!("{refused}") };
            assert_eq!(closed.by, winner);
        }
        assert_eq!(engine.history(run.id()).await.unwrap().len(), 2);
        house.finish(engine).await;
    }
}

#[tokio::test]
async fn an_unknown_task_is_refused() {
    for house in House::all() {
        let engine = house.engine(approval()).await;
        let id = UserTaskId::from_bytes([7; 16]);
        let refused = refusal(engine.complete_json(id, json!({})).await);
        assert_eq!(refused, Refused::UnknownUserTask(id));
        house.finish(engine).await;
    }
}

#[tokio::test]
async fn a_cancelled_task_says_so() {
    for house in House::all() {
        let engine = house.engine(approval()).await;
        let run = engine.start_definition("approval", json!({})).await.unwrap();
        let task = the_task(&engine).await;
        engine.cancel(run.id(), Actor::new("bob")).await.unwrap();
        let refused = refusal(engine.complete_json(task.id, json!({})).await);
        let said = refused.to_string();
        assert!(said.contains("was cancelled by bob at 20"), "{said}");
        house.finish(engine).await;
    }
}

#[tokio::test]
async fn lists_are_narrowed() {
    type Narrow = fn(UserTasks) -> UserTasks;
    let cases: [(Narrow, &[&str]); 7] = [
        (|tasks| tasks, &["a1 look", "a1 sign", "a2 look", "a2 sign", "b1 look"]),
        (|tasks| tasks.named("look"), &["a1 look", "a2 look", "b1 look"]),
        (|tasks| tasks.process("two"), &["a1 look", "a1 sign", "a2 look", "a2 sign"]),
        (|tasks| tasks.for_key("a2"), &["a2 look", "a2 sign"]),
        (|tasks| tasks.named("look").for_key("a1"), &["a1 look"]),
        (|tasks| tasks.named("look").limit(1), &["a1 look"]),
        (|tasks| tasks.group("managers"), &[]),
    ];
    for house in House::all() {
        let builder = house.builder().definition(fork("two", &["user look", "user sign"]));
        let engine = builder.definition(line("one", &["user look"])).start().await.unwrap();
        for (process, key) in [("two", "a1"), ("two", "a2"), ("one", "b1")] {
            engine.start_definition(process, json!({})).key(key).await.unwrap();
        }
        for (narrow, expected) in &cases {
            let found = narrow(engine.user_tasks()).list().await.unwrap();
            let mut found: Vec<_> = found
                .iter()
                .map(|task| format!("{} {}", task.key.as_deref().unwrap_or("-"), task.node))
                .collect();
            found.sort();
            assert_eq!(found, *expected);
        }
        house.finish(engine).await;
    }
}
