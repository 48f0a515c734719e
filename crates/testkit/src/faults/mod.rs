//! Wrappers that make a port fail on demand. A [`FaultPlan`] says which calls fail and how; [`Faulty`] wraps one port,
//! [`wrap`] all of them. Everything a plan decides follows from its seed and the number of the call.

mod collection_repo;
mod connection_registry;
mod credential_repo;
mod embedder;
mod image_model;
mod image_store;
mod integrity;
mod job_repo;
mod link_signer;
mod metadata_repo;
mod notifier;
mod picture_signer;
mod plan;
mod text_embedder;
mod variant_cache;
mod vector_index;
mod workflow;

pub use plan::{Fault, FaultPlan, When};

use std::{fmt, sync::Arc};
use tintype_core::{
    error::PortResult,
    ports::{ImageModel, Models, PictureSigner, Ports},
};

/// A port whose calls go through a plan. Implements the port it wraps: `Faulty<dyn ImageStore>` is an `ImageStore`.
pub struct Faulty<P: ?Sized> {
    inner: Arc<P>,
    plan: FaultPlan,
}

impl<P: ?Sized> Faulty<P> {
    /// Wraps `inner`; wrappers may share one plan.
    pub fn new(inner: Arc<P>, plan: &FaultPlan) -> Self {
        Self { inner, plan: plan.clone() }
    }

    /// Makes one call, as the plan wants it. `operation` names it as errors do: `ImageStore::get`.
    async fn call<T>(
        &self,
        operation: &'static str,
        call: impl Future<Output = PortResult<T>>,
    ) -> PortResult<T> {
        match self.plan.next(operation) {
            None => call.await,
            Some(Fault::FailBefore(kind)) => Err(plan::failure(kind, operation)),
            Some(Fault::FailAfter(kind)) => {
                call.await?;
                Err(plan::failure(kind, operation))
            }
            Some(Fault::Delay(time)) => {
                tokio::time::sleep(time).await;
                call.await
            }
            Some(Fault::HangBefore) => self.plan.hang().await,
            Some(Fault::HangAfter) => {
                drop(call.await);
                self.plan.hang().await
            }
        }
    }
}

impl<P: ?Sized + fmt::Debug> fmt::Debug for Faulty<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Faulty").field(&self.inner).finish()
    }
}

/// Wraps every port of [`Ports`].
pub fn wrap(ports: Ports, plan: &FaultPlan) -> Ports {
    Ports {
        models: wrap_models(&ports.models, plan),
        images: Arc::new(Faulty::new(ports.images, plan)),
        metadata: Arc::new(Faulty::new(ports.metadata, plan)),
        collections: Arc::new(Faulty::new(ports.collections, plan)),
        jobs: Arc::new(Faulty::new(ports.jobs, plan)),
        connections: Arc::new(Faulty::new(ports.connections, plan)),
        notifier: Arc::new(Faulty::new(ports.notifier, plan)),
        workflow: Arc::new(Faulty::new(ports.workflow, plan)),
        integrity: Arc::new(Faulty::new(ports.integrity, plan)),
        links: Arc::new(Faulty::new(ports.links, plan)),
        signer: ports.signer.map(|signer| Arc::new(Faulty::new(signer, plan)) as Arc<dyn PictureSigner>),
    }
}

fn wrap_models(models: &Models, plan: &FaultPlan) -> Models {
    let wrapped = |name| -> Arc<dyn ImageModel> {
        let model = models.get(name).expect("a model has a card and a card a model");
        Arc::new(Faulty::new(model.clone(), plan))
    };
    let default = Models::new(wrapped(models.default_name()));
    models.cards().fold(default, |all, card| all.with(wrapped(&card.name)))
}
