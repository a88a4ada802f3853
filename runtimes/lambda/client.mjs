import {spawn} from 'node:child_process';
import path from 'node:path';
import {accountId} from './payload.mjs';

/* The program that asks for invocations: a bootstrap, or a language's client of the Runtime API. */

/** It has so long to end by itself. */
const stopMs = 1500;
/** What it wrote last may still be in its pipes, and something that it started may hold them open. */
const lastWordsMs = 250;

export class Client {
  #child;
  #isOver = false;

  /**
  @param command the program and its arguments, of which `$_HANDLER` stands for the handler
  @param events started(child), failed(error) when it cannot be executed, exited(code, signal) after its last words
  */
  constructor([file, ...args], environment, events) {
    const {_HANDLER: handler, LAMBDA_TASK_ROOT: cwd} = environment;
    this.#child = spawn(
      file,
      args.map(arg => (arg === '$_HANDLER' ? handler : arg)),
      {cwd, env: environment, stdio: ['ignore', 'pipe', 'pipe']},
    );
    this.#child.once('error', error => events.failed(error));
    this.#child.once('exit', (code, signal) => {
      const over = () => {
        if (!this.#isOver) events.exited(code, signal);
        this.#isOver = true;
      };
      setTimeout(over, lastWordsMs);
      this.#child.once('close', over);
    });
    events.started(this.#child);
  }

  stop() {
    this.#child.kill('SIGTERM');
    setTimeout(() => this.#child.kill('SIGKILL'), stopMs);
  }
}

/** The variables that clients read. What the user has set stays, but for the address. */
export function clientEnvironment({CORE_BRIDGE_FD, CORE_CALLS_FD, CORE_BRIDGE_TOKEN, CORE_CONCURRENCY, ...given}, handler, address) {
  const {SCW_APPLICATION_NAME, SCW_APPLICATION_VERSION, SCW_APPLICATION_MEMORY, SCW_HANDLER_PATH} = given;
  const name = given.AWS_LAMBDA_FUNCTION_NAME || SCW_APPLICATION_NAME || 'function';
  const region = given.AWS_REGION || given.AWS_DEFAULT_REGION || 'us-east-1';
  return {
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_VERSION: SCW_APPLICATION_VERSION || '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: SCW_APPLICATION_MEMORY || '128',
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: `${process.pid}`,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    LAMBDA_TASK_ROOT: path.dirname(SCW_HANDLER_PATH),
    LAMBDA_RUNTIME_DIR: '/var/runtime',
    _HANDLER: handler,
    ...given,
    AWS_LAMBDA_RUNTIME_API: address,
  };
}

export const arnOf = ({AWS_REGION, AWS_LAMBDA_FUNCTION_NAME}) =>
  `arn:aws:lambda:${AWS_REGION}:${accountId}:function:${AWS_LAMBDA_FUNCTION_NAME}`;
