/** @file scene.h Two domains, three users, and short forms of sealing and opening for the tests
 * here. */
#ifndef TESTS_MIKEY_SCENE_H
#define TESTS_MIKEY_SCENE_H

#include "mikey/mikey.h"
#include "support/world.h"

#define SCENE_KEY_ID UINT32_C(0x0df9bc39)

typedef struct scene {
    world_domain home, away;
    mcsec_user_keys *iwf, *alice, *bob, *far; /* far: bob's URI in the other domain */
    kf_secret *key;
    testing_rng rng;
    uint8_t octets[MIKEY_MESSAGE_MAX];
    size_t len;
    const mcsec_user_keys *held[4];
    const mcsec_domain *known[2];
    mikey_rule rules[3];
} scene;

/** Built once per program. */
static scene *scene_get(void)
{
    static scene s;
    if (s.home.domain != NULL)
        return &s;
    world_domain_init(&s.home, "kms.home.example", (mcsec_period){ WORLD_PERIOD, 0 });
    world_domain_init(&s.away, "kms.away.example", (mcsec_period){ 604800, 3600 });
    uint64_t n = world_period(&s.home, WORLD_NOW);
    s.iwf = world_user(&s.home, WORLD_IWF, n, MCSEC_ID_UID);
    s.alice = world_user(&s.home, WORLD_ALICE, n, MCSEC_ID_UID);
    s.bob = world_user(&s.home, WORLD_BOB, n, MCSEC_ID_UID);
    s.far = world_user(&s.away, WORLD_BOB, world_period(&s.away, WORLD_NOW), MCSEC_ID_UID);
    s.key = testing_secret_hex("07d1a1677ac36d8e81620484689b3c2d");
    s.known[0] = s.home.domain;
    s.known[1] = s.away.domain;
    for (unsigned i = 0; i < KF_COUNT(s.rules); i++)
        s.rules[i] = (mikey_rule){ (mcsec_purpose)i, { NULL, 0 } };
    testing_rng_init(&s.rng, "scene");
    return &s;
}

static void scene_clear(void)
{
    scene *s = scene_get();
    mcsec_user_keys_free(&s->iwf);
    mcsec_user_keys_free(&s->alice);
    mcsec_user_keys_free(&s->bob);
    mcsec_user_keys_free(&s->far);
    kf_secret_free(&s->key);
    world_domain_clear(&s->home);
    world_domain_clear(&s->away);
}

/** What the IWF would seal to Alice. */
static mikey_seal scene_seal(scene *s, mcsec_purpose purpose)
{
    return (mikey_seal){
        .from = s->iwf,
        .to_domain = s->home.domain,
        .to_uri = kf_slice_str(WORLD_ALICE),
        .purpose = purpose,
        .key = s->key,
        .key_id = (uint32_t)purpose << 28 | SCENE_KEY_ID,
        .now = WORLD_NOW,
    };
}

/** Seal into the scene; the test fails when that fails. */
static kf_slice scene_make(scene *s, const mikey_seal *what)
{
    kf_fault fault;
    kf_writer w = kf_writer_init(s->octets, sizeof s->octets);
    assert_ok(mikey_seal_message(what, &s->rng.rng, &w, &fault));
    s->len = w.len;
    return kf_writer_slice(&w);
}

/** A receiver that holds the keys of one user, knows both domains and allows anybody. */
static mikey_receiver scene_receiver(scene *s, const mcsec_user_keys *holder)
{
    s->held[0] = holder;
    return (mikey_receiver){
        .keys = s->held,
        .key_count = 1,
        .domains = s->known,
        .domain_count = 2,
        .rules = s->rules,
        .rule_count = KF_COUNT(s->rules),
        .now = WORLD_NOW,
        .window_s = MIKEY_WINDOW_S,
    };
}

#endif
