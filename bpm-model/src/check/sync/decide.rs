//! Whether what reduction left is sound, in polynomial time.
//!
//! As a Petri net it is free-choice, and an instance that ends may begin anew. Such a net is live
//! and bounded, which is to say that the process is sound, if and only if (Desel and Esparza, *Free
//! Choice Petri Nets*, the rank theorem and Commoner's theorem):
//!
//! 1. every place lies on a part that keeps one token (an S-component),
//! 2. every transition lies on a part that can run round (a T-component),
//! 3. the rank of its incidence matrix is the number of its clusters minus one,
//! 4. no set of places that can never be filled again once it is empty (a siphon) is empty at the
//!    beginning.
//!
//! In a net that is live and bounded a component through a given place is found by letting every
//! cluster point at it by a shortest path; if that does not give a component, there is none.

use std::collections::{BTreeMap, VecDeque};

use super::rank::rank;
use super::reduce::Net;

/// A free-choice net with one place marked at the beginning.
#[derive(Default)]
struct Petri {
    /// The places that each transition takes from.
    takes: Vec<Vec<usize>>,
    /// The places that each transition gives to.
    gives: Vec<Vec<usize>>,
    /// The transitions that take from each place.
    takers: Vec<Vec<usize>>,
    /// The transitions that give to each place.
    givers: Vec<Vec<usize>>,
    /// Where an instance begins.
    begin: usize,
}

/// Whether the net is sound.
pub(super) fn is_sound(net: &Net) -> bool {
    let petri = Petri::new(net);
    let mirrored = petri.mirrored();
    petri.is_filled()
        && petri.is_covered()
        && mirrored.is_covered()
        && rank(&petri.incidence()) + 1 == petri.clusters().1
}

impl Petri {
    /// Links are places; a gate that passes one of several to one of several has a place between.
    fn new(net: &Net) -> Petri {
        let mut petri = Petri::default();
        let links = net.left_links();
        let places: BTreeMap<usize, usize> =
            links.iter().map(|link| (*link, petri.place())).collect();
        petri.begin = petri.place();
        for gate in net.left().into_iter().map(|gate| &net.gates[gate]) {
            let ins: Vec<usize> = gate.ins.iter().map(|link| places[link]).collect();
            let outs: Vec<usize> = gate.outs.iter().map(|link| places[link]).collect();
            if gate.all {
                petri.transition(ins, outs);
                continue;
            }
            let middle = if gate.first { petri.begin } else { petri.place() };
            ins.into_iter().for_each(|place| petri.transition(vec![place], vec![middle]));
            outs.into_iter().for_each(|place| petri.transition(vec![middle], vec![place]));
            if gate.last && !gate.first {
                petri.transition(vec![middle], vec![petri.begin]);
            }
        }
        petri
    }

    fn place(&mut self) -> usize {
        self.takers.push(Vec::new());
        self.givers.push(Vec::new());
        self.takers.len() - 1
    }

    fn transition(&mut self, takes: Vec<usize>, gives: Vec<usize>) {
        let at = self.takes.len();
        takes.iter().for_each(|place| self.takers[*place].push(at));
        gives.iter().for_each(|place| self.givers[*place].push(at));
        self.takes.push(takes);
        self.gives.push(gives);
    }

    /// Places and transitions exchanged and arrows turned: its S-components are the T-components
    /// of the net, and it is free-choice again.
    fn mirrored(&self) -> Petri {
        Petri {
            takes: self.givers.clone(),
            gives: self.takers.clone(),
            takers: self.gives.clone(),
            givers: self.takes.clone(),
            begin: 0,
        }
    }

    /// The cluster of each place (places that share a transition), and how many there are.
    fn clusters(&self) -> (Vec<usize>, usize) {
        let mut cluster = vec![usize::MAX; self.takers.len()];
        let mut count = 0;
        for place in 0..cluster.len() {
            if cluster[place] != usize::MAX {
                continue;
            }
            cluster[place] = count;
            let mut ready = vec![place];
            while let Some(place) = ready.pop() {
                for &other in self.takers[place].iter().flat_map(|at| &self.takes[*at]) {
                    if cluster[other] == usize::MAX {
                        cluster[other] = count;
                        ready.push(other);
                    }
                }
            }
            count += 1;
        }
        (cluster, count)
    }

    /// Whether no siphon is empty at the beginning: the largest one without the first place must
    /// have no place at all.
    fn is_filled(&self) -> bool {
        let mut inside = vec![true; self.takers.len()];
        inside[self.begin] = false;
        let mut feeds: Vec<usize> = self.takes.iter().map(Vec::len).collect();
        let mut ready = vec![self.begin];
        let mut count = 1;
        while let Some(place) = ready.pop() {
            for &transition in &self.takers[place] {
                feeds[transition] -= 1;
                if feeds[transition] > 0 {
                    continue;
                }
                for &next in &self.gives[transition] {
                    if std::mem::replace(&mut inside[next], false) {
                        count += 1;
                        ready.push(next);
                    }
                }
            }
        }
        count == inside.len()
    }

    /// Whether every place lies on an S-component.
    fn is_covered(&self) -> bool {
        let (cluster, count) = self.clusters();
        let mut covered = vec![false; self.takers.len()];
        for place in 0..covered.len() {
            if !covered[place] && !self.cover(place, &cluster, count, &mut covered) {
                return false;
            }
        }
        true
    }

    fn cover(&self, place: usize, cluster: &[usize], count: usize, covered: &mut [bool]) -> bool {
        let chosen = self.pointing(place, cluster, count);
        let mut inside = vec![false; covered.len()];
        let mut ready = vec![place];
        inside[place] = true;
        while let Some(at) = ready.pop() {
            covered[at] = true;
            for &giver in &self.givers[at] {
                let Some(&any) = self.takes[giver].first() else { return false };
                let Some(next) = chosen[cluster[any]] else { return false };
                if !std::mem::replace(&mut inside[next], true) {
                    ready.push(next);
                }
            }
        }
        self.keeps_one(&inside)
    }

    /// For each cluster the place by which it is first reached from `place`.
    fn pointing(&self, place: usize, cluster: &[usize], count: usize) -> Vec<Option<usize>> {
        let mut chosen = vec![None; count];
        chosen[cluster[place]] = Some(place);
        let mut ready = VecDeque::from([place]);
        while let Some(at) = ready.pop_front() {
            for &next in self.takers[at].iter().flat_map(|taker| &self.gives[*taker]) {
                if chosen[cluster[next]].is_none() {
                    chosen[cluster[next]] = Some(next);
                    ready.push_back(next);
                }
            }
        }
        chosen
    }

    /// Whether every transition at these places takes one token from them and gives one back.
    fn keeps_one(&self, inside: &[bool]) -> bool {
        let within = |places: &[usize]| places.iter().filter(|place| inside[**place]).count();
        let at = |place: usize| self.takers[place].iter().chain(&self.givers[place]);
        (0..inside.len()).filter(|place| inside[*place]).all(|place| {
            at(place).all(|transition| {
                within(&self.takes[*transition]) == 1 && within(&self.gives[*transition]) == 1
            })
        })
    }

    /// What each transition changes: places with +1 or −1.
    fn incidence(&self) -> Vec<BTreeMap<usize, i64>> {
        let row = |transition: usize| {
            let mut row = BTreeMap::new();
            self.takes[transition].iter().for_each(|place| *row.entry(*place).or_insert(0) -= 1);
            self.gives[transition].iter().for_each(|place| *row.entry(*place).or_insert(0) += 1);
            row.retain(|_, change| *change != 0);
            row
        };
        (0..self.takes.len()).map(row).collect()
    }
}
