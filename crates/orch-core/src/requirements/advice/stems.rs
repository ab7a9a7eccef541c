//! The words of an item that say what it is about, cut to their stems, so that “Payments” and “pay”
//! meet. A rough cut: it only serves to compare items.

use std::sync::LazyLock;

use super::super::lookup::{Words, set};
use super::super::words::{Word, words};

/// Words that say nothing about what a sentence is about: grammar, duty, and names of the product.
static GENERIC: Words = LazyLock::new(|| {
    set(
        "a, about, able, after, all, allow, anywhere, ever, also, an, and, any, app, application, are, as, at, be, \
     been, before, but, by, can, cannot, can't, do, does, doesn't, don't, each, every, everything, \
     exactly, first, for, from, has, have, if, in, into, is, isn't, it, its, later, least, less, \
     let, made, make, makes, may, might, more, most, must, need, needs, never, no, none, not, of, \
     on, one, only, or, our, out, over, own, page, pages, part, per, platform, product, program, \
     project, release, scope, server, service, shall, should, shouldn't, site, so, software, \
     system, than, that, the, their, them, there, these, they, this, those, to, tool, under, \
     until, up, upon, use, used, user, users, using, version, via, want, wants, we, website, when, \
     where, which, who, will, with, within, without, won't, you, your, at most, below, above, \
     ab, auch, auf, aus, bei, beim, das, dass, dem, den, der, des, die, ein, eine, einem, einen, \
     einer, es, für, hat, haben, ihre, im, in, ist, kann, kein, keine, keinen, können, mit, muss, \
     müssen, nach, nicht, nur, ohne, oder, sein, sie, sind, soll, sollen, und, von, vom, werden, \
     wird, wir, zu, zum, zur",
    )
});

/// Whether a word says nothing about what its sentence is about.
pub fn is_generic(word: &str) -> bool {
    GENERIC.contains(word)
}

/// The stems of what `text` is about, sorted, each once.
pub fn stems(text: &str) -> Vec<String> {
    stems_of(&words(text))
}

/// The same of words that are read already.
pub fn stems_of(words: &[Word]) -> Vec<String> {
    let mut found: Vec<String> = words
        .iter()
        .filter(|word| !is_generic(&word.lower) && !has_number(word))
        .map(|word| stem(&word.lower))
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn has_number(word: &Word) -> bool {
    word.lower.bytes().any(|byte| byte.is_ascii_digit())
}

/// The word without its commonest endings.
pub fn stem(word: &str) -> String {
    let word = word.strip_suffix("'s").unwrap_or(word);
    let mut stem = word;
    // Every ending that is cut off ends so.
    if !word.ends_with(['s', 'd', 'g', 't', 'e', 'y']) {
        return word.to_owned();
    }
    for ending in [
        "ments", "ment", "ings", "ing", "ies", "ied", "ers", "ed", "es", "s", "e", "y",
    ] {
        if let Some(rest) = stem.strip_suffix(ending)
            && rest.chars().count() >= 3
        {
            stem = rest;
            break;
        }
    }
    stem.to_owned()
}

#[cfg(test)]
mod tests {
    use super::stems;

    #[test]
    fn forms_of_a_word_meet() {
        assert_eq!(stems("Payments are not in scope"), ["pay"]);
        assert_eq!(stems("Users must pay"), ["pay"]);
        assert_eq!(stems("The site stores invoices"), stems("store an invoice"));
    }
}
