use base64::{engine::general_purpose::STANDARD, Engine};
use hyper::body::{Body as HttpBody, Bytes};
use serde::Serialize;
use serde_json::{value::RawValue, Map, Value};

use crate::{
    stream::{channel, Stream},
    Error, Sender,
};

/// What a handler answers with: a value that is the body, or status, headers and body.
///
/// A text, bytes, `serde_json::Value`, `()` and the exact JSON of a `RawValue` become one with `.into()`, any type of
/// serde's with `Response::json`. A JSON object with a member `statusCode`, `headers`, `body` or `isBase64Encoded` is
/// read by the core as status, headers and body.
#[derive(Debug, Default)]
pub struct Response {
    status: Option<u16>,
    headers: Map<String, Value>,
    body: Body,
}

#[derive(Debug, Default)]
pub enum Body {
    #[default]
    Empty,
    Json(Box<RawValue>),
    Text(String),
    Bytes(Vec<u8>),
    /// One that leaves as it is made: from `Body::stream` or `Body::channel`.
    Stream(Stream),
}

/// A response as it travels on the channel: JSON, and beside it a text (form 1) or bytes (form 2).
pub(crate) struct Sent {
    pub form: u8,
    pub json: Vec<u8>,
    pub body: Vec<u8>,
}

impl Response {
    /// An empty body with this status, from 200 to 599.
    pub fn new(status: u16) -> Self {
        Response {
            status: Some(status),
            ..Response::default()
        }
    }

    /// The JSON of any value, each number as serde writes it.
    pub fn json<T: Serialize + ?Sized>(value: &T) -> Result<Self, Error> {
        let text = serde_json::value::to_raw_value(value);
        let text =
            text.map_err(|error| format!("The result of the function is not JSON: {error}"))?;
        Ok(Body::Json(text).into())
    }

    pub fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// Adds a header field; the same name again repeats it.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let fields = self
            .headers
            .entry(name)
            .or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(values) = fields {
            values.push(Value::String(value.into()));
        }
        self
    }

    pub fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    /// Status, headers and body of a response as hyper and axum have it. The body leaves as it is made.
    pub fn from_http<B>(response: hyper::Response<B>) -> Self
    where
        B: HttpBody + Send + 'static,
        B::Data: Send,
        B::Error: Into<Error>,
    {
        let (head, body) = response.into_parts();
        let made = Response::new(head.status.as_u16()).body(Body::stream(body));
        head.headers.iter().fold(made, |made, (name, value)| {
            made.header(name.as_str(), String::from_utf8_lossy(value.as_bytes()))
        })
    }

    /// Takes a body that is made piece by piece.
    pub(crate) fn take_stream(&mut self) -> Option<Stream> {
        match std::mem::take(&mut self.body) {
            Body::Stream(stream) => Some(stream),
            body => {
                self.body = body;
                None
            }
        }
    }

    /// Nobody has to look at the body to know its type.
    pub(crate) fn is_typed(&self) -> bool {
        let tells = |name: &String| {
            name.eq_ignore_ascii_case("content-type")
                || name.eq_ignore_ascii_case("content-encoding")
        };
        self.headers.keys().any(tells)
    }

    /// The JSON beside a body that follows; an object in any case.
    pub(crate) fn into_head(self) -> Vec<u8> {
        object_of(members_of(self.status, self.headers)).into_bytes()
    }

    /// The same with its body whole.
    pub(crate) async fn gather(mut self) -> Result<Self, Error> {
        if let Some(stream) = self.take_stream() {
            self.body = stream.gather().await?;
        }
        Ok(self)
    }

    /// The JSON text that goes to the core; empty when there is no result.
    pub(crate) fn into_text(self) -> String {
        let Response {
            status,
            headers,
            body,
        } = self;
        let body = match (body, status, headers.is_empty()) {
            (Body::Empty, None, true) => return String::new(),
            (Body::Json(text), None, true) => return Box::<str>::from(text).into(),
            (Body::Text(text), None, true) => return Value::String(text).to_string(),
            (body, ..) => body,
        };
        let mut members = members_of(status, headers);
        match body {
            Body::Empty | Body::Stream(_) => {} // a stream was taken
            Body::Json(text) => members.push(format!("\"body\":{}", text.get())),
            Body::Text(text) => members.push(format!("\"body\":{}", Value::String(text))),
            Body::Bytes(bytes) => members.push(format!(
                "\"body\":\"{}\",\"isBase64Encoded\":true",
                STANDARD.encode(bytes)
            )),
        }
        object_of(members)
    }

    /// What goes to the core on the channel: no text is escaped there, and no bytes are base64.
    pub(crate) fn into_sent(self) -> Sent {
        let is_plain = self.status.is_none() && self.headers.is_empty();
        let (form, body) = match self.body {
            Body::Text(text) => (1, text.into_bytes()),
            Body::Bytes(bytes) => (2, bytes),
            _ => {
                let json = self.into_text().into_bytes();
                return Sent {
                    form: 0,
                    json,
                    body: Vec::new(),
                };
            }
        };
        let json = if form == 1 && is_plain {
            Vec::new()
        } else {
            object_of(members_of(self.status, self.headers)).into_bytes()
        };
        Sent { form, json, body }
    }
}

fn members_of(status: Option<u16>, headers: Map<String, Value>) -> Vec<String> {
    let mut members = Vec::new();
    if let Some(status) = status {
        members.push(format!("\"statusCode\":{status}"));
    }
    if !headers.is_empty() {
        members.push(format!("\"headers\":{}", Value::Object(headers)));
    }
    members
}

fn object_of(members: Vec<String>) -> String {
    format!("{{{}}}", members.join(","))
}

impl Body {
    /// A body of hyper's kind: axum's `Body`, what a client of hyper got, `http_body_util::StreamBody` around a stream. It
    /// is polled as fast as it is read, and dropped when its reader leaves.
    pub fn stream<B>(body: B) -> Self
    where
        B: HttpBody + Send + 'static,
        B::Data: Send,
        B::Error: Into<Error>,
    {
        Body::Stream(Stream::new(body))
    }

    /// A body that a task of its own makes.
    pub fn channel() -> (Sender, Self) {
        let (sender, stream) = channel();
        (sender, Body::Stream(stream))
    }

    /// Text, if it is UTF-8.
    pub(crate) fn of(bytes: Vec<u8>) -> Self {
        String::from_utf8(bytes).map_or_else(|error| Body::Bytes(error.into_bytes()), Body::Text)
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Body::Bytes(bytes.into())
    }
}

impl From<()> for Body {
    fn from((): ()) -> Self {
        Body::Empty
    }
}

impl From<Value> for Body {
    fn from(value: Value) -> Self {
        Body::Json(serde_json::value::to_raw_value(&value).expect("a JSON value has a JSON text"))
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Body::Text(text)
    }
}

impl From<&str> for Body {
    fn from(text: &str) -> Self {
        Body::Text(text.to_owned())
    }
}

impl From<Box<RawValue>> for Body {
    fn from(text: Box<RawValue>) -> Self {
        Body::Json(text)
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Body::Bytes(bytes)
    }
}

impl From<&[u8]> for Body {
    fn from(bytes: &[u8]) -> Self {
        Body::Bytes(bytes.to_owned())
    }
}

impl<T: Into<Body>> From<T> for Response {
    fn from(body: T) -> Self {
        Response {
            body: body.into(),
            ..Response::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn what_has_no_json_form_is_an_error_that_says_so() {
        let error = Response::json(&HashMap::from([(vec![1], 1)])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "The result of the function is not JSON: key must be a string"
        );
    }

    #[test]
    fn a_value_is_its_json_text() {
        let raw = RawValue::from_string(
            " {\"b\": 12345678901234567890.10, \"a\": 1e400} "
                .trim()
                .to_owned(),
        )
        .unwrap();
        for (response, text) in [
            (().into(), ""),
            ("two \"words\"".into(), r#""two \"words\"""#),
            (String::from("ž").into(), r#""ž""#),
            (
                serde_json::json!([1, "two", null]).into(),
                r#"[1,"two",null]"#,
            ),
            (
                vec![0, 255, 128].into(),
                r#"{"body":"AP+A","isBase64Encoded":true}"#,
            ),
            (raw.into(), r#"{"b": 12345678901234567890.10, "a": 1e400}"#),
            (
                Response::json(&(u64::MAX, 1.0)).unwrap(),
                "[18446744073709551615,1.0]",
            ),
        ] {
            let response: Response = response;
            assert_eq!(response.into_text(), text);
        }
    }

    #[test]
    fn an_envelope_has_what_was_said() {
        let made = Response::new(201)
            .header("X-A", "1")
            .header("Set-Cookie", "a")
            .header("Set-Cookie", "b")
            .body("hi");
        let text =
            r#"{"statusCode":201,"headers":{"Set-Cookie":["a","b"],"X-A":["1"]},"body":"hi"}"#;
        assert_eq!(made.into_text(), text);
        assert_eq!(Response::new(204).into_text(), r#"{"statusCode":204}"#);
        let bytes = Response::from(vec![0, 255, 128]).status(201).into_text();
        assert_eq!(
            bytes,
            r#"{"statusCode":201,"body":"AP+A","isBase64Encoded":true}"#
        );
    }

    #[test]
    fn on_the_channel_a_body_leaves_the_json() {
        let raw = RawValue::from_string("1e400".to_owned()).unwrap();
        for (response, form, json, body) in [
            (().into(), 0, "", &b""[..]),
            (raw.into(), 0, "1e400", b""),
            ("\"ž\"".into(), 1, "", "\"ž\"".as_bytes()),
            (vec![0, 255].into(), 2, "{}", &[0, 255]),
            (Response::new(204), 0, r#"{"statusCode":204}"#, b""),
            (
                Response::new(201).body("hi"),
                1,
                r#"{"statusCode":201}"#,
                b"hi",
            ),
            (
                Response::new(201).body(vec![255]),
                2,
                r#"{"statusCode":201}"#,
                &[255],
            ),
            (
                Response::new(201).body(serde_json::json!([1])),
                0,
                r#"{"statusCode":201,"body":[1]}"#,
                b"",
            ),
        ] {
            let response: Response = response;
            let sent = response.into_sent();
            assert_eq!(
                (sent.form, sent.json, sent.body),
                (form, json.into(), body.into())
            );
        }
    }
}
