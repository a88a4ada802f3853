<?php

/** Says hello to ?name=, and how it was called. */
function handle($event, $context)
{
    $name = $event['queryStringParameters']['name'] ?? 'world';
    return [
        'statusCode' => 200,
        'body' => ['message' => "Hello, $name!", 'method' => $event['httpMethod'], 'path' => $event['path']],
    ];
}
