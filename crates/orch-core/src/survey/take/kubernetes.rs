//! Kubernetes: the containers of manifests, and the images that a chart's values name.

use super::docker::is_unpinned;
use super::found::Found;
use super::names::{is_manifest, is_values};
use super::runtimes::of_image;
use super::smells::unpinned_image;
use crate::survey::bounds::shown;
use crate::survey::model::{Bound, Place, Service};
use crate::survey::read::yaml_entries;

/// A container while its keys are read; they come in any order.
#[derive(Default)]
struct Container {
    name: Option<String>,
    image: Option<(String, u32)>,
    ports: Vec<String>,
}

pub fn read(found: &mut Found<'_>, path: &str, text: &str) {
    if is_values(path) {
        return values(found, path, text);
    }
    if !is_manifest(path) || !text.contains("apiVersion:") || !text.contains("kind:") {
        return;
    }
    let mut container = Container::default();
    for entry in yaml_entries(text) {
        // What a template fills in is not known.
        if entry.value.contains("{{") {
            continue;
        }
        let keys: Vec<&str> = entry.path.iter().map(String::as_str).collect();
        match keys[..] {
            [.., "containers" | "initContainers", "[]", "name"] => {
                if container.name.is_some() {
                    take(found, path, std::mem::take(&mut container));
                }
                container.name = Some(shown(&entry.value, 80));
            }
            [.., "containers" | "initContainers", "[]", "image"] => {
                if container.image.is_some() {
                    take(found, path, std::mem::take(&mut container));
                }
                container.image = Some((shown(&entry.value, 200), entry.line));
            }
            [.., "containers", "[]", "ports", "[]", "containerPort"]
                if container.ports.len() < 20 =>
            {
                container.ports.push(shown(&entry.value, 80));
            }
            _ => {}
        }
    }
    take(found, path, container);
}

fn take(found: &mut Found<'_>, path: &str, container: Container) {
    let Some((image, line)) = container.image else {
        return;
    };
    let place = Place::line(path, line);
    judge(found, &image, place.clone());
    found.service(Service {
        name: container.name.unwrap_or_else(|| image.clone()),
        image: Some(image),
        ports: container.ports,
        needs: Vec::new(),
        place,
    });
}

fn judge(found: &mut Found<'_>, image: &str, place: Place) {
    if let Some((runtime, version)) = of_image(image) {
        found.runtime(runtime, version, Bound::Exactly, place.clone());
    }
    if is_unpinned(image) {
        unpinned_image(&mut found.survey, image, place);
    }
}

/// `image: {repository: redis, tag: "6.0"}` over several lines.
fn values(found: &mut Found<'_>, path: &str, text: &str) {
    let mut repository: Option<(Vec<String>, String)> = None;
    for entry in yaml_entries(text) {
        let (Some(key), outer) = (entry.path.last(), entry.path.len().saturating_sub(1)) else {
            continue;
        };
        let outer = &entry.path[..outer];
        if outer
            .last()
            .is_none_or(|last| !last.to_lowercase().ends_with("image"))
        {
            continue;
        }
        match key.as_str() {
            "repository" => repository = Some((outer.to_vec(), entry.value)),
            "tag" if !entry.value.is_empty() => {
                if let Some((of, repository)) = &repository
                    && of == outer
                {
                    let image = shown(&format!("{repository}:{}", entry.value), 200);
                    judge(found, &image, Place::line(path, entry.line));
                }
            }
            _ => {}
        }
    }
}
