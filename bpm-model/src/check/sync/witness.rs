//! The shortest run into a fault, breadth-first over the markings of what reduction left.

use std::collections::{HashMap, VecDeque};

use super::reduce::Net;

/// How many markings are looked at.
const STATES_MAX: usize = 100_000;

/// A run that ends in a fault.
pub(super) struct Run {
    /// The links that got a token, in order.
    pub(super) links: Vec<usize>,
    /// What is wrong at its end.
    pub(super) fault: End,
}

/// How a faulty run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The token on one link waits for one on another, and nothing can move.
    Waits { link: usize, missing: usize },
    /// A second token comes to a link.
    TwoTokens { link: usize },
    /// A second token ends, over this link.
    TwoEnds { link: usize },
    /// The search was given up; this link leads to a gate of the faulty part.
    Unknown { link: usize },
}

/// A marking: the links that have a token, and whether one has ended.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Marking {
    links: Vec<usize>,
    ended: bool,
}

/// What a move does.
struct Move {
    takes: Vec<usize>,
    gives: Vec<usize>,
    ends: bool,
}

/// The shortest run into a fault; `None` if every run completes properly.
pub(super) fn search(net: &Net) -> Option<Run> {
    let mut search =
        Search { net, states: Vec::new(), known: HashMap::new(), ready: VecDeque::new() };
    let entry = net.left().into_iter().find(|gate| net.gates[*gate].first)?;
    for &link in &net.gates[entry].outs {
        search.reach(Marking { links: vec![link], ended: false }, None, vec![link]);
    }
    search.run()
}

/// A marking with how it was come to: from which one, and which links got a token.
struct State {
    marking: Marking,
    from: Option<usize>,
    given: Vec<usize>,
}

struct Search<'a> {
    net: &'a Net,
    states: Vec<State>,
    known: HashMap<Marking, usize>,
    ready: VecDeque<usize>,
}

impl Search<'_> {
    fn run(mut self) -> Option<Run> {
        while let Some(at) = self.ready.pop_front() {
            let marking = self.states[at].marking.clone();
            let moves = moves(self.net, &marking);
            if moves.is_empty() && !marking.links.is_empty() {
                return Some(self.told(at, Vec::new(), waits(self.net, &marking)));
            }
            for step in moves {
                if let Some(fault) = fault(&marking, &step) {
                    return Some(self.told(at, step.gives, fault));
                }
                let next = after(&marking, &step);
                self.reach(next, Some(at), step.gives);
            }
            if self.states.len() > STATES_MAX {
                let link = joining(self.net).unwrap_or(self.net.left_links()[0]);
                return Some(Run { links: Vec::new(), fault: End::Unknown { link } });
            }
        }
        None
    }

    fn reach(&mut self, marking: Marking, from: Option<usize>, given: Vec<usize>) {
        if !self.known.contains_key(&marking) {
            self.known.insert(marking.clone(), self.states.len());
            self.ready.push_back(self.states.len());
            self.states.push(State { marking, from, given });
        }
    }

    fn told(&self, at: usize, last: Vec<usize>, fault: End) -> Run {
        let back = std::iter::successors(Some(at), |at| self.states[*at].from);
        let mut given: Vec<&[usize]> = vec![&last];
        given.extend(back.map(|at| self.states[at].given.as_slice()));
        Run { links: given.into_iter().rev().flatten().copied().collect(), fault }
    }
}

fn moves(net: &Net, marking: &Marking) -> Vec<Move> {
    let mut moves = Vec::new();
    for &link in &marking.links {
        let gate = &net.gates[net.links[link].to];
        if gate.all {
            let first = gate.ins.first() == Some(&link);
            if first && gate.ins.iter().all(|other| marking.links.binary_search(other).is_ok()) {
                let (takes, gives) = (&gate.ins, &gate.outs);
                let (takes, gives) =
                    (takes.iter().copied().collect(), gives.iter().copied().collect());
                moves.push(Move { takes, gives, ends: false });
            }
            continue;
        }
        let chosen = gate.outs.iter();
        moves.extend(chosen.map(|out| Move { takes: vec![link], gives: vec![*out], ends: false }));
        if gate.last {
            moves.push(Move { takes: vec![link], gives: Vec::new(), ends: true });
        }
    }
    moves
}

fn fault(marking: &Marking, step: &Move) -> Option<End> {
    if step.ends && marking.ended {
        return Some(End::TwoEnds { link: step.takes[0] });
    }
    let stays =
        |link: &usize| marking.links.binary_search(link).is_ok() && !step.takes.contains(link);
    step.gives.iter().copied().find(stays).map(|link| End::TwoTokens { link })
}

fn after(marking: &Marking, step: &Move) -> Marking {
    let kept = marking.links.iter().filter(|link| !step.takes.contains(link));
    let mut links: Vec<usize> = kept.chain(&step.gives).copied().collect();
    links.sort_unstable();
    Marking { links, ended: marking.ended || step.ends }
}

/// Nothing can move, so every token stands at a join that misses another one.
fn waits(net: &Net, marking: &Marking) -> End {
    let link = marking.links[0];
    let ins = &net.gates[net.links[link].to].ins;
    let missing = ins.iter().copied().find(|other| marking.links.binary_search(other).is_err());
    End::Waits { link, missing: missing.unwrap_or(link) }
}

/// A link into a join.
fn joining(net: &Net) -> Option<usize> {
    net.left_links().into_iter().find(|link| {
        let gate = &net.gates[net.links[*link].to];
        gate.all && gate.ins.len() > 1
    })
}
