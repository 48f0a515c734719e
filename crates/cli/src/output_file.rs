//! Where pictures are written: the names, and that nothing is ever overwritten by a name nobody chose.

use crate::failure::{Failure, Outcome};
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use tintype_core::domain::{ContentType, OutputFormat};

/// The most bytes of a prompt in a file's name.
const NAME_BYTES: usize = 48;
/// How many files of one name are tried before giving up.
const SAME_NAME_MAX: u32 = 10_000;

/// Where pictures go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// Standard output.
    Stdout,
    /// This file; several get a number each.
    File(PathBuf),
    /// New files in this folder.
    Folder(PathBuf),
}

/// A picture to write.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Picture<'a> {
    /// What it was drawn from.
    pub(crate) prompt: &'a str,
    /// The seed it was drawn from.
    pub(crate) seed: u32,
    /// Its media type.
    pub(crate) content_type: &'a str,
    /// Its bytes.
    pub(crate) bytes: &'a [u8],
}

impl Output {
    /// What `--output` means: a folder is one that is there, or a name that ends like one.
    pub(crate) fn of(given: Option<&Path>) -> Self {
        match given {
            None => Self::Folder(PathBuf::from(".")),
            Some(path) if path.as_os_str() == "-" => Self::Stdout,
            Some(path) if path.is_dir() || ends_with_separator(path) => Self::Folder(path.to_owned()),
            Some(path) => Self::File(path.to_owned()),
        }
    }

    /// Refuses what can't be written, before anything is drawn.
    ///
    /// # Errors
    /// If the folder of the file is not there, or can't be made.
    pub(crate) fn prepare(&self) -> Outcome {
        match self {
            Self::Stdout => Ok(()),
            Self::Folder(folder) => fs::create_dir_all(folder).map_err(|error| {
                Failure::failed(format!("can't make the folder {}: {error}", folder.display()))
            }),
            Self::File(path) => match path.parent() {
                Some(parent) if !parent.as_os_str().is_empty() && !parent.is_dir() => {
                    Err(Failure::usage(format!("there is no folder {}", parent.display()))
                        .hint("make it first, or end the path with / to have it made"))
                }
                _ => Ok(()),
            },
        }
    }

    /// The format of the pictures written here: `given` by name, or by the file's name, or `None` if neither says.
    ///
    /// # Errors
    /// If the two contradict each other, or the file's name ends like no picture that can be drawn.
    pub(crate) fn format(&self, given: Option<&str>) -> Outcome<Option<String>> {
        let given = given.map(|given| format_of(given).map_or(given, |format| format.name()).to_owned());
        let Self::File(path) = self else { return Ok(given) };
        let Some(extension) = path.extension() else { return Ok(given) };
        let extension = extension.to_string_lossy();
        let Some(named) = format_of(&extension) else {
            return Err(Failure::usage(format!(
                "no picture can be drawn as .{extension}: {}",
                path.display()
            ))
            .hint("end the file's name in .png, .jpg or .webp"));
        };
        match given {
            Some(given) if given != named.name() => {
                let message =
                    format!("--format is {given}, but the name of {} says {}", path.display(), named.name());
                Err(Failure::usage(message).hint("leave --format out, or let the file's name end like it"))
            }
            _ => Ok(Some(named.name().to_owned())),
        }
    }

    /// Writes the picture `index` of `count` to a file; returns the path, or `None` for stdout.
    ///
    /// # Errors
    /// If the file can't be written.
    pub(crate) fn write(
        &self,
        picture: &Picture<'_>,
        index: usize,
        count: usize,
    ) -> Outcome<Option<PathBuf>> {
        match self {
            Self::Stdout => Ok(None),
            Self::File(path) => {
                let path = if count == 1 { path.clone() } else { numbered(path, index + 1) };
                fs::write(&path, picture.bytes).map_err(|error| cant_write(&path, &error))?;
                Ok(Some(path))
            }
            Self::Folder(folder) => write_new(folder, picture).map(Some),
        }
    }
}

/// The format that goes by this name, or that files of this extension hold.
fn format_of(name: &str) -> Option<OutputFormat> {
    let name = name.to_ascii_lowercase();
    OutputFormat::ALL
        .into_iter()
        .find(|format| name == format.name() || name == format.content_type().extension())
}

fn ends_with_separator(path: &Path) -> bool {
    path.to_string_lossy().ends_with(std::path::is_separator)
}

/// `a.png` as `a-2.png`.
fn numbered(path: &Path, number: usize) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    match path.extension() {
        Some(extension) => path.with_file_name(format!("{stem}-{number}.{}", extension.to_string_lossy())),
        None => path.with_file_name(format!("{stem}-{number}")),
    }
}

/// Writes to the first free name of this picture.
fn write_new(folder: &Path, picture: &Picture<'_>) -> Outcome<PathBuf> {
    let stem = format!("{}-{}", slug(picture.prompt), picture.seed);
    let extension = extension_of(picture.content_type);
    for copy in 1..=SAME_NAME_MAX {
        let name =
            if copy == 1 { format!("{stem}.{extension}") } else { format!("{stem}-{copy}.{extension}") };
        let path = if folder == Path::new(".") { PathBuf::from(name) } else { folder.join(name) };
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut file) => {
                file.write_all(picture.bytes).map_err(|error| cant_write(&path, &error))?;
                return Ok(path);
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(cant_write(&path, &error)),
        }
    }
    Err(Failure::failed(format!("{} files of the name {stem} are there already", SAME_NAME_MAX)))
}

fn cant_write(path: &Path, error: &std::io::Error) -> Failure {
    Failure::of_write(path, error).hint("choose another place with --output")
}

fn extension_of(content_type: &str) -> &'static str {
    let known = ContentType::ALL.into_iter().find(|known| known.as_str() == content_type);
    known.map_or("bin", ContentType::extension)
}

/// A prompt as a file's name: letters and digits, dashes between.
pub(crate) fn slug(prompt: &str) -> String {
    let mut slug = String::new();
    for c in prompt.to_lowercase().chars() {
        if slug.len() + c.len_utf8() > NAME_BYTES {
            break;
        }
        if c.is_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "image".to_owned() } else { slug.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Exit;

    const HEART: Picture<'_> =
        Picture { prompt: "Red heart, please!", seed: 7, content_type: "image/jpeg", bytes: b"picture" };

    #[test]
    fn a_prompt_is_a_name_without_surprises() {
        assert_eq!(slug("Red heart, please!"), "red-heart-please");
        assert_eq!(slug("../../etc/passwd"), "etc-passwd");
        assert_eq!(slug("rotes Herz \u{e4}"), "rotes-herz-\u{e4}");
        assert_eq!(slug("!!!"), "image");
        assert!(slug(&"long ".repeat(100)).len() <= NAME_BYTES);
    }

    #[test]
    fn a_name_that_is_taken_gets_a_number() {
        let folder = tempfile::tempdir().unwrap();
        let output = Output::of(Some(folder.path()));
        let mut names = Vec::new();
        for _ in 0..3 {
            let path = output.write(&HEART, 0, 1).unwrap().unwrap();
            names.push(path.file_name().unwrap().to_string_lossy().into_owned());
        }
        assert_eq!(names, ["red-heart-please-7.jpg", "red-heart-please-7-2.jpg", "red-heart-please-7-3.jpg"]);
    }

    #[test]
    fn a_chosen_name_is_taken_as_it_is_and_several_are_numbered() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("heart.png");
        let output = Output::of(Some(&path));
        assert_eq!(output.write(&HEART, 0, 1).unwrap(), Some(path.clone()));
        assert_eq!(output.write(&HEART, 1, 2).unwrap(), Some(folder.path().join("heart-2.png")));
    }

    #[test]
    fn the_file_s_name_chooses_the_format_where_none_is_given() {
        let format = |path: &str, given| Output::of(Some(Path::new(path))).format(given);
        assert_eq!(format("x.jpg", Some("jpg")).unwrap().as_deref(), Some("jpeg"));
        for (path, name) in [("x.png", "png"), ("x.jpg", "jpeg"), ("a/x.JPEG", "jpeg"), ("x.webp", "webp")] {
            assert_eq!(format(path, None).unwrap().as_deref(), Some(name), "{path}");
            assert_eq!(format(path, Some(name)).unwrap().as_deref(), Some(name), "{path}");
        }
        for path in ["x", "-", "folder/"] {
            assert_eq!(format(path, None).unwrap(), None, "{path}");
            assert_eq!(format(path, Some("webp")).unwrap().as_deref(), Some("webp"), "{path}");
        }
    }

    #[test]
    fn a_name_that_contradicts_the_format_or_is_no_picture_s_is_refused() {
        for (path, given) in [("x.jpg", Some("png")), ("x.gif", None), ("x.gif", Some("png"))] {
            let failure = Output::of(Some(Path::new(path))).format(given).unwrap_err();
            assert_eq!(failure.exit, Exit::Usage, "{path}");
            assert!(failure.message.contains(path), "{}", failure.message);
        }
    }

    #[test]
    fn a_path_that_ends_like_a_folder_is_one() {
        assert_eq!(Output::of(Some(Path::new("new/"))), Output::Folder("new/".into()));
        assert_eq!(Output::of(Some(Path::new("-"))), Output::Stdout);
    }
}
