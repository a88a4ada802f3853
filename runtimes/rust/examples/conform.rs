//! The conformance function: does what the event's body says; `core-runtime conform` asks it (runtimes/README.md).

use std::{collections::BTreeMap, io::Write, time::Duration};

use core_runtime_functions::{start, stdout, Context, Error, Event, Response};
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
    let script: Script = event.json()?;
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
        _ => ().into(),
    })
}
