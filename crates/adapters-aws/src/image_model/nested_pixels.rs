//! Pictures inside JSON: base64 of a file, or RGB values nested as rows of pixels. Values are read straight into bytes:
//! a tree of JSON numbers would take many times the memory.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};
use std::fmt;
use tintype_core::domain::limits;

/// Endpoints pad base64 or don't.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
/// The most bytes of pixels that one answer may hold.
const PIXEL_BYTES: usize = limits::IMAGES.max_pixels as usize * 3;

/// A picture as an endpoint gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RawPicture {
    /// RGB values, row by row from the top left.
    Pixels {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
        /// `width * height * 3` values.
        rgb: Vec<u8>,
    },
    /// The bytes of a file, of whatever format.
    Encoded(Vec<u8>),
}

/// One picture or a list of them, in either form.
#[derive(Debug)]
pub(super) struct Pictures(pub(super) Vec<RawPicture>);

impl<'de> Deserialize<'de> for Pictures {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut reader = Reader::default();
        match reader.deserialize_node(deserializer)? {
            Node::Picture | Node::Pictures => Ok(Self(reader.pictures)),
            other @ (Node::Value | Node::Pixel | Node::Row(_)) => {
                Err(D::Error::custom(format_args!("{other:?} is no picture")))
            }
        }
    }
}

/// What a part of the nest is, judged by what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Node {
    Value,
    Pixel,
    /// So many pixels.
    Row(u32),
    Picture,
    Pictures,
}

#[derive(Default)]
struct Reader {
    /// The values of the picture that is being read.
    rgb: Vec<u8>,
    pictures: Vec<RawPicture>,
}

impl Reader {
    fn deserialize_node<'de, D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<Node, D::Error> {
        Seed(self).deserialize(deserializer)
    }

    /// `count` nodes of the kind `of` are one node of the next kind.
    fn close<E: Error>(&mut self, of: Node, count: u32) -> Result<Node, E> {
        match of {
            Node::Value if count == 3 => Ok(Node::Pixel),
            Node::Value => Err(E::custom(format_args!("a pixel has {count} values; it must have 3"))),
            Node::Pixel => Ok(Node::Row(count)),
            Node::Row(width) => {
                let rgb = std::mem::take(&mut self.rgb);
                self.pictures.push(RawPicture::Pixels { width, height: count, rgb });
                Ok(Node::Picture)
            }
            Node::Picture => Ok(Node::Pictures),
            Node::Pictures => Err(E::custom("pictures are nested too deeply")),
        }
    }
}

struct Seed<'a>(&'a mut Reader);

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("base64, or nested lists of values from 0 to 255")
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Node, E> {
        let value = u8::try_from(value)
            .map_err(|_| E::custom(format_args!("the value {value} is not from 0 to 255")))?;
        if self.0.rgb.len() >= PIXEL_BYTES {
            return Err(E::custom(format_args!("there are more than {PIXEL_BYTES} values")));
        }
        self.0.rgb.push(value);
        Ok(Node::Value)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Node, E> {
        let data = text.split_once(";base64,").map_or(text, |(_, data)| data);
        let bytes =
            BASE64.decode(data.trim()).map_err(|error| E::custom(format_args!("not base64: {error}")))?;
        self.0.pictures.push(RawPicture::Encoded(bytes));
        Ok(Node::Picture)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let Some(first) = list.next_element_seed(Seed(self.0))? else {
            return Err(A::Error::custom("a list is empty"));
        };
        let mut count = 1;
        while let Some(next) = list.next_element_seed(Seed(self.0))? {
            if next != first {
                return Err(A::Error::custom(format_args!("{next:?} stands beside {first:?}")));
            }
            count += 1;
        }
        self.0.close(first, count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Vec<RawPicture>, String> {
        serde_json::from_str::<Pictures>(json).map(|pictures| pictures.0).map_err(|error| error.to_string())
    }

    fn two_by_one(rgb: [u8; 6]) -> RawPicture {
        RawPicture::Pixels { width: 2, height: 1, rgb: rgb.to_vec() }
    }

    #[test]
    fn rows_of_pixels_are_a_picture_and_a_list_of_them_are_several() {
        assert_eq!(read("[[[1, 2, 3], [4, 5, 6]]]").unwrap(), [two_by_one([1, 2, 3, 4, 5, 6])]);
        let batch = read("[[[[1,2,3],[4,5,6]]], [[[7,8,9],[0,255,0]]]]").unwrap();
        assert_eq!(batch, [two_by_one([1, 2, 3, 4, 5, 6]), two_by_one([7, 8, 9, 0, 255, 0])]);
    }

    #[test]
    fn base64_is_read_alone_in_a_list_and_from_a_data_url() {
        let file = RawPicture::Encoded(b"file".to_vec());
        for json in
            [r#""ZmlsZQ==""#, r#""ZmlsZQ""#, r#""data:image/png;base64,ZmlsZQ==""#, r#"["ZmlsZQ==\n"]"#]
        {
            assert_eq!(read(json).unwrap(), std::slice::from_ref(&file), "{json}");
        }
    }

    #[test]
    fn what_is_no_picture_is_refused_with_the_reason() {
        for (json, reason) in [
            ("[[[1, 2, 3], [4, 5]]]", "a pixel has 2 values"),
            ("[[[1, 2, 3, 4]]]", "a pixel has 4 values"),
            ("[[[1, 2, 256]]]", "256 is not from 0 to 255"),
            ("[[[1, 2, 0.5]]]", "invalid type: floating point"),
            ("[[[1,2,3],[1,2,3]], [[1,2,3]]]", "Row(1) stands beside Row(2)"),
            ("[[[[[[1,2,3]]]]]]", "nested too deeply"),
            ("[[1, 2, 3]]", "Row(1) is no picture"),
            ("[]", "a list is empty"),
            (r#""@@@""#, "not base64"),
        ] {
            let error = read(json).unwrap_err();
            assert!(error.contains(reason), "{json}: {error}");
        }
    }
}
