# The chat server: one static binary, no shell, no root. Build from the root of the repository:
#   docker build -f deploy/server.Dockerfile -t scalable-chat-server .
FROM golang:1.26-bookworm AS build
WORKDIR /src
# Modules first: they change less often than the code, so this layer stays cached.
COPY go.work ./
COPY server/go.mod server/go.sum ./server/
RUN cd server && go mod download
COPY server ./server
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /out/chatd ./server/cmd/chatd && mkdir -p /out/data

FROM scratch
# The authorities for Redis with TLS, unless REDIS_CA is set.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/chatd /chatd
# The record of a node without Redis, where DATA_DIR is by default: mount a volume here, or it ends with the container.
COPY --from=build --chown=65532:65532 /out/data /data
WORKDIR /
ENV PORT=8000 LOG_FORMAT=json
VOLUME /data
EXPOSE 8000
USER 65532:65532
# The binary takes SIGTERM itself and drains; give it DRAIN_DELAY + DRAIN_TIMEOUT and 15 seconds
# (stop_grace_period).
ENTRYPOINT ["/chatd"]
