//! Where the bytes of artifacts are kept: beside the database, or in an S3-compatible bucket.

use orch_server::BucketAddress;

use super::{Reader, Setting, parse};

const PLACE: Setting = Setting::new("ORCH_ARTIFACTS").default("local");
const ENDPOINT: Setting = Setting::new("AWS_ENDPOINT_URL");
const REGION: Setting = Setting::new("AWS_REGION").default("us-east-1");
const KEY_ID: Setting = Setting::new("AWS_ACCESS_KEY_ID");
const KEY: Setting = Setting::new("AWS_SECRET_ACCESS_KEY").secret();
const TOKEN: Setting = Setting::new("AWS_SESSION_TOKEN").secret();

/// What `ORCH_ARTIFACTS` says.
enum Place {
    Local,
    Bucket { bucket: String, prefix: String },
}

/// The bucket; none where artifacts stay with the database. The variables of AWS are read for a bucket alone.
pub(super) fn bucket(reader: &mut Reader<'_>) -> Option<BucketAddress> {
    let Place::Bucket { bucket, prefix } = reader.value(&PLACE, None, place) else {
        return None;
    };
    let endpoint = reader.optional(&ENDPOINT, None, parse::address("https://s3.example.com"));
    let endpoint = endpoint.map(|address| address.trim_end_matches('/').to_owned());
    let region = reader.value(&REGION, None, parse::text);
    let id = reader.optional(&KEY_ID, None, parse::text);
    let secret = reader.optional(&KEY, None, parse::text);
    let session_token = reader.optional(&TOKEN, None, parse::text);
    let key = match (id, secret) {
        (Some(id), Some(secret)) => Some((id, secret)),
        (Some(_), None) => {
            reader.refuse(
                &KEY,
                "AWS_ACCESS_KEY_ID is set, and AWS_SECRET_ACCESS_KEY is not",
            );
            None
        }
        (None, Some(_)) => {
            reader.refuse(
                &KEY_ID,
                "AWS_SECRET_ACCESS_KEY is set, and AWS_ACCESS_KEY_ID is not",
            );
            None
        }
        // The role of the machine.
        (None, None) => None,
    };
    Some(BucketAddress {
        bucket,
        prefix,
        region,
        endpoint,
        key,
        session_token,
    })
}

fn place(text: &str) -> Result<Place, String> {
    const EXPECTED: &str = "expected `local`, or a bucket such as s3://my-bucket/my-prefix";
    if text == "local" {
        return Ok(Place::Local);
    }
    let rest = text.strip_prefix("s3://").ok_or(EXPECTED)?;
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let prefix = prefix.trim_matches('/');
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
    if !(3..=63).contains(&bucket.len()) || !bucket.chars().all(is_name) {
        return Err(format!(
            "{EXPECTED}; a bucket has 3 to 63 lower-case letters, digits, `-` and `.`"
        ));
    }
    let is_plain = |part: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        !part.is_empty() && part.chars().all(fits) && !part.starts_with('.')
    };
    if prefix.len() > 200 || !(prefix.is_empty() || prefix.split('/').all(is_plain)) {
        return Err(format!(
            "{EXPECTED}; a prefix is names of letters, digits, `-`, `_` and `.`, with `/` between them"
        ));
    }
    Ok(Place::Bucket {
        bucket: bucket.to_owned(),
        prefix: prefix.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    fn read(pairs: &[(&str, &str)]) -> Result<Option<BucketAddress>, String> {
        let pairs = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let settings = Settings::new(pairs, &[]).unwrap();
        let mut reader = Reader::new(&settings);
        let bucket = bucket(&mut reader);
        reader.finish().map_err(|failure| failure.message)?;
        Ok(bucket)
    }

    #[test]
    fn artifacts_stay_with_the_database_whatever_aws_variables_there_are() {
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&[("AWS_ACCESS_KEY_ID", "only half")]), Ok(None));
    }

    #[test]
    fn a_bucket_has_a_prefix_a_region_and_keys_and_shows_none_of_them() {
        let found = read(&[
            ("ORCH_ARTIFACTS", "s3://my-bucket/a/b/"),
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:9000/"),
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", "hush"),
        ])
        .unwrap()
        .unwrap();
        assert_eq!(found.to_string(), "s3://my-bucket/a/b");
        assert_eq!(found.region, "us-east-1");
        assert_eq!(found.endpoint.as_deref(), Some("http://127.0.0.1:9000"));
        assert_eq!(found.key, Some(("id".to_owned(), "hush".to_owned())));
        assert!(!format!("{found:?}").contains("hush"));
    }

    #[test]
    fn what_is_no_bucket_is_refused_with_what_is_expected() {
        for wrong in [
            "s3:/x",
            "https://bucket",
            "s3://A",
            "s3://bucket/../x",
            "s3://bucket/a//b",
            "/folder",
        ] {
            let said = read(&[("ORCH_ARTIFACTS", wrong)]).unwrap_err();
            assert!(said.contains("s3://my-bucket/my-prefix"), "{said}");
        }
        let bucket = ("ORCH_ARTIFACTS", "s3://my-bucket");
        let said = read(&[bucket, ("AWS_ACCESS_KEY_ID", "id")]).unwrap_err();
        assert!(said.contains("AWS_SECRET_ACCESS_KEY is not"), "{said}");
        let said = read(&[bucket, ("AWS_ENDPOINT_URL", "https://me:pw@host")]).unwrap_err();
        assert!(said.contains("without a user"), "{said}");
    }
}
