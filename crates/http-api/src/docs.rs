//! `GET /docs`: the OpenAPI document as a page. Written here instead of by a bundled viewer: it needs no script, so
//! the strict content policy of every other page holds for it too, and it adds no megabytes to the program.

use crate::{
    api::Api,
    memory::Accounted,
    openapi,
    problem::Code,
    routes::{Route, routes},
};
use axum::{
    Extension,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use serde_json::Value;
use std::sync::Arc;

const HEAD: &str = "<!doctype html><html lang=en><meta charset=utf-8>\
<meta name=viewport content='width=device-width'><title>Tintype API</title>\
<h1>Tintype API</h1><p>The same as a document for tools: <a href=openapi.json>openapi.json</a>. \
Times are RFC 3339 in UTC. Unknown fields of a request are an error; ignore unknown fields of an answer.";

/// `GET /docs`
pub(crate) async fn docs(State(api): State<Arc<Api>>) -> Response {
    // Written once, and shared by all who ask for it, as the document is.
    let text = api.documentation.get_or_init(|| page(&api).into()).clone();
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], Extension(Accounted), text).into_response()
}

fn page(api: &Api) -> String {
    let document = openapi::build(api);
    let mut html = String::from(HEAD);
    html.push_str("<h2>Routes</h2>");
    for route in routes(api) {
        html.push_str(&about_route(&document, &route));
    }
    html.push_str("<h2>Shapes</h2>");
    for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
        html.push_str(&about_schema(name, schema));
    }
    html.push_str("<h2>Problems</h2><dl>");
    for code in Code::ALL {
        let (name, status, title) = (code.name(), code.status().as_u16(), code.title());
        html.push_str(&format!("<dt id={name}><code>{name}</code> ({status})<dd>{title}."));
    }
    html.push_str("</dl></html>");
    html
}

fn about_route(document: &Value, route: &Route) -> String {
    let path = route.path.replace("{*", "{");
    let operation = &document["paths"][&path][route.method.as_str().to_ascii_lowercase()];
    let summary = operation["summary"].as_str().unwrap_or_default();
    let mut html = format!(
        "<section><h3><code>{} {}</code></h3><p>{}.<ul>",
        route.method,
        escaped(&path),
        escaped(summary)
    );
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        html.push_str(&about_parameter(resolved(document, parameter)));
    }
    if let Some(name) = operation.pointer("/requestBody/content/application~1json/schema/$ref") {
        html.push_str(&format!("<li>body: {}", link(name)));
    }
    for (status, answer) in operation["responses"].as_object().into_iter().flatten() {
        let answer = resolved(document, answer);
        let name = answer.pointer("/content/application~1json/schema/$ref").map(link).unwrap_or_default();
        let description = escaped(answer["description"].as_str().unwrap_or_default());
        html.push_str(&format!("<li>{status}: {description} {name}"));
    }
    html.push_str("</ul></section>");
    html
}

fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let target = value["$ref"].as_str().and_then(|name| document.pointer(name.trim_start_matches('#')));
    target.unwrap_or(value)
}

fn about_parameter(parameter: &Value) -> String {
    let text = |name: &str| escaped(parameter[name].as_str().unwrap_or_default());
    let (place, name, description) = (text("in"), text("name"), text("description"));
    format!(
        "<li>{place} <code>{name}</code> {description} <small>{}</small>",
        escaped(&rule(&parameter["schema"]))
    )
}

fn about_schema(name: &str, schema: &Value) -> String {
    let mut html = format!("<section><h3 id={name}>{name}</h3><ul>");
    for (field, rules) in schema["properties"].as_object().into_iter().flatten() {
        let target = [rules, &rules["items"]].into_iter().find_map(|schema| schema.get("$ref"));
        let shape = target.map_or_else(|| format!("<small>{}</small>", escaped(&rule(rules))), link);
        html.push_str(&format!("<li><code>{}</code> {shape}", escaped(field)));
    }
    html.push_str("</ul></section>");
    html
}

/// A schema in a line: `integer, minimum 1, maximum 200`.
fn rule(schema: &Value) -> String {
    let mut rule = String::new();
    for (name, value) in schema.as_object().into_iter().flatten() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let name = if name == "type" { String::new() } else { format!("{name} ") };
        let separator = if rule.is_empty() { "" } else { ", " };
        rule.push_str(&format!("{separator}{name}{value}"));
    }
    rule
}

fn link(reference: &Value) -> String {
    let name = reference.as_str().and_then(|name| name.rsplit('/').next()).unwrap_or_default();
    format!("<a href=#{name}>{name}</a>")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
