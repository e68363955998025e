/* The schema, one migration for each release that changed it. Times are Unix seconds; a time that
 * is not set is NULL. What is wrapped is marked; the place it is bound to is "table.column". */
#include "vault/parts.h"

static const char core[] =
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value {blob} NOT NULL);\n"
    "CREATE TABLE counter (name TEXT PRIMARY KEY, value BIGINT NOT NULL);\n"
    "INSERT INTO counter (name, value) VALUES ('id', 1);\n"
    "INSERT INTO counter (name, value) VALUES ('kid', 4096);\n"
    "CREATE TABLE seal_slot (id BIGINT PRIMARY KEY, kind BIGINT NOT NULL, label TEXT NOT NULL "
    "UNIQUE,"
    " blob {blob} NOT NULL, created BIGINT NOT NULL);\n"
    "CREATE TABLE event (seq BIGINT PRIMARY KEY, at BIGINT NOT NULL, role BIGINT NOT NULL,"
    " actor TEXT NOT NULL, verb TEXT NOT NULL, subject TEXT NOT NULL, outcome TEXT NOT NULL,"
    " detail TEXT NOT NULL, hash {blob} NOT NULL);\n"
    "CREATE TABLE checkpoint (seq BIGINT PRIMARY KEY, at BIGINT NOT NULL, hash {blob} NOT NULL,"
    " signature {blob} NOT NULL);\n"
    "CREATE TABLE proposal (id BIGINT PRIMARY KEY, verb TEXT NOT NULL, request {blob} NOT NULL,"
    " officer TEXT NOT NULL, created BIGINT NOT NULL, state BIGINT NOT NULL, decided_by TEXT,"
    " decided BIGINT);\n"; /* request: wrapped */

static const char identities[] =
    "CREATE TABLE domain (id BIGINT PRIMARY KEY, kms_uri TEXT NOT NULL UNIQUE,"
    " certificate {blob} NOT NULL, is_own BIGINT NOT NULL, created BIGINT NOT NULL);\n"
    "CREATE TABLE identity (id BIGINT PRIMARY KEY, uri TEXT NOT NULL UNIQUE,"
    " domain BIGINT NOT NULL REFERENCES domain(id), created BIGINT NOT NULL);\n"
    "CREATE TABLE identity_keys (id BIGINT PRIMARY KEY, identity BIGINT NOT NULL"
    " REFERENCES identity(id), period BIGINT NOT NULL, valid_from BIGINT NOT NULL,"
    " valid_to BIGINT NOT NULL, keyset {blob} NOT NULL, UNIQUE (identity, period));\n" /* wrapped */
    "CREATE TABLE kms (id BIGINT PRIMARY KEY, kms_uri TEXT NOT NULL UNIQUE, secret {blob} NOT NULL,"
    " created BIGINT NOT NULL);\n" /* secret: wrapped */
    "CREATE TABLE kms_issue (id BIGINT PRIMARY KEY, kms BIGINT NOT NULL REFERENCES kms(id),"
    " user_uri TEXT NOT NULL, period BIGINT NOT NULL, issued BIGINT NOT NULL);\n"
    "CREATE INDEX kms_issue_user ON kms_issue (user_uri, period);\n";

static const char units[] =
    "CREATE TABLE unit (id BIGINT PRIMARY KEY, name TEXT NOT NULL UNIQUE, rsi BIGINT UNIQUE,"
    " uri TEXT UNIQUE, level BIGINT NOT NULL, state BIGINT NOT NULL, ukek BIGINT, context BIGINT,"
    " otar {blob}, otar_due BIGINT, next_seq BIGINT NOT NULL, last_heard BIGINT,"
    " created BIGINT NOT NULL, lost BIGINT);\n" /* otar: wrapped */
    "CREATE INDEX unit_due ON unit (otar_due) WHERE otar_due IS NOT NULL;\n"
    "CREATE TABLE crypto_group (number BIGINT PRIMARY KEY, active BIGINT NOT NULL,"
    " staged BIGINT NOT NULL);\n"
    "CREATE TABLE mcgroup (id BIGINT PRIMARY KEY, name TEXT NOT NULL UNIQUE, temporary BIGINT NOT "
    "NULL,"
    " state BIGINT NOT NULL, ends BIGINT, identity BIGINT REFERENCES identity(id), wants_gmk "
    "BIGINT NOT NULL,"
    " created BIGINT NOT NULL);\n"
    "CREATE INDEX mcgroup_ends ON mcgroup (ends) WHERE ends IS NOT NULL;\n"
    "CREATE TABLE group_uri (grp BIGINT NOT NULL REFERENCES mcgroup(id), uri TEXT NOT NULL,"
    " PRIMARY KEY (grp, uri));\n"
    "CREATE TABLE group_sln (grp BIGINT NOT NULL REFERENCES mcgroup(id), sln BIGINT NOT NULL,"
    " PRIMARY KEY (grp, sln));\n"
    "CREATE INDEX group_sln_sln ON group_sln (sln);\n"
    "CREATE TABLE constituent (temporary BIGINT NOT NULL REFERENCES mcgroup(id),"
    " grp BIGINT NOT NULL REFERENCES mcgroup(id), PRIMARY KEY (temporary, grp));\n"
    "CREATE TABLE member (grp BIGINT NOT NULL REFERENCES mcgroup(id),"
    " unit BIGINT NOT NULL REFERENCES unit(id), joined BIGINT NOT NULL, PRIMARY KEY (grp, unit));\n"
    "CREATE INDEX member_unit ON member (unit);\n"
    "CREATE TABLE holds (unit BIGINT NOT NULL REFERENCES unit(id), sln BIGINT NOT NULL,"
    " slot BIGINT NOT NULL, kid BIGINT NOT NULL, PRIMARY KEY (unit, sln, slot));\n"
    "CREATE INDEX holds_place ON holds (sln, slot, kid);\n";

static const char keys[] =
    "CREATE TABLE vkey (id BIGINT PRIMARY KEY, kind BIGINT NOT NULL, algid BIGINT NOT NULL,"
    " kid BIGINT NOT NULL, sln BIGINT, slot BIGINT, unit BIGINT REFERENCES unit(id),"
    " grp BIGINT REFERENCES mcgroup(id), name TEXT NOT NULL, origin TEXT NOT NULL,"
    " created BIGINT NOT NULL, activates BIGINT NOT NULL, deactivates BIGINT, suspended BIGINT,"
    " compromised BIGINT, destroyed BIGINT, material {blob});\n" /* wrapped */
    "CREATE UNIQUE INDEX vkey_kid ON vkey (kid, algid) WHERE kind = 1 AND destroyed IS NULL;\n"
    "CREATE UNIQUE INDEX vkey_gmk ON vkey (kid) WHERE kind > 3 AND destroyed IS NULL;\n"
    "CREATE UNIQUE INDEX vkey_place ON vkey (sln, slot) WHERE kind = 1 AND destroyed IS NULL;\n"
    "CREATE INDEX vkey_unit ON vkey (unit) WHERE unit IS NOT NULL;\n"
    "CREATE INDEX vkey_grp ON vkey (grp) WHERE grp IS NOT NULL;\n"
    "CREATE TABLE partner (id BIGINT PRIMARY KEY, name TEXT NOT NULL, what TEXT NOT NULL,"
    " low BIGINT NOT NULL, high BIGINT NOT NULL);\n";

static const char boxes[] =
    "CREATE TABLE delivery (id BIGINT PRIMARY KEY, unit BIGINT NOT NULL REFERENCES unit(id),"
    " seq BIGINT NOT NULL, kind BIGINT NOT NULL, grp BIGINT, vkey BIGINT, identity BIGINT, "
    "priority BIGINT NOT NULL,"
    " state BIGINT NOT NULL, box {blob}, created BIGINT NOT NULL, expires BIGINT,"
    " claimed_by TEXT, claim BIGINT, claim_until BIGINT, attempts BIGINT NOT NULL, reason TEXT,"
    " settled BIGINT, UNIQUE (unit, seq));\n"
    /* SQLite takes a partial index only where a query has its condition word for word. */
    "CREATE INDEX delivery_planned ON delivery (priority, id) WHERE state = 1;\n"
    "CREATE INDEX delivery_queued ON delivery (priority, id) WHERE state = 2;\n"
    "CREATE INDEX delivery_claimed ON delivery (claim_until) WHERE state = 3;\n"
    "CREATE INDEX delivery_open ON delivery (unit, seq) WHERE state < 5;\n"
    "CREATE INDEX delivery_expires ON delivery (expires) WHERE state < 5 AND expires IS NOT NULL;\n"
    "CREATE INDEX delivery_claim ON delivery (claim) WHERE claim IS NOT NULL;\n"
    "CREATE INDEX delivery_grp ON delivery (grp, vkey) WHERE grp IS NOT NULL;\n"
    "CREATE TABLE media_grant (id BIGINT PRIMARY KEY, grp BIGINT NOT NULL REFERENCES mcgroup(id),"
    " process TEXT NOT NULL, officer TEXT NOT NULL, begins BIGINT NOT NULL, ends BIGINT NOT NULL,"
    " revoked BIGINT);\n"
    "CREATE TABLE call (id BIGINT PRIMARY KEY, lmr TEXT NOT NULL, mc TEXT NOT NULL,"
    " mode BIGINT NOT NULL, direction BIGINT NOT NULL, pck BIGINT, tek BIGINT, process TEXT,"
    " begins BIGINT NOT NULL, ends BIGINT NOT NULL, ended BIGINT);\n"
    "CREATE INDEX call_open ON call (ends) WHERE ended IS NULL;\n";

const store_migration vault_schema[] = {
    { "core", core }, { "identities", identities }, { "units", units },
    { "keys", keys }, { "boxes", boxes },
};
const size_t vault_schema_count = KF_COUNT(vault_schema);
