-- Addresses are compared without regard to the case of ASCII letters alone, whatever the database's locale: the notifier compares
-- them too, and must find the same.
drop index events_recipient_idx;
create index events_recipient_idx on events (lower(recipient collate "C"), received_at, id);
