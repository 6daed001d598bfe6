//! The weather service, as its client sees it: pooled, timed out, asked again, and left alone
//! when it keeps failing. Nothing that it answers is taken on trust.

use std::{
    fmt,
    sync::{Mutex, OnceLock, PoisonError},
    time::Duration,
};

use axum::http::{HeaderMap, StatusCode, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Client, Response};
use serde::Deserialize;
use serde_json::json;
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout},
};
use url::Url;

use super::{
    breaker::{Breaker, Leave, Outcome},
    trouble::{Trouble, failure},
};
use crate::{
    backoff::{self, chance},
    body,
    failure::Failure,
    metrics::Metrics,
    outbound,
    settings::Settings,
    telemetry::Tracer,
    weather::{CONDITIONS, Weather, round},
};

/// So many questions are with the service at once: one that hangs must not take all places.
const PLACES: usize = 64;

/// So many connections are kept for the next question.
const IDLE_CONNECTIONS: usize = 10;

/// A report of the weather is far smaller.
const LONGEST_REPORT: usize = 64 * 1024;

/// No connection that takes longer is worth waiting for.
const CONNECT_TIME: Duration = Duration::from_secs(2);

/// The pause before the first retry, give or take; each one after it is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The weather service.
pub(crate) struct Service {
    url: Option<Url>,
    /// For one attempt.
    timeout: Duration,
    retries: u32,
    /// For all of them.
    budget: Duration,
    client: OnceLock<Option<Client>>,
    places: Semaphore,
    breaker: Mutex<Breaker>,
}

/// The URL may hold a password.
impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("breaker", &self.breaker)
            .finish_non_exhaustive()
    }
}

/// What the service says of a place. Members beyond these are its own affair.
#[derive(Deserialize)]
struct Report {
    condition: String,
    temperature: f64,
    wind_kmh: Option<f64>,
}

impl Service {
    pub(crate) fn of(settings: &Settings) -> Self {
        Self {
            url: settings.weather_url.clone(),
            timeout: settings.weather_timeout,
            retries: settings.weather_retries,
            // The rest is for the answer, which else would be a 504 that blames nobody.
            budget: settings.request_timeout.mul_f64(0.9),
            client: OnceLock::new(),
            places: Semaphore::new(PLACES),
            breaker: Mutex::new(Breaker::new()),
        }
    }

    /// The weather of a city. `headers` go along with each attempt.
    pub(crate) async fn ask(
        &self,
        (metrics, tracer): (&Metrics, &Tracer),
        city: &str,
        headers: &HeaderMap,
    ) -> Result<Weather, Failure> {
        let deadline = Instant::now() + self.budget;
        let url = self.question(city)?;
        let Ok(_place) = self.places.try_acquire() else {
            return Err(failure("too many questions are with the weather service"));
        };
        let mut pass = self.admit().inspect_err(|_| metrics.external("open"))?;
        let mut retries = 0..self.retries;
        loop {
            let result = self.attempt(tracer, url.clone(), headers, deadline).await;
            pass.close(match &result {
                Err(trouble) if trouble.is_of_the_service() => Outcome::Bad,
                _ => Outcome::Good,
            });
            metrics.external(result.as_ref().map_or_else(Trouble::name, |_| "ok"));
            let trouble = match result {
                Ok(weather) => return Ok(weather),
                Err(trouble) => trouble,
            };
            let pause = retries.next().map(|retry| pause(retry, chance()));
            let in_time = |pause: &Duration| Instant::now() + *pause + self.timeout <= deadline;
            let Some(pause) = pause.filter(in_time).filter(|_| trouble.may_pass()) else {
                return Err(trouble.into());
            };
            // It has just failed too often: then this is what there is to tell.
            pass = self.admit().map_err(|_| trouble)?;
            tokio::time::sleep(pause).await;
        }
    }

    /// Where the weather of a city is asked for.
    fn question(&self, city: &str) -> Result<Url, Failure> {
        let Some(mut url) = self.url.clone() else {
            return Err(failure("no weather service is configured"));
        };
        let city = utf8_percent_encode(city, NON_ALPHANUMERIC).to_string();
        let base = url.path().trim_end_matches('/');
        let path = format!("{base}/v1/location/{city}");
        url.set_path(&path);
        // `.` and `..` mean another path, however they are written.
        match url.path() == path {
            true => Ok(url),
            false => Err(failure("the weather service has no place of this name")),
        }
    }

    /// Built when it is first needed: it reads the system's certificates.
    fn client(&self) -> Option<&Client> {
        let build = || {
            outbound::direct()
                .user_agent(concat!("acp-reference-agent/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(self.timeout.min(CONNECT_TIME))
                .pool_max_idle_per_host(IDLE_CONNECTIONS)
                .build()
                .ok()
        };
        self.client.get_or_init(build).as_ref()
    }

    /// One attempt, up to the deadline at most.
    async fn attempt(
        &self,
        tracer: &Tracer,
        url: Url,
        headers: &HeaderMap,
        deadline: Instant,
    ) -> Result<Weather, Trouble> {
        let client = self.client().ok_or_else(|| {
            let cause = "no HTTP client can be made here";
            Trouble::Connection(cause.to_owned())
        })?;
        let left = deadline.saturating_duration_since(Instant::now());
        let span = tracer.send("GET", url.host_str().unwrap_or_default());
        let mut headers = headers.clone();
        span.inject(&mut headers);
        let mut answered = None;
        let exchange = async {
            let request = client.get(url).header(header::ACCEPT, "application/json");
            let response = request.headers(headers).send().await?;
            match *answered.insert(response.status()) {
                StatusCode::OK => read(&whole(response).await?),
                status => Err(Trouble::Status(status)),
            }
        };
        let result = timeout(self.timeout.min(left), exchange).await;
        span.end(answered);
        result.unwrap_or(Err(Trouble::Timeout))
    }

    fn admit(&self) -> Result<Pass<'_>, Failure> {
        let breaker = &self.breaker;
        let mut locked = breaker.lock().unwrap_or_else(PoisonError::into_inner);
        match locked.admit(Instant::now().into_std()) {
            Ok(leave) => Ok(Pass {
                breaker,
                leave: Some(leave),
            }),
            Err(wait) => {
                let seconds = wait.as_secs_f64().ceil().max(1.0) as u64;
                let open = failure("the weather service keeps failing and is left alone");
                Err(open.with_details(json!({"retry_after_seconds": seconds})))
            }
        }
    }
}

/// Leave to ask the service, which is given back even if nobody waits for the answer any more.
struct Pass<'a> {
    breaker: &'a Mutex<Breaker>,
    leave: Option<Leave>,
}

impl Pass<'_> {
    fn close(&mut self, outcome: Outcome) {
        if let Some(leave) = self.leave.take() {
            let mut breaker = self.breaker.lock().unwrap_or_else(PoisonError::into_inner);
            breaker.close(leave, outcome, Instant::now().into_std());
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.close(Outcome::Unknown);
    }
}

/// The body of an answer, if it is JSON and no longer than it may be.
async fn whole(response: Response) -> Result<Vec<u8>, Trouble> {
    if !body::is_json(response.headers()) {
        return Err(Trouble::Report);
    }
    let body = outbound::read(response, LONGEST_REPORT).await?;
    body.ok_or(Trouble::Report)
}

/// The weather in a report that can be true: the bounds are a little beyond what was ever
/// measured on Earth, and within what our own answers may hold.
fn read(report: &[u8]) -> Result<Weather, Trouble> {
    let report: Report = serde_json::from_slice(report).map_err(|_| Trouble::Report)?;
    let wind_kmh = report.wind_kmh.unwrap_or(0.0);
    let is_known = CONDITIONS.contains(&report.condition.as_str());
    let can_be = (-90.0..=60.0).contains(&report.temperature) && (0.0..=500.0).contains(&wind_kmh);
    match is_known && can_be {
        true => Ok(Weather {
            condition: report.condition,
            celsius: round(report.temperature),
            wind_kmh,
        }),
        false => Err(Trouble::Report),
    }
}

/// How long to wait before a retry: from half of the full pause to all of it, so that those who
/// failed together do not come back together.
fn pause(retry: u32, chance: f64) -> Duration {
    backoff::pause(FIRST_PAUSE, LONGEST_PAUSE, retry).mul_f64(0.5 + chance / 2.0)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn at(url: &str) -> Service {
        Service::of(&Settings {
            weather_url: Some(Url::parse(url).expect("a URL")),
            ..Settings::default()
        })
    }

    #[test]
    fn a_city_is_one_segment_of_the_path() {
        let service = at("http://weather.test/api/?units=si");
        for (city, path) in [
            ("Oslo", "/api/v1/location/Oslo"),
            ("São Paulo", "/api/v1/location/S%C3%A3o%20Paulo"),
            ("../a?b#c\n", "/api/v1/location/%2E%2E%2Fa%3Fb%23c%0A"),
        ] {
            let url = service.question(city).expect("a URL");
            assert_eq!((url.path(), url.query()), (path, Some("units=si")));
        }
        for city in [".", ".."] {
            assert!(service.question(city).is_err(), "{city}");
        }
    }

    #[test]
    fn pauses_grow_to_a_bound_and_vary() {
        assert_eq!(pause(0, 1.0), FIRST_PAUSE);
        assert_eq!(pause(0, 0.0), FIRST_PAUSE / 2);
        assert_eq!(pause(2, 1.0), FIRST_PAUSE * 4);
        assert_eq!(pause(u32::MAX, 1.0), LONGEST_PAUSE);
    }

    #[test]
    fn only_weather_that_can_be_is_believed() {
        let told = |report: &str| read(report.as_bytes()).is_ok();
        assert!(told(r#"{"condition":"rain","temperature":-90}"#));
        assert!(told(
            r#"{"condition":"fog","temperature":60,"wind_kmh":500,"more":[{}]}"#
        ));
        for wrong in [
            r#"{"condition":"plague","temperature":20}"#,
            r#"{"condition":"rain","temperature":60.1}"#,
            r#"{"condition":"rain","temperature":-90.1}"#,
            r#"{"condition":"rain","temperature":"20"}"#,
            r#"{"condition":"rain","temperature":1e999}"#,
            r#"{"condition":"rain","temperature":20,"wind_kmh":-1}"#,
            r#"{"condition":"rain","temperature":20,"wind_kmh":501}"#,
            r#"{"condition":"rain"}"#,
            r#"[]"#,
            "",
        ] {
            assert!(!told(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        let service = at("http://me:hush@weather.test/");
        assert!(!format!("{service:?}").contains("hush"));
    }

    #[tokio::test]
    async fn a_question_that_nobody_waits_for_leaves_no_trace() {
        let service = at("http://weather.test/");
        let states = [(); 10].map(|()| {
            let pass = service.admit().expect("leave");
            drop(pass);
            format!("{:?}", service.breaker)
        });
        assert!(states.iter().all(|state| *state == states[0]));
    }
    #[tokio::test]
    async fn so_many_questions_are_with_the_service_and_no_more() {
        // Takes connections, and never answers.
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let silent = silent.expect("a port");
        let addr = silent.local_addr().expect("an address");
        let service = at(&format!("http://{addr}/"));
        let settings = Settings::default();
        let metrics = Metrics::of(&settings);
        let tracer = Tracer::of(&settings).expect("a tracer");
        let headers = HeaderMap::new();
        let ask = || Box::pin(service.ask((&metrics, &tracer), "Oslo", &headers));
        let mut asked: Vec<_> = (0..PLACES).map(|_| ask()).collect();
        for question in &mut asked {
            assert!(question.as_mut().now_or_never().is_none());
        }
        let refused = ask().now_or_never().expect("an answer at once");
        assert_eq!(refused.expect_err("a refusal").status(), 502);
        // Whoever leaves makes room.
        asked.pop();
        assert!(ask().now_or_never().is_none());
    }
}
