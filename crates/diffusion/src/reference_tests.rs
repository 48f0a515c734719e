//! The pipeline against what diffusers computed in 32 bits from the same weights and noise.

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
