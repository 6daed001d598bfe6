//! How a case is put into a request, by where it goes.

use super::driver::Driver;
use crate::evidence::Frame;
use crate::probe::StreamPath;

impl Driver<'_> {
    /// How an input is posted to `/invoke`.
    #[must_use]
    pub fn invoke_frame(&self) -> Frame {
        Frame {
            path: "/invoke".to_owned(),
            before: "{\"input\": ".to_owned(),
            after: "}".to_owned(),
            is_stream: false,
        }
    }

    /// How an input is posted to a stream path.
    #[must_use]
    pub fn stream_frame(&self, stream: &StreamPath) -> Frame {
        let after = if stream.by_flag {
            ", \"stream\": true}"
        } else {
            "}"
        };
        Frame {
            path: stream.path.clone(),
            before: "{\"input\": ".to_owned(),
            after: after.to_owned(),
            is_stream: true,
        }
    }

    /// How a configuration is posted.
    #[must_use]
    pub fn config_frame(&self) -> Frame {
        Frame {
            path: "/config".to_owned(),
            before: "{\"config\": ".to_owned(),
            after: "}".to_owned(),
            is_stream: false,
        }
    }
}
