<?php

require __DIR__ . '/handler.php';

foreach ([[[], 'Hello, world!'], [['name' => 'Ada'], 'Hello, Ada!']] as [$query, $expected]) {
    $reply = handle(['queryStringParameters' => $query], ['invocationId' => 'test']);
    if ($reply['statusCode'] !== 200 || $reply['body']['message'] !== $expected) {
        fwrite(STDERR, "expected $expected, got " . json_encode($reply) . "\n");
        exit(1);
    }
}
echo "passed\n";
