use std::{
    future::Future,
    io::{self, Write},
    net::Ipv4Addr,
    os::unix::process::parent_id,
    process,
    sync::{Arc, PoisonError},
    time::Duration,
};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use serde_json::json;
use tokio::{
    net::TcpListener,
    signal::unix::{signal, Signal, SignalKind},
    time::{interval, sleep},
};

use crate::{
    bridge::{Bridge, Newest},
    channel::Channel,
    output::hook_panics,
    settings::Settings,
    Context, Error, Event, Response,
};

/// How long a reader of the descriptor is waited for at the end.
const DRAIN_MAX: Duration = Duration::from_millis(500);

/// Serves the handler until the process is told to stop; calls in flight are finished by then. Call it first in main.
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
    let port = settings.port;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    let listener =
        listener.map_err(|error| format!("cannot listen on 127.0.0.1:{port}: {error}"))?;
    let mut stop = Stop::watch(settings.reports.is_some())?;
    let channel = settings.reports.map(Channel::open);
    let bridge = Arc::new(Bridge {
        handler: Box::new(move |event, context| {
            let outcome = handler(event, context);
            Box::pin(async move { outcome.await.map(Into::into).map_err(Into::into) })
        }),
        token: settings.token,
        max_bytes: settings.max_bytes,
        channel: channel.clone(),
    });
    if let Some(channel) = &channel {
        hook_panics();
        report(channel);
    }

    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(None); // idle connections stay: the core closes first
    let connections = GracefulShutdown::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else {
                    sleep(Duration::from_millis(50)).await; // out of descriptors: some call will give one back
                    continue;
                };
                let _ = stream.set_nodelay(true);
                let bridge = bridge.clone();
                let (newest, channel) = (Newest::default(), channel.clone());
                let called = newest.clone();
                let service = service_fn(move |request| bridge.clone().serve(request, called.clone()));
                let connection = connections.watch(http.serve_connection(TokioIo::new(stream), service));
                tokio::spawn(async move {
                    let _ = connection.await; // and with it the call on it, if it was left
                    if let Some(channel) = channel {
                        settle(&channel, &newest);
                    }
                });
            }
            () = stop.reason() => break,
        }
    }
    drop(listener);
    tokio::spawn(async move {
        stop.terminate.recv().await;
        process::exit(1); // told twice: at once
    });
    connections.shutdown().await;
    if let Some(channel) = channel {
        channel.drain(DRAIN_MAX);
    }
    Ok(())
}

/// Tells the core, once, that the function is there.
fn report(channel: &Channel) {
    let runtime = concat!("Rust ", env!("CORE_RUSTC_VERSION"));
    channel.write(&json!({"loaded": true, "runtime": runtime}));
}

/// The reply may have crossed the closing of its connection: so the end of the newest call is told in any case.
fn settle(channel: &Channel, newest: &Newest) {
    let id = newest.lock().unwrap_or_else(PoisonError::into_inner);
    if !id.is_empty() {
        channel.write(&json!({"settled": *id}));
    }
}

/// The reasons to stop: SIGTERM, SIGINT, and a core that has died, which can send no signal.
struct Stop {
    terminate: Signal,
    interrupt: Signal,
    parent: Option<u32>,
}

impl Stop {
    fn watch(has_core: bool) -> io::Result<Self> {
        Ok(Stop {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            parent: has_core.then(parent_id),
        })
    }

    async fn reason(&mut self) {
        let orphaned = async {
            let mut checks = interval(Duration::from_secs(1));
            while self.parent.is_none_or(|parent| parent == parent_id()) {
                checks.tick().await;
            }
        };
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            () = orphaned => {}
        }
    }
}
