# Run once by the container of PostgreSQL. A superuser passes by row-level security, so there are
# two roles beside it. psql reads the passwords itself: arguments can be read by other processes.
psql --username postgres --set ON_ERROR_STOP=1 <<'SQL'
\set owner `cat /run/secrets/owner_password`
\set service `cat /run/secrets/service_password`
CREATE ROLE sspr_owner LOGIN PASSWORD :'owner';
CREATE ROLE sspr LOGIN PASSWORD :'service';
CREATE DATABASE sspr OWNER sspr_owner;
\connect sspr
ALTER DEFAULT PRIVILEGES FOR ROLE sspr_owner GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO sspr;
ALTER DEFAULT PRIVILEGES FOR ROLE sspr_owner GRANT USAGE ON SEQUENCES TO sspr;
SQL
