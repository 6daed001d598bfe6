//! From the weather and a plan to advice, worded as the configuration says.

use serde_json::{Value, json};

use crate::{
    agent::Agent,
    documents::now,
    preferences::Preferences,
    weather::{CONDITIONS, Phrases, Weather, hash, round},
};

const ACTIVITIES: [&str; 5] = ["outdoor", "indoor", "sports", "travel", "any"];

/// The agent's answer to a question, in this weather.
///
/// Total: it makes something of any input at all, so that an agent whose judgement is
/// wrong by a fault answers wrongly rather than not.
pub(crate) fn give(
    agent: &Agent,
    weather: &Weather,
    input: &Value,
    preferences: &Preferences,
) -> Value {
    let text = |name: &str| input.get(name).and_then(Value::as_str);
    let activity = text("activity_type")
        .filter(|name| ACTIVITIES.contains(name))
        .unwrap_or("any");
    let scale = |celsius: f64| {
        if preferences.fahrenheit {
            round(celsius * 1.8 + 32.0)
        } else {
            celsius
        }
    };
    let temperature = scale(weather.celsius);
    let phrases = agent.atlas.phrases.get(&preferences.language);
    let summary = phrases.map(|phrases| summary(phrases, weather, temperature));
    let mut recommendations = phrases
        .map(|phrases| recommendations(phrases, weather, activity))
        .unwrap_or_default();
    recommendations.truncate(preferences.max_recommendations);
    let mut output = json!({
        "city": text("city").unwrap_or_default(),
        "condition": weather.condition,
        "summary": summary,
        "temperature": temperature,
        "units": if preferences.fahrenheit { "fahrenheit" } else { "celsius" },
        "language": preferences.language,
        "activity_type": activity,
        "recommendation": recommendations.first(),
        "recommendations": recommendations,
        "confidence": confidence(input, weather, activity),
        "tags": tags(input),
        "timestamp": now(),
        "agent_id": agent.settings.agent_id,
    });
    if preferences.include_forecast {
        let celsius = forecast(input, weather);
        output["forecast"] = celsius
            .iter()
            .zip(1..)
            .map(|((condition, celsius), day)| {
                json!({"day": day, "condition": condition, "temperature": scale(*celsius)})
            })
            .collect();
    }
    output
}

fn tags(input: &Value) -> Vec<&str> {
    let tags = input.get("tags").and_then(Value::as_array);
    tags.into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

fn summary(phrases: &Phrases, weather: &Weather, temperature: f64) -> String {
    let condition = phrases
        .conditions
        .get(&weather.condition)
        .map_or("", String::as_str);
    phrases
        .summary
        .replace("{condition}", condition)
        .replace("{temperature}", &temperature.to_string())
}

/// The most particular first: ten in all, as many as a configuration can ask for.
fn recommendations(phrases: &Phrases, weather: &Weather, activity: &str) -> Vec<String> {
    let for_weather = phrases.advice.get(&weather.condition).into_iter().flatten();
    let for_activity = phrases.activities.get(activity);
    for_weather
        .chain(for_activity)
        .chain(&phrases.general)
        .cloned()
        .collect()
}

/// Between 0 and 1: lower the further the weather is from what the person wants.
fn confidence(input: &Value, weather: &Weather, activity: &str) -> f64 {
    let number = |name: &str| input.get(name).and_then(Value::as_f64);
    let off = number("temperature_preference").map_or(0.0, |wish| (wish - weather.celsius).abs());
    let gusts = number("wind_limit").map_or(0.0, |limit| (weather.wind_kmh - limit).max(0.0));
    let exposed = matches!(activity, "outdoor" | "sports");
    let foul = matches!(weather.condition.as_str(), "rain" | "snow" | "storm");
    let base = if exposed && foul { 0.6 } else { 0.9 };
    let doubt = (off / 200.0 + gusts / 200.0).min(0.5);
    ((base - doubt).clamp(0.0, 1.0) * 100.0).round() / 100.0
}

/// What follows from today, day by day.
fn forecast(input: &Value, weather: &Weather) -> Vec<(String, f64)> {
    let days = input.get("days").and_then(Value::as_f64).unwrap_or(3.0) as u64;
    (0..days.min(7))
        .map(|day| {
            let seed = hash(&[weather.condition.as_bytes(), &day.to_le_bytes()]);
            let condition = match (day, CONDITIONS[(seed % 7) as usize]) {
                (0, _) => weather.condition.clone(),
                (_, "snow") if weather.celsius > 2.0 => "rain".to_owned(),
                (_, condition) => condition.to_owned(),
            };
            (
                condition,
                round(weather.celsius + (day * (seed % 5)) as f64 / 10.0),
            )
        })
        .collect()
}
