//! GraphQL beside REST.
