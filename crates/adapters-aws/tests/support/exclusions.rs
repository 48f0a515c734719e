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

const MOTO_TRANSACTIONS: &str = "moto copies the whole table for each transaction: thousands take it minutes, and two that meet fail with 500";

/// Every exclusion.
pub(crate) const EXCLUSIONS: &[Exclusion] = &[Exclusion {
    emulator: "moto",
    case: "metadata_repo::filters_find_what_a_plain_scan_finds",
    why: MOTO_TRANSACTIONS,
}];

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
