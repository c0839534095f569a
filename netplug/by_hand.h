/* by_hand.h - netplug as a command: check and probe do their work themselves, the others ask the running
 * daemon. */
#ifndef NETPLUG_BY_HAND_H
#define NETPLUG_BY_HAND_H

/* Runs the command named by argv[0] with its options; returns the exit status: 0 done, 1 failed, 2 wrong
 * usage. -1: there is no such command. */
int by_hand_run(int argc, char **argv);

/* One line per command, for --help. */
void by_hand_help(void);

#endif
