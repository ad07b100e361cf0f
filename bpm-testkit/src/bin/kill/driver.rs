//! The driver: folder after folder, fault after fault, and the judgement at the end of each.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::Path;
use std::time::Instant;

use bpm_core::failpoint::Failpoint;
use bpm_testkit::arbitrary::Random;
use tempfile::TempDir;

use crate::child::{Mode, Orders};
use crate::faults::{AT_FIRST, Fault, count};
use crate::judge;
use crate::victim::{Acknowledged, LONG, Victim};

/// Kills on one file before it is drained and judged; a judgement reads everything.
const KILLS_A_FOLDER: u64 = 40;

/// From so many kills on, a failpoint that was never reached is a violation.
const ENOUGH_FOR_ALL: u64 = 100;

/// What is to be done.
pub(crate) struct Plan {
    pub(crate) kills: u64,
    pub(crate) two_processes: bool,
    pub(crate) from: u64,
}

/// What was done.
pub(crate) struct Totals {
    pub(crate) kills: u64,
    pub(crate) acknowledged: usize,
    pub(crate) repeats: usize,
    pub(crate) violations: usize,
    seconds: f64,
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kills, acknowledged, repeats, violations, seconds } = self;
        write!(f, "kills={kills} acknowledged={acknowledged} repeats={repeats} ")?;
        write!(f, "violations={violations} per_second={:.1}", *kills as f64 / seconds)
    }
}

/// A file, what was acknowledged of it, and who wrote it.
pub(crate) struct Folder {
    folder: TempDir,
    pub(crate) known: Acknowledged,
    pub(crate) kills: u64,
    processes: u32,
    /// No instance has this number or a higher one.
    pub(crate) until: u64,
}

impl Folder {
    fn new() -> io::Result<Self> {
        let (folder, known) = (tempfile::tempdir()?, Acknowledged::default());
        Ok(Self { folder, known, kills: 0, processes: 0, until: 0 })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Starts a victim.
    pub(crate) fn start(
        &mut self,
        mode: Mode,
        instances: u64,
        failpoint: Option<(String, u32)>,
    ) -> io::Result<Victim> {
        let from = self.known.next();
        self.until = self.until.max(from + instances);
        self.processes += 1;
        let folder = self.path().to_owned();
        let (process, until) = (self.processes, from + instances);
        Victim::start(&Orders { mode, folder, process, from, until, failpoint })
    }

    /// Takes note of a violation unless it is none.
    pub(crate) fn expect(&mut self, holds: bool, violation: &str) {
        if !holds {
            self.known.violations.push(violation.to_owned());
        }
    }

    /// Lets a victim bring everything to its end.
    fn drain(&mut self) -> io::Result<()> {
        let until = self.until;
        self.processes += 1;
        let orders = Orders {
            mode: Mode::Drain,
            folder: self.path().to_owned(),
            process: self.processes,
            from: 0,
            until,
            failpoint: None,
        };
        let end = Victim::start(&orders)?.wait(LONG, &mut self.known)?;
        let drained = end.status.success() && end.last.as_deref() == Some("drained");
        self.expect(drained, &format!("not drained: {:?}, {}", end.last, end.status));
        Ok(())
    }
}

/// Does it all.
pub(crate) fn run(plan: &Plan) -> io::Result<Totals> {
    let begin = Instant::now();
    let mut totals = Totals { kills: 0, acknowledged: 0, repeats: 0, violations: 0, seconds: 0.0 };
    let mut points = Points::default();
    let mut seed = plan.from;
    while totals.kills < plan.kills {
        let most = KILLS_A_FOLDER.min(plan.kills - totals.kills);
        let mut folder = Folder::new()?;
        let mut random = Random::new(seed);
        for round in 0.. {
            if folder.kills >= most {
                break;
            }
            let fault = points.fault(round, &mut random, plan.two_processes);
            let died_at = folder.suffer(fault)?;
            points.note(fault, died_at);
            if random.below(4) == 0 {
                judge::peek(&mut folder);
            }
        }
        folder.drain()?;
        totals.repeats += judge::judge(&mut folder)?;
        report(seed, &folder.known.violations);
        totals.kills += folder.kills;
        totals.acknowledged += folder.known.count();
        totals.violations += folder.known.violations.len();
        seed += 1;
    }
    totals.violations += points.missed(totals.kills);
    totals.seconds = begin.elapsed().as_secs_f64();
    Ok(totals)
}

fn report(seed: u64, violations: &[String]) {
    for violation in violations {
        eprintln!("violation: {violation}");
    }
    if !violations.is_empty() {
        eprintln!("seed {seed}: repeat with --from {seed} --kills {KILLS_A_FOLDER}");
    }
}

/// The walk over the table of failpoints.
#[derive(Default)]
struct Points {
    reached: BTreeSet<&'static str>,
    /// The statement of the migrations at which the next victim dies, until all have been.
    statement: u32,
    all_statements: bool,
    next: usize,
    /// One that was not reached at its count, and is tried once more at the first time.
    again: Option<Failpoint>,
}

impl Points {
    /// The next fault: first what only a new file has, then two places for each moment.
    fn fault(&mut self, round: usize, random: &mut Random, two_processes: bool) -> Fault {
        if !self.all_statements {
            self.statement += 1;
            return Fault::Point(Failpoint::MigrationStatement, self.statement);
        }
        if let Some(point) = AT_FIRST.get(round) {
            let count = match point {
                Failpoint::MigrationStatement => 1 + random.below(self.statements()) as u32,
                point => count(*point, random),
            };
            return Fault::Point(*point, count);
        }
        if let Some(point) = self.again.take() {
            return Fault::Point(point, 1);
        }
        if round % 3 == 2 {
            return Fault::random(random, two_processes);
        }
        let others: Vec<_> =
            Failpoint::ALL.iter().filter(|point| !AT_FIRST.contains(point)).collect();
        let point = *others[self.next % others.len()];
        self.next += 1;
        Fault::Point(point, count(point, random))
    }

    /// How many statements of migrations were walked: at the one behind the last nobody died.
    fn statements(&self) -> usize {
        (self.statement as usize).saturating_sub(1).max(1)
    }

    fn note(&mut self, fault: Fault, died_at: Option<String>) {
        let Fault::Point(point, count) = fault else { return };
        if died_at.as_deref() == Some(point.name()) {
            self.reached.insert(point.name());
        } else if point == Failpoint::MigrationStatement {
            self.all_statements = true;
        } else if count > 1 {
            self.again = Some(point);
        }
    }

    /// Says which were never reached; their number, if there were kills enough for all.
    fn missed(&self, kills: u64) -> usize {
        let names = Failpoint::ALL.iter().map(|point| point.name());
        let missed: Vec<_> = names.filter(|name| !self.reached.contains(name)).collect();
        println!("failpoints={} reached={}", Failpoint::ALL.len(), self.reached.len());
        if kills < ENOUGH_FOR_ALL || missed.is_empty() {
            return 0;
        }
        eprintln!("violation: failpoints that were never reached: {missed:?}");
        missed.len()
    }
}
