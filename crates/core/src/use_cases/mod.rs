//! What Tintype does, each a plain function over the ports. Lambda functions, the server and tests call the same ones.

mod cancel;
mod collections;
mod credentials;
mod deliver;
mod edit_image;
mod edit_images;
mod erase_image;
mod find_image;
mod find_job;
mod images_by_meaning;
mod list_images;
mod list_jobs;
mod release_blob;
mod restore_image;
mod retry;
mod run_job;
mod save_image;
mod similar_images;
mod submit;
mod subscribe;
mod sweep;
mod trash_image;
mod waiting_images;

pub use cancel::cancel;
pub use collections::{
    delete_collection, edit_collection, find_collection, list_collections, make_collection,
};
pub use credentials::{MakeKey, find_key_owner, make_key, make_ticket, redeem_ticket};
pub use deliver::{deliver, deliver_preview};
pub use edit_image::edit_image;
pub use edit_images::{EditedImages, ImagesEdit, edit_images};
pub use erase_image::erase_image;
pub use find_image::find_image;
pub use find_job::find_job;
pub use images_by_meaning::{FoundByMeaning, Meaning, embed_prompts_waiting, images_by_meaning};
pub use list_images::{ImageListing, ImageOrder, ImageTimeline, PageMark, image_timeline, list_images};
pub use list_jobs::{JobListing, list_jobs};
pub use restore_image::restore_image;
pub use retry::retry;
pub use run_job::{Begun, Ran, Told, begin_job, give_up, load_source, run_job, run_job_until, settle_job};
pub use save_image::{Draft, Origin, Save, SaveFrom, Saved, find_picture, save_image};
pub use similar_images::{Alike, Found, embed_waiting, similar_images};
pub use submit::{Sources, Submit, Submitted, submit};
pub use subscribe::{Subscribe, subscribe};
pub use sweep::{OrphanSweep, Swept, are_too_many_orphans, sweep, sweep_orphans};
pub use trash_image::trash_image;
pub use waiting_images::{GivenUp, Passed};

/// A part of a list as a use case returns it.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed<T> {
    /// The items, in order.
    pub items: Vec<T>,
    /// The cursor of the next part; `None` on the last.
    pub next_cursor: Option<String>,
}
