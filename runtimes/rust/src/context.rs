use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::Deserialize;

use crate::{
    event::or_default,
    output::{Output, Stream, Writer},
    upload::{Feed, Upload},
};

/// What a handler can learn about the call it serves.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Context {
    pub function_name: String,
    pub function_version: String,
    pub memory_in_mb: u64,
    pub invocation_id: String,
    /// When the core stops waiting, in milliseconds since 1970; none when it named no deadline.
    pub deadline_ms: Option<u64>,
    /// Continues the caller's trace (W3C Trace Context).
    pub traceparent: Option<String>,
    pub tracestate: Option<String>,
    /// None without a core.
    pub(crate) output: Option<Arc<Output>>,
    /// True when a recorded event is run again.
    pub replay: bool,
    /// None when the event has the body.
    pub(crate) body: Option<Arc<Feed>>,
}

impl Context {
    /// The standard output of this call, for tasks of its own: each line is a log line with the call's ids.
    pub fn stdout(&self) -> Writer {
        Writer::new(self.output.clone(), Stream::Stdout)
    }

    /// `stdout()` for errors.
    pub fn stderr(&self) -> Writer {
        Writer::new(self.output.clone(), Stream::Stderr)
    }

    /// The body of the request, as it comes, with `CORE_PROTOCOL=stream`; the event has none then. Asked for again, it is the
    /// same body, of which each piece is read once.
    pub fn body(&self) -> Upload {
        Upload::new(self.body.clone().unwrap_or_else(|| {
            let feed = Feed::new(|_, _| {});
            feed.break_off("the event has the body, unless CORE_PROTOCOL is `stream`");
            feed
        }))
    }

    pub fn deadline(&self) -> Option<SystemTime> {
        self.deadline_ms
            .map(|ms| UNIX_EPOCH + Duration::from_millis(ms))
    }

    /// The time that is left, zero once the deadline has passed; none without a deadline.
    pub fn remaining(&self) -> Option<Duration> {
        self.deadline()
            .map(|at| at.duration_since(SystemTime::now()).unwrap_or_default())
    }
}

/// The member `context` of the protocol's request.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct WireContext {
    #[serde(deserialize_with = "or_default")]
    function_name: String,
    #[serde(deserialize_with = "or_default")]
    function_version: String,
    #[serde(deserialize_with = "or_default")]
    memory_in_mb: f64,
    #[serde(deserialize_with = "or_default")]
    invocation_id: String,
    deadline_ms: Option<f64>,
    #[serde(deserialize_with = "or_default")]
    trace: WireTrace,
    #[serde(deserialize_with = "or_default")]
    replay: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireTrace {
    traceparent: Option<String>,
    tracestate: Option<String>,
}

impl From<WireContext> for Context {
    fn from(wire: WireContext) -> Self {
        Context {
            function_name: wire.function_name,
            function_version: wire.function_version,
            memory_in_mb: wire.memory_in_mb as u64,
            invocation_id: wire.invocation_id,
            deadline_ms: wire.deadline_ms.map(|ms| ms as u64),
            traceparent: wire.trace.traceparent,
            tracestate: wire.trace.tracestate,
            output: None,
            replay: wire.replay,
            body: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Context {
        serde_json::from_str::<WireContext>(json).unwrap().into()
    }

    #[test]
    fn members_that_are_missing_or_null_have_no_value() {
        for json in [
            "{}",
            r#"{"functionName":null,"memoryInMb":null,"deadlineMs":null,"trace":null}"#,
        ] {
            let context = read(json);
            assert_eq!(
                (context.function_name.as_str(), context.memory_in_mb),
                ("", 0)
            );
            assert_eq!(
                (
                    context.deadline_ms,
                    context.remaining(),
                    context.traceparent
                ),
                (None, None, None)
            );
        }
    }

    #[test]
    fn a_deadline_that_has_passed_leaves_no_time() {
        assert_eq!(
            read(r#"{"deadlineMs":1000.5}"#).remaining(),
            Some(Duration::ZERO)
        );
    }

    #[test]
    fn the_members_arrive() {
        let context = read(
            r#"{"functionName":"f","functionVersion":"2","memoryInMb":128,"invocationId":"i","deadlineMs":99999999999999,"trace":{"traceparent":"00-1-2-01"}}"#,
        );
        assert_eq!(context.function_name, "f");
        assert_eq!(context.function_version, "2");
        assert_eq!(context.memory_in_mb, 128);
        assert_eq!(context.invocation_id, "i");
        assert_eq!(context.traceparent.as_deref(), Some("00-1-2-01"));
        assert!(context.remaining().unwrap() > Duration::from_secs(3600));
        assert!(!context.replay);
        assert!(read(r#"{"replay":true}"#).replay);
    }
}
