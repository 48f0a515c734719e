//! What the core needs from the outside world. Each trait's doc is its contract; testkit holds one named case per
//! clause. A port and what implements it carry the same file name everywhere.

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
#[cfg(any(test, feature = "mock"))]
mod mocks;
mod notifier;
mod picture_signer;
mod text_embedder;
mod variant_cache;
mod vector_index;
mod workflow;

pub use collection_repo::CollectionRepo;
pub use connection_registry::ConnectionRegistry;
pub use credential_repo::CredentialRepo;
pub use embedder::Embedder;
pub use image_model::{Drawn, DrawnImage, Generated, ImageModel, Preview, SourceBytes};
pub use image_store::{BlobInfo, BlobReader, ImageStore, WholeBlob};
pub use integrity::Integrity;
pub use job_repo::{InsertedJob, JobRepo, PurgedJobs};
pub use link_signer::{LinkSigner, LinkTarget};
pub use metadata_repo::{InsertedImage, MetadataRepo};
pub use notifier::{Delivery, Notifier};
pub use picture_signer::PictureSigner;
pub use text_embedder::TextEmbedder;
pub use variant_cache::VariantCache;
pub use vector_index::VectorIndex;
pub use workflow::{Place, QueueCounts, Workflow};

#[cfg(any(test, feature = "mock"))]
pub use {
    collection_repo::MockCollectionRepo, connection_registry::MockConnectionRegistry,
    credential_repo::MockCredentialRepo, embedder::MockEmbedder, image_model::MockImageModel,
    image_store::MockImageStore, integrity::MockIntegrity, job_repo::MockJobRepo,
    link_signer::MockLinkSigner, metadata_repo::MockMetadataRepo, mocks::MockPorts, notifier::MockNotifier,
    picture_signer::MockPictureSigner, text_embedder::MockTextEmbedder, variant_cache::MockVariantCache,
    vector_index::MockVectorIndex, workflow::MockWorkflow,
};

use crate::domain::{ModelCard, ModelName};
use std::{collections::BTreeMap, sync::Arc};

/// Every port a use case may need; an entry builds it once.
#[derive(Clone, Debug)]
pub struct Ports {
    /// The models, and which is the default.
    pub models: Models,
    /// See [`ImageStore`].
    pub images: Arc<dyn ImageStore>,
    /// See [`MetadataRepo`].
    pub metadata: Arc<dyn MetadataRepo>,
    /// See [`CollectionRepo`].
    pub collections: Arc<dyn CollectionRepo>,
    /// See [`JobRepo`].
    pub jobs: Arc<dyn JobRepo>,
    /// See [`ConnectionRegistry`].
    pub connections: Arc<dyn ConnectionRegistry>,
    /// See [`Notifier`].
    pub notifier: Arc<dyn Notifier>,
    /// See [`Workflow`].
    pub workflow: Arc<dyn Workflow>,
    /// See [`Integrity`].
    pub integrity: Arc<dyn Integrity>,
    /// See [`LinkSigner`].
    pub links: Arc<dyn LinkSigner>,
    /// See [`PictureSigner`]; `None`: pictures are not signed.
    pub signer: Option<Arc<dyn PictureSigner>>,
}

/// The models of one deployment, by name.
#[derive(Clone, Debug)]
pub struct Models {
    default: ModelName,
    by_name: BTreeMap<ModelName, Arc<dyn ImageModel>>,
}

impl Models {
    /// The models of a deployment that has at least `default`.
    pub fn new(default: Arc<dyn ImageModel>) -> Self {
        let name = default.card().name.clone();
        Self { default: name.clone(), by_name: BTreeMap::from([(name, default)]) }
    }

    /// No model: for an entry that neither takes requests nor draws. A request here would be refused.
    pub fn none() -> Self {
        Self { default: ModelName::none(), by_name: BTreeMap::new() }
    }

    /// Adds a model; one of the same name is replaced.
    #[must_use]
    pub fn with(mut self, model: Arc<dyn ImageModel>) -> Self {
        self.by_name.insert(model.card().name.clone(), model);
        self
    }

    /// The model of this name; `None` if there is none.
    pub fn get(&self, name: &ModelName) -> Option<&Arc<dyn ImageModel>> {
        self.by_name.get(name)
    }

    /// The name of the model that is used where a request names none.
    pub const fn default_name(&self) -> &ModelName {
        &self.default
    }

    /// Every model's card, by name.
    pub fn cards(&self) -> impl Iterator<Item = &ModelCard> {
        self.by_name.values().map(|model| model.card())
    }
}
