//! Asking an agent from its own machine whether it takes work: what a container's health check
//! runs, so that the image needs no other program.

use std::time::Duration;

use crate::{
    outbound,
    settings::{Error, Settings},
};

/// How long the answer may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// Asks the agent that was started with these settings on this machine.
///
/// # Errors
/// If it does not answer 200 within three seconds.
pub async fn probe(settings: &Settings) -> Result<(), Error> {
    let url = format!("{}/health/ready", settings.local_url());
    let told = |reason: &dyn std::fmt::Display| Error::NotReady {
        url: url.clone(),
        reason: reason.to_string(),
    };
    // Plain HTTP to this very machine: neither proxies nor certificates have a part in it.
    let client = outbound::direct()
        .tls_certs_only([])
        .timeout(PATIENCE)
        .build()
        .map_err(|error| told(&error))?;
    let asked = client.get(&url).send().await;
    let answer = asked.map_err(|error| match error.is_timeout() {
        true => told(&"no answer within 3 s"),
        false => told(&"no connection"),
    })?;
    match answer.status() {
        reqwest::StatusCode::OK => Ok(()),
        status => Err(told(&status)),
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;
    use crate::start;

    fn on(port: u16) -> Settings {
        Settings {
            port,
            ..Settings::unlimited()
        }
    }

    #[tokio::test]
    async fn an_agent_that_takes_work_is_ready() {
        let agent = start(on(0)).await.expect("the agent starts");
        let port = agent.addr().port();
        probe(&on(port)).await.expect("it is ready");
        agent.stop().await;
        let told = probe(&on(port)).await.expect_err("nobody is there");
        assert!(told.to_string().contains("no connection"), "{told}");
    }

    #[tokio::test]
    async fn who_does_not_answer_is_not_ready() {
        let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = silent.local_addr().expect("its address").port();
        let told = probe(&on(port)).await.expect_err("no answer");
        assert!(told.to_string().contains("no answer"), "{told}");
    }
}
