-- The account of `zoe web`, which forges can reach: it may put deliveries down, and no more.
--
-- Run it once, in Zoe's database, after `zoe run` has made its tables; then give the account a
-- password (\password zoe_web) or whatever pg_hba.conf asks of it:
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
-- To say "seen before", it must see its own.
GRANT SELECT, INSERT ON deliveries TO zoe_web;
GRANT SELECT, INSERT, UPDATE ON wanted, review_requests TO zoe_web;
