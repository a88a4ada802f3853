use std::{
    collections::VecDeque,
    fmt,
    future::poll_fn,
    mem::take,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use hyper::body::{Body as HttpBody, Bytes, Frame};

use crate::{frames::PIECE_BYTES, Error};

/// The body of a request, which the function reads as it comes; from `Context::body`.
///
/// It is what hyper calls a body: `axum::body::Body::new` and `http_body_util::BodyExt` take it, and `Body::stream` sends it
/// back. A body that breaks off is an error, and never looks like one that ends.
#[derive(Clone)]
pub struct Upload(Arc<Feed>);

impl Upload {
    pub(crate) fn new(feed: Arc<Feed>) -> Self {
        Upload(feed)
    }

    /// What has come, or the next that comes; none behind the last.
    pub async fn piece(&mut self) -> Result<Option<Bytes>, Error> {
        poll_fn(|cx| self.0.poll(cx)).await.transpose()
    }

    /// All of it, for bodies that the memory has room for.
    pub async fn bytes(&mut self) -> Result<Vec<u8>, Error> {
        let mut all = Vec::new();
        while let Some(piece) = self.piece().await? {
            all.extend_from_slice(&piece);
        }
        Ok(all)
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Upload")
    }
}

impl HttpBody for Upload {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = |piece: Result<Bytes, Error>| piece.map(Frame::data);
        self.0.poll(cx).map(|piece| piece.map(frame))
    }

    fn is_end_stream(&self) -> bool {
        let state = self.0.lock();
        state.is_whole && state.pieces.is_empty()
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Feed")
    }
}

/// Where the body of a call comes to. Credit for more follows what was read.
pub(crate) struct Feed {
    state: Mutex<State>,
    /// Gives the core credit for so many bytes.
    grant: Grant,
}

type Grant = Box<dyn Fn(&Arc<Feed>, usize) + Send + Sync>;

#[derive(Default)]
struct State {
    pieces: VecDeque<Bytes>,
    is_whole: bool,
    failure: Option<&'static str>,
    /// Bytes that were read since the last credit.
    owed: usize,
    waiting: Vec<Waker>,
}

impl Feed {
    pub fn new(grant: impl Fn(&Arc<Feed>, usize) + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Feed {
            state: Mutex::default(),
            grant: Box::new(grant),
        })
    }

    /// A body that came whole, read like any other.
    pub fn whole(body: Vec<u8>) -> Arc<Self> {
        let feed = Feed::new(|_, _| {});
        if !body.is_empty() {
            feed.take(body.into());
        }
        feed.take(Bytes::new());
        feed
    }

    /// The next piece; the empty one is the end.
    pub fn take(&self, piece: Bytes) {
        self.change(|state| {
            if piece.is_empty() {
                state.is_whole = true;
            } else if state.failure.is_none() {
                state.pieces.push_back(piece);
            }
        });
    }

    /// Nothing more comes. What came can still be read if it is all.
    pub fn break_off(&self, why: &'static str) {
        self.change(|state| {
            if !state.is_whole && state.failure.is_none() {
                state.failure = Some(why);
                state.pieces.clear();
            }
        });
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        let waiting = take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }

    fn poll(self: &Arc<Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        let mut state = self.lock();
        if let Some(why) = state.failure {
            return Poll::Ready(Some(Err(why.into())));
        }
        let Some(piece) = state.pieces.pop_front() else {
            if state.is_whole {
                return Poll::Ready(None);
            }
            state.waiting.push(cx.waker().clone());
            return Poll::Pending;
        };
        state.owed += piece.len();
        if state.owed >= PIECE_BYTES && !state.is_whole {
            let owed = take(&mut state.owed);
            drop(state);
            (self.grant)(self, owed);
        }
        Poll::Ready(Some(Ok(piece)))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn a_body_that_breaks_off_is_an_error_whatever_of_it_came() {
        let feed = Feed::new(|_, _| {});
        let mut body = Upload::new(feed.clone());
        feed.take("a".into());
        assert_eq!(body.piece().await.unwrap().unwrap(), "a");
        feed.take("b".into());
        feed.break_off("no luck");
        feed.take("c".into());
        for _ in 0..2 {
            assert_eq!(body.piece().await.unwrap_err().to_string(), "no luck");
        }
        assert!(!body.is_end_stream());
    }

    #[tokio::test]
    async fn a_body_that_came_whole_can_be_read_after_its_call() {
        let feed = Feed::whole(b"all".to_vec());
        feed.break_off("late");
        assert_eq!(Upload::new(feed).bytes().await.unwrap(), b"all");
        let mut empty = Upload::new(Feed::whole(Vec::new()));
        assert!(empty.is_end_stream());
        assert!(empty.piece().await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_reader_is_woken_by_what_comes() {
        let feed = Feed::new(|_, _| {});
        let body = Upload::new(feed.clone());
        let reading = [body.clone(), body].map(|body| tokio::spawn(body.collect()));
        tokio::task::yield_now().await;
        feed.take("a".into());
        feed.take("b".into());
        feed.take(Bytes::new());
        let mut bytes = 0;
        for each in reading {
            bytes += each.await.unwrap().unwrap().to_bytes().len();
        }
        assert_eq!(bytes, 2);
    }

    #[tokio::test]
    async fn credit_is_given_for_what_was_read_and_only_while_more_may_come() {
        let granted = Arc::new(AtomicUsize::new(0));
        let count = granted.clone();
        let feed = Feed::new(move |_, bytes| {
            count.fetch_add(bytes, Ordering::Relaxed);
        });
        let mut body = Upload::new(feed.clone());
        for _ in 0..3 {
            feed.take(vec![0; PIECE_BYTES - 1].into());
        }
        assert_eq!(granted.load(Ordering::Relaxed), 0);
        body.piece().await.unwrap();
        assert_eq!(granted.load(Ordering::Relaxed), 0);
        body.piece().await.unwrap();
        assert_eq!(granted.load(Ordering::Relaxed), 2 * (PIECE_BYTES - 1));
        feed.take("x".into());
        feed.take(Bytes::new());
        body.bytes().await.unwrap();
        assert_eq!(granted.load(Ordering::Relaxed), 2 * (PIECE_BYTES - 1));
    }
}
