<?php

/** Greets the name in the query. */
function handle($event, $context)
{
    $name = $event['queryStringParameters']['name'] ?? 'world';
    echo "greeting $name\n";
    return ['statusCode' => 200, 'body' => ['message' => "Hello, $name!", 'invocationId' => $context['invocationId']]];
}
