//! What a name of a branch or tag means in a repository right now.

use orch_core::source::{Commit, Reference, RepositoryUrl};

use crate::{Git, GitError};

/// The commit that a reference means; without one, the head of the default branch. A commit's full
/// id means itself, and nobody is asked.
///
/// # Errors
/// When the repository cannot be reached, or has no such branch or tag.
pub fn resolve(
    git: &Git,
    url: &RepositoryUrl,
    reference: Option<&Reference>,
) -> Result<Commit, GitError> {
    if let Some(commit) = reference.and_then(Reference::as_commit) {
        return Ok(commit);
    }
    let patterns = match reference {
        None => vec!["HEAD".to_owned()],
        Some(name) if name.as_str().starts_with("refs/") => {
            vec![name.to_string(), format!("{name}^{{}}")]
        }
        Some(name) => vec![
            format!("refs/heads/{name}"),
            format!("refs/tags/{name}"),
            format!("refs/tags/{name}^{{}}"),
        ],
    };
    let call = git
        .call_to("ls-remote", url)?
        .arguments(["ls-remote", "--quiet", "--", url.as_str()])
        .arguments(&patterns);
    let answer = call.run()?;
    let found = |pattern: &str| {
        answer.lines().find_map(|line| {
            let (commit, name) = line.split_once('\t')?;
            (name == pattern).then(|| Commit::parse(commit)).flatten()
        })
    };
    let unknown = |name: &Reference| GitError::UnknownReference {
        url: url.to_string(),
        reference: name.to_string(),
    };
    let Some(name) = reference else {
        return found("HEAD").ok_or_else(|| GitError::Empty {
            url: url.to_string(),
        });
    };
    if let [exact, peeled] = patterns.as_slice() {
        return found(peeled)
            .or_else(|| found(exact))
            .ok_or_else(|| unknown(name));
    }
    let branch = found(&patterns[0]);
    // An annotated tag is an object of its own: its commit stands behind it.
    let tag = found(&patterns[2]).or_else(|| found(&patterns[1]));
    match (branch, tag) {
        (Some(branch), Some(tag)) if branch != tag => Err(GitError::Ambiguous {
            url: url.to_string(),
            reference: name.to_string(),
        }),
        (branch, tag) => branch.or(tag).ok_or_else(|| unknown(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Origin;

    fn name(text: &str) -> Reference {
        Reference::parse(text).unwrap()
    }

    #[test]
    fn branches_tags_and_the_default_branch_are_found_and_others_are_refused() {
        let origin = Origin::new();
        let first = origin.commit("a", "1");
        origin.git(&["tag", "-a", "v1", "-m", "one"]);
        let second = origin.commit("a", "2");
        origin.git(&["branch", "other", first.as_str()]);
        let resolve = |reference: Option<&str>| {
            let reference = reference.map(name);
            resolve(&origin.hardened(), &origin.url(), reference.as_ref())
        };
        assert_eq!(resolve(None).unwrap(), second);
        assert_eq!(resolve(Some("main")).unwrap(), second);
        assert_eq!(resolve(Some("other")).unwrap(), first);
        assert_eq!(resolve(Some("v1")).unwrap(), first);
        assert_eq!(resolve(Some("refs/tags/v1")).unwrap(), first);
        assert_eq!(resolve(Some(first.as_str())).unwrap(), first);
        let unknown = resolve(Some("nowhere")).unwrap_err().to_string();
        assert!(
            unknown.contains("`nowhere` is no branch or tag"),
            "{unknown}"
        );
        origin.git(&["tag", "other"]);
        let both = resolve(Some("other")).unwrap_err().to_string();
        assert!(both.contains("refs/heads/other"), "{both}");
    }

    #[test]
    fn a_repository_that_is_not_there_is_named() {
        let origin = Origin::new();
        let url = RepositoryUrl::parse("file:///nowhere/at/all").unwrap();
        let error = resolve(&origin.hardened(), &url, None)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("ls-remote failed") && error.contains("/nowhere/at/all"),
            "{error}"
        );
    }
}
