//! What a modernization is told of versions: those whose end is known are judged, of others that is said.

use super::samples::surveyed;
use super::{Renew, SmellKind, Survey, statements};

fn ended(survey: &Survey) -> Vec<String> {
    let smells = survey.smells.iter();
    let ended = smells.filter(|smell| smell.kind == SmellKind::EndOfLife);
    ended
        .map(|smell| format!("{} @ {}", smell.message, smell.places[0]))
        .collect()
}

#[test]
fn redis_and_rabbitmq_are_judged_by_the_images_of_compose_and_of_a_cluster() {
    let compose = "services:\n  a:\n    image: redis:5-alpine\n  b:\n    image: rabbitmq:3.8-management\n  c:\n    image: redis:7\n";
    let manifest = "apiVersion: apps/v1\nkind: StatefulSet\nspec:\n  template:\n    spec:\n      containers:\n\
                    \x20       - name: cache\n          image: redis:6.0.9\n          ports:\n            - containerPort: 6379\n\
                    \x20       - image: rabbitmq:3.12\n          name: queue\n        - name: own\n          image: acme/app\n";
    let values = "redis:\n  image:\n    repository: redis\n    tag: \"7.0.5\"\n";
    let found = surveyed(&[
        ("compose.yml", compose),
        ("k8s/cache.yaml", manifest),
        ("charts/app/values.yaml", values),
        ("other/cache.yaml", manifest),
        ("tests/compose.yml", compose),
    ]);
    let expected = [
        "RabbitMQ 3.12 has had no fixes since 2024-06-30 @ k8s/cache.yaml:11",
        "RabbitMQ 3.8 has had no fixes since 2022-07-31 @ compose.yml:5",
        "Redis 5 has had no fixes since 2022-04-27 @ compose.yml:3",
        "Redis 6.0.9 has had no fixes since 2022-05-31 @ k8s/cache.yaml:8",
        "Redis 7.0.5 has had no fixes since 2024-07-29 @ charts/app/values.yaml:4",
    ];
    assert_eq!(ended(&found), expected);
    let services: Vec<(&str, &[String])> = found
        .services
        .iter()
        .filter(|service| service.place.file.starts_with("k8s/"))
        .map(|service| (service.name.as_str(), service.ports.as_slice()))
        .collect();
    let port = ["6379".to_owned()];
    let none: &[String] = &[];
    assert_eq!(
        services,
        [("cache", &port[..]), ("queue", none), ("own", none)]
    );
    assert!(
        found
            .smells
            .iter()
            .any(|smell| smell.message.contains("`acme/app` names no version"))
    );
}

#[test]
fn a_version_that_the_table_does_not_know_is_said_to_be_unknown() {
    let compose = "services:\n  a:\n    image: redis:7\n  b:\n    image: node:24\n";
    let found = surveyed(&[("compose.yml", compose)]);
    assert_eq!(ended(&found), Vec::<String>::new());
    let page = found.markdown();
    let unknown = "Redis 7, exactly (`compose.yml:3`): until when it gets fixes is not known";
    assert!(page.contains(unknown), "{page}");
    assert!(
        page.contains("Node.js 24, exactly (`compose.yml:5`): fixes until 2028-04-30"),
        "{page}"
    );
    let cites = |renew| -> Vec<String> {
        let said = statements(&found, renew).into_iter();
        said.filter(|one| one.text.contains("runs on Redis"))
            .map(|one| one.cites)
            .collect()
    };
    assert_eq!(cites(Renew::NotAsked), ["compose.yml:3"]);
    assert_eq!(
        cites(Renew::Asked),
        ["compose.yml:3; until when it gets fixes is not known"]
    );
}

#[test]
fn terraform_is_judged_where_one_minor_version_alone_is_allowed() {
    for (said, expected) in [
        (
            "~> 1.1.0",
            "Terraform 1.1.0 has had no fixes since 2022-09-21 @ main.tf:2",
        ),
        (
            "1.2.9",
            "Terraform 1.2.9 has had no fixes since 2023-03-08 @ main.tf:2",
        ),
        (
            "= 1.0.11",
            "Terraform 1.0.11 has had no fixes since 2022-05-18 @ main.tf:2",
        ),
        ("~> 1.1", ""),
        (">= 1.0.0, < 2.0.0", ""),
        ("1.12.0", ""),
        ("< 1.1.0", ""),
    ] {
        let text = format!("terraform {{\n  required_version = \"{said}\"\n}}\n");
        let found = surveyed(&[("main.tf", &text)]);
        assert_eq!(ended(&found).join(""), expected, "{said}");
    }
    let managed = "# own\nterraform 1.1.7\nnodejs 14.17.0\njava temurin-16.0.2+7\n";
    let found = surveyed(&[(".tool-versions", managed)]);
    assert_eq!(ended(&found).len(), 3, "{:?}", found.runtimes);
}

#[test]
fn an_old_edition_is_told_without_a_day_and_behind_all_else() {
    for (edition, is_old) in [
        ("2015", true),
        ("2018", true),
        ("2021", false),
        ("2024", false),
    ] {
        let manifest = format!("[package]\nname = \"a\"\nedition = \"{edition}\"\n");
        let found = surveyed(&[("Cargo.toml", &manifest), ("src/lib.rs", "")]);
        let last = found.smells.last().expect("a smell");
        assert_eq!(last.kind == SmellKind::OldEdition, is_old, "{edition}");
        if is_old {
            let said =
                format!("edition {edition} of Rust is an old edition, which compilers still take");
            assert_eq!((&last.message, last.places[0].line), (&said, Some(3)));
        }
    }
    let shared = "[workspace]\n[workspace.package]\nedition = \"2018\"\n";
    let member = "[package]\nname = \"a\"\nedition.workspace = true\n";
    let found = surveyed(&[("Cargo.toml", shared), ("a/Cargo.toml", member)]);
    let old = found
        .smells
        .iter()
        .filter(|smell| smell.kind == SmellKind::OldEdition);
    assert_eq!(old.map(|smell| smell.places.len()).collect::<Vec<_>>(), [1]);
}
