//! The weather of the world: a few cities from a data file, plausible weather for the rest.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

use crate::settings::Error;

pub(crate) const CONDITIONS: [&str; 7] =
    ["clear", "cloudy", "rain", "snow", "storm", "fog", "wind"];

/// The weather of one place.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Weather {
    pub(crate) condition: String,
    pub(crate) celsius: f64,
    pub(crate) wind_kmh: f64,
}

/// The words for it, in one language.
#[derive(Debug, Deserialize)]
pub(crate) struct Phrases {
    pub(crate) summary: String,
    pub(crate) conditions: HashMap<String, String>,
    pub(crate) advice: HashMap<String, Vec<String>>,
    pub(crate) activities: HashMap<String, String>,
    pub(crate) general: Vec<String>,
}

/// All that the agent knows.
#[derive(Debug)]
pub(crate) struct Atlas {
    cities: HashMap<String, Weather>,
    pub(crate) phrases: HashMap<String, Phrases>,
}

#[derive(Deserialize)]
struct Entry {
    city: String,
    #[serde(flatten)]
    weather: Weather,
}

impl Atlas {
    pub(crate) fn read() -> Result<Self, Error> {
        let broken = |name| {
            move |e: serde_json::Error| Error::Data {
                name,
                reason: e.to_string(),
            }
        };
        let entries: Vec<Entry> =
            serde_json::from_str(include_str!("../../fixtures/weather/cities.json"))
                .map_err(broken("weather/cities.json"))?;
        let phrases = serde_json::from_str(include_str!("../../fixtures/weather/phrases.json"))
            .map_err(broken("weather/phrases.json"))?;
        let cities = entries
            .into_iter()
            .map(|entry| (entry.city.to_lowercase(), entry.weather))
            .collect();
        Ok(Self { cities, phrases })
    }

    /// The weather that an input asks about: the same for the same input, always.
    pub(crate) fn weather(&self, input: &Value) -> Weather {
        let city = input
            .get("city")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_lowercase();
        if let Some(known) = self.cities.get(&city) {
            return known.clone();
        }
        let country = input
            .get("country")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let latitude = input
            .pointer("/location/latitude")
            .and_then(Value::as_f64)
            .unwrap_or(40.0);
        imagined(hash(&[city.as_bytes(), country.as_bytes()]), latitude)
    }
}

/// Cold towards the poles, and never snow where it is warm.
fn imagined(seed: u64, latitude: f64) -> Weather {
    let spread = (seed % 200) as f64 / 10.0 - 10.0;
    let celsius = round(30.0 - latitude.abs() * 0.45 + spread);
    let condition = match CONDITIONS[(seed / 200 % 7) as usize] {
        "snow" if celsius > 2.0 => "rain",
        "rain" | "storm" if celsius < 0.0 => "snow",
        condition => condition,
    };
    Weather {
        condition: condition.to_owned(),
        celsius,
        wind_kmh: (seed / 1400 % 45) as f64,
    }
}

/// FNV-1a: stable over releases of everything, which the standard library's hashers are not.
pub(crate) fn hash(parts: &[&[u8]]) -> u64 {
    parts
        .iter()
        .flat_map(|part| part.iter().chain(&[0xff]))
        .fold(0xcbf2_9ce4_8422_2325, |h, b| {
            (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3)
        })
}

/// To one decimal; and never the negative zero, which JSON could show.
pub(crate) fn round(number: f64) -> f64 {
    (number * 10.0).round() / 10.0 + 0.0
}
