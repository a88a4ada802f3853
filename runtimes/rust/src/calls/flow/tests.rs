use std::{
    pin::Pin,
    sync::{
        atomic::{AtomicUsize, Ordering},
        Arc,
    },
    task::{Context, Poll},
};

use http_body_util::Full;
use hyper::body::{Body as HttpBody, Bytes, Frame};
use tokio::sync::mpsc::{unbounded_channel, UnboundedReceiver};

use crate::{
    calls::tests::Peer,
    frames::{CANCEL, CREDIT, DATA, END, FAILED, RESULT, RUN_HEAD_BYTES, WINDOW_BYTES},
    Body, Left, Response, Sender,
};

const TYPED: &str = r#"{"statusCode":201,"headers":{"content-type":["text/plain"]}}"#;

/// A function whose bodies the test makes. With `typed` they have a type.
fn channelled() -> (Peer, UnboundedReceiver<Sender>) {
    let (to_test, senders) = unbounded_channel();
    let peer = Peer::serving(1000, move |event, _| {
        let (sender, body) = Body::channel();
        to_test.send(sender).unwrap();
        let response = match event.body.as_str() {
            "typed" => Response::new(201).header("content-type", "text/plain"),
            _ => Response::default(),
        };
        async { Ok(response.body(body)) }
    });
    (peer, senders)
}

impl Peer {
    /// The form, JSON and first bytes of a reply whose end is not known.
    fn expect_open(&mut self, form: u8, text: &str, first: &[u8]) {
        let (kind, _, payload) = self.read();
        assert_eq!((kind, payload[0]), (RESULT, form));
        assert_eq!(payload[5..9], [255; 4]);
        let run = &payload[RUN_HEAD_BYTES..];
        assert_eq!(run, [text.as_bytes(), first].concat());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_before_anything_left_is_an_error_and_later_breaks_the_reply_off() {
    let (mut peer, mut senders) = channelled();
    peer.call(1, "");
    senders.recv().await.unwrap().fail("no luck").await;
    peer.expect(FAILED, 1, "no luck");
    peer.call(1, "typed");
    let sender = senders.recv().await.unwrap();
    peer.expect_open(1, TYPED, b"");
    sender.send("a").await.unwrap();
    peer.expect(DATA, 1, "a");
    drop(sender);
    let text = "the sender of the body was dropped before its end";
    peer.expect(FAILED, 1, text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_panics_breaks_its_reply_off() {
    let mut peer = Peer::serving(1000, |_, _| async {
        Ok(Body::stream(Panics(false)).into())
    });
    peer.call(1, "");
    peer.expect_open(1, "{}", b"a");
    peer.expect(FAILED, 1, "boom");
}

struct Panics(bool);

impl HttpBody for Panics {
    type Data = Bytes;
    type Error = Left;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Left>>> {
        assert!(!std::mem::replace(&mut self.0, true), "boom");
        Poll::Ready(Some(Ok(Frame::data("a".into()))))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_piece_leaves_as_it_is_made() {
    let (mut peer, mut senders) = channelled();
    for (first, form) in [(&b"\xc3\xa9"[..], 1), (b"a\xc3", 1), (b"\xff", 2)] {
        peer.call(1, "");
        let sender = senders.recv().await.unwrap();
        sender.send(first).await.unwrap();
        peer.expect_open(form, "{}", first);
        sender.send("more").await.unwrap();
        peer.expect(DATA, 1, "more");
        sender.finish().await.unwrap();
        peer.expect(END, 1, "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_there_or_empty_leaves_whole() {
    let mut peer = Peer::serving(1000, |event, _| async move {
        let body = Full::new(Bytes::from(event.body));
        Ok(Response::from_http(
            hyper::Response::builder().header("X-A", "1").body(body)?,
        ))
    });
    for body in ["a", ""] {
        peer.call(1, body);
        let (kind, _, payload) = peer.read();
        let text = format!(r#"{{"statusCode":200,"headers":{{"x-a":["1"]}}}}{body}"#);
        assert_eq!(
            (kind, &payload[RUN_HEAD_BYTES..]),
            (RESULT, text.as_bytes())
        );
        assert_eq!(payload[8], body.len() as u8);
    }
}

/// Counts its bytes.
struct Endless(Arc<AtomicUsize>);

impl HttpBody for Endless {
    type Data = Bytes;
    type Error = Left;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Left>>> {
        self.0.fetch_add(1000, Ordering::Relaxed);
        Poll::Ready(Some(Ok(Frame::data(vec![0; 1000].into()))))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_credit_nothing_is_made_and_other_calls_are_served() {
    let made = Arc::new(AtomicUsize::new(0));
    let count = made.clone();
    let mut peer = Peer::serving(1000, move |event, _| {
        let body = match event.body.as_str() {
            "endless" => Body::stream(Endless(count.clone())),
            text => text.into(),
        };
        async { Ok(body.into()) }
    });
    peer.call(1, "endless");
    let mut received = peer.read().2.len() - RUN_HEAD_BYTES;
    while received < WINDOW_BYTES {
        received += peer.read().2.len();
    }
    peer.call(2, "short");
    assert_eq!(peer.read().1, 2);
    assert_eq!(received, WINDOW_BYTES);
    assert!(made.load(Ordering::Relaxed) < WINDOW_BYTES + 1000);
    peer.send(CREDIT, 1, &[0, 0, 0, 5]);
    assert_eq!(peer.read().2.len(), 5);
    peer.send(CANCEL, 1, b"");
    peer.expect(END, 1, "");
    assert_eq!(Arc::strong_count(&made), 2, "the body is dropped");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_leaves_ends_the_body() {
    let (mut peer, mut senders) = channelled();
    peer.call(1, "typed");
    let sender = senders.recv().await.unwrap();
    peer.expect_open(1, TYPED, b"");
    peer.send(CANCEL, 1, b"");
    peer.expect(END, 1, "");
    sender.left().await;
    assert_eq!(sender.send("a").await, Err(Left));
    peer.calls.drained().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_outlives_the_deadline_of_its_head() {
    let (mut peer, mut senders) = channelled();
    let late = r#"{"event":{},"context":{"deadlineMs":1}}"#;
    peer.begin(1, late, "typed", 5);
    let sender = senders.recv().await.unwrap();
    peer.expect_open(1, TYPED, b"");
    tokio::time::sleep(super::super::LATE * 2).await;
    sender.send("a").await.unwrap();
    peer.expect(DATA, 1, "a");
    sender.finish().await.unwrap();
    peer.expect(END, 1, "");
    peer.begin(1, late, "", 0);
    peer.expect(FAILED, 1, "the function did not answer in time");
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_end_when_the_core_is_gone() {
    let (mut peer, mut senders) = channelled();
    peer.call(1, "typed");
    peer.expect_open(1, TYPED, b"");
    let sender = senders.recv().await.unwrap();
    peer.socket.shutdown(std::net::Shutdown::Both).unwrap();
    while sender.send(vec![0; 1000]).await.is_ok() {}
    peer.calls.drained().await;
}
