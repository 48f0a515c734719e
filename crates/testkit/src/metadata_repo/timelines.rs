//! How a list lies in time.

use super::{oldest_first, pages_of, save, trash, trash_in_pages_of};
use crate::samples::{START, alice, at, image_of, mallory, saved_image};
use crate::suites::cases;
use std::sync::Arc;
use tintype_core::{
    domain::{ImageFilter, ImageQuery, SavedImage, Timeline, Timestamp},
    ports::MetadataRepo,
};

cases! { CASES of Arc<dyn MetadataRepo>:
    a_timeline_counts_each_month_newest_first,
    a_timeline_counts_each_month_oldest_first,
    a_timeline_of_nothing_is_empty,
    a_timeline_counts_no_other_owners_image,
    a_timeline_counts_the_library_or_the_trash,
    a_timeline_counts_what_a_filter_finds,
    a_page_goes_on_from_each_mark_of_a_timeline,
    a_page_goes_on_from_each_mark_of_a_filtered_timeline,
}

async fn timeline(repo: &dyn MetadataRepo, query: &ImageQuery) -> Timeline {
    repo.timeline(&alice(), query, START).await.expect("timeline")
}

fn months(timeline: &Timeline) -> Vec<String> {
    timeline.months.iter().map(|month| format!("{} {}", month.month, month.count)).collect()
}

async fn save_on(repo: &dyn MetadataRepo, days: &[&str]) -> Vec<SavedImage> {
    let mut images = Vec::new();
    for (n, day) in days.iter().enumerate() {
        let saved_at = Timestamp::parse(day).expect("a day");
        let millis = saved_at.since(START).as_millis() as i64;
        images.push(save(repo, SavedImage { saved_at, ..saved_image(n as u64, millis) }).await);
    }
    images
}

/// Days after [`START`], which is on the last one of January.
const DAYS: [&str; 5] = ["2026-02-28T23:59:59.999Z", "2026-03-01", "2026-02-01", "2026-04-30", "2026-03-31"];

async fn a_timeline_counts_each_month_newest_first(repo: Arc<dyn MetadataRepo>) {
    save_on(&*repo, &DAYS).await;
    let timeline = timeline(&*repo, &pages_of(2)).await;
    assert_eq!(months(&timeline), ["2026-04 1", "2026-03 2", "2026-02 2"]);
    assert!(timeline.is_complete);
}

async fn a_timeline_counts_each_month_oldest_first(repo: Arc<dyn MetadataRepo>) {
    save_on(&*repo, &DAYS).await;
    let timeline = timeline(&*repo, &oldest_first(2)).await;
    assert_eq!(months(&timeline), ["2026-02 2", "2026-03 2", "2026-04 1"]);
}

async fn a_timeline_of_nothing_is_empty(repo: Arc<dyn MetadataRepo>) {
    let timeline = timeline(&*repo, &pages_of(2)).await;
    assert_eq!(timeline, Timeline { months: vec![], marks: vec![], is_complete: true });
}

async fn a_timeline_counts_no_other_owners_image(repo: Arc<dyn MetadataRepo>) {
    save(&*repo, image_of(&mallory(), 1, 0)).await;
    assert!(timeline(&*repo, &pages_of(2)).await.months.is_empty());
}

async fn a_timeline_counts_the_library_or_the_trash(repo: Arc<dyn MetadataRepo>) {
    let images = save_on(&*repo, &DAYS).await;
    trash(&*repo, &images[0], START).await;
    assert_eq!(months(&timeline(&*repo, &pages_of(2)).await), ["2026-04 1", "2026-03 2", "2026-02 1"]);
    assert_eq!(months(&timeline(&*repo, &trash_in_pages_of(2)).await), ["2026-02 1"]);
}

fn favorites() -> ImageFilter {
    ImageFilter { favorite: Some(true), ..ImageFilter::default() }
}

async fn a_timeline_counts_what_a_filter_finds(repo: Arc<dyn MetadataRepo>) {
    save_mixed(&*repo).await;
    let timeline = timeline(&*repo, &ImageQuery { filter: favorites(), ..pages_of(4) }).await;
    assert_eq!(months(&timeline), ["2026-01 9"]);
    assert_eq!(timeline.marks.len(), 3);
}

/// Three of each millisecond; one of them is a favourite.
async fn save_mixed(repo: &dyn MetadataRepo) {
    for n in 0..27 {
        save(repo, SavedImage { favorite: n % 3 == 0, ..saved_image(n, n as i64 / 3) }).await;
    }
}

async fn a_page_goes_on_from_each_mark_of_a_timeline(repo: Arc<dyn MetadataRepo>) {
    save_mixed(&*repo).await;
    for query in [pages_of(4), oldest_first(4)] {
        follow(&*repo, query, 27).await;
    }
}

async fn a_page_goes_on_from_each_mark_of_a_filtered_timeline(repo: Arc<dyn MetadataRepo>) {
    save_mixed(&*repo).await;
    for query in [pages_of(2), oldest_first(2)] {
        follow(&*repo, ImageQuery { filter: favorites(), ..query.clone() }, 9).await;
        let filter = ImageFilter { from: Some(at(2)), to: Some(at(5)), ..favorites() };
        follow(&*repo, ImageQuery { filter, ..query }, 3).await;
    }
}

/// The pages at the marks are those that a walk through the list gives.
async fn follow(repo: &dyn MetadataRepo, query: ImageQuery, total: usize) {
    let timeline = timeline(repo, &query).await;
    let size = query.limit.get() as usize;
    assert_eq!(timeline.marks.len(), total.div_ceil(size));
    let mut after = None;
    for (number, mark) in timeline.marks.iter().enumerate() {
        assert_eq!(mark.after, after, "page {number}");
        let query = ImageQuery { after, ..query.clone() };
        let page = repo.list(&alice(), &query, START).await.expect("list");
        assert_eq!(page.items[0].saved_at, mark.saved_at, "page {number}");
        after = page.next;
    }
    assert_eq!(after, None);
}
