use std::{
    io::Write,
    mem::take,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use serde_json::{json, Value};

/// How much may wait for a reader that sleeps.
const MAX_BYTES: usize = 8 << 20;

/// The core's end of the descriptor: one JSON record a line.
///
/// It never waits for the reader: past `MAX_BYTES` unread, log lines are dropped, and their number is reported as
/// soon as the reader has caught up. A reader that is gone costs the lines, not the process.
#[derive(Clone)]
pub(crate) struct Reporter(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    unsent: Vec<u8>,
    is_sending: bool,
    is_closed: bool,
    dropped: usize,
}

impl State {
    fn tell_dropped(&mut self) {
        let count = take(&mut self.dropped);
        if count > 0 {
            append(&mut self.unsent, &json!({ "dropped": count }));
        }
    }
}

impl Reporter {
    pub fn open(to: impl Write + Send + 'static) -> Self {
        let reporter = Reporter(Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
        }));
        let sender = reporter.clone();
        thread::spawn(move || sender.send(to));
        reporter
    }

    /// Takes a record in any case.
    pub fn write(&self, record: &Value) {
        let mut state = self.lock();
        if state.is_closed {
            return;
        }
        state.tell_dropped();
        append(&mut state.unsent, record);
        self.0.changed.notify_all();
    }

    /// Takes a log line unless too many wait.
    pub fn log(&self, line: Value) {
        let mut state = self.lock();
        if state.unsent.len() > MAX_BYTES {
            state.dropped += 1;
            return;
        }
        drop(state);
        self.write(&json!({ "log": line }));
    }

    /// Waits until everything is sent, or for that long.
    pub fn drain(&self, longest: Duration) {
        let ends_at = Instant::now() + longest;
        let mut state = self.lock();
        while !state.is_closed && (state.is_sending || !state.unsent.is_empty()) {
            let left = ends_at.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.0.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The only writer of the descriptor.
    fn send(self, mut to: impl Write) {
        let mut state = self.lock();
        while !state.is_closed {
            if state.unsent.is_empty() {
                let woken = self.0.changed.wait(state);
                state = woken.unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let text = take(&mut state.unsent);
            state.is_sending = true;
            drop(state);
            let sent = to.write_all(&text);
            state = self.lock();
            state.is_sending = false;
            state.is_closed = sent.is_err();
            if state.unsent.is_empty() {
                state.tell_dropped();
            }
            self.0.changed.notify_all();
        }
        state.unsent = Vec::new();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn append(unsent: &mut Vec<u8>, record: &Value) {
    unsent.extend_from_slice(record.to_string().as_bytes());
    unsent.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        io::{BufRead, BufReader, Read},
        os::unix::net::UnixStream,
    };

    #[test]
    fn a_reader_that_is_gone_costs_the_lines() {
        let (reader, writer) = UnixStream::pair().unwrap();
        let reporter = Reporter::open(writer);
        drop(reader);
        for _ in 0..20 {
            reporter.log(json!({"line": "x".repeat(1 << 20)}));
        }
        reporter.drain(Duration::from_secs(60));
        assert!(reporter.lock().is_closed);
    }

    #[test]
    fn a_reader_that_sleeps_costs_lines_and_no_record() {
        let (reader, writer) = UnixStream::pair().unwrap();
        let reporter = Reporter::open(writer);
        for _ in 0..20 {
            reporter.log(json!({"line": "x".repeat(1 << 20)}));
        }
        reporter.write(&json!({"settled": "i"}));
        let mut lines = BufReader::new(reader).lines();
        let mut arrived = 0;
        let mut missing = 0;
        let mut is_settled = false;
        while !is_settled || arrived + missing < 20 {
            let record: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
            is_settled |= record == json!({"settled": "i"});
            arrived += usize::from(record["log"].is_object());
            missing += record["dropped"].as_u64().unwrap_or(0) as usize;
        }
        assert_eq!(arrived + missing, 20);
        assert!(arrived < 13, "{arrived} lines");
    }

    #[test]
    fn what_waits_is_sent_before_the_end() {
        let (mut reader, writer) = UnixStream::pair().unwrap();
        let reporter = Reporter::open(writer);
        reporter.write(&json!({"loaded": true}));
        reporter.drain(Duration::from_secs(60));
        let mut text = [0; 16];
        reader.read_exact(&mut text).unwrap();
        assert_eq!(&text, b"{\"loaded\":true}\n");
    }
}
