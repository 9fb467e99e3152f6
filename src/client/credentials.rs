//! Secrets and the headers that carry them, read anew for each request where they lie in files.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

use crate::model::Secret;

use super::{ClientError, ClientOptions, SecretSource};

impl SecretSource {
    /// The secret as it is now; a file's text is trimmed of blanks around it.
    pub async fn read(&self) -> Result<Secret, ClientError> {
        match self {
            Self::Inline(secret) => Ok(secret.clone()),
            Self::File(path) => match tokio::fs::read_to_string(path).await {
                Ok(text) => Ok(Secret::new(text.trim())),
                Err(error) => Err(ClientError::Secret { path: path.clone(), reason: error.to_string() }),
            },
        }
    }

    pub(super) fn is_file(&self) -> bool {
        matches!(self, Self::File(_))
    }
}

impl ClientOptions {
    /// Whether the headers may differ from one request to the next: secrets in files, tokens that expire.
    pub(super) fn has_changing_credentials(&self) -> bool {
        let basic =
            self.basic_auth.as_ref().is_some_and(|b| b.username.is_file() || b.password.as_ref().is_some_and(SecretSource::is_file));
        let authorization = self.authorization.as_ref().and_then(|a| a.credentials.as_ref()).is_some_and(SecretSource::is_file);
        self.oauth2.is_some() || basic || authorization || self.headers.iter().any(|(_, source)| source.is_file())
    }

    /// The `Authorization` header and the configured extra headers.
    pub(super) async fn credential_headers(&self) -> Result<HeaderMap, ClientError> {
        let mut headers = HeaderMap::new();
        if let Some(basic) = &self.basic_auth {
            let user = basic.username.read().await?;
            let password = match &basic.password {
                Some(source) => source.read().await?,
                None => Secret::default(),
            };
            let encoded = STANDARD.encode(format!("{}:{}", user.expose(), password.expose()));
            headers.insert(AUTHORIZATION, sensitive("Authorization", &format!("Basic {encoded}"))?);
        }
        if let Some(authorization) = &self.authorization {
            let credentials = match &authorization.credentials {
                Some(source) => source.read().await?,
                None => Secret::default(),
            };
            let text = format!("{} {}", authorization.scheme, credentials.expose());
            headers.insert(AUTHORIZATION, sensitive("Authorization", text.trim_end())?);
        }
        if let Some(oauth2) = &self.oauth2 {
            headers.insert(AUTHORIZATION, sensitive("Authorization", oauth2.authorization().await?.expose())?);
        }
        for (name, source) in &self.headers {
            let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| ClientError::Header { name: name.clone() })?;
            headers.append(key, sensitive(name, source.read().await?.expose())?);
        }
        Ok(headers)
    }
}

pub(super) fn sensitive(name: &str, text: &str) -> Result<HeaderValue, ClientError> {
    let mut value = HeaderValue::from_str(text).map_err(|_| ClientError::Header { name: name.to_owned() })?;
    value.set_sensitive(true);
    Ok(value)
}
