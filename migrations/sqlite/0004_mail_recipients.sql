-- Who is mailed of which kinds of events (none: the usual ones), as `[notifications.smtp]` of the service that
-- started last says. It is here so that whatever ends a job writes the messages, whatever its configuration.
CREATE TABLE mail_recipients (
    address     TEXT PRIMARY KEY,
    event_kinds TEXT NOT NULL DEFAULT '[]' CHECK (json_type(event_kinds) = 'array')
) STRICT, WITHOUT ROWID;

-- Messages that nobody could deliver, the latest first.
CREATE INDEX outbox_dead ON outbox (dead_at) WHERE dead_at IS NOT NULL;
