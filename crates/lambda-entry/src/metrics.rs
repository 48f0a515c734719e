//! Counts for CloudWatch in its embedded metric format: a line of JSON on stdout, from which CloudWatch makes metrics
//! on its own. `template.yaml`'s alarms and dashboard name the same metrics.

use serde_json::{Map, Value, json};
use std::{fmt, io::Write, sync::Arc};
use tintype_core::domain::Timestamp;

const NAMESPACE: &str = "Tintype";

/// Takes lines; the function's stdout.
type Sink = Arc<dyn Fn(&str) + Send + Sync>;

/// The metrics of one stack.
#[derive(Clone)]
pub struct Metrics {
    stack: String,
    sink: Sink,
}

impl Metrics {
    /// The metrics of `stack`, on stdout.
    pub fn new(stack: impl Into<String>) -> Self {
        // A count that can't be written is no reason to fail.
        Self::with_sink(stack, |line| drop(writeln!(std::io::stdout().lock(), "{line}")))
    }

    /// The metrics of `stack`, line by line to `sink`.
    pub fn with_sink(stack: impl Into<String>, sink: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self { stack: stack.into(), sink: Arc::new(sink) }
    }

    /// Notes `values`, each with its name and unit, once for the stack and, where `status` is given, once for it.
    pub fn note(&self, values: &[(&str, &str, f64)], status: Option<&str>, now: Timestamp) {
        let metrics: Vec<_> =
            values.iter().map(|(name, unit, _)| json!({ "Name": name, "Unit": unit })).collect();
        let mut dimensions = vec![json!(["Stack"])];
        dimensions.extend(status.map(|_| json!(["Stack", "Status"])));
        let mut line = Map::from_iter([
            (
                "_aws".to_owned(),
                json!({
                    "Timestamp": now.as_millis(),
                    "CloudWatchMetrics": [{ "Namespace": NAMESPACE, "Dimensions": dimensions, "Metrics": metrics }],
                }),
            ),
            ("Stack".to_owned(), json!(self.stack)),
        ]);
        line.extend(status.map(|status| ("Status".to_owned(), json!(status))));
        line.extend(values.iter().map(|(name, _, value)| ((*name).to_owned(), json!(value))));
        (self.sink)(&Value::Object(line).to_string());
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("stack", &self.stack).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn a_line_is_in_the_embedded_metric_format() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let metrics = Metrics::with_sink("s", {
            let lines = lines.clone();
            move |line| lines.lock().unwrap().push(line.to_owned())
        });
        metrics.note(&[("JobsEnded", "Count", 1.0)], Some("failed"), Timestamp::from_millis(7));
        let line: Value = serde_json::from_str(&lines.lock().unwrap()[0]).unwrap();
        let expected = json!({
            "_aws": { "Timestamp": 7, "CloudWatchMetrics": [{
                "Namespace": "Tintype",
                "Dimensions": [["Stack"], ["Stack", "Status"]],
                "Metrics": [{ "Name": "JobsEnded", "Unit": "Count" }],
            }] },
            "Stack": "s", "Status": "failed", "JobsEnded": 1.0,
        });
        assert_eq!(line, expected);
    }
}
