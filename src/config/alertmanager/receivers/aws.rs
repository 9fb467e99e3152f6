//! Keys of AWS: in the file itself, of a named profile, or of the environment, as AWS's own programs have it.

use std::path::{Path, PathBuf};

use super::given::Given;
use crate::model::Secret;
use crate::yaml::Problems;

/// What requests are signed with; empty where there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Keys {
    pub access_key: String,
    pub secret_key: Secret,
    pub session_token: Secret,
    /// Of the profile.
    pub region: String,
}

/// The keys for a `sigv4` section. Those of the file itself go before those of its profile, and these before the environment's.
pub(super) fn keys(signing: Option<&Given<'_>>, environment: &dyn Fn(&str) -> String, problems: &mut Problems<'_>) -> Keys {
    let text = |key: &str| signing.map(|signing| signing.text(key)).unwrap_or_default();
    if !text("access_key").is_empty() {
        return Keys { access_key: text("access_key"), secret_key: Secret::new(text("secret_key")), ..Keys::default() };
    }
    let profile = text("profile");
    if let Some(signing) = signing.filter(|_| !profile.is_empty()) {
        return match of_profile(&profile, environment) {
            Ok(keys) => keys,
            Err(reason) => {
                // As Alertmanager has it, the file loads: AWS will refuse what is not signed.
                let message = format!("sigv4 profile \"{profile}\": {reason}; nothing can be signed for this receiver");
                problems.note(signing.0.key_span("profile"), &format!("sigv4/profile/{profile}"), message);
                Keys::default()
            }
        };
    }
    Keys {
        access_key: environment("AWS_ACCESS_KEY_ID"),
        secret_key: Secret::new(environment("AWS_SECRET_ACCESS_KEY")),
        session_token: Secret::new(environment("AWS_SESSION_TOKEN")),
        region: String::new(),
    }
}

/// Of the shared credentials file, then of the shared configuration file, where the section has `profile` before its name.
fn of_profile(profile: &str, environment: &dyn Fn(&str) -> String) -> Result<Keys, String> {
    let file = |variable: &str, name: &str| match environment(variable) {
        path if path.is_empty() => Path::new(&environment("HOME")).join(".aws").join(name),
        path => PathBuf::from(path),
    };
    let (credentials, config) = (file("AWS_SHARED_CREDENTIALS_FILE", "credentials"), file("AWS_CONFIG_FILE", "config"));
    let read = |path: &Path| std::fs::read_to_string(path).unwrap_or_default();
    let (credentials_text, config_text) = (read(&credentials), read(&config));
    let long = if profile == "default" { profile.to_owned() } else { format!("profile {profile}") };
    let setting =
        |key: &str| in_section(&credentials_text, profile, key).or_else(|| in_section(&config_text, &long, key)).unwrap_or_default();
    let keys = Keys {
        access_key: setting("aws_access_key_id"),
        secret_key: Secret::new(setting("aws_secret_access_key")),
        session_token: Secret::new(setting("aws_session_token")),
        region: setting("region"),
    };
    if keys.access_key.is_empty() || keys.secret_key.is_empty() {
        let places = format!("{} or {}", credentials.display(), config.display());
        return Err(format!("no aws_access_key_id and aws_secret_access_key in {places}"));
    }
    Ok(keys)
}

/// A setting in `[section]`; names of settings in any case, `#` and `;` begin comments.
fn in_section(text: &str, section: &str, key: &str) -> Option<String> {
    let mut inside = false;
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            inside = name.split_whitespace().eq(section.split_whitespace());
        } else if inside
            && !line.starts_with(['#', ';'])
            && let Some((name, value)) = line.split_once('=')
            && name.trim().eq_ignore_ascii_case(key)
        {
            let value = value.split(" #").next().unwrap_or("").split(" ;").next().unwrap_or("");
            return Some(value.trim().to_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_looked_up_in_both_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let credentials = "# mine\n[default]\naws_access_key_id=D\naws_secret_access_key=d\n\n[ ops ]\n AWS_Access_Key_Id = AKID # me\naws_secret_access_key = s=e/c ; x\n[half]\naws_access_key_id = H\n";
        std::fs::write(path("credentials"), credentials).unwrap();
        let config = "[profile ops]\nregion = eu-west-3\naws_session_token = t\n[default]\nregion = us-east-2\n[ops]\nregion = no\n[profile other]\naws_access_key_id = O\naws_secret_access_key = o\n";
        std::fs::write(path("config"), config).unwrap();
        let environment = |name: &str| match name {
            "AWS_SHARED_CREDENTIALS_FILE" => path("credentials"),
            "AWS_CONFIG_FILE" => path("config"),
            _ => String::new(),
        };
        let found = |profile: &str| {
            of_profile(profile, &environment)
                .map(|keys| format!("{} {} {} {}", keys.access_key, keys.secret_key.expose(), keys.session_token.expose(), keys.region))
        };
        assert_eq!(found("ops").as_deref(), Ok("AKID s=e/c t eu-west-3"));
        assert_eq!(found("default").as_deref(), Ok("D d  us-east-2"));
        assert_eq!(found("other").as_deref(), Ok("O o  "));
        let at_home = |name: &str| if name == "HOME" { path("none") } else { String::new() };
        let missing = of_profile("x", &at_home).unwrap_err();
        for error in [found("half").unwrap_err(), found("absent").unwrap_err(), missing] {
            assert!(error.starts_with("no aws_access_key_id and aws_secret_access_key in /"), "{error}");
        }
    }
}
