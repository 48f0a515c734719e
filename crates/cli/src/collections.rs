//! `tintype collections`, and collections by their names.

use crate::args::Collections;
use crate::client::{Client, views};
use crate::failure::{Exit, Failure, Outcome, nearest};
use crate::library;
use crate::table;
use crate::terminal::Terminal;
use serde_json::{Value, json};
use tintype_core::domain::folded;

/// Lists the collections.
///
/// # Errors
/// If the server does not answer or refuses.
pub(crate) fn list(args: &Collections, terminal: &Terminal) -> Outcome {
    let collections = all(&library::client(&args.server)?)?;
    if args.json {
        return terminal.json(&Value::Array(collections));
    }
    if collections.is_empty() {
        terminal.note(
            "there is no collection; make one in the gallery, or with: tintype import --collection NAME",
        );
        return Ok(());
    }
    let rows = collections.iter().map(|collection| {
        let views::Collection { id, name, note } = views::read(collection)?;
        Ok([id, name, note.unwrap_or_default()])
    });
    table::print(terminal, ["ID", "NAME", "NOTE"], &rows.collect::<Outcome<Vec<_>>>()?, 2)
}

/// Every collection as the server shows it, by name.
///
/// # Errors
/// If the server does not answer or refuses.
pub(crate) fn all(client: &Client) -> Outcome<Vec<Value>> {
    let Value::Array(items) = client.get("/collections")?["items"].take() else {
        return Err(Failure::failed("the server's answer holds no list"));
    };
    Ok(items)
}

/// The ids of the collections that are named by their name or id.
///
/// # Errors
/// If there is none of a name, or the server does not answer.
pub(crate) fn ids_of(client: &Client, names: &[String]) -> Outcome<Vec<String>> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let known = Known::read(client)?;
    names.iter().map(|name| known.find(name).ok_or_else(|| known.unknown(name))).collect()
}

/// The collections there are.
#[derive(Debug)]
pub(crate) struct Known(Vec<views::Collection>);

impl Known {
    /// Asks for them.
    ///
    /// # Errors
    /// If the server does not answer or refuses.
    pub(crate) fn read(client: &Client) -> Outcome<Self> {
        let collections = all(client)?;
        Ok(Self(collections.iter().map(views::read).collect::<Outcome<_>>()?))
    }

    /// The id of the collection of this name, however it is capitalised, or of this id.
    pub(crate) fn find(&self, name: &str) -> Option<String> {
        let wanted = folded(name.trim());
        let found =
            self.0.iter().find(|collection| folded(&collection.name) == wanted || collection.id == name);
        found.map(|collection| collection.id.clone())
    }

    /// The id of the collection of this name; it is made if there is none.
    ///
    /// # Errors
    /// If the server refuses it or does not answer.
    pub(crate) fn find_or_make(
        &mut self,
        client: &Client,
        name: &str,
        note: Option<&str>,
    ) -> Outcome<String> {
        if let Some(id) = self.find(name) {
            return Ok(id);
        }
        let made = client.post("/collections", &json!({ "name": name, "note": note }), &[])?;
        let made: views::Collection = views::read(&made)?;
        self.0.push(made.clone());
        Ok(made.id)
    }

    fn unknown(&self, name: &str) -> Failure {
        let failure = Failure::new(Exit::NotFound, format!("there is no collection {name:?}"));
        match nearest(name, self.0.iter().map(|collection| collection.name.as_str())) {
            Some(near) => failure.hint(format!("perhaps {near:?}; all of them: tintype collections")),
            None => failure.hint("all of them: tintype collections"),
        }
    }
}
