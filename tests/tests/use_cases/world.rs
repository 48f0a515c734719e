//! A deployment in memory, and short words for what the cases do with it.

use std::time::Duration;
use tintype_core::{
    Error,
    domain::{
        Clock, Connection, CursorCodec, GenerateInput, ImageEdit, Job, JobId, JobStatus, OwnerId, SavedImage,
        Seq, Timestamp, limits,
    },
    use_cases::{
        self, ImageListing, OrphanSweep, Save, SaveFrom, Saved, Sources, Submit, Submitted, Subscribe, Swept,
        find_job, find_picture, save_image, submit, subscribe,
    },
    views::Message,
};
use tintype_memory::{Inbox, Memory};

/// A [`Memory`] and the secret of its cursors.
pub(crate) struct World {
    pub(crate) memory: Memory,
    pub(crate) codec: CursorCodec,
}

pub(crate) fn owner(name: &str) -> OwnerId {
    name.parse().unwrap()
}

pub(crate) fn alice() -> OwnerId {
    owner("alice")
}

pub(crate) fn mallory() -> OwnerId {
    owner("mallory")
}

/// A request for this prompt.
pub(crate) fn input(prompt: &str) -> GenerateInput {
    GenerateInput { prompt: Some(prompt.to_owned()), ..GenerateInput::default() }
}

impl World {
    pub(crate) fn new() -> Self {
        Self { memory: Memory::new(), codec: CursorCodec::new([7; 32]) }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.memory.clock.now()
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.memory.clock.pass(time);
    }

    /// Alice's job for `input`, accepted.
    pub(crate) async fn accepted(&self, input: GenerateInput) -> Job {
        self.submit(alice(), input, None).await.unwrap().job
    }

    pub(crate) async fn submit(
        &self,
        owner: OwnerId,
        input: GenerateInput,
        key: Option<&str>,
    ) -> Result<Submitted, Error> {
        let key = key.map(|key| key.parse().unwrap());
        let command = Submit { owner, input, sources: Sources::default(), key };
        submit(&self.memory.ports(), command, self.now(), &self.memory.entropy()).await
    }

    /// Alice's job for `input`, drawn.
    pub(crate) async fn drawn(&self, input: GenerateInput) -> Job {
        let job = self.accepted(input).await;
        self.memory.run_all().await.unwrap();
        let job = self.job(&job.id).await;
        assert_eq!(job.status, JobStatus::Succeeded);
        job
    }

    /// Alice's job as it is now.
    pub(crate) async fn job(&self, id: &JobId) -> Job {
        find_job(&self.memory.ports(), &alice(), id, self.now()).await.unwrap().0
    }

    /// Keeps the first picture of the owner's job.
    pub(crate) async fn save(&self, owner: &OwnerId, job: &Job) -> Result<Saved, Error> {
        let from = SaveFrom::Job { id: job.id, index: 0 };
        let draft =
            find_picture(&self.memory.ports(), owner, from, self.now()).await?.looked_at(&limits::IMAGES);
        let save = Save { owner: owner.clone(), draft, edit: ImageEdit::default() };
        save_image(&self.memory.ports(), save, self.now(), &self.memory.entropy()).await
    }

    /// Alice's picture of this prompt, drawn and kept.
    pub(crate) async fn saved(&self, prompt: &str) -> SavedImage {
        let job = self.drawn(input(prompt)).await;
        self.save(&alice(), &job).await.unwrap().image
    }

    /// Opens a connection of the owner.
    pub(crate) async fn connect(&self, owner: &OwnerId) -> (Connection, Inbox) {
        let inbox = self.memory.notifier.connect();
        let expires_at = self.now().after(limits::CONNECTION_LIFE);
        let connection = Connection { id: inbox.id().clone(), owner: owner.clone(), expires_at };
        self.memory.ports().connections.connect(&connection).await.unwrap();
        (connection, inbox)
    }

    pub(crate) async fn subscribe(
        &self,
        connection: &Connection,
        job_id: JobId,
        after: u64,
    ) -> Result<(), Error> {
        let wish = Subscribe { connection: connection.clone(), job_id, after: Seq(after), inline: false };
        subscribe(&self.memory.ports(), wish, self.now()).await
    }

    /// A connection of Alice's that listens to the job from the start.
    pub(crate) async fn listener(&self, job: &Job) -> Inbox {
        let (connection, inbox) = self.connect(&alice()).await;
        self.subscribe(&connection, job.id, 0).await.unwrap();
        inbox
    }

    /// Every image on a page of Alice's library, or of her trash.
    pub(crate) async fn listed(&self, trashed: bool) -> Vec<SavedImage> {
        let listing = ImageListing { trashed, ..ImageListing::default() };
        let ports = self.memory.ports();
        use_cases::list_images(&ports, &self.codec, &alice(), &listing, self.now()).await.unwrap().items
    }

    pub(crate) async fn sweep(&self) -> Swept {
        let (swept, outcome) = use_cases::sweep(&self.memory.ports(), self.now()).await;
        outcome.unwrap();
        swept
    }

    /// Looks at every blob, and moves orphans into quarantine.
    pub(crate) async fn sweep_orphans(&self) -> OrphanSweep {
        use_cases::sweep_orphans(&self.memory.ports(), None, u32::MAX, self.now()).await.unwrap()
    }

    /// Whether the bytes of this image are in the store.
    pub(crate) async fn has_bytes(&self, image: &SavedImage) -> bool {
        self.memory.ports().images.find(&image.sha256).await.unwrap().is_some()
    }
}

/// The types of the messages that are in a job's log.
pub(crate) fn logged(messages: &[Message]) -> Vec<&'static str> {
    messages.iter().filter(|message| message.seq.is_some()).map(|message| message.kind).collect()
}

/// The numbers of the messages that are in a job's log.
pub(crate) fn numbers(messages: &[Message]) -> Vec<u64> {
    messages.iter().filter_map(|message| message.seq).map(|seq| seq.0).collect()
}
