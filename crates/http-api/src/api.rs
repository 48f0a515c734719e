//! What the routes need to answer: the ports, the clock, the keys. An entry builds it once.

use crate::{
    access::Access,
    gates::Gates,
    memory::AnswerMemory,
    metrics::Metrics,
    page::PageFile,
    public_links::PublicLinks,
    security::Allowed,
    space::{Space, SpaceSource},
    wrong_keys::WrongKeys,
};
use bytes::Bytes;
use std::{
    fmt,
    sync::{Arc, OnceLock},
};
use tintype_core::{
    domain::{Clock, CursorCodec, Entropy, Timestamp, limits},
    imaging::ImageLimits,
    ports::{CredentialRepo, Ports, VariantCache},
    use_cases::{Alike, Meaning},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

#[cfg(feature = "socket")]
use crate::{socket::SocketSettings, socket_hub::SocketHub};

/// Draws fresh random bytes; an entry hands in the operating system's.
pub type EntropySource = Arc<dyn Fn() -> Entropy + Send + Sync>;

/// Everything the routes need.
#[derive(Clone)]
pub struct Api {
    pub(crate) ports: Ports,
    pub(crate) clock: Arc<dyn Clock>,
    entropy: EntropySource,
    pub(crate) cursors: CursorCodec,
    pub(crate) access: Access,
    pub(crate) credentials: Option<Arc<dyn CredentialRepo>>,
    pub(crate) allowed: Allowed,
    pub(crate) page: Vec<PageFile>,
    pub(crate) commit: Option<String>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) tasks: TaskTracker,
    pub(crate) gates: Gates,
    pub(crate) memory: AnswerMemory,
    pub(crate) wrong_keys: WrongKeys,
    /// `/openapi.json`, once it was asked for.
    pub(crate) document: OnceLock<Bytes>,
    /// `/docs`, once it was asked for.
    #[cfg(feature = "docs")]
    pub(crate) documentation: OnceLock<Bytes>,
    pub(crate) image_limits: ImageLimits,
    /// The most bytes of a picture in one answer; `None` for any number.
    pub(crate) redirect_over: Option<u64>,
    /// Where clients find the API's root, without a slash at the end; empty for the host's own root.
    pub(crate) public_url: String,
    pub(crate) variants: Option<Arc<dyn VariantCache>>,
    pub(crate) alike: Option<Alike>,
    pub(crate) meaning: Option<Meaning>,
    pub(crate) metrics: Metrics,
    pub(crate) space: Option<SpaceSource>,
    #[cfg(feature = "socket")]
    pub(crate) hub: Option<Arc<SocketHub>>,
    #[cfg(feature = "socket")]
    pub(crate) socket_settings: SocketSettings,
}

impl Api {
    /// The API over these ports, for those whom `access` lets in. The gallery, extra hosts and the like are added
    /// by the methods below.
    pub fn new(
        ports: Ports,
        clock: Arc<dyn Clock>,
        entropy: EntropySource,
        cursors: CursorCodec,
        access: Access,
    ) -> Self {
        Self {
            ports,
            clock,
            entropy,
            cursors,
            access,
            credentials: None,
            allowed: Allowed::default(),
            page: Vec::new(),
            commit: None,
            shutdown: CancellationToken::new(),
            tasks: TaskTracker::new(),
            gates: Gates::default(),
            memory: AnswerMemory::default(),
            wrong_keys: WrongKeys::default(),
            document: OnceLock::new(),
            #[cfg(feature = "docs")]
            documentation: OnceLock::new(),
            image_limits: limits::IMAGES,
            redirect_over: None,
            public_url: String::new(),
            variants: None,
            alike: None,
            meaning: None,
            metrics: Metrics::default(),
            space: None,
            #[cfg(feature = "socket")]
            hub: None,
            #[cfg(feature = "socket")]
            socket_settings: SocketSettings::default(),
        }
    }

    /// Adds `/ws` and `/jobs/{id}/events`. `hub` is the [`Notifier`](tintype_core::ports::Notifier) among the ports.
    #[cfg(feature = "socket")]
    #[must_use]
    pub fn with_hub(mut self, hub: Arc<SocketHub>) -> Self {
        self.hub = Some(hub);
        self
    }

    /// Adds `POST /tickets`, whose tickets `/ws` takes in place of a key. The store may hold API keys too; they are not
    /// looked at here.
    #[must_use]
    pub fn with_credentials(mut self, credentials: Arc<dyn CredentialRepo>) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Changes the time limits of WebSockets and event streams.
    #[cfg(feature = "socket")]
    #[must_use]
    pub const fn with_socket_settings(mut self, settings: SocketSettings) -> Self {
        self.socket_settings = settings;
        self
    }

    /// Adds the gallery: `index.html` is served at `/`, `assets/...` below `/assets/`.
    #[must_use]
    pub fn with_page(mut self, files: Vec<PageFile>) -> Self {
        self.page = files;
        self
    }

    /// Takes requests for further hosts and from further origins.
    #[must_use]
    pub fn with_allowed(mut self, allowed: Allowed) -> Self {
        self.allowed = allowed;
        self
    }

    /// Takes images within other limits than the default ones.
    #[must_use]
    pub const fn with_image_limits(mut self, limits: ImageLimits) -> Self {
        self.image_limits = limits;
        self
    }

    /// Answers for a stored picture of more than `bytes` with its link, for an entry whose answers are bounded. The link
    /// must lead elsewhere. One made anew that comes out larger is refused: the client is to ask for a smaller one.
    #[must_use]
    pub const fn with_redirect_over(mut self, bytes: u64) -> Self {
        self.redirect_over = Some(bytes);
        self
    }

    /// Gives every URL of its own below `url`, as in `https://example.com/v1`: for an API that clients do not find at its
    /// host's root. Without this they are paths of the host. Set it once, after the ports.
    #[must_use]
    pub fn with_public_url(mut self, url: &str) -> Self {
        url.trim_end_matches('/').clone_into(&mut self.public_url);
        self.ports.links = Arc::new(PublicLinks::new(self.ports.links, &self.public_url));
        self
    }

    /// Keeps pictures in other sizes and encodings once they are made. Without, each request makes them anew.
    #[must_use]
    pub fn with_variants(mut self, variants: Arc<dyn VariantCache>) -> Self {
        self.variants = Some(variants);
        self
    }

    /// Adds `/images/{id}/similar`.
    #[must_use]
    pub fn with_alike(mut self, alike: Alike) -> Self {
        self.alike = Some(alike);
        self
    }

    /// Adds `/images/by-meaning`.
    #[must_use]
    pub fn with_meaning(mut self, meaning: Meaning) -> Self {
        self.meaning = Some(meaning);
        self
    }

    /// Counts in `metrics`, which other parts of the server share. Before [`with_space`](Self::with_space).
    #[must_use]
    pub fn with_metrics(mut self, metrics: Metrics) -> Self {
        self.metrics = metrics;
        self
    }

    /// Has `/readyz` and `/metrics` tell the room there is for further data. `source` is asked off the async threads.
    #[must_use]
    pub fn with_space(mut self, source: SpaceSource) -> Self {
        self.metrics.register_space();
        self.space = Some(source);
        self
    }

    /// The room there is now; `None` where nobody measures it.
    pub(crate) async fn measured_space(&self) -> Option<Space> {
        let source = self.space.clone()?;
        tokio::task::spawn_blocking(move || source()).await.ok()
    }

    /// Names the commit this program was built from; shown by `/version`.
    #[must_use]
    pub fn with_commit(mut self, commit: impl Into<String>) -> Self {
        self.commit = Some(commit.into());
        self
    }

    /// The token that, once cancelled, ends event streams and WebSockets and makes `/readyz` say so.
    #[must_use]
    pub fn with_shutdown(mut self, shutdown: CancellationToken) -> Self {
        self.shutdown = shutdown;
        self
    }

    /// The tasks of the open WebSockets; [`serve`](crate::server::serve) waits for them.
    pub fn tasks(&self) -> TaskTracker {
        self.tasks.clone()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn entropy(&self) -> Entropy {
        (self.entropy)()
    }
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("access", &self.access).finish_non_exhaustive()
    }
}
