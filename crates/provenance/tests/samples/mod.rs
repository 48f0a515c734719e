//! Real pictures, with metadata as Tintype and other tools write it.

#![allow(dead_code, reason = "each test uses a part of it")]

use image::{DynamicImage, ImageFormat, RgbaImage};
use std::io::Cursor;
use tintype_provenance::{Parameters, write};

/// A picture without metadata.
pub(crate) fn plain(format: ImageFormat) -> Vec<u8> {
    let image = RgbaImage::from_fn(24, 16, |x, y| image::Rgba([x as u8 * 9, y as u8 * 13, 90, 255]));
    let image = DynamicImage::ImageRgba8(image);
    let image = if format == ImageFormat::Jpeg { image.to_rgb8().into() } else { image };
    let mut bytes = Vec::new();
    image.write_to(&mut Cursor::new(&mut bytes), format).expect("encode");
    bytes
}

pub(crate) const FORMATS: [ImageFormat; 3] = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP];

pub(crate) fn parameters() -> Parameters {
    Parameters {
        prompt: Some("a cat, \"猫\" <by> the sea & 😀\nsecond line".to_owned()),
        negative_prompt: Some("rain".to_owned()),
        width: Some(24),
        height: Some(16),
        steps: Some(20),
        guidance_scale: Some(7.5),
        seed: Some(4_294_967_295),
        model: Some("tintype-icons".to_owned()),
        scheduler: Some("ddim".to_owned()),
        strength: None,
    }
}

/// A PNG with further chunks after its header.
pub(crate) fn png_with(chunks: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let plain = plain(ImageFormat::Png);
    let mut bytes = plain[..33].to_vec();
    for (kind, data) in chunks {
        bytes.extend((data.len() as u32).to_be_bytes());
        let body = bytes.len();
        bytes.extend(*kind);
        bytes.extend(data);
        bytes.extend(crc32fast::hash(&bytes[body..]).to_be_bytes());
    }
    bytes.extend(&plain[33..]);
    bytes
}

/// `tEXt`
pub(crate) fn text(keyword: &str, text: &str) -> (&'static [u8; 4], Vec<u8>) {
    (b"tEXt", [keyword.as_bytes(), b"\0", text.as_bytes()].concat())
}

/// `zTXt`
pub(crate) fn packed(keyword: &str, text: &[u8]) -> (&'static [u8; 4], Vec<u8>) {
    let packed = miniz_oxide::deflate::compress_to_vec_zlib(text, 6);
    (b"zTXt", [keyword.as_bytes(), b"\0\0", &packed].concat())
}

/// `iTXt`, packed
pub(crate) fn international(keyword: &str, text: &str) -> (&'static [u8; 4], Vec<u8>) {
    let packed = miniz_oxide::deflate::compress_to_vec_zlib(text.as_bytes(), 6);
    (b"iTXt", [keyword.as_bytes(), b"\0\x01\0de\0Schl\xc3\xbcssel\0", &packed].concat())
}

pub(crate) const AUTOMATIC1111: &str = "masterpiece, a lighthouse\nNegative prompt: blurry, lowres\nSteps: 28, Sampler: DPM++ 2M, \
     Schedule type: Karras, CFG scale: 6.5, Seed: 1234567890123, Size: 832x1216, Model hash: 6ce0161689, \
     Model: v1-5-pruned, Denoising strength: 0.4, Lora hashes: \"a: 1, b: 2\", Version: v1.10.1";

pub(crate) const COMFYUI: &str = r#"{"3": {"class_type": "KSampler", "inputs": {"seed": 42, "steps": 20, "cfg": 8, "sampler_name":
    "euler", "denoise": 1, "model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0]},
    "is_changed": [NaN]}, "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "dreamshaper_8"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 640}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a fox"}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "text"}}}"#;

pub(crate) const INVOKEAI: &str = r#"{"app_version": "5.6.0", "generation_mode": "txt2img", "positive_prompt": "a boat",
    "negative_prompt": "", "width": 1024, "height": 768, "seed": 99, "cfg_scale": 5.5, "steps": 30,
    "scheduler": "dpmpp_2m_k", "model": {"key": "k", "name": "Juggernaut XL", "base": "sdxl", "type": "main"}}"#;

/// Pictures by the name of what they hold.
pub(crate) fn samples() -> Vec<(&'static str, Vec<u8>)> {
    let ours = |format| write(&plain(format), &parameters()).expect("write");
    vec![
        ("plain png", plain(ImageFormat::Png)),
        ("plain jpeg", plain(ImageFormat::Jpeg)),
        ("plain webp", plain(ImageFormat::WebP)),
        ("png", ours(ImageFormat::Png)),
        ("jpeg", ours(ImageFormat::Jpeg)),
        ("webp", ours(ImageFormat::WebP)),
        ("automatic1111", png_with(&[text("parameters", AUTOMATIC1111)])),
        (
            "packed",
            png_with(&[packed("parameters", AUTOMATIC1111.as_bytes()), international("note", "größer")]),
        ),
        ("comfyui", png_with(&[text("prompt", COMFYUI), text("workflow", "{\"nodes\": []}")])),
        ("invokeai", png_with(&[text("invokeai_metadata", INVOKEAI)])),
        ("bomb", png_with(&[packed("bomb", &vec![b'a'; 64 * 1024 * 1024])])),
        ("sealed", png_with(&[(b"caBX", b"\0\0\0\x20jumb\0\0\0\x18jumdc2pa".to_vec())])),
    ]
}
