//! goose as its documentation has it, for `scripts/bench-load-peers.sh`: posts BODY, from the
//! environment, to /invoke. Its arguments are goose's own.

use goose::prelude::*;

#[tokio::main]
async fn main() -> Result<(), GooseError> {
    GooseAttack::initialize()?
        .register_scenario(scenario!("invoke").register_transaction(transaction!(invoke)))
        .execute()
        .await?;
    Ok(())
}

async fn invoke(user: &mut GooseUser) -> TransactionResult {
    let body = std::env::var("BODY").unwrap_or_default();
    let request = user.get_request_builder(&GooseMethod::Post, "/invoke")?;
    let request = request
        .header("content-type", "application/json")
        .body(body);
    let request = GooseRequest::builder().set_request_builder(request).build();
    let mut goose = user.request(request).await?;
    // The body is read, as by all others.
    if let Ok(response) = &mut goose.response {
        while let Ok(Some(_)) = response.chunk().await {}
    }
    Ok(())
}
