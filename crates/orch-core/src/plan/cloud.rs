//! Which clouds a work item touches, and what has to be asked before it can run there.
//!
//! Judged by whole words of title and description, so that "draws" is not AWS. Names the inputs of
//! the requirement documents exactly; it never holds a value of one.

/// A provider that needs credentials and a command-line tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cloud {
    /// Amazon Web Services.
    Aws,
    /// Google Cloud.
    Gcp,
    /// Microsoft Azure.
    Azure,
    /// Any Kubernetes cluster.
    Kubernetes,
}

/// One value that a person has to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputSpec {
    /// The key to answer with.
    pub key: &'static str,
    /// Whether the value must never be shown.
    pub secret: bool,
    /// How the value reaches the steps.
    pub kind: InputKind,
}

/// How an answered value reaches the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// One line, set as the environment variable of the same name.
    Variable,
    /// A document: written to a private file, whose path is set in the variable `path_in`.
    File {
        /// The variable that the provider's tools read the path from.
        path_in: &'static str,
        /// Name of the file in the run's own folder.
        file_name: &'static str,
    },
}

const fn public(key: &'static str) -> InputSpec {
    InputSpec {
        key,
        secret: false,
        kind: InputKind::Variable,
    }
}

const fn secret(key: &'static str) -> InputSpec {
    InputSpec {
        key,
        secret: true,
        kind: InputKind::Variable,
    }
}

const fn file(key: &'static str, path_in: &'static str, file_name: &'static str) -> InputSpec {
    InputSpec {
        key,
        secret: true,
        kind: InputKind::File { path_in, file_name },
    }
}

const AWS: &[InputSpec] = &[
    secret("AWS_ACCESS_KEY_ID"),
    secret("AWS_SECRET_ACCESS_KEY"),
    public("AWS_DEFAULT_REGION"),
];
const GCP: &[InputSpec] = &[
    file(
        "GOOGLE_APPLICATION_CREDENTIALS_JSON",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "gcp-service-account.json",
    ),
    public("GOOGLE_CLOUD_PROJECT"),
];
const AZURE: &[InputSpec] = &[
    public("AZURE_CLIENT_ID"),
    public("AZURE_TENANT_ID"),
    secret("AZURE_CLIENT_SECRET"),
    public("AZURE_SUBSCRIPTION_ID"),
];
const KUBERNETES: &[InputSpec] = &[file("KUBECONFIG_CONTENT", "KUBECONFIG", "kubeconfig")];

impl Cloud {
    /// Every cloud, in the order in which hints are reported.
    pub const ALL: [Self; 4] = [Self::Aws, Self::Gcp, Self::Azure, Self::Kubernetes];

    /// The short name used in messages: `aws`, `gcp`, `azure`, `kubernetes`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Gcp => "gcp",
            Self::Azure => "azure",
            Self::Kubernetes => "kubernetes",
        }
    }

    /// The command-line tools that must be on `PATH`.
    #[must_use]
    pub fn cli(self) -> &'static [&'static str] {
        match self {
            Self::Aws => &["aws"],
            Self::Gcp => &["gcloud"],
            Self::Azure => &["az"],
            Self::Kubernetes => &["kubectl", "helm"],
        }
    }

    /// What must be asked for, in the documents' order.
    #[must_use]
    pub fn inputs(self) -> &'static [InputSpec] {
        match self {
            Self::Aws => AWS,
            Self::Gcp => GCP,
            Self::Azure => AZURE,
            Self::Kubernetes => KUBERNETES,
        }
    }

    fn named_by(self, word: &str) -> bool {
        let words: &[&str] = match self {
            Self::Aws => &[
                "aws",
                "awscli",
                "ec2",
                "ecs",
                "ecr",
                "eks",
                "cloudformation",
            ],
            Self::Gcp => &["gcp", "gcloud", "gke"],
            Self::Azure => &["azure", "azurerm", "aks"],
            Self::Kubernetes => &[
                "k8s",
                "kubernetes",
                "kubectl",
                "kubeconfig",
                "eks",
                "gke",
                "aks",
            ],
        };
        words.contains(&word)
    }
}

/// The clouds that title or description name, each once.
#[must_use]
pub fn cloud_hints(title: &str, description: &str) -> Vec<Cloud> {
    let text = format!("{title}\n{description}").to_lowercase();
    let words: Vec<&str> = text
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let spelled_out = |phrase: [&str; 2]| words.windows(2).any(|pair| pair == phrase);
    Cloud::ALL
        .into_iter()
        .filter(|cloud| {
            let phrase = match cloud {
                Cloud::Aws => spelled_out(["amazon", "web"]),
                Cloud::Gcp => spelled_out(["google", "cloud"]),
                Cloud::Azure | Cloud::Kubernetes => false,
            };
            phrase || words.iter().any(|word| cloud.named_by(word))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_name_clouds() {
        use Cloud::{Aws, Azure, Gcp, Kubernetes};
        for (title, description, expected) in [
            ("demo aws", "", vec![Aws]),
            ("Provision AWS-S3 bucket", "", vec![Aws]),
            ("deploy", "to k8s on Azure", vec![Azure, Kubernetes]),
            ("set up EKS", "", vec![Aws, Kubernetes]),
            ("gke:deploy", "", vec![Gcp, Kubernetes]),
            ("aks", "gcp", vec![Gcp, Azure, Kubernetes]),
            ("Google Cloud run", "", vec![Gcp]),
            ("Amazon Web Services", "", vec![Aws]),
            ("aws_region check", "", vec![Aws]),
            ("aws aws AWS", "aws", vec![Aws]),
            ("who draws the laws", "seeks breaks", vec![]),
            ("azured gcps", "k8sx", vec![]),
            ("api:build", "docker build", vec![]),
            ("helm lint", "", vec![]),
            ("", "", vec![]),
        ] {
            assert_eq!(
                cloud_hints(title, description),
                expected,
                "{title} / {description}"
            );
        }
    }

    #[test]
    fn the_documents_inputs_are_asked_for() {
        let keys = |cloud: Cloud| -> Vec<&str> { cloud.inputs().iter().map(|i| i.key).collect() };
        assert_eq!(
            Cloud::ALL.map(keys),
            [
                vec![
                    "AWS_ACCESS_KEY_ID",
                    "AWS_SECRET_ACCESS_KEY",
                    "AWS_DEFAULT_REGION"
                ],
                vec![
                    "GOOGLE_APPLICATION_CREDENTIALS_JSON",
                    "GOOGLE_CLOUD_PROJECT"
                ],
                vec![
                    "AZURE_CLIENT_ID",
                    "AZURE_TENANT_ID",
                    "AZURE_CLIENT_SECRET",
                    "AZURE_SUBSCRIPTION_ID"
                ],
                vec!["KUBECONFIG_CONTENT"],
            ]
        );
        assert_eq!(Cloud::Kubernetes.cli(), ["kubectl", "helm"]);
        for cloud in Cloud::ALL {
            for input in cloud.inputs() {
                let document = matches!(input.kind, InputKind::File { .. });
                assert!(
                    input.secret || !document,
                    "{} is a secret document",
                    input.key
                );
            }
        }
    }
}
