//! The path that each request takes after its answer: onto the tape.

use std::hint::black_box;
use std::time::Duration;

use acp_load::recorder::{Recorder, Sample, Verdict, histogram, record};
use criterion::{Criterion, criterion_group, criterion_main};

fn recorder(criterion: &mut Criterion) {
    let recorder = Recorder::new(1, true, Duration::from_secs(1));
    let mut micros = 0_u64;
    criterion.bench_function("a request onto the tape", |bencher| {
        bencher.iter(|| {
            micros = (micros * 31 + 7) % 100_000;
            let sample = Sample {
                endpoint: 0,
                status: 200,
                trouble: None,
                verdict: Verdict::Ok,
                hit: None,
                latency: Duration::from_micros(micros),
                service: Duration::from_micros(micros / 2),
            };
            recorder.with(|tape| tape.add(black_box(&sample), Duration::ZERO, 1));
        });
    });
    let mut whole = histogram();
    criterion.bench_function("a time into a histogram", |bencher| {
        bencher.iter(|| {
            micros = (micros * 31 + 7) % 100_000;
            record(&mut whole, black_box(micros));
        });
    });
}

criterion_group!(benches, recorder);
criterion_main!(benches);
