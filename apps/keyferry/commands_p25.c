#include "cli.h"
#include "options.h"

#define OPT_NODE                                                                                   \
    { "for", "SECONDS", CLI_NUMBER, false, false, NULL, "end by itself after so long" },           \
        { "template",                                                                              \
          NULL,                                                                                    \
          CLI_FLAG,                                                                                \
          false,                                                                                   \
          false,                                                                                   \
          NULL,                                                                                    \
          "print a configuration to begin with, and do nothing else" },                            \
    {                                                                                              \
        "scrypt-log2n", "N", CLI_NUMBER, false, false, "17",                                       \
            "cost of guessing the passphrase of a new state, 10 to 18; memory is 2^N KiB"          \
    }

static const cli_command commands[] = {
    { .path = "p25 kmf",
      .summary = "run a P25 key management facility on a UDP port, for labs and tests",
      .about = "Prints a line for each event, with --json a JSON object a line, until SIGTERM or\n"
               "`quit` on the control socket. State is kept in a sealed directory: a run that was\n"
               "killed is taken up, no message number is used twice. Operate it with\n"
               "`keyferry p25 ctl`: rekey, changeover (refused while a unit would be cut off),\n"
               "zeroize, inventory, status, wait; `help` lists all.",
      .example = "keyferry p25 kmf --template > kmf.yaml\n"
                 "keyferry p25 kmf kmf.yaml --for 1",
      .arguments = { { "CONFIG", false, false, "the configuration, YAML" } },
      .options = { OPT_NODE },
      .run = run_p25_kmf },

    { .path = "p25 unit",
      .summary = "run a P25 subscriber on a UDP port, for labs and tests",
      .about = "Registers and asks for keys when told to on its control socket, answers every\n"
               "command of its KMF, speaks and listens: encrypted P25 voice in ISSI packets from\n"
               "and into files of IMBE frames (11 octets each). `help` lists the requests.",
      .example = "keyferry p25 unit --template > unit.yaml\n"
                 "keyferry p25 unit unit.yaml --for 1",
      .arguments = { { "CONFIG", false, false, "the configuration, YAML" } },
      .options = { OPT_NODE },
      .run = run_p25_unit },

    { .path = "p25 ctl",
      .summary = "send one request to a running KMF or unit, and print its answer",
      .about = "The exit status tells whether it was done. KMF: status, rekey, changeover,\n"
               "zeroize, inventory, warm-start, modify-key, change-rsi, set-date-time, service,\n"
               "load-keys, wait, quit. Unit: register, hello, status, radio, speak, listen, wait,\n"
               "... The request `help` lists all with their operands. `wait` answers when\n"
               "something has come about, so scripts need no sleeping:\n"
               "wait settled all 10, wait away 1003 10; wait registered 10, wait key 1 10.",
      .example = "keyferry p25 kmf kmf.yaml --for 20 > kmf.log &\n"
                 "keyferry p25 unit unit.yaml --for 20 > unit.log &\n"
                 "keyferry p25 ctl --wait 10 kmf.sock status\n"
                 "keyferry p25 ctl --wait 10 unit.sock register\n"
                 "keyferry p25 ctl kmf.sock wait settled 1001 10\n"
                 "keyferry p25 ctl unit.sock status --json\n"
                 "keyferry p25 ctl unit.sock quit\n"
                 "keyferry p25 ctl kmf.sock quit\n"
                 "wait",
      .arguments = { { "SOCKET", true, false, "the control socket, as in the configuration" },
                     { "WORD", true, true, "the request, a word in each argument" } },
      .options = { { "wait", "SECONDS", CLI_NUMBER, false, false, "0",
                     "how long to wait until something serves the socket" } },
      .plain = true,
      .run = run_p25_ctl },

    { .path = "p25 fleet",
      .summary = "simulate the rekeying of a whole fleet over a bad network",
      .about =
          "One KMF and as many subscribers as you say, all real but for the radio between\n"
          "them; time is simulated. Units register, get their first keys, some leave the air;\n"
          "the fleet is rekeyed, the changeover is refused while somebody is not ready, those\n"
          "who come back catch up. In the end: who holds what, who is not ready and why. The\n"
          "same options give the same result. Exits with 1 when a reachable unit was not\n"
          "rekeyed and changed over.",
      .example = "keyferry p25 fleet --units 200 --loss 5 --off-air 30 --seed 7",
      .options = { { "units", "N", CLI_NUMBER, false, false, "200", "subscribers" },
                   { "groups", "N", CLI_NUMBER, false, false, "4",
                     "groups, in two crypto groups; every unit is in the first" },
                   { "loss", "PERCENT", CLI_NUMBER, false, false, "5",
                     "datagrams lost, in each direction" },
                   { "off-air", "PERCENT", CLI_NUMBER, false, false, "30",
                     "units that are off the air for a while when the fleet is rekeyed" },
                   { "gone", "PERCENT", CLI_NUMBER, false, false, "0",
                     "of the others: units that leave and never come back" },
                   { "absence", "SECONDS", CLI_NUMBER, false, false, "3600",
                     "longest absence of those who come back" },
                   { "patience", "SECONDS", CLI_NUMBER, false, false, "2700",
                     "from the rekey to a changeover in spite of those not ready; 0: never" },
                   { "policy", "basic|enhanced", CLI_CHOICE, false, false, "basic",
                     "protection of registration and hello" },
                   { "pace", "N", CLI_NUMBER, false, false, "100",
                     "commands a second that the network takes from the KMF; 0: any number" },
                   { "limit", "SECONDS", CLI_NUMBER, false, false, "28800",
                     "simulated time after which it ends in any case" },
                   { "seed", "N", CLI_NUMBER, false, false, "1", "of all that is random" } },
      .run = run_p25_fleet },
};

const cli_section cli_p25 = { { "p25", "P25 rekeying over the air: a KMF, subscribers, their voice",
                                "keyferry p25 kmf --template" },
                              commands,
                              KF_COUNT(commands) };
