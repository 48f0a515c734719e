//! The contract of [`VariantCache`], case by case.

use crate::samples::{START, blob};
use crate::suites::cases;
use bytes::Bytes;
use std::{fmt, sync::Arc};
use tintype_core::{
    domain::{Encoding, Timestamp, Variant},
    ports::{ImageStore, VariantCache},
};

cases! { CASES of VariantFixture:
    nothing_is_there_before_it_was_put,
    what_was_put_is_there,
    what_was_put_last_is_there,
    another_form_of_a_picture_is_another_variant,
    it_never_holds_more_than_its_size,
    what_is_larger_than_all_of_it_is_not_kept,
    what_was_used_last_stays_longest,
    a_variant_goes_with_its_picture,
    of_a_picture_that_is_gone_nothing_is_taken,
}

/// A cache and the store of the pictures that it has variants of.
pub struct VariantFixture {
    /// The cache; it holds [`SIZE`](Self::SIZE) bytes.
    pub cache: Arc<dyn VariantCache>,
    /// The store.
    pub images: Arc<dyn ImageStore>,
}

impl VariantFixture {
    /// The size of the cache in bytes.
    pub const SIZE: usize = 64 * 1024;

    /// The variant of picture `n` with this width; the picture is in the store.
    async fn variant(&self, n: u64, width: u32) -> Variant {
        self.images.put(&blob(n), START).await.expect("put the picture");
        Variant { source: *blob(n).id(), max_width: Some(width), format: Encoding::Webp }
    }

    async fn put(&self, variant: &Variant, bytes: &Bytes) {
        self.cache.put(variant, bytes.clone()).await.expect("put");
    }

    async fn get(&self, variant: &Variant) -> Option<Bytes> {
        self.cache.get(variant).await.expect("get")
    }

    async fn remove_picture(&self, n: u64) {
        let now = Timestamp::from_millis(i64::MAX / 2);
        assert!(self.images.delete(blob(n).id(), now).await.expect("delete"));
    }
}

impl fmt::Debug for VariantFixture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("VariantFixture").field(&self.cache).finish()
    }
}

/// A sixth of the cache, and some bytes to spare.
fn sixth(fill: u8) -> Bytes {
    vec![fill; 10 * 1024].into()
}

async fn nothing_is_there_before_it_was_put(fixture: VariantFixture) {
    let variant = fixture.variant(1, 10).await;
    assert_eq!(fixture.get(&variant).await, None);
}

async fn what_was_put_is_there(fixture: VariantFixture) {
    let variant = fixture.variant(1, 10).await;
    fixture.put(&variant, &sixth(1)).await;
    assert_eq!(fixture.get(&variant).await, Some(sixth(1)));
}

async fn what_was_put_last_is_there(fixture: VariantFixture) {
    let variant = fixture.variant(1, 10).await;
    fixture.put(&variant, &sixth(1)).await;
    fixture.put(&variant, &sixth(2)).await;
    assert_eq!(fixture.get(&variant).await, Some(sixth(2)));
}

async fn another_form_of_a_picture_is_another_variant(fixture: VariantFixture) {
    let variant = fixture.variant(1, 10).await;
    let others = [
        Variant { max_width: None, ..variant },
        Variant { max_width: Some(11), ..variant },
        Variant { format: Encoding::Jpeg, ..variant },
        fixture.variant(2, 10).await,
    ];
    fixture.put(&variant, &sixth(1)).await;
    for other in others {
        assert_eq!(fixture.get(&other).await, None, "{other:?}");
    }
}

async fn it_never_holds_more_than_its_size(fixture: VariantFixture) {
    for n in 1..40 {
        fixture.put(&fixture.variant(u64::from(n % 5), n).await, &sixth(1)).await;
    }
    let mut held = 0;
    for n in 1..40 {
        let variant = fixture.variant(u64::from(n % 5), n).await;
        held += fixture.get(&variant).await.map_or(0, |bytes| bytes.len());
    }
    assert!((1..=VariantFixture::SIZE).contains(&held), "it holds {held} bytes");
}

async fn what_is_larger_than_all_of_it_is_not_kept(fixture: VariantFixture) {
    let variant = fixture.variant(1, 10).await;
    fixture.put(&variant, &vec![1; VariantFixture::SIZE + 1].into()).await;
    assert_eq!(fixture.get(&variant).await, None);
}

async fn what_was_used_last_stays_longest(fixture: VariantFixture) {
    for n in 1..=6 {
        fixture.put(&fixture.variant(n, 10).await, &sixth(1)).await;
    }
    let [first, second] = [fixture.variant(1, 10).await, fixture.variant(2, 10).await];
    assert!(fixture.get(&first).await.is_some());
    fixture.put(&fixture.variant(7, 10).await, &sixth(7)).await;
    assert_eq!(fixture.get(&second).await, None);
    assert_eq!(fixture.get(&first).await, Some(sixth(1)));
}

async fn a_variant_goes_with_its_picture(fixture: VariantFixture) {
    let [variant, other] = [fixture.variant(1, 10).await, fixture.variant(2, 10).await];
    fixture.put(&variant, &sixth(1)).await;
    fixture.put(&other, &sixth(2)).await;
    fixture.remove_picture(1).await;
    assert_eq!(fixture.get(&variant).await, None);
    assert_eq!(fixture.get(&other).await, Some(sixth(2)));
}

async fn of_a_picture_that_is_gone_nothing_is_taken(fixture: VariantFixture) {
    let variant = fixture.variant(1, 10).await;
    fixture.remove_picture(1).await;
    fixture.put(&variant, &sixth(1)).await;
    assert_eq!(fixture.get(&variant).await, None);
}
