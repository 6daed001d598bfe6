//! Ports for agents that are started here.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

/// Below the ports that systems hand out to whoever connects (32768 and up, 49152 and up): none
/// of the checker's own connections takes one away between finding it and using it.
const FIRST: u32 = 20_000;
const COUNT: u32 = 12_000;

/// How many were tried in this process.
static TRIED: AtomicU32 = AtomicU32::new(0);

/// So many different ports at which nobody listens now.
pub(crate) fn free_ports(count: usize) -> io::Result<Vec<u16>> {
    // Programs that run at the same time begin at different places.
    let start = std::process::id().wrapping_mul(97);
    let mut found = Vec::new();
    let mut refused = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for _ in 0..COUNT {
        if found.len() == count {
            break;
        }
        let tried = TRIED.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + start.wrapping_add(tried) % COUNT;
        let port = u16::try_from(port).unwrap_or(u16::MAX);
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            Ok(_) => found.push(port),
            Err(error) => refused = error,
        }
    }
    match found.len() == count {
        true => Ok(found),
        false => Err(refused),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_port_is_given_out_twice() {
        let ports = [free_ports(4), free_ports(4)].map(|ports| ports.expect("ports"));
        let all: BTreeSet<u16> = ports.into_iter().flatten().collect();
        assert_eq!(all.len(), 8);
    }
}
