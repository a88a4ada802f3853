//! Turns a Rust program into a function of the core runtime.
//!
//! ```no_run
//! use core_runtime_functions::{start, Context, Error, Event, Response};
//!
//! async fn handle(event: Event, _context: Context) -> Result<Response, Error> {
//!     let name = event.query.get("name").map_or("world", String::as_str);
//!     Ok(format!("Hello, {name}!\n").into())
//! }
//!
//! #[tokio::main]
//! async fn main() {
//!     start(handle).await
//! }
//! ```
//!
//! The program speaks the sub-runtime protocol: frames on the descriptor `$CORE_CALLS_FD`, or, without it, HTTP on
//! 127.0.0.1 at `$SCW_UPSTREAM_PORT`. README.md lists what it promises.

mod bridge;
mod calls;
mod context;
mod event;
mod frames;
mod output;
mod reporter;
mod response;
mod settings;
mod start;
mod stream;
mod upload;

pub use context::Context;
pub use event::{Event, Headers};
pub use output::{stderr, stdout, Writer};
pub use response::{Body, Response};
pub use start::start;
pub use stream::{Left, Sender, Stream};
pub use upload::Upload;

/// Why a call failed. Its text is what the caller reads; `?` makes one of any error, `.into()` of a text.
pub type Error = Box<dyn std::error::Error + Send + Sync>;
