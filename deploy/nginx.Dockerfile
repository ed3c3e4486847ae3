# nginx image that includes the built dashboard.
FROM node:22-bookworm-slim AS build
WORKDIR /src
COPY frontend/package.json frontend/package-lock.json frontend/.npmrc ./
RUN npm ci --no-audit --no-fund
COPY frontend ./
RUN npm run build

FROM nginx:1.28-bookworm
COPY --from=build /src/dist /usr/share/mandrill-listener
COPY deploy/nginx/nginx.conf.template /etc/nginx/nginx.conf.template
COPY deploy/nginx/start /usr/local/bin/start-nginx
COPY deploy/nginx/upstream /usr/local/bin/upstream
USER nginx
EXPOSE 8080
ENTRYPOINT ["start-nginx"]
