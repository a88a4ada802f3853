mod flow;

use std::{
    collections::HashMap,
    io::{self, BufReader, Read, Write},
    mem::take,
    net::Shutdown,
    os::unix::net::UnixStream,
    pin::pin,
    sync::{
        atomic::{AtomicBool, Ordering},
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
    },
    thread,
    time::Duration,
};

use flow::Flow;
use tokio::{runtime::Handle, sync::Notify, task::AbortHandle, time::sleep};

use crate::{
    bridge::{read_frames_call, Bridge, Given},
    frames::{
        append_head, breach, read_number, Head, RunHead, BODY, CALL, CANCEL, CREDIT, DATA, END,
        FAILED, HEAD_BYTES, MESSAGE_MAX_BYTES, PIECE_BYTES, PING, PONG, RESULT, RUN_HEAD_BYTES,
        UNKNOWN_BYTES, WINDOW_BYTES,
    },
    output::cut,
    response::Sent,
    start::Counts,
    upload::Feed,
};

/// How long one write may wait for a core that does not read.
const PATIENCE: Duration = Duration::from_millis(1);

/// The core answers for a call at its deadline. Later than that the handler is dropped.
const LATE: Duration = Duration::from_millis(100);

/// Why a body of a request cannot be read any more.
const BROKE_OFF: &str = "the request ended before it was complete";
const CHANNEL_ENDED: &str = "the channel ended before the request was complete";
const IS_OVER: &str = "the call is over";

/// The core's calls on the channel.
///
/// One thread reads frames, so that the core's socket is read whatever the handlers do. Each call is a task of the
/// runtime. It writes its reply itself when the reply is short and nobody else writes; a thread writes all that waits, in
/// one piece.
#[derive(Clone)]
pub(crate) struct Calls(Arc<Shared>);

struct Shared {
    bridge: Arc<Bridge>,
    counts: Arc<Counts>,
    runtime: Handle,
    state: Mutex<State>,
    /// The writer has something to do.
    changed: Condvar,
    /// For short replies. It waits for the core for `PATIENCE` at most.
    socket: UnixStream,
    /// The core ended its side.
    ended: Notify,
    /// All that waited is written.
    written: Notify,
}

#[derive(Default)]
struct State {
    open: HashMap<u32, Open>,
    /// Whole frames that wait.
    unsent: Vec<u8>,
    is_sending: bool,
    /// The core ended its side: nobody gives credit any more.
    is_ended: bool,
    /// Nobody reads any more.
    is_broken: bool,
    breach: Option<io::Error>,
}

/// A call until its last frame is written down.
#[derive(Default)]
struct Open {
    task: Option<AbortHandle>,
    is_cancelled: bool,
    /// Credit that came before the reply.
    credit: usize,
    reply: Option<Reply>,
    flow: Option<Flow>,
    /// Where its body comes to, when that is read as it comes.
    feed: Option<Arc<Feed>>,
}

/// What is left of a long reply.
struct Reply {
    rest: Vec<u8>,
    sent: usize,
    window: usize,
}

/// A CALL that is not whole yet: JSON and body are one run of bytes.
struct Incoming {
    head: RunHead,
    run: Vec<u8>,
    /// Its body is not part of it: that follows the JSON.
    feed: Option<Arc<Feed>>,
}

impl Incoming {
    fn missing(&self) -> usize {
        self.head.json + self.head.body - self.run.len()
    }
}

impl Calls {
    pub fn open(socket: UnixStream, bridge: Arc<Bridge>, counts: Arc<Counts>) -> io::Result<Self> {
        let to = socket.try_clone()?;
        to.set_write_timeout(Some(PATIENCE))?; // of the socket, not of this copy alone
        let calls = Calls(Arc::new(Shared {
            bridge,
            counts,
            runtime: Handle::current(),
            state: Mutex::default(),
            changed: Condvar::new(),
            socket: to.try_clone()?,
            ended: Notify::new(),
            written: Notify::new(),
        }));
        let reader = calls.clone();
        thread::spawn(move || reader.read(BufReader::with_capacity(PIECE_BYTES, socket)));
        let writer = calls.clone();
        thread::spawn(move || writer.write(to));
        Ok(calls)
    }

    /// Returns when the core has ended its side; an error says how it broke the form.
    pub async fn ended(&self) -> io::Result<()> {
        loop {
            let ended = self.0.ended.notified();
            {
                let mut state = self.lock();
                if state.is_ended {
                    return state.breach.take().map_or(Ok(()), Err);
                }
            }
            ended.await;
        }
    }

    /// Returns when every call is over and its reply is written.
    pub async fn drained(&self) {
        loop {
            let written = self.0.written.notified();
            {
                let state = self.lock();
                if state.open.is_empty() && state.unsent.is_empty() && !state.is_sending {
                    return;
                }
            }
            written.await;
        }
    }

    /// Nobody waits for a reply any more.
    pub fn abort(&self) {
        let tasks: Vec<_> = self.lock().open.values_mut().map(Open::cancel).collect();
        for task in tasks.into_iter().flatten() {
            task.abort();
        }
    }

    fn read(&self, mut from: BufReader<UnixStream>) {
        let mut incoming = HashMap::new();
        let ended = loop {
            if let Err(error) = self.read_frame(&mut from, &mut incoming) {
                break error;
            }
        };
        let mut state = self.lock();
        for number in incoming.keys() {
            state.open.remove(number); // the rest of it never comes
        }
        state.is_ended = true;
        state.wake_flows();
        let feeds: Vec<_> = state
            .open
            .values()
            .filter_map(|open| open.feed.clone())
            .collect();
        if ended.kind() == io::ErrorKind::InvalidData {
            state.breach = Some(ended);
            let _ = from.get_ref().shutdown(Shutdown::Both);
        }
        self.0.changed.notify_all();
        self.0.ended.notify_waiters();
        drop(state);
        for feed in feeds {
            feed.break_off(CHANNEL_ENDED);
        }
    }

    fn read_frame(
        &self,
        from: &mut BufReader<UnixStream>,
        incoming: &mut HashMap<u32, Incoming>,
    ) -> io::Result<()> {
        let Head { length, kind, call } = Head::read(from)?;
        match kind {
            CALL if length < RUN_HEAD_BYTES => {
                Err(breach(format!("a CALL of {length} bytes came")))
            }
            CALL => {
                let head = RunHead::read(from)?;
                self.begin(call, head, incoming)?;
                self.read_run(from, call, length - RUN_HEAD_BYTES, incoming)
            }
            BODY => self.read_run(from, call, length, incoming),
            CREDIT if length == 4 => {
                let bytes = read_number(from)? as usize;
                self.credit(call, bytes);
                Ok(())
            }
            _ => {
                match kind {
                    CANCEL => self.cancel(call, incoming.remove(&call).is_some()),
                    PING => self.pong(),
                    _ => {}
                }
                skip(from, length)
            }
        }
    }

    fn begin(
        &self,
        call: u32,
        mut head: RunHead,
        incoming: &mut HashMap<u32, Incoming>,
    ) -> io::Result<()> {
        let feed = (head.body == UNKNOWN_BYTES).then(|| self.feed(call));
        if feed.is_some() {
            head.body = 0;
        }
        let mut state = self.lock();
        if state.open.contains_key(&call) {
            return Err(breach(format!("call {call} came twice")));
        }
        let bytes = head.json + head.body;
        let most = self.0.bridge.max_bytes;
        if bytes > most {
            state.fail(call, &format!("the request is larger than {most} bytes"));
            self.0.changed.notify_all();
            return Ok(());
        }
        let open = Open {
            feed: feed.clone(),
            ..Open::default()
        };
        state.open.insert(call, open);
        let run = Vec::with_capacity(bytes);
        incoming.insert(call, Incoming { head, run, feed });
        Ok(())
    }

    /// For a body that is read as it comes.
    fn feed(&self, number: u32) -> Arc<Feed> {
        let calls = self.clone();
        Feed::new(move |feed, bytes| {
            let mut state = calls.lock();
            let open = state.open.get(&number).and_then(|open| open.feed.as_ref());
            if open.is_some_and(|open| Arc::ptr_eq(open, feed)) {
                append_head(&mut state.unsent, 4, CREDIT, number);
                state
                    .unsent
                    .extend_from_slice(&(bytes as u32).to_be_bytes());
                calls.send(state);
            }
        })
    }

    /// Reads a piece of a body that the function reads as it comes. What comes for a call that is over is skipped.
    fn read_piece(
        &self,
        from: &mut BufReader<UnixStream>,
        call: u32,
        length: usize,
    ) -> io::Result<()> {
        let feed = match self.lock().open.get(&call) {
            None => None,
            Some(Open { feed: None, .. }) => {
                return Err(breach(format!("call {call} has more bytes than it said")))
            }
            Some(open) => open.feed.clone(),
        };
        let Some(feed) = feed else {
            return skip(from, length);
        };
        let mut piece = vec![0; length];
        from.read_exact(&mut piece)?;
        feed.take(piece.into());
        Ok(())
    }

    /// Reads more of a call, and starts it when all of it is there.
    fn read_run(
        &self,
        from: &mut BufReader<UnixStream>,
        call: u32,
        length: usize,
        incoming: &mut HashMap<u32, Incoming>,
    ) -> io::Result<()> {
        let Some(part) = incoming.get_mut(&call) else {
            return self.read_piece(from, call, length);
        };
        if length > part.missing() {
            return Err(breach(format!("call {call} has more bytes than it said")));
        }
        let read = from
            .by_ref()
            .take(length as u64)
            .read_to_end(&mut part.run)?;
        if read < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if part.missing() == 0 {
            if let Some(whole) = incoming.remove(&call) {
                self.start(call, whole);
            }
        }
        Ok(())
    }

    fn start(&self, number: u32, call: Incoming) {
        let calls = self.clone();
        let unfinished = Unfinished {
            calls: self.clone(),
            number,
            outcome: None,
        };
        let running = self.0.counts.clone().begin();
        let task = self.0.runtime.spawn(async move {
            let mut unfinished = unfinished; // reported when the task is dropped, too
            let _running = running;
            unfinished.outcome = Some(calls.run(number, call).await);
        });
        if let Some(open) = self.lock().open.get_mut(&number) {
            open.task = Some(task.abort_handle());
        }
    }

    /// None: the reply has left as it was made.
    async fn run(&self, number: u32, call: Incoming) -> Result<Option<Sent>, String> {
        let Incoming {
            head,
            mut run,
            feed,
        } = call;
        let body = run.split_off(head.json);
        let body = match feed {
            Some(feed) => Given::Open(feed),
            None if self.0.bridge.streams_bodies => Given::Shown(body, head.form),
            None => Given::Whole(body, head.form),
        };
        let (event, context) = read_frames_call(&run, body)
            .map_err(|error| format!("the call is not the protocol's JSON: {error}"))?;
        drop(run);
        let left = context.remaining();
        let has_left = AtomicBool::new(false);
        let deliver = |response| self.deliver(number, response, &has_left);
        let mut run = pin!(self.0.bridge.run(event, context, deliver));
        if let Some(left) = left {
            tokio::select! {
                biased;
                outcome = &mut run => return outcome,
                () = sleep(left + LATE) => {}
            }
            if !has_left.load(Ordering::Relaxed) {
                return Err("the function did not answer in time".to_owned());
            }
        }
        run.await // the core says how long a stream may take
    }

    /// Asks a handler to end at its next await; ends what has not begun, or only waits for credit.
    fn cancel(&self, call: u32, has_not_begun: bool) {
        let mut state = self.lock();
        let Some(open) = state.open.get_mut(&call) else {
            return;
        };
        if has_not_begun || open.reply.is_some() {
            state.end(call);
            self.0.changed.notify_all();
            return;
        }
        let task = open.cancel();
        let feed = open.feed.clone();
        drop(state); // the task may end here and now
        if let Some(feed) = feed {
            feed.break_off(BROKE_OFF);
        }
        if let Some(task) = task {
            task.abort();
        }
    }

    fn credit(&self, call: u32, bytes: usize) {
        let mut state = self.lock();
        match state.open.get_mut(&call) {
            Some(Open {
                reply: Some(reply), ..
            }) => reply.window += bytes,
            Some(Open {
                flow: Some(flow), ..
            }) => return flow.grow(bytes),
            Some(open) => open.credit += bytes,
            None => return,
        }
        self.0.changed.notify_all();
    }

    /// From the runtime: when handlers block all of its threads, no call can begin either.
    fn pong(&self) {
        let calls = self.clone();
        self.0.runtime.spawn(async move {
            let mut state = calls.lock();
            append_head(&mut state.unsent, 0, PONG, 0);
            calls.send(state);
        });
    }

    /// Writes down how a call ended; none: it was dropped.
    fn finish(&self, number: u32, outcome: Option<Result<Option<Sent>, String>>) {
        let mut state = self.lock();
        let feed = state
            .open
            .get_mut(&number)
            .and_then(|open| open.feed.take());
        let is_wanted = |open: &Open| !open.is_cancelled;
        match outcome {
            Some(outcome) if state.open.get(&number).is_some_and(is_wanted) => match outcome {
                Ok(Some(sent)) => state.reply(number, sent),
                Ok(None) => state.end(number),
                Err(message) => state.fail(number, &message),
            },
            _ => state.end(number),
        }
        self.send(state);
        if let Some(feed) = feed {
            feed.break_off(IS_OVER);
        }
    }

    /// Writes what waits, or leaves it to the thread that does.
    fn send<'a>(&'a self, mut state: MutexGuard<'a, State>) {
        if !state.is_sending && state.unsent.len() <= PIECE_BYTES + HEAD_BYTES {
            let frames = take(&mut state.unsent);
            state.is_sending = true;
            drop(state);
            let written = (&self.0.socket).write(&frames);
            state = self.lock();
            state.is_sending = false;
            let sent = written.unwrap_or(0); // what is wrong is found by the thread
            if sent < frames.len() {
                state.unsent.splice(0..0, frames[sent..].iter().copied());
            }
        }
        if !state.unsent.is_empty() || state.has_turns() {
            self.0.changed.notify_all();
        } else if !state.is_sending {
            self.0.written.notify_waiters();
        }
    }

    /// Writes what is long, or waits for the core.
    fn write(&self, mut to: UnixStream) {
        let mut state = self.lock();
        loop {
            if !state.is_sending {
                state.take_turns();
                if state.unsent.is_empty() {
                    self.0.written.notify_waiters();
                }
            }
            if state.is_sending || state.unsent.is_empty() {
                let woken = self.0.changed.wait(state);
                state = woken.unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let frames = take(&mut state.unsent);
            state.is_sending = true;
            drop(state);
            let written = write_patiently(&mut to, &frames);
            state = self.lock();
            state.is_sending = false;
            if written.is_err() {
                state.is_broken = true;
                state.wake_flows();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// The task is to be aborted when the state is not locked any more.
    fn cancel(&mut self) -> Option<AbortHandle> {
        self.is_cancelled = true;
        self.task.clone()
    }
}

impl State {
    /// Writes down as much of a reply as fits into one frame.
    fn reply(&mut self, number: u32, Sent { form, json, body }: Sent) {
        let Some(open) = self.open.get_mut(&number) else {
            return;
        };
        let head = RunHead {
            form,
            json: json.len(),
            body: body.len(),
        };
        let mut rest = json;
        if rest.is_empty() {
            rest = body;
        } else {
            rest.extend_from_slice(&body);
        }
        let first = rest.len().min(PIECE_BYTES - RUN_HEAD_BYTES);
        append_head(&mut self.unsent, RUN_HEAD_BYTES + first, RESULT, number);
        head.append(&mut self.unsent);
        self.unsent.extend_from_slice(&rest[..first]);
        if first == rest.len() {
            self.open.remove(&number);
        } else {
            open.reply = Some(Reply {
                rest,
                sent: first,
                window: WINDOW_BYTES - first + open.credit,
            });
        }
    }

    fn fail(&mut self, number: u32, message: &str) {
        let text = cut(message, MESSAGE_MAX_BYTES).as_bytes();
        self.open.remove(&number);
        append_head(&mut self.unsent, text.len(), FAILED, number);
        self.unsent.extend_from_slice(text);
    }

    /// The call is over and has no reply.
    fn end(&mut self, number: u32) {
        if self.open.remove(&number).is_some() {
            append_head(&mut self.unsent, 0, END, number);
        }
    }

    /// A long reply may go on.
    fn has_turns(&self) -> bool {
        let goes_on = |reply: &Reply| self.is_ended || self.is_broken || reply.window > 0;
        let mut replies = self.open.values().filter_map(|open| open.reply.as_ref());
        replies.any(goes_on)
    }

    /// Writes down one frame of each long reply whose window allows it.
    fn take_turns(&mut self) {
        let (is_ended, is_broken) = (self.is_ended, self.is_broken);
        if is_broken {
            self.unsent.clear();
        }
        let unsent = &mut self.unsent;
        self.open.retain(|number, open| {
            let Some(reply) = &mut open.reply else {
                return true;
            };
            if is_broken {
                return false;
            }
            let mut length = (reply.rest.len() - reply.sent).min(PIECE_BYTES);
            if !is_ended {
                length = length.min(reply.window);
            }
            if length > 0 {
                append_head(unsent, length, DATA, *number);
                unsent.extend_from_slice(&reply.rest[reply.sent..reply.sent + length]);
                reply.sent += length;
                reply.window = reply.window.saturating_sub(length);
            }
            reply.sent < reply.rest.len()
        });
    }
}

/// A call that runs. Dropped when it was aborted, too.
struct Unfinished {
    calls: Calls,
    number: u32,
    outcome: Option<Result<Option<Sent>, String>>,
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        self.calls.finish(self.number, self.outcome.take());
    }
}

/// However long it takes.
fn write_patiently(to: &mut UnixStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match to.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(error) if is_slow(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn is_slow(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), Interrupted | TimedOut | WouldBlock)
}

fn skip(from: &mut impl Read, length: usize) -> io::Result<()> {
    let skipped = io::copy(&mut from.by_ref().take(length as u64), &mut io::sink())?;
    if skipped < length as u64 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::future::Future;

    use super::*;
    use crate::{Context, Error, Event, Response};

    /// The core's end.
    pub(super) struct Peer {
        pub calls: Calls,
        pub socket: UnixStream,
    }

    impl Peer {
        fn open(max_bytes: usize) -> Self {
            Self::serving(max_bytes, handle)
        }

        pub fn serving<F>(
            max_bytes: usize,
            handle: impl Fn(Event, Context) -> F + Send + Sync + 'static,
        ) -> Self
        where
            F: Future<Output = Result<Response, Error>> + Send + 'static,
        {
            let (socket, ours) = UnixStream::pair().unwrap();
            let bridge = Bridge {
                handler: Box::new(move |event, context| Box::pin(handle(event, context))),
                token: String::new(),
                max_bytes,
                streams_bodies: false,
                reporter: None,
            };
            let calls = Calls::open(ours, Arc::new(bridge), Arc::default()).unwrap();
            socket
                .set_read_timeout(Some(Duration::from_secs(20)))
                .unwrap();
            Peer { calls, socket }
        }

        pub fn send(&mut self, kind: u8, call: u32, payload: &[u8]) {
            let mut frame = Vec::new();
            append_head(&mut frame, payload.len(), kind, call);
            frame.extend_from_slice(payload);
            self.socket.write_all(&frame).unwrap();
        }

        pub fn call(&mut self, number: u32, body: &str) {
            self.begin(number, "{\"event\":{}}", body, body.len());
        }

        pub fn begin(&mut self, number: u32, json: &str, body: &str, body_bytes: usize) {
            let mut payload = Vec::new();
            let head = RunHead {
                form: 0,
                json: json.len(),
                body: body_bytes,
            };
            head.append(&mut payload);
            payload.extend_from_slice(json.as_bytes());
            payload.extend_from_slice(body.as_bytes());
            self.send(CALL, number, &payload);
        }

        pub fn read(&mut self) -> (u8, u32, Vec<u8>) {
            let head = Head::read(&mut self.socket).unwrap();
            let mut payload = vec![0; head.length];
            self.socket.read_exact(&mut payload).unwrap();
            (head.kind, head.call, payload)
        }

        pub fn expect(&mut self, kind: u8, call: u32, text: &str) {
            let (came, number, payload) = self.read();
            let payload = String::from_utf8(payload).unwrap();
            assert_eq!((came, number, payload.as_str()), (kind, call, text));
        }
    }

    async fn handle(event: Event, _: Context) -> Result<Response, Error> {
        match event.body.as_str() {
            "long" => Ok("x".repeat(3 * WINDOW_BYTES).into()),
            "stays" => std::future::pending().await,
            "blocks" => {
                thread::sleep(Duration::from_millis(300));
                Err("blocked".into())
            }
            text => Err(text.to_owned().into()),
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn breaches_end_the_channel() {
        for breach in 0..5 {
            let mut peer = Peer::open(100);
            match breach {
                0 => peer
                    .socket
                    .write_all(&[0, 16, 0, 1, 1, 0, 0, 0, 1])
                    .unwrap(),
                1 => peer.send(CALL, 1, &[0; 8]),
                2 => peer.begin(1, "{}", "xy", 1),
                3 => (0..2).for_each(|_| peer.call(1, "stays")),
                _ => {
                    peer.call(1, "stays");
                    peer.send(BODY, 1, b"x");
                }
            }
            assert!(peer.calls.ended().await.is_err(), "{breach}");
            peer.calls.abort();
            peer.calls.drained().await;
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_call_past_the_limit_fails_and_its_rest_is_skipped() {
        let mut peer = Peer::open(100);
        peer.begin(1, "{}", "", 99);
        peer.expect(FAILED, 1, "the request is larger than 100 bytes");
        peer.send(BODY, 1, &[b'x'; 99]);
        peer.begin(1, "{", "", 0);
        let (kind, _, text) = peer.read();
        assert_eq!(kind, FAILED);
        assert!(text.starts_with(b"the call is not the protocol's JSON: "));
        peer.call(1, "no luck");
        peer.expect(FAILED, 1, "no luck");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_cancelled_call_has_no_reply_whether_it_runs_or_not() {
        let mut peer = Peer::open(1000);
        peer.call(1, "stays");
        peer.begin(2, "{}", "", 9);
        for number in [2, 1] {
            peer.send(CANCEL, number, b"");
            peer.expect(END, number, "");
        }
        peer.socket.shutdown(Shutdown::Write).unwrap();
        assert!(peer.calls.ended().await.is_ok());
        peer.calls.drained().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_body_that_is_to_come_is_read_while_the_call_runs() {
        let mut peer = Peer::serving(1000, |event: Event, context: Context| async move {
            let mut body = context.body();
            let first = body.piece().await?.unwrap_or_default();
            if first == "early" {
                return Err("early".into());
            }
            let rest = body.bytes().await?.len();
            Err(format!("{:?} {} {rest}", event.body, first.len()).into())
        });
        let open =
            |peer: &mut Peer, number| peer.begin(number, "{\"event\":{}}", "", UNKNOWN_BYTES);
        open(&mut peer, 1);
        peer.send(BODY, 1, &[b'x'; PIECE_BYTES]);
        peer.expect(CREDIT, 1, "\0\u{1}\0\0");
        peer.send(BODY, 1, b"more");
        peer.send(BODY, 1, b"");
        peer.expect(FAILED, 1, "\"\" 65536 4");
        open(&mut peer, 1);
        peer.send(BODY, 1, b"early");
        peer.expect(FAILED, 1, "early");
        peer.send(BODY, 1, b"skipped");
        peer.send(BODY, 1, b"");
        open(&mut peer, 1);
        peer.send(BODY, 1, b"x");
        peer.send(CANCEL, 1, b"");
        peer.expect(END, 1, "");
        open(&mut peer, 1);
        peer.socket.shutdown(Shutdown::Write).unwrap();
        peer.expect(FAILED, 1, CHANNEL_ENDED);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_body_of_a_call_that_is_over_cannot_be_read_any_more() {
        let (keep, mut kept) = tokio::sync::mpsc::channel(1);
        let mut peer = Peer::serving(1000, move |_, context: Context| {
            let keep = keep.clone();
            async move {
                keep.send(context.body()).await?;
                Err("over".into())
            }
        });
        peer.begin(1, "{}", "", UNKNOWN_BYTES);
        peer.expect(FAILED, 1, "over");
        let read = kept.recv().await.unwrap().piece().await;
        assert_eq!(read.unwrap_err().to_string(), IS_OVER);
        peer.call(1, "whole");
        peer.expect(FAILED, 1, "over");
        let read = kept.recv().await.unwrap().piece().await;
        assert!(read.unwrap_err().to_string().contains("CORE_PROTOCOL"));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn a_handler_that_blocks_the_last_thread_keeps_ping_waiting() {
        let mut peer = Peer::open(1000);
        peer.call(1, "blocks");
        thread::sleep(Duration::from_millis(100)); // it runs
        peer.send(PING, 0, b"");
        peer.expect(FAILED, 1, "blocked");
        peer.expect(PONG, 0, "");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_long_reply_keeps_to_its_window_and_passes_others_on() {
        let mut peer = Peer::open(1000);
        peer.call(1, "long");
        let mut received = peer.read().2.len() - RUN_HEAD_BYTES;
        while received < WINDOW_BYTES {
            received += peer.read().2.len();
        }
        assert_eq!(received, WINDOW_BYTES);
        peer.call(2, "in between");
        peer.expect(FAILED, 2, "in between");
        peer.send(PING, 0, b"");
        peer.expect(PONG, 0, "");
        peer.send(CREDIT, 1, &[0, 0, 0, 3]);
        peer.expect(DATA, 1, "xxx");
        peer.send(CREDIT, 1, &[127, 0, 0, 0]);
        received += 3;
        while received < 3 * WINDOW_BYTES {
            let (kind, _, payload) = peer.read();
            assert!(kind == DATA && payload.len() <= PIECE_BYTES);
            received += payload.len();
        }
        peer.calls.drained().await;
    }
}
