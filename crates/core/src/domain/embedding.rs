//! Vectors that stand for what they were made of: the nearer two are, the more alike.

use super::ImageId;
use std::collections::{BinaryHeap, HashMap};
use std::{cmp::Reverse, fmt};

/// What vectors can be compared with each other: those that were made in the same way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Space {
    /// The way in which they were made. Another one has another name.
    pub name: String,
    /// How many numbers one has.
    pub dimensions: usize,
}

/// A direction, as whole numbers: of a quarter of the size, and near enough.
#[derive(Clone, PartialEq, Eq)]
pub struct Embedding(Box<[i8]>);

impl fmt::Debug for Embedding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Embedding({} dimensions)", self.0.len())
    }
}

impl Embedding {
    /// The direction of `values`; `None` if they have none, or one is no number.
    pub fn of(values: &[f32]) -> Option<Self> {
        let largest = values.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
        if !(largest.is_normal() && values.iter().all(|value| value.is_finite())) {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "it lies between -127 and 127")]
        let whole = |value: &f32| (value / largest * 127.0).round() as i8;
        Some(Self(values.iter().map(whole).collect()))
    }

    /// The one that has these bytes; `None` if that is no direction.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let whole: Box<[i8]> = bytes.iter().map(|byte| i8::from_ne_bytes([*byte])).collect();
        whole.iter().any(|value| *value != 0).then_some(Self(whole))
    }

    /// Its bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().map(|value| value.to_ne_bytes()[0]).collect()
    }

    /// How many numbers it has.
    pub const fn dimensions(&self) -> usize {
        self.0.len()
    }

    fn length(&self) -> f32 {
        length(&self.0)
    }
}

fn length(values: &[i8]) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "of the last bit, at most")]
    let square = product(values, values) as f32;
    square.sqrt()
}

/// Sums of 16 are taken apart from each other, which is what processors do at once.
fn product(a: &[i8], b: &[i8]) -> i32 {
    a.iter().zip(b).map(|(a, b)| i32::from(i16::from(*a) * i16::from(*b))).sum()
}

/// What was understood of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Understood {
    /// Where it points; `None` if nothing in it says anything.
    pub vector: Option<Embedding>,
    /// Its words that are not known, in small letters, each once.
    pub unknown: Vec<String>,
}

/// An image, and how near it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Near {
    /// The image.
    pub id: ImageId,
    /// The cosine of the angle: 1 for the same direction, 0 for nothing in common.
    pub score: f32,
}

/// The vectors of one owner's images in one space, one behind the other: finding the nearest goes through all of them.
#[derive(Clone, Debug)]
pub struct Vectors {
    dimensions: usize,
    values: Vec<i8>,
    /// Of each vector, one over its length.
    scales: Vec<f32>,
    ids: Vec<ImageId>,
    rows: HashMap<ImageId, usize>,
}

impl Vectors {
    /// None yet, of a space of so many dimensions.
    pub fn new(dimensions: usize) -> Self {
        Self { dimensions, values: Vec::new(), scales: Vec::new(), ids: Vec::new(), rows: HashMap::new() }
    }

    /// Sets the vector of an image. One of another number of dimensions is not kept.
    pub fn set(&mut self, id: ImageId, vector: &Embedding) {
        if vector.dimensions() != self.dimensions {
            return;
        }
        self.remove(&id);
        self.rows.insert(id, self.ids.len());
        self.ids.push(id);
        self.scales.push(vector.length().recip());
        self.values.extend_from_slice(&vector.0);
    }

    /// Forgets the vector of an image: the last one takes its row.
    pub fn remove(&mut self, id: &ImageId) {
        let Some(row) = self.rows.remove(id) else { return };
        let last = self.ids.len() - 1;
        self.ids.swap_remove(row);
        self.scales.swap_remove(row);
        let width = self.dimensions;
        self.values.copy_within(last * width.., row * width);
        self.values.truncate(last * width);
        if let Some(moved) = self.ids.get(row) {
            self.rows.insert(*moved, row);
        }
    }

    /// The vector of an image.
    pub fn get(&self, id: &ImageId) -> Option<Embedding> {
        let row = *self.rows.get(id)?;
        Some(Embedding(self.values.chunks_exact(self.dimensions).nth(row)?.into()))
    }

    /// The images nearest to `to`, at most `limit`, the nearest first; of those as near, the one that was saved later.
    pub fn nearest(&self, to: &Embedding, limit: usize) -> Vec<Near> {
        if to.dimensions() != self.dimensions || limit == 0 {
            return Vec::new();
        }
        let scale = to.length().recip();
        let rows = self.values.chunks_exact(self.dimensions.max(1)).zip(&self.scales).zip(&self.ids);
        // The worst of those that are kept is on top.
        let mut kept = BinaryHeap::with_capacity(limit + 1);
        for ((values, own), id) in rows {
            #[expect(clippy::cast_precision_loss, reason = "of the last bit, at most")]
            let score = product(values, &to.0) as f32 * own * scale;
            let rank = Rank { score, id: *id };
            if kept.len() < limit {
                kept.push(Reverse(rank));
            } else if kept.peek().is_some_and(|worst| rank > worst.0) {
                kept.pop();
                kept.push(Reverse(rank));
            }
        }
        let best_first = kept.into_sorted_vec();
        best_first.into_iter().map(|Reverse(Rank { score, id })| Near { id, score }).collect()
    }
}

/// The order of what is found: by score, then the later id.
#[derive(PartialEq)]
struct Rank {
    score: f32,
    id: ImageId,
}

impl Eq for Rank {}

impl PartialOrd for Rank {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Rank {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.score.total_cmp(&other.score).then_with(|| self.id.cmp(&other.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Entropy, Timestamp};

    fn id(n: u8) -> ImageId {
        ImageId::new(Timestamp::from_millis(n.into()), &Entropy([n; 32]))
    }

    fn vectors(of: &[(u8, [f32; 3])]) -> Vectors {
        let mut vectors = Vectors::new(3);
        of.iter().for_each(|(n, values)| vectors.set(id(*n), &Embedding::of(values).unwrap()));
        vectors
    }

    fn found(vectors: &Vectors, to: [f32; 3], limit: usize) -> Vec<ImageId> {
        vectors.nearest(&Embedding::of(&to).unwrap(), limit).iter().map(|near| near.id).collect()
    }

    const THREE: [(u8, [f32; 3]); 3] = [(1, [1.0, 0.0, 0.0]), (2, [0.0, 9.0, 0.1]), (3, [0.5, 0.5, 0.0])];

    #[test]
    fn the_nearest_comes_first_whatever_its_length() {
        assert_eq!(found(&vectors(&THREE), [0.0, 0.1, 0.0], 2), [id(2), id(3)]);
    }

    #[test]
    fn of_those_as_near_the_later_one_comes_first() {
        let same = vectors(&[(1, [1.0, 0.0, 0.0]), (3, [2.0, 0.0, 0.0]), (2, [3.0, 0.0, 0.0])]);
        assert_eq!(found(&same, [1.0, 0.0, 0.0], 2), [id(3), id(2)]);
    }

    #[test]
    fn what_is_removed_or_set_anew_is_found_as_it_is_now() {
        let mut vectors = vectors(&THREE);
        vectors.remove(&id(1));
        vectors.remove(&id(1));
        vectors.set(id(2), &Embedding::of(&[0.0, 0.0, 1.0]).unwrap());
        assert_eq!(found(&vectors, [0.0, 0.0, 1.0], 9), [id(2), id(3)]);
        assert_eq!(vectors.get(&id(2)), Embedding::of(&[0.0, 0.0, 4.0]));
        assert_eq!(vectors.get(&id(1)), None);
    }

    #[test]
    fn what_has_no_direction_is_no_vector() {
        for values in [&[0.0, 0.0][..], &[f32::NAN, 1.0], &[f32::INFINITY, 1.0], &[]] {
            assert_eq!(Embedding::of(values), None);
        }
        assert_eq!(Embedding::from_bytes(&[0, 0]), None);
        let vector = Embedding::of(&[-1.0, 0.5]).unwrap();
        assert_eq!(Embedding::from_bytes(&vector.to_bytes()), Some(vector));
    }

    #[test]
    fn a_vector_of_another_space_is_neither_kept_nor_found() {
        let mut vectors = vectors(&THREE);
        vectors.set(id(9), &Embedding::of(&[1.0]).unwrap());
        assert_eq!(found(&vectors, [1.0, 0.0, 0.0], 9).len(), 3);
        assert!(vectors.nearest(&Embedding::of(&[1.0]).unwrap(), 9).is_empty());
    }
}
