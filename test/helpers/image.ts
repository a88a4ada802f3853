import {execFile, spawn, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import {readFile} from 'node:fs/promises';
import {promisify} from 'node:util';
import {readLines} from '../../src/workers/output/lines.ts';
import {type LogLine, projectFile, type Teardown} from './core.ts';
import {freePort} from './port.ts';

// The image of this project, built by buildah and run as a container would be, for machines without an engine.

const run = promisify(execFile);
const tag = 'core-runtime:test';

/** An image with this project's Node and npm, known to buildah. */
export const base = process.env.CORE_TEST_BASE_IMAGE;
export const canBuild = base !== undefined && process.getuid?.() === 0 && spawnSync('buildah', ['--version']).status === 0;

interface ImageConfig {
  readonly Entrypoint: readonly string[];
  readonly Env: readonly string[];
  readonly User: string;
  readonly WorkingDir: string;
}

export async function buildImage(t: Teardown): Promise<{root: string; config: ImageConfig}> {
  const build = ['bud', '--isolation', 'chroot', '--build-arg', `BASE_IMAGE=${base}`, '-t', tag, projectFile('.')];
  await run('buildah', build, {maxBuffer: 2 ** 26});
  const container = (await run('buildah', ['from', tag])).stdout.trim();
  t.teardown(() => run('buildah', ['rm', container]));
  const root = (await run('buildah', ['mount', container])).stdout.trim();
  const {stdout} = await run('buildah', ['inspect', '--type', 'image', tag], {maxBuffer: 2 ** 26});
  return {root, config: JSON.parse(stdout).OCIv1.config};
}

/** Mounts of its own, a root that nobody can write, then the image's entrypoint in the place of this shell. */
const enter = `set -e
root=$1 function=$2 user=$3 folder=$4; shift 4
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/tmp"
mount -t tmpfs tmpfs "$root/var/lib/core-runtime"
chown "$user" "$root/var/lib/core-runtime"
mount --bind "$function" "$root/home/app/function"
mount -o remount,ro,bind "$root"
exec setpriv --no-new-privs chroot --userspec="$user" "$root" sh -c 'cd "$0" && exec "$@"' "$folder" "$@"`;

/** Runs the image in process and mount namespaces of its own; the network is this machine's. */
export async function runImage({root, config}: Awaited<ReturnType<typeof buildImage>>, env: Record<string, string>, t: Teardown) {
  const [port, adminPort] = [await freePort(), await freePort()];
  const settings = {...env, PORT: String(port), CORE_ADMIN_PORT: String(adminPort), SCW_UPSTREAM_PORT: '0'};
  const program = ['env', '-i', ...config.Env, ...Object.entries(settings).map(pair => pair.join('=')), ...config.Entrypoint];
  const places = [root, projectFile('test/fixtures/functions/core'), config.User, config.WorkingDir];
  const child = spawn('unshare', ['--pid', '--fork', '--kill-child', '--mount', 'sh', '-c', enter, 'sh', ...places, ...program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  t.teardown(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  const logs: LogLine[] = [];
  const listening = Promise.withResolvers<void>();
  readLines(child.stdout, line => {
    logs.push(JSON.parse(line));
    if (logs.at(-1)?.msg === 'Listening') listening.resolve();
  });
  await Promise.race([
    listening.promise,
    exited.then(code => {
      throw new Error(`The image ended with ${code}: ${JSON.stringify(logs)}`);
    }),
  ]);
  const [first = ''] = (await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')).trim().split(' ');
  return {
    url: `http://127.0.0.1:${port}`,
    adminUrl: `http://127.0.0.1:${adminPort}`,
    logs,
    /** What /proc tells of the container's first process. */
    init: () => readFile(`/proc/${first}/status`, 'utf8'),
    terminate: () => process.kill(Number(first), 'SIGTERM'),
    exited,
  };
}
