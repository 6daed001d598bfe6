//! The judge: a recorded run read from its file, and every rule judged by it.

use std::hint::black_box;

use acp_conformance::recording::Recording;
use acp_conformance::settings::Judging;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn judge(criterion: &mut Criterion) {
    let file = include_bytes!("../../fixtures/record/weather.jsonl");
    let mut group = criterion.benchmark_group("judge");
    group.sample_size(20);
    group.throughput(Throughput::Bytes(file.len() as u64));
    group.bench_function("the record read", |bencher| {
        bencher.iter(|| Recording::read(&mut black_box(&file[..])));
    });
    let recording = Recording::read(&mut &file[..]).expect("a record");
    let judging = Judging::default();
    group.bench_function("all rules judged", |bencher| {
        bencher.iter(|| black_box(&recording).report(black_box(&judging)));
    });
    group.finish();
}

criterion_group!(benches, judge);
criterion_main!(benches);
