//! Pictures of the view, at several sizes.

use std::collections::BTreeMap;
use std::time::Duration;

use acp_load::attack::Think;
use acp_load::live::Point;
use acp_load::plan::Plan;
use acp_load::schedule::Spread;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;

const MINUTE: Duration = Duration::from_secs(60);

fn load(model: Model) -> Load {
    Load {
        model,
        users: 16,
        warm_up: Duration::ZERO,
        think: Think::default(),
        seed: 0,
        threads: 1,
        dashboard: false,
    }
}

fn closed() -> Load {
    load(Model::Closed(Plan::constant(16.0, MINUTE)))
}

fn open() -> Load {
    load(Model::Open {
        plan: Plan::constant(5000.0, MINUTE),
        spread: Spread::Even,
        backlog: 10,
    })
}

fn glance() -> Glance {
    let points = (1..=30).map(|at| Point {
        at_s: f64::from(at),
        rate: 4000.0 + f64::from(at % 7) * 100.0,
        failures: 0.0,
        p50_ms: 1.0,
        p99_ms: 2.0 + f64::from(at % 5),
    });
    let figures = Figures {
        count: 1000,
        p50_ms: 1.25,
        p90_ms: 2.5,
        p99_ms: 12.34,
        p999_ms: 123.4,
        max_ms: 1234.0,
    };
    Glance {
        elapsed: MINUTE / 2,
        ok: 129_000,
        failed: 1_000,
        rate: 4321.0,
        aim: 16.0,
        statuses: BTreeMap::from([(0, 10), (200, 129_000), (429, 990)]),
        errors: BTreeMap::from([("timed-out", 10)]),
        recent: figures,
        whole: figures,
        points: points.collect(),
        cpu_share: 0.42,
        ..Glance::default()
    }
}

fn picture(width: u16, height: u16, view: &View<'_>) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
    terminal.draw(|frame| draw(frame, view)).expect("drawn");
    terminal.backend().to_string()
}

fn view<'v>(seen: Option<(&'v Load, &'v Glance)>) -> View<'v> {
    View {
        title: "cache · http://localhost:8000/",
        number: 1,
        seen,
        says: None,
        is_ending: false,
    }
}

#[test]
fn before_anything_counts_it_says_what_is_waited_for() {
    insta::assert_snapshot!(picture(80, 24, &view(None)));
}

#[test]
fn a_cache_under_load() {
    let mut glance = glance();
    glance.hits = (96_000, 33_000);
    glance.series = vec![(Series::Hit, glance.whole), (Series::Miss, glance.whole)];
    insta::assert_snapshot!(picture(100, 30, &view(Some((&closed(), &glance)))));
}

#[test]
fn streams_at_a_rate_that_the_generator_does_not_keep_up() {
    let mut glance = glance();
    glance.aim = 5000.0;
    glance.open = 1234;
    glance.series = vec![
        (Series::Service, glance.whole),
        (Series::FirstEvent, glance.whole),
        (Series::Gap, glance.whole),
        (Series::Complete, glance.whole),
    ];
    glance.dropped = 77;
    glance.lag_p99_ms = Some(0.25);
    glance.doubts = Some("0.06 % of the arrivals were dropped".to_owned());
    let load = open();
    let mut view = view(Some((&load, &glance)));
    view.is_ending = true;
    view.number = 3;
    insta::assert_snapshot!(picture(80, 24, &view));
}

#[test]
fn a_small_terminal_has_the_figures_that_matter_most() {
    insta::assert_snapshot!(picture(40, 12, &view(Some((&closed(), &glance())))));
}

#[test]
fn no_size_is_too_small() {
    let (load, glance) = (closed(), glance());
    for (width, height) in [(1, 1), (2, 5), (72, 4), (73, 22), (300, 100)] {
        picture(width, height, &view(Some((&load, &glance))));
    }
}

#[test]
fn nothing_that_is_shown_moves_a_cursor() {
    let (load, mut glance) = (closed(), glance());
    glance.doubts = Some("\u{1b}[2Jgone\u{9b}31m\r\n\u{7}".to_owned());
    let mut view = view(Some((&load, &glance)));
    view.title = "http://x/\u{1b}]0;title\u{7}";
    let shown = picture(100, 30, &view);
    let cells = shown.chars().filter(|c| *c != '\n');
    assert!(!cells.clone().any(char::is_control), "{shown}");
}

#[test]
fn what_is_told_of_a_search_is_shown_where_there_is_no_attack() {
    let mut view = view(None);
    view.says = Some("5 requests, 4 admitted: asking until refused");
    assert!(picture(80, 24, &view).contains("5 requests, 4 admitted: asking until refused"));
}
