//! What a report keeps of how requests were made, so that nobody holds two runs against each other that
//! asked for different things: flags by name, where they say more than nothing. Of keys their number.

use std::collections::BTreeMap;

use super::Arguments;

pub(super) fn of(it: &Arguments, keys: usize) -> BTreeMap<String, String> {
    let yes = |is: bool| is.then(|| "yes".to_owned());
    let number = |number: usize, nothing: usize| (number != nothing).then(|| number.to_string());
    let percent = |share: f64| (share > 0.0).then(|| format!("{} %", share * 100.0));
    let time = |time| humantime::format_duration(time).to_string();
    let mix: Vec<String> = it
        .mix
        .iter()
        .map(|(step, weight)| format!("{step}={weight}"))
        .collect();
    let think = it.think.map(|(least, most)| match least == most {
        true => time(least),
        false => format!("{}..{}", time(least), time(most)),
    });
    let all = [
        ("mix", (!mix.is_empty()).then(|| mix.join(","))),
        ("keys", Some(it.keys.to_string())),
        ("popularity", Some(it.popularity.to_string())),
        ("invalid-share", percent(it.invalid_share)),
        ("leaving", percent(it.leaving)),
        ("slow", percent(it.slow)),
        ("think", think),
        ("even", yes(it.even)),
        ("http2", yes(it.http2)),
        ("reconnect", yes(it.reconnect)),
        ("api-keys", number(keys, 0)),
        ("sources", number(it.source.len(), 0)),
        ("threads", number(it.threads, 1)),
    ];
    let said = all
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    said.collect()
}
