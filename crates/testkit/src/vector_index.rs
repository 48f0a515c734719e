//! The contract of [`VectorIndex`], case by case.

use crate::samples::{START, alice, image_of, mallory, saved_image};
use crate::suites::cases;
use std::{fmt, sync::Arc};
use tintype_core::{
    domain::{Embedding, ImageChange, ImageId, OwnerId, SavedImage, Space, Version},
    ports::{MetadataRepo, VectorIndex},
};

cases! { CASES of VectorFixture:
    an_image_that_is_saved_waits_until_its_vectors_are_put,
    an_image_without_anything_to_compare_waits_no_more,
    an_image_whose_prompt_changed_waits_again,
    an_image_that_changed_but_for_its_prompt_waits_no_more,
    an_image_that_changed_while_it_was_looked_at_waits_on,
    a_vector_of_an_earlier_version_replaces_none_of_a_later_one,
    no_more_wait_than_are_asked_for,
    the_nearest_come_first_and_no_more_than_asked_for,
    of_those_as_near_the_one_saved_later_comes_first,
    what_is_put_again_is_found_as_it_is_now,
    nobody_finds_the_images_of_others,
    a_deleted_image_is_not_found,
    of_an_image_that_is_gone_nothing_is_kept,
    the_same_space_again_changes_nothing,
    with_another_space_every_image_waits_again,
    a_vector_of_other_dimensions_is_not_kept,
}

/// An index and the store of the images that it has vectors of.
pub struct VectorFixture {
    /// The index.
    pub vectors: Arc<dyn VectorIndex>,
    /// The store.
    pub metadata: Arc<dyn MetadataRepo>,
}

impl VectorFixture {
    async fn use_space(&self, name: &str) {
        let space = Space { name: name.to_owned(), dimensions: 3 };
        self.vectors.use_space(&space).await.expect("use_space");
    }

    async fn save(&self, image: &SavedImage) {
        self.metadata.insert(image).await.expect("insert");
    }

    /// Changes an image of alice's.
    async fn change(&self, id: &ImageId, change: impl FnOnce(&mut SavedImage)) {
        let stored = self.metadata.find(&alice(), id, START).await.expect("find").expect("the image");
        let mut image = stored.clone();
        change(&mut image);
        let change = ImageChange::new(START, move |_| Ok(image.clone()));
        self.metadata.change(&alice(), id, &change).await.expect("change").expect("applied");
    }

    async fn waiting(&self) -> Vec<ImageId> {
        let waiting = self.vectors.waiting(100).await.expect("waiting");
        let mut ids: Vec<_> = waiting.into_iter().map(|(_, id)| id).collect();
        ids.sort();
        ids
    }

    /// Notes how an image looks.
    async fn put(&self, image: &SavedImage, look: Option<[f32; 3]>) {
        let look = look.and_then(|values| Embedding::of(&values));
        self.vectors.put(&image.owner, &image.id, None, look).await.expect("put");
    }

    /// Notes how an image looked when it was at a version.
    async fn put_of(&self, image: &SavedImage, of: Version, look: [f32; 3]) {
        let look = Embedding::of(&look);
        self.vectors.put(&image.owner, &image.id, Some(of), look).await.expect("put");
    }

    /// Saves the image number `n` of alice's, which looks like this.
    async fn add(&self, n: u64, look: [f32; 3]) -> SavedImage {
        let image = saved_image(n, n as i64);
        self.save(&image).await;
        self.put(&image, Some(look)).await;
        image
    }

    async fn nearest(&self, owner: &OwnerId, to: [f32; 3], limit: u32) -> Vec<ImageId> {
        let to = Embedding::of(&to).expect("a direction");
        let near = self.vectors.nearest(owner, &to, limit).await.expect("nearest");
        assert!(near.is_sorted_by(|a, b| a.score >= b.score), "{near:?}");
        near.into_iter().map(|near| near.id).collect()
    }
}

impl fmt::Debug for VectorFixture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("VectorFixture").field(&self.vectors).finish()
    }
}

const RED: [f32; 3] = [1.0, 0.0, 0.0];
const REDDISH: [f32; 3] = [1.0, 0.4, 0.0];
const BLUE: [f32; 3] = [0.0, 0.0, 1.0];

async fn an_image_that_is_saved_waits_until_its_vectors_are_put(fixture: VectorFixture) {
    fixture.use_space("look").await;
    let image = saved_image(1, 1);
    fixture.save(&image).await;
    assert_eq!(fixture.vectors.waiting(9).await.expect("waiting"), [(alice(), image.id)]);
    fixture.put(&image, Some(RED)).await;
    assert!(fixture.waiting().await.is_empty());
    let look = fixture.vectors.get(&alice(), &image.id).await.expect("get");
    assert_eq!(look, Embedding::of(&RED));
}

async fn an_image_without_anything_to_compare_waits_no_more(fixture: VectorFixture) {
    fixture.use_space("look").await;
    let image = saved_image(1, 1);
    fixture.save(&image).await;
    fixture.put(&image, None).await;
    assert!(fixture.waiting().await.is_empty());
    assert!(fixture.nearest(&alice(), RED, 9).await.is_empty());
}

async fn an_image_whose_prompt_changed_waits_again(fixture: VectorFixture) {
    fixture.use_space("look").await;
    let image = SavedImage { prompt: None, ..saved_image(1, 1) };
    fixture.save(&image).await;
    fixture.put(&image, Some(RED)).await;
    for prompt in [Some("blue heart"), Some("red heart"), None] {
        fixture.change(&image.id, |image| image.prompt = prompt.map(str::to_owned)).await;
        assert_eq!(fixture.waiting().await, [image.id], "{prompt:?}");
        assert_eq!(fixture.nearest(&alice(), RED, 9).await, [image.id], "{prompt:?}");
        fixture.put(&image, Some(RED)).await;
        assert!(fixture.waiting().await.is_empty(), "{prompt:?}");
    }
}

async fn an_image_that_changed_but_for_its_prompt_waits_no_more(fixture: VectorFixture) {
    fixture.use_space("look").await;
    let image = fixture.add(1, RED).await;
    fixture.change(&image.id, |image| image.title = Some("a title".to_owned())).await;
    assert!(fixture.waiting().await.is_empty());
}

async fn an_image_that_changed_while_it_was_looked_at_waits_on(fixture: VectorFixture) {
    fixture.use_space("look").await;
    let image = saved_image(1, 1);
    fixture.save(&image).await;
    fixture.change(&image.id, |image| image.prompt = Some("another prompt".to_owned())).await;
    fixture.put_of(&image, image.version, RED).await;
    assert_eq!(fixture.waiting().await, [image.id]);
    assert!(fixture.nearest(&alice(), RED, 9).await.is_empty());
    fixture.put_of(&image, image.version.next(), BLUE).await;
    assert!(fixture.waiting().await.is_empty());
    assert_eq!(fixture.nearest(&alice(), RED, 9).await, [image.id]);
}

async fn a_vector_of_an_earlier_version_replaces_none_of_a_later_one(fixture: VectorFixture) {
    fixture.use_space("look").await;
    let image = saved_image(1, 1);
    fixture.save(&image).await;
    fixture.change(&image.id, |image| image.prompt = Some("another prompt".to_owned())).await;
    fixture.put_of(&image, image.version.next(), BLUE).await;
    fixture.put_of(&image, image.version, RED).await;
    let look = fixture.vectors.get(&alice(), &image.id).await.expect("get");
    assert_eq!(look, Embedding::of(&BLUE));
    assert!(fixture.waiting().await.is_empty());
}

async fn no_more_wait_than_are_asked_for(fixture: VectorFixture) {
    fixture.use_space("look").await;
    for n in 1..=3 {
        fixture.save(&saved_image(n, 1)).await;
    }
    assert_eq!(fixture.vectors.waiting(2).await.expect("waiting").len(), 2);
}

async fn the_nearest_come_first_and_no_more_than_asked_for(fixture: VectorFixture) {
    fixture.use_space("look").await;
    let (blue, reddish, red) =
        (fixture.add(1, BLUE).await, fixture.add(2, REDDISH).await, fixture.add(3, RED).await);
    assert_eq!(fixture.nearest(&alice(), RED, 9).await, [red.id, reddish.id, blue.id]);
    assert_eq!(fixture.nearest(&alice(), RED, 2).await, [red.id, reddish.id]);
}

async fn of_those_as_near_the_one_saved_later_comes_first(fixture: VectorFixture) {
    fixture.use_space("look").await;
    let (first, second) = (fixture.add(1, RED).await, fixture.add(2, RED).await);
    assert_eq!(fixture.nearest(&alice(), RED, 9).await, [second.id, first.id]);
}

async fn what_is_put_again_is_found_as_it_is_now(fixture: VectorFixture) {
    fixture.use_space("look").await;
    let (changed, red) = (fixture.add(1, RED).await, fixture.add(2, RED).await);
    assert_eq!(fixture.nearest(&alice(), BLUE, 9).await.len(), 2);
    fixture.put(&changed, Some(BLUE)).await;
    assert_eq!(fixture.nearest(&alice(), BLUE, 1).await, [changed.id]);
    fixture.put(&changed, None).await;
    assert_eq!(fixture.nearest(&alice(), BLUE, 9).await, [red.id]);
}

async fn nobody_finds_the_images_of_others(fixture: VectorFixture) {
    fixture.use_space("look").await;
    let (hers, his) = (fixture.add(1, RED).await, image_of(&mallory(), 2, 2));
    fixture.save(&his).await;
    fixture.put(&his, Some(RED)).await;
    assert_eq!(fixture.nearest(&alice(), RED, 9).await, [hers.id]);
    assert_eq!(fixture.nearest(&mallory(), RED, 9).await, [his.id]);
    assert_eq!(fixture.vectors.get(&mallory(), &hers.id).await.expect("get"), None);
}

async fn a_deleted_image_is_not_found(fixture: VectorFixture) {
    fixture.use_space("look").await;
    let (gone, stays) = (fixture.add(1, RED).await, fixture.add(2, BLUE).await);
    assert_eq!(fixture.nearest(&alice(), RED, 9).await.len(), 2);
    fixture.metadata.delete(&alice(), &gone.id, gone.version).await.expect("delete");
    assert_eq!(fixture.nearest(&alice(), RED, 1).await, [stays.id]);
    assert_eq!(fixture.vectors.get(&alice(), &gone.id).await.expect("get"), None);
}

async fn of_an_image_that_is_gone_nothing_is_kept(fixture: VectorFixture) {
    fixture.use_space("look").await;
    let image = saved_image(1, 1);
    fixture.save(&image).await;
    fixture.metadata.delete(&alice(), &image.id, image.version).await.expect("delete");
    assert!(fixture.waiting().await.is_empty());
    fixture.put(&image, Some(RED)).await;
    assert!(fixture.nearest(&alice(), RED, 9).await.is_empty());
}

async fn the_same_space_again_changes_nothing(fixture: VectorFixture) {
    fixture.use_space("look").await;
    let image = fixture.add(1, RED).await;
    fixture.use_space("look").await;
    assert!(fixture.waiting().await.is_empty());
    assert_eq!(fixture.nearest(&alice(), RED, 9).await, [image.id]);
}

async fn with_another_space_every_image_waits_again(fixture: VectorFixture) {
    fixture.use_space("look").await;
    let image = fixture.add(1, RED).await;
    assert_eq!(fixture.nearest(&alice(), RED, 9).await, [image.id]);
    fixture.use_space("another look").await;
    assert_eq!(fixture.waiting().await, [image.id]);
    assert!(fixture.nearest(&alice(), RED, 9).await.is_empty());
}

async fn a_vector_of_other_dimensions_is_not_kept(fixture: VectorFixture) {
    fixture.use_space("look").await;
    let image = saved_image(1, 1);
    fixture.save(&image).await;
    fixture.vectors.put(&alice(), &image.id, None, Embedding::of(&[1.0])).await.expect("put");
    assert_eq!(fixture.vectors.get(&alice(), &image.id).await.expect("get"), None);
    assert!(fixture.nearest(&alice(), RED, 9).await.is_empty());
}
