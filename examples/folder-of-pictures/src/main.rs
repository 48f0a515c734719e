//! A front end of one's own: reads prompts from a text file, one a line, and leaves a picture of each in a folder.
//!
//! `cargo run --release -p folder-of-pictures -- prompts.txt pictures`
//!
//! What it gets from the core: checked requests, durable jobs (stop it and start it again: it goes on where it was),
//! every wrong prompt named, pictures stored once.

use std::{env, error::Error, fs, path::Path, sync::Arc};
use tintype_core::domain::{Clock, Entropy, GenerateInput, IdempotencyKey, JobStatus, OwnerId};
use tintype_core::ports::{Models, Ports};
use tintype_core::use_cases::{Sources, Submit, find_job, submit};
use tintype_diffusion::{DiffusionModel, Settings};
use tintype_local::{
    DataFolder, Database, FileImageStore, LocalWorkflow, PathLinkSigner, SqliteCollectionRepo,
    SqliteIntegrity, SqliteJobRepo, SqliteMetadataRepo, SystemClock, WorkflowSettings,
};
use tintype_memory::{ChannelNotifier, MemoryConnections};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "it tells what it did")]
async fn main() -> Outcome {
    let [prompts, folder] = &env::args().skip(1).collect::<Vec<_>>()[..] else {
        return Err("usage: folder-of-pictures PROMPTS.txt FOLDER".into());
    };
    let folder = Path::new(folder);
    let (ports, workflow) = compose(folder)?;
    let owner = OwnerId::local();
    let mut accepted = Vec::new();
    let prompts = fs::read_to_string(prompts)?;
    for (number, prompt) in prompts.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let input = GenerateInput { prompt: Some(prompt.to_owned()), ..GenerateInput::default() };
        // The same line of the same file again is the same job.
        let key = Some(format!("line:{number}").parse::<IdempotencyKey>()?);
        let wish = Submit { owner: owner.clone(), input, sources: Sources::default(), key };
        accepted.push(submit(&ports, wish, SystemClock.now(), &entropy()?).await?.job.id);
    }
    while workflow.run_next(&ports).await?.is_some() {}
    for id in accepted {
        let (job, _) = find_job(&ports, &owner, &id, SystemClock.now()).await?;
        let prompt = job.request.prompt.as_str();
        match (job.status, job.images.first()) {
            (JobStatus::Succeeded, Some(image)) => {
                let name = format!("{}.{}", prompt.replace([' ', '/'], "-"), image.content_type.extension());
                fs::write(folder.join(&name), ports.images.get(&image.sha256).await?)?;
                println!("{prompt}: {}", folder.join(name).display());
            }
            (status, _) => println!("{prompt}: {} {:?}", status.name(), job.error),
        }
    }
    Ok(())
}

fn compose(folder: &Path) -> Outcome<(Ports, Arc<LocalWorkflow>)> {
    let data = DataFolder::open(&folder.join(".tintype"))?;
    let database = Database::open(&data)?;
    let clock = Arc::new(SystemClock);
    let workflow = Arc::new(LocalWorkflow::new(database.clone(), WorkflowSettings::default(), clock));
    let ports = Ports {
        models: Models::new(Arc::new(DiffusionModel::embedded(Settings::small())?)),
        images: Arc::new(FileImageStore::open(&data)?),
        metadata: Arc::new(SqliteMetadataRepo::new(database.clone())),
        collections: Arc::new(SqliteCollectionRepo::new(database.clone())),
        integrity: Arc::new(SqliteIntegrity::new(database.clone())),
        jobs: Arc::new(SqliteJobRepo::new(database)),
        connections: Arc::new(MemoryConnections::default()),
        notifier: Arc::new(ChannelNotifier::default()),
        workflow: Arc::clone(&workflow) as _,
        links: Arc::new(PathLinkSigner),
        signer: None,
    };
    Ok((ports, workflow))
}

#[expect(clippy::disallowed_methods, reason = "an entry draws the randomness")]
fn entropy() -> Outcome<Entropy> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(Entropy(bytes))
}
