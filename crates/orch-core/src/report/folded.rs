//! A JSON list that is summed up while it is read, so that its length costs no memory.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, SeqAccess, Visitor};

/// What takes the items of a list one by one.
pub(super) trait Take: Default {
    type Item: DeserializeOwned;

    fn take(&mut self, item: Self::Item);
}

/// The sum of a list.
#[derive(Default)]
pub(super) struct Folded<S>(pub(super) S);

impl<'de, S: Take> Deserialize<'de> for Folded<S> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Items(PhantomData)).map(Self)
    }
}

struct Items<S>(PhantomData<S>);

impl<'de, S: Take> Visitor<'de> for Items<S> {
    type Value = S;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_unit<E>(self) -> Result<S, E> {
        Ok(S::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<S, A::Error> {
        let mut sum = S::default();
        while let Some(item) = list.next_element()? {
            sum.take(item);
        }
        Ok(sum)
    }
}
