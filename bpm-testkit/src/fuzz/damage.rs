//! Damage to rows that were sound: to their text, to the JSON in it, and to which row stands where.

use bpm_core::store::HistoryRow;
use serde_json::{Value, json};

use super::samples::{SOUND, Sound, print};

/// The rows of an instance, and the graph with which it was started.
#[derive(Clone)]
pub(super) struct Rows {
    pub(super) sound: &'static Sound,
    /// The number of its turn, and the state behind it.
    pub(super) snapshot: Option<(u64, String)>,
    /// The turns behind the snapshot.
    pub(super) turns: Vec<HistoryRow>,
    pub(super) graph: String,
}

/// How many bytes say which rows, and then each time what is done to them.
const HEAD: usize = 2;
const CALL: usize = 5;

/// What can be done to a row, by its number.
const WORDS: u8 = 0;
const TEXT: u8 = 1;

/// At most so many things are done, so that an input takes a bounded time.
const CALLS: usize = 40;

impl Rows {
    /// Those that the bytes name, damaged as the bytes say.
    pub(super) fn damaged(data: &[u8]) -> Option<Self> {
        let (&[history, behind], mut calls) = data.split_first_chunk::<HEAD>()?;
        let sound = SOUND.get(usize::from(history) % SOUND.len())?;
        let mut rows = Self::behind(sound, usize::from(behind) % (sound.turns.len() + 1));
        for _ in 0..CALLS {
            let Some((&[what, row, high, low, with], rest)) = calls.split_first_chunk::<CALL>()
            else {
                break;
            };
            let row = usize::from(row) % rows.count();
            if what == TEXT {
                *rows.text(row) = String::from_utf8_lossy(rest).into_owned();
                break;
            }
            rows.call(what, row, usize::from(high) << 8 | usize::from(low), with.into());
            calls = rest;
        }
        Some(rows)
    }

    /// Of the turns of a history only those that follow the snapshot behind so many.
    fn behind(sound: &'static Sound, turns: usize) -> Self {
        let before = turns.checked_sub(1);
        let snapshot = before.map(|at| (sound.turns[at].seq, sound.snapshots[at].clone()));
        let graph = print(sound.definition.graph());
        Self { sound, snapshot, turns: sound.turns[turns..].to_vec(), graph }
    }

    /// The graph, the snapshot if there is one, the turns.
    fn count(&self) -> usize {
        1 + usize::from(self.snapshot.is_some()) + self.turns.len()
    }

    fn text(&mut self, row: usize) -> &mut String {
        let Some(row) = row.checked_sub(1) else { return &mut self.graph };
        match (&mut self.snapshot, row) {
            (Some((_, text)), 0) => text,
            (Some(_), row) => &mut self.turns[row - 1].body,
            (None, row) => &mut self.turns[row].body,
        }
    }

    fn call(&mut self, what: u8, row: usize, place: usize, with: usize) {
        let turn = |count: usize, number: usize| number % count.max(1);
        let (one, other) = (turn(self.turns.len(), place), turn(self.turns.len(), with));
        match what % 14 {
            WORDS => self.put(row, place, word(with)),
            2 => self.put(row, place, self.name(with)),
            3 => {
                let new = value(self.text(row), with);
                self.put(row, place, new);
            }
            4 => {
                let (from, turn) = (&SOUND[with % SOUND.len()], place / SOUND.len());
                self.put(row, place, value(&from.turns[turn % from.turns.len()].body, place));
            }
            5 => self.put(row, place, value(&self.other_snapshot(with).1, place)),
            6 => self.edit(row, |json| remove(json, place)),
            7 => self.edit(row, |json| repeat(json, place, with)),
            8 if !self.turns.is_empty() => self.turns.swap(one, other),
            9 if !self.turns.is_empty() => drop(self.turns.remove(one)),
            10 if !self.turns.is_empty() => self.turns.insert(other, self.turns[one].clone()),
            11 => self.snapshot = Some(self.other_snapshot(with)),
            12 => self.number(),
            _ if !self.turns.is_empty() => self.turns[one].seq = SEQS[with % SEQS.len()],
            _ => {}
        }
    }

    /// Numbers the turns as if they followed each other.
    fn number(&mut self) {
        let before = self.snapshot.as_ref().map_or(0, |(seq, _)| *seq);
        (before + 1..).zip(&mut self.turns).for_each(|(seq, turn)| turn.seq = seq);
    }

    /// The id of a node or the key of a variable.
    fn name(&self, number: usize) -> Value {
        let graph = self.sound.definition.graph();
        let number = number % (graph.nodes.len() + graph.variables.len());
        match number.checked_sub(graph.nodes.len()) {
            None => json!(graph.nodes[number].id),
            Some(variable) => json!(graph.variables[variable].key),
        }
    }

    /// The state of another instance, as if it were this one's.
    fn other_snapshot(&self, with: usize) -> (u64, String) {
        let (other, seq) = (&SOUND[with % SOUND.len()], self.snapshot.as_ref().map(|kept| kept.0));
        let at = with.wrapping_mul(7) % other.snapshots.len();
        let seq = seq.unwrap_or(other.turns[at].seq);
        let mut state: Value = serde_json::from_str(&other.snapshots[at]).unwrap_or_default();
        state["seq"] = seq.into();
        (seq, state.to_string())
    }

    fn put(&mut self, row: usize, place: usize, new: Value) {
        self.edit(row, |json| {
            let count = count(json);
            if let Some(old) = nth(json, &mut (place % count)) {
                *old = new;
            }
        });
    }

    fn edit(&mut self, row: usize, change: impl FnOnce(&mut Value)) {
        let text = self.text(row);
        if let Ok(mut json) = serde_json::from_str(text) {
            change(&mut json);
            *text = json.to_string();
        }
    }
}

/// Numbers that no turn should have.
const SEQS: [u64; 4] = [0, 1, u64::MAX - 1, u64::MAX];

/// What a value may become.
fn word(number: usize) -> Value {
    const LAST: u64 = u64::MAX;
    let words = [json!(null), json!(true), json!(""), json!([]), json!({}), json!(-1), json!(1.5)];
    let numbers = [LAST, LAST - 1, LAST - 2, i64::MAX as u64, u32::MAX.into(), u64::from(u32::MAX)];
    match number % 64 {
        number @ 0..=6 => words[number].clone(),
        number @ 7..=12 => json!(numbers[number - 7]),
        13 => json!(i64::MIN),
        number => json!(number - 14),
    }
}

/// The value with this number, counted modulo how many there are.
fn value(text: &str, number: usize) -> Value {
    let mut json: Value = serde_json::from_str(text).unwrap_or_default();
    let count = count(&json);
    nth(&mut json, &mut (number % count)).cloned().unwrap_or_default()
}

/// How many values there are, with all that are inside. JSON that serde has read nests to a
/// bounded depth.
fn count(json: &Value) -> usize {
    1 + match json {
        Value::Array(values) => values.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum::<usize>(),
        _ => 0,
    }
}

fn nth<'a>(json: &'a mut Value, left: &mut usize) -> Option<&'a mut Value> {
    if *left == 0 {
        return Some(json);
    }
    *left -= 1;
    match json {
        Value::Array(values) => values.iter_mut().find_map(|value| nth(value, left)),
        Value::Object(fields) => fields.values_mut().find_map(|value| nth(value, left)),
        _ => None,
    }
}

/// Takes a part out of the list or the object with this number.
fn remove(json: &mut Value, place: usize) {
    let (count, part) = (count(json), place >> 4);
    match nth(json, &mut (place % count)) {
        Some(Value::Array(values)) if !values.is_empty() => {
            values.remove(part % values.len());
        }
        Some(Value::Object(fields)) => {
            let key = fields.keys().nth(part % fields.len().max(1)).cloned();
            key.and_then(|key| fields.remove(&key));
        }
        _ => {}
    }
}

/// Has a part of a list twice.
fn repeat(json: &mut Value, place: usize, to: usize) {
    let (count, part) = (count(json), place >> 4);
    if let Some(Value::Array(values)) = nth(json, &mut (place % count))
        && !values.is_empty()
    {
        let again = values[part % values.len()].clone();
        values.insert(to % (values.len() + 1), again);
    }
}

/// Inputs: each history as it is, and the turns that are like none before, with their snapshots,
/// as texts that can be damaged.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (history, sound) in SOUND.iter().enumerate() {
        let head = |behind: usize| [history as u8, behind as u8];
        let call = |what: u8, row: usize| [what, row as u8, 0, 0, 0];
        seeds.push(head(0).to_vec());
        for &at in &sound.new {
            let body = sound.turns[at].body.as_bytes();
            seeds.push([&head(at)[..], &call(TEXT, usize::from(at > 0) + 1), body].concat());
            let snapshot = sound.snapshots[at].as_bytes();
            seeds.push([&head(at + 1)[..], &call(TEXT, 1), snapshot].concat());
            seeds.push([&head(at + 1)[..], &call(WORDS, 1)].concat());
        }
    }
    let graph = print(SOUND[0].definition.graph());
    seeds.push([&[0, 0, TEXT, 0, 0, 0, 0], graph.as_bytes()].concat());
    seeds
}
