<?php

/*
The PHP bridge: loads one handler, listens on 127.0.0.1:$SCW_UPSTREAM_PORT and answers POST / with the handler's
result. One file, no dependencies, PHP 8.0 and later. One process, one call at a time, any number of connections.
README.md lists what it promises.
*/

declare(strict_types=1);

namespace CoreRuntime;

const NOT_LOADED = 'Function Handler does not exist, check that you provided the right HANDLER parameter '
    . '(path to your module with exported function to use)';
const JSON_TYPE = 'application/json';
const TEXT_TYPE = 'text/plain; charset=utf-8';
const JSON_DEPTH = 4096;
const JSON_FLAGS = JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_LINE_TERMINATORS | JSON_PRESERVE_ZERO_FRACTION;
const LINE_MAX_BYTES = 65536;
const TITLE_MAX_BYTES = 8192;
const CHANNEL_MAX_BYTES = 8 * 1024 * 1024;
const HEAD_MAX_BYTES = 256 * 1024;
const READ_BYTES = 65536;
const REST_S = 1; // after SIGTERM the process ends when it had no call for so long
const WRITE_TIMEOUT_S = 60; // a reader that takes longer to take its reply is gone
const REASONS = [
    200 => 'OK',
    400 => 'Bad Request',
    403 => 'Forbidden',
    404 => 'Not Found',
    405 => 'Method Not Allowed',
    413 => 'Payload Too Large',
    431 => 'Request Header Fields Too Large',
    500 => 'Internal Server Error',
];

/** The process: what it was told, what it loaded, and the call that it is in. */
final class Bridge
{
    public static Settings $settings;
    public static ?Channel $channel = null;
    /** The call that runs. */
    public static ?Invocation $invocation = null;
    /** Of the newest call. */
    public static ?string $callId = null;
    public static bool $isStopping = false;

    private static ?\Closure $handler = null;
    /** Whether it declares its second parameter as an array, which an object is not. */
    private static bool $takesArray = false;
    private static string $file = '';
    private static bool $isLoading = true;
    private static ?Server $server = null;
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
        Native::open([self::$settings->fd], [self::class, 'isChild']);
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
        self::$server = Server::listen(self::$settings, $problem);
        if (self::$server === null) {
            self::log('core-bridge: cannot listen on 127.0.0.1:' . self::$settings->port . ": $problem\n");
            exit(1);
        }
        if (self::$channel !== null) {
            self::$channel->write($report + ['runtime' => 'PHP ' . PHP_VERSION]);
        }
    }

    public static function serve(): void
    {
        while (self::$server !== null && !self::$isStopping) {
            try {
                self::$server->run();
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

    /** Runs one call. @return array{int, string, string} status, type and body of the reply */
    public static function run(string $body): array
    {
        self::$callId = null;
        if (self::$handler === null) {
            return [500, TEXT_TYPE, NOT_LOADED];
        }
        $call = readJson($body);
        if (!is_array($call) || ltrim($body)[0] !== '{') {
            $problem = json_last_error() === JSON_ERROR_NONE ? 'not a JSON object' : json_last_error_msg();
            return [400, TEXT_TYPE, "The request body is not JSON: $problem\n"];
        }
        $event = $call['event'] ?? null;
        if (is_array($event)) {
            foreach (['headers', 'multiValueHeaders'] as $name) {
                if (isset($event[$name]) && is_array($event[$name])) {
                    $event[$name] = new Headers($event[$name]);
                }
            }
        }
        $members = $call['context'] ?? null;
        $context = new Context(is_array($members) ? $members : []);
        unset($call, $members, $body);
        return self::invoke($event, $context);
    }

    private static function invoke(mixed $event, Context $context): array
    {
        $invocation = self::$invocation = new Invocation($context, self::$channel);
        self::$callId = $invocation->id;
        restore_error_handler();
        $scope = attachTrace($invocation->trace);
        try {
            try {
                $given = self::$takesArray ? $context->getArrayCopy() : $context;
                Signals::release();
                $reply = [200, JSON_TYPE, writeJson((self::$handler)($event, $given))];
                Signals::hold();
            } catch (\Throwable $error) {
                Signals::hold();
                self::endChild($error);
                self::logError($error);
                $reply = [500, TEXT_TYPE, messageOf($error)];
                unset($error); // its destructor may throw
            }
        } catch (\Throwable $late) { // or the handler of a signal that came within the few lines above
            Signals::hold();
            self::logError($late);
            $reply ??= [500, TEXT_TYPE, messageOf($late)];
        }
        self::endChild();
        detachTrace($scope);
        set_error_handler([self::class, 'ignore']);
        self::settle();
        return $reply;
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
        if (self::$server !== null) {
            self::$server->forget();
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

    /** Puts back what the handler may have left behind: open buffers, a time limit. Its last words are sent. */
    private static function settle(): void
    {
        if (ob_get_level() !== self::baseLevel()) {
            while (ob_get_level() > self::baseLevel() && ob_end_flush());
            if (ob_get_level() < self::baseLevel()) {
                self::startBuffer();
            }
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
        } elseif (self::$invocation !== null && self::$server !== null) {
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
            self::$server->replyAndLeave([500, TEXT_TYPE, $fatal ?? 'The handler called exit()']);
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
    public int $fd = -1;
    public int $maxBytes;

    public static function take(): self
    {
        $taken = new self();
        $taken->port = (int) (getenv('SCW_UPSTREAM_PORT') ?: 8081);
        $taken->handlerPath = (string) getenv('SCW_HANDLER_PATH');
        $taken->handlerName = getenv('SCW_HANDLER_NAME') ?: 'handle';
        $taken->token = (string) getenv('CORE_BRIDGE_TOKEN');
        $fd = (string) getenv('CORE_BRIDGE_FD');
        if (isDigits($fd)) {
            $taken->fd = (int) $fd;
        }
        // A JSON escape makes one byte six; the rest of the event has room beside it.
        $taken->maxBytes = 6 * ((int) getenv('SCW_PAYLOAD_MAX_SIZE') ?: 6291456) + 8 * 1024 * 1024;
        foreach (['CORE_BRIDGE_TOKEN', 'CORE_BRIDGE_FD', 'CORE_CALLS_FD'] as $name) {
            putenv($name);
            unset($_SERVER[$name], $_ENV[$name]);
        }
        return $taken;
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
    public function __construct(array $members)
    {
        parent::__construct($members, \ArrayObject::ARRAY_AS_PROPS);
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

/** The JSON text of a result. Bytes that are no UTF-8 become the envelope's base64 form. */
function writeJson(mixed $result): string
{
    if ($result === null) {
        return '';
    }
    try {
        $result = readResult($result);
        $text = json_encode($result, JSON_FLAGS, JSON_DEPTH);
        if (json_last_error() === JSON_ERROR_UTF8) {
            $result = withBase64($result);
            $text = json_encode($result, JSON_FLAGS, JSON_DEPTH);
        }
        if (json_last_error() !== JSON_ERROR_NONE) {
            $isEndless = in_array(json_last_error(), [JSON_ERROR_RECURSION, JSON_ERROR_DEPTH], true);
            throw new \UnexpectedValueException($isEndless ? 'it is circular or too deep' : json_last_error_msg());
        }
        if (str_contains($text, '{}')) {
            refuseHollow($result);
        }
    } catch (\Throwable $error) {
        throw new \UnexpectedValueException('The result of the function is not JSON: ' . messageOf($error), 0, $error);
    }
    return $text;
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

function withBase64(mixed $result): mixed
{
    if (is_string($result)) {
        return ['body' => base64_encode($result), 'isBase64Encoded' => true];
    }
    if (!is_array($result) || !is_string($result['body'] ?? null) || preg_match('//u', $result['body']) === 1) {
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

// HTTP ----------------------------------------------------------------------------------------------------------------

final class Request
{
    /** @var array{int, string, string}|null the answer to a request that never reaches the handler */
    public ?array $refusal = null;
    /** Whether another request may follow on the connection. */
    public bool $keep = true;
    public string $body = '';
    /** @var string[] */
    public array $parts = [];
    public int $bytes = 0;
    /** Of the body, or of the chunk that is arriving. */
    public int $missing = 0;
    /** Null: a body with a length; else what the next line of a chunked body is. */
    public ?string $chunk = null;

    public function refuse(int $status, string $text, bool $keep = true): self
    {
        if ($this->refusal === null) {
            $this->refusal = [$status, TEXT_TYPE, $text];
            $this->parts = [];
        }
        $this->keep = $this->keep && $keep;
        return $this;
    }
}

/** Cuts the bytes of one connection into requests. Of a refused request it keeps nothing but the place. */
final class Reader
{
    public string $pending = '';
    public ?Request $receiving = null;
    public bool $wantsContinue = false;
    private Settings $settings;

    public function __construct(Settings $settings)
    {
        $this->settings = $settings;
    }

    /** Takes more bytes; returns the next whole request. Bytes past it wait in $pending. */
    public function next(string $data): ?Request
    {
        if ($this->receiving === null) {
            if ($this->pending !== '') {
                $data = $this->pending . $data;
            }
            $end = strpos($data, "\r\n\r\n");
            if ($end === false) {
                $this->pending = $data;
                if (strlen($data) > HEAD_MAX_BYTES) {
                    return (new Request())->refuse(431, "The request head is too large for the bridge\n", false);
                }
                return null;
            }
            $this->pending = '';
            $this->receiving = $this->open(substr($data, 0, $end + 2));
            $data = substr($data, $end + 4);
        }
        $request = $this->receiving;
        if ($request->chunk !== null) {
            return $this->nextChunks($request, $data);
        }
        $length = strlen($data);
        if ($length > $request->missing) {
            $this->pending = substr($data, $request->missing);
            $data = substr($data, 0, $request->missing);
            $length = $request->missing;
        }
        if ($request->refusal === null && $length > 0) {
            $request->parts[] = $data;
        }
        $request->missing -= $length;
        return $request->missing === 0 ? $this->close($request) : null;
    }

    private function open(string $head): Request
    {
        $request = new Request();
        $token = $this->settings->token;
        if ($token !== '' && !hash_equals($token, field($head, "\r\ncore-bridge-token:") ?? '')) {
            $request->refuse(403, "Core-Bridge-Token is missing or wrong\n");
        }
        if (strncmp($head, "POST / HTTP/1.1\r\n", 17) !== 0) {
            $this->judge($request, explode(' ', substr($head, 0, (int) strpos($head, "\r\n"))));
        }
        $connection = field($head, "\r\nconnection:");
        if ($connection !== null && strtolower($connection) === 'close') {
            $request->keep = false;
        }
        $coding = field($head, "\r\ntransfer-encoding:");
        $length = field($head, "\r\ncontent-length:");
        if ($coding !== null && strtolower($coding) === 'chunked' && $length === null) {
            $request->chunk = 'size';
        } elseif ($coding !== null || !isDigits($length ?? '0')) {
            $request->refuse(400, "The request has a framing that the bridge does not know\n", false);
        } else {
            $request->missing = (int) $length;
            if ($request->missing > $this->settings->maxBytes) {
                $request->refuse(413, "The request is too large for the bridge\n");
            }
        }
        $this->wantsContinue = strtolower(field($head, "\r\nexpect:") ?? '') === '100-continue';
        return $request;
    }

    private function judge(Request $request, array $line): void
    {
        $version = $line[2] ?? '';
        if (count($line) !== 3 || ($version !== 'HTTP/1.0' && $version !== 'HTTP/1.1')) {
            $request->refuse(400, "The request line is malformed\n", false);
        } elseif ($line[1] !== '/') {
            $request->refuse(404, "Only POST / is served here\n");
        } elseif ($line[0] !== 'POST') {
            $request->refuse(405, "Only POST / is served here\n");
        }
        $request->keep = $request->keep && $version === 'HTTP/1.1';
    }

    private function nextChunks(Request $request, string $data): ?Request
    {
        $data = $this->pending . $data;
        $this->pending = '';
        $from = 0;
        $length = strlen($data);
        while ($from < $length) {
            if ($request->missing > 0) {
                $piece = substr($data, $from, $request->missing);
                $size = strlen($piece);
                $from += $size;
                $request->missing -= $size;
                $request->bytes += $size;
                if ($request->bytes > $this->settings->maxBytes) {
                    $request->refuse(413, "The request is too large for the bridge\n");
                } elseif ($request->refusal === null) {
                    $request->parts[] = $piece;
                }
                continue;
            }
            $end = strpos($data, "\r\n", $from);
            if ($end === false) {
                if ($length - $from > HEAD_MAX_BYTES) {
                    return $this->close($request->refuse(400, "The request has a malformed chunk\n", false));
                }
                break;
            }
            $line = substr($data, $from, $end - $from);
            $from = $end + 2;
            if ($request->chunk === 'end') { // the line break after a chunk
                if ($line !== '') {
                    return $this->close($request->refuse(400, "The request has a malformed chunk\n", false));
                }
                $request->chunk = 'size';
            } elseif ($request->chunk === 'trailer') {
                if ($line === '') {
                    $this->pending = substr($data, $from);
                    return $this->close($request);
                }
            } else {
                $size = trim(explode(';', $line, 2)[0]);
                if ($size === '' || strlen($size) > 12 || strspn($size, '0123456789abcdefABCDEF') !== strlen($size)) {
                    return $this->close($request->refuse(400, "The request has a malformed chunk\n", false));
                }
                $request->missing = (int) hexdec($size);
                $request->chunk = $request->missing > 0 ? 'end' : 'trailer';
            }
        }
        $this->pending = substr($data, $from);
        return null;
    }

    private function close(Request $request): Request
    {
        $this->receiving = null;
        $request->body = count($request->parts) === 1 ? $request->parts[0] : implode('', $request->parts);
        $request->parts = [];
        return $request;
    }
}

function field(string $head, string $name): ?string
{
    $at = stripos($head, $name);
    if ($at === false) {
        return null;
    }
    $at += strlen($name);
    return trim(substr($head, $at, strpos($head, "\r\n", $at) - $at));
}

/** The extension ctype may be absent. Fifteen digits fit any integer. */
function isDigits(string $text): bool
{
    return $text !== '' && strlen($text) <= 15 && strspn($text, '0123456789') === strlen($text);
}

/** @param array{int, string, string} $answer */
function httpReply(array $answer, bool $keep): string
{
    [$status, $type, $body] = $answer;
    return "HTTP/1.1 $status " . REASONS[$status] . "\r\nContent-Type: $type\r\nContent-Length: " . strlen($body)
        . ($keep ? "\r\n\r\n" : "\r\nConnection: close\r\n\r\n") . $body;
}

// Serving -------------------------------------------------------------------------------------------------------------

final class Connection
{
    /** @var resource */
    public $socket;
    public Reader $reader;
    /** Of the newest call on it. */
    public ?string $callId = null;

    /** @param resource $socket */
    public function __construct($socket, Settings $settings)
    {
        $this->socket = $socket;
        $this->reader = new Reader($settings);
    }

    /** Writes all of it, waiting for the reader where it must. False when nobody reads. */
    public function write(string $text): bool
    {
        $sent = fwrite($this->socket, $text);
        if ($sent === strlen($text)) {
            return true;
        }
        $from = (int) $sent;
        $length = strlen($text);
        $endsAt = microtime(true) + WRITE_TIMEOUT_S;
        while ($from < $length && $sent !== false && microtime(true) < $endsAt) {
            $read = $except = null;
            $write = [$this->socket];
            stream_select($read, $write, $except, 1);
            $sent = fwrite($this->socket, substr($text, $from, 1048576));
            $from += (int) $sent;
        }
        return $from === $length;
    }
}

/** Waits on every connection at once, and runs one call after the other. */
final class Server
{
    /** @var resource|null */
    private $listener;
    private Settings $settings;
    /** @var array<int, Connection> */
    private array $connections = [];
    /** @var array<int, resource> */
    private array $waiting = [];
    /** Whose call runs. */
    private ?Connection $serving = null;
    private int $parent;
    private const LET_GO = -1;
    /** Monotonic seconds of the first look without a call since SIGTERM. */
    private ?float $restsSince = null;

    public static function listen(Settings $settings, string &$problem): ?self
    {
        $context = stream_context_create(['socket' => ['backlog' => 1024, 'tcp_nodelay' => true]]);
        $flags = STREAM_SERVER_BIND | STREAM_SERVER_LISTEN;
        $listener = stream_socket_server("tcp://127.0.0.1:$settings->port", $code, $problem, $flags, $context);
        if ($listener === false) {
            return null;
        }
        stream_set_blocking($listener, false);
        $server = new self();
        $server->listener = $listener;
        $server->settings = $settings;
        $server->waiting[get_resource_id($listener)] = $listener;
        $server->parent = parentId();
        return $server;
    }

    /** Returns after SIGTERM, or when the core has died; the call that ran is answered by then. */
    public function run(): void
    {
        $listenerId = get_resource_id($this->listener);
        while (!Bridge::$isStopping) {
            if (Signals::$isAsked && $this->mayLeave()) {
                Bridge::$isStopping = true;
                break;
            }
            $ready = $this->waiting;
            $except = null;
            if (Signals::$isAsked) {
                $ready[self::LET_GO] = Bridge::$channel->stream(); // readable once the core lets go
            }
            $backlog = Bridge::$channel === null ? null : Bridge::$channel->backlog();
            $write = $backlog === null ? null : [$backlog];
            // A signal that comes right before the wait is seen after a second.
            $count = stream_select($ready, $write, $except, 1);
            Signals::dispatch();
            if ($count === 0 && $this->settings->fd >= 0 && parentId() !== $this->parent) {
                break; // the core is gone and cannot send SIGTERM
            }
            if (!$count) {
                continue;
            }
            if ($write) {
                Bridge::$channel->send();
            }
            unset($ready[self::LET_GO]);
            foreach ($ready as $id => $socket) {
                if ($id === $listenerId) {
                    $this->accept();
                } elseif (!$this->read($this->connections[$id])) {
                    $this->drop($id);
                }
                if (Bridge::$isStopping) {
                    break;
                }
            }
        }
        $this->leave();
    }

    /**
    A service manager sends SIGTERM to every process at once, and the core may still have calls: they are served. The
    core lets go of the channel right before a SIGTERM of its own. Without that the process ends once it has rested.
    */
    private function mayLeave(): bool
    {
        $now = hrtime(true) / 1e9;
        $this->restsSince ??= $now;
        return Bridge::$channel === null || Bridge::$channel->isLetGo() || $now - $this->restsSince >= REST_S;
    }

    private function accept(): void
    {
        $socket = stream_socket_accept($this->listener, 0);
        if ($socket === false) {
            return;
        }
        stream_set_blocking($socket, false);
        stream_set_read_buffer($socket, 0); // bytes that wait in PHP would wake nobody
        $id = get_resource_id($socket);
        $this->waiting[$id] = $socket;
        $this->connections[$id] = new Connection($socket, $this->settings);
    }

    /** Reads once and answers what is whole. False when the connection is over. */
    private function read(Connection $connection): bool
    {
        $reader = $connection->reader;
        $data = fread($connection->socket, $reader->receiving === null ? READ_BYTES : 16 * READ_BYTES);
        if ($data === '' || $data === false) {
            return !feof($connection->socket);
        }
        $request = $reader->next($data);
        if ($request === null && $reader->wantsContinue) {
            $reader->wantsContinue = false;
            return $connection->write("HTTP/1.1 100 Continue\r\n\r\n");
        }
        unset($data);
        while ($request !== null) {
            $this->serving = $connection;
            try {
                $answer = $request->refusal ?? Bridge::run($request->body);
            } catch (\Throwable $error) { // from a destructor of what the call has left behind
                Bridge::stray($error);
                $answer = [500, TEXT_TYPE, messageOf($error)];
            }
            if ($request->refusal === null) {
                $connection->callId = Bridge::$callId;
            }
            $this->serving = null;
            $this->restsSince = null;
            $keep = $request->keep && !Bridge::$isStopping;
            if (!$connection->write(httpReply($answer, $keep)) || !$keep) {
                return false;
            }
            $request = $reader->pending === '' ? null : $reader->next('');
        }
        return true;
    }

    /** The last reply of a process that cannot go on. Nobody else can have sent it a request by then. */
    public function replyAndLeave(array $answer): void
    {
        $serving = $this->serving;
        foreach ($this->connections as $id => $connection) {
            if ($connection !== $serving) {
                $this->drop($id);
            }
        }
        $this->closeListener();
        if ($serving !== null) {
            $serving->write(httpReply($answer, false));
        }
        $this->leave();
    }

    private function leave(): void
    {
        $this->closeListener();
        foreach (array_keys($this->connections) as $id) {
            $this->drop($id);
        }
    }

    /** In a child that the function has forked: the connections are its parent's. */
    public function forget(): void
    {
        $this->closeListener();
        foreach ($this->connections as $connection) {
            fclose($connection->socket);
        }
        $this->connections = $this->waiting = [];
    }

    private function closeListener(): void
    {
        if (is_resource($this->listener)) {
            fclose($this->listener);
        }
    }

    /** The reply may have been on the way when the connection closed, so the end of its newest call is always reported. */
    private function drop(int $id): void
    {
        $connection = $this->connections[$id];
        fclose($connection->socket);
        unset($this->connections[$id], $this->waiting[$id]);
        if ($connection->callId !== null && Bridge::$channel !== null) {
            Bridge::$channel->write(['settled' => $connection->callId]);
        }
    }
}

/**
Bytes that PHP may take where php.ini sets no limit: three quarters of the container's, or 2 GiB. So endless recursion is
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
    return $limit < 1 << 50 ? max(128 << 20, intdiv($limit, 4) * 3) : 2 << 30;
}

function parentId(): int
{
    return function_exists('posix_getppid') ? posix_getppid() : 0;
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
