-- Users and tokens that see `a•••@example.com` in place of addresses.

-- How the user sees addresses: 'full' or 'masked'. Null for what is usual for the role.
alter table users add column addresses text constraint users_addresses_known check (addresses in ('full', 'masked'));
-- The same for a token. It sees no address if its user does not.
alter table api_tokens add column addresses text not null default 'full'
    constraint api_tokens_addresses_known check (addresses in ('full', 'masked'));

-- The roles whose users usually see no addresses. Admins always do.
create table masked_roles (
    role text primary key constraint masked_roles_known check (role in ('viewer', 'operator'))
);

-- The key with which addresses are encrypted into ids of recipients. Whoever reads the database reads the addresses as well.
create table recipient_id_key (
    only_row boolean primary key default true constraint recipient_id_key_once check (only_row),
    key bytea not null constraint recipient_id_key_length check (length(key) = 32)
);
insert into recipient_id_key (key) values (uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));

-- True if a user with this role, and with `users.addresses`, sees no addresses.
create function is_masked(user_role text, user_addresses text) returns boolean
    language sql stable parallel safe
    return user_role <> 'admin'
        and coalesce(user_addresses = 'masked', exists (select from masked_roles where masked_roles.role = user_role));

-- True if the text may hold an address, as it is or encoded. `shared/src/masking/plain.rs` decides the same in memory.
create function may_hold_address(text text) returns boolean
    language sql immutable parallel safe
    return text ~ '[@＠﹫]|%(25)?40|=40|\+40|[uU]0040|\\[xX]40|[cC][oO][mM][mM][aA][tT]|#0*64|#[xX]0*40'
        or text ~ '(?=[A-Za-z0-9+/_-]{8})[A-Za-z0-9+/_-]*[a-z0-9][A-Z]'
        or text ~ '[0-9a-fA-F]{2}40[0-9a-fA-F]*2[eE]';
