//! CLIP's byte pairs: a prompt to the token ids of the text encoder, from `vocab.json` and `merges.txt`.

use crate::error::{EngineError, EngineResult};
use crate::folder::Folder;
use serde_json::Value;
use std::collections::HashMap;
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::normalizers::{
    Lowercase, NFC, NormalizerWrapper, Replace, Sequence, replace::ReplacePattern,
};
use tokenizers::pre_tokenizers::{
    PreTokenizerWrapper, byte_level::ByteLevel, sequence::Sequence as Pieces, split::Split,
    split::SplitPattern,
};
use tokenizers::{SplitDelimiterBehavior, Tokenizer as Library};

/// What CLIP takes as one word.
const WORDS: &str = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+";
const START: &str = "<|startoftext|>";
const END: &str = "<|endoftext|>";
pub(crate) const VOCABULARY_FILE: &str = "tokenizer/vocab.json";
pub(crate) const MERGES_FILE: &str = "tokenizer/merges.txt";

/// Splits prompts as the model was taught to.
#[derive(Debug)]
pub(crate) struct Tokenizer {
    library: Library,
    start: u32,
    end: u32,
    pad: u32,
    /// Ids of every prompt.
    length: usize,
}

impl Tokenizer {
    /// Reads the tokenizer of `folder` for a text encoder of `length` positions and `vocabulary` tokens.
    pub(crate) fn read(folder: &Folder, length: usize, vocabulary: usize) -> EngineResult<Self> {
        let words = read_vocabulary(folder)?;
        let id = |token: &str| {
            let id = words.get(token).copied().filter(|id| (*id as usize) < vocabulary);
            id.ok_or_else(|| {
                bad(VOCABULARY_FILE, format!("holds no {token}, or one beyond the text encoder's vocab_size"))
            })
        };
        let (start, end) = (id(START)?, id(END)?);
        let pad = pad_token(folder).map_or(Ok(end), |token| id(&token))?;
        if let Some((word, _)) = words.iter().find(|(_, id)| **id as usize >= vocabulary) {
            return Err(bad(
                VOCABULARY_FILE,
                format!("the id of {word:?} is beyond the text encoder's vocab_size"),
            ));
        }
        let library =
            build(&words, read_merges(folder)?).map_err(|error| bad(MERGES_FILE, error.to_string()))?;
        Ok(Self { library, start, end, pad, length })
    }

    /// The ids of `prompt`: start, words, end, padding. What does not fit is cut off. A piece that the vocabulary can't
    /// spell, such as a comma in a small one, is left out: as the end mark it would end the prompt there.
    pub(crate) fn ids(&self, prompt: &str) -> EngineResult<Vec<u32>> {
        let encoding = self.library.encode(prompt, false);
        let encoding =
            encoding.map_err(|error| EngineError::Request(format!("the prompt can't be split: {error}")))?;
        let words = encoding.get_ids().iter().copied().filter(|id| *id != self.end);
        let mut ids = vec![self.start];
        ids.extend(words.take(self.length - 2));
        ids.push(self.end);
        ids.resize(self.length, self.pad);
        Ok(ids)
    }
}

fn bad(file: &str, detail: String) -> EngineError {
    EngineError::BadConfig { file: file.to_owned(), detail }
}

fn read_vocabulary(folder: &Folder) -> EngineResult<HashMap<String, u32>> {
    serde_json::from_slice(&folder.read(VOCABULARY_FILE)?)
        .map_err(|error| bad(VOCABULARY_FILE, error.to_string()))
}

/// The pairs to join, the first first. A `#version` line opens the file.
fn read_merges(folder: &Folder) -> EngineResult<Vec<(String, String)>> {
    let bytes = folder.read(MERGES_FILE)?;
    let text = std::str::from_utf8(&bytes).map_err(|error| bad(MERGES_FILE, error.to_string()))?;
    let lines = text.lines().filter(|line| !line.starts_with("#version") && !line.trim().is_empty());
    lines
        .map(|line| {
            let pair =
                line.split_once(' ').ok_or_else(|| bad(MERGES_FILE, format!("{line:?} is no pair")))?;
            Ok((pair.0.to_owned(), pair.1.to_owned()))
        })
        .collect()
}

/// Stable Diffusion 2 pads with another token than the end mark, and says so beside the vocabulary.
fn pad_token(folder: &Folder) -> Option<String> {
    ["tokenizer/tokenizer_config.json", "tokenizer/special_tokens_map.json"].into_iter().find_map(|file| {
        let config: Value = serde_json::from_slice(&folder.read(file).ok()?).ok()?;
        let token = config.get("pad_token")?;
        token.as_str().or_else(|| token.get("content")?.as_str()).map(str::to_owned)
    })
}

fn build(words: &HashMap<String, u32>, merges: Vec<(String, String)>) -> tokenizers::Result<Library> {
    let vocabulary: Vocab = words.iter().map(|(word, id)| (word.clone(), *id)).collect();
    let pairs = BPE::builder()
        .vocab_and_merges(vocabulary, merges)
        .unk_token(END.to_owned())
        .end_of_word_suffix("</w>".to_owned())
        .build()?;
    let mut library = Library::new(pairs);
    let spaces = Replace::new(ReplacePattern::Regex(r"\s+".to_owned()), " ")?;
    let normalizers: [NormalizerWrapper; 3] = [NFC.into(), spaces.into(), Lowercase.into()];
    library.with_normalizer(Some(Sequence::new(normalizers.into())))?;
    let split = Split::new(SplitPattern::Regex(WORDS.to_owned()), SplitDelimiterBehavior::Removed, true)?;
    let pieces: [PreTokenizerWrapper; 2] = [split.into(), ByteLevel::new(false, true, false).into()];
    library.with_pre_tokenizer(Some(Pieces::new(pieces.into())));
    Ok(library)
}
