<?php

/** The conformance function: does what the event's body says; `core-runtime conform` asks it (runtimes/README.md). */
function handle($event, $context)
{
    if ($event['isBase64Encoded'] ?? false) {
        return ['body' => $event['body'], 'isBase64Encoded' => true];
    }
    $script = json_decode($event['body'] ?? $event['queryStringParameters']['script'] ?? stream_get_contents($context->body), true);
    switch ($script['do']) {
        case 'return':
            return $script['value'];
        case 'throw':
            throw new Exception($script['message']);
        case 'event':
            return $event;
        case 'context':
            return $context;
        case 'header':
            return $event['headers'][$script['name']];
        case 'print':
            echo $script['line'], "\n";
            return null;
        case 'slow':
            wait($script['ms']);
            return 'slow';
        case 'read':
            wait($script['ms']);
            return (string) strlen(stream_get_contents($context->body));
        case 'stream':
            return ['headers' => ['Content-Type' => 'text/plain'], 'body' => pieces($script)];
    }
    return null;
}

function wait($ms)
{
    $end = microtime(true) + $ms / 1000;
    while (microtime(true) < $end) {
        usleep(10000); // a signal cuts a sleep short
    }
}

function pieces($script)
{
    try {
        for ($index = 0; $index < $script['count']; $index++) {
            if ($index > 0) {
                usleep($script['ms'] * 1000);
            }
            yield $script['piece'];
        }
        if (isset($script['message'])) {
            throw new Exception($script['message']);
        }
    } finally {
        if (isset($script['line'])) {
            echo $script['line'], "\n";
        }
    }
}
