//! The flags that choose images, as parameters of the API's list.

use crate::args::FilterArgs;
use crate::client::Client;
use crate::collections;
use crate::failure::Outcome;

/// The flags as parameters of the list.
///
/// # Errors
/// If there is no collection of a name, or the server does not answer.
pub(crate) fn query(args: &FilterArgs, sort: Option<&str>, client: &Client) -> Outcome<String> {
    let collections = collections::ids_of(client, &args.collection)?;
    let mut filter = form_urlencoded::Serializer::new(String::new());
    let one = |name, value: Option<String>| value.map(|value| (name, value));
    let words = (!args.words.is_empty()).then(|| args.words.join(" "));
    filter.extend_pairs(one("q", words)).extend_pairs(args.tag.iter().map(|tag| ("tag", tag)));
    filter.extend_pairs(collections.iter().map(|id| ("collection", id)));
    filter
        .extend_pairs(one("parent", args.parent.clone()))
        .extend_pairs(one("has_parent", args.has_parent.map(|has| has.to_string())));
    filter.extend_pairs(args.favorite.then_some(("favorite", "true")));
    filter.extend_pairs(one("rating", args.rating.map(|rating| rating.to_string())));
    filter
        .extend_pairs(one("model", args.model.clone()))
        .extend_pairs(one("seed", args.seed.map(|seed| seed.to_string())));
    filter.extend_pairs(one("from", args.from.clone())).extend_pairs(one("to", args.to.clone()));
    filter
        .extend_pairs(sort.map(|sort| ("sort", sort)))
        .extend_pairs(args.trash.then_some(("trashed", "true")));
    Ok(filter.finish())
}
