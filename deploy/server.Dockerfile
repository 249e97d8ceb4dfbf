# The chat server: one static binary, no shell, no root. Build from the root of the repository:
#   docker build -f deploy/server.Dockerfile -t scalable-chat-server .
# for several architectures, which needs no emulation:
#   docker buildx build --platform linux/amd64,linux/arm64 -f deploy/server.Dockerfile -t registry.example/chat-server --push .
FROM --platform=$BUILDPLATFORM golang:1.26.8-bookworm AS build
WORKDIR /src
# Modules first: they change less often than the code, so this layer stays cached.
COPY go.work ./
COPY server/go.mod server/go.sum ./server/
RUN cd server && go mod download
COPY server ./server
# The Go tool compiles for the other architecture itself. Without BuildKit both are empty, which means this machine's.
ARG TARGETOS
ARG TARGETARCH
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -ldflags="-s -w" -o /out/chatd ./server/cmd/chatd && mkdir -p /out/data

FROM scratch
ARG REVISION=unknown
LABEL org.opencontainers.image.title="scalable-chat-server" \
      org.opencontainers.image.description="One node of a Socket.IO-compatible, horizontally scalable chat" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.licenses="MIT"
# The authorities for Redis with TLS, unless REDIS_CA is set.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/chatd /chatd
# The record of a node without Redis, where DATA_DIR is by default: mount a volume here, or it ends with the container. Nothing
# else is written, so the root may be read-only.
COPY --from=build --chown=65532:65532 /out/data /data
WORKDIR /
ENV PORT=8000 LOG_FORMAT=json
VOLUME /data
EXPOSE 8000
USER 65532:65532
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=3 CMD ["/chatd", "healthcheck"]
# The binary takes SIGTERM itself and drains; give it DRAIN_DELAY + DRAIN_TIMEOUT and 15 seconds
# (stop_grace_period).
ENTRYPOINT ["/chatd"]
