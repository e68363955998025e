#include <unistd.h>

#include "cli.h"
#include "fleet/fleet.h"

#define BAR_WIDTH    30u
#define SHOWN_NAMES  20u
#define TIME_OCTETS  48u
#define PLAIN_STEP_S 600 /* simulated seconds between two lines where there is no terminal */

/* --- progress --------------------------------------------------------------------------------- */

typedef struct progress {
    const cli_call *call;
    bool is_terminal, has_line;
    fleet_phase phase;
    kf_time told;
    unsigned percent;
} progress;

/* "1 h 05 min", in buf. */
static const char *span(kf_time seconds, char *buf)
{
    const long s = (long)seconds;
    if (s < 0)
        (void)snprintf(buf, TIME_OCTETS, "never");
    else if (s < 60)
        (void)snprintf(buf, TIME_OCTETS, "%ld s", s);
    else if (s < 3600)
        (void)snprintf(buf, TIME_OCTETS, "%ld min %02ld s", s / 60, s % 60);
    else
        (void)snprintf(buf, TIME_OCTETS, "%ld h %02ld min", s / 3600, s / 60 % 60);
    return buf;
}

static void draw_bar(progress *p, const fleet_progress *now, unsigned percent)
{
    char bar[BAR_WIDTH + 1], time[TIME_OCTETS];
    for (unsigned i = 0; i < BAR_WIDTH; i++)
        bar[i] = i < percent * BAR_WIDTH / 100 ? '#' : '.';
    bar[BAR_WIDTH] = '\0';
    (void)fprintf(p->call->out->talk, "\r%-10s [%s] %zu of %zu, %s simulated   ",
                  fleet_phase_text(now->phase), bar, now->done, now->total, span(now->at, time));
    p->has_line = true;
}

static void on_progress(void *ctx, const fleet_progress *now)
{
    progress *p = ctx;
    char time[TIME_OCTETS];
    const bool is_new = now->phase != p->phase || p->told < 0;
    const unsigned percent = (unsigned)(now->done * 100 / now->total);
    if (p->is_terminal ? is_new || percent != p->percent || now->at >= p->told + 60
                       : is_new || (percent == 100 && percent != p->percent) ||
                             now->at >= p->told + PLAIN_STEP_S) {
        if (p->is_terminal)
            draw_bar(p, now, percent);
        else
            out_say(p->call->out, "%s: %zu of %zu after %s", fleet_phase_text(now->phase),
                    now->done, now->total, span(now->at, time));
        p->phase = now->phase;
        p->told = now->at;
        p->percent = percent;
    }
}

/* --- for people ------------------------------------------------------------------------------- */

static void print_groups(FILE *to, const fleet_result *r)
{
    (void)fprintf(to, "\n%-8s %-6s %-6s %8s %9s %9s %9s %9s\n", "group", "set", "KID", "members",
                  "hold new", "use new", "use old", "have none");
    for (unsigned g = 0; g < r->group_count; g++) {
        const fleet_group *row = &r->groups[g];
        (void)fprintf(to, "SLN %-4u %-6u %04X   %8zu %9zu %9zu %9zu %9zu\n", row->sln,
                      row->crypto_group, row->kid, row->members, row->hold_new, row->use_new,
                      row->use_old, row->use_none);
    }
}

static void print_changeover(FILE *to, unsigned crypto_group, const fleet_changeover *c)
{
    char time[TIME_OCTETS];
    (void)fprintf(to, "changeover %u: refused %zu times", crypto_group, c->refused);
    if (c->refused > 0)
        (void)fprintf(to, " (not ready: %zu at first, %zu at last)", c->first_not_ready,
                      c->last_not_ready);
    if (!c->is_done)
        (void)fprintf(to, "; never granted\n");
    else if (c->is_overridden)
        (void)fprintf(to, "; overridden %s after the rekey, %zu left behind\n", span(c->at, time),
                      c->left_behind);
    else
        (void)fprintf(to, "; granted %s after the rekey\n", span(c->at, time));
    for (size_t i = 0; i < FLEET_NAMES_MAX && c->last_names[i] != 0; i++)
        (void)fprintf(to, "%s%u", i == 0 ? "  the last ones not ready: " : ", ", c->last_names[i]);
    if (c->last_names[0] != 0)
        (void)fprintf(to, "%s\n", c->last_not_ready > FLEET_NAMES_MAX ? ", ..." : "");
}

static void print_laggards(FILE *to, const fleet_result *r)
{
    char heard[TIME_OCTETS];
    if (r->laggard_count == 0) {
        (void)fprintf(to, "\nnot ready: nobody\n");
        return;
    }
    (void)fprintf(to, "\nnot ready: %zu\n%-9s %-12s %-9s %-12s why\n", r->laggard_count, "RSI",
                  "state", "keys", "last heard");
    for (size_t i = 0; i < r->laggard_count && i < SHOWN_NAMES; i++) {
        const fleet_laggard *l = &r->laggards[i];
        char keys[48];
        (void)snprintf(keys, sizeof keys, "%zu of %zu", l->held, l->wanted);
        (void)fprintf(to, "%-9u %-12s %-9s %-12s %s%s\n", l->rsi, fleet_state_text(l->state), keys,
                      span(l->last_heard, heard), fleet_reason_text(l->reason),
                      l->is_gone ? ", for good" : "");
    }
    if (r->laggard_count > SHOWN_NAMES)
        (void)fprintf(to, "and %zu more: --json lists all\n", r->laggard_count - SHOWN_NAMES);
}

static void print_result(const cli_call *call, const fleet_result *r)
{
    FILE *to = call->out->data;
    const fleet_traffic *t = &r->traffic;
    char a[TIME_OCTETS], b[TIME_OCTETS], c[TIME_OCTETS];
    (void)fprintf(to, "%zu units, %u groups, %u %% loss, %zu off the air for a while, %zu gone\n",
                  r->config.units, r->config.groups, r->config.loss_percent, r->went_off_air,
                  r->gone);
    print_groups(to, r);
    (void)fprintf(to, "\n");
    for (size_t s = 0; s < FLEET_STATES; s++)
        (void)fprintf(to, "%-12s %zu\n", fleet_state_text((fleet_state)s), r->states[s]);
    print_laggards(to, r);
    (void)fprintf(to, "\n");
    for (unsigned cg = 0; cg < r->crypto_group_count; cg++)
        print_changeover(to, cg, &r->changeovers[cg]);
    (void)fprintf(to, "new keys in 50 %%, 95 %%, 100 %% of units: %s, %s, %s after the rekey\n",
                  span(r->half_s, a), span(r->most_s, b), span(r->all_s, c));
    (void)fprintf(to,
                  "KMF: %ju commands, %ju retries, gave up %ju times; %ju requests of units\n"
                  "datagrams: %ju to units (%ju octets), %ju from them (%ju octets); %ju lost\n"
                  "%s simulated; reached %zu of %zu reachable units\n",
                  (uintmax_t)t->commands, (uintmax_t)t->retries, (uintmax_t)t->given_up,
                  (uintmax_t)t->requests, (uintmax_t)t->to_units, (uintmax_t)t->octets_to_units,
                  (uintmax_t)t->to_kmf, (uintmax_t)t->octets_to_kmf, (uintmax_t)t->lost,
                  span(r->simulated_s, a), r->reachable_current, r->reachable);
}

/* --- for programs ----------------------------------------------------------------------------- */

static json_t *seconds_json(kf_time seconds)
{
    return seconds < 0 ? json_null() : json_integer((json_int_t)seconds);
}

static json_t *config_json(const fleet_config *c)
{
    return json_pack("{s:I, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:I}", "units", (json_int_t)c->units,
                     "groups", (int)c->groups, "loss_percent", (int)c->loss_percent,
                     "off_air_percent", (int)c->off_air_percent, "gone_percent",
                     (int)c->gone_percent, "absence_s", (int)c->absence_s, "patience_s",
                     (int)c->patience_s, "pace", (int)c->pace, "seed", (json_int_t)c->seed);
}

static json_t *groups_json(const fleet_result *r)
{
    json_t *list = json_array();
    for (unsigned g = 0; g < r->group_count; g++) {
        const fleet_group *row = &r->groups[g];
        json_array_append_new(
            list,
            json_pack("{s:i, s:i, s:i, s:i, s:I, s:I, s:I, s:I, s:I}", "sln", row->sln,
                      "crypto_group", (int)row->crypto_group, "kid", row->kid, "old_kid",
                      row->old_kid, "members", (json_int_t)row->members, "hold_new",
                      (json_int_t)row->hold_new, "use_new", (json_int_t)row->use_new, "use_old",
                      (json_int_t)row->use_old, "have_none", (json_int_t)row->use_none));
    }
    return list;
}

static json_t *changeovers_json(const fleet_result *r)
{
    json_t *list = json_array();
    for (unsigned cg = 0; cg < r->crypto_group_count; cg++) {
        const fleet_changeover *c = &r->changeovers[cg];
        json_t *names = json_array();
        for (size_t i = 0; i < FLEET_NAMES_MAX && c->last_names[i] != 0; i++)
            json_array_append_new(names, json_integer((json_int_t)c->last_names[i]));
        json_array_append_new(list,
                              json_pack("{s:i, s:I, s:I, s:I, s:o, s:b, s:b, s:I, s:o}",
                                        "crypto_group", (int)cg, "refused", (json_int_t)c->refused,
                                        "first_not_ready", (json_int_t)c->first_not_ready,
                                        "last_not_ready", (json_int_t)c->last_not_ready,
                                        "last_names", names, "done", c->is_done, "overridden",
                                        c->is_overridden, "left_behind", (json_int_t)c->left_behind,
                                        "after_s", c->is_done ? seconds_json(c->at) : json_null()));
    }
    return list;
}

static json_t *laggards_json(const fleet_result *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->laggard_count; i++) {
        const fleet_laggard *l = &r->laggards[i];
        json_array_append_new(
            list,
            json_pack("{s:I, s:s, s:s, s:b, s:I, s:I, s:o, s:o}", "rsi", (json_int_t)l->rsi,
                      "state", fleet_state_text(l->state), "reason", fleet_reason_text(l->reason),
                      "gone", l->is_gone, "held", (json_int_t)l->held, "wanted",
                      (json_int_t)l->wanted, "last_heard_s", seconds_json(l->last_heard),
                      "silent_since_s", seconds_json(l->silent_since)));
    }
    return list;
}

static json_t *traffic_json(const fleet_traffic *t)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "commands",
                     (json_int_t)t->commands, "retries", (json_int_t)t->retries, "given_up",
                     (json_int_t)t->given_up, "requests", (json_int_t)t->requests, "to_units",
                     (json_int_t)t->to_units, "to_kmf", (json_int_t)t->to_kmf, "octets_to_units",
                     (json_int_t)t->octets_to_units, "octets_to_kmf", (json_int_t)t->octets_to_kmf,
                     "lost", (json_int_t)t->lost, "duplicated", (json_int_t)t->duplicated, "missed",
                     (json_int_t)t->missed);
}

static json_t *result_json(const fleet_result *r)
{
    json_t *states = json_object(), *phases = json_object();
    for (size_t s = 0; s < FLEET_STATES; s++)
        json_object_set_new(states, fleet_state_text((fleet_state)s),
                            json_integer((json_int_t)r->states[s]));
    for (size_t p = 0; p < FLEET_PHASES; p++)
        json_object_set_new(phases, fleet_phase_text((fleet_phase)p), seconds_json(r->phase_s[p]));
    return json_pack(
        "{s:b, s:o, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:o}",
        "all_reached", r->all_reached, "config", config_json(&r->config), "reachable",
        (json_int_t)r->reachable, "reached", (json_int_t)r->reachable_current, "went_off_air",
        (json_int_t)r->went_off_air, "gone", (json_int_t)r->gone, "states", states, "groups",
        groups_json(r), "not_ready", laggards_json(r), "changeovers", changeovers_json(r),
        "traffic", traffic_json(&r->traffic), "phase_s", phases, "simulated_s",
        (json_int_t)r->simulated_s, "half_s", seconds_json(r->half_s), "most_s",
        seconds_json(r->most_s), "all_s", seconds_json(r->all_s));
}

/* --- the command ------------------------------------------------------------------------------ */

/* Text, option and bound of each number. */
static const struct {
    const char *option;
    uint64_t least, most;
} bounds[] = {
    { "units", 1, FLEET_UNITS_MAX },
    { "groups", 1, FLEET_GROUPS_MAX },
    { "loss", 0, 100 },
    { "off-air", 0, 100 },
    { "gone", 0, 100 },
    { "absence", 0, 86400 },
    { "patience", 0, 86400 },
    { "pace", 0, 1000000 },
    { "limit", 1, 60 * 86400 },
};

static cli_status check_bounds(const cli_call *call)
{
    char why[128];
    for (size_t i = 0; i < KF_COUNT(bounds); i++) {
        const uint64_t value = cli_number(call, bounds[i].option, bounds[i].least);
        if (value >= bounds[i].least && value <= bounds[i].most)
            continue;
        (void)snprintf(why, sizeof why, "it goes from %ju to %ju", (uintmax_t)bounds[i].least,
                       (uintmax_t)bounds[i].most);
        return cli_misuse(call, bounds[i].option, "a number is out of range", why,
                          "see: keyferry p25 fleet --help");
    }
    return CLI_DONE;
}

static unsigned number(const cli_call *call, const char *name)
{
    return (unsigned)cli_number(call, name, 0);
}

static cli_status give_up(const cli_call *call, kf_err err)
{
    if (err != KF_E_NO_MEMORY)
        return cli_give_up(call, "fleet", err);
    out_error e = out_error_of(err);
    e.field = "units";
    out_what(&e, "there is not enough memory for so many units");
    out_why(&e, "keys are kept in memory that is locked, about 2 KiB for each unit");
    out_do(&e, "raise the limit of locked memory (ulimit -l), or take fewer units");
    out_report(call->out, &e);
    return CLI_REFUSED;
}

cli_status run_p25_fleet(const cli_call *call)
{
    fleet_config c = fleet_config_usual();
    progress p = { .call = call, .is_terminal = isatty(fileno(call->out->talk)) == 1, .told = -1 };
    const fleet_watch watch = { call->out->json ? NULL : on_progress, &p };
    fleet_result *r = NULL;
    cli_status status = check_bounds(call);
    if (status != CLI_DONE)
        return status;
    c.units = number(call, "units");
    c.groups = number(call, "groups");
    c.loss_percent = number(call, "loss");
    c.off_air_percent = number(call, "off-air");
    c.gone_percent = number(call, "gone");
    c.absence_s = number(call, "absence");
    c.patience_s = number(call, "patience");
    c.pace = number(call, "pace");
    c.limit_s = number(call, "limit");
    c.seed = cli_number(call, "seed", 1);
    if (cli_text(call, "policy")[0] == 'e')
        c.level = P25_LEVEL_ENHANCED;
    kf_err err = fleet_run(&c, &watch, &r);
    if (p.has_line)
        (void)fputc('\n', call->out->talk);
    if (err != KF_OK)
        return give_up(call, err);
    status = r->all_reached ? CLI_DONE : CLI_REFUSED;
    if (!call->out->json)
        print_result(call, r);
    else if (!out_json(call->out, result_json(r)))
        status = CLI_REFUSED;
    fleet_result_free(&r);
    return status;
}
