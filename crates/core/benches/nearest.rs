//! How long finding the nearest of a million vectors takes: `cargo bench -p tintype-core --bench nearest`.
#![expect(clippy::print_stdout, reason = "it prints what it measured")]

use std::time::Instant;
use tintype_core::domain::{Embedding, Entropy, ImageId, Timestamp, Vectors};
use tintype_core::imaging::look_space;

const IMAGES: i64 = 1_000_000;
const QUERIES: usize = 50;

/// Numbers without a pattern, the same each time.
struct Noise(u64);

impl Noise {
    #[expect(clippy::cast_precision_loss, reason = "noise")]
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    }

    fn vector(&mut self, dimensions: usize) -> Option<Embedding> {
        let values: Vec<_> = (0..dimensions).map(|_| self.next()).collect();
        Embedding::of(&values)
    }
}

fn main() {
    let (dimensions, mut noise) = (look_space().dimensions, Noise(1));
    let mut vectors = Vectors::new(dimensions);
    let started = Instant::now();
    for n in 0..IMAGES {
        let id = ImageId::new(Timestamp::from_millis(n), &Entropy([7; 32]));
        vectors.set(id, &noise.vector(dimensions).unwrap_or_else(|| unreachable!("noise has a direction")));
    }
    println!("{IMAGES} vectors of {dimensions} numbers: made in {:.1} s", started.elapsed().as_secs_f64());
    let mut times: Vec<_> = (0..QUERIES)
        .filter_map(|_| {
            let to = noise.vector(dimensions)?;
            let started = Instant::now();
            let found = vectors.nearest(&to, 50).len();
            (found == 50).then(|| started.elapsed().as_secs_f64() * 1_000.0)
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!("the 50 nearest: median {:.1} ms, most {:.1} ms", times[QUERIES / 2], times[QUERIES - 1]);
}
