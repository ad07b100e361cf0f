//! Doubles: what stands in for service tasks in tests of processes. An engine that was given none
//! pays one look-up an attempt.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::ServiceTask;

/// What answers instead of a task: from what the process passes to what the function returns.
pub type Answer<K> = Arc<
    dyn for<'a> Fn(<K as ServiceTask>::Arguments<'a>) -> <K as ServiceTask>::Return + Send + Sync,
>;

/// A return type that tells failures.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot fail",
    note = "only a service task that returns a `Result` fails by an error"
)]
pub trait Fails: Sized {
    /// The error.
    type Error;

    /// The failure as a returned value.
    fn fail(error: Self::Error) -> Self;
}

impl<T, E> Fails for Result<T, E> {
    type Error = E;

    fn fail(error: E) -> Self {
        Err(error)
    }
}

/// The doubles of an engine, and how often each task was called. Clones are the same doubles.
#[derive(Clone, Default)]
pub struct Doubles(Arc<Inner>);

#[derive(Default)]
struct Inner {
    tasks: Mutex<HashMap<TypeId, Task>>,
    hangs: Mutex<Vec<Box<dyn Fn() + Send + Sync>>>,
}

#[derive(Default)]
struct Task {
    calls: u64,
    /// What the next calls do, before what all later ones do: `(how many, what)`.
    first: Vec<(u64, Does)>,
    always: Option<Does>,
}

#[derive(Clone)]
enum Does {
    /// An [`Answer`] of the task.
    Answer(Arc<dyn Any + Send + Sync>),
    Hang,
}

impl Doubles {
    /// Lets every call be answered so, behind those that were said to do something else first.
    pub fn answer<K: ServiceTask>(&self, answer: Answer<K>) {
        self.task::<K, _>(|task| task.always = Some(Does::Answer(Arc::new(answer))));
    }

    /// Lets the next `times` calls be answered so, behind those that were said before.
    pub fn first<K: ServiceTask>(&self, times: u64, answer: Answer<K>) {
        self.task::<K, _>(|task| task.first.push((times, Does::Answer(Arc::new(answer)))));
    }

    /// Lets the next `times` calls never end.
    pub fn hang_first<K: ServiceTask>(&self, times: u64) {
        self.task::<K, _>(|task| task.first.push((times, Does::Hang)));
    }

    /// How often the task was called, whoever answered.
    pub fn calls<K: ServiceTask>(&self) -> u64 {
        self.task::<K, _>(|task| task.calls)
    }

    /// What is to be called when a call hangs.
    pub(crate) fn on_hang(&self, wake: Box<dyn Fn() + Send + Sync>) {
        self.0.hangs.lock().unwrap_or_else(PoisonError::into_inner).push(wake);
    }

    pub(super) fn hang(&self) {
        self.0.hangs.lock().unwrap_or_else(PoisonError::into_inner).iter().for_each(|wake| wake());
    }

    /// Whether the task's own function is never called.
    pub(super) fn replaces(&self, task: TypeId) -> bool {
        self.tasks().get(&task).is_some_and(|task| task.always.is_some())
    }

    /// Counts a call. `None`: the task's own function answers it; `Some(None)`: nobody does.
    pub(super) fn call<K: ServiceTask>(&self) -> Option<Option<Answer<K>>> {
        match self.task::<K, _>(Task::next)? {
            Does::Hang => Some(None),
            Does::Answer(answer) => answer.downcast_ref::<Answer<K>>().cloned().map(Some),
        }
    }

    fn task<K: ServiceTask, R>(&self, look: impl FnOnce(&mut Task) -> R) -> R {
        look(self.tasks().entry(TypeId::of::<K>()).or_default())
    }

    fn tasks(&self) -> MutexGuard<'_, HashMap<TypeId, Task>> {
        self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Task {
    /// What the next call does.
    fn next(&mut self) -> Option<Does> {
        self.calls += 1;
        while let Some((left, does)) = self.first.first_mut() {
            if let Some(rest) = left.checked_sub(1) {
                *left = rest;
                return Some(does.clone());
            }
            self.first.remove(0);
        }
        self.always.clone()
    }
}
