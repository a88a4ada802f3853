use std::{
    env,
    fs::File,
    os::{
        fd::{FromRawFd, RawFd},
        unix::net::UnixStream,
    },
};

/// What the core tells a sub-runtime through the environment.
pub(crate) struct Settings {
    pub port: u16,
    /// Asked of every request; empty asks for none.
    pub token: String,
    /// Bounds a request: JSON may write one byte as six, and the rest of the event has room beside it.
    pub max_bytes: usize,
    /// The function reads bodies as they come.
    pub streams_bodies: bool,
    /// Takes the load report; none when nobody listens.
    pub reports: Option<File>,
    /// The channel; none when calls come over HTTP.
    pub calls: Option<UnixStream>,
}

impl Settings {
    /// Reads the environment and removes what only the crate may know.
    pub fn take() -> Result<Self, String> {
        let token = env::var("CORE_BRIDGE_TOKEN").unwrap_or_default();
        let reports = take_descriptor("CORE_BRIDGE_FD");
        let calls = take_descriptor("CORE_CALLS_FD");
        env::remove_var("CORE_BRIDGE_TOKEN");
        let port = env::var("SCW_UPSTREAM_PORT").unwrap_or_else(|_| "8081".to_owned());
        let port = port
            .parse()
            .map_err(|_| format!("SCW_UPSTREAM_PORT={port} is not a port from 0 to 65535"))?;
        let payload = env::var("SCW_PAYLOAD_MAX_SIZE").unwrap_or_else(|_| "6MiB".to_owned());
        let payload = bytes_of(&payload).ok_or_else(|| {
            format!("SCW_PAYLOAD_MAX_SIZE={payload} is not a size like 6291456 or 6MiB")
        })?;
        Ok(Settings {
            port,
            token,
            max_bytes: payload.saturating_mul(6).saturating_add(8 << 20),
            streams_bodies: env::var("CORE_REQUEST_BODY").is_ok_and(|body| body == "stream"),
            reports: reports.and_then(open_reports),
            calls: calls.map(open_calls).transpose()?,
        })
    }
}

fn take_descriptor(name: &str) -> Option<RawFd> {
    let text = env::var(name).ok();
    env::remove_var(name);
    text?.parse().ok().filter(|fd| *fd > 2)
}

/// The core's descriptor, which programs that the function starts must not hold.
fn open_reports(fd: i32) -> Option<File> {
    // SAFETY: the core opened it for this program, named it in CORE_BRIDGE_FD, and that name was just removed.
    let inherited = unsafe { File::from_raw_fd(fd) };
    inherited.try_clone().ok() // the copy closes on exec; the inherited one closes here
}

/// The channel, which they must not hold either.
fn open_calls(fd: RawFd) -> Result<UnixStream, String> {
    // SAFETY: as in open_reports.
    let inherited = unsafe { UnixStream::from_raw_fd(fd) };
    let socket = inherited
        .peer_addr() // a descriptor of another kind has none
        .and_then(|_| inherited.try_clone());
    socket.map_err(|error| format!("CORE_CALLS_FD={fd} is not a socket: {error}"))
}

/// Reads a size like 6291456, 512KiB or 6MiB.
fn bytes_of(text: &str) -> Option<usize> {
    let units = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];
    let unit = units
        .iter()
        .find_map(|(suffix, size)| Some((text.strip_suffix(suffix)?, *size)));
    let (digits, unit) = unit.unwrap_or((text, 1));
    digits.parse::<usize>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_that_is_none_is_refused() {
        for text in ["", "-1", "MiB", "1.5MiB", "6MB", "99999999999999GiB"] {
            assert_eq!(bytes_of(text), None, "{text}");
        }
    }

    #[test]
    fn sizes_are_bytes_or_have_a_unit() {
        assert_eq!(bytes_of("6291456"), bytes_of("6MiB"));
        assert_eq!(bytes_of("2KiB"), Some(2048));
    }
}
