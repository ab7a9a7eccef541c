//! Until when versions get fixes: a table with its date, and how images and manifests name versions.

use crate::survey::tree::name;

/// `name version last-day`, one on each line.
const TABLE: &str = include_str!("runtimes.txt");

/// Names of images and of the runtimes in them.
const IMAGES: [(&str, &str); 19] = [
    ("node", "Node.js"),
    ("python", "Python"),
    ("golang", "Go"),
    ("php", "PHP"),
    ("ruby", "Ruby"),
    ("rust", "Rust"),
    ("openjdk", "Java"),
    ("eclipse-temurin", "Java"),
    ("debian", "Debian"),
    ("ubuntu", "Ubuntu"),
    ("alpine", "Alpine"),
    ("centos", "CentOS"),
    ("postgres", "PostgreSQL"),
    ("mysql", "MySQL"),
    ("postgresql", "PostgreSQL"),
    ("postgis", "PostgreSQL"),
    ("redis", "Redis"),
    ("rabbitmq", "RabbitMQ"),
    ("terraform", "Terraform"),
];

/// The runtime and version that an image's name tells: `node:14-alpine`.
pub fn of_image(image: &str) -> Option<(&'static str, &str)> {
    let image = image.split('@').next()?;
    let (image, tag) = name(image).split_once(':')?;
    let (_, runtime) = IMAGES.iter().find(|(known, _)| *known == image)?;
    let version = tag.split(['-', '_']).next()?;
    version
        .starts_with(|c: char| c.is_ascii_digit())
        .then_some((*runtime, version))
}

/// The last day of fixes for a version, where that is known.
pub fn last_day(runtime: &str, version: &str) -> Option<&'static str> {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    let mut rows = lines.filter_map(|line| {
        let mut words = line.rsplitn(3, ' ');
        let (day, of, name) = (words.next()?, words.next()?, words.next()?);
        Some((name, of, day))
    });
    let is_of = |of: &str| {
        version
            .strip_prefix(of)
            .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let found = rows.find(|(name, of, _)| *name == runtime && is_of(of));
    found.map(|(_, _, day)| day)
}

#[cfg(test)]
mod tests {
    use super::{TABLE, last_day, of_image};

    #[test]
    fn versions_are_found_by_their_beginning_and_not_by_their_digits() {
        assert_eq!(last_day("Node.js", "14"), Some("2023-04-30"));
        assert_eq!(last_day("Node.js", "14.21.3"), Some("2023-04-30"));
        assert_eq!(last_day("Node.js", "140"), None);
        assert_eq!(last_day("Python", "3.10.2"), last_day("Python", "3.10"));
        assert_ne!(last_day("Python", "3.10"), last_day("Python", "3.1"));
        assert_eq!(
            of_image("docker.io/library/node:14-alpine"),
            Some(("Node.js", "14"))
        );
        assert_eq!(
            of_image("rabbitmq:3.8-management"),
            Some(("RabbitMQ", "3.8"))
        );
        assert_eq!(
            of_image("hashicorp/terraform:1.1"),
            Some(("Terraform", "1.1"))
        );
        assert_eq!(last_day("RabbitMQ", "3.10.7"), Some("2023-07-31"));
        assert_eq!(last_day("Redis", "5.0.14"), Some("2022-04-27"));
        assert_eq!(
            (last_day("Redis", "6"), last_day("Redis", "7.2")),
            (None, None)
        );
        assert_eq!(
            (last_day("RabbitMQ", "3"), last_day("Terraform", "1.12")),
            (None, None)
        );
        assert_eq!(of_image("node:lts"), None);
        assert_eq!(of_image("ghcr.io/x/app@sha256:00"), None);
    }

    #[test]
    fn every_row_has_a_name_a_version_and_a_day() {
        for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
            let mut words = line.rsplitn(3, ' ');
            let day = words.next().expect("a day");
            assert!(day.len() == 10 && day.starts_with("20"), "{line}");
            assert!(
                words
                    .next()
                    .is_some_and(|of| of.starts_with(|c: char| c.is_ascii_digit())),
                "{line}"
            );
            assert!(words.next().is_some(), "{line}");
        }
    }
}
