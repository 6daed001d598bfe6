//! Canonical JSON (RFC 8785), which each request's place in the cache is found by, beside plain
//! JSON of the same value.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde_json::{Value, json};

fn canonical(criterion: &mut Criterion) {
    let question = json!({
        "city": "London", "activity_type": "outdoor", "days": 2, "tags": ["family"],
    });
    // About as much as an agent is sent that is given a document.
    let wide: Value = (0..200)
        .map(|at| json!({"id": at, "name": format!("n{at}"), "value": f64::from(at) / 3.0}))
        .collect();
    for (name, value) in [("a question", question), ("200 members", wide)] {
        let size = value.to_string().len() as u64;
        let mut group = criterion.benchmark_group(format!("JSON, {name}"));
        group.throughput(Throughput::Bytes(size));
        group.bench_function("canonical", |bencher| {
            bencher.iter(|| serde_jcs::to_string(black_box(&value)));
        });
        group.bench_function("plain", |bencher| {
            bencher.iter(|| serde_json::to_string(black_box(&value)));
        });
        group.finish();
    }
}

criterion_group!(benches, canonical);
criterion_main!(benches);
