//! The faults: when and how a victim dies.

use std::io;
use std::thread::sleep;
use std::time::Duration;

use bpm_core::failpoint::Failpoint;
use bpm_testkit::arbitrary::Random;

use crate::child::{Mode, REFUSED};
use crate::driver::Folder;
use crate::victim::{End, LONG, Victim};

/// How many instances a victim starts; more where it must have something to do for longer.
const SOME: u64 = 40;
const MANY: u64 = 240;

/// How long a victim is stopped: longer than every timeout that it has.
const STOPPED: Duration = Duration::from_millis(250);

/// How long a victim that is ready may take to come to its failpoint.
const POINT: Duration = Duration::from_millis(600);

/// What happens to a victim. Every one is killed in the end, but for those that stop.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// Killed so long after it was ready.
    Ready(Duration),
    /// Killed so long after it was started: while it opens the file or recovers.
    Started(Duration),
    /// Dies at a failpoint.
    Point(Failpoint, u32),
    /// Stops by itself, as it is told.
    Stops(Duration),
    /// Another process is refused meanwhile.
    Refuses(Duration),
    /// Another process waits for the file, and goes on when it is killed.
    TakenOver(Duration),
    /// Is stopped by a signal, while which another process is refused, and continued.
    Paused(Duration),
}

/// A few milliseconds, sometimes more: 2 to 12, or up to 60.
fn moment(random: &mut Random) -> Duration {
    let span = if random.below(5) == 0 { 60_000 } else { 10_000 };
    Duration::from_micros(2_000 + random.below(span) as u64)
}

impl Fault {
    /// One that is no failpoint.
    pub(crate) fn random(random: &mut Random, two_processes: bool) -> Self {
        let moment = moment(random);
        if two_processes && random.below(2) == 0 {
            return match random.below(3) {
                0 => Fault::Refuses(moment),
                1 => Fault::TakenOver(moment),
                _ => Fault::Paused(moment),
            };
        }
        match random.below(10) {
            0 => Fault::Stops(moment),
            1 | 2 => Fault::Started(moment),
            _ => Fault::Ready(moment),
        }
    }
}

impl Folder {
    /// Has a victim suffer a fault; the failpoint at which it died.
    pub(crate) fn suffer(&mut self, fault: Fault) -> io::Result<Option<String>> {
        match fault {
            Fault::Ready(time) => {
                let victim = self.ready(SOME)?;
                sleep(time);
                self.killed(victim)?;
            }
            Fault::Started(time) => {
                let victim = self.start(Mode::Load, SOME, None)?;
                sleep(time);
                self.killed(victim)?;
            }
            Fault::Point(point, count) => return self.dies_at(point, count),
            Fault::Stops(time) => {
                let mut victim = self.ready(SOME)?;
                sleep(time);
                victim.ask_to_stop();
                let end = victim.wait(LONG, &mut self.known)?;
                self.expect(end.status.success(), "a victim that was told to stop failed");
            }
            Fault::Refuses(time) => {
                let victim = self.ready(SOME)?;
                self.refuses(&victim)?;
                sleep(time);
                self.killed(victim)?;
            }
            Fault::TakenOver(time) => self.taken_over(time)?,
            Fault::Paused(time) => self.paused(time)?,
        }
        Ok(None)
    }

    /// A victim under load that is ready.
    fn ready(&mut self, instances: u64) -> io::Result<Victim> {
        let victim = self.start(Mode::Load, instances, None)?;
        let ready = victim.hear("ready", LONG, &mut self.known);
        self.expect(ready, "a victim did not get ready");
        Ok(victim)
    }

    fn killed(&mut self, victim: Victim) -> io::Result<End> {
        self.kills += 1;
        victim.kill(&mut self.known)
    }

    fn dies_at(&mut self, point: Failpoint, count: u32) -> io::Result<Option<String>> {
        let mut victim = self.start(Mode::Load, SOME, Some((point.name().to_owned(), count)))?;
        let ready = victim.hear("ready", LONG, &mut self.known);
        if ready && is_at_start(point) {
            // It is past it.
            self.killed(victim)?;
            return Ok(None);
        }
        if point == Failpoint::BeforeClose {
            victim.ask_to_stop();
        }
        // Its output ends when it dies.
        victim.hear("never", POINT, &mut self.known);
        Ok(self.killed(victim)?.failpoint)
    }

    /// Another process gets no further than a message that names this one.
    fn refuses(&mut self, victim: &Victim) -> io::Result<()> {
        let other = self.start(Mode::Load, SOME, None)?;
        let end = other.wait(LONG, &mut self.known)?;
        let said = end.last.unwrap_or_default();
        let named = format!("in use by another engine (pid {} on ", victim.pid());
        let refused = end.status.code() == Some(REFUSED);
        self.expect(refused && said.contains(&named), &format!("not refused by pid: {said}"));
        Ok(())
    }

    fn taken_over(&mut self, time: Duration) -> io::Result<()> {
        let first = self.ready(SOME)?;
        let second = self.start(Mode::TakeOver, SOME, None)?;
        let waits = second.hear("waiting", LONG, &mut self.known);
        self.expect(waits, "a second process did not wait");
        sleep(time);
        self.killed(first)?;
        let ready = second.hear("ready", LONG, &mut self.known);
        self.expect(ready, "a second process did not take over");
        sleep(time / 2);
        self.killed(second)?;
        Ok(())
    }

    /// A process that sleeps keeps its file, and goes on as if nothing had been.
    fn paused(&mut self, time: Duration) -> io::Result<()> {
        let victim = self.ready(MANY)?;
        sleep(time / 4);
        victim.signal("STOP")?;
        self.refuses(&victim)?;
        sleep(STOPPED);
        self.refuses(&victim)?;
        // What it said before it was stopped.
        victim.hear("never", Duration::from_millis(1), &mut self.known);
        victim.signal("CONT")?;
        // On a busy machine it may have been through with its work before.
        let through = self.known.next() >= self.until;
        let goes_on = through || victim.hear("start", LONG, &mut self.known);
        self.expect(goes_on, "a victim that was continued acknowledges nothing more");
        sleep(time / 4);
        self.killed(victim)?;
        Ok(())
    }
}

/// Whether a victim has passed it when it is ready.
fn is_at_start(point: Failpoint) -> bool {
    matches!(
        point,
        Failpoint::LockTaken
            | Failpoint::MigrationStatement
            | Failpoint::Migrated
            | Failpoint::DefinitionsAgreed
            | Failpoint::DefinitionStored
            | Failpoint::RecoveryLooked
            | Failpoint::TimersLoaded
    )
}

/// The places that only a new file has; they come first, in this order.
pub(crate) const AT_FIRST: [Failpoint; 4] = [
    Failpoint::MigrationStatement,
    Failpoint::Migrated,
    Failpoint::DefinitionStored,
    Failpoint::TimeStored,
];

/// At which time that a victim comes to a place it dies there: any of the first few.
pub(crate) fn count(point: Failpoint, random: &mut Random) -> u32 {
    let most = match point {
        Failpoint::DefinitionStored => 9,
        Failpoint::InstanceRecovering
        | Failpoint::InstanceRecovered
        | Failpoint::BaseInserted
        | Failpoint::IncidentInserted
        | Failpoint::TimerInserted
        | Failpoint::TimerDeleted
        | Failpoint::UserTaskInserted
        | Failpoint::WaitClosed => 3,
        Failpoint::BeforeClose | Failpoint::TimeStored | Failpoint::HistoryForgotten => 1,
        point if is_at_start(point) => 1,
        _ => 8,
    };
    1 + random.below(most) as u32
}
