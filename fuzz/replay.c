/* Runs a fuzz target over files and folders of seeds, so that plain ctest replays them all. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len);

static unsigned long ran;

static int replay_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        perror(path);
        return 1;
    }
    size_t cap = 1u << 24, len = 0;
    uint8_t *buf = malloc(cap);
    if (buf != NULL)
        len = fread(buf, 1, cap, f);
    fclose(f);
    if (buf == NULL)
        return 1;
    uint8_t *exact = malloc(len == 0 ? 1 : len); /* no slack, so that a sanitizer sees an overrun */
    if (exact == NULL) {
        free(buf);
        return 1;
    }
    memcpy(exact, buf, len);
    free(buf);
    LLVMFuzzerTestOneInput(exact, len);
    free(exact);
    ran++;
    return 0;
}

static int replay_folder(const char *path)
{
    struct dirent **list = NULL;
    int count = scandir(path, &list, NULL, alphasort), bad = count < 0;
    if (bad)
        perror(path);
    for (int i = 0; i < count; i++) {
        char name[4096];
        snprintf(name, sizeof name, "%s/%s", path, list[i]->d_name);
        if (list[i]->d_name[0] != '.')
            bad |= replay_file(name);
        free(list[i]);
    }
    free(list);
    return bad;
}

int main(int argc, char **argv)
{
    int bad = 0;
    for (int i = 1; i < argc; i++) {
        struct stat st;
        if (stat(argv[i], &st) != 0) {
            perror(argv[i]);
            bad = 1;
        } else {
            bad |= S_ISDIR(st.st_mode) ? replay_folder(argv[i]) : replay_file(argv[i]);
        }
    }
    printf("%lu seeds replayed\n", ran);
    return bad || ran == 0;
}
