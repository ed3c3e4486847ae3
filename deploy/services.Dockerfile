# Builds ingest and notifier once and puts each into its own image.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY .sqlx .sqlx
COPY migrations migrations
COPY shared shared
COPY ingest ingest
COPY notifier notifier
# The images do not need these workspace members, but cargo fails without them.
COPY tools tools
COPY tests tests
ENV SQLX_OFFLINE=true
RUN cargo build --release --locked -p ingest -p notifier

FROM debian:bookworm-slim AS base
RUN useradd --system --uid 10001 --no-create-home listener
USER 10001

FROM base AS ingest
COPY --from=build /src/target/release/ingest /usr/local/bin/ingest
ENV LISTEN=0.0.0.0:8081
EXPOSE 8081
ENTRYPOINT ["ingest"]
CMD ["serve"]

FROM base AS notifier
COPY --from=build /src/target/release/notifier /usr/local/bin/notifier
ENV LISTEN=0.0.0.0:8082
EXPOSE 8082
ENTRYPOINT ["notifier"]
CMD ["serve"]
