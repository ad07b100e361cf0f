//! "Did you mean": the nearest known word to a misspelt one.

/// The longest word, in characters, that a nearest one is looked for.
pub const MAX_WORD: usize = 64;

/// The word of `among` that `word` most likely was meant to be.
///
/// That is the one with the smallest edit distance (an exchange of neighbours counts once), if the
/// distance is within a third of the length of `word`, at least one. Of equals the first wins.
/// What is longer than [`MAX_WORD`] is no misspelt word.
///
/// ```
/// # use bpm_model::spell::nearest;
/// assert_eq!(nearest("amuont", ["region", "amount"]), Some("amount"));
/// assert_eq!(nearest("amuont", ["region", "total"]), None);
/// ```
pub fn nearest<'a>(word: &str, among: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.chars().take(MAX_WORD + 1).collect();
    if word.len() > MAX_WORD {
        return None;
    }
    let limit = word.len().max(3) / 3;
    among
        .into_iter()
        .filter_map(|known| Some((distance(&word, known, limit)?, known)))
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, known)| known)
}

/// The edit distance, or `None` beyond `limit`; three rows of the matrix are kept.
fn distance(word: &[char], known: &str, limit: usize) -> Option<usize> {
    let known: Vec<char> = known.chars().take(word.len() + limit + 1).collect();
    if word.len().abs_diff(known.len()) > limit {
        return None;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=known.len()).collect();
    for row in 1..=word.len() {
        let mut current = vec![row];
        for column in 1..=known.len() {
            let exchange = usize::from(word[row - 1] != known[column - 1]);
            let mut least =
                (above[column - 1] + exchange).min(above[column] + 1).min(current[column - 1] + 1);
            if swapped(word, &known, row, column) {
                least = least.min(before[column - 2] + 1);
            }
            current.push(least);
        }
        before = std::mem::replace(&mut above, current);
    }
    above.last().copied().filter(|&distance| distance <= limit)
}

/// Whether the two letters that end at `row` and `column` are each other's exchange.
fn swapped(word: &[char], known: &[char], row: usize, column: usize) -> bool {
    row > 1
        && column > 1
        && word[row - 1] == known[column - 2]
        && word[row - 2] == known[column - 1]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_the_nearest_within_a_third() {
        let cases: &[(&str, &[&str], Option<&str>)] = &[
            ("totl", &["total", "order"], Some("total")),
            ("siez", &["contains", "size"], Some("size")),
            ("startswith", &["startsWith", "endsWith"], Some("startsWith")),
            ("vp", &["vip"], Some("vip")),
            ("x", &["y"], Some("y")),
            ("abc", &["xyz"], None),
            ("", &["a"], Some("a")),
            ("", &[], None),
            ("grün", &["grun"], Some("grun")),
            ("aab", &["aaa", "bab"], Some("aaa")),
        ];
        for &(word, among, expected) in cases {
            assert_eq!(nearest(word, among.iter().copied()), expected, "{word}");
        }
    }
}
