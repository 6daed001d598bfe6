//! The figures, held against what a server says of itself whose schedule is known.
//!
//! Nothing here depends on how fast the machine is: where it stalls the server, the server's own
//! record says so, too.

use std::time::Duration;

use acp_load::attack::Model;
use acp_load::plan::Plan;
use acp_load::run::Job;
use acp_load::schedule::Spread;
use acp_load::target::{Target, Wishes};
use acp_reports::load::{Figures, Report};

use crate::common::{job_for, run};
use crate::stalling::{Schedule, Served, Server};

/// A tenth of the time: a tenth of a second in each second. The twentieth by which figures may differ is never less
/// than a millisecond, since a machine may take some tenths of one to wake whoever waits.
const STALLS: Schedule = Schedule {
    every: Duration::from_millis(1000),
    stall: Duration::from_millis(100),
    service: Duration::from_millis(20),
    drops_each: 0,
};
const RATE: f64 = 200.0;
const LENGTH: Duration = Duration::from_secs(3);
/// Connections: more than are ever waiting in a stall.
const CONNECTIONS: usize = 80;
/// Between the server's writing and our reading, a busy machine may do something else: so often
/// the whole is tried at most.
const TRIES: usize = 3;

async fn job_at(server: &Server, change: impl FnOnce(&mut Wishes)) -> Job {
    let url = format!("http://{}", server.address);
    let mut wishes = Wishes::of(url.parse().expect("a URL"));
    change(&mut wishes);
    let mut job = job_for(Target::find(&wishes).await.expect("a target"));
    job.traffic.mix = vec![("invoke".to_owned(), 1.0)];
    job
}

fn open(rate: f64, length: Duration) -> Model {
    Model::Open {
        plan: Plan::constant(rate, length),
        spread: Spread::Even,
        backlog: 100_000,
    }
}

/// The quantiles of what each request took since it was due, by the server's own record.
///
/// The requests were due evenly, and none can come before it is due; so the one that was least
/// late tells when the first was due.
fn by_the_record(served: &[Served]) -> [f64; 3] {
    let due = |number: usize| number as f64 / RATE;
    let first = served
        .iter()
        .enumerate()
        .map(|(number, it)| it.arrived.as_secs_f64() - due(number))
        .fold(f64::INFINITY, f64::min);
    let times = served.iter().enumerate();
    let mut times: Vec<f64> = times
        .map(|(number, it)| (it.answered.as_secs_f64() - first - due(number)) * 1000.0)
        .collect();
    times.sort_by(f64::total_cmp);
    [0.5, 0.99, 0.999].map(|quantile| {
        let at = (quantile * times.len() as f64).ceil() as usize;
        times[at.clamp(1, times.len()) - 1]
    })
}

fn told(figures: Option<Figures>) -> [f64; 3] {
    let figures = figures.expect("latencies");
    [figures.p50, figures.p99, figures.p999]
}

fn is_near(one: [f64; 3], other: [f64; 3]) -> bool {
    let mut pairs = one.into_iter().zip(other);
    pairs.all(|(one, other)| (one / other - 1.0).abs() <= 0.05)
}

#[tokio::test]
async fn a_stalled_server_cannot_hide_it_in_the_open_model() {
    let mut tried = Vec::new();
    for _ in 0..TRIES {
        let server = Server::start(STALLS, 0).expect("a server");
        let mut job = job_at(&server, |_| {}).await;
        job.load.model = open(RATE, LENGTH);
        job.load.users = CONNECTIONS;
        let report = run(&job, "mixed").await;
        assert_eq!(report.error, None);
        let served = server.served();
        assert_eq!(served.len() as u64, report.requests.total);
        let (ours, theirs) = (told(report.latency_ms.figures), by_the_record(&served));
        if is_near(ours, theirs) {
            return;
        }
        tried.push((ours, theirs));
    }
    panic!("p50, p99, p99.9 in ms, ours and by the server's record: {tried:?}");
}

/// The same server, asked by users who wait for their answers: they do not come while it stalls.
#[tokio::test]
async fn the_closed_model_does_not_see_what_the_open_one_does() {
    let server = Server::start(STALLS, 0).expect("a server");
    let mut job = job_at(&server, |_| {}).await;
    job.load.model = Model::Closed(Plan::constant(4.0, LENGTH));
    let report = run(&job, "mixed").await;
    let served = server.served();
    assert_eq!(served.len() as u64, report.requests.total);
    let slow = |it: &&Served| it.answered - it.arrived > STALLS.service + STALLS.stall / 10;
    let slow = served.iter().filter(slow).count() as f64 / served.len() as f64;
    // Of evenly coming requests nearly a tenth would have met the stall.
    assert!(slow < 0.05, "{slow}");
}

#[test]
fn a_tenth_of_the_requests_meet_a_stall_of_a_tenth_of_the_time() {
    let schedule = Schedule {
        every: Duration::from_secs(10),
        stall: Duration::from_secs(1),
        service: Duration::from_millis(10),
        drops_each: 0,
    };
    let ms = |quantile| schedule.latency(quantile).as_secs_f64() * 1000.0;
    for (quantile, expected) in [(0.5, 10.0), (0.9, 10.0), (0.99, 910.0), (0.999, 1000.0)] {
        assert!((ms(quantile) - expected).abs() < 0.1, "{quantile}");
    }
}

/// How many requests a report speaks of, in whatever place.
fn told_requests(report: &Report) -> u64 {
    let beside = ["the warm-up made", "were under way when the run ended"];
    let notes = report.notes.iter();
    let notes = notes.filter(|note| beside.iter().any(|words| note.contains(words)));
    let numbers =
        notes.filter_map(|note| note.split(' ').find_map(|word| word.parse::<u64>().ok()));
    report.requests.total + numbers.sum::<u64>()
}

#[tokio::test]
async fn the_servers_own_count_is_ours_whatever_happens() {
    let quick = Schedule {
        service: Duration::from_millis(1),
        ..STALLS
    };
    let drops = Schedule {
        drops_each: 7,
        ..quick
    };
    let short = Duration::from_millis(400);
    let closed = Model::Closed(Plan::constant(8.0, short));
    for (name, schedule, model, reconnects, stops) in [
        ("closed", quick, closed.clone(), false, false),
        ("a connection a request", quick, closed.clone(), true, false),
        ("dropped connections", drops, closed.clone(), false, false),
        ("both", drops, closed, true, false),
        ("open", quick, open(RATE, short), false, false),
        (
            "more than can be served",
            quick,
            open(20_000.0, short),
            false,
            false,
        ),
        ("ended early", quick, open(RATE, LENGTH * 100), false, true),
    ] {
        let server = Server::start(schedule, 0).expect("a server");
        let mut job = job_at(&server, |wishes| wishes.reconnects = reconnects).await;
        job.load.users = 8;
        job.load.warm_up = Duration::from_millis(100);
        job.load.model = model;
        if let Model::Open { backlog, .. } = &mut job.load.model {
            *backlog = 50;
        }
        if stops {
            let stop = job.stop.clone();
            job.show = Some(std::sync::Arc::new(move |_| stop.cancel()));
        }
        let report = run(&job, "mixed").await;
        assert_eq!(report.error, None, "{name}");
        assert!(report.requests.total > 0 || stops, "{name}");
        assert_eq!(
            server.served().len() as u64,
            told_requests(&report),
            "{name}"
        );
        assert_eq!(
            report.requests.failed > 0,
            schedule.drops_each > 0,
            "{name}"
        );
    }
}
