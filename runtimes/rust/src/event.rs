use std::{borrow::Cow, collections::BTreeMap, fmt::Write, sync::OnceLock};

use base64::{engine::general_purpose::STANDARD, Engine};
use serde::{de::DeserializeOwned, Deserialize, Deserializer, Serialize};
use serde_json::{value::RawValue, Value};

use crate::Error;

/// What a function receives. Schedules and messages arrive as a `POST` to `/` with their input as the body.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Event {
    #[serde(rename = "httpMethod", deserialize_with = "or_default")]
    pub method: String,
    /// Percent-decoded, without the query.
    #[serde(deserialize_with = "or_default")]
    pub path: String,
    #[serde(deserialize_with = "or_default")]
    pub headers: Headers,
    #[serde(deserialize_with = "or_default")]
    pub multi_value_headers: Headers<Vec<String>>,
    /// The last value of each name.
    #[serde(rename = "queryStringParameters", deserialize_with = "or_default")]
    pub query: BTreeMap<String, String>,
    #[serde(
        rename = "multiValueQueryStringParameters",
        deserialize_with = "or_default"
    )]
    pub multi_value_query: BTreeMap<String, Vec<String>>,
    /// Text, or base64 when `is_base64_encoded`; `bytes()` gives what was sent.
    #[serde(deserialize_with = "or_default")]
    pub body: String,
    #[serde(deserialize_with = "or_default")]
    pub is_base64_encoded: bool,
    /// The body as it was sent, when it came as bytes.
    #[serde(skip)]
    bytes: Option<Vec<u8>>,
    /// That of the request, where the members do not tell all of it.
    #[serde(skip)]
    target: Option<String>,
    /// Written when it is asked for, when the body came apart.
    #[serde(skip)]
    raw: OnceLock<Box<RawValue>>,
    /// The event's JSON without its body.
    #[serde(skip)]
    others: Option<Box<RawValue>>,
}

/// What `isBase64Encoded` says of a body of a CALL, and how it became bytes.
const TEXT: u8 = 0;
const BYTES: u8 = 1;

impl Event {
    /// Reads the event's JSON. One that is no object has no members, only `raw()`.
    pub(crate) fn read(raw: Box<RawValue>) -> Result<Self, serde_json::Error> {
        let event = if raw.get().starts_with('{') {
            serde_json::from_str(raw.get())?
        } else {
            Event::default()
        };
        Ok(Event {
            raw: raw.into(),
            ..event
        })
    }

    /// Adds the body that came beside the event's JSON.
    pub(crate) fn with_body(mut self, body: Vec<u8>, form: u8) -> Self {
        self.others = self.raw.take();
        self.is_base64_encoded = form != TEXT;
        if form == BYTES {
            self.body = STANDARD.encode(&body);
            self.bytes = Some(body);
        } else {
            self.body = String::from_utf8(body)
                .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        }
        self
    }

    pub(crate) fn with_target(self, target: Option<String>) -> Self {
        Event { target, ..self }
    }

    /// Path and query as the request line had them, in ASCII: `/a%2Fb?b&a=1`. `path` and `query` have them decoded and taken
    /// apart. Of a message, or with a core that sends no target, it is made of these.
    pub fn target(&self) -> Cow<'_, str> {
        if let Some(target) = &self.target {
            return target.into();
        }
        let mut made = String::new();
        let path = if self.path.is_empty() {
            "/"
        } else {
            &self.path
        };
        escape(&mut made, path, |byte| {
            byte.is_ascii_graphic() && byte != b'%' && byte != b'?'
        });
        let mut mark = '?';
        let mut add = |name: &str, value: &str| {
            made.push(mark);
            mark = '&';
            escape(&mut made, name, is_unreserved);
            made.push('=');
            escape(&mut made, value, is_unreserved);
        };
        if self.multi_value_query.is_empty() {
            for (name, value) in &self.query {
                add(name, value);
            }
        }
        for (name, values) in &self.multi_value_query {
            for value in values {
                add(name, value);
            }
        }
        made.into()
    }

    /// The body as the bytes that the caller sent.
    pub fn bytes(&self) -> Result<Vec<u8>, Error> {
        if let Some(bytes) = &self.bytes {
            return Ok(bytes.clone());
        }
        if self.is_base64_encoded {
            return STANDARD
                .decode(&self.body)
                .map_err(|error| format!("the event's body is not base64: {error}").into());
        }
        Ok(self.body.clone().into_bytes())
    }

    /// The body, read as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        Ok(match &self.bytes {
            Some(bytes) => serde_json::from_slice(bytes)?,
            None if self.is_base64_encoded => serde_json::from_slice(&self.bytes()?)?,
            None => serde_json::from_str(&self.body)?,
        })
    }

    /// The event's exact JSON text, every member and digit of it.
    pub fn raw(&self) -> &RawValue {
        self.raw.get_or_init(|| self.written())
    }

    pub fn into_raw(self) -> Box<RawValue> {
        self.raw();
        let Event { raw, .. } = self;
        raw.into_inner()
            .unwrap_or_else(|| RawValue::NULL.to_owned())
    }

    /// The JSON of the members that came, and of the body.
    fn written(&self) -> Box<RawValue> {
        let Some(others) = &self.others else {
            return RawValue::NULL.to_owned();
        };
        let Some(members) = others.get().trim_end().strip_suffix('}') else {
            return others.clone(); // an event that is no object has no body
        };
        let comma = if members.trim_end().ends_with('{') {
            ""
        } else {
            ","
        };
        let body = Value::from(self.body.as_str());
        let is_base64 = self.is_base64_encoded;
        let text = format!("{members}{comma}\"body\":{body},\"isBase64Encoded\":{is_base64}}}");
        RawValue::from_string(text).unwrap_or_else(|_| others.clone())
    }
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// Adds a text with an escape for each byte that may not stand as it is.
fn escape(to: &mut String, text: &str, may_stand: impl Fn(u8) -> bool) {
    for byte in text.bytes() {
        if may_stand(byte) {
            to.push(byte.into());
        } else {
            let _ = write!(to, "%{byte:02X}"); // writing to a String cannot fail
        }
    }
}

/// Header fields by their Title-Case name, found in any case.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Headers<T = String>(BTreeMap<String, T>);

impl<T> Headers<T> {
    pub fn get(&self, name: &str) -> Option<&T> {
        let exact = self.0.get(name);
        exact.or_else(|| {
            self.0
                .iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(name))
                .map(|(_, value)| value)
        })
    }

    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }
}

/// Null counts as absent.
pub(crate) fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    from: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Event {
        Event::read(RawValue::from_string(json.to_owned()).unwrap()).unwrap()
    }

    #[test]
    fn a_member_of_another_type_is_refused() {
        assert!(Event::read(RawValue::from_string(r#"{"path":7}"#.to_owned()).unwrap()).is_err());
    }

    #[test]
    fn a_body_that_is_not_base64_is_an_error() {
        let error = read(r#"{"body":"?","isBase64Encoded":true}"#)
            .bytes()
            .unwrap_err();
        assert!(error
            .to_string()
            .starts_with("the event's body is not base64"));
    }

    #[test]
    fn an_event_that_is_no_object_has_its_text_only() {
        let event = read("12345678901234567890.10");
        assert_eq!(
            (event.raw().get(), event.path.as_str()),
            ("12345678901234567890.10", "")
        );
    }

    #[test]
    fn members_that_are_missing_or_null_are_empty() {
        for json in [
            "{}",
            r#"{"body":null,"headers":null,"isBase64Encoded":null,"queryStringParameters":null}"#,
        ] {
            let event = read(json);
            assert_eq!(event.bytes().unwrap(), b"");
            assert!(!event.headers.contains("host"));
        }
    }

    #[test]
    fn the_members_arrive_and_any_case_finds_a_header() {
        let event = read(
            r#"{"httpMethod":"PUT","path":"/a","headers":{"X-Id":"7"},"multiValueHeaders":{"X-Id":["6","7"]},"queryStringParameters":{"q":"1"},"body":"AP+A","isBase64Encoded":true}"#,
        );
        assert_eq!((event.method.as_str(), event.path.as_str()), ("PUT", "/a"));
        assert_eq!(event.headers.get("x-ID").unwrap(), "7");
        assert_eq!(event.multi_value_headers.get("x-id").unwrap(), &["6", "7"]);
        assert_eq!(event.query["q"], "1");
        assert_eq!(event.bytes().unwrap(), [0, 255, 128]);
        assert_eq!(
            event.headers.iter().collect::<Vec<_>>(),
            [("X-Id", &"7".to_owned())]
        );
    }

    #[test]
    fn a_body_that_came_apart_joins_the_event() {
        for (form, body, text, is_base64) in [
            (0, &b"\"hi\""[..], "\"hi\"", false),
            (1, &[0, 255][..], "AP8=", true),
            (2, b"AP8=", "AP8=", true),
        ] {
            let event = read(r#"{"path":"/a","big":1e400}"#).with_body(body.to_vec(), form);
            assert_eq!(
                (event.body.as_str(), event.is_base64_encoded),
                (text, is_base64)
            );
            let bytes = if form == 0 { body } else { &[0, 255] };
            assert_eq!(event.bytes().unwrap(), bytes);
            let body = Value::from(text);
            let raw = format!(
                r#"{{"path":"/a","big":1e400,"body":{body},"isBase64Encoded":{is_base64}}}"#
            );
            assert_eq!(event.raw().get(), raw);
            assert_eq!(event.into_raw().get(), raw);
        }
        assert_eq!(
            read("{ }").with_body(Vec::new(), 0).raw().get(),
            r#"{ "body":"","isBase64Encoded":false}"#
        );
        assert_eq!(read("7").with_body(Vec::new(), 0).raw().get(), "7");
    }

    #[test]
    fn the_target_is_what_came_or_is_made_of_the_event() {
        let came =
            read(r#"{"path":"/a/b","target":"/other"}"#).with_target(Some("/a%2fb?b&a=%20".into()));
        assert_eq!(came.target(), "/a%2fb?b&a=%20");
        for (event, target) in [
            ("{}", "/"),
            (r#"{"path":"/a^b#c"}"#, "/a^b#c"),
            (r#"{"path":"/a b/%?é"}"#, "/a%20b/%25%3F%C3%A9"),
            (
                r#"{"path":"/","queryStringParameters":{"a&":"1 2","é":""}}"#,
                "/?a%26=1%202&%C3%A9=",
            ),
            (
                r#"{"path":"/","queryStringParameters":{"a":"2"},"multiValueQueryStringParameters":{"a":["1","2"]}}"#,
                "/?a=1&a=2",
            ),
        ] {
            assert_eq!(read(event).target(), target);
        }
    }

    #[test]
    fn a_body_is_read_as_json() {
        for event in [
            read(r#"{"body":"[1,2]"}"#),
            read(r#"{"body":"WzEsMl0=","isBase64Encoded":true}"#),
            read("{}").with_body(b"[1,2]".to_vec(), 1),
        ] {
            assert_eq!(event.json::<Vec<u8>>().unwrap(), [1, 2]);
        }
    }
}
