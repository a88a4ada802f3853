use std::{
    any::Any,
    convert::Infallible,
    fmt,
    future::Future,
    io::{self, Write},
    panic::{catch_unwind, AssertUnwindSafe},
    pin::{pin, Pin},
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
};

use http_body_util::{BodyExt, Full};
use hyper::{
    body::{Bytes, Incoming},
    header::{HeaderValue, CONTENT_TYPE},
    Method, Request, StatusCode,
};
use serde::{de::Error as _, Deserialize};
use serde_json::value::RawValue;

use crate::{
    context::WireContext,
    event::Event,
    output::{within, Output},
    reporter::Reporter,
    upload::Feed,
    Context, Error, Response,
};

type Reply = hyper::Response<Full<Bytes>>;
type Outcome = Pin<Box<dyn Future<Output = Result<Response, Error>> + Send>>;

/// Names the call, and in the reply too: only then the core uses the connection for another call.
const INVOCATION_ID: &str = "core-invocation-id";

/// Answers the core's calls, `POST /`.
pub(crate) struct Bridge {
    pub handler: Box<dyn Fn(Event, Context) -> Outcome + Send + Sync>,
    pub token: String,
    pub max_bytes: usize,
    /// The function reads bodies as they come.
    pub streams_bodies: bool,
    pub reporter: Option<Reporter>,
}

/// The id of the newest call of a connection; empty before the first.
pub(crate) type Newest = Arc<Mutex<String>>;

/// Sends the last words of a call, also of one that is dropped.
struct Ending(Option<Arc<Output>>);

impl Drop for Ending {
    fn drop(&mut self) {
        if let Some(output) = &self.0 {
            output.end();
        }
    }
}

/// The protocol's request, as far as a compiled function needs it: the handler's path and name mean nothing here.
#[derive(Deserialize)]
struct Call {
    event: Option<Box<RawValue>>,
    context: Option<WireContext>,
    target: Option<String>,
}

impl Call {
    fn read(json: &[u8]) -> Result<(Event, Context), serde_json::Error> {
        let call: Call = serde_json::from_slice(json)?;
        let event = Event::read(call.event.unwrap_or_else(|| RawValue::NULL.to_owned()))?;
        Ok((
            event.with_target(call.target),
            call.context.unwrap_or_default().into(),
        ))
    }
}

impl Bridge {
    pub async fn serve(
        self: Arc<Self>,
        request: Request<Incoming>,
        newest: Newest,
    ) -> Result<Reply, Infallible> {
        let id = request.headers().get(INVOCATION_ID).cloned();
        let mut answer = self
            .answer(request, newest)
            .await
            .unwrap_or_else(|(status, text)| {
                reply(
                    status,
                    HeaderValue::from_static("text/plain; charset=utf-8"),
                    text,
                )
            });
        if let Some(id) = id {
            answer.headers_mut().insert(INVOCATION_ID, id);
        }
        Ok(answer)
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        newest: Newest,
    ) -> Result<Reply, (StatusCode, String)> {
        let refusal = self.refusal(&request);
        let body = self.read(request.into_body()).await; // to the end: the connection serves the next request
        if let Some((status, text)) = refusal {
            return Err((status, text.to_owned()));
        }
        let (event, mut context) = Call::read(&body?).map_err(|error| {
            (
                StatusCode::BAD_REQUEST,
                format!("The request body is not the protocol's JSON: {error}\n"),
            )
        })?;
        if self.streams_bodies {
            let whole = event.bytes().unwrap_or_default();
            context.body = Some(Feed::whole(whole));
        }
        newest
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone_from(&context.invocation_id);
        // Dropped when the core hangs up: the handler then ends at its next await.
        match self.run(event, context, Response::gather).await {
            Ok(response) => Ok(reply(
                StatusCode::OK,
                HeaderValue::from_static("application/json"),
                response.into_text(),
            )),
            Err(message) => Err((StatusCode::INTERNAL_SERVER_ERROR, message)),
        }
    }

    /// Makes one call, and does with its response what `then` says; an error is what the caller reads, and is logged.
    pub async fn run<T, F>(
        &self,
        event: Event,
        mut context: Context,
        then: impl FnOnce(Response) -> F,
    ) -> Result<T, String>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let id = context.invocation_id.clone();
        let output = self
            .reporter
            .clone()
            .map(|reporter| Output::new(reporter, &id, context.traceparent.as_deref()));
        context.output.clone_from(&output);
        let call = Ending(output);
        let outcome = survive(&call.0, || {
            let response = (self.handler)(event, context);
            async { then(response.await?).await }
        });
        let outcome = outcome.await;
        outcome
            .unwrap_or_else(|panic| Err(Panicked(text_of(panic)).into()))
            .map_err(|error| {
                if !error.is::<Panicked>() {
                    log_error(&call.0, &id, &error);
                }
                error.to_string()
            })
    }

    fn refusal(&self, request: &Request<Incoming>) -> Option<(StatusCode, &'static str)> {
        let sent = request
            .headers()
            .get("core-bridge-token")
            .map_or(&b""[..], |value| value.as_bytes());
        if !self.token.is_empty() && !is_same(sent, self.token.as_bytes()) {
            return Some((
                StatusCode::FORBIDDEN,
                "Core-Bridge-Token is missing or wrong\n",
            ));
        }
        if request.uri().path() != "/" {
            return Some((StatusCode::NOT_FOUND, "Only POST / is served here\n"));
        }
        (request.method() != Method::POST).then_some((
            StatusCode::METHOD_NOT_ALLOWED,
            "Only POST / is served here\n",
        ))
    }

    /// Reads to the end; past the limit it keeps nothing.
    async fn read(&self, mut body: Incoming) -> Result<Vec<u8>, (StatusCode, String)> {
        let mut text = Vec::new();
        let mut length = 0;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| {
                (
                    StatusCode::BAD_REQUEST,
                    format!("The request broke off: {error}\n"),
                )
            })?;
            let Some(data) = frame.data_ref() else {
                continue;
            };
            length += data.len();
            if length > self.max_bytes {
                text = Vec::new();
            } else {
                text.extend_from_slice(data);
            }
        }
        if length > self.max_bytes {
            return Err((
                StatusCode::PAYLOAD_TOO_LARGE,
                "The request is too large for the bridge\n".to_owned(),
            ));
        }
        Ok(text)
    }
}

/// The body of a call of the channel, with its form where it came whole.
pub(crate) enum Given {
    /// It belongs into the event.
    Whole(Vec<u8>, u8),
    /// It came whole, and is shown as one that comes.
    Shown(Vec<u8>, u8),
    /// It is still to come.
    Open(Arc<Feed>),
}

/// A call of the channel, whose event has its body apart.
pub(crate) fn read_frames_call(
    json: &[u8],
    body: Given,
) -> Result<(Event, Context), serde_json::Error> {
    let (event, mut context) = Call::read(json)?;
    let (body, form) = match body {
        Given::Whole(body, form) => return Ok((event.with_body(body, form), context)),
        Given::Open(feed) => {
            context.body = Some(feed);
            return Ok((event, context));
        }
        Given::Shown(body, form) => (body, form),
    };
    let bytes = Event::default().with_body(body, form).bytes();
    context.body = Some(Feed::whole(bytes.map_err(serde_json::Error::custom)?));
    Ok((event, context))
}

fn reply(status: StatusCode, kind: HeaderValue, text: String) -> Reply {
    let mut reply = Reply::new(Full::new(text.into()));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, kind);
    reply
}

/// A panic, which its hook has logged.
#[derive(Debug)]
struct Panicked(String);

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Panicked {}

/// Compares every byte whatever the first difference, so that the time tells nothing.
fn is_same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len()
        && a.iter()
            .zip(b)
            .fold(0, |difference, (a, b)| difference | (a ^ b))
            == 0
}

/// Makes a future and runs it; a panic in either becomes the error.
async fn survive<T, F: Future<Output = T>>(
    output: &Option<Arc<Output>>,
    make: impl FnOnce() -> F,
) -> Result<T, Box<dyn Any + Send>> {
    let made = within(output, || catch_unwind(AssertUnwindSafe(make)));
    let mut future = pin!(made?);
    std::future::poll_fn(|cx| {
        match within(output, || {
            catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx)))
        }) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    })
    .await
}

fn text_of(panic: Box<dyn Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => panic
            .downcast_ref::<&str>()
            .copied()
            .unwrap_or("the handler panicked")
            .to_owned(),
    }
}

/// The caller gets the error's text only; its causes are for the log. A panic is logged by its hook.
fn log_error(output: &Option<Arc<Output>>, id: &str, error: &Error) {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text += &format!(": {cause}");
        next = cause.source();
    }
    match output {
        Some(output) => output.fail(&format!("error: {text}"), ""),
        // Not eprintln!, which panics when nobody reads.
        None => drop(writeln!(io::stderr(), "invocation {id}: {text}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_is_no_object_is_refused() {
        for body in [
            "",
            "{",
            "7",
            "null",
            r#"{"context":1}"#,
            r#"{"target":1}"#,
            r#"{"event":{"path":1}}"#,
        ] {
            assert!(Call::read(body.as_bytes()).is_err(), "{body}");
        }
    }

    #[test]
    fn event_and_context_may_be_missing() {
        let (event, context) = Call::read(b"{}").unwrap();
        assert_eq!(
            (event.raw().get(), context.invocation_id.as_str()),
            ("null", "")
        );
    }

    #[test]
    fn tokens_differ_by_a_byte_or_by_length() {
        assert!(is_same(b"abc", b"abc"));
        for other in [&b""[..], b"ab", b"abd", b"abcd"] {
            assert!(!is_same(other, b"abc"));
        }
    }

    #[tokio::test]
    async fn panics_of_any_kind_become_texts() {
        let quiet = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let in_future = survive(&None, || async { panic!("boom {}", 1) }).await as Result<(), _>;
        let in_maker = survive(&None, || -> std::future::Ready<()> { panic!("boom") }).await;
        let of_value = survive(&None, || async { std::panic::panic_any(7) }).await as Result<(), _>;
        std::panic::set_hook(quiet);
        assert_eq!(text_of(in_future.unwrap_err()), "boom 1");
        assert_eq!(text_of(in_maker.unwrap_err()), "boom");
        assert_eq!(text_of(of_value.unwrap_err()), "the handler panicked");
    }
}
