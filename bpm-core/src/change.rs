//! Changes: what an event led to. The state of an instance is its changes, applied in order.

use bpm_model::graph::Text;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::event::{Actor, Failure, ScopeId, TokenId};
use crate::ids::{IncidentId, UserTaskId};
use crate::instance::is_process;
use crate::json::Json;

/// One step of an instance's state, as history keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Change {
    /// A token came to be at a node.
    TokenCreated {
        /// The new token.
        token: TokenId,
        /// Where it is.
        node: Text,
    },
    /// A token entered a node.
    TokenMoved {
        /// The token.
        token: TokenId,
        /// Where it is now.
        node: Text,
    },
    /// A token is inside of a scope now.
    TokenEntered {
        /// The token.
        token: TokenId,
        /// The scope.
        scope: ScopeId,
    },
    /// A scope begins: a sub-process, an activity with boundary events, a race or one of its
    /// branches, or what a boundary event runs beside its owner.
    ScopeOpened {
        /// Its number.
        scope: ScopeId,
        /// The node that opens it.
        node: Text,
        /// The scope around it.
        #[serde(default, skip_serializing_if = "is_process")]
        parent: ScopeId,
    },
    /// No new work starts in a scope, attempts in flight are awaited, and what completed in it is
    /// undone.
    ScopeUnwinding {
        /// The scope.
        scope: ScopeId,
        /// Why.
        why: Unwinding,
    },
    /// A scope is over. What completed in it and was not undone, and every token that is left,
    /// belongs to the scope around it.
    ScopeClosed {
        /// The scope.
        scope: ScopeId,
    },
    /// A token waits at a join for the others.
    TokenJoining {
        /// The token.
        token: TokenId,
    },
    /// A token ceased to be: at an end, in a join, or because its instance ends.
    TokenConsumed {
        /// The token.
        token: TokenId,
    },
    /// A variable has a new value.
    VariableSet {
        /// The variable's key.
        key: Text,
        /// The value.
        value: Json,
    },
    /// An attempt of a service task is due: counted here, before it runs.
    TaskStarted {
        /// The token that executes it.
        token: TokenId,
        /// The number of the visit, part of the idempotency key.
        visit: u64,
        /// The number of the attempt, from 1.
        attempt: u32,
        /// How many of the attempts before failed and count against `retry`.
        #[serde(default, skip_serializing_if = "is_zero")]
        failed: u32,
        /// How many of the attempts before were lost.
        #[serde(default, skip_serializing_if = "is_zero")]
        lost: u32,
    },
    /// An attempt failed that had said how far it was; the next attempt of the visit can ask.
    HeartbeatKept {
        /// The token that executes the task.
        token: TokenId,
        /// What it said last.
        heartbeat: Json,
    },
    /// An attempt failed, and the next one is due later.
    RetryScheduled {
        /// The token that executes the task.
        token: TokenId,
        /// The timer's number.
        timer: u64,
        /// When it is due.
        due: Timestamp,
    },
    /// A token waits for a time.
    TimerSet {
        /// The token.
        token: TokenId,
        /// The timer's number.
        timer: u64,
        /// When it is due.
        due: Timestamp,
        /// Whether that is by the wall clock (`wait until`), and not by the engine's time.
        #[serde(default, skip_serializing_if = "is_false")]
        calendar: bool,
    },
    /// A timer is no longer set: it fired, or what waited for it is over.
    TimerClosed {
        /// The token.
        token: TokenId,
        /// The timer's number.
        timer: u64,
    },
    /// A user task is open.
    UserTaskCreated {
        /// The token that waits.
        token: TokenId,
        /// The user task.
        task: UserTaskId,
        /// Where it is.
        node: Text,
        /// Its name.
        name: Text,
        /// What it shows.
        form: Json,
        /// The group that it is for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group: Option<String>,
        /// The user that it is for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<String>,
        /// When it is due.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due: Option<Timestamp>,
        /// How urgent it is; greater is more urgent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        priority: Option<i64>,
    },
    /// A user task is no longer open.
    UserTaskClosed {
        /// The token that waited.
        token: TokenId,
        /// The user task.
        task: UserTaskId,
        /// What happened to it.
        how: Closing,
        /// Who did it, where the caller said so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Actor>,
    },
    /// A token rests until a person decides.
    IncidentRaised {
        /// The token.
        token: TokenId,
        /// The incident.
        incident: IncidentId,
        /// Where it is.
        node: Text,
        /// What is wrong.
        error: String,
        /// What a person can do.
        hint: String,
        /// How many attempts failed, since the activity began or a person last had it retried.
        #[serde(default, skip_serializing_if = "is_zero")]
        attempts: u32,
        /// How many attempts were lost.
        #[serde(default, skip_serializing_if = "is_zero")]
        lost: u32,
    },
    /// An incident is over.
    IncidentClosed {
        /// The token.
        token: TokenId,
        /// The incident.
        incident: IncidentId,
        /// What happened to it.
        how: Closing,
        /// Who did it, where someone did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Actor>,
    },
    /// The instance fails: no new work starts, attempts in flight are awaited.
    ProcessFailing {
        /// The first cause.
        failure: Failure,
    },
    /// Another failure came while what is inside of a scope, or the instance, was being undone.
    FailureRelated {
        /// The later cause.
        failure: Failure,
        /// The scope that was already being undone.
        #[serde(default, skip_serializing_if = "is_process")]
        scope: ScopeId,
    },
    /// The instance is being cancelled: no new work starts, attempts in flight are awaited.
    ProcessCancelling {
        /// Who asked for it.
        actor: Actor,
    },
    /// An activity with an `undo` completed: what its undo will need, as it was then.
    UndoRecorded {
        /// The activity.
        node: Text,
        /// The number of the visit.
        visit: u64,
        /// The variables that the undo reads.
        values: Vec<(Text, Json)>,
        /// The scope in which it completed.
        #[serde(default, skip_serializing_if = "is_process")]
        scope: ScopeId,
    },
    /// An undo of the latest activity that is not undone, in what is being undone, begins, by a
    /// token of its own.
    UndoStarted {
        /// The token.
        token: TokenId,
        /// The undo's node.
        node: Text,
        /// The number of the visit of the activity that it undoes.
        visit: u64,
    },
    /// An activity is undone, or a person said that it counts as undone.
    Undone {
        /// The activity.
        node: Text,
        /// The number of its visit.
        visit: u64,
    },
    /// The result is known, and what has not completed beside the path that gave it is undone.
    ResultFixed {
        /// The end node that was reached.
        node: Text,
        /// The result.
        result: Json,
        /// The scopes in which nothing is undone: those around the end.
        stands: Vec<ScopeId>,
    },
    /// Someone suspended the instance: until it is resumed no token moves and no attempt begins.
    ProcessSuspended {
        /// Who.
        actor: Actor,
        /// When.
        at: Timestamp,
    },
    /// Someone resumed the instance, or cancelled it while it was suspended.
    ProcessResumed {
        /// Who.
        actor: Actor,
        /// When.
        at: Timestamp,
    },
    /// The instance ended with a result.
    ProcessCompleted {
        /// The end node that was reached.
        node: Text,
        /// The result.
        result: Json,
    },
    /// The instance ended with a failure.
    ProcessFailed,
    /// The instance ended because it was cancelled.
    ProcessCancelled,
    /// The instance ended at once and undid nothing.
    ProcessTerminated {
        /// Who ended it.
        actor: Actor,
    },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
pub(crate) fn is_false(flag: &bool) -> bool {
    !*flag
}

/// Why what completed in a scope is undone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Unwinding {
    /// It failed, and one of its boundary events handles that.
    Failed {
        /// The boundary event.
        boundary: Text,
        /// The failure.
        failure: Failure,
    },
    /// A boundary event interrupted it.
    Interrupted {
        /// The boundary event.
        boundary: Text,
    },
    /// It is a race that is decided: those who have not won are undone.
    Won,
}

/// What happened to a wait or an incident that is no longer open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Closing {
    /// It was completed.
    Completed,
    /// Its instance failed or was cancelled.
    Cancelled,
    /// The step of an incident ran again.
    Retried,
    /// A person gave the value that the step could not give.
    Skipped,
    /// A person let the step fail.
    Failed,
}
