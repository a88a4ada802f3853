//! A function that greets the name in the query.

use core_runtime_functions::{start, Context, Error, Event, Response};

#[tokio::main]
async fn main() {
    start(handle).await
}

async fn handle(event: Event, _context: Context) -> Result<Response, Error> {
    Ok(greeting(event.query.get("name").map(String::as_str)).into())
}

fn greeting(name: Option<&str>) -> String {
    format!("Hello, {}!\n", name.unwrap_or("world"))
}

#[cfg(test)]
mod tests {
    use super::greeting;

    #[test]
    fn greets_the_name_or_the_world() {
        assert_eq!(greeting(Some("Ada")), "Hello, Ada!\n");
        assert_eq!(greeting(None), "Hello, world!\n");
    }
}
