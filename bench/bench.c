#include "bench.h"

#include <jansson.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS_MAX 15u
#define BATCH_NS   50000.0 /* clock reads are then below a thousandth */

typedef struct options {
    bool json, check, help;
    const char *only; /* part of a name, or NULL */
    size_t rounds;
    double sample_ns;
} options;

/* All samples of one function. */
typedef struct series {
    size_t batch; /* calls between two looks at the clock */
    size_t turn;
    size_t count;
    double values[ROUNDS_MAX];
} series;

typedef struct result {
    series ours, peer; /* per second, or milliseconds of a set-up */
} result;

static double now_ns(void)
{
    struct timespec t = { 0, 0 };
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

bool bench_check(bool ok, const char *what)
{
    if (!ok)
        (void)fprintf(stderr, "bench: this failed: %s\n", what);
    return ok;
}

static bool run_batch(bench_fn *fn, series *s, double *ns)
{
    double start = now_ns();
    for (size_t i = 0; i < s->batch; i++)
        if (!fn(s->turn++))
            return false;
    *ns = now_ns() - start;
    return true;
}

/* Find a batch that takes long enough; warms caches by the way. */
static bool calibrate(bench_fn *fn, series *s)
{
    double ns = 0;
    for (s->batch = 1; s->batch < SIZE_MAX / 2; s->batch *= 2) {
        if (!run_batch(fn, s, &ns))
            return false;
        if (ns >= BATCH_NS)
            return true;
    }
    return false;
}

/* One sample: operations a second over about sample_ns. */
static bool sample(bench_fn *fn, series *s, double sample_ns)
{
    double total = 0, ns = 0;
    size_t done = 0;
    while (total < sample_ns) {
        if (!run_batch(fn, s, &ns))
            return false;
        total += ns;
        done += s->batch;
    }
    s->values[s->count++] = (double)done * 1e9 / total;
    return true;
}

static bool sample_setup(const bench_setup *setup, series *s)
{
    double start = now_ns();
    if (!setup->make(s->turn++))
        return false;
    s->values[s->count++] = (now_ns() - start) / 1e6;
    return true;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(const series *s)
{
    double sorted[ROUNDS_MAX];
    if (s->count == 0)
        return 0;
    memcpy(sorted, s->values, s->count * sizeof sorted[0]);
    qsort(sorted, s->count, sizeof sorted[0], compare_doubles);
    size_t mid = s->count / 2;
    return s->count % 2 == 1 ? sorted[mid] : (sorted[mid - 1] + sorted[mid]) / 2;
}

/* (largest - smallest) / median, in percent. */
static double spread(const series *s)
{
    if (s->count == 0)
        return 0;
    double least = s->values[0], most = s->values[0];
    for (size_t i = 1; i < s->count; i++) {
        least = s->values[i] < least ? s->values[i] : least;
        most = s->values[i] > most ? s->values[i] : most;
    }
    return 100 * (most - least) / median(s);
}

static bool is_chosen(const options *o, const char *name)
{
    return o->only == NULL || strcasestr(name, o->only) != NULL;
}

/* Every operation once, a peer's right after ours; then the next round. */
static bool measure(const bench_plan *plan, const options *o, result *results, result *setups)
{
    for (size_t round = 0; round < o->rounds; round++) {
        for (size_t i = 0; i < plan->op_count; i++) {
            const bench_op *op = &plan->ops[i];
            result *r = &results[i];
            if (!is_chosen(o, op->name))
                continue;
            bool ok = (round > 0 || calibrate(op->ours, &r->ours)) &&
                      sample(op->ours, &r->ours, o->sample_ns) &&
                      (op->peer == NULL || ((round > 0 || calibrate(op->peer, &r->peer)) &&
                                            sample(op->peer, &r->peer, o->sample_ns)));
            if (!bench_check(ok, op->name))
                return false;
        }
        for (size_t i = 0; i < plan->setup_count; i++)
            if (is_chosen(o, plan->setups[i].name) &&
                !bench_check(sample_setup(&plan->setups[i], &setups[i].ours), plan->setups[i].name))
                return false;
    }
    return true;
}

static double ratio_of(const result *r)
{
    return r->peer.count == 0 ? 0 : median(&r->ours) / median(&r->peer);
}

static bool op_meets(const bench_op *op, const result *r)
{
    return (op->want_ratio <= 0 || ratio_of(r) >= op->want_ratio) &&
           (op->want_per_s <= 0 || median(&r->ours) >= op->want_per_s);
}

static bool setup_meets(const bench_setup *s, const result *r)
{
    return (s->most_ms <= 0 || median(&r->ours) <= s->most_ms) &&
           (s->most_octets == 0 || s->octets() <= s->most_octets);
}

static const char *cpu_model(char *buf, size_t cap)
{
    char line[512];
    FILE *in = fopen("/proc/cpuinfo", "r");
    (void)snprintf(buf, cap, "unknown");
    while (in != NULL && fgets(line, sizeof line, in) != NULL) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || colon == NULL)
            continue;
        colon[strcspn(colon, "\n")] = '\0';
        (void)snprintf(buf, cap, "%s", colon + 1 + (colon[1] == ' '));
        break;
    }
    if (in != NULL)
        (void)fclose(in);
    return buf;
}

#define TEXT_OF(number)                   #number
#define VERSION_TEXT(major, minor, patch) TEXT_OF(major) "." TEXT_OF(minor) "." TEXT_OF(patch)

static const char *compiler(void)
{
#if defined(__clang__)
    return "clang " VERSION_TEXT(__clang_major__, __clang_minor__, __clang_patchlevel__);
#else
    return "gcc " __VERSION__;
#endif
}

/* Stay on the last core we may use: the first is, as a rule, the one that serves interrupts. */
static int pin(void)
{
    cpu_set_t allowed, one;
    size_t last = CPU_SETSIZE;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
        return -1;
    for (size_t i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &allowed))
            last = i;
    if (last == CPU_SETSIZE)
        return -1;
    CPU_ZERO(&one);
    CPU_SET(last, &one);
    return sched_setaffinity(0, sizeof one, &one) == 0 ? (int)last : -1;
}

static void print_op(const bench_op *op, const result *r)
{
    char peer[32] = "-", ratio[32] = "-", want[48] = "-";
    if (r->peer.count > 0) {
        (void)snprintf(peer, sizeof peer, "%.0f", median(&r->peer));
        (void)snprintf(ratio, sizeof ratio, "%.1f", ratio_of(r));
    }
    if (op->want_ratio > 0)
        (void)snprintf(want, sizeof want, ">= %.0f x", op->want_ratio);
    else if (op->want_per_s > 0)
        (void)snprintf(want, sizeof want, ">= %.0f /s", op->want_per_s);
    (void)printf("%-42s %11.0f %11s %7s  %-10s %-6s %6.1f %%\n", op->name, median(&r->ours), peer,
                 ratio, want, op_meets(op, r) ? "ok" : "MISSED", spread(&r->ours));
}

static void print_setup(const bench_setup *s, const result *r)
{
    char want[64] = "-";
    if (s->most_ms > 0)
        (void)snprintf(want, sizeof want, "<= %.0f ms, %zu octets", s->most_ms, s->most_octets);
    (void)printf("%-42s %8.2f ms %9zu octets  %s %s\n", s->name, median(&r->ours), s->octets(),
                 want, setup_meets(s, r) ? "ok" : "MISSED");
}

static void print_table(const bench_plan *plan, const options *o, const result *results,
                        const result *setups, int core)
{
    char cpu[256];
    (void)printf("%s: %s, core %d, %s, peer %s; medians of %zu rounds\n\n", plan->name,
                 cpu_model(cpu, sizeof cpu), core, compiler(), plan->peer(), o->rounds);
    (void)printf("%-42s %11s %11s %7s  %-10s %-6s %8s\n", "operation", "ours/s", "peer/s", "ratio",
                 "target", "", "spread");
    for (size_t i = 0; i < plan->op_count; i++)
        if (is_chosen(o, plan->ops[i].name))
            print_op(&plan->ops[i], &results[i]);
    for (size_t i = 0; i < plan->setup_count; i++)
        if (is_chosen(o, plan->setups[i].name))
            print_setup(&plan->setups[i], &setups[i]);
}

static json_t *number_or_null(double value)
{
    return value > 0 ? json_real(value) : json_null();
}

static json_t *op_json(const bench_plan *plan, const bench_op *op, const result *r)
{
    json_t *peer = op->peer == NULL ? json_null() : json_string(plan->peer());
    return json_pack("{s:s, s:f, s:o, s:o, s:o, s:o, s:o, s:b}", "op", op->name, "ours_per_s",
                     median(&r->ours), "peer", peer, "peer_per_s", number_or_null(median(&r->peer)),
                     "ratio", number_or_null(ratio_of(r)), "want_ratio",
                     number_or_null(op->want_ratio), "want_per_s", number_or_null(op->want_per_s),
                     "met", op_meets(op, r));
}

static json_t *setup_json(const bench_setup *s, const result *r)
{
    double ms = median(&r->ours);
    return json_pack("{s:s, s:f, s:n, s:n, s:n, s:f, s:I, s:o, s:I, s:b}", "op", s->name,
                     "ours_per_s", 1e3 / ms, "peer", "peer_per_s", "ratio", "ms", ms, "octets",
                     (json_int_t)s->octets(), "most_ms", number_or_null(s->most_ms), "most_octets",
                     (json_int_t)s->most_octets, "met", setup_meets(s, r));
}

static bool print_json(const bench_plan *plan, const options *o, const result *results,
                       const result *setups, int core)
{
    char cpu[256];
    json_t *list = json_array();
    int bad = 0;
    for (size_t i = 0; i < plan->op_count; i++)
        if (is_chosen(o, plan->ops[i].name))
            bad |= json_array_append_new(list, op_json(plan, &plan->ops[i], &results[i]));
    for (size_t i = 0; i < plan->setup_count; i++)
        if (is_chosen(o, plan->setups[i].name))
            bad |= json_array_append_new(list, setup_json(&plan->setups[i], &setups[i]));
    json_t *all = json_pack("{s:s, s:s, s:i, s:s, s:s, s:I, s:o}", "bench", plan->name, "cpu",
                            cpu_model(cpu, sizeof cpu), "core", core, "compiler", compiler(),
                            "peer", plan->peer(), "rounds", (json_int_t)o->rounds, "results", list);
    if (all != NULL)
        bad |= json_dumpf(all, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    (void)printf("\n");
    bad |= all == NULL;
    json_decref(all);
    return bench_check(bad == 0, "writing JSON");
}

static bool all_met(const bench_plan *plan, const options *o, const result *results,
                    const result *setups)
{
    bool met = true;
    for (size_t i = 0; i < plan->op_count; i++)
        met = met && (!is_chosen(o, plan->ops[i].name) || op_meets(&plan->ops[i], &results[i]));
    for (size_t i = 0; i < plan->setup_count; i++)
        met = met &&
              (!is_chosen(o, plan->setups[i].name) || setup_meets(&plan->setups[i], &setups[i]));
    return met;
}

static void print_help(FILE *out, const bench_plan *plan)
{
    (void)fprintf(out,
                  "usage: %s [--json] [--quick] [--only TEXT] [--check]\n"
                  "\n"
                  "%s\n"
                  "\n"
                  "  --json       one JSON object on stdout; results is an array of\n"
                  "               {op, ours_per_s, peer, peer_per_s, ratio, ...}\n"
                  "  --quick      3 rounds of 60 ms samples in place of 7 of 200 ms\n"
                  "  --only TEXT  only operations whose name has TEXT, in either case\n"
                  "  --check      exit 1 when a target is missed\n"
                  "  --help       this\n"
                  "\n"
                  "example: build/bin/%s --quick --json\n",
                  plan->name, plan->about, plan->name);
}

static bool parse_options(int argc, char **argv, options *o)
{
    *o = (options){ .rounds = 7, .sample_ns = 200e6 };
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            o->json = true;
        } else if (strcmp(argv[i], "--check") == 0) {
            o->check = true;
        } else if (strcmp(argv[i], "--help") == 0) {
            o->help = true;
        } else if (strcmp(argv[i], "--quick") == 0) {
            o->rounds = 3;
            o->sample_ns = 60e6;
        } else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc) {
            o->only = argv[++i];
        } else {
            (void)fprintf(stderr, "unknown option or missing value: %s\n", argv[i]);
            return false;
        }
    }
    return true;
}

/* Results in hand: report. */
static int report(const bench_plan *plan, const options *o, const result *results,
                  const result *setups, int core)
{
    if (!o->json)
        print_table(plan, o, results, setups, core);
    else if (!print_json(plan, o, results, setups, core))
        return 1;
    return o->check && !all_met(plan, o, results, setups) ? 1 : 0;
}

int bench_main(int argc, char **argv, const bench_plan *plan)
{
    options o;
    int status = 1;

    if (!parse_options(argc, argv, &o)) {
        print_help(stderr, plan);
        return 2;
    }
    if (o.help) {
        print_help(stdout, plan);
        return 0;
    }
    int core = pin();
    result *results = calloc(plan->op_count + 1, sizeof *results);
    result *setups = calloc(plan->setup_count + 1, sizeof *setups);
    if (bench_check(results != NULL && setups != NULL, "memory for results") && plan->prepare() &&
        measure(plan, &o, results, setups))
        status = report(plan, &o, results, setups, core);
    free(results);
    free(setups);
    return status;
}
