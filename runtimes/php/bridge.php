<?php

/*
The PHP bridge: loads one handler, and runs it once for each call that comes as frames on $CORE_CALLS_FD. Without that
descriptor PHP's own server takes the calls, as POST / on 127.0.0.1:$SCW_UPSTREAM_PORT. One file, no dependencies, PHP 8.0
and later, one call at a time. README.md lists what it promises; the frames are in ../README.md.
*/

declare(strict_types=1);

namespace CoreRuntime;

const NOT_LOADED = 'Function Handler does not exist, check that you provided the right HANDLER parameter '
    . '(path to your module with exported function to use)';
const TEXT_TYPE = 'text/plain; charset=utf-8';
const JSON_DEPTH = 4096;
const JSON_FLAGS = JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_LINE_TERMINATORS | JSON_PRESERVE_ZERO_FRACTION;
const LINE_MAX_BYTES = 65536;
const TITLE_MAX_BYTES = 8192;
const CHANNEL_MAX_BYTES = 8 * 1024 * 1024;
const READ_BYTES = 65536;
const REST_S = 1; // after SIGTERM the process ends when it had no call for so long
const TAKE_TIMEOUT_S = 60; // a client of PHP's server that takes longer to take its reply is gone

/** Types and lengths of frames. */
const CALL = 1;
const BODY = 2;
const CANCEL = 3;
const CREDIT = 4;
const PING = 5;
const TAKEN = 127; // between PHP's own server and the bridge only: the client has its reply
const RESULT = 17;
const DATA = 18;
const END = 19;
const FAILED = 20;
const PONG = 21;
const HEAD_BYTES = 9;
const FRAME_MAX_BYTES = 1048576;
const PIECE_BYTES = 65536;
const WINDOW_BYTES = 262144;
/** In place of the length of a body that is made piece by piece. */
const UNKNOWN_BYTES = 0xFFFFFFFF;
/** So much of its first piece tells what type it is. */
const FIRST_BYTES = 4096;
const BODY_BROKE_OFF = 'The request ended before it was complete';
const CHANNEL_ENDED_IN_BODY = 'The channel ended before the request was complete';
const BODY_LATE = 'The call is over';
/** Of a body that is made piece by piece, over HTTP: past any reply that a core takes by default. */
const GATHERED_MAX_BYTES = 32 * 1024 * 1024;

/** Forms of a CALL, beside 0, which is a text. */
const IS_BYTES = 1;
const IS_BASE64 = 2;
const IS_COMPLETE = 255; // between PHP's own server and the bridge only: the event has its body

/** Forms of a RESULT. */
const IS_JSON = 0;
const HAS_TEXT = 1;
const HAS_BYTES = 2;

/** The process: what it was told, what it loaded, and the call that it is in. */
final class Bridge
{
    public static Settings $settings;
    public static ?Channel $channel = null;
    /** The call that runs. */
    public static ?Invocation $invocation = null;
    /** Of the newest call. */
    public static ?string $lastId = null;
    public static bool $isStopping = false;

    private static ?\Closure $handler = null;
    /** Whether it declares its second parameter as an array, which an object is not. */
    private static bool $takesArray = false;
    private static string $file = '';
    private static bool $isLoading = true;
    private static ?Calls $calls = null;
    /** What plain output goes to: streams of the bridge's own, past its filters. */
    private static array $plain = [];
    private static int $processId = 0;
    private static bool $isChild = false;
    /** Errors that belong to no call. */
    private static int $strays = 0;

    public static function open(): void
    {
        self::$processId = (int) getmypid();
        self::$settings = Settings::take();
        self::$plain = ['stdout' => fopen('php://stdout', 'wb'), 'stderr' => fopen('php://stderr', 'wb')];
        // Nothing that PHP says may end up in a reply; it goes to stderr, in time, whatever php.ini says.
        foreach (['display_errors' => '0', 'log_errors' => '1', 'error_log' => '', 'html_errors' => '0'] as $name => $value) {
            ini_set($name, $value);
        }
        ini_set('serialize_precision', '-1'); // floats as short as they are exact
        if (in_array(get_cfg_var('memory_limit'), [false, '-1'], true)) {
            ini_set('memory_limit', (string) memoryLimit());
        }
        set_time_limit(0);
        register_shutdown_function([self::class, 'onShutdown']);
        Signals::open();
        if (self::$settings->fd >= 0) {
            self::$channel = Channel::open(self::$settings->fd);
            stream_filter_register('core.tag', TagFilter::class);
            stream_filter_append(STDOUT, 'core.tag', STREAM_FILTER_WRITE, 'stdout');
            stream_filter_append(STDERR, 'core.tag', STREAM_FILTER_WRITE, 'stderr');
            self::startBuffer();
        }
        if (self::$settings->callsFd >= 0) {
            self::$calls = Calls::open(self::$settings->callsFd);
        }
        Native::open([self::$settings->fd, self::$settings->callsFd], [self::class, 'isChild']);
    }

    public static function findHandler(): string
    {
        self::$file = Loader::locate(self::$settings->handlerPath);
        $autoload = Loader::autoload(self::$settings->handlerPath) ?? Loader::autoload(self::$file);
        if ($autoload !== null) {
            require_once $autoload;
        }
        return self::$file;
    }

    /** @param mixed $returned what the handler's file returned, 1 when nothing */
    public static function loaded(mixed $returned): void
    {
        self::endChild();
        self::$handler = Loader::pick(self::$file, self::$settings->handlerName, $returned);
        $type = ((new \ReflectionFunction(self::$handler))->getParameters()[1] ?? null)?->getType();
        self::$takesArray = $type instanceof \ReflectionNamedType && $type->getName() === 'array';
        self::listen(['loaded' => true]);
    }

    public static function notLoaded(\Throwable $error): void
    {
        self::endChild($error);
        self::listen(['loaded' => false, 'error' => causeOf($error)]);
        self::logError($error, 'core-bridge: cannot load the handler: ');
    }

    private static function listen(array $report): void
    {
        self::$isLoading = false;
        Signals::hold();
        while (ob_get_level() > self::baseLevel()) {
            ob_end_flush();
        }
        set_error_handler([self::class, 'ignore']);
        $problem = '';
        $version = self::$calls === null ? [] : ['calls' => 1, 'bodies' => true, 'answersPing' => false];
        self::$calls ??= Calls::overHttp(self::$settings, $problem);
        if (self::$calls === null) {
            self::log("core-bridge: $problem\n");
            exit(1);
        }
        if (self::$channel !== null) {
            self::$channel->write($report + ['runtime' => 'PHP ' . PHP_VERSION] + $version);
        }
    }

    public static function serve(): void
    {
        while (self::$calls !== null && !self::$isStopping) {
            try {
                self::$calls->run();
            } catch (\Throwable $error) {
                // A destructor of the function's that ran in between, for example.
                if ($error->getFile() === __FILE__) {
                    throw $error;
                }
                self::stray($error);
            }
        }
        if (self::$channel !== null) {
            self::$channel->drain(3.0);
        }
    }

    /** Warnings of the bridge's own calls. The function's own error handler is below this one while the bridge works. */
    public static function ignore(): bool
    {
        return true;
    }

    // Calls -----------------------------------------------------------------------------------------------------------

    /** Runs one call, and takes its bytes. */
    public static function run(Call $call): Reply
    {
        self::$lastId = null;
        if (self::$handler === null) {
            return Reply::failed(NOT_LOADED);
        }
        [$json, $body] = $call->take();
        $given = readJson($json);
        if (!is_array($given)) {
            return Reply::failed('The call is not JSON: ' . json_last_error_msg());
        }
        $event = $given['event'] ?? null;
        if (is_array($event)) {
            foreach (['headers', 'multiValueHeaders'] as $name) {
                if (isset($event[$name]) && is_array($event[$name])) {
                    $event[$name] = new Headers($event[$name]);
                }
            }
            if ($call->form !== IS_COMPLETE && $call->feed === null) {
                $event['body'] = $call->form === IS_BYTES ? base64_encode($body) : $body;
                $event['isBase64Encoded'] = $call->form !== 0;
            }
        }
        $members = $given['context'] ?? null;
        $body = null;
        if (self::$settings->streamsBodies) {
            $call->feed ??= Feed::ofEvent($event);
            if (is_array($event)) {
                unset($event['body'], $event['isBase64Encoded']);
            }
            $body = FeedStream::open($call->feed);
        }
        $target = $given['target'] ?? null;
        $target = is_string($target) ? $target : targetOf($event);
        $context = new Context(is_array($members) ? $members : [], $target, $body);
        unset($given, $members, $json, $body);
        return self::invoke($event, $context, $call->form !== IS_COMPLETE);
    }

    /** @param bool $isApart whether a body may stand beside the JSON */
    private static function invoke(mixed $event, Context $context, bool $isApart): Reply
    {
        $invocation = self::$invocation = new Invocation($context, self::$channel);
        self::$lastId = $invocation->id;
        restore_error_handler();
        $scope = attachTrace($invocation->trace);
        try {
            try {
                $given = self::$takesArray ? $context->asArray() : $context;
                Signals::release();
                $result = (self::$handler)($event, $given);
                $pieces = Pieces::of($result);
                $reply = $pieces === null ? writeResult($result, $isApart) : null;
                Signals::hold();
                unset($result);
                $reply ??= self::send($pieces, $isApart);
            } catch (\Throwable $error) {
                Signals::hold();
                self::endChild($error);
                self::logError($error);
                $reply = Reply::failed(messageOf($error));
                unset($error, $pieces, $result); // its destructor may throw
            }
        } catch (\Throwable $late) { // or the handler of a signal that came within the few lines above
            Signals::hold();
            self::logError($late);
            $reply ??= Reply::failed(messageOf($late));
        }
        self::endChild();
        detachTrace($scope);
        set_error_handler([self::class, 'ignore']);
        self::settle();
        return $reply;
    }

    /** A body that leaves as it is made, or is gathered over HTTP. */
    private static function send(Pieces $pieces, bool $isApart): Reply
    {
        self::endChild();
        set_error_handler([self::class, 'ignore']);
        try {
            $reply = $isApart ? self::$calls->stream($pieces) : writeResult($pieces->gather(), false);
        } finally {
            $pieces->close();
            restore_error_handler();
        }
        return $reply;
    }

    /** Goes on with what the function has begun. The bridge's own calls before and after it warn nobody. */
    public static function goOn(callable $work): mixed
    {
        restore_error_handler();
        Signals::release();
        try {
            return $work();
        } finally {
            Signals::hold();
            self::endChild();
            set_error_handler([self::class, 'ignore']);
        }
    }

    /** What the bridge does for a function that reads its body. Signals that come meanwhile are the function's right behind it. */
    public static function goIn(callable $work): void
    {
        if (self::isChild()) {
            throw new \RuntimeException('The body of the request is for the process that has forked this one');
        }
        Signals::hold();
        set_error_handler([self::class, 'ignore']);
        try {
            $work(self::$calls);
        } finally {
            restore_error_handler();
            Signals::release();
        }
        Signals::catchUp();
    }

    /** An error that belongs to no call: thrown by a handler of a signal, for example. The process lives on. */
    public static function stray(\Throwable $error): void
    {
        self::logError($error, 'core-bridge: error outside of a call (stray error ' . ++self::$strays . '): ');
    }

    // Children --------------------------------------------------------------------------------------------------------

    /**
    Whether this process is one that the function has forked. Such a child is the function's own: as soon as the bridge
    finds itself in it, it gives up its descriptors, its signals and the call, which are the parent's.
    */
    public static function isChild(): bool
    {
        if (self::$isChild || getmypid() === self::$processId) {
            return self::$isChild;
        }
        self::$isChild = true;
        self::$invocation = null;
        if (self::$channel !== null) {
            self::$channel->close();
            self::$channel = null;
        }
        if (self::$calls !== null) {
            self::$calls->close();
        }
        Native::close();
        Signals::giveUp();
        return true;
    }

    /** A forked child in which the handler has returned, or thrown, is at the end of its program. */
    private static function endChild(?\Throwable $error = null): void
    {
        if (!self::isChild()) {
            return;
        }
        if ($error !== null) {
            fwrite(self::$plain['stderr'], "core-bridge: uncaught in a process that the function forked: $error\n");
        }
        exit($error === null ? 0 : 255);
    }

    /** What the function does with its buffers as they end may fail, too. */
    private static function flushBuffers(): void
    {
        try {
            while (ob_get_level() > self::baseLevel() && ob_end_flush());
        } catch (\Throwable $error) {
            self::logError($error);
        }
    }

    /** Puts back what the handler may have left behind: open buffers, a time limit. Its last words are sent. */
    private static function settle(): void
    {
        self::flushBuffers();
        if (self::$channel !== null && (ob_get_level() !== 1 || (ob_get_status()['flags'] & PHP_OUTPUT_HANDLER_DISABLED) !== 0)) {
            while (ob_get_level() > 0 && ob_end_clean()); // a callback that throws has PHP shut off ours, too
            self::startBuffer();
        }
        if (ini_get('max_execution_time') !== '0') {
            set_time_limit(0); // it would end a later call
        }
        self::$invocation->end();
        self::$invocation = null;
    }

    /**
    Runs when PHP ends: after SIGTERM, and when the function called exit() or died of a fatal error. While loading that
    is one more way not to load; within a call its caller gets a reply, nobody else a half-dead process.
    */
    public static function onShutdown(): void
    {
        if (self::isChild()) {
            return;
        }
        $fatal = fatalError();
        if (self::$isLoading) {
            ini_set('memory_limit', '-1');
            self::notLoaded(new \RuntimeException($fatal ?? 'exit() was called while the handler was loaded'));
            self::serve();
            exit(0); // a clean stop, whatever kept the handler from loading
        } elseif (self::$invocation !== null && self::$calls !== null) {
            ini_set('memory_limit', '-1'); // it may be used up
            set_time_limit(0);
            set_error_handler([self::class, 'ignore']);
            while (ob_get_level() > 0 && ob_end_flush());
            self::log('core-bridge: the handler ended the process: ' . ($fatal ?? 'exit() was called') . "\n");
            self::$invocation->end();
            self::$invocation = null;
            if (self::$channel !== null) {
                self::$channel->drain(3.0);
            }
            self::$calls->replyAndLeave(Reply::failed($fatal ?? 'The handler called exit()'));
        }
    }

    // Output ----------------------------------------------------------------------------------------------------------

    /** Catches echo and print. It may be removed, else `while (ob_get_level()) ob_end_clean();` would never end. */
    private static function startBuffer(): void
    {
        ob_start(static function (string $text): string {
            self::put('stdout', $text);
            return '';
        }, 1);
    }

    private static function baseLevel(): int
    {
        return self::$channel === null ? 0 : 1;
    }

    /** Output of the function: tagged within a call, plain outside. */
    public static function put(string $stream, string $text): void
    {
        if ($text === '') {
            return;
        }
        if (!self::isChild() && self::$invocation !== null && self::$channel !== null) {
            self::$invocation->capture($stream, $text);
        } else {
            @fwrite(self::$plain[$stream], $text);
        }
    }

    /** An error that was thrown, as one record, of its call when there is one; without a channel its lines go to stderr. */
    private static function logError(\Throwable $error, string $prefix = ''): void
    {
        if (self::$channel === null) {
            self::log("$prefix$error\n");
            return;
        }
        $title = $prefix . get_class($error) . ': ' . $error->getMessage();
        self::$channel->write([
            'log' => (self::$invocation?->record('stderr') ?? ['stream' => 'stderr']) + [
                'level' => 'error',
                'line' => substr($title, 0, TITLE_MAX_BYTES),
                'stack' => substr(self::withoutBridge((string) $error), 0, LINE_MAX_BYTES),
            ],
        ]);
    }

    /** Leaves out the frames of the bridge and those that called it: they tell nothing of the function. */
    private static function withoutBridge(string $trace): string
    {
        $isOurs = false;
        $kept = array_filter(explode("\n", $trace), static function (string $line) use (&$isOurs): bool {
            $isFrame = preg_match('/^#\d+ /', $line) === 1;
            $isOurs = $isFrame && ($isOurs || str_contains($line, __FILE__));
            return !$isOurs;
        });
        return implode("\n", $kept);
    }

    /** The bridge's own word; within a call it is tagged like the call's. */
    private static function log(string $text): void
    {
        self::put('stderr', $text);
    }
}

/** Reads the environment. The bridge's own names are gone before user code can see them. */
final class Settings
{
    public int $port;
    public string $handlerPath;
    public string $handlerName;
    public string $token;
    /** For reports and lines, and for calls; -1 where there is none. */
    public int $fd;
    public int $callsFd;
    public int $maxBytes;
    /** The function reads bodies from its context. */
    public bool $streamsBodies;

    public static function take(): self
    {
        $taken = new self();
        $taken->port = (int) (getenv('SCW_UPSTREAM_PORT') ?: 8081);
        $taken->handlerPath = (string) getenv('SCW_HANDLER_PATH');
        $taken->handlerName = getenv('SCW_HANDLER_NAME') ?: 'handle';
        $taken->token = (string) getenv('CORE_BRIDGE_TOKEN');
        $taken->fd = self::descriptor('CORE_BRIDGE_FD');
        $taken->callsFd = self::descriptor('CORE_CALLS_FD');
        // A JSON escape makes one byte six; the rest of the event has room beside it.
        $taken->maxBytes = 6 * ((int) getenv('SCW_PAYLOAD_MAX_SIZE') ?: 6291456) + 8 * 1024 * 1024;
        $taken->streamsBodies = getenv('CORE_REQUEST_BODY') === 'stream';
        foreach (['CORE_BRIDGE_TOKEN', 'CORE_BRIDGE_FD', 'CORE_CALLS_FD'] as $name) {
            putenv($name);
            unset($_SERVER[$name], $_ENV[$name]);
        }
        return $taken;
    }

    private static function descriptor(string $name): int
    {
        $text = (string) getenv($name);
        return isDigits($text) ? (int) $text : -1;
    }
}

// The process ---------------------------------------------------------------------------------------------------------

/**
While the function runs, handlers of signals run at once, as in any program. In between they wait for the bridge's loop:
what they throw would hit the bridge anywhere. The function may handle SIGTERM and SIGINT: its handler runs, then ours.
*/
final class Signals
{
    /** SIGTERM came. */
    public static bool $isAsked = false;

    private static bool $isKnown = false;
    /** What the function wants. */
    private static bool $areAsync = true;
    /** @var array<int, \Closure> our handlers without one of the function's */
    private static array $first = [];
    /** @var array<int, \Closure> */
    private static array $ours = [];
    /** @var array<int, callable> handlers that the function has set */
    private static array $theirs = [];

    public static function open(): void
    {
        self::$isKnown = function_exists('pcntl_async_signals') && function_exists('pcntl_signal');
        if (!self::$isKnown) {
            return;
        }
        foreach ([SIGTERM, SIGINT] as $signal) {
            self::handle($signal, null);
        }
        self::$first = self::$ours;
        pcntl_async_signals(true);
    }

    private static function handle(int $signal, ?callable $theirs): void
    {
        self::$ours[$signal] = static function (int $signal, mixed $info) use ($theirs): void {
            if (Bridge::isChild()) {
                self::deliver($signal, $info, $theirs);
                return;
            }
            try {
                if ($theirs !== null) {
                    $theirs($signal, $info);
                }
            } finally {
                self::$isAsked = true;
            }
        };
        pcntl_signal($signal, self::$ours[$signal]);
    }

    /** The function runs. */
    public static function release(): void
    {
        if (self::$isKnown) {
            pcntl_async_signals(self::$areAsync);
        }
    }

    /** It has run. */
    public static function hold(): void
    {
        if (!self::$isKnown || Bridge::isChild()) {
            return;
        }
        self::$areAsync = pcntl_async_signals(false);
        foreach (self::$ours as $signal => $ours) {
            $set = pcntl_signal_get_handler($signal);
            if ($set === $ours) {
                continue;
            }
            unset(self::$theirs[$signal]);
            if ($set === self::$first[$signal]) { // the function has put back what it had found
                self::$ours[$signal] = $set;
            } elseif (is_callable($set)) {
                self::$theirs[$signal] = $set;
                self::handle($signal, $set);
            } else {
                self::handle($signal, null);
            }
        }
    }

    /** What came while they were held, in the middle of a call: what they throw is the call's error. */
    public static function catchUp(): void
    {
        if (self::$isKnown && pcntl_async_signals()) {
            pcntl_signal_dispatch();
        }
    }

    public static function dispatch(): void
    {
        if (!self::$isKnown) {
            return;
        }
        restore_error_handler();
        try {
            pcntl_signal_dispatch();
        } catch (\Throwable $error) {
            Bridge::stray($error);
        }
        set_error_handler([Bridge::class, 'ignore']);
    }

    /** In a child that the function has forked: as if the bridge had never been. */
    public static function giveUp(): void
    {
        foreach (self::$ours as $signal => $ours) {
            if (pcntl_signal_get_handler($signal) === $ours) {
                pcntl_signal($signal, self::$theirs[$signal] ?? SIG_DFL);
            }
        }
    }

    /** The first signal of a child that could not give up ours before. */
    private static function deliver(int $signal, mixed $info, ?callable $theirs): void
    {
        if ($theirs !== null) {
            $theirs($signal, $info);
        } elseif (function_exists('posix_kill')) {
            posix_kill((int) getmypid(), $signal);
        } else {
            exit(128 + $signal);
        }
    }
}

/**
What PHP cannot do by itself, where it has FFI: programs that the function starts get no descriptor of the bridge, and a
forked child is the function's own from its first moment, not only once the bridge finds itself in it.
*/
final class Native
{
    private const TYPES = 'typedef void (*hook)(void); int fcntl(int fd, int command, int flags); int close(int fd);';
    private const HOOKS = [
        'int __register_atfork(void *before, void *parent, hook child, void *library);', // glibc
        'int pthread_atfork(void *before, void *parent, hook child);', // musl
    ];
    private const F_SETFD = 2;
    private const FD_CLOEXEC = 1;

    private static ?\FFI $library = null;
    /** @var int[] */
    private static array $given = [];

    /** @param int[] $given the numbers that the core gave us */
    public static function open(array $given, callable $inChild): void
    {
        self::$given = array_filter($given, static fn(int $fd) => $fd > 2);
        foreach (class_exists('FFI', false) ? self::HOOKS : [] as $index => $hook) {
            try {
                self::$library = \FFI::cdef(self::TYPES . $hook);
                $child = static function () use ($inChild): void {
                    $inChild();
                };
                if ($index === 0) {
                    self::$library->__register_atfork(null, null, $child, null);
                } else {
                    self::$library->pthread_atfork(null, null, $child);
                }
                break;
            } catch (\Throwable) {
                // Not allowed here, or another libc.
            }
        }
        if (self::$library === null) {
            return;
        }
        // Nothing of the function's is open yet. PHP has the given descriptors under numbers of its own, too.
        foreach (@scandir('/proc/self/fd') ?: self::$given as $fd) {
            if ((int) $fd > 2) {
                self::$library->fcntl((int) $fd, self::F_SETFD, self::FD_CLOEXEC);
            }
        }
    }

    public static function close(): void
    {
        foreach (self::$library === null ? [] : self::$given as $fd) {
            self::$library->close($fd);
        }
    }
}

// Loading -------------------------------------------------------------------------------------------------------------

final class Loader
{
    public static function locate(string $wanted): string
    {
        if ($wanted === '') {
            throw new \RuntimeException('SCW_HANDLER_PATH is not set');
        }
        foreach ([$wanted, "$wanted.php"] as $file) {
            if (is_file($file)) {
                return (string) realpath($file);
            }
        }
        throw new \RuntimeException("no handler file at $wanted or $wanted.php");
    }

    /**
    Composer's file for a handler: beside it, else in the nearest parent up to the function's root. That is the working
    directory, or the nearest folder with a composer.json; above it a vendor/ is not the function's.
    */
    public static function autoload(string $handler): ?string
    {
        $found = null;
        for ($folder = dirname($handler); $folder !== dirname($folder); $folder = dirname($folder)) {
            $file = "$folder/vendor/autoload.php";
            $found ??= is_file($file) ? $file : null;
            if ($folder === getcwd() || is_file("$folder/composer.json")) {
                return $found;
            }
        }
        $file = dirname($handler) . '/vendor/autoload.php';
        return is_file($file) ? $file : null;
    }

    /** A function or Class::method that the file declares, or a member of what it returns. */
    public static function pick(string $file, string $name, mixed $returned): \Closure
    {
        $found = self::function($file, $name) ?? self::method($file, $name) ?? self::member($returned, $name);
        if ($found === null) {
            throw new \RuntimeException("$file declares no function named $name");
        }
        return $found;
    }

    /** By its full name, else by its last part when this file declares it in a namespace. */
    private static function function(string $file, string $name): ?\Closure
    {
        if (function_exists($name)) {
            $function = new \ReflectionFunction($name);
            if ($function->isUserDefined() && $function->getFileName() !== __FILE__) {
                return $function->getClosure();
            }
        }
        $ending = '\\' . strtolower($name);
        foreach (get_defined_functions()['user'] as $candidate) {
            if (!str_ends_with($candidate, $ending)) {
                continue;
            }
            $function = new \ReflectionFunction($candidate);
            if ($function->getFileName() === $file) {
                return $function->getClosure();
            }
        }
        return null;
    }

    /** An instance is made once, without arguments, when the method is not static. */
    private static function method(string $file, string $name): ?\Closure
    {
        [$class, $method] = explode('::', $name, 2) + [1 => ''];
        if ($method === '') {
            return null;
        }
        if (!class_exists($class)) {
            $class = self::classIn($file, $class);
        }
        if ($class === null || !method_exists($class, $method) || (new \ReflectionClass($class))->getFileName() === __FILE__) {
            return null;
        }
        $found = new \ReflectionMethod($class, $method);
        if (!$found->isPublic()) {
            return null;
        }
        return $found->isStatic() ? $found->getClosure() : $found->getClosure(new $class());
    }

    private static function classIn(string $file, string $name): ?string
    {
        $ending = '\\' . strtolower($name);
        foreach (get_declared_classes() as $candidate) {
            if (str_ends_with(strtolower($candidate), $ending) && (new \ReflectionClass($candidate))->getFileName() === $file) {
                return $candidate;
            }
        }
        return null;
    }

    /** `return ['greet' => function …];` is a module of functions, `return function …;` is `handle`. */
    private static function member(mixed $returned, string $name): ?\Closure
    {
        if ($returned instanceof \Closure) {
            return $name === 'handle' ? $returned : null;
        }
        foreach (explode('.', $name) as $step) {
            if (is_array($returned) && array_key_exists($step, $returned)) {
                $returned = $returned[$step];
            } else {
                return null;
            }
        }
        return is_callable($returned) ? \Closure::fromCallable($returned) : null;
    }
}

// What the handler gets -----------------------------------------------------------------------------------------------

/** Headers in Title-Case, in which any case finds the value. */
class Headers extends \ArrayObject implements \JsonSerializable
{
    private function nameOf(mixed $key): mixed
    {
        if (!is_string($key) || parent::offsetExists($key)) {
            return $key;
        }
        $wanted = strtolower($key);
        foreach ($this as $name => $_) {
            if (strtolower((string) $name) === $wanted) {
                return $name;
            }
        }
        return $key;
    }

    public function offsetExists(mixed $key): bool
    {
        return parent::offsetExists($this->nameOf($key));
    }

    public function offsetGet(mixed $key): mixed
    {
        return parent::offsetGet($this->nameOf($key));
    }

    public function offsetSet(mixed $key, mixed $value): void
    {
        parent::offsetSet($this->nameOf($key), $value);
    }

    public function offsetUnset(mixed $key): void
    {
        parent::offsetUnset($this->nameOf($key));
    }

    public function jsonSerialize(): object
    {
        return (object) $this->getArrayCopy();
    }
}

/** The members that the core sent, as $context['functionName'] and as $context->functionName. */
class Context extends \ArrayObject implements \JsonSerializable
{
    /**
    @param resource|null $body that of the request, when the function reads it as it comes: $context['body'] and
    $context->body. It stays out of copies and of JSON.
    */
    public function __construct(array $members, private string $target, private $body = null)
    {
        parent::__construct($members, \ArrayObject::ARRAY_AS_PROPS);
    }

    public function offsetExists(mixed $key): bool
    {
        return $key === 'body' && $this->body !== null || parent::offsetExists($key);
    }

    public function offsetGet(mixed $key): mixed
    {
        return $key === 'body' && $this->body !== null ? $this->body : parent::offsetGet($key);
    }

    public function asArray(): array
    {
        return $this->getArrayCopy() + ($this->body === null ? [] : ['body' => $this->body]);
    }

    /** Path and query as the request line had them, in ASCII, as in PSR-7. It is no member, so that it stays out of copies and of JSON. */
    public function getRequestTarget(): string
    {
        return $this->target;
    }

    /** Milliseconds until the deadline, never below 0; INF when there is none. */
    public function getRemainingTimeInMillis(): int|float
    {
        $deadlineMs = $this['deadlineMs'] ?? null;
        return $deadlineMs === null ? INF : max(0, (int) ($deadlineMs - microtime(true) * 1000));
    }

    public function jsonSerialize(): object
    {
        return (object) $this->getArrayCopy();
    }
}

/** A target is sent where the event does not tell all of it. A core that sends none has lost how the query was spelled. */
function targetOf(mixed $event): string
{
    $path = is_string($event['path'] ?? null) ? $event['path'] : '/';
    $path = preg_replace_callback('/[^\x21-\x7e]|[%?]/', static fn(array $found) => rawurlencode($found[0]), $path);
    $pairs = [];
    foreach ((array) ($event['multiValueQueryStringParameters'] ?? $event['queryStringParameters'] ?? []) as $name => $values) {
        foreach ((array) $values as $value) {
            $pairs[] = rawurlencode((string) $name) . '=' . rawurlencode(is_scalar($value) ? (string) $value : '');
        }
    }
    return $pairs === [] ? $path : "$path?" . implode('&', $pairs);
}

/**
A body of a request that the function reads as it comes. Credit for more follows what was read. A body that breaks off never
looks like one that ends: the read throws.
*/
final class Feed
{
    /** @var string[] what came and was not read */
    private array $pieces = [];
    /** Bytes of the first that were read. */
    private int $from = 0;
    private bool $isWhole = false;
    private ?string $failure = null;
    private int $owed = 0;

    /** @param int $number of its call */
    public function __construct(private int $number)
    {
    }

    /** A body that came whole, read like any other. */
    public static function ofEvent(mixed $event): self
    {
        $feed = new self(0);
        $body = is_array($event) ? (string) ($event['body'] ?? '') : '';
        $body = ($event['isBase64Encoded'] ?? false) === true ? (string) base64_decode($body) : $body;
        if ($body !== '') {
            $feed->take($body);
        }
        $feed->take('');
        return $feed;
    }

    /** The next piece; the empty one is the end. */
    public function take(string $piece): void
    {
        if ($piece === '') {
            $this->isWhole = true;
        } elseif ($this->failure === null) {
            $this->pieces[] = $piece;
        }
    }

    /** Nothing more comes. What came can still be read if it is all. */
    public function breakOff(string $why): void
    {
        if (!$this->isWhole && $this->failure === null) {
            $this->failure = $why;
            $this->pieces = [];
        }
    }

    public function isReady(): bool
    {
        return $this->pieces !== [] || $this->isWhole || $this->failure !== null;
    }

    public function isRead(): bool
    {
        return $this->isWhole && $this->pieces === [];
    }

    /** What there is, so many bytes at most; nothing behind the last. Waits until something is there. */
    public function read(int $most): string
    {
        while (!$this->isReady()) {
            Bridge::goIn(static fn(Calls $calls) => $calls->waitForBody());
        }
        if ($this->failure !== null) {
            throw new \RuntimeException($this->failure);
        }
        if ($this->pieces === []) {
            return '';
        }
        $piece = substr($this->pieces[0], $this->from, $most);
        $this->from += strlen($piece);
        if ($this->from === strlen($this->pieces[0])) {
            array_shift($this->pieces);
            $this->from = 0;
        }
        $this->owed += strlen($piece);
        if ($this->owed >= PIECE_BYTES && !$this->isWhole) {
            $frame = frame(CREDIT, $this->number, pack('N', $this->owed));
            $this->owed = 0;
            Bridge::goIn(static fn(Calls $calls) => $calls->grant($frame));
        }
        return $piece;
    }
}

/** The stream that shows a feed to the function: fread, fgets, stream_copy_to_stream and the like read it. */
final class FeedStream
{
    /** PHP sets it. @var resource|null */
    public $context;
    private const NAME = 'core-runtime.body';
    /** That of the stream that is being opened. */
    private static ?Feed $opened = null;
    private Feed $feed;

    /** @return resource */
    public static function open(Feed $feed)
    {
        if (!in_array(self::NAME, stream_get_wrappers(), true)) {
            stream_wrapper_register(self::NAME, self::class);
        }
        self::$opened = $feed;
        $stream = fopen(self::NAME . '://', 'rb');
        self::$opened = null;
        stream_set_chunk_size($stream, PIECE_BYTES);
        return $stream;
    }

    public function stream_open(): bool
    {
        if (self::$opened === null) {
            return false;
        }
        $this->feed = self::$opened;
        return true;
    }

    public function stream_read(int $most): string
    {
        return $this->feed->read($most);
    }

    public function stream_eof(): bool
    {
        return $this->feed->isRead();
    }

    public function stream_stat(): array
    {
        return [];
    }

    public function stream_set_option(): bool
    {
        return false;
    }
}

// JSON ----------------------------------------------------------------------------------------------------------------

/** Numbers too large for an integer stay whole, as strings. Null, with json_last_error() set, when it is not JSON. */
function readJson(string $text): mixed
{
    $value = json_decode($text, true, JSON_DEPTH, JSON_BIGINT_AS_STRING);
    if (json_last_error() === JSON_ERROR_UTF16) {
        // Half of a surrogate pair, which UTF-8 cannot hold: one such character must not cost the call.
        $pattern = '/\\\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)/s';
        $whole = preg_replace_callback($pattern, static fn(array $match) => isset($match[1]) ? '\\ufffd' : $match[0], $text);
        $value = json_decode((string) $whole, true, JSON_DEPTH, JSON_BIGINT_AS_STRING);
    }
    return $value;
}

/**
The result of a call. Bytes need no base64 where the body may stand beside the JSON; else they become the envelope's
base64 form.
*/
function writeResult(mixed $result, bool $isApart): Reply
{
    if ($result === null) {
        return new Reply();
    }
    try {
        $result = readResult($result);
        $body = is_array($result) ? $result['body'] ?? null : $result;
        if (!$isApart || !is_string($body)) {
            return new Reply(IS_JSON, writeJson($result));
        }
        $form = isUtf8($body) ? HAS_TEXT : HAS_BYTES;
        if (!is_array($result)) {
            return new Reply($form, '', $body);
        }
        unset($result['body']);
        return new Reply($form, writeJson((object) $result), $body);
    } catch (\Throwable $error) {
        throw new \UnexpectedValueException('The result of the function is not JSON: ' . messageOf($error), 0, $error);
    }
}

function writeJson(mixed $value): string
{
    $text = json_encode($value, JSON_FLAGS, JSON_DEPTH);
    if (json_last_error() === JSON_ERROR_UTF8) {
        $text = json_encode(withBase64($value), JSON_FLAGS, JSON_DEPTH);
    }
    if (json_last_error() !== JSON_ERROR_NONE) {
        $isEndless = in_array(json_last_error(), [JSON_ERROR_RECURSION, JSON_ERROR_DEPTH], true);
        throw new \UnexpectedValueException($isEndless ? 'it is circular or too deep' : json_last_error_msg());
    }
    if (str_contains($text, '{}')) {
        refuseHollow($value);
    }
    return $text;
}

function isUtf8(string $text): bool
{
    return preg_match('//u', $text) === 1;
}

/** Objects whose meaning is plain become what they stand for: the result itself, its body, its headers. */
function readResult(mixed $result): mixed
{
    if (is_object($result)) {
        $result = readObject($result);
        if (is_object($result)) {
            $members = $result instanceof \ArrayObject ? $result->getArrayCopy() : get_object_vars($result);
            if (!isset($members['headers']) && !isset($members['multiValueHeaders']) && !isset($members['body'])) {
                return $result;
            }
            $result = $members;
        }
    }
    if (is_array($result)) {
        foreach (['headers', 'multiValueHeaders'] as $name) {
            if (isset($result[$name]) && !is_scalar($result[$name])) {
                $result[$name] = readHeaders($result[$name]);
            }
        }
        if (is_object($result['body'] ?? null)) {
            $result['body'] = readObject($result['body']);
        }
    }
    return $result;
}

function readObject(object $value): mixed
{
    if ($value instanceof \stdClass) {
        return $value;
    }
    while ($value instanceof \JsonSerializable) {
        $plain = $value->jsonSerialize();
        if (!is_object($plain) || $plain === $value) {
            return $plain;
        }
        $value = $plain;
    }
    if (method_exists($value, 'getStatusCode') && method_exists($value, 'getHeaders') && method_exists($value, 'getBody')) {
        // A response as in PSR-7.
        return ['statusCode' => $value->getStatusCode(), 'headers' => $value->getHeaders(), 'body' => (string) $value->getBody()];
    }
    return $value instanceof \Stringable && !$value instanceof \Throwable && isHollow($value) ? (string) $value : $value;
}

/** Names and values of any map: an array, an object that is read like one, or a message that has headers. */
function readHeaders(mixed $headers): mixed
{
    if ($headers instanceof \JsonSerializable) {
        $headers = $headers->jsonSerialize();
    } elseif (is_object($headers) && method_exists($headers, 'getHeaders')) {
        $headers = $headers->getHeaders();
    }
    if ($headers instanceof \Traversable && !$headers instanceof \Generator) {
        $headers = iterator_to_array($headers);
    }
    return $headers === [] ? new \stdClass() : $headers; // in PHP an empty map looks like an empty list
}

/** JSON would make `{}` of it, although it holds something. */
function isHollow(object $value): bool
{
    if ($value instanceof \stdClass || $value instanceof \ArrayObject || $value instanceof \ArrayIterator) {
        return false;
    }
    return get_object_vars($value) === [] && json_encode($value) === '{}'
        && ((array) $value !== [] || $value instanceof \Traversable || (new \ReflectionObject($value))->isInternal());
}

/** @throws \UnexpectedValueException for the first hollow object in it */
function refuseHollow(mixed $value): void
{
    if (is_object($value)) {
        if ($value instanceof \JsonSerializable) {
            return; // it has said what it is
        }
        if (isHollow($value)) {
            $problem = match (true) {
                $value instanceof \Generator => 'a generator must be read first',
                $value instanceof \Closure => 'a function must be called first',
                default => 'an object of ' . get_debug_type($value) . ' has no public members',
            };
            throw new \UnexpectedValueException($problem);
        }
        $value = $value instanceof \ArrayObject || $value instanceof \ArrayIterator ? $value->getArrayCopy() : get_object_vars($value);
    }
    if (is_array($value)) {
        foreach ($value as $member) {
            if (is_array($member) || is_object($member)) {
                refuseHollow($member);
            }
        }
    }
}

// Bodies that are made piece by piece ---------------------------------------------------------------------------------

/** A result, or its member `body`, that makes its pieces one by one. */
final class Pieces
{
    /** Its headers say of what type the body is, or how it is coded. */
    public bool $isTyped = false;
    private ?\Iterator $iterator = null;
    private bool $hasBegun = false;

    /**
    @param mixed $source a generator, another Traversable, or a stream
    @param array|null $rest the members beside the body; null where the result is the body
    */
    private function __construct(private mixed $source, private ?array $rest)
    {
        foreach (['headers', 'multiValueHeaders'] as $fields) {
            foreach (array_keys((array) ($rest[$fields] ?? [])) as $name) {
                $this->isTyped = $this->isTyped || in_array(strtolower((string) $name), ['content-type', 'content-encoding'], true);
            }
        }
    }

    /** Null for a result that is there as a whole. */
    public static function of(mixed $result): ?self
    {
        if (self::isSource($result)) {
            return new self($result, null);
        }
        $isList = is_array($result) || $result instanceof \ArrayObject;
        $body = $isList ? $result['body'] ?? null : (is_object($result) ? $result->body ?? null : null);
        if (!self::isSource($body) || $result instanceof Context) {
            return null;
        }
        $rest = $result instanceof \ArrayObject ? $result->getArrayCopy() : (is_object($result) ? get_object_vars($result) : $result);
        unset($rest['body']);
        return new self($body, readResult($rest));
    }

    /** What can be counted, or be read by an index, lists values. */
    private static function isSource(mixed $value): bool
    {
        if (is_resource($value)) {
            return get_resource_type($value) === 'stream' && strpbrk(stream_get_meta_data($value)['mode'], 'r+') !== false;
        }
        if ($value instanceof \Generator) {
            return true;
        }
        $isList = $value instanceof \Countable || $value instanceof \ArrayAccess || $value instanceof \JsonSerializable;
        return $value instanceof \Traversable && !$isList && isHollow($value);
    }

    /** The JSON beside the body. */
    public function head(): string
    {
        $json = $this->rest === null ? '' : writeJson((object) $this->rest);
        if (strlen($json) > PIECE_BYTES) {
            throw new \UnexpectedValueException('Beside a streamed body at most ' . PIECE_BYTES . ' bytes of JSON have room');
        }
        return $json;
    }

    /** The next piece; null behind the last. */
    public function next(): ?string
    {
        $isThere = false;
        $piece = Bridge::goOn(function () use (&$isThere): mixed {
            return is_resource($this->source) ? $this->read($isThere) : $this->make($isThere);
        });
        if (!$isThere) {
            return null;
        }
        if (!is_string($piece)) {
            throw new \UnexpectedValueException('A piece of a streamed body must be a text or bytes, not ' . get_debug_type($piece));
        }
        return $piece;
    }

    private function make(bool &$isThere): mixed
    {
        if ($this->iterator === null) {
            for ($iterator = $this->source; $iterator instanceof \IteratorAggregate;) {
                $iterator = $iterator->getIterator();
            }
            $this->iterator = $iterator instanceof \Iterator ? $iterator : new \IteratorIterator($iterator);
        }
        if ($this->hasBegun) {
            $this->iterator->next();
        } else {
            $this->hasBegun = true;
            $this->iterator->rewind();
        }
        $isThere = $this->iterator->valid();
        $piece = $isThere ? $this->iterator->current() : null;
        return $piece instanceof \Stringable ? (string) $piece : $piece;
    }

    /** What there is, without waiting for more. */
    private function read(bool &$isThere): string
    {
        do {
            $piece = fread($this->source, PIECE_BYTES);
            if ($piece === false && feof($this->source)) {
                throw new \RuntimeException('The stream of the body could not be read to its end');
            }
            $isThere = $piece !== '' && $piece !== false;
            $isOver = $isThere || $piece === false || feof($this->source);
            [$ready, $none] = [[$this->source], null];
        } while (!$isOver && stream_select($ready, $none, $none, 1) !== false);
        return (string) $piece;
    }

    /** The result with all of its body. */
    public function gather(): mixed
    {
        $body = '';
        while (($piece = $this->next()) !== null) {
            $body .= $piece;
            if (strlen($body) > GATHERED_MAX_BYTES) {
                throw new \UnexpectedValueException('A streamed body of more than ' . GATHERED_MAX_BYTES . ' bytes cannot be gathered');
            }
        }
        return $this->rest === null ? $body : ['body' => $body] + $this->rest;
    }

    /** Nobody wants more: the `finally` of a generator runs, and a stream is closed. */
    public function close(): void
    {
        $source = $this->source;
        $this->source = $this->iterator = null;
        try {
            Bridge::goOn(static function () use (&$source): void {
                if (is_resource($source)) {
                    fclose($source);
                }
                $source = null;
            });
        } catch (\Throwable $error) {
            Bridge::stray($error);
        }
    }
}

/** Whether it is UTF-8, apart from a last character that is cut off. */
function beginsAsUtf8(string $text): bool
{
    $whole = (string) preg_replace('/[\xC2-\xF4][\x80-\xBF]{0,2}$/D', '', $text);
    return isUtf8($text) || $whole !== '' && isUtf8($whole);
}

function withBase64(mixed $result): mixed
{
    if (is_string($result)) {
        return ['body' => base64_encode($result), 'isBase64Encoded' => true];
    }
    if (!is_array($result) || !is_string($result['body'] ?? null) || isUtf8($result['body'])) {
        return $result;
    }
    return ['body' => base64_encode($result['body']), 'isBase64Encoded' => true] + $result;
}

// Errors --------------------------------------------------------------------------------------------------------------

/** What the caller reads: the bare message. The core adds its prefix. */
function messageOf(\Throwable $error): string
{
    return $error->getMessage() === '' ? get_class($error) : $error->getMessage();
}

/** One line: name, message and place. Every bridge calls a file that cannot be parsed a SyntaxError. */
function causeOf(\Throwable $error): string
{
    $name = $error instanceof \ParseError ? 'SyntaxError' : get_class($error);
    $place = $error instanceof \Error ? ' (' . $error->getFile() . ':' . $error->getLine() . ')' : '';
    return "$name: " . strtok(messageOf($error), "\n") . $place;
}

/** The first line of the error that ended PHP, if one did. */
function fatalError(): ?string
{
    $last = error_get_last();
    $isFatal = $last !== null && ($last['type'] & (E_ERROR | E_CORE_ERROR | E_COMPILE_ERROR | E_USER_ERROR | E_PARSE)) !== 0;
    return $isFatal ? (string) strtok($last['message'], "\n") : null;
}

// Output of a call ----------------------------------------------------------------------------------------------------

/** Collects what one call writes and sends it as whole lines, tagged. */
final class Invocation
{
    public ?string $id;
    /** @var array<string, string> the carrier of the caller's trace */
    public array $trace;
    private ?string $traceId = null;
    private ?Channel $channel;
    private array $rest = ['stdout' => '', 'stderr' => ''];

    public function __construct(Context $context, ?Channel $channel)
    {
        $members = $context->getArrayCopy();
        $this->id = is_string($members['invocationId'] ?? null) ? $members['invocationId'] : null;
        $this->trace = is_array($members['trace'] ?? null) ? $members['trace'] : [];
        $this->channel = $channel;
    }

    public function capture(string $stream, string $text): void
    {
        $text = $this->rest[$stream] . $text;
        $from = 0;
        while (($end = strpos($text, "\n", $from)) !== false) {
            $this->send($stream, substr($text, $from, $end - $from));
            $from = $end + 1;
        }
        $rest = substr($text, $from);
        if (strlen($rest) > LINE_MAX_BYTES) {
            $this->send($stream, $rest);
            $rest = '';
        }
        $this->rest[$stream] = $rest;
    }

    public function end(): void
    {
        foreach ($this->rest as $stream => $rest) {
            if ($rest !== '') {
                $this->rest[$stream] = '';
                $this->send($stream, $rest);
            }
        }
    }

    private function send(string $stream, string $line): void
    {
        if ($this->channel === null) {
            return;
        }
        $record = $this->record($stream);
        do {
            $length = strlen($line);
            if ($length > LINE_MAX_BYTES) {
                $length = LINE_MAX_BYTES;
                while ($length > LINE_MAX_BYTES - 4 && (ord($line[$length]) & 0xC0) === 0x80) {
                    $length--; // not within a character
                }
            }
            $this->channel->write(['log' => $record + ['line' => substr($line, 0, $length)]]);
            $line = substr($line, $length);
        } while ($line !== '');
    }

    public function record(string $stream): array
    {
        $record = ['stream' => $stream];
        if ($this->id !== null) {
            $record['invocationId'] = $this->id;
        }
        $this->traceId ??= explode('-', (string) ($this->trace['traceparent'] ?? ''))[1] ?? '';
        if ($this->traceId !== '') {
            $record['traceId'] = $this->traceId;
        }
        return $record;
    }
}

/** Sits on STDOUT and STDERR: what a call writes there goes to the channel. */
final class TagFilter extends \php_user_filter
{
    /**
    @param resource $in
    @param resource $out
    @param int $consumed
    */
    public function filter($in, $out, &$consumed, bool $closing): int
    {
        $passes = false;
        while ($bucket = stream_bucket_make_writeable($in)) {
            $consumed += $bucket->datalen;
            if (Bridge::isChild() || Bridge::$invocation === null) {
                stream_bucket_append($out, $bucket);
                $passes = true;
            } else {
                Bridge::put((string) $this->params, $bucket->data);
            }
        }
        return $passes ? PSFS_PASS_ON : PSFS_FEED_ME;
    }
}

/**
The core's end of the descriptor. Never waits for the reader: past 8 MiB unread, lines are dropped, and their
number is reported as soon as the reader has caught up. A reader that is gone costs the lines, not the process.
*/
final class Channel
{
    /** @var resource */
    private $stream;
    private string $unsent = '';
    private int $from = 0;
    private int $dropped = 0;
    private bool $isOpen = true;

    public static function open(int $fd): ?self
    {
        $stream = @fopen("php://fd/$fd", 'wb');
        if ($stream === false) {
            return null;
        }
        stream_set_blocking($stream, false);
        $channel = new self();
        $channel->stream = $stream;
        return $channel;
    }

    /** @return resource */
    public function stream()
    {
        return $this->stream;
    }

    /** Its end in this process only. */
    public function close(): void
    {
        $this->isOpen = false;
        $this->unsent = '';
        $this->from = 0;
        fclose($this->stream);
    }

    /** The core has ended its side, or is gone. */
    public function isLetGo(): bool
    {
        $read = [$this->stream];
        $write = $except = null;
        return !$this->isOpen || stream_select($read, $write, $except, 0) !== 0;
    }

    public function write(array $record): void
    {
        if (!$this->isOpen) {
            return;
        }
        if (strlen($this->unsent) - $this->from > CHANNEL_MAX_BYTES) {
            $this->send(); // the reader may have caught up within this very call
        }
        if (isset($record['log']) && strlen($this->unsent) - $this->from > CHANNEL_MAX_BYTES) {
            $this->dropped++;
            return;
        }
        $this->tellDropped();
        $this->unsent .= $this->line($record);
        $this->send();
    }

    private function tellDropped(): void
    {
        if ($this->dropped > 0) {
            $this->unsent .= $this->line(['dropped' => $this->dropped]);
            $this->dropped = 0;
        }
    }

    private function line(array $record): string
    {
        return json_encode($record, JSON_FLAGS | JSON_INVALID_UTF8_SUBSTITUTE) . "\n";
    }

    public function send(): void
    {
        $length = strlen($this->unsent);
        set_error_handler([Bridge::class, 'ignore']);
        while ($this->from < $length) {
            $piece = substr($this->unsent, $this->from, 65536);
            $sent = fwrite($this->stream, $piece);
            if ($sent === false) {
                $this->isOpen = false;
                $this->from = $length;
                break;
            }
            $this->from += $sent;
            if ($sent < strlen($piece)) {
                break;
            }
        }
        restore_error_handler();
        if ($this->from === $length) {
            $this->unsent = '';
            $this->from = 0;
            if ($this->isOpen && $this->dropped > 0) {
                $this->tellDropped();
                $this->send();
            }
        } elseif ($this->from > 1048576) {
            $this->unsent = substr($this->unsent, $this->from);
            $this->from = 0;
        }
    }

    /** @return resource|null what to wait for until more can be sent */
    public function backlog()
    {
        return $this->unsent === '' ? null : $this->stream;
    }

    public function drain(float $seconds): void
    {
        $endsAt = microtime(true) + $seconds;
        while ($this->unsent !== '' && microtime(true) < $endsAt) {
            $read = $except = null;
            $write = [$this->stream];
            @stream_select($read, $write, $except, 0, 50000);
            $this->send();
        }
    }
}

// Traces --------------------------------------------------------------------------------------------------------------

/** Makes the caller's trace active when the function has loaded OpenTelemetry. */
function attachTrace(array $carrier): mixed
{
    if (!class_exists('OpenTelemetry\\API\\Globals', false)) {
        return null;
    }
    try {
        return \OpenTelemetry\API\Globals::propagator()->extract($carrier)->activate();
    } catch (\Throwable) {
        return null; // a broken propagator must not break the call
    }
}

function detachTrace(mixed $scope): void
{
    try {
        if ($scope !== null) {
            $scope->detach();
        }
    } catch (\Throwable) {
        // as above
    }
}

// Calls ---------------------------------------------------------------------------------------------------------------

/** One call, while its bytes arrive and until it is over. */
final class Call
{
    public int $number;
    public int $form;
    private int $jsonBytes;
    private int $missing;
    /** @var string[] */
    private array $parts = [];
    /** Where its body comes to, when the function reads it as it comes. */
    public ?Feed $feed = null;

    public function __construct(int $number, string $payload)
    {
        ['form' => $this->form, 'json' => $this->jsonBytes, 'body' => $bodyBytes] = unpack('Cform/Njson/Nbody', $payload);
        $this->number = $number;
        $this->missing = $this->jsonBytes;
        if ($bodyBytes === UNKNOWN_BYTES) {
            $this->feed = new Feed($number);
        } else {
            $this->missing += $bodyBytes;
        }
        $this->add(substr($payload, HEAD_BYTES));
    }

    public function add(string $bytes): void
    {
        $this->parts[] = $bytes;
        $this->missing -= strlen($bytes);
        if ($this->missing < 0) {
            throw new BrokenFrames('a call with more bytes than it said');
        }
    }

    public function isWhole(): bool
    {
        return $this->missing === 0;
    }

    /** Its JSON and its body. It keeps neither. @return array{string, string} */
    public function take(): array
    {
        $bytes = count($this->parts) === 1 ? $this->parts[0] : implode('', $this->parts);
        $this->parts = [];
        return [substr($bytes, 0, $this->jsonBytes), substr($bytes, $this->jsonBytes)];
    }
}

/** What becomes of a call: a result, which may be nothing, or the message of what failed. */
final class Reply
{
    public ?string $failure = null;
    /** All of it has been sent, or nobody wants the rest. */
    public bool $isOver = false;

    public function __construct(public int $form = IS_JSON, public string $json = '', public string $body = '')
    {
    }

    public static function over(): self
    {
        $reply = new self();
        $reply->isOver = true;
        return $reply;
    }

    public static function failed(string $message): self
    {
        $reply = new self();
        $reply->failure = $message;
        return $reply;
    }
}

final class BrokenFrames extends \Exception
{
}

function frame(int $type, int $call, string $payload = ''): string
{
    return pack('NCN', strlen($payload), $type, $call) . $payload;
}

/** What a message may hold on the way: UTF-8, 64 KiB of it. */
function messageBytes(string $text): string
{
    $text = substr($text, 0, PIECE_BYTES);
    if (isUtf8($text)) {
        return $text;
    }
    $whole = json_decode((string) json_encode($text, JSON_INVALID_UTF8_SUBSTITUTE));
    while (strlen($whole) > PIECE_BYTES) {
        $whole = (string) preg_replace('/.{1,1024}$/us', '', $whole);
    }
    return $whole;
}

/** Reads frames, runs one call after the other, and writes what became of each. */
final class Calls
{
    /** @var resource */
    private $stream;
    private ?Front $front = null;
    /** Bytes of a frame that is not whole. */
    private string $unread = '';
    /** Frames that answer what was read. They are written where no frame is half written, or half read. */
    private string $answers = '';
    /** @var array<int, Call> */
    private array $arriving = [];
    /** @var array<int, Call> whole, in the order in which they became so */
    private array $waiting = [];
    /** The call that runs, or whose reply is being sent. */
    private ?Call $serving = null;
    /** Bytes of its reply that may be sent. */
    private int $room = 0;
    private bool $isCancelled = false;
    private bool $isTaken = false;
    /** The other side has sent its last. */
    private bool $hasEnded = false;
    private int $parent;
    private const LET_GO = 'let go';
    private const FRONT = 'front';
    /** Monotonic seconds of the first look without a call since SIGTERM. */
    private ?float $restsSince = null;

    public static function open(int $fd): ?self
    {
        $stream = fopen("php://fd/$fd", 'r+b');
        return $stream === false ? null : new self($stream, null);
    }

    public static function overHttp(Settings $settings, string &$problem): ?self
    {
        $front = Front::start($settings, $problem);
        return $front === null ? null : new self($front->stream, $front);
    }

    /** @param resource $stream */
    private function __construct($stream, ?Front $front)
    {
        stream_set_blocking($stream, false);
        stream_set_read_buffer($stream, 0); // bytes that wait in PHP would wake nobody
        $this->stream = $stream;
        $this->front = $front;
        $this->parent = parentId();
    }

    /** Returns when the other side has ended, after SIGTERM, or when the core has died; each whole call is answered by then. */
    public function run(): void
    {
        while (true) {
            while ($this->waiting !== []) {
                $number = array_key_first($this->waiting);
                $call = $this->waiting[$number];
                unset($this->waiting[$number]);
                $this->serve($call);
            }
            if ($this->hasEnded && $this->front !== null && !Signals::$isAsked) {
                Bridge::put('stderr', "core-bridge: PHP's own server has ended\n");
                $this->leave();
                exit(1);
            }
            if ($this->hasEnded || Signals::$isAsked && $this->mayLeave()) {
                break;
            }
            if ($this->wait() === 0 && $this->front !== null && parentId() !== $this->parent) {
                break; // the core is gone and cannot send SIGTERM
            }
        }
        $this->leave();
    }

    /**
    A service manager sends SIGTERM to every process at once, and the core may still have calls: they are served. The
    core lets go right before a SIGTERM of its own. Without that the process ends once it has rested.
    */
    private function mayLeave(): bool
    {
        $now = hrtime(true) / 1e9;
        $this->restsSince ??= $now;
        return Bridge::$channel === null || Bridge::$channel->isLetGo() || $now - $this->restsSince >= REST_S;
    }

    private function serve(Call $call): void
    {
        $this->serving = $call;
        $this->isCancelled = false;
        $this->restsSince = null;
        try {
            $reply = Bridge::run($call);
        } catch (\Throwable $error) { // from a destructor of what the call has left behind
            Bridge::stray($error);
            $reply = Reply::failed(messageOf($error));
        }
        $call->feed?->breakOff(BODY_LATE);
        $this->reply($call->number, $reply);
        $this->serving = null;
    }

    /** The last reply of a process that cannot go on. */
    public function replyAndLeave(Reply $reply): void
    {
        if ($this->serving !== null) {
            $this->serving->feed?->breakOff(BODY_LATE);
            $this->reply($this->serving->number, $reply);
        }
        $this->leave();
    }

    private function reply(int $number, Reply $reply): void
    {
        if ($reply->failure !== null) {
            $this->write(frame(FAILED, $number, messageBytes($reply->failure)));
        } elseif ($reply->isOver) {
            $this->write(frame(END, $number));
        } else {
            $this->sendResult($number, $reply);
        }
        if ($this->front === null) {
            return;
        }
        $this->isTaken = false;
        for ($endsAt = time() + TAKE_TIMEOUT_S; !$this->isTaken && !$this->hasEnded && time() < $endsAt;) {
            $this->wait();
        }
        if (Bridge::$channel !== null && Bridge::$lastId !== null) {
            Bridge::$channel->write(['settled' => Bridge::$lastId]); // its connection is closed
        }
    }

    /** Sends a body as it is made, within the core's credit. With a type its head leaves before the first piece is made. */
    public function stream(Pieces $pieces): Reply
    {
        $number = $this->serving->number;
        $this->room = WINDOW_BYTES;
        $piece = $pieces->isTyped ? '' : $pieces->next();
        $first = substr((string) $piece, 0, FIRST_BYTES);
        $form = $first !== '' && beginsAsUtf8($first) ? HAS_TEXT : HAS_BYTES;
        $json = $pieces->head();
        if ($this->isLeft()) {
            return Reply::over();
        }
        $this->room -= strlen($json) + strlen($first);
        $this->write(frame(RESULT, $number, pack('CNN', $form, strlen($json), UNKNOWN_BYTES) . $json . $first));
        $rest = substr((string) $piece, strlen($first));
        while ($piece !== null && $this->sendPiece($number, $rest) && !$this->isLeft()) {
            $rest = $piece = $pieces->next();
        }
        return Reply::over();
    }

    /** Returns, once there is credit for more, whether more is wanted. */
    private function sendPiece(int $number, string $bytes): bool
    {
        for ($from = 0; ;) {
            while ($this->room === 0 && !$this->isCancelled && !$this->hasEnded) {
                $this->wait();
            }
            if ($this->isCancelled) {
                return false;
            }
            if ($this->room === 0) {
                throw new \RuntimeException('The channel ended before the reply was sent');
            }
            if ($from === strlen($bytes)) {
                return true;
            }
            $piece = substr($bytes, $from, min($this->room, PIECE_BYTES));
            $from += strlen($piece);
            $this->room -= strlen($piece);
            if (!$this->write(frame(DATA, $number, $piece))) {
                return false; // nobody reads any more
            }
        }
    }

    /** Reads what has come: nothing else does while a body is made. */
    private function isLeft(): bool
    {
        [$ready, $none] = [[$this->stream], null];
        while (!$this->hasEnded && stream_select($ready, $none, $none, 0)) {
            $this->read();
            $ready = [$this->stream];
        }
        return $this->isCancelled;
    }

    private function sendResult(int $number, Reply $reply): void
    {
        $lengths = pack('CNN', $reply->form, strlen($reply->json), strlen($reply->body));
        $bytes = $reply->json === '' ? $reply->body : $reply->json . $reply->body;
        $length = strlen($bytes);
        if ($length <= PIECE_BYTES - HEAD_BYTES) {
            $this->write(frame(RESULT, $number, $lengths . $bytes));
            return;
        }
        $reply->json = $reply->body = '';
        $this->room = $this->front === null ? WINDOW_BYTES : $length;
        $frames = '';
        for ($from = 0; $from < $length;) {
            $size = min($length - $from, $this->room, PIECE_BYTES - strlen($lengths));
            if ($size > 0) {
                $frames .= frame($lengths === '' ? DATA : RESULT, $number, $lengths . substr($bytes, $from, $size));
                $lengths = '';
                $this->room -= $size;
                $from += $size;
            }
            if ($from === $length || $this->room === 0 || strlen($frames) >= WINDOW_BYTES) {
                $isSent = $this->write($frames);
                $frames = '';
                while ($isSent && $from < $length && $this->room === 0 && !$this->isCancelled) {
                    if ($this->hasEnded) {
                        $this->room = $length; // no credit can come any more
                    } else {
                        $this->wait();
                    }
                }
                if ($this->isCancelled && $from < $length) {
                    $this->write(frame(END, $number));
                    return;
                }
                if (!$isSent) {
                    return; // nobody reads any more
                }
            }
        }
    }

    /**
    Writes all of it, and reads meanwhile, so that the two sides never wait for each other. The answers to what was read
    follow. False when nobody reads.
    */
    private function write(string $bytes): bool
    {
        do {
            $sent = fwrite($this->stream, $bytes);
            $length = strlen($bytes);
            for ($from = (int) $sent; $sent !== false && $from < $length; $from += (int) $sent) {
                $read = $this->hasEnded ? [] : [$this->stream];
                $write = [$this->stream];
                $except = null;
                if (stream_select($read, $write, $except, 1) && $read) {
                    $this->read();
                }
                $sent = fwrite($this->stream, substr($bytes, $from, FRAME_MAX_BYTES));
            }
            $bytes = $this->answers;
            $this->answers = '';
        } while ($sent !== false && $bytes !== '');
        return $sent !== false;
    }

    /** Waits a second at most for frames, signals and what else moves. @return int|false how many streams moved */
    private function wait(bool $isInCall = false): int|false
    {
        $ready = $this->hasEnded ? [] : [$this->stream];
        $except = null;
        if (Signals::$isAsked && Bridge::$channel !== null && $this->serving === null) {
            $ready[self::LET_GO] = Bridge::$channel->stream(); // readable once the core lets go
        }
        if ($this->front !== null) {
            $ready[self::FRONT] = $this->front->errors;
        }
        $backlog = Bridge::$channel === null ? null : Bridge::$channel->backlog();
        $write = $backlog === null ? null : [$backlog];
        // A signal that comes right before the wait is seen after a second.
        $count = stream_select($ready, $write, $except, 1);
        if (!$isInCall) {
            Signals::dispatch();
        }
        if (!$count) {
            return $count;
        }
        if ($write) {
            Bridge::$channel->send();
        }
        if (isset($ready[self::FRONT])) {
            $this->front->listen();
        }
        if (isset($ready[0])) {
            $this->read();
        }
        if ($this->answers !== '') {
            $this->write('');
        }
        return $count;
    }

    /** Reads what comes while the function waits for its body. */
    public function waitForBody(): void
    {
        $this->wait(true);
    }

    public function grant(string $credit): void
    {
        $this->write($credit);
    }

    private function read(): void
    {
        $data = fread($this->stream, $this->arriving === [] ? READ_BYTES : 16 * READ_BYTES);
        if ($data === '' || $data === false) {
            $this->hasEnded = feof($this->stream);
            foreach ($this->hasEnded ? [$this->serving, ...$this->waiting] : [] as $call) {
                $call?->feed?->breakOff(CHANNEL_ENDED_IN_BODY);
            }
            return;
        }
        if ($this->unread !== '') {
            $data = $this->unread . $data;
        }
        $from = 0;
        $length = strlen($data);
        while ($length - $from >= HEAD_BYTES) {
            ['length' => $size, 'type' => $type, 'call' => $number] = unpack('Nlength/Ctype/Ncall', $data, $from);
            if ($size > FRAME_MAX_BYTES) {
                throw new BrokenFrames("a frame of $size bytes");
            }
            if ($length - $from - HEAD_BYTES < $size) {
                break;
            }
            $this->hear($type, $number, substr($data, $from + HEAD_BYTES, $size));
            $from += HEAD_BYTES + $size;
        }
        $this->unread = $from === 0 ? $data : substr($data, $from);
    }

    private function hear(int $type, int $number, string $payload): void
    {
        if ($type === CALL) {
            if (strlen($payload) < HEAD_BYTES || isset($this->arriving[$number]) || isset($this->waiting[$number])) {
                throw new BrokenFrames('a CALL out of order');
            }
            $this->arriving[$number] = new Call($number, $payload);
            $this->admit($number);
        } elseif ($type === BODY && isset($this->arriving[$number])) {
            $this->arriving[$number]->add($payload);
            $this->admit($number);
        } elseif ($type === BODY) {
            $call = $this->waiting[$number] ?? ($number === $this->serving?->number ? $this->serving : null);
            $call?->feed?->take($payload); // else its reply has been sent
        } elseif ($type === CANCEL) {
            $this->cancel($number);
        } elseif ($type === CREDIT && $number === $this->serving?->number) {
            $this->room += unpack('Nbytes', $payload)['bytes'];
        } elseif ($type === PING) {
            $this->answers .= frame(PONG, 0);
        } elseif ($type === TAKEN) {
            $this->isTaken = true;
        }
    }

    private function admit(int $number): void
    {
        $call = $this->arriving[$number];
        if ($call->isWhole()) {
            unset($this->arriving[$number]);
            $this->waiting[$number] = $call;
        }
    }

    /** One that waits does not run. The handler cannot be broken off: of the call that runs only the reply can. */
    private function cancel(int $number): void
    {
        if (isset($this->arriving[$number]) || isset($this->waiting[$number])) {
            unset($this->arriving[$number], $this->waiting[$number]);
            $this->answers .= frame(END, $number);
        } elseif ($number === $this->serving?->number) {
            $this->isCancelled = true;
            $this->serving->feed?->breakOff(BODY_BROKE_OFF);
        }
    }

    private function leave(): void
    {
        Bridge::$isStopping = true;
        $this->front?->end();
        $this->close();
    }

    /** Our end in this process only. */
    public function close(): void
    {
        $this->front?->close();
        if (is_resource($this->stream)) {
            fclose($this->stream);
        }
    }
}

// HTTP ----------------------------------------------------------------------------------------------------------------

/**
PHP's own server in a process of its own, where nobody gave us a descriptor for calls. For each request it runs this file
as its router, which makes one call of it, in frames on its standard input.
*/
final class Front
{
    /** @var resource what comes from the router */
    public $stream;
    /** @var resource what the server writes to stderr */
    public $errors;
    /** @var resource that of the shell, whose end closes the streams */
    private $process;
    /** @var resource while it is open the server lives */
    private $life;
    /**
    A shell passes no SIGTERM on, and ends the server when we end, whatever ended us. It is no child of ours: the function
    may wait for all of its children.
    */
    private const SCRIPT = '(trap "" TERM INT HUP; "$@" <&4 3<&- 4<&- & exec 4<&- 2>/dev/null; read -r _ <&3; kill -9 $!; wait) &';
    private const END_TIMEOUT_S = 2;
    private const INI = [
        'display_errors' => '0',
        'enable_post_data_reading' => '0',
        'expose_php' => '0',
        'ignore_user_abort' => '1',
        'max_execution_time' => '0',
        'memory_limit' => '-1',
    ];

    public static function start(Settings $settings, string &$problem): ?self
    {
        $command = ['sh', '-c', self::SCRIPT, 'sh', PHP_BINARY, '-n'];
        foreach (self::INI as $name => $value) {
            array_push($command, '-d', "$name=$value");
        }
        array_push($command, '-S', "127.0.0.1:$settings->port", __FILE__);
        $streams = [['file', '/dev/null', 'r'], ['file', '/dev/null', 'w'], ['pipe', 'w'], ['pipe', 'r'], ['socket']];
        $environment = [
            'PATH' => (string) getenv('PATH'),
            'CORE_BRIDGE_TOKEN' => $settings->token,
            'CORE_MAX_BYTES' => (string) $settings->maxBytes,
        ];
        $process = proc_open($command, $streams, $pipes, null, $environment);
        if ($process === false) {
            $problem = "cannot start PHP's own server";
            return null;
        }
        $front = new self();
        $front->process = $process;
        [2 => $front->errors, 3 => $front->life, 4 => $front->stream] = $pipes;
        for ($said = ''; !str_contains($said, ') started'); $said = $line) {
            $line = fgets($front->errors);
            if ($line === false) {
                $problem = "cannot listen on 127.0.0.1:$settings->port: " . trim($said);
                $front->end();
                return null;
            }
        }
        while (proc_get_status($process)['running']) {
            usleep(1000);
        }
        stream_set_blocking($front->errors, false);
        return $front;
    }

    /** It writes a line for each request, which nobody needs, and its own errors. */
    public function listen(): void
    {
        foreach (explode("\n", (string) fread($this->errors, READ_BYTES)) as $line) {
            if (str_contains($line, '] PHP ')) {
                Bridge::put('stderr', "core-bridge: $line\n");
            }
        }
    }

    /** When it returns the port is free. */
    public function end(): void
    {
        fclose($this->life);
        stream_set_blocking($this->stream, true);
        stream_set_timeout($this->stream, self::END_TIMEOUT_S);
        while ((string) fread($this->stream, READ_BYTES) !== '');
        $this->close();
    }

    public function close(): void
    {
        foreach ([$this->life, $this->errors, $this->stream] as $stream) {
            if (is_resource($stream)) {
                fclose($stream);
            }
        }
    }
}

/** Runs in PHP's own server, once for each request. */
final class Router
{
    public static function answer(): void
    {
        if (isset($_SERVER['HTTP_CORE_INVOCATION_ID'])) {
            header('Core-Invocation-Id: ' . $_SERVER['HTTP_CORE_INVOCATION_ID']);
        }
        $refusal = self::refuse();
        if ($refusal !== null) {
            self::send(...$refusal);
            return;
        }
        $body = (string) file_get_contents('php://input');
        if (strlen($body) > (int) getenv('CORE_MAX_BYTES')) {
            self::send(413, TEXT_TYPE, "The request is too large for the bridge\n");
            return;
        }
        $call = readJson($body);
        if (!is_array($call) || ltrim($body)[0] !== '{') {
            $problem = json_last_error() === JSON_ERROR_NONE ? 'not a JSON object' : json_last_error_msg();
            self::send(400, TEXT_TYPE, "The request body is not JSON: $problem\n");
            return;
        }
        unset($call);
        self::call($body);
    }

    /** @return array{int, string, string}|null the answer to a request that never reaches the handler */
    private static function refuse(): ?array
    {
        $token = (string) getenv('CORE_BRIDGE_TOKEN');
        if ($token !== '' && !hash_equals($token, (string) ($_SERVER['HTTP_CORE_BRIDGE_TOKEN'] ?? ''))) {
            return [403, TEXT_TYPE, "Core-Bridge-Token is missing or wrong\n"];
        }
        if ($_SERVER['REQUEST_URI'] !== '/') {
            return [404, TEXT_TYPE, "Only POST / is served here\n"];
        }
        if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
            return [405, TEXT_TYPE, "Only POST / is served here\n"];
        }
        return null;
    }

    private static function call(string $request): void
    {
        $stream = fopen('php://stdin', 'r+b');
        stream_set_timeout($stream, PHP_INT_MAX >> 32);
        foreach (str_split($request, PIECE_BYTES) as $index => $piece) {
            $lengths = $index === 0 ? pack('CNN', IS_COMPLETE, strlen($request), 0) : '';
            fwrite($stream, frame($index === 0 ? CALL : BODY, 1, $lengths . $piece));
        }
        $reply = '';
        $missing = 0;
        do {
            $head = (string) stream_get_contents($stream, HEAD_BYTES);
            if (strlen($head) < HEAD_BYTES) {
                sleep(1); // the bridge has ended, and ends this process now: the connection breaks off as with a crash
                self::send(502, TEXT_TYPE, "The bridge has ended\n");
                return;
            }
            ['length' => $size, 'type' => $type] = unpack('Nlength/Ctype', $head);
            $payload = $size === 0 ? '' : (string) stream_get_contents($stream, $size);
            if ($type === RESULT) {
                $missing = unpack('Cform/Njson', $payload)['json'];
                $payload = substr($payload, HEAD_BYTES);
            }
            $reply .= $payload;
            $missing -= strlen($payload);
        } while ($missing > 0);
        self::send($type === FAILED ? 500 : 200, $type === FAILED ? TEXT_TYPE : 'application/json', $reply);
        fwrite($stream, frame(TAKEN, 1));
    }

    private static function send(int $status, string $type, string $body): void
    {
        http_response_code($status);
        header("Content-Type: $type");
        header('Content-Length: ' . strlen($body));
        echo $body;
        flush();
    }
}

/** The extension ctype may be absent. Fifteen digits fit any integer. */
function isDigits(string $text): bool
{
    return $text !== '' && strlen($text) <= 15 && strspn($text, '0123456789') === strlen($text);
}

// The container -------------------------------------------------------------------------------------------------------

/**
Bytes that PHP may take where php.ini sets no limit: three quarters of the container's, which leave the core 64 MiB at
least; or 2 GiB. So endless recursion is
an error of its call; otherwise it would take all memory, and the kernel would end the process, or one beside it.
*/
function memoryLimit(): int
{
    $limit = PHP_INT_MAX;
    foreach (@file('/proc/self/cgroup', FILE_IGNORE_NEW_LINES) ?: [] as $line) {
        [, $controller, $folder] = explode(':', $line, 3) + ['', '', ''];
        if ($controller !== '' && $controller !== 'memory') {
            continue;
        }
        $file = $controller === '' ? '/sys/fs/cgroup%s/memory.max' : '/sys/fs/cgroup/memory%s/memory.limit_in_bytes';
        for (; ; $folder = dirname($folder)) {
            $bytes = (int) @file_get_contents(sprintf($file, $folder)); // 0 for "max"
            $limit = $bytes > 0 ? min($limit, $bytes) : $limit;
            if ($folder === dirname($folder)) {
                break;
            }
        }
    }
    if ($limit >= 1 << 50) {
        return 2 << 30;
    }
    return max(32 << 20, min(intdiv($limit, 4) * 3, $limit - (64 << 20)));
}

function parentId(): int
{
    return function_exists('posix_getppid') ? posix_getppid() : 0;
}

if (PHP_SAPI === 'cli-server') {
    Router::answer();
    return;
}

// Load, then serve. The file is required out here: its variables are global, as in a program of its own.
Bridge::open();
try {
    Bridge::loaded(require Bridge::findHandler());
} catch (\Throwable $error) {
    Bridge::notLoaded($error);
}
unset($error);
Bridge::serve();
