//! The engine against diffusers with PyTorch: the same weights, steps, guidance and number of threads.

use crate::Outcome;
use crate::report::{Report, Target, median};
use futures_util::StreamExt;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::Command;
use std::time::Instant;
use tintype_core::domain::{GenerateInput, GenerationRequest, Seed, SourceInput};
use tintype_core::ports::{Generated, ImageModel};
use tintype_diffusion::{DiffusionModel, Settings};

const STEPS: i64 = 20;
const ROUNDS: usize = 5;
const THREADS: usize = 1;

pub(crate) async fn measure(report: &mut Report, python: Option<&Path>) -> Outcome {
    let threads = NonZeroUsize::new(THREADS).ok_or("no threads")?;
    let model = DiffusionModel::embedded(Settings { threads, preview_every: 0, ..Settings::small() })?;
    let what = format!("{STEPS} steps with guidance and decoding, {THREADS} thread");
    draw(&model).await?;
    let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(draw(&model).await?);
        if let Some(python) = python {
            theirs.push(reference(python)?);
        }
    }
    let measured = format!("{:.0} ms", median(&ours));
    if theirs.is_empty() {
        report.note(&format!("the engine, {what} (no --python to hold it against)"), measured);
        return Ok(());
    }
    ratios.extend(theirs.iter().zip(&ours).map(|(their, our)| their / our));
    let floor = format!("PyTorch {:.0} ms", median(&theirs));
    report.ratio(
        &format!("the engine's speed, {what}"),
        measured,
        floor,
        median(&ratios),
        Target::AtLeast(0.75),
    );
    Ok(())
}

/// Milliseconds from the request to the encoded picture.
async fn draw(model: &DiffusionModel) -> Outcome<f64> {
    let input = GenerateInput {
        prompt: Some("red heart".to_owned()),
        steps: Some(STEPS),
        ..GenerateInput::default()
    };
    let request = GenerationRequest::resolve(&input, SourceInput::default(), model.card(), Seed(1))?;
    let started = Instant::now();
    let mut drawn = model.generate(&request, None).await?;
    while let Some(generated) = drawn.next().await {
        if let Generated::Image(_) = generated? {
            return Ok(started.elapsed().as_secs_f64() * 1e3);
        }
    }
    Err("the model gave no picture".into())
}

/// Milliseconds diffusers takes for the same, as its script says.
fn reference(python: &Path) -> Outcome<f64> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let output = Command::new(python)
        .arg(root.join("crates/diffusion/reference/speed.py"))
        .arg(root.join("models/tintype-icons"))
        .args(["--steps", &STEPS.to_string(), "--threads", &THREADS.to_string()])
        .output()?;
    if !output.status.success() {
        return Err(format!("the reference failed: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    Ok(answer["median"].as_f64().ok_or("the reference printed no median")?)
}
