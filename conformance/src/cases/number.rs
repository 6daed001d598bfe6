//! Numbers: the range that a shape leaves, its edges, and what lies just past them.

use serde_json::{Number, Value};

use super::{maker::Maker, shape::Shape};

/// A range of numbers, whole or not.
#[derive(Clone, Debug, Default)]
pub(super) struct Range {
    low: Option<Bound>,
    high: Option<Bound>,
    steps: Vec<f64>,
}

#[derive(Clone, Copy, Debug)]
struct Bound {
    at: f64,
    open: bool,
}

/// Whole numbers at which implementations change their mind: 0, the ends of 32 and 64 bits,
/// and where a double stops holding each integer.
const EDGES: [i128; 14] = [
    0,
    1,
    -1,
    2_147_483_647,
    2_147_483_648,
    -2_147_483_648,
    -2_147_483_649,
    4_294_967_296,
    (1 << 53) - 1,
    (1 << 53) + 1,
    -(1 << 53) - 1,
    i64::MAX as i128,
    i64::MIN as i128,
    u64::MAX as i128,
];
/// Numbers at which floating point shows: signs, fractions, the ends of a double's range.
const FRACTIONS: [f64; 10] = [
    0.5,
    -0.5,
    0.1,
    -0.0,
    1.5,
    1e-7,
    5e-324,
    1e308,
    -1e308,
    123_456.789,
];

/// Arithmetic on whole numbers stays this side of overflow; beyond, doubles take over.
const WIDEST: i128 = 1 << 100;

impl Maker<'_> {
    /// The range that the atoms of a shape leave.
    pub(super) fn range(&self, shape: &Shape) -> Range {
        let mut range = Range::default();
        for &atom in &shape.atoms {
            let number = |keyword| self.keyword(atom, keyword).and_then(Value::as_f64);
            // Draft 4: a Boolean that opens the bound beside it.
            let opened = |keyword| self.keyword(atom, keyword) == Some(&Value::Bool(true));
            range.raise(number("minimum"), opened("exclusiveMinimum"));
            range.raise(number("exclusiveMinimum"), true);
            range.lower(number("maximum"), opened("exclusiveMaximum"));
            range.lower(number("exclusiveMaximum"), true);
            range
                .steps
                .extend(number("multipleOf").filter(|step| *step > 0.0));
            match self.keyword(atom, "format").and_then(Value::as_str) {
                Some("int32") => range.clamp(f64::from(i32::MIN), f64::from(i32::MAX)),
                // Written so that the bounds stay within i64 though a double cannot hold them.
                Some("int64") => range.clamp(-9.2e18, 9.2e18),
                Some("float") => range.clamp(f64::from(f32::MIN), f64::from(f32::MAX)),
                _ => {}
            }
        }
        range
    }
}

impl Range {
    fn raise(&mut self, at: Option<f64>, open: bool) {
        let Some(at) = at else { return };
        let tighter = |old: Bound| at > old.at || (at == old.at && open);
        if self.low.is_none_or(tighter) {
            self.low = Some(Bound { at, open });
        }
    }

    fn lower(&mut self, at: Option<f64>, open: bool) {
        let Some(at) = at else { return };
        let tighter = |old: Bound| at < old.at || (at == old.at && open);
        if self.high.is_none_or(tighter) {
            self.high = Some(Bound { at, open });
        }
    }

    fn clamp(&mut self, low: f64, high: f64) {
        self.raise(Some(low), false);
        self.lower(Some(high), false);
    }

    /// Whether a number lies within; multiples are not asked for.
    pub(super) fn contains(&self, number: f64) -> bool {
        let above = self
            .low
            .is_none_or(|low| number > low.at || (!low.open && number == low.at));
        above
            && self
                .high
                .is_none_or(|high| number < high.at || (!high.open && number == high.at))
    }

    fn whole_low(&self) -> Option<i128> {
        let low = self.low?;
        let up = low.at.ceil();
        Some(clamped(up) + i128::from(low.open && up == low.at))
    }

    fn whole_high(&self) -> Option<i128> {
        let high = self.high?;
        let down = high.at.floor();
        Some(clamped(down) - i128::from(high.open && down == high.at))
    }

    /// Whole numbers within, the edges first.
    pub(super) fn integers(&self) -> Vec<(String, Value)> {
        let step = self.whole_step();
        let up = |number: i128| number + (step - number.rem_euclid(step)) % step;
        let mut found = Vec::new();
        if let Some(low) = self.whole_low() {
            found.push(("the least".to_owned(), up(low)));
            found.push(("next to the least".to_owned(), up(low) + step));
        }
        if let Some(high) = self.whole_high() {
            let last = high - high.rem_euclid(step);
            found.push(("the greatest".to_owned(), last));
            found.push(("next to the greatest".to_owned(), last - step));
        }
        found.extend(EDGES.map(|edge| (format!("the number {}", up(edge)), up(edge))));
        found.retain(|(_, number)| self.contains(*number as f64));
        found
            .into_iter()
            .map(|(name, number)| (name, whole(number)))
            .collect()
    }

    /// Numbers within that are not whole (or only just), the edges first.
    pub(super) fn fractions(&self) -> Vec<(String, Value)> {
        if !self.steps.is_empty() {
            return self.multiples();
        }
        let mut found = Vec::new();
        for (bound, name) in [(self.low, "the least"), (self.high, "the greatest")] {
            let Some(bound) = bound else { continue };
            found.push((format!("{name}, as {:?}", bound.at), bound.at));
            let inward = if name == "the least" { 1.0 } else { -1.0 };
            found.push((format!("just within {name}"), beside(bound.at, inward)));
        }
        if let (Some(low), Some(high)) = (self.low, self.high) {
            found.push(("in the middle".to_owned(), low.at / 2.0 + high.at / 2.0));
        }
        found.extend(FRACTIONS.map(|number| (format!("the number {number:?}"), number)));
        found.retain(|(_, number)| self.contains(*number));
        found
            .into_iter()
            .filter_map(|(name, number)| Some((name, float(number)?)))
            .collect()
    }

    fn multiples(&self) -> Vec<(String, Value)> {
        let Some(step) = self.steps.iter().copied().reduce(f64::max) else {
            return Vec::new();
        };
        let first = self.low.map_or(1.0, |low| (low.at / step).ceil());
        let last = self
            .high
            .map_or(first + 1_000.0, |high| (high.at / step).floor());
        let middle = (first / 2.0 + last / 2.0).floor();
        let counts = [
            first,
            first + 1.0,
            last,
            last - 1.0,
            middle,
            0.0,
            1.0,
            -1.0,
            3.0,
            7.0,
        ];
        let name = |count: f64| format!("{count} times {step}");
        let found = counts.map(|count| Some((name(count), times(count, step)?)));
        let within = |value: &Value| value.as_f64().is_some_and(|number| self.contains(number));
        found
            .into_iter()
            .flatten()
            .filter(|(_, value)| within(value))
            .collect()
    }

    /// A whole number within, drawn by `draw`, which is given the ends.
    pub(super) fn some_integer(&self, mut draw: impl FnMut(i128, i128) -> i128) -> Option<Value> {
        let low = self
            .whole_low()
            .unwrap_or_else(|| self.whole_high().map_or(-1_000, |h| h - 1_000));
        let high = self.whole_high().unwrap_or(low.max(0) + 1_000);
        let step = self.whole_step();
        let drawn = draw(low, high);
        let near = drawn - drawn.rem_euclid(step);
        [near, near + step]
            .into_iter()
            .find(|n| (low..=high).contains(n))
            .map(whole)
    }

    /// A number within at `share` of the way from one end to the other.
    pub(super) fn some_fraction(&self, share: f64) -> Option<Value> {
        let low = self
            .low
            .map_or_else(|| self.high.map_or(-1_000.0, |h| h.at - 1_000.0), |l| l.at);
        let high = self.high.map_or(low + 2_000.0, |high| high.at);
        let number = low + (high / 2.0 - low / 2.0) * share * 2.0;
        match self.steps.first() {
            Some(&step) => times((number / step).round(), step),
            None => float(number),
        }
    }

    fn whole_step(&self) -> i128 {
        let mut step: i128 = 1;
        for &own in &self.steps {
            // The least whole multiple of a step such as 0.5 or 2.5.
            let scaled = (1..=1_000).find(|times| (own * f64::from(*times)).fract() == 0.0);
            let own = clamped(own * f64::from(scaled.unwrap_or(1)));
            step = least_common_multiple(step, own.max(1)).min(WIDEST);
        }
        step
    }
}

/// Numbers past `limit`, the nearest first: `outward` is −1.0 or 1.0.
pub(super) fn past(limit: &Value, outward: f64) -> Vec<Value> {
    let Some(at) = limit.as_f64() else {
        return Vec::new();
    };
    // In whole numbers, since a double would swallow a step of one at the ends of 64 bits.
    let exact = limit
        .as_i64()
        .map(i128::from)
        .or_else(|| limit.as_u64().map(i128::from));
    let near = exact.or((at.fract() == 0.0).then(|| clamped(at)));
    let mut found: Vec<Value> = near
        .map(|at| whole(at + outward as i128))
        .into_iter()
        .collect();
    let far = (at * 2.0 + outward * 1_000.0).trunc();
    found.extend(
        [beside(at, outward), at + outward * 0.5]
            .into_iter()
            .filter_map(float),
    );
    found.push(if far.abs() < 1e15 {
        whole(clamped(far))
    } else {
        Value::from(outward * 1e300)
    });
    found.extend(float(outward * 1e300));
    found
}

/// Near `number`, by an amount that survives arithmetic in single precision.
fn beside(number: f64, direction: f64) -> f64 {
    let nudge = if number == 0.0 {
        1e-9
    } else {
        number.abs() * 1e-6
    };
    number + direction * nudge
}

/// Rounded toward zero and held within ±[`WIDEST`], so that small sums stay in range.
pub(super) fn clamped(number: f64) -> i128 {
    (number as i128).clamp(-WIDEST, WIDEST)
}

/// A whole number as JSON; what no 64 bits hold becomes a double.
pub(super) fn whole(number: i128) -> Value {
    let small = i64::try_from(number).map(Value::from);
    let large = small.or_else(|_| u64::try_from(number).map(Value::from));
    large.unwrap_or_else(|_| Value::from(number as f64))
}

/// A double as JSON, `None` for what JSON cannot say.
pub(super) fn float(number: f64) -> Option<Value> {
    Number::from_f64(number).map(Value::Number)
}

/// `count × step` in decimal, so that 3 × 0.1 is 0.3.
pub(super) fn times(count: f64, step: f64) -> Option<Value> {
    let written = format!("{step}");
    let decimals = written
        .split_once('.')
        .map_or(0, |(_, decimals)| decimals.len());
    let scaled: i128 = written.replace('.', "").parse().ok()?;
    if count.abs() > 1e15 {
        return None;
    }
    let product = scaled.checked_mul(count as i128)?;
    if decimals == 0 {
        return Some(whole(product));
    }
    let scale = 10_i128.checked_pow(u32::try_from(decimals).ok()?)?;
    let sign = if product < 0 { "-" } else { "" };
    let (units, rest) = (product.abs() / scale, product.abs() % scale);
    float(format!("{sign}{units}.{rest:0decimals$}").parse().ok()?)
}

fn least_common_multiple(left: i128, right: i128) -> i128 {
    let (mut a, mut b) = (left, right);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    (left / a.max(1)).saturating_mul(right).max(1)
}
