//! Stub.
use crate::Report;
pub(crate) fn write(_report: &Report, _out: &mut dyn std::io::Write) -> std::io::Result<()> {
    Ok(())
}
