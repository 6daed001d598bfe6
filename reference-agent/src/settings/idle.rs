//! Settings that have no effect beside the others: nobody should have to find that out alone.

use super::{Auth, Client, Settings};

/// What is missing, what that means for a setting, and which settings it makes idle: each with
/// whether it says anything.
type Group<'a> = (bool, &'static str, &'a [(&'static str, bool)]);

/// Each setting that says something and has no effect, and why.
pub(crate) fn idle(settings: &Settings) -> Vec<(&'static str, &'static str)> {
    let s = settings;
    let standing = Settings::default();
    let keys = [("ACP_API_KEYS", !s.api_keys.is_empty())];
    let anybody = [
        ("ACP_GUARD_METRICS", s.guard_metrics),
        ("ACP_RATE_LIMIT_BY", s.rate_limit_by == Client::Key),
    ];
    let tokens = [
        ("ACP_JWT_SECRET", s.jwt_secret.is_some()),
        ("ACP_JWKS_URL", s.jwks_url.is_some()),
        ("ACP_JWT_ISSUER", s.jwt_issuer.is_some()),
        ("ACP_JWT_AUDIENCE", s.jwt_audience.is_some()),
    ];
    let issuing = [
        ("ACP_OAUTH_CLIENTS", !s.oauth_clients.is_empty()),
        ("ACP_TOKEN_TTL", s.token_ttl != standing.token_ttl),
    ];
    let counting = s.rate_limit_algorithm != standing.rate_limit_algorithm;
    let cache = [
        ("ACP_CACHE_TTL", s.cache_ttl != standing.cache_ttl),
        ("ACP_CACHE_SIZE", s.cache_size != standing.cache_size),
    ];
    let step = s.stream_step != standing.stream_step;
    let timeout = s.weather_timeout != standing.weather_timeout;
    let retries = s.weather_retries != standing.weather_retries;
    let weather = [
        ("ACP_WEATHER_TIMEOUT", timeout),
        ("ACP_WEATHER_RETRIES", retries),
    ];
    let interval = s.heartbeat_interval != standing.heartbeat_interval;
    let no_limit = s.rate_limit.is_none() && s.rate_limit_invoke.is_none();
    let no_registry = s.orchestrator_url.is_none() && s.discovery_url.is_none();
    let groups: [Group<'_>; 11] = [
        (s.auth == Auth::None, "ACP_AUTH is none", &anybody),
        (s.auth != Auth::ApiKey, "ACP_AUTH is not api_key", &keys),
        (s.auth != Auth::Bearer, "ACP_AUTH is not bearer", &tokens),
        (s.auth != Auth::OAuth2, "ACP_AUTH is not oauth2", &issuing),
        (
            !s.enable_metrics,
            "ACP_ENABLE_METRICS is false",
            &anybody[..1],
        ),
        (
            no_limit,
            "both rate limits are off",
            &[("ACP_RATE_LIMIT_ALGORITHM", counting)],
        ),
        (!s.enable_caching, "ACP_ENABLE_CACHING is false", &cache),
        (
            !s.enable_streaming,
            "ACP_ENABLE_STREAMING is false",
            &[("ACP_STREAM_STEP", step)],
        ),
        (
            s.weather_url.is_none(),
            "ACP_WEATHER_URL is not set",
            &weather,
        ),
        (
            no_registry,
            "no registry is set",
            &[("ACP_HEARTBEAT_INTERVAL", interval)],
        ),
        (
            s.admin_key.is_none(),
            "ACP_ADMIN_KEY is not set",
            &[("ACP_ADMIN_PORT", s.admin_port.is_some())],
        ),
    ];
    groups
        .into_iter()
        .filter(|(is_missing, ..)| *is_missing)
        .flat_map(|(_, because, settings)| settings.iter().map(move |one| (one, because)))
        .filter(|((_, says_something), _)| *says_something)
        .map(|((name, _), because)| (*name, because))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::settings::{Algorithm, SETTINGS, Secret};

    /// All that can be idle, with all that would need it switched off.
    fn all_idle() -> Settings {
        let url = "http://keys.test".parse().ok();
        let secrets = vec![("me".to_owned(), Secret::of("hush"))];
        Settings {
            admin_port: Some(9001),
            guard_metrics: true,
            enable_metrics: false,
            api_keys: secrets.clone(),
            jwt_secret: Some(Secret::of("hush")),
            jwks_url: url,
            jwt_issuer: Some("me".to_owned()),
            jwt_audience: Some("me".to_owned()),
            oauth_clients: secrets,
            token_ttl: Duration::from_secs(1),
            rate_limit: None,
            rate_limit_invoke: None,
            rate_limit_by: Client::Key,
            rate_limit_algorithm: Algorithm::TokenBucket,
            enable_caching: false,
            cache_ttl: Duration::from_secs(1),
            cache_size: 1,
            enable_streaming: false,
            stream_step: Duration::from_secs(1),
            weather_timeout: Duration::from_secs(1),
            weather_retries: 0,
            heartbeat_interval: Duration::from_secs(1),
            ..Settings::default()
        }
    }

    #[test]
    fn what_has_no_effect_is_a_setting_and_is_told_with_the_reason() {
        let idle = idle(&all_idle());
        assert_eq!(idle.len(), 18);
        for (name, because) in idle {
            let is_known = SETTINGS.iter().any(|setting| setting.variable() == name);
            assert!(is_known && !because.is_empty(), "{name}");
        }
    }

    #[test]
    fn what_has_an_effect_is_not_told_of() {
        assert!(idle(&Settings::default()).is_empty());
        let settings = Settings {
            auth: Auth::Bearer,
            enable_metrics: true,
            enable_caching: true,
            enable_streaming: true,
            admin_key: Some(Secret::of("hush")),
            weather_url: "http://weather.test".parse().ok(),
            discovery_url: "http://registry.test".parse().ok(),
            rate_limit: Settings::default().rate_limit,
            ..all_idle()
        };
        let told: Vec<_> = idle(&settings).into_iter().map(|(name, _)| name).collect();
        let of_others = ["ACP_API_KEYS", "ACP_OAUTH_CLIENTS", "ACP_TOKEN_TTL"];
        assert_eq!(told, of_others);
    }
}
