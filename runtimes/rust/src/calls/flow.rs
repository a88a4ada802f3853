use std::{
    future::poll_fn,
    sync::atomic::{AtomicBool, Ordering},
    task::{Context, Poll, Waker},
};

use hyper::body::Bytes;
use tokio::task::yield_now;

use super::{Calls, State};
use crate::{
    frames::{
        append_head, RunHead, DATA, PIECE_BYTES, RESULT, RUN_HEAD_BYTES, UNKNOWN_BYTES,
        WINDOW_BYTES,
    },
    response::Sent,
    stream::Stream,
    Body, Error, Response,
};

/// How far a reply may go that leaves as it is made.
pub(super) struct Flow {
    window: usize,
    waker: Option<Waker>,
}

impl Flow {
    pub fn grow(&mut self, bytes: usize) {
        self.window += bytes;
        self.wake();
    }

    pub fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl Calls {
    /// Sends a response whose body is made piece by piece, as it is made; none is left of it then. Any other is returned.
    ///
    /// The first piece is asked for once before the head leaves, so that an error there is one of the call. Without a type
    /// the head waits for it.
    pub(super) async fn deliver(
        &self,
        number: u32,
        mut response: Response,
        has_left: &AtomicBool,
    ) -> Result<Option<Sent>, Error> {
        let Some(mut stream) = response.take_stream() else {
            return Ok(Some(response.into_sent()));
        };
        let is_typed = response.is_typed();
        let first = poll_fn(|cx| match stream.poll_piece(cx) {
            Poll::Pending if is_typed => Poll::Ready(Some(Ok(Bytes::new()))),
            piece => piece,
        });
        let Some(first) = first.await.transpose()? else {
            return Ok(Some(response.into_sent())); // it is empty
        };
        if !first.is_empty() && stream.is_over() {
            return Ok(Some(response.body(Body::of(first.into())).into_sent()));
        }
        has_left.store(true, Ordering::Relaxed);
        let rest = self.begin_flow(number, response.into_head(), first)?;
        self.push(number, rest).await?;
        while let Some(piece) = self.pull(number, &mut stream).await? {
            self.push(number, piece).await?;
            yield_now().await; // however fast it is made, other calls have their turns
        }
        Ok(None)
    }

    /// Sends the head with as much as fits into its frame, and returns the rest.
    fn begin_flow(&self, number: u32, json: Vec<u8>, first: Bytes) -> Result<Bytes, Error> {
        let head = RunHead {
            form: form_of(&first),
            json: json.len(),
            body: UNKNOWN_BYTES,
        };
        let mut run = json;
        run.extend_from_slice(&first);
        let mut run = Bytes::from(run);
        let sent = run.split_to(run.len().min(PIECE_BYTES - RUN_HEAD_BYTES));
        let mut state = self.lock();
        let Some(open) = state.open.get_mut(&number) else {
            return Err("the call is over".into());
        };
        open.flow = Some(Flow {
            window: WINDOW_BYTES + open.credit - sent.len(),
            waker: None,
        });
        append_head(
            &mut state.unsent,
            RUN_HEAD_BYTES + sent.len(),
            RESULT,
            number,
        );
        head.append(&mut state.unsent);
        state.unsent.extend_from_slice(&sent);
        self.send(state);
        Ok(run)
    }

    /// Nothing is made for which there is no room.
    async fn pull(&self, number: u32, stream: &mut Stream) -> Result<Option<Bytes>, Error> {
        poll_fn(|cx| self.lock().poll_room(number, cx)).await?;
        poll_fn(|cx| stream.poll_piece(cx)).await.transpose()
    }

    async fn push(&self, number: u32, mut bytes: Bytes) -> Result<(), Error> {
        while !bytes.is_empty() {
            let room = poll_fn(|cx| self.lock().poll_room(number, cx)).await?;
            let piece = bytes.split_to(bytes.len().min(room));
            let mut state = self.lock();
            if let Some(flow) = state
                .open
                .get_mut(&number)
                .and_then(|open| open.flow.as_mut())
            {
                flow.window = flow.window.saturating_sub(piece.len());
            }
            append_head(&mut state.unsent, piece.len(), DATA, number);
            state.unsent.extend_from_slice(&piece);
            self.send(state);
        }
        Ok(())
    }
}

impl State {
    /// How many bytes may be sent now.
    fn poll_room(&mut self, number: u32, cx: &mut Context<'_>) -> Poll<Result<usize, Error>> {
        if self.is_broken {
            return Poll::Ready(Err("the core is gone".into()));
        }
        let flow = self
            .open
            .get_mut(&number)
            .and_then(|open| open.flow.as_mut());
        let Some(flow) = flow else {
            return Poll::Ready(Err("the call is over".into()));
        };
        if self.is_ended {
            return Poll::Ready(Ok(PIECE_BYTES)); // nobody gives credit any more
        }
        if flow.window == 0 {
            flow.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(Ok(flow.window.min(PIECE_BYTES)))
    }

    pub(super) fn wake_flows(&mut self) {
        for flow in self.open.values_mut().filter_map(|open| open.flow.as_mut()) {
            flow.wake();
        }
    }
}

/// Text or bytes, by the beginning of a body, in which the last character may be cut.
fn form_of(first: &[u8]) -> u8 {
    match std::str::from_utf8(first) {
        Err(error) if error.error_len().is_some() => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests;
