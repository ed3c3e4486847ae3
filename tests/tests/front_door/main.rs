//! End-to-end tests through the public interface, using real Postgres, Valkey and nginx and the compiled services. Only Mandrill
//! and the identity provider are simulated.

mod access;
mod audience;
mod background_jobs;
mod completion;
mod doctor;
mod documents;
mod erasing;
mod fanout;
mod faults;
mod filters;
mod health;
mod hostile;
mod inbox;
mod live;
mod messages;
mod migrations;
mod openapi;
mod paths;
mod problems;
mod protocol;
mod quarantine;
mod registration;
mod replicas;
mod reports;
mod retention;
mod routes;
mod search;
mod session;
mod single_sign_on;
mod sse;
mod verdicts;
mod webhook;
mod wire;
