# One image for the API, the runner and the migration: the command says which.
FROM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# The optional packages are 50 MB that nothing loads: native builds of recheck.
RUN npm ci --omit=dev --omit=optional --no-audit --no-fund

# The pages at /ui. What builds them stays out of the image.
FROM node:24-slim AS dashboard
WORKDIR /app
COPY package.json package-lock.json tsconfig.json ./
RUN npm ci --omit=optional --no-audit --no-fund
COPY client client
COPY package/build_dashboard.ts package/
COPY dashboard dashboard
RUN node package/build_dashboard.ts

FROM node:24-slim
# For runners: ci.build fetches with them.
RUN apt-get update && apt-get install -y --no-install-recommends git openssh-client ca-certificates \
  && rm -rf /var/lib/apt/lists/*
ENV NODE_ENV=production
# A container's loopback is reached by nobody: who may reach its ports is for whoever publishes them.
ENV SERVER_HOST=0.0.0.0
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY package.json ./
COPY migrations migrations
COPY config config
COPY core core
COPY store store
COPY process process
COPY project project
COPY tasks tasks
COPY runner runner
COPY api api
COPY --from=dashboard /app/dashboard/dist dashboard/dist
# The command errand, for operators in the container.
COPY client client
COPY doctor doctor
COPY check check
COPY embedded embedded
COPY cli cli
COPY bin bin
USER node
# Either process answers /live on its own port.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
  CMD ["node", "-e", "Promise.any([process.env.SERVER_PORT || 8080, process.env.RUNNER_PORT || 8081].map(async (port) => (await fetch('http://127.0.0.1:' + port + '/live')).ok || Promise.reject())).then(() => process.exit(0), () => process.exit(1))"]
CMD ["node", "api/main.ts"]
