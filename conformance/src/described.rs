//! The descriptor and the manifest: documents about an agent that its user hands to the checker.
//!
//! What cannot be read is the user's mistake, and an error. What can be read and is wrong is the
//! agent's, and a finding.

use serde_json::Value;

use crate::json;

/// A document that cannot be read: what is wrong, in one line, with line and column.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(String);

/// Reads an `acp-descriptor.json`.
///
/// # Errors
/// If it is not one JSON text, or has a name twice in one object.
pub fn descriptor(text: &str) -> Result<Value, Unreadable> {
    let text = text.trim_start_matches('\u{feff}');
    json::check(text.as_bytes()).map_err(|why| Unreadable(format!("not JSON: {why}")))?;
    let (document, _) = json::lenient(text.as_bytes())
        .ok_or_else(|| Unreadable("JSON of a kind that is not understood".to_owned()))?;
    Ok(document)
}

/// Reads an `agent-manifest.yaml`; JSON is YAML too.
///
/// # Errors
/// If it is not one YAML document, or has what JSON cannot say (keys that are no text, anchors
/// without end, a name twice).
pub fn manifest(text: &str) -> Result<Value, Unreadable> {
    serde_saphyr::from_str(text).map_err(|error| {
        let place = error.location().map_or_else(String::new, |place| {
            format!(" at line {} column {}", place.line(), place.column())
        });
        let told = error.without_snippet().to_string();
        let told: Vec<&str> = told.split_whitespace().collect();
        let told = told.join(" ");
        // Some messages tell the place themselves.
        let place = if told.contains("line ") { "" } else { &place };
        Unreadable(format!("not YAML: {told}{place}"))
    })
}

/// A path and a method that a document lists.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Listed {
    /// In capitals; a small spelling is for the schema to find.
    pub(crate) method: String,
    /// From the base URL; what varies is named in braces.
    pub(crate) path: String,
}

/// The paths and methods that `endpoints` lists: entries of an array, or members of an object; and
/// whether each says that it asks for credentials.
pub(crate) fn endpoints(document: &Value) -> Vec<(Listed, Option<bool>)> {
    let entries: Vec<&Value> = match document.get("endpoints") {
        Some(Value::Array(entries)) => entries.iter().collect(),
        Some(Value::Object(entries)) => entries.values().collect(),
        _ => Vec::new(),
    };
    let listed = entries.into_iter().filter_map(|entry| {
        let method = entry.get("method")?.as_str()?.to_ascii_uppercase();
        let path = entry.get("path")?.as_str()?;
        let names = ["auth_required", "authRequired"].into_iter();
        let guarded = names.filter_map(|name| entry.get(name)?.as_bool()).next();
        let path = path.to_owned();
        is_plain(&path).then_some((Listed { method, path }, guarded))
    });
    let mut all: Vec<(Listed, Option<bool>)> = Vec::new();
    for one in listed {
        if !all.contains(&one) {
            all.push(one);
        }
    }
    all
}

/// The paths at which a manifest has the agent's health asked.
pub(crate) fn health_paths(manifest: &Value) -> Vec<String> {
    let paths = manifest.pointer("/spec/health").and_then(Value::as_object);
    let paths = paths.into_iter().flat_map(|paths| paths.values());
    let paths = paths
        .filter_map(Value::as_str)
        .filter(|path| is_plain(path));
    paths.map(str::to_owned).collect()
}

/// Whether it can stand in a request's first line.
fn is_plain(path: &str) -> bool {
    path.starts_with('/') && path.chars().all(|c| c.is_ascii_graphic())
}

/// A path with what varies filled in: the configuration's id after `/config/`. Says whether that
/// is all that varies, so that a 404 means that the path is not there.
pub(crate) fn filled(path: &str, config: Option<&str>) -> (String, bool) {
    let mut is_known = true;
    let mut before = "";
    let segments: Vec<&str> = path
        .split('/')
        .map(|segment| {
            let varies = segment.contains('{') && segment.contains('}');
            let own = match config {
                _ if !varies => segment,
                Some(id) if before == "config" => id,
                _ => {
                    is_known = false;
                    "acp-tck-unknown"
                }
            };
            before = segment;
            own
        })
        .collect();
    (segments.join("/"), is_known)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_cannot_be_read_is_told_in_one_line_with_its_place() {
        let untold = [
            descriptor("{\"a\": 1,\n  \"b\": }").expect_err("no JSON"),
            descriptor("{\"a\": 1,\n \"a\": 2}").expect_err("twice"),
            descriptor("").expect_err("empty"),
            manifest("kind: [1,\nname: x").expect_err("no YAML"),
            manifest("kind: 1\nkind: 2\n").expect_err("twice"),
            manifest("a: &a [*a]\nb: *nobody\n").expect_err("no such anchor"),
        ];
        for told in untold {
            let told = told.to_string();
            assert!(!told.contains('\n'), "{told}");
            assert!(told.contains("line ") && told.contains("column "), "{told}");
        }
    }

    #[test]
    fn both_forms_of_a_list_of_endpoints_are_read() {
        let one = json!({"path": "/invoke", "method": "post"});
        let listed = |guarded| {
            let (method, path) = ("POST".to_owned(), "/invoke".to_owned());
            vec![(Listed { method, path }, guarded)]
        };
        assert_eq!(
            endpoints(&json!({"endpoints": [one, one, "/auth"]})),
            listed(None)
        );
        assert_eq!(
            endpoints(&json!({"endpoints": {"invoke": one}})),
            listed(None)
        );
        for (name, said) in [("auth_required", true), ("authRequired", false)] {
            let one = json!({"path": "/invoke", "method": "POST", name: said});
            let told = endpoints(&json!({"endpoints": [one]}));
            assert_eq!(told, listed(Some(said)));
        }
        assert_eq!(endpoints(&json!({"endpoints": "all"})), Vec::new());
        let forged = json!({"path": "/x HTTP/1.1\r\nHost: y", "method": "GET"});
        assert_eq!(endpoints(&json!({"endpoints": [forged]})), Vec::new());
    }

    #[test]
    fn a_path_is_filled_in_as_far_as_it_is_known() {
        let known = ("/config/c1/history".to_owned(), true);
        assert_eq!(filled("/config/{id}/history", Some("c1")), known);
        let unknown = ("/config/acp-tck-unknown".to_owned(), false);
        assert_eq!(filled("/config/{id}", None), unknown);
        assert!(!filled("/users/{user}", Some("c1")).1);
        assert_eq!(filled("/invoke", None), ("/invoke".to_owned(), true));
    }
}
