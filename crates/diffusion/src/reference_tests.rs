//! The pipeline against what diffusers computed in 32 bits from the same weights and noise: within 1e-4, for sums in
//! another order differ in their last digits. `reference/tiny.py` and the model's `train/pack.py` wrote what is compared.

use crate::config::{PipelineConfig, Sampler};
use crate::embedded;
use crate::folder::Folder;
use crate::pipeline::Pipeline;
use candle_core::{Device, Tensor, safetensors};
use std::{collections::HashMap, ops::ControlFlow, sync::OnceLock};

const PROMPTS: [&str; 4] = ["red heart", "a blue car", "cat face", "birthday cake"];
const STEPS: u32 = 12;
const GUIDANCE: f64 = 2.5;

fn vectors() -> HashMap<String, Tensor> {
    let bytes = include_bytes!("../../../models/tintype-icons/reference/vectors.safetensors");
    safetensors::load_buffer(bytes, &Device::Cpu).unwrap()
}

fn pipeline() -> &'static Pipeline {
    static PIPELINE: OnceLock<Pipeline> = OnceLock::new();
    PIPELINE.get_or_init(|| {
        let folder = Folder::Embedded(embedded::FILES);
        Pipeline::load(&folder, &PipelineConfig::read(&folder).unwrap()).unwrap()
    })
}

/// The largest difference, in the numbers of `expected`.
fn distance(ours: &Tensor, expected: &Tensor) -> f32 {
    let difference = (ours.flatten_all().unwrap() - expected.flatten_all().unwrap()).unwrap();
    difference.abs().unwrap().max(0).unwrap().to_scalar().unwrap()
}

#[test]
fn the_token_ids_are_those_of_the_reference() {
    let expected = vectors()["token_ids"].to_vec2::<i64>().unwrap();
    for (prompt, expected) in PROMPTS.iter().zip(expected) {
        let ids = pipeline().tokenizer.ids(prompt).unwrap();
        assert_eq!(ids.into_iter().map(i64::from).collect::<Vec<_>>(), expected, "{prompt}");
    }
}

#[test]
fn the_text_states_are_those_of_the_reference() {
    let vectors = vectors();
    for (i, prompt) in PROMPTS.iter().enumerate() {
        let states = pipeline().guide(prompt, None, 1.0).unwrap().states;
        let distance = distance(&states, &vectors["text_hidden"].get(i).unwrap());
        println!("{prompt}: text {distance}");
        assert!(distance < 1e-5, "{prompt}: {distance}");
    }
}

fn check_sampler(sampler: Sampler) {
    let (vectors, pipeline) = (vectors(), pipeline());
    let schedule = pipeline.schedule(sampler, STEPS);
    for (i, prompt) in PROMPTS.iter().enumerate() {
        let expected = |name: &str| vectors[&format!("{}.{name}", sampler.name())].get(i).unwrap();
        let guide = pipeline.guide(prompt, None, GUIDANCE).unwrap();
        let noise = vectors["noise"].narrow(0, i, 1).unwrap();
        let latents =
            pipeline.sample(&guide, &schedule, &noise, |_| Ok(ControlFlow::Continue(()))).unwrap().unwrap();
        let latents_distance = distance(&latents, &expected("latents"));
        let (_, _, pixels) = pipeline.decode(&latents).unwrap();
        let expected = expected("image").flatten_all().unwrap().to_vec1::<u8>().unwrap();
        let pixels_distance = pixels.iter().zip(&expected).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        println!("{} {prompt}: latents {latents_distance}, pixels {pixels_distance}", sampler.name());
        assert!(latents_distance < 1e-4, "{prompt}: {latents_distance}");
        assert!(pixels_distance <= 1, "{prompt}: {pixels_distance}");
    }
}

#[test]
fn ddim_draws_the_pictures_of_the_reference() {
    check_sampler(Sampler::Ddim);
}

#[test]
fn euler_draws_the_pictures_of_the_reference() {
    check_sampler(Sampler::Euler);
}

/// A Stable Diffusion 2 in miniature with random weights: what the embedded model does not have.
#[test]
fn a_pipeline_of_another_shape_computes_what_the_reference_does() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tiny");
    let vectors = safetensors::load(path.join("vectors.safetensors"), &Device::Cpu).unwrap();
    let folder = Folder::Directory(path);
    let pipeline = Pipeline::load(&folder, &PipelineConfig::read(&folder).unwrap()).unwrap();
    let ids = vectors["token_ids"].to_vec2::<i64>().unwrap().remove(1);
    let ours = pipeline.tokenizer.ids("Red  HEART").unwrap();
    assert_eq!(ours.into_iter().map(i64::from).collect::<Vec<_>>(), ids);
    let guide = pipeline.guide("red heart", None, 5.0).unwrap();
    assert!(distance(&guide.states, &vectors["text_hidden"]) < 1e-5);
    for sampler in Sampler::ALL {
        let schedule = pipeline.schedule(sampler, 7);
        let latents =
            pipeline.sample(&guide, &schedule, &vectors["noise"], |_| Ok(ControlFlow::Continue(())));
        let latents = latents.unwrap().unwrap();
        let distance = distance(&latents, &vectors[&format!("{}.latents", sampler.name())]);
        assert!(distance < 1e-4, "{}: {distance}", sampler.name());
        let (width, height, pixels) = pipeline.decode(&latents).unwrap();
        assert_eq!((width, height), (112, 80));
        let expected = &vectors[&format!("{}.picture", sampler.name())];
        let expected = ((expected.clamp(-1.0, 1.0).unwrap() + 1.0).unwrap() * 127.5).unwrap();
        let expected = expected.squeeze(0).unwrap().permute((1, 2, 0)).unwrap().flatten_all().unwrap();
        let expected = expected.to_vec1::<f32>().unwrap();
        assert!(pixels.iter().zip(expected).all(|(ours, theirs)| (f32::from(*ours) - theirs).abs() < 1.0));
    }
}
