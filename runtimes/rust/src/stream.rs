use std::{
    fmt,
    pin::Pin,
    task::{ready, Context, Poll},
};

use http_body_util::{combinators::UnsyncBoxBody, BodyExt};
use hyper::body::{Body as HttpBody, Buf, Bytes, Frame};
use tokio::sync::mpsc;

use crate::{Body, Error};

/// A body that is made piece by piece can be sent whole up to this length.
const GATHERED_MAX_BYTES: usize = 32 << 20;

/// A body that leaves as it is made.
pub struct Stream(UnsyncBoxBody<Bytes, Error>);

impl Stream {
    pub(crate) fn new<B>(body: B) -> Self
    where
        B: HttpBody + Send + 'static,
        B::Data: Send,
        B::Error: Into<Error>,
    {
        let bytes =
            |frame: Frame<B::Data>| frame.map_data(|mut data| data.copy_to_bytes(data.remaining()));
        Stream(body.map_frame(bytes).map_err(Into::into).boxed_unsync())
    }

    /// The next piece that is not empty. Trailers are left out.
    pub(crate) fn poll_piece(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Error>>> {
        loop {
            match ready!(Pin::new(&mut self.0).poll_frame(cx)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(frame)) => {
                    if let Some(bytes) = frame.into_data().ok().filter(|bytes| !bytes.is_empty()) {
                        return Poll::Ready(Some(Ok(bytes)));
                    }
                }
            }
        }
    }

    /// It is known that nothing more comes.
    pub(crate) fn is_over(&self) -> bool {
        self.0.is_end_stream()
    }

    /// All of it.
    pub(crate) async fn gather(mut self) -> Result<Body, Error> {
        let mut all = Vec::new();
        while let Some(piece) = std::future::poll_fn(|cx| self.poll_piece(cx)).await {
            all.extend_from_slice(&piece?);
            if all.len() > GATHERED_MAX_BYTES {
                return Err(format!(
                    "A streamed body of more than {GATHERED_MAX_BYTES} bytes cannot be gathered"
                )
                .into());
            }
        }
        Ok(Body::of(all))
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stream")
    }
}

enum Piece {
    Data(Bytes),
    Failed(Error),
    End,
}

/// Makes a body, piece by piece; from `Body::channel`.
pub struct Sender(mpsc::Sender<Piece>);

/// Nobody takes the rest of the body: its reader has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left;

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nobody takes the rest of the body")
    }
}

impl std::error::Error for Left {}

impl Sender {
    /// Waits until there is room for another piece: one is on its way, and one waits.
    pub async fn send(&self, piece: impl Into<Bytes>) -> Result<(), Left> {
        self.0
            .send(Piece::Data(piece.into()))
            .await
            .map_err(|_| Left)
    }

    /// The body is complete. One whose sender was dropped before that is broken off.
    pub async fn finish(self) -> Result<(), Left> {
        self.0.send(Piece::End).await.map_err(|_| Left)
    }

    /// Breaks the body off; the error is logged.
    pub async fn fail(self, error: impl Into<Error>) {
        let _ = self.0.send(Piece::Failed(error.into())).await;
    }

    /// Returns when nobody takes the rest.
    pub async fn left(&self) {
        self.0.closed().await;
    }
}

/// What a `Sender` makes; none once it has ended.
struct Received(Option<mpsc::Receiver<Piece>>);

impl HttpBody for Received {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Some(receiver) = &mut self.0 else {
            return Poll::Ready(None);
        };
        let end = match ready!(receiver.poll_recv(cx)) {
            Some(Piece::Data(bytes)) => return Poll::Ready(Some(Ok(Frame::data(bytes)))),
            Some(Piece::End) => None,
            Some(Piece::Failed(error)) => Some(Err(error)),
            None => Some(Err(
                "the sender of the body was dropped before its end".into()
            )),
        };
        self.0 = None;
        Poll::Ready(end)
    }
}

pub(crate) fn channel() -> (Sender, Stream) {
    let (sender, receiver) = mpsc::channel(1);
    (Sender(sender), Stream::new(Received(Some(receiver))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{Empty, Full};

    #[tokio::test]
    async fn a_body_is_gathered_up_to_its_limit() {
        for (bytes, is_text) in [(&b"a\xc3\xa9"[..], true), (b"\xff", false)] {
            let body = Stream::new(Full::new(bytes)).gather().await.unwrap();
            assert_eq!(matches!(body, Body::Text(_)), is_text);
        }
        let large = Full::new(Bytes::from(vec![0; GATHERED_MAX_BYTES + 1]));
        let refused = Stream::new(large).gather().await.unwrap_err();
        assert!(refused.to_string().ends_with("cannot be gathered"));
        let empty = Stream::new(Empty::<Bytes>::new()).gather().await.unwrap();
        assert!(matches!(empty, Body::Text(text) if text.is_empty()));
    }

    #[tokio::test]
    async fn a_sender_that_is_dropped_breaks_its_body_off() {
        let (sender, stream) = channel();
        sender.send("a").await.unwrap();
        drop(sender);
        let error = stream.gather().await.unwrap_err().to_string();
        assert_eq!(error, "the sender of the body was dropped before its end");
        let (sender, stream) = channel();
        tokio::spawn(async move { sender.fail("no luck").await });
        assert_eq!(stream.gather().await.unwrap_err().to_string(), "no luck");
    }

    #[tokio::test]
    async fn a_sender_makes_a_body_and_hears_when_nobody_takes_it() {
        let (sender, stream) = channel();
        tokio::spawn(async move {
            for piece in ["a", "", "b"] {
                sender.send(piece).await.unwrap();
            }
            sender.finish().await
        });
        assert!(matches!(stream.gather().await.unwrap(), Body::Text(text) if text == "ab"));
        let (sender, stream) = channel();
        drop(stream);
        assert_eq!(sender.send("a").await, Err(Left));
        sender.left().await;
    }
}
