//! The one door to goose, which hosts the users.
//!
//! What it does that a library should not is kept away here: it would read this program's
//! arguments (it is given its own), print (told not to; one line it prints all the same, which the program
//! swallows), take Ctrl-C (the program takes it first), and
//! there is one switch for all attacks of a process (it is not used: a user's life is one
//! iteration, which ends when our field says so; and attacks take turns). goose goes by seconds and half seconds:
//! ramps and stages are the field's own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use goose::client::GooseClientBuilder;
use goose::config::GooseConfiguration;
use goose::goose::{GooseUser, Scenario, Transaction, TransactionResult};
use goose::{GooseAttack, GooseError};
use tokio::sync::{Mutex, mpsc};

use super::field::Field;
use super::user::{self, Shown};

/// goose has global state: one attack at a time.
static TURN: Mutex<()> = Mutex::const_new(());

/// goose starts its users at this rate, a second.
const LAUNCHES: &str = "1000";
/// How many requests may wait to be shown on goose's page.
const SHOWN: usize = 1024;

/// goose could not host the users.
#[derive(Debug, thiserror::Error)]
#[error("the load engine failed: {0}")]
pub struct AttackError(String);

impl From<GooseError> for AttackError {
    fn from(error: GooseError) -> Self {
        Self(error.to_string())
    }
}

/// Lets so many of goose's users host all users of the field until they go home.
pub(super) async fn crowd(
    hosts: usize,
    field: Arc<Field>,
    dashboard: bool,
) -> Result<(), AttackError> {
    // Whatever happens, nobody waits for users who never come.
    let _open = Open(field.clone());
    let _turn = TURN.lock().await;
    let configuration = configuration(hosts, &field, dashboard)?;
    let numbers = Arc::new(AtomicUsize::new(0));
    let life = Transaction::new(Arc::new(move |user: &mut GooseUser| {
        let number = numbers.fetch_add(1, Ordering::Relaxed);
        Box::pin(host(
            field.clone(),
            number,
            hosts,
            dashboard.then_some(user),
        ))
    }));
    let scenario = Scenario::new("users").register_transaction(life.set_name("live"));
    // goose's own client is not used. Without this, each of its users would build one, and read
    // the system's certificates for it.
    let shared = GooseClientBuilder::new().without_cookies();
    let attack = GooseAttack::initialize_with_config(configuration)?;
    let attack = attack.set_client_builder_without_cookies(shared)?;
    attack.register_scenario(scenario).execute().await?;
    Ok(())
}

/// Closes the field when it is dropped.
struct Open(Arc<Field>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.close();
    }
}

fn configuration(
    hosts: usize,
    field: &Field,
    dashboard: bool,
) -> Result<GooseConfiguration, AttackError> {
    let users = hosts.to_string();
    let mut arguments = vec![
        "--host",
        field.target.url.as_str(),
        "--users",
        &users,
        "--increase-rate",
        LAUNCHES,
        "--iterations",
        "1",
        "--no-print-metrics",
        "--no-telnet",
        "-qq",
    ];
    if dashboard {
        arguments.push("--dashboard");
    } else {
        arguments.push("--no-metrics");
    }
    Ok(GooseConfiguration::parse_args_default(&arguments)?)
}

/// Hosts every user whose number is this one's by the number of hosts, until the last is home.
async fn host(
    field: Arc<Field>,
    number: usize,
    hosts: usize,
    page: Option<&mut GooseUser>,
) -> TransactionResult {
    let (window, shown) = match page {
        Some(_) => {
            let (window, shown) = mpsc::channel(SHOWN);
            (Some(window), Some(shown))
        }
        None => (None, None),
    };
    let numbers = ((number + hosts)..field.users).step_by(hosts);
    let guests = numbers.map(|guest| tokio::spawn(life(field.clone(), guest, window.clone())));
    let guests: Vec<_> = guests.collect();
    let living = async {
        life(field, number, window).await;
        for guest in guests {
            // Whoever panicked is home, too.
            let _ = guest.await;
        }
    };
    match (page, shown) {
        (Some(user), Some(shown)) => tokio::join!(living, show(user, shown)).0,
        _ => living.await,
    }
    Ok(())
}

/// A user's life until its end, or until everybody is sent home.
async fn life(field: Arc<Field>, number: usize, window: user::Window) {
    let leash = field.hard_stop();
    let mut called = std::pin::pin!(leash.cancelled());
    let mut living = std::pin::pin!(user::live(field.clone(), number, window));
    let mut is_listening = false;
    std::future::poll_fn(|cx| {
        // To be called once is enough: the task is the same each time, and the flag is cheaper
        // to look at than the call is to wait for.
        if field.is_over() || (!is_listening && called.as_mut().poll(cx).is_ready()) {
            return std::task::Poll::Ready(());
        }
        is_listening = true;
        living.as_mut().poll(cx)
    })
    .await;
}

async fn show(user: &mut GooseUser, mut shown: mpsc::Receiver<Shown>) {
    while let Some(it) = shown.recv().await {
        let (method, name) = it.name.split_once(' ').unwrap_or(("POST", &it.name));
        let status = (it.status > 0).then_some(it.status);
        // The page is a courtesy: what it cannot take changes nothing.
        let _ = user
            .record_custom_request_duration(method, name, it.time, it.is_well, status, None)
            .await;
    }
}
