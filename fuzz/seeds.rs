//! Writes the inputs that fuzzing begins with to `corpus/`, which is not kept.

use std::path::Path;
use std::{fs, io};

use bpm_testkit::fuzz::TARGETS;

#[path = "../bpm-macros/src/fuzzed/seeds.rs"]
mod tokens;

fn main() -> io::Result<()> {
    for target in TARGETS {
        write(target.name, &(target.seeds)())?;
    }
    write("tokens", &tokens::SEEDS.map(|text| text.as_bytes().to_vec()))
}

fn write(target: &str, seeds: &[Vec<u8>]) -> io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    fs::create_dir_all(&folder)?;
    for (at, seed) in seeds.iter().enumerate() {
        fs::write(folder.join(format!("seed{at}")), seed)?;
    }
    Ok(())
}
