//! The parts of a path that name a thing. One that is not well formed names nothing, so it is a 404.

use crate::{
    api::Api,
    problem::{Answer, Code, Problem},
};
use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::request::Parts,
};
use std::{str::FromStr, sync::Arc};
use tintype_core::domain::{CollectionId, ImageId, JobId};

/// The parts of this request's path.
pub(crate) struct PathParts(Vec<(String, String)>);

impl FromRequestParts<Arc<Api>> for PathParts {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Answer<Self> {
        let params = RawPathParams::from_request_parts(parts, api)
            .await
            .map_err(|_| Problem::new(Code::NotFound, "the path is not UTF-8"))?;
        Ok(Self(params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()))
    }
}

impl PathParts {
    /// The job in `/jobs/{id}`.
    pub(crate) fn job(&self) -> Answer<JobId> {
        self.read("id", "no such job: this is not a job id")
    }

    /// The image in `/images/{id}`.
    pub(crate) fn image(&self) -> Answer<ImageId> {
        self.read("id", "no such image: this is not an image id")
    }

    /// The collection in `/collections/{id}`.
    pub(crate) fn collection(&self) -> Answer<CollectionId> {
        self.read("id", "no such collection: this is not a collection id")
    }

    /// The index in `/jobs/{id}/images/{n}`.
    pub(crate) fn place(&self) -> Answer<u32> {
        let otherwise = "no such image in this job: its images are numbered from 0";
        let place: u32 = self.read("n", otherwise)?;
        // One spelling per image: `+0` and `00` are none.
        if place.to_string() == self.text("n") {
            Ok(place)
        } else {
            Err(Problem::new(Code::NotFound, otherwise))
        }
    }

    /// The rest of the path after `/assets/`.
    pub(crate) fn rest(&self) -> &str {
        self.text("path")
    }

    fn read<T: FromStr>(&self, name: &str, otherwise: &str) -> Answer<T> {
        self.text(name).parse().map_err(|_| Problem::new(Code::NotFound, otherwise))
    }

    fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }
}
