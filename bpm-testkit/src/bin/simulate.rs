//! `simulate`: random processes under random faults, as many as one likes.
//!
//! ```text
//! simulate --seeds N [--from S] [--saga | --store sqlite]
//! simulate --planted [--seeds N]
//! ```
//!
//! A seed that fails is printed with the shortest run that was found for it, and ends the program
//! with status 1. `--planted` takes the feature `planted-bugs`: the engine is given one mistake
//! after another, and one that no harness catches ends the program with status 1.

#[cfg(feature = "planted-bugs")]
#[path = "simulate/planted.rs"]
mod planted;

// The kill harness, for what only a killed process shows.
#[cfg(feature = "planted-bugs")]
#[path = "kill/child.rs"]
mod child;
#[cfg(feature = "planted-bugs")]
#[path = "kill/driver.rs"]
mod driver;
#[cfg(feature = "planted-bugs")]
#[path = "kill/faults.rs"]
mod faults;
#[cfg(feature = "planted-bugs")]
#[path = "kill/judge.rs"]
mod judge;
#[cfg(feature = "planted-bugs")]
#[path = "kill/ledger.rs"]
mod ledger;
#[cfg(feature = "planted-bugs")]
#[path = "kill/load.rs"]
mod load;
#[cfg(feature = "planted-bugs")]
#[path = "kill/victim.rs"]
mod victim;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use bpm_testkit::sim::house::Disk;
use bpm_testkit::sim::{self, Options, Report};

const HELP: &str = "usage: simulate --seeds N [--from S] [--saga | --store memory | --store sqlite]
       simulate --planted [--seeds N]

  --seeds N       how many seeds
  --from S        the first one; 0
  --saga          only the rules of failure, at the level of the turn
  --store sqlite  over SQLite files (with the feature `sqlite`) and not in memory
  --planted       every planted bug until a harness catches it";

fn main() -> ExitCode {
    #[cfg(feature = "planted-bugs")]
    if let Some(code) = planted::main() {
        return code;
    }
    match options(std::env::args().skip(1)) {
        Ok((first, count, options)) => simulate(first, count, &options),
        Err(wrong) => {
            eprintln!("{wrong}\n\n{HELP}");
            ExitCode::from(2)
        }
    }
}

fn options(mut words: impl Iterator<Item = String>) -> Result<(u64, u64, Options), String> {
    let (mut first, mut count, mut options) = (0, None, Options::default());
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("`{word}` needs a value"));
        let number =
            |text: String| text.parse::<u64>().map_err(|_| format!("`{text}` is no number"));
        match word.as_str() {
            "--seeds" => count = Some(number(value()?)?),
            "--from" => first = number(value()?)?,
            "--saga" => options.saga = true,
            "--planted" => return Err("`--planted` takes the feature `planted-bugs`".to_owned()),
            "--store" => match value()?.as_str() {
                "memory" => {}
                "sqlite" => options.disk = sqlite()?,
                other => return Err(format!("there is no store `{other}`")),
            },
            _ => return Err(format!("`{word}` is unknown")),
        }
    }
    let count = count.ok_or("how many seeds?")?;
    Ok((first, count, options))
}

fn simulate(first: u64, count: u64, options: &Options) -> ExitCode {
    let began = Instant::now();
    let (mut total, mut violations, mut told) = (Report::default(), 0, Duration::ZERO);
    for (done, seed) in (first..first.saturating_add(count)).enumerate() {
        match sim::run(seed, options) {
            Ok(report) => total.add(&report),
            Err(violation) => {
                violations += 1;
                println!("{}", sim::shrunk(seed, options, violation));
            }
        }
        if began.elapsed() >= told + Duration::from_secs(1) {
            told = began.elapsed();
            let crashes = total.crashes;
            eprint!("\r{done} of {count} seeds, {} events, {crashes} crashes ", total.events);
        }
    }
    eprintln!();
    let per_second = (count as f64 / began.elapsed().as_secs_f64()).round();
    println!(
        "seeds={count} events={} crashes={} violations={violations} per_second={per_second}",
        total.events, total.crashes
    );
    if violations == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[cfg(not(feature = "sqlite"))]
fn sqlite() -> Result<fn() -> Disk, String> {
    Err("this program was built without SQLite; build it with `--features sqlite`".to_owned())
}

/// A file of its own for each run, which replaces the one before.
#[cfg(feature = "sqlite")]
fn sqlite() -> Result<fn() -> Disk, String> {
    use std::sync::Arc;

    use bpm_sqlite::{Durability, Sqlite};

    fn disk() -> Disk {
        let folder = std::env::temp_dir().join(format!("bpm-simulate-{}", std::process::id()));
        // There is none the first time; what cannot be made shows when it is opened.
        let _ = std::fs::remove_dir_all(&folder);
        let _ = std::fs::create_dir_all(&folder);
        Box::new(move || {
            // A crash of the engine is no power cut: nothing need reach the disk.
            let options = Sqlite::options(folder.join("bpm.db")).durability(Durability::Normal);
            Ok(Arc::new(options.open()?))
        })
    }
    Ok(disk)
}
