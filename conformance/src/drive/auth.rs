//! Drives for credentials: the right ones, none, and what is only like them.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::config;
use super::driver::{Driver, Listen, Question};
use crate::credentials::{Credential, altered};
use crate::evidence::{Ask, Step};
use crate::wire::Request;

/// A key that is nobody's; it is no secret.
const MADE_UP: &str = "acp-tck-made-up-credentials";
/// Shorter secrets are not put into a query string: a report could not be kept free of them.
const SHORTEST_IN_QUERY: usize = 4;
/// The parameters in which agents have been seen to take a key, beside the header's own name.
const PARAMETERS: &[&str] = &["api_key", "apikey", "key", "access_token", "token"];

/// The keys of what is asked under [`Step::Main`]. What the right credentials are answered has
/// the same key under [`Step::Baseline`]; so has what is
/// answered without any to what is then asked with them in the query.
pub mod key {
    /// `/invoke` with the right credentials.
    pub const RIGHT: usize = 0;
    /// Without any.
    pub const NONE: usize = 1;
    /// With an empty value.
    pub const EMPTY: usize = 2;
    /// With made-up ones.
    pub const MADE_UP: usize = 3;
    /// With what is like the right ones; one key each from here on.
    pub const ALTERED: usize = 10;
    /// With what the user says must be refused; one key each from here on.
    pub const REFUSED: usize = 100;
    /// Other guarded places: [`PLACE_SIZE`] keys each from here on, at the same distance as for
    /// `/invoke`.
    pub const PLACES: usize = 1_000;
    /// So many keys a place has.
    pub const PLACE_SIZE: usize = 10;
    /// With the right ones in the query string alone; a place's from here on.
    pub const QUERY: usize = 10_000;
    /// So many keys a place has there.
    pub const QUERY_SIZE: usize = 100;
}

/// A guarded place.
struct Place {
    request: Request,
    listen: Listen,
}

impl Place {
    fn name(&self) -> String {
        format!("{} {}", self.request.method, self.request.path)
    }
}

pub(super) async fn auth(driver: &Driver<'_>) -> Vec<Ask> {
    let credential = Credential::of(&driver.settings.headers, driver.probe.auth.as_ref());
    let body = driver.bank.simple_body();
    let invoke = Place {
        request: Request::post("/invoke", body),
        listen: Listen::Whole,
    };
    let none = question(
        &credential,
        &invoke,
        (Step::Main, key::NONE, "without credentials"),
        None,
    );
    let mut asks = driver.in_turn(vec![none]).await;
    let is_open = asks
        .iter()
        .filter_map(Ask::answer)
        .all(|answer| !matches!(answer.status, 401 | 403));
    if is_open && !driver.probe.wants_credentials() {
        return asks;
    }
    let places = places(driver, &credential, &mut asks).await;
    let mut questions = at_invoke(driver, &credential, &invoke);
    for (number, place) in places.iter().enumerate() {
        questions.extend(at_place(&credential, place, number));
    }
    questions.extend(in_query(&credential, [&invoke].into_iter().chain(&places)));
    questions.extend(discovery(&credential));
    asks.extend(driver.in_turn(questions).await);
    asks
}

/// A request that shows this value, or nothing, where the credentials belong.
fn question(
    credential: &Credential,
    place: &Place,
    (step, key, note): (Step, usize, &str),
    value: Option<&str>,
) -> Question {
    let mut request = place.request.clone();
    request.is_anonymous = true;
    request.headers.extend_from_slice(&credential.others);
    if let Some(value) = value {
        let value = format!("{}{value}", credential.scheme);
        request = request.with_header(&credential.name, value.trim());
    }
    let note = format!("{}, {note}", place.name());
    let mut question = Question::new(step, key, note, request);
    question.listen = place.listen;
    question
}

fn at_invoke(driver: &Driver<'_>, credential: &Credential, invoke: &Place) -> Vec<Question> {
    let ask = |key, note: &str, value: &str| {
        question(credential, invoke, (Step::Main, key, note), Some(value))
    };
    let right = credential.secret.as_deref();
    let mut questions = Vec::new();
    questions.extend(right.map(|right| ask(key::RIGHT, "with the right credentials", right)));
    questions.push(ask(key::EMPTY, "with empty credentials", ""));
    questions.push(ask(key::MADE_UP, "with made-up credentials", MADE_UP));
    let altered = right.map(altered).unwrap_or_default();
    for (number, (how, value)) in altered.iter().enumerate() {
        let note = format!("with credentials {how}");
        questions.push(ask(key::ALTERED + number, &note, value));
    }
    let refused = &driver.settings.facts.params.refused_credentials;
    for (number, value) in refused.iter().enumerate() {
        let note = "with credentials that the user says are no good";
        questions.push(ask(key::REFUSED + number, note, value));
    }
    questions
}

/// The stream paths, and what there is for configurations. One is stored, so that a path below
/// it is there.
async fn places(driver: &Driver<'_>, credential: &Credential, asks: &mut Vec<Ask>) -> Vec<Place> {
    let whole = |request| Place {
        request,
        listen: Listen::Whole,
    };
    let config = driver.bank.configs.first();
    let config = config.map_or("{}", |case| case.text.as_str());
    let store = whole(Request::post(
        "/config",
        format!("{{\"config\": {config}}}"),
    ));
    let right = credential.secret.as_deref();
    let about = (Step::Setup, 0, "for what follows");
    let stored = match right {
        Some(right) => {
            driver
                .ask(question(credential, &store, about, Some(right)))
                .await
        }
        None => None,
    };
    let id = stored.as_ref().and_then(config::id_in);
    asks.extend(stored);
    let mut places = vec![store];
    if let Some(id) = id {
        let id = utf8_percent_encode(&id, NON_ALPHANUMERIC);
        places.push(whole(Request::get(&format!("/config/{id}"))));
        places.push(whole(Request::get(&format!("/config/{id}/history"))));
    }
    for stream in &driver.probe.streams {
        let flag = match stream.by_flag {
            true => ", \"stream\": true",
            false => "",
        };
        places.push(Place {
            request: Request::post(&stream.path, driver.bank.body_with(flag)),
            listen: Listen::FirstPiece,
        });
    }
    places
}

fn at_place(credential: &Credential, place: &Place, number: usize) -> Vec<Question> {
    let first = key::PLACES + number * key::PLACE_SIZE;
    let ask =
        |step, key, note, value| question(credential, place, (step, first + key, note), value);
    let right = credential.secret.as_deref();
    let right = right.map(|right| {
        ask(
            Step::Baseline,
            key::RIGHT,
            "with the right ones",
            Some(right),
        )
    });
    let others = [
        ask(Step::Main, key::NONE, "without credentials", None),
        ask(
            Step::Main,
            key::MADE_UP,
            "with made-up credentials",
            Some(MADE_UP),
        ),
    ];
    right.into_iter().chain(others).collect()
}

/// The right credentials where they do not belong, at each place but those that are only read.
fn in_query<'p>(credential: &Credential, places: impl Iterator<Item = &'p Place>) -> Vec<Question> {
    let secret = credential.secret.as_deref();
    let Some(secret) = secret.filter(|secret| secret.len() >= SHORTEST_IN_QUERY) else {
        return Vec::new();
    };
    let secret = utf8_percent_encode(secret, NON_ALPHANUMERIC);
    let mut questions = Vec::new();
    for (number, place) in places.enumerate() {
        if place.request.method != "POST" {
            continue;
        }
        let first = key::QUERY + number * key::QUERY_SIZE;
        let none = (Step::Baseline, first, "without credentials");
        questions.push(question(credential, place, none, None));
        let names = [credential.name.as_str()].into_iter();
        for (name, parameter) in names.chain(PARAMETERS.iter().copied()).enumerate() {
            let mut asked = Place {
                request: place.request.clone(),
                listen: place.listen,
            };
            asked.request.path = format!("{}?{parameter}={secret}", place.request.path);
            let note = format!("{} with the right ones as `?{parameter}=`", place.name());
            let about = (Step::Main, first + name, "");
            let mut question = question(credential, &asked, about, None);
            question.about.note = note;
            questions.push(question);
        }
    }
    questions
}

/// What must stay open: for who has no credentials, and `/auth` for who has old ones too.
fn discovery(credential: &Credential) -> Vec<Question> {
    let ask = |step, path, key, note, value| {
        let place = Place {
            request: Request::get(path),
            listen: Listen::Whole,
        };
        question(credential, &place, (step, key, note), value)
    };
    let (none, made_up) = ("without credentials", "with made-up credentials");
    vec![
        ask(Step::Auth, "/auth", key::NONE, none, None),
        ask(Step::Auth, "/auth", key::MADE_UP, made_up, Some(MADE_UP)),
        ask(Step::Health, "/health", key::NONE, none, None),
    ]
}
