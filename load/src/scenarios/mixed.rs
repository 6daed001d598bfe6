//! `mixed`: what users do all day: discover, configure, invoke, stream, and again.

use std::sync::{Arc, Mutex, PoisonError};

use acp_reports::load::{Defect, Report};

use super::Scenario;
use crate::hot::{Exchange, Line, Prepared};
use crate::inlet::{Manner, Reading};
use crate::recorder::Verdict;
use crate::run::{self, Job};
use crate::script::{Ask, Judged, Script, User};
use crate::target::Target;
use crate::traffic::{Draw, LONGEST_ID, Traffic, Wishes, say};

/// The scenario.
pub(super) static SCENARIO: Scenario = Scenario {
    name: "mixed",
    summary: "the user journey: discover, configure, invoke, stream, repeat",
    attack: |job| Box::pin(attack(job)),
};

async fn attack(job: &Job) -> Report {
    let mut report = run::blank(job, SCENARIO.name);
    let Some(traffic) = run::learn(job, &mut report).await else {
        return report;
    };
    match Journey::find(job, &job.traffic, &traffic).await {
        Ok(journey) => {
            report.notes.extend(journey.notes.iter().cloned());
            let journey = Arc::new(journey);
            if job.traffic.mix.is_empty() && traffic.stream.is_none() {
                let why = &traffic.streamless;
                report.notes.push(format!("no stream was asked for: {why}"));
            }
            run::attack(job, &job.load, journey.clone(), &mut report).await;
            report.defects.extend(journey.defect());
        }
        Err(why) => report.error = Some(why),
    }
    report
}

/// What can be asked, by name.
const STEPS: [&str; 4] = ["discover", "configure", "invoke", "stream"];

/// What is read when the agent is discovered.
const DOCUMENTS: [&str; 3] = ["/auth", "/schema", "/capabilities"];

/// One kind of request.
struct Step {
    /// Its number among the endpoints.
    endpoint: usize,
    good: Vec<Prepared>,
    bad: Vec<Prepared>,
    reading: Reading,
}

/// What users do.
pub(super) struct Journey {
    endpoints: Vec<String>,
    steps: Vec<Step>,
    /// The sums of their weights; empty: one after the other.
    cumulative: Vec<f64>,
    draw: Draw,
    invalid_share: f64,
    /// The documents that the agent has.
    documents: Vec<&'static str>,
    /// The configurations that questions are asked under.
    config_ids: Vec<String>,
    /// What the user should know.
    pub(super) notes: Vec<String>,
    broken: Mutex<Broken>,
}

/// The streams of the measured time that did not come to their end as they should.
#[derive(Default)]
struct Broken {
    count: u64,
    /// The first of them, in a word.
    first: &'static str,
}

impl Journey {
    /// The journey through what this agent has.
    pub(super) async fn find(
        job: &Job,
        wishes: &Wishes,
        traffic: &Traffic,
    ) -> Result<Self, String> {
        let target = &job.target;
        let mut journey = Self {
            endpoints: Vec::new(),
            steps: Vec::new(),
            cumulative: Vec::new(),
            draw: Draw::new(wishes.popularity, traffic.inputs.len()),
            invalid_share: wishes.invalid_share,
            documents: Vec::new(),
            config_ids: Vec::new(),
            notes: Vec::new(),
            broken: Mutex::default(),
        };
        let mut line = Line::new(target.clone(), 0);
        if wishes.includes("discover") {
            journey.look_for_documents(&mut line, target).await;
        }
        if wishes.includes("configure") && wishes.includes("invoke") {
            journey.store(&mut line, target, &traffic.configs).await;
        }
        let mut sum = 0.0;
        for name in STEPS {
            let weight = wishes.mix.iter().find(|(wished, _)| wished == name);
            if !wishes.includes(name) {
                continue;
            }
            let before = journey.steps.len();
            journey.add(name, target, traffic);
            let added = journey.steps.len() - before;
            if let Some((name, weight)) = weight {
                if added == 0 {
                    return Err(match name.as_str() {
                        "stream" => format!("no stream was found: {}", traffic.streamless),
                        name => format!("the agent has nothing to {name} with"),
                    });
                }
                for _ in 0..added {
                    sum += weight / added as f64;
                    journey.cumulative.push(sum);
                }
            }
        }
        Ok(journey)
    }

    /// What is not there at rest would only be counted as failing again and again.
    async fn look_for_documents(&mut self, line: &mut Line, target: &Target) {
        for path in DOCUMENTS {
            let Some(prepared) = Prepared::get(target, path) else {
                continue;
            };
            let answer = say(line, &prepared, Reading::Over).await;
            if answer.is_well() {
                self.documents.push(path);
                continue;
            }
            let status = answer.status;
            self.notes.push(format!(
                "GET {path} is left out: at rest it was answered {status}"
            ));
        }
    }

    /// Stores each configuration once, so that questions can be asked under it: to put an id into a body while
    /// the clock runs would be work of the generator's for each request.
    async fn store(&mut self, line: &mut Line, target: &Target, configs: &[String]) {
        for config in configs {
            let Some(prepared) = Prepared::post(target, "/config", config_body(config)) else {
                continue;
            };
            let answer = say(line, &prepared, Reading::Kept).await;
            self.config_ids.extend(answer.config_id());
        }
        if self.config_ids.is_empty() && !configs.is_empty() {
            self.notes.push(format!(
                "no configuration could be stored beforehand under an id of at most {LONGEST_ID} \
                 bytes: questions are asked under none"
            ));
        }
    }

    /// Adds the requests of a step, if the agent has what they need.
    fn add(&mut self, name: &str, target: &Target, traffic: &Traffic) {
        let invoke = |inputs: &[String], path: &str, is_flagged| -> Vec<Prepared> {
            let bodies = inputs.iter().map(|it| Traffic::body(it, None, is_flagged));
            bodies
                .filter_map(|body| Prepared::post(target, path, body))
                .collect()
        };
        match name {
            "discover" => {
                for path in self.documents.clone() {
                    let good = Prepared::get(target, path).into_iter().collect();
                    self.push(format!("GET {path}"), good, Vec::new(), Reading::Over);
                }
            }
            "configure" => {
                let configure = |configs: &[String]| -> Vec<Prepared> {
                    let bodies = configs.iter().map(|it| config_body(it));
                    bodies
                        .filter_map(|it| Prepared::post(target, "/config", it))
                        .collect()
                };
                let good = configure(&traffic.configs);
                let bad = configure(&traffic.bad_configs);
                self.push("POST /config".to_owned(), good, bad, Reading::Over);
            }
            "invoke" => {
                let mut ids = self.config_ids.iter().map(String::as_str).cycle();
                let inputs = traffic.inputs.iter();
                let bodies = inputs.map(|it| Traffic::body(it, ids.next(), false));
                let good = bodies
                    .filter_map(|body| Prepared::post(target, "/invoke", body))
                    .collect();
                let bad = invoke(&traffic.bad_inputs, "/invoke", false);
                self.push("POST /invoke".to_owned(), good, bad, Reading::Over);
            }
            _ => {
                let Some((path, is_flagged)) = &traffic.stream else {
                    return;
                };
                let good = invoke(&traffic.inputs, path, *is_flagged);
                let reading = Reading::Heard(Manner::Listens);
                let name = match is_flagged {
                    true => format!("POST {path} (stream)"),
                    false => format!("POST {path}"),
                };
                self.push(name, good, Vec::new(), reading);
            }
        }
    }

    fn push(&mut self, name: String, good: Vec<Prepared>, bad: Vec<Prepared>, reading: Reading) {
        if good.is_empty() {
            return;
        }
        self.steps.push(Step {
            endpoint: self.endpoints.len(),
            good,
            bad,
            reading,
        });
        self.endpoints.push(name);
    }
}

impl Journey {
    fn note(&self, why: &'static str) {
        let mut broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        if broken.count == 0 {
            broken.first = why;
        }
        broken.count += 1;
    }

    /// What was wrong with streams, if anything.
    pub(super) fn defect(&self) -> Option<Defect> {
        let broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        (broken.count > 0).then(|| Defect {
            name: "broken-streams".to_owned(),
            message: format!("the first of them: {}", broken.first),
            count: broken.count,
        })
    }
}

/// What is wrong with a stream, in a word, if anything.
fn heard(user: &mut User, exchange: &Exchange) -> Result<(), &'static str> {
    if let Some(trouble) = exchange.trouble {
        return Err(trouble.name());
    }
    let heard = user.inlet.heard.as_mut().ok_or("not-a-stream")?;
    match heard.defect() {
        Some(_) => Err("broken-framing"),
        None => heard.first.map(|_| ()).ok_or("no-event"),
    }
}

fn config_body(config: &str) -> String {
    format!("{{\"config\":{config}}}")
}

impl Script for Journey {
    fn endpoints(&self) -> &[String] {
        &self.endpoints
    }

    fn next(&self, user: &mut User) -> Ask<'_> {
        let count = self.steps.len() as u64;
        let at = match self.cumulative.is_empty() {
            // Users begin at different steps, or all would do the same at the same time.
            true => usize::try_from((user.turn + user.number as u64) % count).unwrap_or_default(),
            false => user.chance.weighted(&self.cumulative),
        };
        let step = &self.steps[at];
        let provokes = self.invalid_share > 0.0
            && !step.bad.is_empty()
            && user.chance.fraction() < self.invalid_share;
        let (key, prepared) = if provokes {
            let key = user.chance.below(step.bad.len());
            (key, &step.bad[key])
        } else {
            let key = self.draw.next(&mut user.chance, user.turn) % step.good.len();
            (key, &step.good[key])
        };
        Ask {
            prepared,
            endpoint: step.endpoint,
            reading: if provokes {
                Reading::Over
            } else {
                step.reading
            },
            key,
            provokes,
        }
    }

    fn judge(&self, user: &mut User, ask: &Ask<'_>, exchange: &Exchange) -> Judged {
        let judged = Judged::by_status(ask, exchange);
        if ask.reading == Reading::Over || !(200..300).contains(&exchange.status) {
            return judged;
        }
        match heard(user, exchange) {
            Ok(()) => {
                user.time_stream(exchange);
                judged
            }
            Err(why) => {
                if user.counts {
                    self.note(why);
                }
                // What is wrong with the transport is told by itself.
                let why = Some(why).filter(|_| exchange.trouble.is_none());
                Judged::of(Verdict::Failed(why))
            }
        }
    }
}
