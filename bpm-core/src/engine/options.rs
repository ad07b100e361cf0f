//! Every bound of the engine, by name.

use std::sync::OnceLock;
use std::time::Duration;

use crate::refused::Refused;
use crate::step::Limits;

/// The bounds of an engine. Reaching one gives backpressure or an error that names it.
///
/// ```
/// use bpm_core::engine::EngineOptions;
///
/// let options = EngineOptions { workers: 8, ..Default::default() };
/// assert_eq!(options.turns_per_commit, 4_096);
/// ```
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// Attempts in flight at once; what is due beyond that waits. 64.
    pub workers: usize,
    /// Threads of the runtime on which tasks run. 4 or the number of cores, whichever is more.
    pub task_threads: usize,
    /// How long attempts that were told to stop are awaited before they are dropped. 30 s.
    pub grace: Duration,
    /// Calls that wait for the dispatcher; further callers wait for a place. 16,384.
    pub dispatcher_calls: usize,
    /// Turns in one commit. 4,096.
    pub turns_per_commit: usize,
    /// Nodes that one turn executes before the instance lets others go first. 1,000.
    pub moves_per_turn: usize,
    /// Instances at rest that are kept in memory. 1,024.
    pub cached_instances: usize,
    /// Tokens of one instance; a fork beyond that is an incident. 10,000.
    pub tokens_per_instance: usize,
    /// Nodes of one definition; an engine does not start with more. 10,000.
    pub nodes_per_definition: usize,
    /// Bytes of one value from outside as JSON: an input, a payload, a result. 10 MiB.
    pub payload_bytes: usize,
    /// Bytes of a business key, and of an actor's name. 1,024.
    pub name_bytes: usize,
    /// Bytes of the text of an attempt's error and its causes; what is beyond is cut. 64 KiB.
    pub error_bytes: usize,
    /// Turns after which an instance that stays active takes a snapshot. 1,000.
    pub snapshot_turns: u64,
    /// Turns of one instance that are kept, at least 4. Of a longer history the first ones are
    /// forgotten, a quarter of this number at a time, behind a snapshot with which the others
    /// begin. 10,000.
    pub history_turns: u64,
    /// Attempts of one visit that may be lost, because the process that ran them was gone, before
    /// the activity rests as an incident. 5.
    pub lost_attempts_max: u32,
    /// Timers that are kept in memory, of those by the wall clock as many again; the others are read
    /// when they come near. 10,000.
    pub timers_in_memory: usize,
    /// From what the jitter of retries is drawn; a test sets it, and starts with a key, to see the
    /// same delays again. Different for every engine.
    pub jitter_seed: u64,
    /// Turns that a slow watcher may be behind before it misses some. 8,192.
    pub watch_turns: usize,
}

impl EngineOptions {
    /// Whether a key or a name is no longer than may be.
    pub(super) fn check_name(&self, what: &'static str, name: &str) -> Result<(), Refused> {
        let (bytes, limit) = (name.len(), self.name_bytes);
        if bytes > limit { Err(Refused::NameTooLong { what, bytes, limit }) } else { Ok(()) }
    }

    /// The bounds of one turn.
    pub(super) fn limits(&self) -> Limits {
        Limits {
            moves: self.moves_per_turn,
            tokens: self.tokens_per_instance,
            lost_attempts: self.lost_attempts_max,
            jitter_seed: self.jitter_seed,
        }
    }
}

impl Default for EngineOptions {
    fn default() -> Self {
        // Asked once: it reads files.
        static CORES: OnceLock<usize> = OnceLock::new();
        let cores = || std::thread::available_parallelism().map_or(4, usize::from);
        let cores = *CORES.get_or_init(cores);
        Self {
            workers: 64,
            task_threads: cores.max(4),
            grace: Duration::from_secs(30),
            dispatcher_calls: 16_384,
            turns_per_commit: 4_096,
            moves_per_turn: 1_000,
            cached_instances: 1_024,
            tokens_per_instance: 10_000,
            nodes_per_definition: 10_000,
            payload_bytes: 10 << 20,
            name_bytes: 1_024,
            error_bytes: 64 << 10,
            snapshot_turns: 1_000,
            history_turns: 10_000,
            lost_attempts_max: 5,
            timers_in_memory: 10_000,
            jitter_seed: std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0),
            watch_turns: 8_192,
        }
    }
}
