//! The conformance function: does what the event's body says; `core-runtime conform` asks it (runtimes/README.md).

use std::{collections::BTreeMap, io::Write, time::Duration};

use core_runtime_functions::{start, stdout, Body, Context, Error, Event, Left, Response, Sender};
use serde::Deserialize;
use serde_json::{json, value::RawValue};

#[tokio::main]
async fn main() {
    start(handle).await
}

#[derive(Deserialize)]
struct Script {
    r#do: String,
    value: Option<Box<RawValue>>,
    #[serde(flatten)]
    rest: BTreeMap<String, serde_json::Value>,
}

async fn handle(event: Event, context: Context) -> Result<Response, Error> {
    if event.is_base64_encoded {
        return Ok(event.bytes()?.into());
    }
    let script: Script = if !event.body.is_empty() {
        event.json()?
    } else if let Some(script) = event.query.get("script") {
        serde_json::from_str(script)? // the body is left to it
    } else {
        serde_json::from_slice(&context.body().bytes().await?)?
    };
    let text = |name: &str| script.rest[name].as_str().unwrap_or_default().to_owned();
    Ok(match script.r#do.as_str() {
        "return" => script.value.ok_or("no value")?.into(),
        "throw" => return Err(text("message").into()),
        "event" => event.into_raw().into(),
        "context" => json!({
            "functionName": context.function_name,
            "memoryInMb": context.memory_in_mb,
            "invocationId": context.invocation_id,
        })
        .into(),
        "header" => match event.headers.get(&text("name")) {
            Some(value) => value.as_str().into(),
            None => ().into(),
        },
        "print" => {
            writeln!(stdout(), "{}", text("line"))?;
            ().into()
        }
        "slow" => {
            let ms = script.rest["ms"].as_u64().unwrap_or_default();
            tokio::time::sleep(Duration::from_millis(ms)).await;
            "slow".into()
        }
        "read" => {
            let ms = script.rest["ms"].as_u64().unwrap_or_default();
            tokio::time::sleep(Duration::from_millis(ms)).await;
            context.body().bytes().await?.len().to_string().into()
        }
        "stream" => {
            let (sender, body) = Body::channel();
            let number = |name: &str| script.rest[name].as_u64().unwrap_or_default();
            let pieces = Pieces {
                piece: text("piece"),
                count: number("count"),
                pause: Duration::from_millis(number("ms")),
                message: script
                    .rest
                    .get("message")
                    .and_then(|given| given.as_str())
                    .map(str::to_owned),
            };
            let line = script
                .rest
                .get("line")
                .and_then(|given| given.as_str())
                .map(str::to_owned);
            tokio::spawn(async move {
                let _ = pieces.send(sender).await; // nobody may want the rest
                if let Some(line) = line {
                    let _ = writeln!(context.stdout(), "{line}");
                }
            });
            Response::default()
                .header("Content-Type", "text/plain")
                .body(body)
        }
        _ => ().into(),
    })
}

/// A body that is made piece by piece.
struct Pieces {
    piece: String,
    count: u64,
    pause: Duration,
    message: Option<String>,
}

impl Pieces {
    async fn send(self, sender: Sender) -> Result<(), Left> {
        for index in 0..self.count {
            if index > 0 && !self.pause.is_zero() {
                tokio::select! {
                    () = tokio::time::sleep(self.pause) => {}
                    () = sender.left() => return Err(Left),
                }
            }
            sender.send(self.piece.clone()).await?;
        }
        match self.message {
            Some(message) => sender.fail(message).await,
            None => sender.finish().await?,
        }
        Ok(())
    }
}
