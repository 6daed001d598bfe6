//! `acp-tck load`: put an agent under load, and say what its users would feel.

mod arguments;
mod asked;
mod fits;
mod look;
mod outlets;
mod quiet;
mod redact;
mod screen;
mod stop;
mod view;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use acp_load::attack::{Load, Model, Think};
use acp_load::baseline;
use acp_load::plan::{Plan, Unit};
use acp_load::popularity::Room;
use acp_load::run::{Clients, Job, Objective, ReadMemory, run as attack};
use acp_load::scenarios;
use acp_load::schedule::Spread;
use acp_load::target::{Protocol, Target, Wishes};
use acp_load::threshold::Threshold;
use acp_load::traffic;
use acp_reports::Verdict;
use acp_reports::load::Report;
use tokio_util::sync::CancellationToken;

pub(crate) use self::arguments::Arguments;
use self::look::Looking;
use self::outlets::Outlets;
use self::quiet::Quiet;
use crate::exit::{Exit, Failure, complain};
use crate::input;
use crate::report::read;

/// Users of the closed model, and connections of the open one, if nobody says how many.
const USERS: usize = 10;
const CONNECTIONS: usize = 64;
/// How long is measured if nobody says so.
const DURATION: Duration = Duration::from_secs(10);
/// How many arrivals may wait for a connection: ten seconds' worth of them.
const BACKLOG_SECONDS: f64 = 10.0;

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    fits::check(arguments)?;
    let outlets = Outlets::of(arguments)?;
    let scenario = scenarios::named(&arguments.scenario)
        .ok_or_else(|| Failure::usage(format!("there is no scenario {}", arguments.scenario)))?;
    if arguments.dashboard && !cfg!(feature = "dashboard") {
        return Err(Failure::usage(
            "--dashboard: this program was built without it; build with --features dashboard",
        ));
    }
    let earlier = |path| earlier(path, scenario.name);
    let earlier = arguments.baseline.as_deref().map(earlier).transpose()?;
    let wishes = wishes(arguments)?;
    let load = load(arguments)?;
    // As many files as the system lets us have: each connection is one.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let stop = stop::on_signals()?;
    let runtime = runtime(arguments.threads)?;
    let began = jiff::Timestamp::now();
    let quiet = Quiet::begin().map_err(Failure::other)?;
    let collector = runtime.block_on(outlets::collector(arguments))?;
    let mut report = runtime.block_on(async {
        let target = Target::find(&wishes).await.map_err(Failure::usage)?;
        let title = format!("{} · {}", scenario.name, target.url);
        let mut job = job(arguments, target, load, stop.clone())?;
        let looking = Looking::begin(title, stop);
        job.show = Some(looking.show());
        job.tell = Some(looking.tell());
        Ok::<_, Failure>(attack(&job, scenario).await)
    })?;
    drop(quiet);
    let span = outlets::span(began);
    report.started_at = began.to_string();
    report.asked = asked::of(arguments, wishes.keys.len());
    report.tool = Some(acp_reports::Tool {
        name: "acp-tck".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    });
    judge(arguments, earlier, &mut report);
    redact::redact(&mut report, &wishes);
    outlets.write(&report)?;
    tell_verdict(&report, &outlets);
    let exit = exit(&report, arguments.require_trusted);
    if let Some(collector) = collector {
        let pushed = runtime.block_on(collector.push(&report, span));
        // What the run found out is told all the same; only a pass is not to hide this.
        if let Err(error) = pushed {
            complain(&format!("--otlp: {error}"));
            return Ok(if exit == Exit::Holds {
                Exit::Failed
            } else {
                exit
            });
        }
    }
    Ok(exit)
}

fn job(
    arguments: &Arguments,
    target: Arc<Target>,
    load: Load,
    stop: CancellationToken,
) -> Result<Job, Failure> {
    Ok(Job {
        target,
        load,
        traffic: asked(arguments),
        clients: Clients {
            leaving: arguments.leaving,
            slow: arguments.slow,
        },
        cache: Room {
            time_to_live: arguments.cache_ttl.map(Into::into),
            answers: arguments.cache_entries,
        },
        objective: objective(&arguments.objective)?,
        pressure: arguments.duration.map(Into::into),
        memory: arguments.pid.map(memory).transpose()?,
        stop,
        show: None,
        tell: None,
    })
}

/// One thread runs everything on itself, which is cheapest; more share the work.
fn runtime(threads: usize) -> Result<tokio::runtime::Runtime, Failure> {
    let mut builder = match threads {
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    if threads > 1 {
        builder.worker_threads(threads);
    }
    builder.enable_all().build().map_err(Failure::other)
}

/// Tells on stderr why there is no verdict; or, if all reports go to files, what does not hold.
fn tell_verdict(report: &Report, outlets: &Outlets) {
    match &report.error {
        Some(error) => complain(error),
        None if outlets.tells_on_stdout() || report.verdict == Verdict::Pass => {}
        None => complain(&report.in_a_line()),
    }
}

fn exit(report: &Report, requires_trust: bool) -> Exit {
    match report.verdict {
        _ if report.interrupted => Exit::Interrupted,
        Verdict::Error => Exit::Failed,
        _ if requires_trust && !report.generator.trusted => {
            let why = report.generator.why.as_deref().unwrap_or("it says not why");
            complain(&format!("the figures cannot be trusted: {why}"));
            Exit::Failed
        }
        Verdict::Pass => Exit::Holds,
        Verdict::Fail => Exit::FallsShort,
    }
}

fn wishes(arguments: &Arguments) -> Result<Wishes, Failure> {
    let mut wishes = Wishes::of(arguments.url.clone());
    wishes.headers.clone_from(&arguments.headers);
    for variable in &arguments.api_key_env {
        wishes.keys.push(input::api_key(variable)?.1);
    }
    if let Some(path) = &arguments.api_key_file {
        wishes.keys.extend(input::api_keys(path)?);
    }
    wishes.sources.clone_from(&arguments.source);
    wishes.protocol = match arguments.http2 {
        true => Protocol::Http2,
        false => Protocol::Http1,
    };
    wishes.reconnects = arguments.reconnect;
    wishes.timeout = arguments.timeout.into();
    wishes.authorities = arguments.ca.as_deref().map(input::bytes).transpose()?;
    Ok(wishes)
}

fn load(arguments: &Arguments) -> Result<Load, Failure> {
    let told: Option<Duration> = arguments.duration.map(Into::into);
    let duration = told.unwrap_or(DURATION);
    let planned = match (&arguments.plan, &arguments.rate) {
        (Some(plan), _) => Some(Plan::parse(plan, duration).map_err(Failure::usage)?),
        (None, Some(rate)) => Some((rated(rate, told)?, Unit::PerSecond)),
        (None, None) => None,
    };
    let spread = match arguments.even {
        true => Spread::Even,
        false => Spread::Poisson,
    };
    let (model, users) = match planned {
        Some((plan, Unit::PerSecond)) => {
            let backlog = arguments.backlog;
            let backlog = backlog.unwrap_or((plan.highest() * BACKLOG_SECONDS) as usize);
            let users = arguments.users.unwrap_or(CONNECTIONS);
            (
                Model::Open {
                    plan,
                    spread,
                    backlog,
                },
                users,
            )
        }
        Some((plan, Unit::Users)) => {
            let users = plan.highest().ceil() as usize;
            (Model::Closed(plan), users)
        }
        None => {
            let users = arguments.users.unwrap_or(USERS);
            (Model::Closed(Plan::constant(users as f64, duration)), users)
        }
    };
    fits::model(arguments, &model)?;
    let (least, most) = arguments.think.unwrap_or_default();
    Ok(Load {
        model,
        users,
        warm_up: arguments.warm_up.into(),
        think: Think { least, most },
        seed: arguments.seed,
        threads: arguments.threads,
        dashboard: arguments.dashboard,
    })
}

/// A rate's own times are kept to. What `--duration` says may be longer, and then the last rate goes
/// on; it may not be shorter, or a ramp would end half way.
fn rated(rate: &str, told: Option<Duration>) -> Result<Plan, Failure> {
    let (plan, unit) = Plan::parse(rate, told.unwrap_or(DURATION)).map_err(Failure::usage)?;
    if unit == Unit::Users {
        return Err(Failure::usage("--rate is of requests per second: 100/s"));
    }
    match told {
        Some(told) if told < plan.length() => Err(Failure::usage(format!(
            "--duration {} would cut --rate `{rate}` short, which takes {}: leave --duration out, or make it longer",
            humantime::format_duration(told),
            humantime::format_duration(plan.length()),
        ))),
        Some(told) => Ok(plan.lasting(told)),
        None => Ok(plan),
    }
}

fn asked(arguments: &Arguments) -> traffic::Wishes {
    traffic::Wishes {
        keys: arguments.keys,
        popularity: arguments.popularity,
        invalid_share: arguments.invalid_share,
        mix: arguments.mix.clone(),
        stream_path: arguments.stream_path.clone(),
        seed: arguments.seed,
    }
}

fn objective(text: &str) -> Result<Objective, Failure> {
    let wrong = |error| Failure::usage(format!("--objective: {error}"));
    let all = Threshold::several(text).map_err(wrong)?;
    Ok(Objective {
        text: text.to_owned(),
        missed: Arc::new(move |report| {
            let missed = all.iter().find(|it| !it.judge(report).holds)?;
            Some(format!("{missed} does not hold"))
        }),
    })
}

/// Holds the report against the thresholds and the baseline, and gives the verdict.
fn judge(arguments: &Arguments, earlier: Option<Report>, report: &mut Report) {
    let thresholds = arguments.thresholds.iter();
    report.thresholds = thresholds.map(|it| it.judge(report)).collect();
    if let (Some(file), Some(earlier), None) = (&arguments.baseline, earlier, &report.error) {
        let file = file.display().to_string();
        let after = std::slice::from_ref(report);
        match baseline::compare(
            &file,
            &[earlier],
            after,
            arguments.max_regression,
            arguments.seed,
        ) {
            Ok(compared) => report.baseline = Some(compared),
            Err(error) => report.error = Some(error.to_string()),
        }
    }
    report.verdict = report.judge();
}

/// The run to compare with, if it can be: that is told before a new one is made.
fn earlier(path: &Path, scenario: &str) -> Result<Report, Failure> {
    let report = read::load(path)?;
    let name = format!("--baseline {}", path.display());
    baseline::comparable(&name, &report, scenario).map_err(Failure::usage)?;
    Ok(report)
}

/// The memory of a process, as the system tells it: Linux alone does so in a file.
fn memory(pid: u32) -> Result<ReadMemory, Failure> {
    let read = move || {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
        let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kilobytes * 1024)
    };
    match read() {
        Some(_) => Ok(Arc::new(read)),
        None => Err(Failure::usage(format!(
            "--pid {pid}: there is no process of this number whose memory can be read"
        ))),
    }
}
