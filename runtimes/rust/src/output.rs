use std::{
    backtrace::{Backtrace, BacktraceStatus},
    cell::RefCell,
    fmt,
    io::{self, Write},
    mem::take,
    panic::{self, PanicHookInfo},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::{json, Value};

use crate::reporter::Reporter;

const LINE_MAX_BYTES: usize = 65536;
const TITLE_MAX_BYTES: usize = 8192;

/// The standard output of the call that runs on this thread: each line is a log line with the call's ids.
///
/// Outside of a call, and without a core, it is the program's own. A task that the handler spawns is outside; give it
/// `Context::stdout()`.
pub fn stdout() -> Writer {
    Writer::new(current(), Stream::Stdout)
}

/// `stdout()` for errors, and what a logger writes to: `tracing_subscriber::fmt().with_writer(stderr)`.
pub fn stderr() -> Writer {
    Writer::new(current(), Stream::Stderr)
}

#[derive(Clone, Copy)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

/// Writes lines of a call, or plain ones.
pub struct Writer {
    output: Option<Arc<Output>>,
    stream: Stream,
}

impl Writer {
    pub(crate) fn new(output: Option<Arc<Output>>, stream: Stream) -> Self {
        Writer { output, stream }
    }
}

impl Write for Writer {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        match (&self.output, self.stream) {
            (Some(output), stream) => {
                output.capture(stream, data);
                Ok(data.len())
            }
            (None, Stream::Stdout) => io::stdout().write(data),
            (None, Stream::Stderr) => io::stderr().write(data),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match (&self.output, self.stream) {
            (Some(_), _) => Ok(()),
            (None, Stream::Stdout) => io::stdout().flush(),
            (None, Stream::Stderr) => io::stderr().flush(),
        }
    }
}

/// Collects what one call writes and sends it as whole lines, tagged.
pub(crate) struct Output {
    reporter: Reporter,
    id: String,
    trace_id: Option<String>,
    rest: Mutex<Rest>,
}

/// The lines that have not ended yet.
#[derive(Default)]
struct Rest {
    is_over: bool,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    /// Whose line was sent before it ended: the line break that follows says nothing.
    was_cut: [bool; 2],
}

impl Output {
    pub fn new(reporter: Reporter, id: &str, traceparent: Option<&str>) -> Arc<Self> {
        let mut parts = traceparent.unwrap_or_default().split('-');
        Arc::new(Output {
            reporter,
            id: id.to_owned(),
            trace_id: parts.nth(1).map(str::to_owned),
            rest: Mutex::default(),
        })
    }

    fn capture(&self, stream: Stream, data: &[u8]) {
        let mut state = self.lock();
        let is_over = state.is_over;
        let mut data = data;
        if !data.is_empty() && take(&mut state.was_cut[stream as usize]) {
            data = data.strip_prefix(b"\n").unwrap_or(data);
        }
        let rest = match stream {
            Stream::Stdout => &mut state.stdout,
            Stream::Stderr => &mut state.stderr,
        };
        rest.extend_from_slice(data);
        let whole = rest.iter().rposition(|byte| *byte == b'\n');
        if let Some(end) = whole {
            let text: Vec<u8> = rest.drain(..=end).collect();
            for line in text[..end].split(|byte| *byte == b'\n') {
                self.send(stream, line);
            }
        }
        if rest.len() > LINE_MAX_BYTES || (is_over && !rest.is_empty()) {
            let text = take(rest);
            state.was_cut[stream as usize] = true;
            self.send(stream, &text);
        }
    }

    /// One line, however long.
    fn send(&self, stream: Stream, line: &[u8]) {
        let stream = match stream {
            Stream::Stdout => "stdout",
            Stream::Stderr => "stderr",
        };
        let mut line = line;
        loop {
            let mut end = line.len().min(LINE_MAX_BYTES);
            while end < line.len() && end > LINE_MAX_BYTES - 4 && line[end] & 0xC0 == 0x80 {
                end -= 1; // not within a character
            }
            let piece = String::from_utf8_lossy(&line[..end]);
            self.log(json!({"stream": stream, "line": piece}));
            line = &line[end..];
            if line.is_empty() {
                return;
            }
        }
    }

    /// Sends an error of the call as one record; `stack` may be empty.
    pub fn fail(&self, title: &str, stack: &str) {
        let mut record =
            json!({"stream": "stderr", "level": "error", "line": cut(title, TITLE_MAX_BYTES)});
        if !stack.is_empty() {
            record["stack"] = cut(stack, LINE_MAX_BYTES).into();
        }
        self.log(record);
    }

    fn log(&self, mut record: Value) {
        record["invocationId"] = self.id.as_str().into();
        if let Some(id) = &self.trace_id {
            record["traceId"] = id.as_str().into();
        }
        self.reporter.log(record);
    }

    /// Sends what has no line break. What comes later leaves at once.
    pub fn end(&self) {
        let mut state = self.lock();
        state.is_over = true;
        for (stream, rest) in [
            (Stream::Stdout, take(&mut state.stdout)),
            (Stream::Stderr, take(&mut state.stderr)),
        ] {
            if !rest.is_empty() {
                self.send(stream, &rest);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Rest> {
        self.rest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// At most so many bytes, and no part of a character.
pub(crate) fn cut(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("id", &self.id).finish()
    }
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<Output>>> = const { RefCell::new(None) };
}

fn current() -> Option<Arc<Output>> {
    CURRENT.try_with(|current| current.borrow().clone()).ok()?
}

/// Runs a piece of a call, in which `stdout()` and `stderr()` are the call's.
pub(crate) fn within<T>(output: &Option<Arc<Output>>, run: impl FnOnce() -> T) -> T {
    let outer = CURRENT.replace(output.clone());
    let result = run();
    CURRENT.set(outer);
    result
}

/// Tells a panic of a call under the call's id; any other goes to the hook that was there.
pub(crate) fn hook_panics() {
    let next = panic::take_hook();
    panic::set_hook(Box::new(move |panic: &PanicHookInfo<'_>| {
        if let Some(output) = current() {
            let trace = Backtrace::capture(); // as RUST_BACKTRACE says
            let stack = match trace.status() {
                BacktraceStatus::Captured => format!("{panic}\n{trace}"),
                _ => panic.to_string(), // it names the place
            };
            output.fail(&title_of(panic), &stack);
        } else {
            next(panic);
        }
    }));
}

fn title_of(panic: &PanicHookInfo<'_>) -> String {
    let payload = panic.payload();
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    format!("panic: {}", text.unwrap_or("the handler panicked"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        io::{BufRead, BufReader},
        os::unix::net::UnixStream,
        time::Duration,
    };

    #[test]
    fn lines_of_a_call_are_whole_and_tagged() {
        let (reader, writer) = UnixStream::pair().unwrap();
        let reporter = Reporter::open(writer);
        let output = Some(Output::new(reporter.clone(), "i", Some("00-trace-span-01")));
        within(&output, || {
            write!(stdout(), "half a ").unwrap();
            write!(stdout(), "line\n\nrest").unwrap();
            writeln!(stderr(), "{}", "é".repeat(LINE_MAX_BYTES / 2 + 1)).unwrap();
        });
        output.unwrap().end();
        reporter.drain(Duration::from_secs(60));
        let lines = BufReader::new(reader).lines().take(5);
        let got: Vec<(String, String)> = lines
            .map(|line| {
                let record: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
                let log = &record["log"];
                assert_eq!(
                    (&log["invocationId"], &log["traceId"]),
                    (&json!("i"), &json!("trace"))
                );
                let text = |name: &str| log[name].as_str().unwrap().to_owned();
                (text("stream"), text("line"))
            })
            .collect();
        let long = "é".repeat(LINE_MAX_BYTES / 2);
        let wanted = [
            ("stdout", "half a line"),
            ("stdout", ""),
            ("stderr", &long),
            ("stderr", "é"),
            ("stdout", "rest"),
        ];
        assert_eq!(
            got,
            wanted.map(|(stream, line)| (stream.to_owned(), line.to_owned()))
        );
    }

    #[test]
    fn an_error_is_one_record() {
        let (reader, writer) = UnixStream::pair().unwrap();
        let reporter = Reporter::open(writer);
        let output = Output::new(reporter.clone(), "i", None);
        output.fail("error: no luck", "");
        output.fail(&"é".repeat(TITLE_MAX_BYTES), "at src/main.rs:1");
        reporter.drain(Duration::from_secs(60));
        let mut lines = BufReader::new(reader).lines();
        let mut next =
            || -> Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
        let wanted = json!({"log": {"stream": "stderr", "level": "error", "invocationId": "i", "line": "error: no luck"}});
        assert_eq!(next(), wanted);
        let long = next();
        assert_eq!(long["log"]["line"], "é".repeat(TITLE_MAX_BYTES / 2));
        assert_eq!(long["log"]["stack"], "at src/main.rs:1");
    }

    #[test]
    fn outside_of_a_call_output_is_plain() {
        assert!(stdout().output.is_none());
        within(&None, || assert!(stderr().output.is_none()));
    }

    #[test]
    fn a_panic_of_a_call_is_told_once() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        static PLAIN: AtomicUsize = AtomicUsize::new(0);
        let before = panic::take_hook();
        panic::set_hook(Box::new(|panic| {
            if panic.payload().is::<&str>() && title_of(panic) == "panic: told once" {
                PLAIN.fetch_add(1, Ordering::SeqCst);
            }
        }));
        hook_panics();
        let (reader, writer) = UnixStream::pair().unwrap();
        let reporter = Reporter::open(writer);
        let output = Some(Output::new(reporter.clone(), "i", None));
        within(&output, || {
            panic::catch_unwind(|| panic!("told once")).unwrap_err()
        });
        let plain_in_call = PLAIN.load(Ordering::SeqCst);
        panic::catch_unwind(|| panic!("told once")).unwrap_err();
        panic::set_hook(before);
        reporter.drain(Duration::from_secs(60));
        let line = BufReader::new(reader).lines().next().unwrap().unwrap();
        let record: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(record["log"]["line"], "panic: told once");
        assert_eq!((plain_in_call, PLAIN.load(Ordering::SeqCst)), (0, 1));
    }
}
