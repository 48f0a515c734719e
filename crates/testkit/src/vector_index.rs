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
    attempts_are_counted_until_a_vector_is_put,
    an_attempt_that_is_taken_back_does_not_count,
    attempts_in_progress_are_taken_back_where_a_worker_stops_in_good_order,
    no_attempt_is_counted_at_an_image_that_is_not_pending,
    an_image_that_is_given_up_is_not_pending_and_tells_its_owner_why,
    an_image_that_was_given_up_is_not_pending_again_when_its_prompt_changes,
    with_another_space_an_image_that_was_given_up_is_pending_again,
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

impl VectorFixture {
    async fn begin(&self, image: &SavedImage) -> u32 {
        self.vectors.begin(&image.id).await.expect("begin")
    }

    /// Saves an image of alice's that is pending.
    async fn pending(&self, n: u64) -> SavedImage {
        let image = saved_image(n, n as i64);
        self.save(&image).await;
        image
    }
}

async fn attempts_are_counted_until_a_vector_is_put(fixture: VectorFixture) {
    fixture.use_space("look").await;
    let (image, other) = (fixture.pending(1).await, fixture.pending(2).await);
    assert_eq!(fixture.begin(&image).await, 1);
    fixture.vectors.end(&image.id).await.expect("end");
    assert_eq!(fixture.begin(&image).await, 2);
    assert_eq!(fixture.begin(&other).await, 1);
    fixture.put(&image, Some(RED)).await;
    fixture.change(&image.id, |image| image.prompt = Some("another prompt".to_owned())).await;
    assert_eq!(fixture.begin(&image).await, 1);
}

async fn an_attempt_that_is_taken_back_does_not_count(fixture: VectorFixture) {
    fixture.use_space("look").await;
    let image = fixture.pending(1).await;
    for _ in 0..3 {
        assert_eq!(fixture.begin(&image).await, 1);
        fixture.vectors.take_back(&image.id).await.expect("take_back");
    }
    // Nothing is in progress: there is nothing to take back.
    assert_eq!(fixture.begin(&image).await, 1);
    fixture.vectors.end(&image.id).await.expect("end");
    fixture.vectors.take_back(&image.id).await.expect("take_back");
    assert_eq!(fixture.begin(&image).await, 2);
}

async fn attempts_in_progress_are_taken_back_where_a_worker_stops_in_good_order(fixture: VectorFixture) {
    fixture.use_space("look").await;
    let (ended, running) = (fixture.pending(1).await, fixture.pending(2).await);
    fixture.begin(&ended).await;
    fixture.vectors.end(&ended.id).await.expect("end");
    fixture.begin(&running).await;
    fixture.vectors.take_all_back().await.expect("take_all_back");
    assert_eq!((fixture.begin(&ended).await, fixture.begin(&running).await), (2, 1));
}

async fn no_attempt_is_counted_at_an_image_that_is_not_pending(fixture: VectorFixture) {
    fixture.use_space("look").await;
    let image = fixture.add(1, RED).await;
    assert_eq!((fixture.begin(&image).await, fixture.begin(&image).await), (0, 0));
    assert_eq!(fixture.begin(&saved_image(9, 9)).await, 0);
}

async fn an_image_that_is_given_up_is_not_pending_and_tells_its_owner_why(fixture: VectorFixture) {
    fixture.use_space("look").await;
    let image = fixture.add(1, RED).await;
    assert_eq!(fixture.vectors.given_up(&alice(), &image.id).await.expect("given_up"), None);
    fixture.vectors.give_up(&mallory(), &image.id, "his").await.expect("give_up");
    assert_eq!(fixture.nearest(&alice(), RED, 9).await, [image.id]);
    fixture.begin(&image).await;
    fixture.vectors.give_up(&alice(), &image.id, "it can't be decoded").await.expect("give_up");
    assert!(fixture.waiting().await.is_empty());
    assert!(fixture.nearest(&alice(), RED, 9).await.is_empty());
    let reason = fixture.vectors.given_up(&alice(), &image.id).await.expect("given_up");
    assert_eq!(reason.as_deref(), Some("it can't be decoded"));
    assert_eq!(fixture.vectors.given_up(&mallory(), &image.id).await.expect("given_up"), None);
}

async fn an_image_that_was_given_up_is_not_pending_again_when_its_prompt_changes(fixture: VectorFixture) {
    fixture.use_space("look").await;
    let image = fixture.pending(1).await;
    fixture.vectors.give_up(&alice(), &image.id, "reason").await.expect("give_up");
    fixture.change(&image.id, |image| image.prompt = Some("another prompt".to_owned())).await;
    assert!(fixture.waiting().await.is_empty());
    assert_eq!(fixture.begin(&image).await, 0);
}

async fn with_another_space_an_image_that_was_given_up_is_pending_again(fixture: VectorFixture) {
    fixture.use_space("look").await;
    let image = fixture.pending(1).await;
    fixture.begin(&image).await;
    fixture.vectors.give_up(&alice(), &image.id, "reason").await.expect("give_up");
    fixture.use_space("another look").await;
    assert_eq!(fixture.waiting().await, [image.id]);
    assert_eq!(fixture.begin(&image).await, 1);
    assert_eq!(fixture.vectors.given_up(&alice(), &image.id).await.expect("given_up"), None);
}
