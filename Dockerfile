# The control plane's image: docker build -t codex-orchestrator .
#
# Where no registry can be reached, build on a base image made on this machine, around a binary built on this machine:
#   scripts/docker-base-image
#   docker build -t codex-orchestrator --build-arg BUILD_IMAGE=codex-orchestrator-base \
#     --build-arg RUNTIME_IMAGE=codex-orchestrator-base --build-arg PREBUILT=out/image/codex-orchestrator .
# (`make up LOCAL_BASE=1` does all of it.)
ARG BUILD_IMAGE=rust:1.95-bookworm
ARG RUNTIME_IMAGE=debian:bookworm-slim

# The build stage stands in agents/runner/Dockerfile with the same lines, so that both images share its layers.
FROM ${BUILD_IMAGE} AS build
ARG PREBUILT=""
WORKDIR /src
COPY . .
RUN set -eu; \
    if [ -n "$PREBUILT" ]; then \
      install -D -m 0755 "$PREBUILT" /out/codex-orchestrator; \
    else \
      cargo build --locked --release --workspace --bin codex-orchestrator --target-dir /target; \
      install -D -m 0755 /target/release/codex-orchestrator /out/codex-orchestrator; \
      rm -rf /target; \
    fi; \
    /out/codex-orchestrator --version

FROM ${RUNTIME_IMAGE} AS runtime
RUN set -eu; \
    if ! command -v curl >/dev/null || ! command -v git >/dev/null || [ ! -s /etc/ssl/certs/ca-certificates.crt ]; then \
      apt-get update -q; \
      apt-get install -q -y --no-install-recommends ca-certificates curl git; \
      rm -rf /var/lib/apt/lists/*; \
    fi; \
    useradd --system --uid 10001 --user-group --home-dir /data --no-create-home --shell /usr/sbin/nologin orchestrator; \
    install -d -o orchestrator -g orchestrator -m 0700 /data
COPY --from=build /out/codex-orchestrator /usr/local/bin/codex-orchestrator

# ORCH_PORT would win over PORT, which hosting platforms set: only PORT has a default here.
ENV ORCH_HOST=0.0.0.0 \
    ORCH_DATA_DIR=/data \
    PORT=18080
USER orchestrator
WORKDIR /data
VOLUME /data
EXPOSE 18080
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
  CMD curl -fsS -o /dev/null "http://127.0.0.1:${ORCH_PORT:-$PORT}/observability/health" || exit 1
# Listening beyond loopback, it refuses to start without ORCH_API_TOKEN or ORCH_ALLOW_UNAUTHENTICATED=true.
ENTRYPOINT ["codex-orchestrator"]
CMD ["serve"]
