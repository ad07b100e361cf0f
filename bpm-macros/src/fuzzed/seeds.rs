//! Texts to begin with.

/// A process with most of what the language has.
pub(crate) const SAMPLE: &str = r#"
    /// Ships.
    pub process P(order: Order, express: bool) -> Receipt {
        let payment = service shop::charge(&order);
        let (low, high): (u64, u64) = (payment.amount / 2, order.total);
        let Some(first) = order.items.first() else { return Receipt::none(); };
        if low > 3 && express { 'big: service tell("big"); } else if "high > 3" { } else { }
        let decision: Decision = user approve { order, paid: payment.amount } for group "a" due 3d;
        match decision {
            Decision::Approved { by, .. } if by.len() > 3 => { let why = by; }
            Decision::Rejected(why) => { 'no: service tell(&why); let why = format!("{why}"); }
            _ => return Receipt::none(),
        }
        'again: loop { let n = service count(first); if n > 3 { break 'again; } }
        for (at, item) in order.items { let low = low + item; }
        'held: service hold(&order) retry 3 every 1s..1m then suspend timeout 30s undo free(&order);
        wait 1.5h;
        if low > high { fail "no {low} for {}", order.id; }
        while let Some(x) = next(low) { 'w: service tell(&x); continue; }
        parallel { a after b: { let y = 1; } b: { 'b2: service tell("b"); } }
        'all: scope { 'in: service tell("in") on error E::A(x) if x > low => { 'h: service tell(x); } }
            on error Failure { message, .. } => { 's: service tell(&message); } also every 1d => { }
        user look { low } on after 3d => { return Receipt::none(); } also after low => { wait 3s; };
        race 2 of { p: { wait 1s; } q: { if low > 3 { return Receipt::none(); } } r: { let y = 2; } }
        return Receipt { low, high, why: process.id };
    }
"#;

/// Processes and service tasks with most of what the language has.
pub(crate) const SEEDS: [&str; 5] = [
    SAMPLE,
    "process Desk() { let ok: bool = user ask { }; if ok { service pay(); } else { fail \"no\"; } }",
    "#[version(2)] process V2(n: Vec<u32>) -> ! { loop { wait until next(n); service f(n[0]); } }",
    "retry 5 every 1s..1m then suspend, timeout 30s;
     pub async fn charge(amount: u64, db: State<Db>, cx: TaskContext) -> Result<bool, TaskError> {
         Ok(amount > 0)
     }",
    "crate = a::b, undo free; async fn one<T>(&self, (a, b): (u8, &str), rest: impl Fn(u8)) -> ! {}",
];
