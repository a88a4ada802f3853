# Base images are arguments: any image with this project's Node and apt will do.
ARG BASE_IMAGE=node:26-slim

FROM ${BASE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN node build.ts && npm prune --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund

FROM ${BASE_IMAGE}
# More Debian packages that the function needs, such as python3.
ARG PACKAGES=""
RUN apt-get update \
  && apt-get install -y --no-install-recommends tini ${PACKAGES} \
  && rm -rf /var/lib/apt/lists/* \
  && groupadd --gid 10001 app \
  && useradd --uid 10001 --gid 10001 --home-dir /home/app --no-create-home --shell /usr/sbin/nologin app \
  && mkdir -p /home/app/function \
  && install -d -o app -g app -m 0700 /var/lib/core-runtime

COPY --from=build /build/node_modules /opt/core-runtime/node_modules
COPY --from=build /build/dist /opt/core-runtime
RUN ln -s /opt/core-runtime/bin/core-runtime.cjs /usr/local/bin/core-runtime \
  && install -d -o app -g app /opt/core-runtime/cache

ENV NODE_ENV=production \
    NODE_COMPILE_CACHE=/opt/core-runtime/cache \
    PORT=8080 \
    SCW_UPSTREAM_HOST=127.0.0.1 \
    SCW_UPSTREAM_PORT=8081 \
    SCW_HANDLER_PATH=/home/app/function/handler \
    SCW_HANDLER_NAME=handle \
    CORE_DATA_DIR=/var/lib/core-runtime

# A read-only root cannot write a compile cache: a function is served once to fill it, under the
# user that will read it (the cache is kept per user); then it is closed to that user and its functions.
# The build fails when the core does not start, or does not stop cleanly.
USER app
RUN echo 'exports.handle = () => null;' > /tmp/warm.cjs \
  && PORT=0 CORE_ADMIN_PORT=0 SCW_PUBLIC=true SCW_HANDLER_PATH=/tmp/warm.cjs OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:9 \
     CORE_JOURNAL=sqlite:/tmp/warm/journal.db \
     timeout --preserve-status --signal=TERM 5 node /opt/core-runtime/src/main.js \
  && rm -r /tmp/warm.cjs /tmp/warm
USER root
RUN chown -R root:root /opt/core-runtime/cache && chmod -R a+rX,go-w /opt/core-runtime/cache
USER 10001:10001

WORKDIR /home/app/function
VOLUME /var/lib/core-runtime
EXPOSE 8080 8090
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=3 \
  CMD ["node", "/opt/core-runtime/src/cli.js", "ready"]

# tini reaps orphans and passes signals on to the whole group. SIGUSR1 must not open Node's inspector.
ENTRYPOINT ["tini", "-g", "--", "node", "--disable-sigusr1", "/opt/core-runtime/src/main.js"]
