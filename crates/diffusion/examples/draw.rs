//! Draws one picture and tells how long it took: `draw <embedded or a folder> <prompt> [steps] [out.png] [repeats]`.
#![expect(clippy::print_stdout, reason = "an example speaks to a terminal")]

use futures_executor::block_on;
use futures_util::StreamExt;
use std::{env, error::Error, time::Instant};
use tintype_core::domain::{GenerateInput, GenerationRequest, Seed, SourceInput};
use tintype_core::ports::{Generated, ImageModel};
use tintype_diffusion::{DiffusionModel, Settings};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let argument = |i: usize, default: &str| arguments.get(i).cloned().unwrap_or_else(|| default.to_owned());
    let model = match argument(0, "embedded").as_str() {
        "embedded" => DiffusionModel::embedded(Settings { preview_every: 0, ..Settings::small() })?,
        folder => DiffusionModel::from_folder(folder, Settings { preview_every: 0, ..Settings::large() })?,
    };
    let input = GenerateInput {
        prompt: Some(argument(1, "red heart")),
        steps: Some(argument(2, "12").parse()?),
        ..GenerateInput::default()
    };
    let request = GenerationRequest::resolve(&input, SourceInput::default(), model.card(), Seed(42))?;
    for _ in 0..argument(4, "1").parse()? {
        draw(&model, &request, &argument(3, "out.png"))?;
    }
    Ok(())
}

fn draw(model: &DiffusionModel, request: &GenerationRequest, out: &str) -> Result<(), Box<dyn Error>> {
    let started = Instant::now();
    let mut events = block_on(model.generate(request, None))?;
    while let Some(event) = block_on(events.next()) {
        if let Generated::Image(image) = event? {
            std::fs::write(out, image.picture.bytes())?;
            println!("{} steps: {} ms, {out}", request.steps, started.elapsed().as_millis());
        }
    }
    Ok(())
}
