//! Who we are to the storage, and where it is: as the tools for S3 take it from the environment.

use std::time::Duration;

use object_store::{
    RetryConfig,
    aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey},
};

use super::{super::Bucket, Trouble, http::Http};

/// The variables that are looked at. Others that the library knows are not: some of them weaken what is signed, and without
/// keys it would ask the network of a cloud for some.
const VARIABLES: [(&str, AmazonS3ConfigKey); 8] = [
    ("AWS_ACCESS_KEY_ID", AmazonS3ConfigKey::AccessKeyId),
    ("AWS_SECRET_ACCESS_KEY", AmazonS3ConfigKey::SecretAccessKey),
    ("AWS_SESSION_TOKEN", AmazonS3ConfigKey::Token),
    ("AWS_DEFAULT_REGION", AmazonS3ConfigKey::Region),
    ("AWS_REGION", AmazonS3ConfigKey::Region),
    ("AWS_ENDPOINT_URL", AmazonS3ConfigKey::Endpoint),
    ("AWS_ENDPOINT_URL_S3", AmazonS3ConfigKey::Endpoint),
    ("AWS_VIRTUAL_HOSTED_STYLE_REQUEST", AmazonS3ConfigKey::VirtualHostedStyleRequest),
];

/// Says that what is sent to the storage may be read on its way.
const ALLOW_HTTP: &str = "AWS_ALLOW_HTTP";

/// Once failed, it is asked again so often, and not after this time.
fn retry(patience: Duration) -> RetryConfig {
    let mut retry = RetryConfig { max_retries: 2, retry_timeout: patience, ..RetryConfig::default() };
    retry.backoff.max_backoff = Duration::from_secs(1);
    retry
}

/// What speaks with the storage.
pub(super) fn client(
    bucket: &Bucket,
    environment: impl Fn(&str) -> Option<String>,
    patience: Duration,
) -> Result<AmazonS3, Trouble> {
    let set = |name: &str| environment(name).filter(|value| !value.is_empty());
    let mut builder = AmazonS3Builder::new().with_bucket_name(bucket.name());
    for (name, key) in VARIABLES {
        if let Some(value) = set(name) {
            builder = builder.with_config(key, value);
        }
    }
    for (name, key) in &VARIABLES[..2] {
        if builder.get_config_value(key).is_none() {
            return Err(Trouble::Settings(format!("{name} is not set in the environment")));
        }
    }
    let endpoint = builder.get_config_value(&AmazonS3ConfigKey::Endpoint);
    let encrypted = match &endpoint {
        None => true,
        Some(endpoint) if endpoint.starts_with("https://") => true,
        Some(endpoint) if !endpoint.starts_with("http://") => {
            return Err(Trouble::Settings("AWS_ENDPOINT_URL is not of the kind https://HOST".into()));
        }
        Some(_) if set(ALLOW_HTTP).is_none_or(|allowed| allowed != "true") => {
            let why = "AWS_ENDPOINT_URL is not of the kind https://: whoever is on the way there could read and change files; \
                       set AWS_ALLOW_HTTP=true if nobody is";
            return Err(Trouble::Settings(why.into()));
        }
        Some(_) => false,
    };
    let http = Http::new(patience, encrypted).map_err(|error| Trouble::Settings(error.to_string()))?;
    let builder = builder.with_http_connector(http).with_retry(retry(patience)).with_allow_http(!encrypted);
    // One object a request: not all storages know how to remove many at once.
    let client = builder.with_disable_bulk_delete(true).build();
    // What the library says may repeat a value.
    client.map_err(|_| Trouble::Settings("the variables AWS_… do not fit together".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(variables: &[(&str, &str)]) -> Result<AmazonS3, String> {
        let bucket = "s3://van-ban".parse().unwrap();
        let environment =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        client(&bucket, environment, Duration::from_secs(1)).map_err(|trouble| trouble.to_string())
    }

    #[test]
    fn who_we_are_stands_in_the_environment() {
        let keys = [("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "geheim")];
        assert!(made(&[]).unwrap_err().contains("AWS_ACCESS_KEY_ID"));
        assert!(made(&keys[..1]).unwrap_err().contains("AWS_SECRET_ACCESS_KEY"));
        assert!(made(&[keys[0], ("AWS_SECRET_ACCESS_KEY", "")]).unwrap_err().contains("AWS_SECRET_ACCESS_KEY"));
        made(&keys).unwrap();
        let at = |endpoint| made(&[keys[0], keys[1], ("AWS_ENDPOINT_URL", endpoint)]);
        at("https://s3.example").unwrap();
        assert!(at("s3.example").unwrap_err().contains("https://HOST"));
        assert!(at("http://s3.example").unwrap_err().contains("AWS_ALLOW_HTTP=true"));
        made(&[keys[0], keys[1], ("AWS_ENDPOINT_URL", "http://s3.example"), (ALLOW_HTTP, "true")]).unwrap();
    }
}
