//! Every port as a mock, for tests of failures that a real part won't produce on demand.

use super::{
    MockCollectionRepo, MockConnectionRegistry, MockImageModel, MockImageStore, MockIntegrity, MockJobRepo,
    MockLinkSigner, MockMetadataRepo, MockNotifier, MockPictureSigner, MockWorkflow, Models, PictureSigner,
    Ports,
};
use crate::domain::ModelCard;
use std::sync::Arc;

/// A mock of every port. A call that a test did not expect panics, and so fails the test.
#[derive(Debug)]
#[expect(missing_docs, reason = "one mock per port, each under the port's own name")]
pub struct MockPorts {
    pub model: MockImageModel,
    pub images: MockImageStore,
    pub metadata: MockMetadataRepo,
    pub collections: MockCollectionRepo,
    pub jobs: MockJobRepo,
    pub connections: MockConnectionRegistry,
    pub notifier: MockNotifier,
    pub workflow: MockWorkflow,
    pub integrity: MockIntegrity,
    pub links: MockLinkSigner,
    pub signer: Option<MockPictureSigner>,
}

impl MockPorts {
    /// Mocks that expect nothing but the question which model this is.
    pub fn new(card: ModelCard) -> Self {
        let mut model = MockImageModel::new();
        model.expect_card().return_const(card);
        Self {
            model,
            images: MockImageStore::new(),
            metadata: MockMetadataRepo::new(),
            collections: MockCollectionRepo::new(),
            jobs: MockJobRepo::new(),
            connections: MockConnectionRegistry::new(),
            notifier: MockNotifier::new(),
            workflow: MockWorkflow::new(),
            integrity: MockIntegrity::new(),
            links: MockLinkSigner::new(),
            signer: None,
        }
    }

    /// The ports for the use case under test.
    pub fn into_ports(self) -> Ports {
        Ports {
            models: Models::new(Arc::new(self.model)),
            images: Arc::new(self.images),
            metadata: Arc::new(self.metadata),
            collections: Arc::new(self.collections),
            jobs: Arc::new(self.jobs),
            connections: Arc::new(self.connections),
            notifier: Arc::new(self.notifier),
            workflow: Arc::new(self.workflow),
            integrity: Arc::new(self.integrity),
            links: Arc::new(self.links),
            signer: self.signer.map(|signer| Arc::new(signer) as Arc<dyn PictureSigner>),
        }
    }
}
