# The web app: static files behind nginx. Build from the root of the repository, with the address at which browsers
# reach the server (it becomes part of the pages):
#   docker build -f deploy/web.Dockerfile --build-arg NEXT_PUBLIC_SERVER_URL=https://chat.example.org -t scalable-chat-web .
# Files are the same for every architecture, so they are built on this machine's.
FROM --platform=$BUILDPLATFORM node:24.11.1-bookworm-slim AS build
WORKDIR /src
ENV NEXT_TELEMETRY_DISABLED=1 TURBO_TELEMETRY_DISABLED=1
COPY package.json package-lock.json .npmrc ./
COPY server/package.json ./server/
COPY frontend/package.json ./frontend/
COPY clients/package.json ./clients/
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY frontend ./frontend
ARG NEXT_PUBLIC_SERVER_URL
ARG NEXT_PUBLIC_SITE_URL
RUN NEXT_PUBLIC_SERVER_URL="$NEXT_PUBLIC_SERVER_URL" NEXT_PUBLIC_SITE_URL="$NEXT_PUBLIC_SITE_URL" npm run build --workspace=frontend

FROM nginxinc/nginx-unprivileged:1.28.0-alpine
ARG REVISION=unknown
LABEL org.opencontainers.image.title="scalable-chat-web" \
      org.opencontainers.image.description="The web app of a Socket.IO-compatible, horizontally scalable chat" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.licenses="MIT"
COPY deploy/web.nginx.conf /etc/nginx/conf.d/default.conf
COPY --from=build /src/frontend/out /usr/share/nginx/html
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=5s --retries=3 CMD ["wget", "-q", "-O", "/dev/null", "http://127.0.0.1:3000/"]
