//! The case generator: what a check makes of an agent's schema before it asks anything.

use std::hint::black_box;

use acp_conformance::cases::{Generator, classify};
use acp_conformance::schema::Schema;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

const CASES: usize = 100;

fn cases(criterion: &mut Criterion) {
    let text = include_str!("../../fixtures/weather/input.json");
    let schema = serde_json::from_str(text).expect("JSON");
    let input = Schema::compile(&schema).expect("a schema");
    let mut group = criterion.benchmark_group("cases");
    group.sample_size(20);
    group.throughput(Throughput::Elements(CASES as u64));
    group.bench_function("valid", |bencher| {
        bencher.iter_batched(
            || Generator::new(&input, 1),
            |mut generator| generator.valid(black_box(CASES)),
            BatchSize::SmallInput,
        );
    });
    group.bench_function("invalid", |bencher| {
        bencher.iter_batched(
            || Generator::new(&input, 1),
            |mut generator| generator.invalid(black_box(CASES)),
            BatchSize::SmallInput,
        );
    });
    let made = Generator::new(&input, 1).valid(CASES).expect("cases");
    group.bench_function("classified", |bencher| {
        bencher.iter(|| {
            for case in &made {
                let _ = black_box(classify(&input, black_box(&case.text)));
            }
        });
    });
    group.finish();
    criterion.bench_function("the schema compiled", |bencher| {
        bencher.iter(|| Schema::compile(black_box(&schema)));
    });
}

criterion_group!(benches, cases);
criterion_main!(benches);
