//! The contract of [`LinkSigner`], case by case. That a URL works is a case of whoever serves it.

use crate::samples::{START, alice, blob, image_id, job_id};
use crate::suites::cases;
use std::{collections::BTreeSet, sync::Arc};
use tintype_core::{
    domain::ContentType,
    ports::{LinkSigner, LinkTarget},
};

cases! { CASES of Arc<dyn LinkSigner>:
    a_url_is_absolute_or_starts_with_a_slash,
    a_url_holds_only_characters_that_need_no_quoting,
    a_url_names_no_owner,
    every_image_of_a_job_has_its_own_url,
    the_same_place_in_two_jobs_has_two_urls,
    two_saved_images_have_two_urls,
    an_original_and_its_thumbnail_have_two_urls,
    a_result_and_its_saved_image_have_two_urls,
}

fn result_of(job: u64, index: u32) -> LinkTarget {
    LinkTarget::JobImage {
        owner: alice(),
        job_id: job_id(job, 0),
        index,
        sha256: *blob(1).id(),
        content_type: ContentType::Png,
    }
}

fn original(n: u64) -> LinkTarget {
    LinkTarget::Original {
        owner: alice(),
        image_id: image_id(n, 0),
        sha256: *blob(1).id(),
        content_type: ContentType::Png,
    }
}

fn thumbnail(n: u64) -> LinkTarget {
    LinkTarget::Thumbnail { owner: alice(), image_id: image_id(n, 0), sha256: *blob(1).id() }
}

async fn sign(signer: &dyn LinkSigner, targets: &[LinkTarget]) -> Vec<String> {
    let mut urls = Vec::new();
    for target in targets {
        urls.push(signer.sign(target, START).await.expect("sign"));
    }
    urls
}

async fn sign_every_sort(signer: &dyn LinkSigner) -> Vec<String> {
    sign(signer, &[result_of(1, 0), original(1), thumbnail(1)]).await
}

async fn check_all_differ(signer: &dyn LinkSigner, targets: &[LinkTarget]) {
    let urls = sign(signer, targets).await;
    let different: BTreeSet<_> = urls.iter().collect();
    assert_eq!(different.len(), targets.len(), "{urls:?}");
}

async fn a_url_is_absolute_or_starts_with_a_slash(signer: Arc<dyn LinkSigner>) {
    for url in sign_every_sort(&*signer).await {
        let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
        let absolute = !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric());
        assert!(absolute || (url.starts_with('/') && !url.starts_with("//")), "{url}");
    }
}

async fn a_url_holds_only_characters_that_need_no_quoting(signer: Arc<dyn LinkSigner>) {
    for url in sign_every_sort(&*signer).await {
        let plain = |byte: u8| byte.is_ascii_graphic() && !b"\"'<>\\^`{|}".contains(&byte);
        assert!(url.bytes().all(plain), "{url}");
    }
}

async fn a_url_names_no_owner(signer: Arc<dyn LinkSigner>) {
    for url in sign_every_sort(&*signer).await {
        assert!(!url.contains("alice"), "{url}");
    }
}

async fn every_image_of_a_job_has_its_own_url(signer: Arc<dyn LinkSigner>) {
    check_all_differ(&*signer, &[result_of(1, 0), result_of(1, 1), result_of(1, 2)]).await;
}

async fn the_same_place_in_two_jobs_has_two_urls(signer: Arc<dyn LinkSigner>) {
    check_all_differ(&*signer, &[result_of(1, 0), result_of(2, 0)]).await;
}

async fn two_saved_images_have_two_urls(signer: Arc<dyn LinkSigner>) {
    check_all_differ(&*signer, &[original(1), original(2)]).await;
}

async fn an_original_and_its_thumbnail_have_two_urls(signer: Arc<dyn LinkSigner>) {
    check_all_differ(&*signer, &[original(1), thumbnail(1)]).await;
}

async fn a_result_and_its_saved_image_have_two_urls(signer: Arc<dyn LinkSigner>) {
    check_all_differ(&*signer, &[result_of(1, 0), original(1)]).await;
}
