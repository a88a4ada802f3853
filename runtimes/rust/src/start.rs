use std::{
    fs::File,
    future::Future,
    io::{self, Read, Write},
    net::Ipv4Addr,
    os::unix::{fs::FileTypeExt, net::UnixStream, process::parent_id},
    process,
    sync::{
        atomic::{AtomicBool, AtomicUsize, Ordering},
        Arc, PoisonError,
    },
    thread,
    time::Duration,
};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use serde_json::{json, Value};
use tokio::{
    net::TcpListener,
    signal::unix::{signal, Signal, SignalKind},
    time::{interval, sleep, timeout},
};

use crate::{
    bridge::{Bridge, Newest},
    calls::Calls,
    output::hook_panics,
    reporter::Reporter,
    settings::Settings,
    Context, Error, Event, Response,
};

/// How long a reader of the descriptor is waited for at the end.
const DRAIN_MAX: Duration = Duration::from_secs(3);
/// After a signal, so many looks without a call, and the process rests.
const LOOK: Duration = Duration::from_millis(20);
const REST_LOOKS: usize = 50;
/// After a second signal, how long the core may take to let go.
const LET_GO_MAX: Duration = Duration::from_millis(250);

/// Serves the handler until a signal asks the process to stop; calls in flight are finished first. Call it first in main.
///
/// Exits with 1 when it cannot listen.
pub async fn start<H, F, R, E>(handler: H)
where
    H: Fn(Event, Context) -> F + Send + Sync + 'static,
    F: Future<Output = Result<R, E>> + Send + 'static,
    R: Into<Response>,
    E: Into<Error>,
{
    if let Err(problem) = serve(handler).await {
        let _ = writeln!(io::stderr(), "core-bridge: {problem}");
        process::exit(1);
    }
}

async fn serve<H, F, R, E>(handler: H) -> Result<(), Error>
where
    H: Fn(Event, Context) -> F + Send + Sync + 'static,
    F: Future<Output = Result<R, E>> + Send + 'static,
    R: Into<Response>,
    E: Into<Error>,
{
    let settings = Settings::take()?;
    let counts = Arc::new(Counts::default());
    let stop = Stop::watch(settings.reports.as_ref(), counts.clone())?;
    let reporter = settings.reports.map(Reporter::open);
    let bridge = Arc::new(Bridge {
        handler: Box::new(move |event, context| {
            let outcome = handler(event, context);
            Box::pin(async move { outcome.await.map(Into::into).map_err(Into::into) })
        }),
        token: settings.token,
        max_bytes: settings.max_bytes,
        streams_bodies: settings.streams_bodies,
        reporter: reporter.clone(),
    });
    match settings.calls {
        Some(socket) => serve_on_channel(socket, bridge, counts, stop).await?,
        None => serve_over_http(settings.port, bridge, counts, stop).await?,
    }
    if let Some(reporter) = reporter {
        reporter.drain(DRAIN_MAX);
    }
    Ok(())
}

/// Serves the calls of the core that kept the other end.
async fn serve_on_channel(
    socket: UnixStream,
    bridge: Arc<Bridge>,
    counts: Arc<Counts>,
    stop: Stop,
) -> Result<(), Error> {
    let parent = stop.parent;
    if let Some(reporter) = &bridge.reporter {
        hook_panics();
        report(reporter, json!({"calls": 1, "bodies": true}));
    }
    let calls = Calls::open(socket, bridge, counts)?;
    let stopping = tokio::spawn(stop.reason());
    let ended = tokio::select! {
        ended = calls.ended() => ended,
        // The core ends its side right before a signal of its own: what it sent before is read.
        _ = stopping => timeout(LET_GO_MAX, calls.ended()).await.unwrap_or(Ok(())),
    };
    if ended.is_err() {
        calls.abort();
    }
    let mut looks = interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            () = calls.drained() => break,
            _ = looks.tick() => {}
        }
        if parent.is_some_and(|parent| parent != parent_id()) {
            calls.abort(); // the core has died
        }
    }
    Ok(ended?)
}

async fn serve_over_http(
    port: u16,
    bridge: Arc<Bridge>,
    counts: Arc<Counts>,
    stop: Stop,
) -> Result<(), Error> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    let listener =
        listener.map_err(|error| format!("cannot listen on 127.0.0.1:{port}: {error}"))?;
    let reporter = bridge.reporter.clone();
    if let Some(reporter) = &reporter {
        hook_panics();
        report(reporter, json!({}));
    }

    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(None); // idle connections stay: the core closes first
    let connections = GracefulShutdown::new();
    let mut stopping = tokio::spawn(stop.reason());
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else {
                    sleep(Duration::from_millis(50)).await; // out of descriptors: some call will give one back
                    continue;
                };
                let _ = stream.set_nodelay(true);
                let bridge = bridge.clone();
                let (newest, reporter) = (Newest::default(), reporter.clone());
                let called = newest.clone();
                let counts = counts.clone();
                let service = service_fn(move |request| {
                    let running = counts.clone().begin();
                    let reply = bridge.clone().serve(request, called.clone());
                    async move {
                        let _running = running;
                        reply.await
                    }
                });
                let connection = connections.watch(http.serve_connection(TokioIo::new(stream), service));
                tokio::spawn(async move {
                    let _ = connection.await; // and with it the call on it, if it was left
                    if let Some(reporter) = reporter {
                        settle(&reporter, &newest);
                    }
                });
            }
            _ = &mut stopping => break,
        }
    }
    drop(listener);
    connections.shutdown().await;
    Ok(())
}

/// Tells the core, once, that the function is there.
fn report(reporter: &Reporter, mut record: Value) {
    record["loaded"] = true.into();
    record["runtime"] = concat!("Rust ", env!("CORE_RUSTC_VERSION")).into();
    reporter.write(&record);
}

/// The reply may have been on the way when the connection closed, so the end of its newest call is always reported.
fn settle(reporter: &Reporter, newest: &Newest) {
    let id = newest.lock().unwrap_or_else(PoisonError::into_inner);
    if !id.is_empty() {
        reporter.write(&json!({"settled": *id}));
    }
}

/// How many calls there were, and how many of them run.
#[derive(Default)]
pub(crate) struct Counts {
    begun: AtomicUsize,
    active: AtomicUsize,
}

pub(crate) struct Running(Arc<Counts>);

impl Counts {
    pub fn begin(self: Arc<Self>) -> Running {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.active.fetch_add(1, Ordering::Relaxed);
        Running(self)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.active.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The reasons to stop: SIGTERM, SIGINT, and a core that has died, which can send no signal.
///
/// A service manager sends SIGTERM to every process at once, and the core may still have calls: they are served. The
/// core lets go of the descriptor right before a SIGTERM of its own. Without that the process ends once it has rested
/// for a second.
struct Stop {
    terminate: Signal,
    interrupt: Signal,
    parent: Option<u32>,
    is_let_go: Arc<AtomicBool>,
    counts: Arc<Counts>,
}

impl Stop {
    fn watch(reports: Option<&File>, counts: Arc<Counts>) -> io::Result<Self> {
        Ok(Stop {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            parent: reports.map(|_| parent_id()),
            is_let_go: watch_end(reports),
            counts,
        })
    }

    async fn reason(mut self) {
        let orphaned = async {
            let mut checks = interval(Duration::from_secs(1));
            while self.parent.is_none_or(|parent| parent == parent_id()) {
                checks.tick().await;
            }
        };
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            () = orphaned => return,
        }
        if self.parent.is_some() && !self.rest().await {
            process::exit(1); // told twice: at once
        }
        tokio::spawn(async move {
            self.terminate.recv().await;
            process::exit(1); // the same once the stop has begun
        });
    }

    /// Waits until the core has let go, or no call came for a second; false when another signal came before.
    async fn rest(&mut self) -> bool {
        let (mut seen, mut rests) = (self.counts.begun.load(Ordering::Relaxed), 0);
        while !self.is_let_go.load(Ordering::Relaxed) && rests < REST_LOOKS {
            tokio::select! {
                () = sleep(LOOK) => {}
                _ = self.terminate.recv() => {
                    sleep(LET_GO_MAX).await; // the core lets go right after its signal
                    return self.is_let_go.load(Ordering::Relaxed);
                }
            }
            let begun = self.counts.begun.load(Ordering::Relaxed);
            let is_busy = begun != seen || self.counts.active.load(Ordering::Relaxed) > 0;
            rests = if is_busy { 0 } else { rests + 1 };
            seen = begun;
        }
        // When another signal came first, the signal of the core does not mean to end at once.
        tokio::select! {
            () = sleep(LOOK) => {}
            _ = self.terminate.recv() => {}
        }
        true
    }
}

/// Becomes true when the other side of the core's socket has ended; of what is no socket nobody can tell.
fn watch_end(reports: Option<&File>) -> Arc<AtomicBool> {
    let is_let_go = Arc::new(AtomicBool::new(true));
    let is_socket = |file: &&File| {
        file.metadata()
            .is_ok_and(|data| data.file_type().is_socket())
    };
    if let Some(Ok(mut file)) = reports.filter(is_socket).map(File::try_clone) {
        is_let_go.store(false, Ordering::Relaxed);
        let told = is_let_go.clone();
        thread::spawn(move || {
            let mut nothing = [0; 64];
            loop {
                match file.read(&mut nothing) {
                    Ok(0) => break,
                    Err(error) if error.kind() != io::ErrorKind::Interrupted => break,
                    _ => {}
                }
            }
            told.store(true, Ordering::Relaxed);
        });
    }
    is_let_go
}
