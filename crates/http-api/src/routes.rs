//! The one table of routes: the router is built from it, and so is the OpenAPI document.

use crate::{
    api::Api,
    collections,
    edge::edge,
    generate, health, images, jobs, metrics, models, openapi,
    openapi::operation::Operation,
    page,
    problem::{Code, Problem},
    save, similar, tickets,
};
#[cfg(feature = "socket")]
use crate::{events, socket};
use axum::{
    Router,
    http::Method,
    middleware,
    routing::{MethodRouter, delete, get, patch, post},
};
use std::sync::Arc;
use tintype_core::use_cases::{Alike, Meaning};

/// Where images are found by what their prompts mean.
const BY_MEANING: &str = "/images/by-meaning";

/// One route: a method of a path, what answers it, and what the document says of it.
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) operation: Operation,
    handler: MethodRouter<Arc<Api>>,
}

/// The API as a router.
pub fn router(api: Api) -> Router {
    let api = Arc::new(api);
    let mut router = Router::new();
    for route in routes(&api) {
        router = router.route(route.path, route.handler);
    }
    if api.meaning.is_none() {
        // Without it the path would be that of an image.
        router = router.route(BY_MEANING, get(similar::no_meaning));
    }
    router
        .fallback(async || Problem::new(Code::NoSuchRoute, "GET /openapi.json lists the routes there are"))
        .method_not_allowed_fallback(async || {
            Problem::new(Code::MethodNotAllowed, "the Allow header lists the methods of this path")
        })
        .layer(middleware::from_fn_with_state(api.clone(), edge))
        .with_state(api)
}

/// Every route of this server.
pub(crate) fn routes(api: &Api) -> Vec<Route> {
    let mut routes = job_routes();
    routes.extend(image_routes());
    routes.extend(collection_routes());
    routes.extend(operator_routes());
    routes.extend(page_routes());
    #[cfg(feature = "socket")]
    if api.hub.is_some() {
        routes.extend(push_routes(api));
    }
    if let Some(alike) = &api.alike {
        routes.push(similar_route(alike.clone()));
    }
    if let Some(meaning) = &api.meaning {
        routes.push(meaning_route(meaning.clone()));
    }
    if api.credentials.is_some() {
        routes.push(ticket_route());
    }
    routes
}

fn on(method: Method, path: &'static str, handler: MethodRouter<Arc<Api>>, operation: Operation) -> Route {
    Route { method, path, operation, handler }
}

fn job_routes() -> Vec<Route> {
    vec![
        on(
            Method::POST,
            "/generate",
            post(generate::generate),
            Operation::new("generate", "Ask for images")
                .takes("GenerateInput")
                .adds()
                .with(&["Idempotency-Key", "Prefer"])
                .gives(202, "The job was accepted", "Job")
                .gives(200, "The job has ended, within the time that was preferred", "Job"),
        ),
        on(
            Method::GET,
            "/jobs",
            get(jobs::list),
            Operation::new("listJobs", "List jobs, the newest first")
                .with(jobs::LIST_PARAMETERS)
                .gives(200, "A page", "JobPage"),
        ),
        on(
            Method::GET,
            "/jobs/{id}",
            get(jobs::get),
            Operation::new("getJob", "Look at a job").gives(200, "The job", "Job"),
        ),
        on(
            Method::POST,
            "/jobs/{id}/cancel",
            post(jobs::cancel),
            Operation::new("cancelJob", "Stop a job").gives(
                200,
                "The job; one that had ended is as it was",
                "Job",
            ),
        ),
        on(
            Method::POST,
            "/jobs/{id}/retry",
            post(jobs::retry),
            Operation::new("retryJob", "Repeat a job that came to no result").adds().gives(
                202,
                "The new job; the same one each time",
                "Job",
            ),
        ),
        on(
            Method::GET,
            "/jobs/{id}/images/{n}",
            get(jobs::image),
            Operation::new("getJobImage", "Get a result's bytes")
                .with(jobs::IMAGE_PARAMETERS)
                .with(&["Range"])
                .gives_picture(),
        ),
    ]
}

fn image_routes() -> Vec<Route> {
    vec![
        on(
            Method::POST,
            "/save",
            post(save::save),
            Operation::new("saveImage", "Keep a picture")
                .takes("SaveInput")
                .adds()
                .gives(201, "The new image", "Image")
                .gives(200, "The image that has these bytes already", "Image"),
        ),
        on(
            Method::GET,
            "/images",
            get(images::list),
            Operation::new("listImages", "List saved images").with(images::LIST_PARAMETERS).gives(
                200,
                "A page",
                "ImagePage",
            ),
        ),
        on(
            Method::GET,
            "/images/timeline",
            get(images::timeline),
            Operation::new(
                "getTimeline",
                "How a list of saved images lies in time: its months, and where its pages begin",
            )
            .with(images::TIMELINE_PARAMETERS)
            .gives(200, "The months and the pages, in the order of the list", "Timeline"),
        ),
        on(
            Method::POST,
            "/images/edit",
            post(images::edit_many),
            Operation::new("editImages", "Change many images at once").takes("ImagesEdit").adds().gives(
                200,
                "The changed images, and those that are not there or could not be changed",
                "EditedImages",
            ),
        ),
        on(
            Method::GET,
            "/images/{id}",
            get(images::get),
            Operation::new("getImage", "Look at an image")
                .with(&["If-None-Match"])
                .gives(200, "The image", "Image")
                .gives_nothing(304, "It is as the client has it"),
        ),
        on(
            Method::PATCH,
            "/images/{id}",
            patch(images::edit),
            Operation::new("editImage", "Change what is noted of an image")
                .takes("ImageEdit")
                .adds()
                .with(&["If-Match"])
                .gives(200, "The changed image", "Image"),
        ),
        on(
            Method::DELETE,
            "/images/{id}",
            delete(images::delete),
            Operation::new("deleteImage", "Put an image in the trash, or erase it")
                .with(&["permanent", "If-Match"])
                .gives(200, "The image, in the trash", "Image")
                .gives_nothing(204, "It was erased"),
        ),
        on(
            Method::POST,
            "/images/{id}/restore",
            post(images::restore),
            Operation::new("restoreImage", "Take an image out of the trash").gives(200, "The image", "Image"),
        ),
        on(
            Method::GET,
            "/images/{id}/content",
            get(images::content),
            Operation::new("getImageContent", "Get an image's bytes")
                .with(images::CONTENT_PARAMETERS)
                .with(&["Range"])
                .gives_picture(),
        ),
    ]
}

fn collection_routes() -> Vec<Route> {
    vec![
        on(
            Method::GET,
            "/collections",
            get(collections::list),
            Operation::new("listCollections", "List all collections, by name").gives(
                200,
                "All of them",
                "Collections",
            ),
        ),
        on(
            Method::POST,
            "/collections",
            post(collections::make),
            Operation::new("makeCollection", "Make a collection").takes("CollectionEdit").adds().gives(
                201,
                "The new collection",
                "Collection",
            ),
        ),
        on(
            Method::GET,
            "/collections/{id}",
            get(collections::get),
            Operation::new("getCollection", "Look at a collection")
                .with(&["If-None-Match"])
                .gives(200, "The collection", "Collection")
                .gives_nothing(304, "It is as the client has it"),
        ),
        on(
            Method::PATCH,
            "/collections/{id}",
            patch(collections::edit),
            Operation::new("editCollection", "Rename a collection, or change its note")
                .takes("CollectionEdit")
                .adds()
                .with(&["If-Match"])
                .gives(200, "The changed collection", "Collection"),
        ),
        on(
            Method::DELETE,
            "/collections/{id}",
            delete(collections::delete),
            Operation::new("deleteCollection", "Delete a collection; its images stay")
                .with(&["If-Match"])
                .gives_nothing(204, "It was deleted"),
        ),
    ]
}

fn operator_routes() -> Vec<Route> {
    vec![
        on(
            Method::GET,
            "/models",
            get(models::models),
            Operation::new("listModels", "What the models can do").gives(200, "Every model's card", "Models"),
        ),
        on(
            Method::GET,
            "/livez",
            get(health::livez),
            Operation::new("livez", "Whether the process lives").open().gives(200, "It lives", "Status"),
        ),
        on(
            Method::GET,
            "/readyz",
            get(health::readyz),
            Operation::new("readyz", "Whether it can serve").open().gives(
                200,
                "It can; with `read_only` nothing can be added",
                "Readiness",
            ),
        ),
        on(
            Method::GET,
            "/version",
            get(health::version),
            Operation::new("version", "What runs here").open().gives(200, "The version", "Version"),
        ),
        on(
            Method::GET,
            "/metrics",
            get(metrics::metrics),
            Operation::new("metrics", "Counters for Prometheus").gives_text("application/openmetrics-text"),
        ),
        on(
            Method::GET,
            "/openapi.json",
            get(openapi::document),
            Operation::new("openapi", "This document").open().gives(200, "An OpenAPI 3.1 document", "Object"),
        ),
    ]
}

fn page_routes() -> Vec<Route> {
    vec![
        #[cfg(feature = "docs")]
        on(
            Method::GET,
            "/docs",
            get(crate::docs::docs),
            Operation::new("docs", "The API for people to read").open().gives_text("text/html"),
        ),
        on(
            Method::GET,
            "/",
            get(page::index),
            Operation::new("gallery", "The gallery").open().gives_text("text/html"),
        ),
        on(
            Method::GET,
            "/config.json",
            get(page::config),
            Operation::new(
                "galleryConfig",
                "Where the gallery finds the API, nothing means here, and what it can ask for",
            )
            .open()
            .gives(200, "What the gallery can ask for", "Object"),
        ),
        on(
            Method::GET,
            "/assets/{*path}",
            get(page::asset),
            Operation::new("galleryFile", "A file of the gallery").open().gives_text("*/*"),
        ),
    ]
}

fn similar_route(alike: Alike) -> Route {
    on(
        Method::GET,
        "/images/{id}/similar",
        get(async move |state, owner, path, query| similar::similar(state, owner, path, query, alike).await),
        Operation::new("similarImages", "Find saved images that look like this one")
            .with(similar::PARAMETERS)
            .gives(200, "They, the likest first", "SimilarImages"),
    )
}

fn meaning_route(meaning: Meaning) -> Route {
    on(
        Method::GET,
        BY_MEANING,
        get(async move |state, owner, query| similar::by_meaning(state, owner, query, meaning).await),
        Operation::new("imagesByMeaning", "Find saved images whose prompts mean what a text means")
            .with(similar::MEANING_PARAMETERS)
            .gives(200, "They, the nearest first, and the words that are not known", "ImagesByMeaning"),
    )
}

fn ticket_route() -> Route {
    on(
        Method::POST,
        "/tickets",
        post(tickets::create),
        Operation::new("createTicket", "Get a ticket that opens one WebSocket").gives(
            201,
            "The ticket, shown this once",
            "Ticket",
        ),
    )
}

#[cfg(feature = "socket")]
fn push_routes(api: &Api) -> Vec<Route> {
    vec![
        on(
            Method::GET,
            "/jobs/{id}/events",
            get(events::events),
            Operation::new("jobEvents", "A job's events as Server-Sent Events")
                .with(&["after", "Last-Event-ID"])
                .gives_text("text/event-stream")
                .gives_nothing(204, "The job has ended, and you have its last event"),
        ),
        on(
            Method::GET,
            "/ws",
            get(socket::socket),
            Operation::new("socket", "The WebSocket: subscribe to any number of jobs")
                .with(socket::parameters(api))
                .gives_nothing(101, "The connection is a WebSocket now"),
        ),
    ]
}
