//! A disk in memory that remembers what was flushed, so that its power can be cut.
//!
//! A file has two contents: the one that programs see, and the one that is durable; between them
//! are the changes since the last flush. Names are the same: a file that was created, but whose
//! folder was not flushed, may be missing after a cut.
//!
//! After the cut every call fails: what still runs on the disk cannot do harm.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bpm_testkit::arbitrary::Random;
use tokio::sync::Notify;

mod survive;

use survive::Survivors;

/// The part of a write that a cut keeps or loses as a whole, in bytes.
pub const SECTOR: usize = 512;

/// Files by their names: what a cut leaves, and what a disk begins with.
pub type Image = BTreeMap<String, Vec<u8>>;

/// Why a call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The power is off.
    Off,
    /// It could not be done.
    Failed,
    /// There is no room.
    Full,
    /// There is no such file.
    Missing,
}

/// A call that can be told to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// Reading from a file.
    Read,
    /// Writing to a file.
    Write,
    /// Flushing a file.
    Sync,
}

/// What fails, and how often.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// Which calls.
    pub call: Call,
    /// Which of them, counted from 1 from when the fault was set.
    pub nth: u64,
    /// Whether all later ones fail too, until the disk is [mended](Disk::mend).
    pub lasts: bool,
    /// [`Trouble::Failed`] or [`Trouble::Full`].
    pub trouble: Trouble,
}

/// A disk.
pub struct Disk {
    state: Mutex<State>,
    off: Notify,
}

struct State {
    random: Random,
    files: Vec<File>,
    /// The file of a name, as programs see it and as it is durable.
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    entries: Vec<(u64, Entry)>,
    /// How many changes and flushes there were.
    calls: u64,
    cut_at: Option<u64>,
    left: Option<Image>,
    fault: Option<Fault>,
    failed: u64,
    /// How many bytes all files may have.
    room: Option<usize>,
    flushes: bool,
}

#[derive(Default)]
struct File {
    seen: Vec<u8>,
    durable: Vec<u8>,
    changes: Vec<(u64, Change)>,
}

/// What happened to a file since it was flushed.
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Truncate(usize),
}

/// What happened to the folder since it was flushed.
enum Entry {
    Made(String, usize),
    Gone(String),
}

impl Disk {
    /// A disk with these files, all durable. What a cut takes comes from the seed.
    pub fn new(image: &Image, seed: u64) -> Arc<Self> {
        let file = |bytes: &Vec<u8>| File {
            seen: bytes.clone(),
            durable: bytes.clone(),
            changes: Vec::new(),
        };
        let names: BTreeMap<_, _> = image.keys().cloned().zip(0..).collect();
        let state = State {
            random: Random::new(seed),
            files: image.values().map(file).collect(),
            durable_names: names.clone(),
            names,
            entries: Vec::new(),
            calls: 0,
            cut_at: None,
            left: None,
            fault: None,
            failed: 0,
            room: None,
            flushes: true,
        };
        Arc::new(Self { state: Mutex::new(state), off: Notify::new() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Cuts the power at the n-th change or flush from now on.
    pub fn cut_after(&self, calls: u64) {
        let mut state = self.state();
        state.cut_at = Some(state.calls + calls);
    }

    /// Cuts the power now, if it is still on, and gives what is left.
    pub fn cut(&self) -> Image {
        let mut state = self.state();
        if state.left.is_none() {
            state.cut();
            self.off.notify_one();
        }
        state.left.clone().unwrap_or_default()
    }

    /// Whether the power is off.
    pub fn is_off(&self) -> bool {
        self.state().left.is_some()
    }

    /// Waits until the power is off; one waits.
    pub async fn off(&self) {
        if !self.is_off() {
            self.off.notified().await;
        }
    }

    /// From now on flushing does nothing, as if no program asked for it.
    pub fn never_flush(&self) {
        self.state().flushes = false;
    }

    /// The files as programs see them.
    pub fn files(&self) -> Image {
        let state = self.state();
        let files = state.names.iter();
        files.map(|(name, file)| (name.clone(), state.files[*file].seen.clone())).collect()
    }

    /// How many changes and flushes there were.
    pub fn calls(&self) -> u64 {
        self.state().calls
    }

    /// Sets a fault, in place of the one before.
    pub fn fail(&self, fault: Fault) {
        let mut state = self.state();
        (state.fault, state.failed) = (Some(fault), 0);
    }

    /// Ends the fault; how often it struck.
    pub fn mend(&self) -> u64 {
        let mut state = self.state();
        state.fault = None;
        std::mem::take(&mut state.failed)
    }

    /// Lets the files grow by so many bytes and no further; `None`: as far as they like.
    pub fn leave_room(&self, bytes: Option<usize>) {
        let mut state = self.state();
        let used = state.used();
        state.room = bytes.map(|bytes| used + bytes);
    }

    /// The file of this name, made if that is wanted.
    pub(crate) fn open(&self, name: &str, create: bool) -> Result<usize, Trouble> {
        let mut state = self.state();
        if state.left.is_some() {
            return Err(Trouble::Off);
        }
        if let Some(file) = state.names.get(name) {
            return Ok(*file);
        }
        if !create {
            return Err(Trouble::Missing);
        }
        let file = state.add();
        state.names.insert(name.to_owned(), file);
        self.record(&mut state, |state, call| {
            state.entries.push((call, Entry::Made(name.to_owned(), file)));
        })?;
        Ok(file)
    }

    /// Reads; how many bytes there were.
    pub(crate) fn read(&self, file: usize, at: usize, into: &mut [u8]) -> Result<usize, Trouble> {
        let mut state = self.state();
        if state.left.is_some() {
            return Err(Trouble::Off);
        }
        state.strike(Call::Read)?;
        let bytes = state.files[file].seen.get(at..).unwrap_or_default();
        let length = bytes.len().min(into.len());
        into[..length].copy_from_slice(&bytes[..length]);
        Ok(length)
    }

    /// Writes. A write that fails may have been done in part.
    pub(crate) fn write(&self, file: usize, at: usize, bytes: &[u8]) -> Result<(), Trouble> {
        let mut state = self.state();
        if state.left.is_some() {
            return Err(Trouble::Off);
        }
        let grows = (at + bytes.len()).saturating_sub(state.files[file].seen.len());
        let full = state.room.is_some_and(|room| grows > 0 && state.used() + grows > room);
        let trouble = state.strike(Call::Write).err().or(full.then_some(Trouble::Full));
        let done = match trouble {
            Some(_) => state.random.below(bytes.len() + 1),
            None => bytes.len(),
        };
        state.files[file].put(at, &bytes[..done]);
        self.record(&mut state, |state, call| {
            let bytes = bytes[..done].to_vec();
            state.files[file].changes.push((call, Change::Write { at, bytes }));
        })?;
        trouble.map_or(Ok(()), Err)
    }

    /// Cuts or lengthens a file.
    pub(crate) fn truncate(&self, file: usize, length: usize) -> Result<(), Trouble> {
        let mut state = self.state();
        if state.left.is_some() {
            return Err(Trouble::Off);
        }
        state.files[file].seen.resize(length, 0);
        self.record(&mut state, |state, call| {
            state.files[file].changes.push((call, Change::Truncate(length)));
        })
    }

    /// Flushes a file, and the folder's entries if that is wanted. If it fails, the system
    /// forgets what it did not write: programs see it, and no later flush brings it to the disk.
    pub(crate) fn sync(&self, file: usize, folder: bool) -> Result<(), Trouble> {
        let mut state = self.state();
        if state.left.is_some() {
            return Err(Trouble::Off);
        }
        self.record(&mut state, |_, _| {})?;
        if !state.flushes {
            return Ok(());
        }
        if let Err(trouble) = state.strike(Call::Sync) {
            let State { random, files, .. } = &mut *state;
            let survivors = Survivors::draw(random, u64::MAX);
            files[file].durable = survivors.of(random, &files[file]);
            files[file].changes.clear();
            return Err(trouble);
        }
        state.files[file].flush();
        if folder {
            state.flush_folder();
        }
        Ok(())
    }

    pub(crate) fn delete(&self, name: &str, folder: bool) -> Result<(), Trouble> {
        let mut state = self.state();
        if state.left.is_some() {
            return Err(Trouble::Off);
        }
        state.names.remove(name).ok_or(Trouble::Missing)?;
        self.record(&mut state, |state, call| {
            state.entries.push((call, Entry::Gone(name.to_owned())));
        })?;
        if folder && state.flushes {
            state.flush_folder();
        }
        Ok(())
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        self.state().names.contains_key(name)
    }

    pub(crate) fn length(&self, file: usize) -> usize {
        self.state().files[file].seen.len()
    }

    /// Counts a call, notes what it did, and cuts the power if this is the one.
    fn record(&self, state: &mut State, note: impl FnOnce(&mut State, u64)) -> Result<(), Trouble> {
        state.calls += 1;
        let call = state.calls;
        note(state, call);
        if state.cut_at.is_none_or(|cut_at| call < cut_at) {
            return Ok(());
        }
        state.cut();
        self.off.notify_one();
        Err(Trouble::Off)
    }
}

impl State {
    fn add(&mut self) -> usize {
        self.files.push(File::default());
        self.files.len() - 1
    }

    fn used(&self) -> usize {
        self.names.values().map(|file| self.files[*file].seen.len()).sum()
    }

    fn strike(&mut self, call: Call) -> Result<(), Trouble> {
        let Some(fault) = self.fault.as_mut().filter(|fault| fault.call == call) else {
            return Ok(());
        };
        fault.nth = fault.nth.saturating_sub(1);
        if fault.nth > 0 || (self.failed > 0 && !fault.lasts) {
            return Ok(());
        }
        self.failed += 1;
        Err(fault.trouble)
    }

    fn flush_folder(&mut self) {
        for (_, entry) in self.entries.drain(..) {
            entry.apply(&mut self.durable_names);
        }
    }

    fn cut(&mut self) {
        let survivors = Survivors::draw(&mut self.random, self.calls);
        for (call, entry) in &self.entries {
            if survivors.keep_entry(&mut self.random, *call) {
                entry.apply(&mut self.durable_names);
            }
        }
        let mut left = Image::new();
        for (name, file) in &self.durable_names {
            let bytes = survivors.of(&mut self.random, &self.files[*file]);
            left.insert(name.clone(), bytes);
        }
        self.left = Some(left);
    }
}

impl File {
    fn put(&mut self, at: usize, bytes: &[u8]) {
        put(&mut self.seen, at, bytes);
    }

    fn flush(&mut self) {
        for (_, change) in self.changes.drain(..) {
            change.apply(&mut self.durable);
        }
    }
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Change::Write { at, bytes } => put(content, *at, bytes),
            Change::Truncate(length) => content.resize(*length, 0),
        }
    }
}

impl Entry {
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Entry::Made(name, file) => drop(names.insert(name.clone(), *file)),
            Entry::Gone(name) => drop(names.remove(name)),
        }
    }
}

fn put(content: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    if content.len() < at + bytes.len() {
        content.resize(at + bytes.len(), 0);
    }
    content[at..at + bytes.len()].copy_from_slice(bytes);
}
