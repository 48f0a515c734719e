//! What the emulators get wrong: the one list of cases that are not run against one of them. Each runs against the
//! other, or stands in `replay_stores/`.

/// One case that is reported as ignored on one emulator.
#[derive(Debug)]
pub(crate) struct Exclusion {
    /// Which emulator: `ministack` or `moto`.
    pub(crate) emulator: &'static str,
    /// The case, as in the report.
    pub(crate) case: &'static str,
    /// What the emulator does that AWS does not.
    pub(crate) why: &'static str,
}

const MOTO_TRANSACTIONS: &str = "moto copies the whole table for each transaction and puts the copy back where it fails: thousands take it minutes, and what another wrote meanwhile is lost or fails with 500";

/// Every exclusion.
pub(crate) const EXCLUSIONS: &[Exclusion] = &[
    of_moto_transactions("metadata_repo::filters_find_what_a_plain_scan_finds"),
    of_moto_transactions("metadata_repo::thirty_two_concurrent_changes_are_all_applied"),
    of_moto_transactions("metadata_repo::a_conditional_change_is_applied_once_and_the_others_are_stale"),
    of_moto_transactions("metadata_repo::concurrent_changes_are_each_seen_by_filters"),
    of_moto_transactions("collection_repo::thirty_two_concurrent_changes_are_all_applied"),
    of_moto_transactions("collection_repo::a_conditional_change_is_applied_once_and_the_others_are_stale"),
    of_moto_transactions("collection_repo::of_concurrent_insertions_of_one_name_one_is_made"),
    of_moto_transactions("collection_repo::of_concurrent_renames_to_one_name_one_is_applied"),
    of_moto_transactions("collection_repo::an_owner_has_no_more_collections_than_allowed"),
    of_moto_transactions("metadata_repo::the_same_bytes_in_a_race_are_one_image"),
    of_moto_transactions("job_repo::events_have_no_gaps_under_many_writers"),
    of_moto_transactions("job_repo::finish_and_cancel_at_once_end_it_once"),
    of_moto_transactions("job_repo::many_finishing_at_once_end_it_once"),
    of_moto_transactions("job_repo::one_key_in_a_race_makes_one_job"),
    of_moto_transactions("connection_registry::a_connection_may_listen_to_the_most_jobs"),
    of_moto_transactions("connection_registry::another_connections_subscriptions_do_not_count"),
    of_moto_transactions("connection_registry::listening_to_one_job_too_many_is_invalid"),
    of_moto_transactions("connection_registry::subscribing_again_is_not_one_too_many"),
    of_moto_transactions("connection_registry::unsubscribing_makes_room"),
];

const fn of_moto_transactions(case: &'static str) -> Exclusion {
    Exclusion { emulator: "moto", case, why: MOTO_TRANSACTIONS }
}

/// What is not counted on one emulator: a test of `costs.rs`.
pub(crate) const NOT_COUNTED: Exclusion = Exclusion {
    emulator: "moto",
    case: "a_page_reads_the_same_of_few_images_and_of_many",
    why: MOTO_TRANSACTIONS,
};

/// Why the tests of whole lives are not run against the emulator that is asked; `None` if they are.
pub(crate) fn of_whole_lives() -> Option<&'static str> {
    (emulator_from_environment() == Some("moto")).then_some(MOTO_TRANSACTIONS)
}

/// Which emulator is asked, by `TINTYPE_AWS_EMULATOR`; `None` without it: then every case runs.
#[expect(clippy::disallowed_methods, reason = "which emulator listens is a setting of the test")]
pub(crate) fn emulator_from_environment() -> Option<&'static str> {
    let name = std::env::var("TINTYPE_AWS_EMULATOR").ok()?;
    let known = ["ministack", "moto"].into_iter().find(|known| *known == name);
    assert!(known.is_some(), "TINTYPE_AWS_EMULATOR is {name}; it must be ministack or moto");
    known
}
