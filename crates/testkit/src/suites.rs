//! Runs the cases of the ports an adapter brings: each on a fresh port, in its own runtime, for a limited time.

use crate::{
    collection_repo, connection_registry, credential_repo, embedder, image_model, image_store, integrity,
    job_repo, link_signer, metadata_repo, notifier, picture_signer,
    stub_model::StubModel,
    text_embedder, variant_cache, vector_index,
    workflow::{self, WorkflowFixture},
};
use futures_util::{FutureExt, future::BoxFuture};
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use std::{
    any::Any, collections::BTreeMap, fmt, future::Future, process::ExitCode, sync::Arc, time::Duration,
};
use tintype_core::ports::{
    CollectionRepo, ConnectionRegistry, CredentialRepo, Embedder, ImageStore, JobRepo, LinkSigner,
    MetadataRepo, Models, PictureSigner, TextEmbedder,
};

/// A case that takes longer than this hangs.
const CASE_TIME: Duration = Duration::from_secs(60);

/// A port, or a suite's fixture, that shares no data with any other, and what must live as long as it.
pub struct Fresh<T> {
    value: T,
    kept: Vec<Box<dyn Any + Send>>,
}

impl<T> Fresh<T> {
    /// Just this.
    pub const fn new(value: T) -> Self {
        Self { value, kept: Vec::new() }
    }

    /// Keeps `guard`, such as a temporary folder, until the case is over.
    #[must_use]
    pub fn keeping(mut self, guard: impl Any + Send) -> Self {
        self.kept.push(Box::new(guard));
        self
    }

    fn map<U>(self, change: impl FnOnce(T) -> U) -> Fresh<U> {
        Fresh { value: change(self.value), kept: self.kept }
    }
}

/// A factory may give a port of its own type.
macro_rules! fresh_from {
    ($($port:ident),*) => {$(
        impl<T: $port> From<Fresh<Arc<T>>> for Fresh<Arc<dyn $port>> {
            fn from(fresh: Fresh<Arc<T>>) -> Self {
                fresh.map(|port| port as Arc<dyn $port>)
            }
        }
    )*};
}
fresh_from!(
    CollectionRepo,
    ConnectionRegistry,
    CredentialRepo,
    Embedder,
    ImageStore,
    JobRepo,
    LinkSigner,
    MetadataRepo,
    PictureSigner,
    TextEmbedder
);

impl<T: WorkflowFixture> From<Fresh<Box<T>>> for Fresh<Box<dyn WorkflowFixture>> {
    fn from(fresh: Fresh<Box<T>>) -> Self {
        fresh.map(|fixture| fixture as Box<dyn WorkflowFixture>)
    }
}

impl<T> fmt::Debug for Fresh<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fresh({} kept)", self.kept.len())
    }
}

/// A port that has a suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Port {
    /// [`CollectionRepo`]
    CollectionRepo,
    /// [`ConnectionRegistry`]
    ConnectionRegistry,
    /// [`CredentialRepo`]
    CredentialRepo,
    /// [`Embedder`]
    Embedder,
    /// [`ImageModel`](tintype_core::ports::ImageModel)
    ImageModel,
    /// [`ImageStore`]
    ImageStore,
    /// [`Integrity`](tintype_core::ports::Integrity)
    Integrity,
    /// [`JobRepo`]
    JobRepo,
    /// [`LinkSigner`]
    LinkSigner,
    /// [`MetadataRepo`]
    MetadataRepo,
    /// [`Notifier`](tintype_core::ports::Notifier)
    Notifier,
    /// [`PictureSigner`]
    PictureSigner,
    /// [`TextEmbedder`]
    TextEmbedder,
    /// [`VariantCache`](tintype_core::ports::VariantCache)
    VariantCache,
    /// [`VectorIndex`](tintype_core::ports::VectorIndex)
    VectorIndex,
    /// [`Workflow`](tintype_core::ports::Workflow)
    Workflow,
}

impl Port {
    /// The port's name in trial names: that of its file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CollectionRepo => "collection_repo",
            Self::ConnectionRegistry => "connection_registry",
            Self::CredentialRepo => "credential_repo",
            Self::Embedder => "embedder",
            Self::ImageModel => "image_model",
            Self::ImageStore => "image_store",
            Self::Integrity => "integrity",
            Self::JobRepo => "job_repo",
            Self::LinkSigner => "link_signer",
            Self::MetadataRepo => "metadata_repo",
            Self::Notifier => "notifier",
            Self::PictureSigner => "picture_signer",
            Self::TextEmbedder => "text_embedder",
            Self::VariantCache => "variant_cache",
            Self::VectorIndex => "vector_index",
            Self::Workflow => "workflow",
        }
    }

    fn case_names(self) -> Vec<&'static str> {
        fn names<T>(cases: &[Case<T>]) -> Vec<&'static str> {
            cases.iter().map(|case| case.name).collect()
        }
        match self {
            Self::CollectionRepo => names(collection_repo::CASES),
            Self::ConnectionRegistry => names(connection_registry::CASES),
            Self::CredentialRepo => names(credential_repo::CASES),
            Self::Embedder => names(embedder::CASES),
            Self::ImageModel => names(image_model::CASES),
            Self::ImageStore => [names(image_store::CASES), names(image_store::CORRUPTION_CASES)].concat(),
            Self::Integrity => names(integrity::CASES),
            Self::JobRepo => job_repo::CASES.iter().flat_map(|cases| names(cases)).collect(),
            Self::LinkSigner => names(link_signer::CASES),
            Self::MetadataRepo => metadata_repo::ALL_CASES.iter().flat_map(|cases| names(cases)).collect(),
            Self::Notifier => names(notifier::CASES),
            Self::PictureSigner => names(picture_signer::CASES),
            Self::TextEmbedder => names(text_embedder::CASES),
            Self::VariantCache => names(variant_cache::CASES),
            Self::VectorIndex => names(vector_index::CASES),
            Self::Workflow => names(workflow::CASES),
        }
    }
}

/// How a case that did not fail ended.
pub(crate) enum Verdict {
    /// The port keeps its word.
    Passed,
    /// The fixture does not bring what the case needs.
    Ignored(&'static str),
}

impl From<()> for Verdict {
    fn from((): ()) -> Self {
        Self::Passed
    }
}

/// One clause of a port's contract.
pub(crate) struct Case<T> {
    pub(crate) name: &'static str,
    pub(crate) run: fn(T) -> BoxFuture<'static, Verdict>,
}

/// Lists the cases of a file as `CASES`; one left off the list fails the lint for unused code.
macro_rules! cases {
    ($list:ident of $fixture:ty: $($case:ident),* $(,)?) => {
        pub(crate) const $list: &[crate::suites::Case<$fixture>] = &[$(crate::suites::Case {
            name: stringify!($case),
            run: |fixture| Box::pin(async move { crate::suites::Verdict::from($case(fixture).await) }),
        }),*];
    };
}
pub(crate) use cases;

type Runner = Box<dyn FnOnce() -> Result<Completion, Failed> + Send>;

/// The suites an adapter runs.
pub struct Suites {
    backend: String,
    trials: BTreeMap<String, Runner>,
    skipped: BTreeMap<String, String>,
}

impl fmt::Debug for Suites {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Suites").field("backend", &self.backend).field("trials", &self.trials.len()).finish()
    }
}

impl Suites {
    /// No suites yet, of the adapter that reports call `backend`.
    pub fn new(backend: impl Into<String>) -> Self {
        Self { backend: backend.into(), trials: BTreeMap::new(), skipped: BTreeMap::new() }
    }

    /// Runs the cases of [`CollectionRepo`].
    #[must_use]
    pub fn collection_repo<F, R>(self, fresh: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output: Into<Fresh<Arc<dyn CollectionRepo>>>> + Send + 'static,
    {
        self.with(Port::CollectionRepo, collection_repo::CASES, fresh)
    }

    /// Runs the cases of [`ConnectionRegistry`].
    #[must_use]
    pub fn connection_registry<F, R>(self, fresh: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output: Into<Fresh<Arc<dyn ConnectionRegistry>>>> + Send + 'static,
    {
        self.with(Port::ConnectionRegistry, connection_registry::CASES, fresh)
    }

    /// Runs the cases of [`CredentialRepo`].
    #[must_use]
    pub fn credential_repo<F, R>(self, fresh: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output: Into<Fresh<Arc<dyn CredentialRepo>>>> + Send + 'static,
    {
        self.with(Port::CredentialRepo, credential_repo::CASES, fresh)
    }

    /// Runs the cases of [`Embedder`].
    #[must_use]
    pub fn embedder<F, R>(self, fresh: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output: Into<Fresh<Arc<dyn Embedder>>>> + Send + 'static,
    {
        self.with(Port::Embedder, embedder::CASES, fresh)
    }

    /// Runs the cases of [`ImageModel`](tintype_core::ports::ImageModel).
    #[must_use]
    pub fn image_model<F, R>(self, fresh: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Fresh<image_model::ModelFixture>> + Send + 'static,
    {
        self.with(Port::ImageModel, image_model::CASES, fresh)
    }

    /// Runs the cases of [`ImageStore`], but for those on corrupted bytes.
    #[must_use]
    pub fn image_store<F, R>(self, fresh: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output: Into<Fresh<Arc<dyn ImageStore>>>> + Send + 'static,
    {
        self.with(Port::ImageStore, image_store::CASES, fresh)
    }

    /// Runs the cases of [`ImageStore`] on corrupted bytes.
    #[must_use]
    pub fn corruptible_image_store<F, R>(self, fresh: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Fresh<image_store::CorruptibleStore>> + Send + 'static,
    {
        self.with(Port::ImageStore, image_store::CORRUPTION_CASES, fresh)
    }

    /// Runs the cases of [`Integrity`](tintype_core::ports::Integrity).
    #[must_use]
    pub fn integrity<F, R>(self, fresh: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Fresh<integrity::IntegrityFixture>> + Send + 'static,
    {
        self.with(Port::Integrity, integrity::CASES, fresh)
    }

    /// Runs the cases of [`JobRepo`].
    #[must_use]
    pub fn job_repo<F, R>(self, fresh: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output: Into<Fresh<Arc<dyn JobRepo>>>> + Send + 'static,
    {
        self.with(Port::JobRepo, job_repo::CASES.iter().copied().flatten(), fresh)
    }

    /// Runs the cases of [`LinkSigner`].
    #[must_use]
    pub fn link_signer<F, R>(self, fresh: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output: Into<Fresh<Arc<dyn LinkSigner>>>> + Send + 'static,
    {
        self.with(Port::LinkSigner, link_signer::CASES, fresh)
    }

    /// Runs the cases of [`MetadataRepo`].
    #[must_use]
    pub fn metadata_repo<F, R>(self, fresh: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output: Into<Fresh<Arc<dyn MetadataRepo>>>> + Send + 'static,
    {
        self.with(Port::MetadataRepo, metadata_repo::ALL_CASES.iter().copied().flatten(), fresh)
    }

    /// Runs the cases of [`Notifier`](tintype_core::ports::Notifier).
    #[must_use]
    pub fn notifier<F, R>(self, fresh: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Fresh<notifier::NotifierFixture>> + Send + 'static,
    {
        self.with(Port::Notifier, notifier::CASES, fresh)
    }

    /// Runs the cases of [`PictureSigner`].
    #[must_use]
    pub fn picture_signer<F, R>(self, fresh: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output: Into<Fresh<Arc<dyn PictureSigner>>>> + Send + 'static,
    {
        self.with(Port::PictureSigner, picture_signer::CASES, fresh)
    }

    /// Runs the cases of [`TextEmbedder`].
    #[must_use]
    pub fn text_embedder<F, R>(self, fresh: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output: Into<Fresh<Arc<dyn TextEmbedder>>>> + Send + 'static,
    {
        self.with(Port::TextEmbedder, text_embedder::CASES, fresh)
    }

    /// Runs the cases of [`VariantCache`](tintype_core::ports::VariantCache).
    #[must_use]
    pub fn variant_cache<F, R>(self, fresh: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Fresh<variant_cache::VariantFixture>> + Send + 'static,
    {
        self.with(Port::VariantCache, variant_cache::CASES, fresh)
    }

    /// Runs the cases of [`VectorIndex`](tintype_core::ports::VectorIndex).
    #[must_use]
    pub fn vector_index<F, R>(self, fresh: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Fresh<vector_index::VectorFixture>> + Send + 'static,
    {
        self.with(Port::VectorIndex, vector_index::CASES, fresh)
    }

    /// Runs the cases of [`Workflow`](tintype_core::ports::Workflow). The factory is given the models its fixture's
    /// ports must have: the cases make them fail or wait.
    #[must_use]
    pub fn workflow<F, R>(self, fresh: F) -> Self
    where
        F: Fn(Models) -> R + Send + Sync + 'static,
        R: Future<Output: Into<Fresh<Box<dyn WorkflowFixture>>>> + Send + 'static,
    {
        self.with(Port::Workflow, workflow::CASES, move || {
            let model = Arc::new(StubModel::default());
            fresh(Models::new(model.clone())).map(|fresh| {
                let fresh: Fresh<Box<dyn WorkflowFixture>> = fresh.into();
                fresh.map(|fixture| workflow::Stage { fixture: fixture.into(), model })
            })
        })
    }

    /// Reports every case of a port as ignored, because of `why`.
    #[must_use]
    pub fn skip(mut self, port: Port, why: impl Into<String>) -> Self {
        let why = why.into();
        for case in port.case_names() {
            self.skipped.insert(format!("{}::{case}", port.name()), why.clone());
        }
        self
    }

    /// Reports one case, such as `workflow::owners_take_turns`, as ignored, because of `why`.
    #[must_use]
    pub fn skip_case(mut self, trial: &'static str, why: impl Into<String>) -> Self {
        self.skipped.insert(trial.to_owned(), why.into());
        self
    }

    /// Runs everything, as the command line asks, and says how it went.
    pub fn run(self) -> ExitCode {
        libtest_mimic::run(&Arguments::from_args(), self.into_trials()).exit_code()
    }

    fn into_trials(mut self) -> Vec<Trial> {
        for (trial, why) in self.skipped {
            let runner: Runner = if is_a_case(&trial) {
                Box::new(|| Ok(Completion::ignored_with(why)))
            } else {
                Box::new(|| Err(Failed::from("is skipped, but there is no such case")))
            };
            self.trials.insert(trial, runner);
        }
        let kind = &self.backend;
        self.trials
            .into_iter()
            .map(|(name, runner)| Trial::ignorable_test(name, runner).with_kind(kind.clone()))
            .collect()
    }

    fn with<T, F, R>(
        mut self,
        port: Port,
        cases: impl IntoIterator<Item = &'static Case<T>>,
        fresh: F,
    ) -> Self
    where
        T: Send + 'static,
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output: Into<Fresh<T>>> + Send + 'static,
    {
        let fresh = Arc::new(fresh);
        for case in cases {
            let fresh = Arc::clone(&fresh);
            let runner = Box::new(move || {
                run_case(async move {
                    let Fresh { value, kept } = fresh().await.into();
                    let verdict = (case.run)(value).await;
                    drop(kept);
                    verdict
                })
            });
            self.trials.insert(format!("{}::{}", port.name(), case.name), runner);
        }
        self
    }
}

fn is_a_case(trial: &str) -> bool {
    const PORTS: [Port; 16] = [
        Port::CollectionRepo,
        Port::ConnectionRegistry,
        Port::CredentialRepo,
        Port::Embedder,
        Port::ImageModel,
        Port::ImageStore,
        Port::Integrity,
        Port::JobRepo,
        Port::LinkSigner,
        Port::MetadataRepo,
        Port::Notifier,
        Port::PictureSigner,
        Port::TextEmbedder,
        Port::VariantCache,
        Port::VectorIndex,
        Port::Workflow,
    ];
    trial.split_once("::").is_some_and(|(port, case)| {
        PORTS.iter().any(|known| known.name() == port && known.case_names().contains(&case))
    })
}

fn run_case(case: impl Future<Output = Verdict>) -> Result<Completion, Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let verdict = runtime.block_on(async { tokio::time::timeout(CASE_TIME, case).await });
    // A task that hangs must not keep the run from ending.
    runtime.shutdown_background();
    match verdict {
        Ok(Verdict::Passed) => Ok(Completion::Completed),
        Ok(Verdict::Ignored(why)) => Ok(Completion::ignored_with(why)),
        Err(_) => Err(Failed::from(format!("hung: not done after {} s", CASE_TIME.as_secs()))),
    }
}
