/* Partners: numbers that belong to others, so that nothing of ours clashes with theirs. */
#include <string.h>

#include "vault/parts.h"

static kf_err run_reserve(vault_act *act)
{
    static const store_sql insert = {
        "INSERT INTO partner (id, name, what, low, high) VALUES ($1, $2, $3, $4, $5)"
    };
    static const store_sql kids = {
        "SELECT count(*) FROM vkey WHERE kind = 1 AND destroyed IS NULL AND kid >= $1 AND kid <= $2"
    };
    static const store_sql slns = {
        "SELECT count(*) FROM group_sln WHERE sln >= $1 AND sln <= $2"
    };
    static const store_sql rsis = { "SELECT count(*) FROM unit WHERE rsi >= $1 AND rsi <= $2" };
    const kf_slice name = wire_get_text(act->in, "name"), what = wire_get_text(act->in, "what");
    const int64_t low = wire_get_int(act->in, "low", 0), high = wire_get_int(act->in, "high", low);
    const store_sql *own = what.ptr[0] == 'k' ? &kids : what.ptr[0] == 's' ? &slns : &rsis;
    int64_t id = 0, clashes = 0;
    vault_about(act, "partner %.*s", (int)name.len, (const char *)name.ptr);
    if (high < low)
        return vault_refuse(act, KF_E_MALFORMED, "bad-field", "high", "the range is empty", NULL,
                            NULL);
    kf_err err = vault_int(act, own, VAULT_IN(store_int(low), store_int(high)), &clashes, NULL);
    if (err == KF_OK)
        err = vault_take_ids(act, 1, &id);
    if (err == KF_OK)
        err = vault_sql(act, &insert,
                        VAULT_IN(store_int(id), store_text(name), store_text(what), store_int(low),
                                 store_int(high)));
    vault_note(act, "%.*s %lld to %lld", (int)what.len, (const char *)what.ptr, (long long)low,
               (long long)high);
    wire_put_int(act->out, "partner", id);
    wire_put_int(act->out, "clashes", clashes); /* told, not refused: they are there already */
    return err;
}

static kf_err put_partner(void *ctx, const store_value *c, size_t count)
{
    wire_builder *b = ((vault_act *)ctx)->out;
    if (count != 5)
        return KF_E_MALFORMED;
    wire_open_map(b, NULL);
    wire_put_int(b, "partner", c[0].number);
    wire_put_text(b, "name", c[1].octets);
    wire_put_text(b, "what", c[2].octets);
    wire_put_int(b, "low", c[3].number);
    wire_put_int(b, "high", c[4].number);
    wire_close(b);
    return KF_OK;
}

static kf_err run_list(vault_act *act)
{
    static const store_sql all = {
        "SELECT id, name, what, low, high FROM partner ORDER BY what, low LIMIT 10000"
    };
    wire_open_list(act->out, "partners");
    kf_err err = vault_rows(act, &all, NULL, 0, put_partner, act);
    wire_close(act->out);
    return err;
}

static kf_err run_release(vault_act *act)
{
    static const store_sql remove = { "DELETE FROM partner WHERE id = $1" };
    const int64_t id = wire_get_int(act->in, "partner", 0);
    vault_about(act, "partner %lld", (long long)id);
    kf_err err = vault_sql(act, &remove, VAULT_IN(store_int(id)));
    if (err == KF_OK && store_changes(act->db) == 0)
        return vault_refuse(act, KF_E_STATE, "no-such-partner", "partner", "there is no such row",
                            NULL, "keyferry partner list");
    return err;
}

static const wire_field reserve_fields[] = {
    { .name = "name",
      .type = WIRE_TEXT,
      .is_required = true,
      .min = 1,
      .max = VAULT_NAME_MAX,
      .help = "whose" },
    { .name = "what",
      .type = WIRE_TEXT,
      .is_required = true,
      .min = 3,
      .max = 3,
      .words = "kid|sln|rsi",
      .help = "which numbers" },
    { .name = "low",
      .type = WIRE_INT,
      .is_required = true,
      .min = 0,
      .max = 0xffffff,
      .help = "from" },
    { .name = "high",
      .type = WIRE_INT,
      .min = 0,
      .max = 0xffffff,
      .help = "to; else only that one" },
    { .name = NULL },
};
static const wire_field release_fields[] = {
    { .name = "partner",
      .type = WIRE_INT,
      .is_required = true,
      .min = 1,
      .max = INT64_MAX,
      .help = "its number" },
    { .name = NULL },
};

static const vault_verb verbs[] = {
    { "partner reserve", VAULT_OFFICER, VAULT_WRITES, false, false, reserve_fields, run_reserve,
      "keep numbers free that belong to others" },
    { "partner list", VAULT_OFFICER | VAULT_AUDITOR, VAULT_READS, false, false, NULL, run_list,
      "list reserved numbers" },
    { "partner release", VAULT_OFFICER, VAULT_WRITES, false, true, release_fields, run_release,
      "give reserved numbers free" },
};

const vault_noun vault_noun_partner = { "partner", "numbers that belong to others", verbs,
                                        KF_COUNT(verbs) };
