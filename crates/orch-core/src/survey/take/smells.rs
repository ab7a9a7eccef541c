//! What a modernization would address: only what can be seen in the tree, each with what to do about it.

use super::folders::{is_generated, left_out};
use super::found::Found;
use super::languages::language_of;
use super::listens::is_beside;
use super::runtimes::last_day;
use crate::survey::bounds::{LARGE_SOURCE_BYTES, MOST_PLACES};
use crate::survey::model::{Bound, LanguageKind, LeftOutReason, Place, Smell, SmellKind, Survey};
use crate::survey::tree::FileKind;

/// Smells of one kind and message are one with several places.
fn add(
    survey: &mut Survey,
    kind: SmellKind,
    message: String,
    remedy: String,
    place: Option<Place>,
) {
    // What only tests or shows something is run by nobody.
    let is_run = matches!(
        kind,
        SmellKind::RootContainer
            | SmellKind::UnpinnedImage
            | SmellKind::EndOfLife
            | SmellKind::NoLock
    );
    if is_run && place.as_ref().is_some_and(|place| is_beside(&place.file)) {
        return;
    }
    let has_room = survey.smells.len() < MOST_PLACES * 10;
    let known = survey
        .smells
        .iter_mut()
        .find(|smell| smell.kind == kind && smell.message == message);
    match known {
        Some(smell) if smell.places.len() < MOST_PLACES => smell.places.extend(place),
        None if has_room => survey.smells.push(Smell {
            kind,
            message,
            remedy,
            places: place.into_iter().collect(),
        }),
        Some(_) | None => {}
    }
}

/// Nobody but root is named as who runs the container.
pub fn root_container(survey: &mut Survey, place: Place) {
    let message = format!("the container of {} runs as root", place.file);
    let remedy = format!(
        "Run the container of {} as a user without rights",
        place.file
    );
    add(
        survey,
        SmellKind::RootContainer,
        message,
        remedy,
        Some(place),
    );
}

/// An image whose content changes under the same name.
pub fn unpinned_image(survey: &mut Survey, image: &str, place: Place) {
    let message = format!("the image `{image}` names no version");
    let remedy = format!("Name the version of the image `{image}`");
    add(
        survey,
        SmellKind::UnpinnedImage,
        message,
        remedy,
        Some(place),
    );
}

/// An edition of Rust before that of 2021: it still compiles, and nothing ends.
pub fn old_edition(survey: &mut Survey, edition: &str, place: Place) {
    let message =
        format!("edition {edition} of Rust is an old edition, which compilers still take");
    let remedy = format!("Move from edition {edition} of Rust to a newer one");
    add(survey, SmellKind::OldEdition, message, remedy, Some(place));
}

/// Adds what can be said once everything else is known.
pub fn judge(found: &mut Found<'_>) {
    let mut survey = std::mem::take(&mut found.survey);
    let has_code = survey
        .languages
        .iter()
        .any(|language| language.kind == LanguageKind::Code);
    if has_code && survey.tests.files == 0 {
        let (message, remedy) = (
            "no file holds tests",
            "Add tests for what exists before changing it",
        );
        add(
            &mut survey,
            SmellKind::NoTests,
            message.to_owned(),
            remedy.to_owned(),
            None,
        );
    }
    if has_code && survey.ci.is_empty() {
        let (message, remedy) = (
            "no pipeline builds and tests it",
            "Build and test every change in a pipeline",
        );
        add(
            &mut survey,
            SmellKind::NoCi,
            message.to_owned(),
            remedy.to_owned(),
            None,
        );
    }
    locks(&mut survey);
    let today = survey.as_of.clone();
    for runtime in survey.runtimes.clone() {
        let Some(day) = last_day(&runtime.name, &runtime.version) else {
            continue;
        };
        if survey.named_exactly(&runtime).is_some() {
            continue;
        }
        if runtime.bound == Bound::Exactly && day < today.as_str() {
            let (name, version) = (&runtime.name, &runtime.version);
            let message = format!("{name} {version} has had no fixes since {day}");
            let remedy = format!("Move from {name} {version} to a supported version");
            add(
                &mut survey,
                SmellKind::EndOfLife,
                message,
                remedy,
                Some(runtime.place),
            );
        }
    }
    for file in &found.tree.files {
        let is_code = language_of(&file.path).is_some_and(|known| known.kind == LanguageKind::Code);
        let is_own = file.kind == FileKind::File && left_out(&file.path).is_none();
        if is_code && is_own && !is_generated(&file.path) && file.size_bytes > LARGE_SOURCE_BYTES {
            let most = LARGE_SOURCE_BYTES / 1024;
            let message = format!("source files are larger than {most} KiB");
            let remedy = format!("Split source files that are larger than {most} KiB");
            let place = Some(Place::whole(&file.path));
            add(&mut survey, SmellKind::LargeFile, message, remedy, place);
        }
    }
    for folder in survey.left_out.clone() {
        if folder.reason == LeftOutReason::Vendored {
            let message = "dependencies are kept as copies in the tree".to_owned();
            let remedy =
                "Take dependencies from a registry instead of copies in the tree".to_owned();
            let place = Some(Place::whole(&folder.folder));
            add(&mut survey, SmellKind::Vendored, message, remedy, place);
        }
    }
    survey
        .smells
        .sort_by(|a, b| (a.kind, &a.message).cmp(&(b.kind, &b.message)));
    found.survey = survey;
}

/// Manifests whose dependencies nothing pins.
fn locks(survey: &mut Survey) {
    for manifest in survey.manifests.clone() {
        let loose = survey
            .dependencies
            .iter()
            .filter(|dependency| dependency.place.file == manifest.file && !dependency.pinned)
            .count();
        // There is no lock for find_package.
        if loose == 0 || manifest.lock.is_some() || manifest.ecosystem == "cmake" {
            continue;
        }
        let message = format!(
            "no lock pins the versions of {}'s dependencies",
            manifest.ecosystem
        );
        let remedy = format!(
            "Pin the versions of {}'s dependencies by a lock",
            manifest.ecosystem
        );
        add(
            survey,
            SmellKind::NoLock,
            message,
            remedy,
            Some(Place::whole(&manifest.file)),
        );
    }
}
