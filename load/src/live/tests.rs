//! Glances at a tape.

use super::*;
use crate::attack::Think;
use crate::hot::Trouble;
use crate::plan::Plan;
use crate::recorder::{Sample, Verdict};

const SECOND: Duration = Duration::from_secs(1);

fn scene() -> Scene {
    Scene {
        load: Load {
            model: Model::Closed(Plan::constant(4.0, SECOND * 10)),
            users: 4,
            warm_up: Duration::ZERO,
            think: Think::default(),
            seed: 0,
            threads: 1,
            dashboard: false,
        },
        recorder: Arc::new(Recorder::new(1, false, SECOND)),
    }
}

fn put(scene: &Scene, at: u32, ms: u64, change: impl FnOnce(&mut Sample)) {
    let mut sample = Sample {
        endpoint: 0,
        status: 200,
        trouble: None,
        verdict: Verdict::Ok,
        hit: Some(true),
        latency: Duration::from_millis(ms),
        service: Duration::ZERO,
    };
    change(&mut sample);
    scene
        .recorder
        .with(|tape| tape.add(&sample, SECOND * at, 1));
}

#[test]
fn a_glance_counts_all_and_times_what_is_recent() {
    let scene = scene();
    let began = Instant::now();
    let mut onlooker = Onlooker::new(&scene, began);
    for (at, ms) in [(0, 100), (1, 10), (2, 20)] {
        put(&scene, at, ms, |_| {});
    }
    let glance = onlooker.look(began + SECOND * 2).expect("it goes on");
    assert_eq!((glance.ok, glance.failed, glance.hits), (3, 0, (3, 0)));
    assert!(glance.recent.p99_ms < 21.0, "{glance:?}");
    assert_eq!((glance.recent.count, glance.whole.count), (2, 3));
    assert!((glance.rate - 1.5).abs() < 1e-9 && glance.aim == 4.0);
    assert_eq!(glance.statuses, BTreeMap::from([(200, 3)]));
}

#[test]
fn each_slice_is_taken_once_however_often_one_looks() {
    let scene = scene();
    let began = Instant::now();
    let mut onlooker = Onlooker::new(&scene, began);
    for at in 0..5 {
        put(&scene, at, 10, |sample| sample.hit = Some(at % 2 == 0));
        let now = began + SECOND * at;
        for _ in 0..2 {
            let glance = onlooker.look(now).expect("it goes on");
            assert_eq!(glance.whole.count, u64::from(at) + 1);
            assert_eq!(glance.points.len(), at as usize);
            assert_eq!(glance.hits.0 + glance.hits.1, u64::from(at) + 1);
        }
    }
}

#[test]
fn what_failed_is_told_by_status_and_by_name() {
    let scene = scene();
    put(&scene, 0, 1, |it| {
        (it.status, it.verdict) = (429, Verdict::Failed(None));
    });
    put(&scene, 0, 1, |it| {
        (it.status, it.verdict) = (0, Verdict::Failed(None));
        it.trouble = Some(Trouble::TimedOut);
    });
    let mut onlooker = Onlooker::new(&scene, Instant::now());
    let glance = onlooker.look(Instant::now()).expect("it goes on");
    assert_eq!(glance.statuses, BTreeMap::from([(0, 1), (429, 1)]));
    assert_eq!(glance.errors, BTreeMap::from([("timed-out", 1)]));
    assert_eq!((glance.failed, glance.whole.count), (2, 0));
}

#[test]
fn when_the_attack_is_over_there_is_nothing_to_see() {
    let scene = scene();
    let mut onlooker = Onlooker::new(&scene, Instant::now());
    drop(scene);
    assert_eq!(onlooker.look(Instant::now()), None);
}
