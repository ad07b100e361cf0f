//! Scopes, boundary events and races.

use super::{finds, graph, says, separate_private, short};
use crate::check::tokens;
use crate::kind::Kind;

/// A scope with `a` in it, a handler of errors with `h` in it, and `c` behind both.
const SCOPE: &str = "start > $s > a > %s/end > ?m > c > end; body s: a %s/end
    $s > !s/error > h > ?m";

/// `a` with a handler `h` after some time, and `c` behind both.
const TIMED: &str = "start > a > ?m > c > end; a > !a/after > h > ?m";

/// `a` with `b` beside it, and `c` behind.
const BESIDE: &str = "start > a > c > end; a > :a/every > b > %a/every/end
    body a/every: b %a/every/end";

/// A scope with `a` in it and `b` beside it, and `c` behind.
const AROUND: &str = "start > $s > a > %s/end > c > end; body s: a %s/end
    $s > :s/every > b > %s/every/end; body s/every: b %s/every/end";

/// Branches with `a` and `b`, of which the first to complete wins, and `c` behind.
const RACE: &str = "start > #r > $one > a > %one/end > =r/end > c > end
    #r > $two > b > %two/end > =r/end
    branch one of #r: $one; branch two of #r: $two; body one: a %one/end; body two: b %two/end";

/// The same, where two must complete.
fn race_of_two() -> String {
    RACE.replacen("#r", "#2r", 1)
}

/// Branches with `a` and `b`, each in a scope because one of them may return.
const RETURNING: &str = "start > +f > $one > a > %one/end > +j > c > end
    +f > $two > b > ?g -[if x]> return; ?g -[else]> %two/end > +j
    branch one of +f: $one; branch two of +f: $two
    body one: a %one/end; body two: b ?g return %two/end";

#[test]
fn nothing_in_plain_ones() {
    [SCOPE, TIMED, BESIDE, AROUND, RACE, RETURNING].iter().for_each(|text| finds(text, &[]));
    finds(&race_of_two(), &[]);
}

#[test]
fn what_is_set_at_the_events_of_an_activity() {
    finds(&format!("{TIMED}; a sets x; c reads x"), &["B003 c.x"]);
    finds(&format!("{TIMED}; a sets x; h sets x; c reads x"), &[]);
    finds(&format!("{TIMED}; a sets x; h reads x"), &["B003 h.x"]);
    finds(&format!("{TIMED}; a/after reads x; a sets x"), &["B003 a/after.x"]);
    finds(&format!("{TIMED}; a/after sets x; h reads x"), &[]);
    finds(&format!("{TIMED}; a/after sets x; c reads x"), &["B003 c.x"]);
    finds(&format!("parameters x; {TIMED}; a sets x; h reads x; c reads x"), &[]);
    finds(&TIMED.replace("h > ?m", "h > return; a sets x; c reads x"), &[]);
    finds(&format!("{BESIDE}; b sets x; c reads x"), &["B003 c.x"]);
    finds(&format!("{BESIDE}; a sets x; c reads x"), &[]);
    says(
        &format!("{TIMED}; a sets x; c reads x"),
        "[B003] `x` may be unset where `c` reads it
  no step on this path sets it: start → a → a/after → h → c
  help: set `x` on every path that leads here, or before the paths part",
    );
}

#[test]
fn what_is_set_at_the_events_of_a_scope() {
    finds(&format!("{SCOPE}; a sets x; h reads x"), &["B003 h.x"]);
    finds(&format!("{SCOPE}; a sets x; c reads x"), &["B003 c.x"]);
    finds(&format!("{SCOPE}; a sets x; h sets x; c reads x"), &[]);
    finds(&format!("{SCOPE}; s/error sets e; h reads e"), &[]);
    let before = SCOPE.replace("start > $s", "start > p > $s");
    finds(&format!("{before}; p sets x; a sets x; h reads x; c reads x"), &[]);
    // In the second round the scope is entered with what the first one has set.
    let again = "start > ?l > $s > a > %s/end > ?m > c > ?g -[again]> ?l; ?g -[done]> end
        body s: a %s/end; $s > !s/error > h > ?m; h reads x; a sets x";
    finds(again, &["B003 h.x"]);
}

#[test]
fn what_is_set_in_races() {
    let copies = "copies one: x x1; copies two: x x2; a sets x1; b sets x2";
    finds(&format!("{RACE}; {copies}; c reads x"), &[]);
    finds(&format!("{RACE}; copies one: x x1; a sets x1; c reads x"), &["B003 c.x"]);
    finds(&format!("{RACE}; copies one: x x1; a sets x1; a reads x1"), &["B003 a.x"]);
    finds(&format!("parameters x; {RACE}; copies one: x x1; a sets x1; a reads x1"), &[]);
    finds(&format!("parameters x; {RACE}; copies one: x x1; a sets x1; b reads x; c reads x"), &[]);
    finds(&format!("{}; copies one: x x1; a sets x1; c reads x", race_of_two()), &["B003 c.x"]);
    says(
        &format!("{RACE}; copies one: x x1; a sets x1; c reads x"),
        "[B003] `x` may be unset where `c` reads it
  no step on this path sets it: start → two → b → two/end → c
  help: set `x` on every path that leads here, or before the paths part"
            .replace(" → two/end", "")
            .as_str(),
    );
    // Who goes on alone behind a branch that returns comes from the other one.
    let one_returns = RACE.replace("a > %one/end > =r/end > c", "a > return; =r/end > c");
    finds(&format!("{one_returns}; copies two: x x2; b sets x2; c reads x"), &[]);
}

#[test]
fn dead_parts() {
    finds(&SCOPE.replace("a > %s/end >", "a > return; %s/end >"), &[]);
    let without_handler = "start > $s > a > return; %s/end > c > end; body s: a return %s/end";
    finds(without_handler, &["B005 c"]);
    finds(&RACE.replace("a > %one/end", "a > return; %one/end"), &[]);
    finds(&race_of_two().replace("a > %one/end", "a > return; %one/end"), &["B005 c"]);
    let both = RETURNING.replace("a > %one/end", "a > return2; %one/end");
    finds(&both, &["B005 c"]);
    finds("start > return; a > end; a > !a/after > h > end", &["B005 a"]);
    finds(&BESIDE.replace("b > %a", "b > return; d > %a").replace("b %", "b d %"), &["B005 d"]);
}

#[test]
fn loops_that_never_end() {
    let inside = "start > $s > ?l > a > ?l; %s/end > ?m > c > end; body s: a ?l %s/end";
    finds(&format!("{inside}; h > ?m"), &["B006 l", "B005 h"]);
    finds(&format!("{inside}; $s > !s/after > h > ?m"), &[]);
    finds(&format!("{inside}; $s > !s/error > h > ?m"), &[]);
    let also = format!("{inside}; $s > :s/after > h");
    let beside = format!("{also} > %s/after/end; body s/after: h %s/after/end");
    finds(&beside, &["B006 l", "B005 c"]);
    finds(&format!("{also} > fail; body s/after: h fail"), &["B005 c"]);
    finds(&RACE.replace("a > %one/end", "?l > a > ?l; %one/end").replace(": a", ": ?l a"), &[]);
    let of_two = race_of_two().replace("a > %one/end", "?l > a > ?l; %one/end");
    finds(&of_two.replace(": a", ": ?l a"), &["B006 l", "B005 c"]);
    let sibling = RETURNING.replace("a > %one/end", "?l > a > ?l; %one/end");
    finds(&sibling.replace(": a", ": ?l a"), &["B005 c"]);
    // What runs beside a loop is no way out of it, if it does not end the process.
    let around =
        "start > ?l > a > ?l; a > :a/every > b > %a/every/end; body a/every: b %a/every/end";
    finds(around, &["B006 l"]);
    finds(&around.replace("b > %a", "b > return; %a").replace("b %", "b return %"), &[]);
    let race = RACE.replace("start > #r", "start > ?l > #r").replace("c > end", "c > ?l");
    finds(&race, &["B006 l"]);
    finds(
        &race.replace("b > %two/end", "?k > b > ?k; %two/end").replace(": b", ": ?k b"),
        &["B006 l"],
    );
    let in_event = "start > a > c > end; a > :a/every > ?l > b > ?l; body a/every: ?l b";
    finds(in_event, &["B006 l"]);
}

#[test]
fn loops_that_never_rest() {
    let scope =
        "start > ?l > $s > .a > %s/end > ?g -[again]> ?l; ?g -[done]> end; body s: .a %s/end";
    finds(scope, &["B006 l"]);
    finds(&scope.replace(".a", "a"), &[]);
    let race = RACE
        .replace("start > #r", "start > ?l > #r")
        .replace("c > end", "?g -[x]> ?l; ?g -[y]> end");
    finds(&race, &[]);
    let one = race.replace("> a", "> .a").replace(": a", ": .a");
    finds(&one, &["B006 l"]);
    finds(&one.replacen("#r", "#2r", 1), &[]);
    let two = one.replace("> b", "> .b").replace(": b", ": .b");
    finds(&two.replacen("#r", "#2r", 1), &["B006 l"]);
    // A scope that may fail at once is begun again at once.
    let fails = "start > ?l > $s > ?g -[x]> fail; ?g -[y]> a > %s/end > end
        body s: ?g fail a %s/end; $s > !s/error > .h > ?l";
    finds(fails, &["B006 l"]);
    finds(&fails.replace("> .h", "> h"), &[]);
    finds(&fails.replace("error", "after"), &[]);
    finds(&fails.replace("-[x]> fail", "-[x]> b > fail"), &[]);
    finds(&fails.replace("-[x]> fail", "-[x]> .b > %s/end"), &["B005 fail"]);
    let in_event =
        "start > a > c > end; a > :a/every > ?l > .b > ?g -[x]> ?l; ?g -[y]> %a/every/end
        body a/every: ?l .b ?g %a/every/end";
    finds(in_event, &["B006 l"]);
}

#[test]
fn jumps_out_of_bodies() {
    let scope = "start > ?l > $s > a > ?g -[x]> %s/break > ?out > end; ?g -[y]> %s/end > ?l
        body s: a ?g %s/break %s/end";
    finds(scope, &[]);
    let handler = "start > ?l > a > ?l; a > !a/after > h > end";
    finds(handler, &[]);
    let also = "start > ?l > a > ?q -[x]> ?l; ?q -[y]> ?out > end
        a > :a/every > b > ?g -[x]> ?out; ?g -[y]> %a/every/end; body a/every: b ?g %a/every/end";
    finds(also, &["B007 g"]);
    let race = RACE.replace("start > #r", "start > ?l > #r").replace("c > end", "c > ?l");
    let jump = "?g -[x]> %one/break > z > end; ?g -[y]> %one/end > =r/end";
    let race = race.replace("a > %one/end > =r/end", &format!("a > {jump}; =r/end"));
    finds(&race.replace(": a", ": a ?g %one/break"), &["B007 one/break"]);
}

#[test]
fn paths_that_end() {
    let scope = SCOPE.replace("> end", "> return");
    finds(&format!("{scope}; -> value"), &[]);
    finds(&format!("{}; -> value", scope.replace("h > ?m", "h > end")), &["B009 result"]);
    let both = "start > +f > $one > a > return2; +f > $two > b > return; -> value
        branch one of +f: $one; branch two of +f: $two; body one: a return2; body two: b return";
    finds(both, &[]);
    finds(&format!("{TIMED}; -> never"), &["B009 result"]);
}

#[test]
fn undo() {
    let text = SCOPE.replace("body s: a", "^a/undo; body s: a a/undo");
    finds(&format!("{text}; a sets x; a/undo reads x"), &[]);
    finds(&format!("{text}; c sets x; a/undo reads x"), &["B010 a/undo.x"]);
    says(
        &format!("{text}; h sets x; a/undo reads x"),
        "[B010] `x` may be unset when `a` completes, and its undo reads it
  the values that an undo reads are kept at that moment, and no step on this path sets it: start → s → a
  help: set `x` before `a` on every path, or read in the undo only what is set by then",
    );
}

#[test]
fn what_runs_beside_an_activity() {
    finds(&format!("{BESIDE}; a sets x; b reads x"), &["B004 b.x"]);
    finds(&format!("{BESIDE}; a sets x; b sets x; c reads x"), &["B004 b=x"]);
    finds(&format!("{BESIDE}; a sets x; b sets x"), &[]);
    finds(&format!("parameters x; {BESIDE}; b sets x; a reads x"), &[]);
    finds(&format!("parameters x; {BESIDE}; b sets x; a reads x; c reads x"), &["B004 a.x"]);
    finds(&format!("parameters x; {BESIDE}; b sets x; c reads x"), &[]);
    finds(&format!("parameters x; {BESIDE}; b sets x; b reads x"), &[]);
    finds(&format!("parameters x; {BESIDE}; a reads x; b reads x"), &[]);
    let undone = BESIDE.replace("body a", "^a/undo; body a");
    finds(&format!("parameters x; {undone}; a/undo reads x; b sets x"), &[]);
    finds(
        &format!("parameters x; {undone}; a/undo reads x; b sets x; c reads x"),
        &["B004 a/undo.x"],
    );
    let user = BESIDE.replacen("start > a", "start > @a", 1);
    finds(&format!("parameters x; {user}; b sets x; a reads x; c reads x"), &[]);
    finds(&format!("parameters x; {user}; b sets x; a sets x; c reads x"), &["B004 b=x"]);
    let guarded = format!("{BESIDE}; a > !a/error > h > end; a/error reads x; b sets x");
    finds(&format!("parameters x; {guarded}"), &["B004 a/error.x"]);
    let twice = format!("{BESIDE}; a > :a/after > d > %a/after/end; body a/after: d %a/after/end");
    finds(&format!("parameters x; {twice}; b sets x; d reads x; c reads x"), &["B004 d.x"]);
    finds(&format!("parameters x; {twice}; b sets x; d sets x; c reads x"), &["B004 d=x"]);
    finds(&format!("parameters x; {twice}; b sets x; d sets x"), &[]);
    says(
        &format!("{BESIDE}; a sets x; b reads x"),
        "[B004] `a/every` reads `x`, which `a` sets
  they run at the same time, so the value may or may not be there
  help: use two names",
    );
    says(
        &format!("parameters x; {twice}; b sets x; d sets x; c reads x"),
        "[B004] `a/every` and `a/after` both set `x`
  they run at the same time, so whichever is later would win
  help: use two names",
    );
}

#[test]
fn what_runs_beside_a_scope() {
    finds(&format!("{AROUND}; a sets x; b reads x"), &["B004 b.x"]);
    finds(&format!("parameters x; {AROUND}; a sets x; b reads x"), &[]);
    finds(&format!("parameters x; {AROUND}; a sets x; b reads x; c reads x"), &["B004 b.x"]);
    finds(&format!("{AROUND}; a sets x; b sets x; c reads x"), &["B004 b=x"]);
    finds(&format!("{AROUND}; a sets x; b sets x"), &[]);
    finds(&format!("parameters x; {AROUND}; a reads x; b sets x; c reads x"), &["B004 a.x"]);
    finds(&format!("parameters x; {AROUND}; a reads x; b sets x"), &[]);
    let at_end = AROUND.replace("> c > end", "> end");
    finds(&format!("{at_end}; a sets x; b sets x; end reads x"), &["B004 b=x"]);
    // A handler reads what the scope has set until then.
    let handled = format!("parameters x; {AROUND}; $s > !s/error > h > end; h reads x");
    finds(&format!("{handled}; a sets x; b reads x"), &["B004 b.x"]);
    finds(&format!("{handled}; a reads x; b sets x"), &["B004 a.x"]);
    let before = AROUND.replace("start > $s", "start > p > $s");
    finds(&format!("{before}; p sets x; b sets x; c reads x"), &[]);
    // What comes after a scope is not reached by what runs beside it alone.
    let later = BESIDE
        .replace("c > end", "$t > d > %t/end > end")
        .replace("body a", "body t: d %t/end; body a");
    let later = format!("{later}; $t > :t/every > e > %t/every/end; body t/every: e %t/every/end");
    finds(&format!("parameters x; {later}; a reads x; b sets x; d sets x; end reads x"), &[]);
    let outer = "parameters x; start > +f > p > +j > end; +f > q > +j
        p > :p/every > b > %p/every/end
        branch one of +f: p p/every; branch two of +f: q; body p/every: b %p/every/end";
    finds(&format!("{outer}; b sets x; q reads x"), &[]);
    finds(&format!("{outer}; b sets x; q reads x; b reads x"), &["B004 q.x"]);
    finds(&format!("{outer}; b sets x; q reads x; end reads x"), &["B004 q.x"]);
}

#[test]
fn private_names_of_bodies() {
    let text = format!("{AROUND}; a sets t; b sets t; c sets t");
    let separated = separate_private(&graph(&text));
    let keys: Vec<&str> = separated.variables.iter().map(|at| &*at.key).collect();
    assert_eq!(keys, ["t", "s/every.t", "s.t"]);
    assert_eq!(separate_private(&separated), separated);
}

#[test]
fn races_in_races() {
    let copies = "copies one: x x1; copies two: x x2; a sets x1; b sets x2";
    let two = race_of_two();
    finds(&format!("parameters x; {RACE}; {copies}; c reads x"), &[]);
    finds(&format!("parameters x; {two}; {copies}; c reads x"), &["B004 b=x"]);
    finds(&format!("{two}; {copies}"), &[]);
    finds(&format!("parameters x; {two}; copies one: x x1; a sets x1; b reads x; c reads x"), &[]);
    finds(&format!("{RACE}; copies one: x x1; a sets x1; b reads x"), &["B003 b.x"]);
    says(
        &format!("parameters x; {two}; {copies}; c reads x"),
        "[B004] the branches `one` and `two` both set `x`
  they run at the same time, so whichever is later would win
  help: use two names, or let one branch win",
    );
}

/// A race in a branch of a parallel block, with `d` in the other one.
fn race_in_a_branch() -> String {
    let race = RACE.replace("start > #r", "start > +f > #r").replace("c > end", "+j > c > end");
    let outer = "+f > d > +j; branch left of +f: #r =r/end; branch right of +f: d";
    race.replacen("    branch one", &format!("    {outer}; branch one"), 1)
}

#[test]
fn races_beside_something() {
    let text = race_in_a_branch();
    let copies = "copies one: x x1; copies two: x x2; a sets x1; b sets x2";
    finds(&format!("{text}; {copies}; d reads x"), &["B004 d.x"]);
    finds(&format!("{text}; {copies}; d sets x; c reads x"), &["B004 d=x"]);
    finds(&format!("{text}; {copies}; d sets x"), &[]);
    finds(&format!("parameters x; {text}; {copies}; d reads x"), &[]);
    finds(
        &format!("parameters x; {text}; {copies}; a reads x1; d sets x; c reads x"),
        &["B004 a.x"],
    );
    finds(
        &format!(
            "parameters x; {text}; copies one: x x1; a sets x1; b reads x; d sets x; c reads x"
        ),
        &["B004 b.x"],
    );
    let separated = separate_private(&graph(&format!("{text}; {copies}; d sets x")));
    let scope = &separated.nodes[separated.node("one").unwrap()].kind;
    let own = separated.variables.iter().position(|at| at.key == "left.x").unwrap();
    let copy = separated.variables.iter().position(|at| at.key == "x1").unwrap();
    assert_eq!(*scope, Kind::Scope { copies: vec![(own, copy)].into() });
}

#[test]
fn events_that_never_happen() {
    let user = "start > @a > ?m > c > end; a > !a/error > h > ?m";
    finds(user, &["B016 a/error"]);
    finds(&user.replace("@a", "a"), &[]);
    finds(&SCOPE.replace("> a", "> @a"), &["B016 s/error"]);
    finds(&format!("parameters x; {}; a reads x", SCOPE.replace("> a", "> @a")), &[]);
    finds(&SCOPE.replace("> a", "> .a"), &[]);
    finds(&SCOPE.replace("> a", "> ~a"), &[]);
    let chosen = SCOPE.replace("a > %s/end", "@a > ?g -[x]> ?k > %s/end; ?g -[y]> ?k; %s/end");
    finds(&chosen.replace("s: a", "s: a ?g ?k"), &[]);
    finds(
        &SCOPE.replace("a > %s/end", "@a > ?k > %s/end").replace("s: a", "s: a ?k"),
        &["B016 s/error"],
    );
}

#[test]
fn events_behind_others() {
    let after = |first: &str, second: &str| {
        format!("{TIMED}; a > !a/after2 > k > ?m; source a/after {first}; source a/after2 {second}")
    };
    finds(&after("1d", "2d"), &["B016 a/after2"]);
    finds(&after("1d", "24h"), &["B016 a/after2"]);
    finds(&after("2d", "1d"), &["B016 a/after"]);
    finds(&after("limit", "limit"), &["B016 a/after2"]);
    finds(&after("limit", "other"), &[]);
    finds(&after("limit", "1d"), &[]);
    finds(&after("0s", "1d"), &["B016 a/after", "B016 a/after2"]);
    finds(&format!("{TIMED}; source a/after 0s"), &["B016 a/after"]);
    finds(&format!("{BESIDE}; source a/every 0s"), &["B015 a/every Wait"]);
    let beside = |every: &str, after: &str| {
        format!(
            "{BESIDE}; a > !a/after > h > return; source a/every {every}; source a/after {after}"
        )
    };
    finds(&beside("1d", "3d"), &[]);
    finds(&beside("3d", "3d"), &[]);
    finds(&beside("4d", "3d"), &["B016 a/every"]);
    let error = |first: &str, second: &str| {
        let handler = "$s > !s/error2 > k > ?m";
        format!("{SCOPE}; {handler}; source s/error {first}; source s/error2 {second}")
    };
    finds(&error("_", "Failure { .. }"), &["B016 s/error2"]);
    finds(&error("Failure { .. }", "_"), &[]);
    finds(&error("_ if n > 3", "_"), &[]);
    finds(&error("_ if n > 3", "_ if n > 3"), &[]);
    finds(&error("Lost(x)", "Lost(x)"), &["B016 s/error2"]);
}

#[test]
fn events_that_never_happen_in_words() {
    says(
        "start > @a > ?m > end; a > !a/error > h > ?m",
        "[B016] `a` cannot fail
  `a/error` would never happen
  help: remove the clause, or limit how long it may take: `on after 3d => { … }`",
    );
    says(
        &SCOPE.replace("> a", "> @a"),
        "[B016] nothing in `s` can fail
  `s/error` would never happen
  help: remove the clause",
    );
    says(
        &format!("{TIMED}; source a/after 0s"),
        "[B016] `a/after` interrupts at once
  `a` would be over before it has begun
  help: write how long it may take, or remove the clause",
    );
    says(
        &format!("{TIMED}; a > !a/after2 > k > ?m; source a/after 1d; source a/after2 3d"),
        "[B016] `a/after2` can never happen, because `a/after` comes before it
  what they belong to is interrupted by then
  help: write a shorter time, or remove one of them",
    );
    says(
        &format!("{SCOPE}; $s > !s/error2 > k > ?m; source s/error _; source s/error2 _"),
        "[B016] `s/error2` can never happen, because `s/error` comes before it
  the first pattern that matches an error catches it, and nothing is left for this one
  help: write the narrower pattern first, or remove one of them",
    );
}

/// What tokens do in it, whatever else is wrong.
#[track_caller]
fn sound(text: &str) {
    let graph = graph(text);
    let found: Vec<String> = tokens(&graph).iter().map(|at| short(&graph, at)).collect();
    assert!(found.is_empty(), "{found:?} in\n{text}");
}

#[test]
fn blocks_are_sound() {
    [SCOPE, TIMED, BESIDE, AROUND, RACE, RETURNING].iter().for_each(|text| sound(text));
    sound(&race_of_two());
    sound(&race_in_a_branch());
    sound(&SCOPE.replace("a > %s/end >", "a > return; %s/end >"));
    sound(&RACE.replace("a > %one/end", "a > return; %one/end"));
    sound(&RACE.replace("a > %one/end", "?l > a > ?l; %one/end").replace(": a", ": ?l a"));
    sound(&RETURNING.replace("a > %one/end", "a > fail; %one/end").replace(": a", ": a fail"));
    sound(
        "start > +f > $one > a > return2; +f > $two > b > return; -> value
        branch one of +f: $one; branch two of +f: $two; body one: a return2; body two: b return",
    );
    let inside = "start > $s > ?l > a > ?l; %s/end > ?m > c > end; body s: a ?l %s/end";
    sound(&format!("{inside}; $s > !s/after > h > ?m"));
    // Nested, and no inner branch comes to its end.
    sound(
        "start > +f > +g > a > fail; +g > b > fail2; +f > d > +j > end
        branch left of +f: +g; branch right of +f: d
        branch one of +g: a fail; branch two of +g: b fail2",
    );
}

#[test]
fn bodies_are_judged_by_themselves() {
    let found = |text: &str| -> Vec<String> {
        let graph = graph(text);
        tokens(&graph).iter().map(|at| short(&graph, at)).collect()
    };
    let split =
        "start > $s > +f > a > ?m > b > %s/end > end; +f > d > ?m; body s: +f a d ?m b %s/end";
    assert_eq!(found(split), ["B012 m"]);
    let beside =
        "start > a > end; a > :a/every > ?g -[x]> b > +j > c > %a/every/end; ?g -[y]> d > +j
        body a/every: ?g b d +j c %a/every/end";
    assert_eq!(found(beside), ["B011 j"]);
    let handled = "start > a > +j > end; a > !a/after > h > +j";
    assert_eq!(found(handled), ["B011 j"]);
}
