-- Inserts `fill.rows` events (a setting), numbered from 1, spread over last month and typical of a busy shop.
-- The events are identical on every run. Some values are common, others are rare, and each message has a few events.
do $$ declare month timestamptz := date_trunc('month', now() - interval '1 month'); begin
    execute format('create table if not exists %I partition of events for values from (%L) to (%L)',
                   'events_' || to_char(month, 'YYYY_MM'), month, month + interval '1 month');
end $$;
insert into events (received_at, occurred_at, kind, message_id, recipient, sender, subject, tags, metadata, template, subaccount, url,
                    ip, user_agent, country, city, diagnostic, simulated, webhook, search, terms, payload)
select at, at - interval '3 seconds', kind, 'm' || n / 4, recipient, sender, subject, tags,
       jsonb_build_object('customer', 'c' || n, 'number', n, 'plan', plan), template, subaccount,
       url, ip,
       case when kind in ('open', 'click') then 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15' end,
       case when kind in ('open', 'click') then 'Spain' end, case when kind in ('open', 'click') then 'Madrid' end,
       case when kind like '%bounce' then 'smtp;550 5.1.1 <' || recipient || '> unknown' end, false, 'main',
       search, event_terms(search, template, subaccount, url, ip),
       '{"event":"' || kind || '","msg":{"_id":"m' || n / 4 || '","email":"' || recipient || '","padding":"' || repeat('x', 800) || '"}}'
from (
    select n, draw,
           date_trunc('month', now() - interval '1 month') + n * interval '28 days' / current_setting('fill.rows')::integer as at,
           (array['send', 'send', 'send', 'send', 'delivered', 'delivered', 'delivered', 'open', 'open', 'click', 'soft_bounce',
                  'hard_bounce', 'deferral', 'spam'])[1 + n % 14] as kind,
           (array['ada', 'bo', 'chloe', 'dmitri', 'eva', 'farid', 'grace', 'hugo', 'ines', 'jonas', 'kofi', 'lucia', 'mei', 'nadia', 'omar', 'petra',
                  'quinn', 'rosa', 'sven', 'tomas', 'uma', 'viktor', 'wendy'])[1 + person % 23]
               || '.' || (array['adams', 'becker', 'castro', 'dubois', 'evans', 'fischer', 'garcia', 'hansen', 'ivanov', 'jensen', 'kimura',
                  'lopez', 'moreau', 'novak', 'okafor', 'petrov', 'rossi', 'silva', 'tanaka', 'ueda', 'vargas', 'weber', 'young'])[1 + person / 23 % 23]
               || person || '@' || (array['example.com', 'example.org', 'example.net', 'mail.example.com'])[1 + person % 4] as recipient,
           (array['news', 'news', 'news', 'shop', 'billing'])[1 + draw % 5] || '@example.com' as sender,
           (array['Your order', 'Your invoice', 'Welcome aboard', 'Weekly digest', 'Special offer', 'Password reset'])[1 + draw % 6]
               || ' ' || n / 4 as subject,
           case when n % 5000 = 7 then array['rare', 'eu']
                else array[(array['orders', 'billing', 'welcome', 'digest', 'offers', 'security'])[1 + draw % 6], 'eu'] end as tags,
           (array['gold', 'free', 'team'])[1 + draw % 3] as plan,
           (array['order', 'invoice', 'welcome', 'digest', 'offer', 'reset'])[1 + draw % 6] as template,
           case when draw % 4 = 0 then (array['eu', 'us'])[1 + draw / 4 % 2] end as subaccount
    from (
        -- Seven hexadecimal digits of a hash: pseudorandom, but the same on every run.
        select n, ('x' || left(md5(n::text), 7))::bit(28)::integer as draw,
               (n / 4) % (1 + current_setting('fill.rows')::integer / 10) as person
        from generate_series(1, current_setting('fill.rows')::integer) as n
    ) as numbered
) as drawn
cross join lateral (
    select case when kind = 'click' then 'https://example.com/' || n % 5000 end as url,
           case when kind in ('open', 'click') then format('198.51.%s.%s', n % 256, draw % 256) end as ip,
           recipient || ' ' || sender || chr(30) || lower(subject) || chr(31) || ' ' || array_to_string(tags, ' ') || ' c' || n || ' ' || n
               || ' ' || plan as search
) as made;
-- Adds the events to the counts of received events.
insert into event_counts (hour, webhook, simulated, kind, outcome, count, last_at)
select date_trunc('hour', received_at), 'main', false, kind, 'stored', count(*), max(received_at) from events
where received_at < date_trunc('month', now()) group by 1, 4 on conflict do nothing;
update event_facets_until set until = least(until, date_trunc('month', now() - interval '1 month'));
analyze events;
