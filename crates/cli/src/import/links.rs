//! What an exported image is linked to, in the terms of the library it goes into: ids are new there.

use crate::archive::{Archive, COLLECTIONS};
use crate::client::Client;
use crate::collections::Known;
use crate::failure::{Exit, Outcome};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// What is sent as it was exported.
const SAME: [&str; 8] = ["title", "note", "tags", "rating", "labels", "prompt", "seed", "saved_at"];

/// The ids of here for those of there.
#[derive(Debug)]
pub(super) struct Links {
    collections: Known,
    /// The collections of each export, by their ids there.
    exported: Vec<HashMap<String, String>>,
    /// Images by their ids there; `None` where there is none here.
    images: HashMap<String, Option<String>>,
    left_out: u64,
    dry_run: bool,
}

impl Links {
    /// Asks for the collections there are.
    ///
    /// # Errors
    /// If the server does not answer.
    pub(super) fn read(client: &Client, dry_run: bool) -> Outcome<Self> {
        let collections = Known::read(client)?;
        Ok(Self { collections, exported: Vec::new(), images: HashMap::new(), left_out: 0, dry_run })
    }

    /// How many images came from one that is not here.
    pub(super) const fn left_out(&self) -> u64 {
        self.left_out
    }

    /// The id of the collection of this name, which is made if there is none; none in a dry run.
    ///
    /// # Errors
    /// If the server refuses it or does not answer.
    pub(super) fn collection(&mut self, client: &Client, name: &str) -> Outcome<Option<String>> {
        if self.dry_run {
            return Ok(self.collections.find(name));
        }
        self.collections.find_or_make(client, name, None).map(Some)
    }

    /// Makes the next export's collections be there; those that could not be made, and why.
    ///
    /// # Errors
    /// If the server does not answer.
    pub(super) fn add_collections(
        &mut self,
        client: &Client,
        archive: &mut Archive,
    ) -> Outcome<Vec<(String, String)>> {
        let (mut ids, mut problems) = (HashMap::new(), Vec::new());
        let collections = archive.collections().unwrap_or_else(|failure| {
            problems.push((COLLECTIONS.to_owned(), failure.in_one_line()));
            Vec::new()
        });
        for collection in &collections {
            let (Some(id), Some(name)) = (collection["id"].as_str(), collection["name"].as_str()) else {
                continue;
            };
            let made = match self.dry_run {
                true => self.collection(client, name),
                false => self.collections.find_or_make(client, name, collection["note"].as_str()).map(Some),
            };
            match made {
                Ok(made) => ids.extend(made.map(|made| (id.to_owned(), made))),
                Err(failure) if matches!(failure.exit, Exit::NoServer | Exit::NoSpace) => {
                    return Err(failure);
                }
                Err(failure) => problems.push((format!("the collection {name:?}"), failure.in_one_line())),
            }
        }
        self.exported.push(ids);
        Ok(problems)
    }

    /// Notes that the image `old` of an export is `id` here.
    pub(super) fn imported(&mut self, old: &str, id: &str) {
        self.images.insert(old.to_owned(), Some(id.to_owned()));
    }

    /// What is sent of an image of the export `number`, beside its bytes.
    ///
    /// # Errors
    /// If the server does not answer.
    pub(super) fn fields(
        &mut self,
        client: &Client,
        number: usize,
        known: &Value,
    ) -> Outcome<Map<String, Value>> {
        let mut fields = Map::new();
        for name in SAME.into_iter().filter(|name| !known[*name].is_null()) {
            fields.insert(name.to_owned(), known[name].clone());
        }
        fields.extend((known["favorite"] == true).then(|| ("favorite".to_owned(), json!(true))));
        let here = &self.exported[number];
        let collections = known["collections"].as_array().into_iter().flatten();
        let collections: Vec<_> = collections.filter_map(|id| here.get(id.as_str()?)).collect();
        fields.insert("collections".to_owned(), json!(collections));
        if let Some(parent) = self.parent(client, &known["parent"], true)? {
            fields.insert("parent".to_owned(), parent);
        }
        if known["request"].is_object() {
            let mut request = known["request"].clone();
            let parent = self.parent(client, &known["request"]["parent"], false)?;
            if let Value::Object(request) = &mut request {
                request.remove("parent");
                request.extend(parent.map(|parent| ("parent".to_owned(), parent)));
            }
            fields.insert("request".to_owned(), request);
        }
        Ok(fields)
    }

    /// A parent as it is here; none where its image is not here.
    fn parent(&mut self, client: &Client, parent: &Value, counts: bool) -> Outcome<Option<Value>> {
        let Some(old) = parent["id"].as_str() else { return Ok(None) };
        let id = self.image(client, old)?;
        self.left_out += u64::from(id.is_none() && counts);
        Ok(id.map(|id| json!({ "id": id, "relation": parent["relation"] })))
    }

    /// The image here that was `old` there: one that was imported, or this library's own.
    fn image(&mut self, client: &Client, old: &str) -> Outcome<Option<String>> {
        if let Some(known) = self.images.get(old) {
            return Ok(known.clone());
        }
        // Anything but an id would be another path.
        let asked = crate::library::check_id(old).and_then(|()| client.get(&format!("/images/{old}")));
        let found = match asked {
            Ok(_) => Some(old.to_owned()),
            Err(failure) if failure.exit == Exit::NotFound => None,
            Err(failure) => return Err(failure),
        };
        self.images.insert(old.to_owned(), found.clone());
        Ok(found)
    }
}
