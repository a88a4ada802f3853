use base64::{engine::general_purpose::STANDARD, Engine};
use serde::Serialize;
use serde_json::{value::RawValue, Map, Value};

use crate::Error;

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
    Bytes(Vec<u8>),
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
            (body, ..) => body,
        };
        let mut members = Vec::new();
        if let Some(status) = status {
            members.push(format!("\"statusCode\":{status}"));
        }
        if !headers.is_empty() {
            members.push(format!("\"headers\":{}", Value::Object(headers)));
        }
        match body {
            Body::Empty => {}
            Body::Json(text) => members.push(format!("\"body\":{}", text.get())),
            Body::Bytes(bytes) => members.push(format!(
                "\"body\":\"{}\",\"isBase64Encoded\":true",
                STANDARD.encode(bytes)
            )),
        }
        format!("{{{}}}", members.join(","))
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
        Value::String(text).into()
    }
}

impl From<&str> for Body {
    fn from(text: &str) -> Self {
        text.to_owned().into()
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
}
