//! Sign-in, people, tokens, saved views, and what people tell one another.

use std::sync::Arc;

use shared::serve::Peer;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use crate::api::accounts::{audit, invitation, oidc, password_change, session, sessions, tokens, users, views};
use crate::api::notifications::{inbox, rules};
use crate::http::router::{answer, any_of, query_or_none};
use crate::state::AppState;

/// All of them.
pub(crate) fn all(with: BoxedFilter<(Arc<AppState>,)>) -> BoxedFilter<(Response,)> {
    let headers = warp::header::headers_cloned();
    let peer = warp::ext::get::<Peer>();
    let body = warp::body::stream();
    let query = query_or_none();

    // GET /api/session
    let get_session = warp::path!("api" / "session")
        .and(warp::get())
        .and(with.clone())
        .and(headers)
        .then(|state, headers| async move { answer(session::get(state, headers).await) })
        .boxed();
    // POST /api/session
    let post_session = warp::path!("api" / "session")
        .and(warp::post())
        .and(with.clone())
        .and(peer)
        .and(headers)
        .and(body)
        .then(|state, peer, headers, body| async move { answer(session::post(state, peer, headers, body).await) })
        .boxed();
    // DELETE /api/session
    let delete_session = warp::path!("api" / "session")
        .and(warp::delete())
        .and(with.clone())
        .and(headers)
        .then(|state, headers| async move { answer(session::delete(state, headers).await) })
        .boxed();
    // GET /api/session/oidc
    let begin_oidc = warp::path!("api" / "session" / "oidc")
        .and(warp::get())
        .and(with.clone())
        .and(headers)
        .and(query)
        .then(|state, headers, query| async move { answer(oidc::begin(state, headers, query).await) })
        .boxed();
    // GET /api/session/oidc/callback
    let finish_oidc = warp::path!("api" / "session" / "oidc" / "callback")
        .and(warp::get())
        .and(with.clone())
        .and(headers)
        .and(query)
        .then(|state, headers, query| async move { answer(oidc::finish(state, headers, query).await) })
        .boxed();

    // POST /api/notifications
    let send_notification = warp::path!("api" / "notifications")
        .and(warp::post())
        .and(with.clone())
        .and(headers)
        .and(body)
        .then(|state, headers, body| async move { answer(inbox::send(state, headers, body).await) })
        .boxed();
    // POST /api/notifications/read
    let read_notifications = warp::path!("api" / "notifications" / "read")
        .and(warp::post())
        .and(with.clone())
        .and(headers)
        .and(body)
        .then(|state, headers, body| async move { answer(inbox::read(state, headers, body).await) })
        .boxed();
    // GET /api/users
    let list_users = warp::path!("api" / "users")
        .and(warp::get())
        .and(with.clone())
        .and(headers)
        .then(|state, headers| async move { answer(users::list(state, headers).await) })
        .boxed();

    // POST /api/users
    let add_user = warp::path!("api" / "users")
        .and(warp::post())
        .and(with.clone())
        .and(headers)
        .and(body)
        .then(|state, headers, body| async move { answer(users::add(state, headers, body).await) })
        .boxed();
    // PATCH /api/users/{id}
    let change_user = warp::path!("api" / "users" / i64)
        .and(warp::patch())
        .and(with.clone())
        .and(headers)
        .and(body)
        .then(|id, state, headers, body| async move { answer(users::change(state, headers, id, body).await) })
        .boxed();
    // POST /api/users/{id}/invitation
    let invite_user = warp::path!("api" / "users" / i64 / "invitation")
        .and(warp::post())
        .and(with.clone())
        .and(headers)
        .then(|id, state, headers| async move { answer(invitation::renew(state, headers, id).await) })
        .boxed();
    // POST /api/invitation
    let post_invitation = warp::path!("api" / "invitation")
        .and(warp::post())
        .and(with.clone())
        .and(headers)
        .and(body)
        .then(|state, headers, body| async move { answer(invitation::post(state, headers, body).await) })
        .boxed();
    // POST /api/password
    let new_password = warp::path!("api" / "password")
        .and(warp::post())
        .and(with.clone())
        .and(peer)
        .and(headers)
        .and(body)
        .then(|state, peer, headers, body| async move { answer(password_change::post(state, peer, headers, body).await) })
        .boxed();
    // GET /api/tokens
    let list_tokens = warp::path!("api" / "tokens")
        .and(warp::get())
        .and(with.clone())
        .and(headers)
        .then(|state, headers| async move { answer(tokens::list(state, headers).await) })
        .boxed();
    // POST /api/tokens
    let add_token = warp::path!("api" / "tokens")
        .and(warp::post())
        .and(with.clone())
        .and(headers)
        .and(body)
        .then(|state, headers, body| async move { answer(tokens::add(state, headers, body).await) })
        .boxed();
    // DELETE /api/tokens/{id}
    let revoke_token = warp::path!("api" / "tokens" / i64)
        .and(warp::delete())
        .and(with.clone())
        .and(headers)
        .then(|id, state, headers| async move { answer(tokens::revoke(state, headers, id).await) })
        .boxed();
    // GET /api/sessions
    let list_sessions = warp::path!("api" / "sessions")
        .and(warp::get())
        .and(with.clone())
        .and(headers)
        .and(query)
        .then(|state, headers, query| async move { answer(sessions::list(state, headers, query).await) })
        .boxed();
    // DELETE /api/sessions/{id}
    let end_session = warp::path!("api" / "sessions" / i64)
        .and(warp::delete())
        .and(with.clone())
        .and(headers)
        .then(|id, state, headers| async move { answer(sessions::end_one(state, headers, id).await) })
        .boxed();
    // POST /api/sessions/end
    let end_sessions = warp::path!("api" / "sessions" / "end")
        .and(warp::post())
        .and(with.clone())
        .and(headers)
        .and(body)
        .then(|state, headers, body| async move { answer(sessions::end_many(state, headers, body).await) })
        .boxed();
    // GET /api/views
    let list_views = warp::path!("api" / "views")
        .and(warp::get())
        .and(with.clone())
        .and(headers)
        .then(|state, headers| async move { answer(views::list(state, headers).await) })
        .boxed();
    // POST /api/views
    let add_view = warp::path!("api" / "views")
        .and(warp::post())
        .and(with.clone())
        .and(headers)
        .and(body)
        .then(|state, headers, body| async move { answer(views::add(state, headers, body).await) })
        .boxed();
    // PUT /api/views/{id}
    let change_view = warp::path!("api" / "views" / i64)
        .and(warp::put())
        .and(with.clone())
        .and(headers)
        .and(body)
        .then(|id, state, headers, body| async move { answer(views::change(state, headers, id, body).await) })
        .boxed();
    // DELETE /api/views/{id}
    let remove_view = warp::path!("api" / "views" / i64)
        .and(warp::delete())
        .and(with.clone())
        .and(headers)
        .then(|id, state, headers| async move { answer(views::remove(state, headers, id).await) })
        .boxed();
    // GET /api/rules
    let get_rules = warp::path!("api" / "rules")
        .and(warp::get())
        .and(with.clone())
        .and(headers)
        .then(|state, headers| async move { answer(rules::get(state, headers).await) })
        .boxed();
    // PUT /api/rules
    let change_rules = warp::path!("api" / "rules")
        .and(warp::put())
        .and(with.clone())
        .and(headers)
        .and(body)
        .then(|state, headers, body| async move { answer(rules::put(state, headers, body).await) })
        .boxed();
    // DELETE /api/rules
    let remove_rules = warp::path!("api" / "rules")
        .and(warp::delete())
        .and(with.clone())
        .and(headers)
        .then(|state, headers| async move { answer(rules::delete(state, headers).await) })
        .boxed();
    // GET /api/audit
    let list_audit = warp::path!("api" / "audit")
        .and(warp::get())
        .and(with.clone())
        .and(headers)
        .and(query)
        .then(|state, headers, query| async move { answer(audit::list(state, headers, query).await) })
        .boxed();

    any_of([
        get_session,
        post_session,
        delete_session,
        begin_oidc,
        finish_oidc,
        send_notification,
        read_notifications,
        list_users,
        add_user,
        change_user,
        invite_user,
        post_invitation,
        new_password,
        list_tokens,
        add_token,
        revoke_token,
        list_sessions,
        end_session,
        end_sessions,
        list_views,
        add_view,
        change_view,
        remove_view,
        get_rules,
        change_rules,
        remove_rules,
        list_audit,
    ])
}
