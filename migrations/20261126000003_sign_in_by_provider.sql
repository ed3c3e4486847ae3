-- Who a user is to an OpenID Connect provider, once they have signed in through it.
alter table users
    add column oidc_issuer  text,
    add column oidc_subject text,
    add constraint users_oidc_whole check ((oidc_issuer is null) = (oidc_subject is null)),
    add constraint users_oidc_key unique (oidc_issuer, oidc_subject);
