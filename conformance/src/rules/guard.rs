//! Rules on who is let in.

use acp_reports::Level::{Must, Should};

use super::looks::{self, settle};
use crate::drive::auth::key;
use crate::evidence::{Ask, Evidence, Step, Topic};
use crate::feature::Feature::Auth;
use crate::rule::{Judgement, Look, Rule, Tally, each};
use crate::show;
use crate::wire::Answer;

const READS: &[Topic] = &[Topic::Documents, Topic::Auth];
const NEEDED: &str =
    "no credentials were given: give the right ones with --api-key-env or --header";

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "auth.enforced",
        level: Must,
        feature: Auth,
        clause: "Where credentials are required, the right ones work, and none, empty, made-up and altered ones are each answered 401.",
        source: "seed; RFC 9110, 15.5.2",
        why: "A key that is compared by half, or only looked for, keeps nobody out.",
        mend: "Compare the whole secret, in constant time, before anything else is read; answer 401, not 403 or 404.",
        reads: READS,
        judge: enforced,
    },
    Rule {
        id: "auth.challenge",
        level: Should,
        feature: Auth,
        clause: "Each 401 carries `WWW-Authenticate`.",
        source: "RFC 9110, 11.6.1",
        why: "HTTP clients read there which credentials they should try.",
        mend: "Add `WWW-Authenticate` with the scheme: `Bearer`, or a name such as `ApiKey`.",
        reads: READS,
        judge: challenge,
    },
    Rule {
        id: "auth.header-only",
        level: Must,
        feature: Auth,
        clause: "Credentials in the query string are not accepted.",
        source: "design; RFC 6750, 5.3",
        why: "URLs stand in logs, histories and referrers; so would the key.",
        mend: "Read the credentials from their header field alone.",
        reads: READS,
        judge: header_only,
    },
    Rule {
        id: "auth.covers-stream",
        level: Must,
        feature: Auth,
        clause: "The stream and configuration endpoints are guarded as `/invoke` is.",
        source: "design",
        why: "Whoever lacks a key takes the door that was left open.",
        mend: "Guard by default, and list what is open, rather than the other way round.",
        reads: READS,
        judge: covers_stream,
    },
    Rule {
        id: "auth.discovery-open",
        level: Must,
        feature: Auth,
        clause: "`/auth` and `/health` stay open.",
        source: "P1",
        why: "`/auth` tells who has nothing yet what is needed; probes have no keys.",
        mend: "Leave both out of the guard.",
        reads: READS,
        judge: discovery_open,
    },
];

fn one(evidence: &Evidence, step: Step, key: usize) -> Option<&Answer> {
    evidence.one(Topic::Auth, step, key).and_then(Ask::answer)
}

fn main(evidence: &Evidence) -> impl Iterator<Item = &Ask> {
    evidence.at(Topic::Auth, Step::Main)
}

/// What became of the right credentials at a place.
enum Right {
    Works,
    Fails(Look),
    /// None were given, or the place was not asked with them.
    Unknown,
}

fn right(evidence: &Evidence, step: Step, key: usize) -> Right {
    let Some(ask) = evidence.one(Topic::Auth, step, key) else {
        return Right::Unknown;
    };
    match ask.answer().map(|answer| answer.status) {
        Some(200..=299) => Right::Works,
        Some(401 | 403) => Right::Fails(Look::missing(
            "the agent refuses the credentials that were given: are they the right ones?",
        )),
        _ => Right::Fails(Look::missing(
            "with the right credentials /invoke does not answer: see invoke.responds",
        )),
    }
}

fn enforced(evidence: &Evidence) -> Judgement {
    let right = right(evidence, Step::Main, key::RIGHT);
    let mut tally = Tally::new(evidence);
    for ask in main(evidence).filter(|ask| ask.about.key < key::PLACES) {
        let look = match (ask.about.key, &right) {
            (key::RIGHT, Right::Fails(look)) => look.clone(),
            (key::RIGHT, _) => Look::Fine,
            _ => is_kept_out(ask, &right),
        };
        tally.look(ask, look);
        if matches!(right, Right::Unknown) {
            tally.look(ask, Look::missing(NEEDED));
        }
    }
    tally.judgement()
}

/// Whether a request without the right credentials is answered 401.
fn is_kept_out(ask: &Ask, right: &Right) -> Look {
    let Some(answer) = ask.answer() else {
        return no_answer(ask);
    };
    let flaw = |message| Look::flaw(message, "401", show::answer(answer));
    // RFC 6750, 3.1: a header field with a scheme and no token is a malformed request.
    let is_malformed = ask.about.key == key::EMPTY && has_scheme(ask);
    match answer.status {
        401 => Look::Fine,
        429 => Look::missing("the agent answers 429 for longer than can be waited out"),
        400 if is_malformed => Look::Fine,
        200..=299 => flaw("who has no right is let in"),
        403 => {
            flaw("who has not shown who it is gets 403, which is for who is known and has no right")
        }
        _ if matches!(right, Right::Works) => {
            flaw("who has no right is refused otherwise than with 401")
        }
        _ => Look::missing("what is asked without the right credentials fails for another reason"),
    }
}

fn has_scheme(ask: &Ask) -> bool {
    let mut headers = ask.exchange.request.headers.iter();
    headers.any(|(name, value)| name.eq_ignore_ascii_case("authorization") && !value.is_empty())
}

fn no_answer(ask: &Ask) -> Look {
    settle(looks::answered(ask).map(|_| Look::Beside))
}

fn challenge(evidence: &Evidence) -> Judgement {
    let refused = |ask: &&Ask| ask.answer().is_some_and(|answer| answer.status == 401);
    if !evidence.of(Topic::Auth).any(|ask| refused(&ask)) {
        return Judgement::Inconclusive("there was no 401: see auth.enforced".to_owned());
    }
    each(evidence, evidence.of(Topic::Auth).filter(refused), |ask| {
        let told = ask
            .answer()
            .and_then(|answer| answer.header("www-authenticate"));
        if told.is_some_and(|told| !told.trim().is_empty()) {
            return Look::Fine;
        }
        let got = told.map_or("no WWW-Authenticate", |_| "an empty one");
        Look::flaw(
            "a 401 does not say what is asked for",
            "WWW-Authenticate",
            got,
        )
    })
}

fn header_only(evidence: &Evidence) -> Judgement {
    let with_query = main(evidence).filter(|ask| ask.about.key >= key::QUERY);
    let mut tally = Tally::new(evidence);
    for ask in with_query {
        let place = ask.about.key - ask.about.key % key::QUERY_SIZE;
        let is_open = one(evidence, Step::Baseline, place).is_none_or(Answer::is_success);
        let look = match ask.answer() {
            None => no_answer(ask),
            Some(_) if is_open => Look::missing(
                "no credentials are needed there: see auth.enforced and auth.covers-stream",
            ),
            Some(answer) if answer.status == 429 => no_answer(ask),
            Some(answer) if answer.is_success() => Look::flaw(
                "credentials in the query string are accepted",
                "401",
                answer.status.to_string(),
            ),
            Some(_) => Look::Fine,
        };
        tally.look(ask, look);
    }
    match right(evidence, Step::Main, key::RIGHT) {
        Right::Works => tally.judgement(),
        Right::Fails(Look::Missing(why)) => Judgement::Inconclusive(why),
        _ => Judgement::Inconclusive(NEEDED.to_owned()),
    }
}

fn covers_stream(evidence: &Evidence) -> Judgement {
    let places = main(evidence).filter(|ask| (key::PLACES..key::QUERY).contains(&ask.about.key));
    each(evidence, places, |ask| {
        let shown = ask.about.key % key::PLACE_SIZE;
        let place = ask.about.key - shown;
        let right = right(evidence, Step::Baseline, place + key::RIGHT);
        let is_there = match &right {
            Right::Works => true,
            Right::Fails(_) => return Look::Beside,
            Right::Unknown => false,
        };
        let Some(answer) = ask.answer() else {
            return no_answer(ask);
        };
        let invoke = one(evidence, Step::Main, shown).map(|answer| answer.status);
        match answer.status {
            401 => Look::Fine,
            429 => no_answer(ask),
            404 | 405 if !is_there => Look::Beside,
            status if invoke == Some(status) => {
                Look::missing("/invoke is not guarded as it should be: see auth.enforced")
            }
            200..=299 => Look::flaw(
                "who has no right is let in where /invoke keeps it out",
                "401",
                show::answer(answer),
            ),
            _ if is_there => Look::flaw(
                "who has no right is refused otherwise than with 401",
                "401",
                show::answer(answer),
            ),
            _ => Look::missing(
                "what is asked without the right credentials fails for another reason",
            ),
        }
    })
}

fn discovery_open(evidence: &Evidence) -> Judgement {
    let discovery = evidence
        .of(Topic::Auth)
        .filter(|ask| matches!(ask.about.step, Step::Auth | Step::Health));
    each(evidence, discovery, |ask| {
        let Some(answer) = ask.answer() else {
            return no_answer(ask);
        };
        match answer.status {
            401 | 403 => Look::flaw(
                "what everybody must be able to read asks for credentials",
                "an answer without credentials",
                show::answer(answer),
            ),
            429 => no_answer(ask),
            404 if ask.about.step == Step::Health => Look::Beside,
            _ => Look::Fine,
        }
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::judge::Outcome;
    use crate::made_up;
    use crate::rules::find;
    use crate::settings::Facts;
    use crate::wire::Request;

    const STREAM: usize = key::PLACES + key::PLACE_SIZE;

    /// A guard that lets nobody in but who may: step, key, status.
    const GOOD: &[(Step, usize, u16)] = &[
        (Step::Main, key::NONE, 401),
        (Step::Main, key::RIGHT, 200),
        (Step::Main, key::EMPTY, 401),
        (Step::Main, key::MADE_UP, 401),
        (Step::Main, key::ALTERED, 401),
        (Step::Main, key::REFUSED, 401),
        (Step::Baseline, STREAM + key::RIGHT, 200),
        (Step::Main, STREAM + key::NONE, 401),
        (Step::Main, STREAM + key::MADE_UP, 401),
        (Step::Baseline, key::QUERY, 401),
        (Step::Main, key::QUERY, 401),
        (Step::Main, key::QUERY + 1, 400),
        (Step::Auth, key::NONE, 200),
        (Step::Auth, key::MADE_UP, 200),
        (Step::Health, key::NONE, 200),
    ];

    fn ask((step, key, status): (Step, usize, u16), challenge: &str) -> Arc<Ask> {
        let answer = made_up::answer(status, &[("WWW-Authenticate", challenge)], "");
        let exchange = made_up::exchange(Request::post("/invoke", "{}"), Ok(answer));
        Arc::new(made_up::ask(Topic::Auth, step, key, exchange))
    }

    /// What becomes of a rule when some of the answers are others, or are missing.
    fn outcome(name: &str, others: &[(Step, usize, u16)], challenge: &str) -> Outcome {
        let facts = Facts {
            cases: 1,
            ..Facts::default()
        };
        let changed = |one: &(Step, usize, u16)| {
            let is_it = |other: &&(Step, usize, u16)| (other.0, other.1) == (one.0, one.1);
            *others.iter().find(is_it).unwrap_or(one)
        };
        let asks = GOOD.iter().map(changed).filter(|(.., status)| *status > 0);
        let asks = asks.map(|one| ask(one, challenge)).collect();
        let evidence = Evidence::new(facts, asks, Default::default());
        match (find(name).expect("a rule").judge)(&evidence) {
            Judgement::Judged(judged) if judged.failures.is_empty() => Outcome::Pass(judged),
            Judgement::Judged(judged) => Outcome::Fail(judged),
            Judgement::Skip(why) => Outcome::Skip(why),
            Judgement::Unseen(why) => Outcome::Unseen(why),
            Judgement::Inconclusive(why) => Outcome::Inconclusive(why),
        }
    }

    #[test]
    fn a_guard_that_lets_in_nobody_but_who_may_holds_every_rule() {
        for rule in RULES {
            let outcome = outcome(rule.id, &[], "ApiKey");
            assert!(
                matches!(outcome, Outcome::Pass(_)),
                "{}: {outcome:?}",
                rule.id
            );
        }
    }

    #[test]
    fn whoever_is_let_in_wrongly_or_refused_in_other_words_is_found() {
        for (rule, at, statuses) in [
            (
                "auth.enforced",
                (Step::Main, key::NONE),
                &[403, 404, 400][..],
            ),
            ("auth.enforced", (Step::Main, key::EMPTY), &[200, 403, 400]),
            (
                "auth.enforced",
                (Step::Main, key::MADE_UP),
                &[200, 403, 500],
            ),
            ("auth.enforced", (Step::Main, key::ALTERED), &[200, 403]),
            ("auth.enforced", (Step::Main, key::REFUSED), &[200]),
            (
                "auth.covers-stream",
                (Step::Main, STREAM + key::NONE),
                &[200, 403],
            ),
            (
                "auth.covers-stream",
                (Step::Main, STREAM + key::MADE_UP),
                &[200],
            ),
            ("auth.header-only", (Step::Main, key::QUERY), &[200]),
            ("auth.discovery-open", (Step::Auth, key::NONE), &[401, 403]),
            ("auth.discovery-open", (Step::Auth, key::MADE_UP), &[401]),
            ("auth.discovery-open", (Step::Health, key::NONE), &[401]),
        ] {
            for status in statuses {
                let outcome = outcome(rule, &[(at.0, at.1, *status)], "ApiKey");
                assert!(
                    matches!(outcome, Outcome::Fail(_)),
                    "{rule} {at:?} {status}: {outcome:?}"
                );
            }
        }
        assert!(matches!(
            outcome("auth.challenge", &[], ""),
            Outcome::Fail(_)
        ));
    }

    #[test]
    fn what_cannot_be_told_is_told_so() {
        let no_right: &[_] = &[(Step::Main, key::RIGHT, 0)];
        let wrong_right: &[_] = &[(Step::Main, key::RIGHT, 401)];
        let open_stream: &[_] = &[
            (Step::Baseline, key::QUERY, 200),
            (Step::Main, key::QUERY, 200),
        ];
        let open: &[_] = &[
            (Step::Main, key::MADE_UP, 200),
            (Step::Main, STREAM + key::MADE_UP, 200),
        ];
        for (rule, others, hint) in [
            ("auth.enforced", no_right, "--api-key-env"),
            ("auth.enforced", wrong_right, "are they the right ones?"),
            ("auth.header-only", no_right, "--api-key-env"),
            ("auth.header-only", wrong_right, "are they the right ones?"),
            ("auth.header-only", open_stream, "auth.covers-stream"),
            ("auth.covers-stream", open, "see auth.enforced"),
        ] {
            match outcome(rule, others, "ApiKey") {
                Outcome::Inconclusive(why) => assert!(why.contains(hint), "{rule}: {why}"),
                other => panic!("{rule}: {other:?}"),
            }
        }
        let absent = outcome("auth.discovery-open", &[(Step::Health, key::NONE, 404)], "");
        assert!(matches!(absent, Outcome::Pass(_)));
    }
}
