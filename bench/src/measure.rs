//! Time: on the wall, and of this process's processors.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// A measurement that has begun.
pub(crate) struct Stopwatch {
    began: Instant,
    cpu_before: Duration,
}

/// How long something took.
#[derive(Clone, Copy)]
pub(crate) struct Took {
    pub(crate) wall: Duration,
    /// All threads of the process, in the program and in the kernel.
    pub(crate) cpu: Duration,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self { began: Instant::now(), cpu_before: cpu() }
    }

    pub(crate) fn stop(self) -> Took {
        Took { wall: self.began.elapsed(), cpu: cpu().saturating_sub(self.cpu_before) }
    }
}

fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or_default()
}
