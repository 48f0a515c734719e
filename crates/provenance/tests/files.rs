//! What is written, read and taken out, on whole files.

#![expect(clippy::unwrap_used, reason = "what a test does not expect fails it")]

mod samples;

use image::ImageFormat;
use samples::{FORMATS, parameters, plain, png_with, samples, text};
use tintype_provenance::{
    CREATOR_TOOL, Error, Findings, Source, TEXTS_MAX, TRAINED_ALGORITHMIC_MEDIA, inspect, is_sealed, strip,
    write,
};

fn sample(name: &str) -> Findings {
    let samples = samples();
    inspect(&samples.iter().find(|(sample, _)| *sample == name).unwrap().1).unwrap()
}

fn pixels(bytes: &[u8]) -> Vec<u8> {
    image::load_from_memory(bytes).unwrap().to_rgba8().into_raw()
}

#[test]
fn what_is_written_is_found_in_every_format() {
    for format in FORMATS {
        let findings = inspect(&write(&plain(format), &parameters()).unwrap()).unwrap();
        let made_with = findings.made_with.unwrap();
        assert_eq!((made_with.source, made_with.parameters), (Source::Tintype, parameters()), "{format:?}");
        let text = findings.parameters.unwrap();
        assert_eq!((text.setting("Seed"), text.setting("Sampler")), (Some("4294967295"), Some("DDIM")));
        let xmp = findings.xmp.unwrap();
        assert_eq!(xmp.digital_source_type.as_deref(), Some(TRAINED_ALGORITHMIC_MEDIA));
        assert_eq!(xmp.creator_tool.as_deref(), Some(CREATOR_TOOL));
        assert_eq!(xmp.description, parameters().prompt);
        assert_eq!((findings.width, findings.height), (Some(24), Some(16)));
        assert!(findings.problems.is_empty() && findings.texts.is_empty());
    }
}

#[test]
fn no_pixel_is_changed_by_writing_or_stripping() {
    for format in FORMATS {
        let plain = plain(format);
        let written = write(&plain, &parameters()).unwrap();
        assert_eq!(pixels(&written), pixels(&plain), "{format:?}");
        assert_eq!(pixels(&strip(&written).unwrap()), pixels(&plain), "{format:?}");
    }
}

#[test]
fn writing_is_repeatable_and_replaces_what_was_written_before() {
    for format in FORMATS {
        let once = write(&plain(format), &parameters()).unwrap();
        let mut other = parameters();
        other.prompt = Some("something else".to_owned());
        let twice = write(&write(&plain(format), &other).unwrap(), &parameters()).unwrap();
        assert_eq!(once, twice, "{format:?}");
    }
}

#[test]
fn a_prompt_of_the_largest_size_fits_every_format() {
    for worst in ["&", "\u{1f600}", "\"", "<"] {
        let mut parameters = parameters();
        parameters.prompt = Some(worst.repeat(2_000));
        parameters.negative_prompt.clone_from(&parameters.prompt);
        for format in FORMATS {
            let findings = inspect(&write(&plain(format), &parameters).unwrap()).unwrap();
            assert_eq!(findings.made_with.unwrap().parameters, parameters, "{worst} in {format:?}");
        }
    }
}

#[test]
fn stripping_takes_out_every_text() {
    for (name, file) in samples() {
        let stripped = strip(&file).unwrap();
        let findings = inspect(&stripped).unwrap();
        let nothing = findings.xmp.is_none() && findings.parameters.is_none() && findings.tintype.is_none();
        assert!(nothing && findings.texts.is_empty() && !findings.content_credentials, "{name}");
        assert_eq!(findings.comfyui.or(findings.invokeai), None, "{name}");
        assert_eq!(strip(&stripped).unwrap(), stripped, "{name}");
        for word in ["cat", "Tintype", "lighthouse", "jumb"] {
            assert!(!stripped.windows(word.len()).any(|part| part == word.as_bytes()), "{word} in {name}");
        }
    }
}

#[test]
fn a_file_without_metadata_comes_back_byte_for_byte() {
    for format in FORMATS {
        assert_eq!(strip(&plain(format)).unwrap(), plain(format), "{format:?}");
    }
}

#[test]
fn the_orientation_and_the_colours_stay_when_a_file_is_stripped() {
    // Little-endian TIFF: one tag, orientation, turned by a quarter.
    let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".to_vec();
    let stripped = strip(&png_with(&[(b"gAMA", vec![0, 0, 0xb1, 0x8f]), (b"eXIf", exif.clone())])).unwrap();
    for kind in [b"gAMA", b"eXIf"] {
        assert!(stripped.windows(4).any(|part| part == kind));
    }
    let jpeg = plain(ImageFormat::Jpeg);
    let app1 = [&b"\xff\xe1"[..], &(exif.len() as u16 + 8).to_be_bytes(), b"Exif\0\0", &exif].concat();
    let turned = [&jpeg[..2], &app1, &jpeg[2..]].concat();
    assert!(strip(&turned).unwrap().windows(6).any(|part| part == b"Exif\0\0"));
    assert!(inspect(&write(&turned, &parameters()).unwrap()).unwrap().parameters.is_some());
}

#[test]
fn what_lies_behind_the_end_goes_when_a_file_is_stripped() {
    for format in FORMATS {
        let hidden = [&plain(format)[..], b"secret"].concat();
        assert_eq!(strip(&hidden).unwrap(), plain(format), "{format:?}");
    }
}

#[test]
fn automatic1111_is_read_packed_and_unpacked() {
    for name in ["automatic1111", "packed"] {
        let findings = sample(name);
        let made_with = findings.made_with.unwrap();
        assert_eq!(made_with.source, Source::Parameters);
        let made_with = made_with.parameters;
        assert_eq!(made_with.prompt.as_deref(), Some("masterpiece, a lighthouse"));
        assert_eq!(made_with.negative_prompt.as_deref(), Some("blurry, lowres"));
        assert_eq!((made_with.seed, made_with.width), (Some(1_234_567_890_123), Some(832)));
        assert_eq!(findings.parameters.unwrap().setting("Model hash"), Some("6ce0161689"));
    }
    assert_eq!(sample("packed").texts, [("note".to_owned(), "größer".to_owned())]);
}

#[test]
fn comfyui_is_read() {
    let made_with = sample("comfyui").made_with.unwrap();
    assert_eq!(made_with.source, Source::Comfyui);
    assert_eq!(made_with.parameters.prompt.as_deref(), Some("a fox"));
    assert_eq!(made_with.parameters.model.as_deref(), Some("dreamshaper_8"));
    assert_eq!((made_with.parameters.seed, made_with.parameters.height), (Some(42), Some(640)));
}

#[test]
fn invokeai_is_read() {
    let made_with = sample("invokeai").made_with.unwrap();
    assert_eq!(made_with.source, Source::Invokeai);
    assert_eq!(made_with.parameters.prompt.as_deref(), Some("a boat"));
    assert_eq!(made_with.parameters.model.as_deref(), Some("Juggernaut XL"));
}

#[test]
fn a_text_that_unpacks_to_64_mb_is_left_out_and_named() {
    let findings = sample("bomb");
    assert!(findings.texts.is_empty());
    assert_eq!(findings.problems, ["the text \"bomb\" is left out: it unpacks to more than is read"]);
}

#[test]
fn more_texts_than_are_read_are_named_not_kept() {
    let many: Vec<_> = (0..1_000).map(|number| text(&format!("k{number}"), "v")).collect();
    let findings = inspect(&png_with(&many)).unwrap();
    assert_eq!(findings.texts.len(), TEXTS_MAX);
    assert!(findings.problems.len() <= TEXTS_MAX && findings.problems[0].contains("too much text"));
}

#[test]
fn a_seal_is_seen() {
    let samples = samples();
    for (name, file) in &samples {
        assert_eq!(is_sealed(file), *name == "sealed", "{name}");
    }
    assert!(sample("sealed").content_credentials);
}

#[test]
fn a_damaged_checksum_and_a_missing_end_are_problems() {
    let mut file = png_with(&[text("parameters", "a cat")]);
    let at = file.windows(5).position(|part| part == b"a cat").unwrap();
    file[at] = b'A';
    assert_eq!(
        inspect(&file).unwrap().problems,
        ["the checksum of a tEXt chunk does not match: it is damaged"]
    );
    for format in FORMATS {
        let whole = plain(format);
        let cut = &whole[..whole.len() - 5];
        assert!(inspect(cut).unwrap().problems[0].contains("cut off"), "{format:?}");
        assert_eq!(write(cut, &parameters()), Err(Error::Broken), "{format:?}");
        assert_eq!(strip(cut), Err(Error::Broken), "{format:?}");
    }
}

#[test]
fn what_is_no_picture_is_refused() {
    for bytes in [&b""[..], b"GIF89a", b"<svg/>", b"RIFF\0\0\0\0WAVE"] {
        assert_eq!(inspect(bytes), Err(Error::UnknownFormat));
        assert_eq!(strip(bytes), Err(Error::UnknownFormat));
    }
}
