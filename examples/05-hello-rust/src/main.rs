//! A function that greets the name in the query.

use core_runtime_functions::{start, Context, Error, Event, Response};

#[tokio::main]
async fn main() {
    start(hello).await
}

async fn hello(event: Event, _context: Context) -> Result<Response, Error> {
    let name = event.query.get("name").map_or("world", String::as_str);
    Ok(format!("Hello, {name}!\n").into())
}
