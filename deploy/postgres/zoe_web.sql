-- The account of `zoe web`, which forges and readers can reach: it puts deliveries down, reads what
-- pages show, and no more.
--
-- Run it in Zoe's database, after `zoe run` has made its tables, once and after every upgrade; then
-- give the account a password (\password zoe_web) or whatever pg_hba.conf asks of it:
--
--   psql -d zoe -f zoe_web.sql
--
-- Running it again does no harm.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'zoe_web') THEN
        CREATE ROLE zoe_web LOGIN NOINHERIT;
    END IF;
END
$$;

GRANT USAGE ON SCHEMA public TO zoe_web;
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM zoe_web;

-- What forges deliver. To say "seen before", it must see its own.
GRANT SELECT, INSERT ON deliveries TO zoe_web;
GRANT SELECT, INSERT, UPDATE ON wanted, review_requests TO zoe_web;

-- What pages show. Not frozen_specs, which hold environment variables; nor what is sent to whom
-- (outbox), what operators asked (confirmations, hold_requests), or what only the loop needs.
GRANT SELECT ON
    meta, pulse, passes, executions, snapshots, boards, commits, intervals,
    ledger, events, tails, posted_plans
TO zoe_web;
-- Logs may hold secrets: the view has only those of namespaces that let pages show them.
GRANT SELECT (uid, attempt, component, node, exit_code, error, at) ON harvests TO zoe_web;
GRANT SELECT ON shown_logs TO zoe_web;
-- Whose logs somebody looks at.
GRANT SELECT, INSERT, UPDATE ON looks TO zoe_web;
