//! Faults of the descriptor and the manifest: what is written once, and not again when the
//! agent changes.
//!
//! A lie in one of the two documents is a lie of that document alone: the live agent decides
//! which of them is right.

use serde_json::{Value, json};

use super::Fault;
use crate::seams::Seam;

/// The entry of a path.
fn endpoint<'a>(document: &'a mut Value, path: &str) -> Option<&'a mut Value> {
    let listed = document["endpoints"].as_array_mut()?;
    listed.iter_mut().find(|endpoint| endpoint["path"] == path)
}

fn push(document: &mut Value, list: &str, entry: Value) {
    if let Some(list) = document[list].as_array_mut() {
        list.push(entry);
    }
}

fn remove(object: &mut Value, name: &str) {
    if let Some(object) = object.as_object_mut() {
        object.remove(name);
    }
}

pub(super) static FAULTS: &[Fault] = &[
    Fault {
        name: "descriptor-forgets-its-capabilities",
        summary: "the descriptor has no list of capabilities",
        trips: &["descriptor.valid"],
        seams: &[Seam::Descriptor(|_, document| {
            remove(document, "capabilities");
        })],
    },
    Fault {
        name: "descriptor-lists-bare-paths",
        summary: "the descriptor's endpoints are texts without their methods",
        trips: &["descriptor.valid"],
        seams: &[Seam::Descriptor(|_, document| {
            for endpoint in document["endpoints"].as_array_mut().into_iter().flatten() {
                *endpoint = endpoint["path"].take();
            }
        })],
    },
    Fault {
        name: "descriptor-writes-methods-small",
        summary: "the descriptor says `post` for `POST`, and methods are not to be respelt",
        trips: &["descriptor.valid"],
        seams: &[Seam::Descriptor(|_, document| {
            for endpoint in document["endpoints"].as_array_mut().into_iter().flatten() {
                let method = endpoint["method"].as_str().unwrap_or_default();
                endpoint["method"] = json!(method.to_ascii_lowercase());
            }
        })],
    },
    Fault {
        name: "descriptor-of-the-last-release",
        summary: "the descriptor still has an older version of the agent",
        trips: &["descriptor.true"],
        seams: &[Seam::Descriptor(|_, document| {
            document["version"] = json!("0.0.9");
        })],
    },
    Fault {
        name: "descriptor-keeps-a-path-that-is-gone",
        summary: "the descriptor lists /invoke/batch, which is answered 404",
        trips: &["descriptor.true"],
        seams: &[Seam::Descriptor(|_, document| {
            let path = "/invoke/batch";
            let what = "Answers many questions";
            let entry = json!({"path": path, "method": "POST", "description": what});
            push(document, "endpoints", entry);
        })],
    },
    Fault {
        name: "descriptor-puts-to-config",
        summary: "the descriptor says PUT of /config, where POST alone works",
        trips: &["descriptor.true"],
        seams: &[Seam::Descriptor(|_, document| {
            if let Some(endpoint) = endpoint(document, "/config") {
                endpoint["method"] = json!("PUT");
            }
        })],
    },
    Fault {
        name: "descriptor-tells-another-auth",
        summary: "the descriptor says that keys are taken if they are shown; /auth knows of none",
        trips: &["descriptor.true"],
        seams: &[Seam::Descriptor(|_, document| {
            document["auth"]["type"] = match document["auth"]["type"] == "api_key" {
                true => json!("none"),
                false => json!("api_key"),
            };
        })],
    },
    Fault {
        name: "descriptor-guards-an-open-path",
        summary: "the descriptor says that /capabilities needs credentials, and it answers without any",
        trips: &["descriptor.true"],
        seams: &[Seam::Descriptor(|_, document| {
            if let Some(endpoint) = endpoint(document, "/capabilities") {
                endpoint["auth_required"] = json!(true);
            }
        })],
    },
    Fault {
        name: "descriptor-boasts-of-a-capability",
        summary: "the descriptor lists a capability that /capabilities lacks",
        trips: &["descriptor.true"],
        seams: &[Seam::Descriptor(|_, document| {
            let what = "Warns of storms before they come.";
            let entry = json!({"name": "storm_warning", "description": what});
            push(document, "capabilities", entry);
        })],
    },
    Fault {
        name: "manifest-of-another-api",
        summary: "the manifest's apiVersion is agntcy.org/v1alpha1",
        trips: &["manifest.valid"],
        seams: &[Seam::Manifest(|_, document| {
            document["apiVersion"] = json!("agntcy.org/v1alpha1");
        })],
    },
    Fault {
        name: "manifest-is-of-another-kind",
        summary: "the manifest's kind is `Agent`",
        trips: &["manifest.valid"],
        seams: &[Seam::Manifest(|_, document| {
            document["kind"] = json!("Agent")
        })],
    },
    Fault {
        name: "manifest-leaves-its-version-unquoted",
        summary: "the manifest's version is 1.0 without quotes, which YAML reads as a number",
        trips: &["manifest.valid"],
        seams: &[Seam::Manifest(|_, document| {
            document["metadata"]["version"] = json!(1.0);
        })],
    },
    Fault {
        name: "manifest-names-nothing",
        summary: "the manifest's metadata has no name",
        trips: &["manifest.valid"],
        seams: &[Seam::Manifest(|_, document| {
            remove(&mut document["metadata"], "name");
        })],
    },
    Fault {
        name: "manifest-has-another-name",
        summary: "the manifest's name is neither the descriptor's nor the agent's",
        trips: &["manifest.true"],
        seams: &[Seam::Manifest(|_, document| {
            document["metadata"]["name"] = json!("weather-advisor-staging");
        })],
    },
    Fault {
        name: "manifest-of-the-last-release",
        summary: "the manifest still has an older version of the agent",
        trips: &["manifest.true"],
        seams: &[Seam::Manifest(|_, document| {
            document["metadata"]["version"] = json!("0.0.9");
        })],
    },
    Fault {
        name: "manifest-takes-another-input",
        summary: "a capability's inputSchema wants `days` as text, the agent as a number",
        trips: &["manifest.true"],
        seams: &[Seam::Manifest(|_, document| {
            let days = "/spec/capabilities/0/inputSchema/properties/days";
            if let Some(days) = document.pointer_mut(days) {
                *days = json!({"type": "string"});
            }
        })],
    },
    Fault {
        name: "manifest-probes-another-path",
        summary: "the manifest has the agent's health asked at /healthz, which is answered 404",
        trips: &["manifest.true"],
        seams: &[Seam::Manifest(|_, document| {
            document["spec"]["health"]["live"] = json!("/healthz");
        })],
    },
];
