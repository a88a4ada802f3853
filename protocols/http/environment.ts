import type {Address} from '../../src/protocol.ts';

/**
The names under which servers and frameworks read where they listen, without code that reads them:

- `PORT`, `HOST`: what platforms give; read by most Node servers' code, Nitro, Nuxt, SvelteKit, Puma, `fastapi run`
- `BINDING`: `rails server`, beside `PORT`
- `SERVER_PORT`, `SERVER_ADDRESS`: Spring Boot
- `MICRONAUT_SERVER_PORT`, `MICRONAUT_SERVER_HOST`; `QUARKUS_HTTP_PORT`, `QUARKUS_HTTP_HOST`
- `ASPNETCORE_URLS`: ASP.NET Core
- `UVICORN_PORT`, `UVICORN_HOST`; `FLASK_RUN_PORT`, `FLASK_RUN_HOST`; `GRANIAN_PORT`, `GRANIAN_HOST`
- `GUNICORN_CMD_ARGS`: Gunicorn, which listens on all interfaces when it has only `PORT`
- `ROCKET_PORT`, `ROCKET_ADDRESS`: Rocket

Next.js reads `HOSTNAME`, which is the name of the machine to everybody else, so that is not set.
*/
export function addressNames({host, port}: Address, own: Readonly<Record<string, string>>): Record<string, string> {
  const number = String(port);
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const {GUNICORN_CMD_ARGS: wished} = own;
  return {
    PORT: number,
    HOST: host,
    BINDING: host,
    SERVER_PORT: number,
    SERVER_ADDRESS: host,
    MICRONAUT_SERVER_PORT: number,
    MICRONAUT_SERVER_HOST: host,
    QUARKUS_HTTP_PORT: number,
    QUARKUS_HTTP_HOST: host,
    ASPNETCORE_URLS: `http://${authority}`,
    UVICORN_PORT: number,
    UVICORN_HOST: host,
    FLASK_RUN_PORT: number,
    FLASK_RUN_HOST: host,
    GRANIAN_PORT: number,
    GRANIAN_HOST: host,
    GUNICORN_CMD_ARGS: `${wished ? `${wished} ` : ''}--bind=${authority}`,
    ROCKET_PORT: number,
    ROCKET_ADDRESS: host,
  };
}
