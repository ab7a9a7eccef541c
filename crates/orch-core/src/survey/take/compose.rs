//! Compose files: services, their images and ports, and what they need.

use std::collections::{BTreeMap, BTreeSet};

use super::docker::is_unpinned;
use super::found::Found;
use super::names::is_compose;
use super::ports::of_call;
use super::runtimes::of_image;
use super::smells::unpinned_image;
use crate::survey::bounds::shown;
use crate::survey::model::{Bound, Place, Service};
use crate::survey::read::{flow_items, yaml_entries};
use crate::survey::tree::name;

pub fn read(found: &mut Found<'_>, path: &str, text: &str) {
    if !is_compose(name(path)) {
        return;
    }
    let mut services: BTreeMap<String, (u32, Service)> = BTreeMap::new();
    let (mut built, mut unpinned) = (BTreeSet::new(), Vec::new());
    for entry in yaml_entries(text) {
        let [top, service, fields @ ..] = entry.path.as_slice() else {
            continue;
        };
        if top != "services" || service == "[]" {
            continue;
        }
        let (_, known) = services.entry(service.clone()).or_insert_with(|| {
            let service = Service {
                name: shown(service, 80),
                image: None,
                ports: Vec::new(),
                needs: Vec::new(),
                place: Place::line(path, entry.line),
            };
            (entry.line, service)
        });
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        let list = |into: &mut Vec<String>, items: Vec<String>| {
            into.extend(items.iter().map(|item| shown(item, 80)));
            into.truncate(20);
        };
        match fields[..] {
            ["image"] => {
                let image = shown(&entry.value, 200);
                let place = Place::line(path, entry.line);
                if let Some((runtime, version)) = of_image(&image) {
                    found.runtime(runtime, version, Bound::Exactly, place.clone());
                }
                if is_unpinned(&image) {
                    unpinned.push((service.clone(), image.clone(), place));
                }
                known.image = Some(image);
            }
            // Its image is made here, whatever it is called.
            ["build"] | ["build", ..] => {
                built.insert(service.clone());
            }
            ["command"] if known.ports.is_empty() => known.ports = of_call(&entry.value),
            ["ports" | "expose"] | ["ports" | "expose", "[]"] => {
                list(&mut known.ports, flow_items(&entry.value));
            }
            ["depends_on"] | ["depends_on", "[]"] => {
                list(&mut known.needs, flow_items(&entry.value));
            }
            ["depends_on", needed] => list(&mut known.needs, vec![needed.to_owned()]),
            _ => {}
        }
    }
    for (service, image, place) in unpinned {
        if !built.contains(&service) {
            unpinned_image(&mut found.survey, &image, place);
        }
    }
    let mut services: Vec<(u32, Service)> = services.into_values().collect();
    services.sort_by_key(|(line, _)| *line);
    for (_, service) in services {
        found.service(service);
    }
}
