//go:build cgo

#include <sys/prctl.h>

#include "slack_linux.h"

/* Before the runtime makes its threads, which inherit it. */
__attribute__((constructor)) static void relax(void) {
	prctl(PR_SET_TIMERSLACK, (unsigned long)SLACK, 0UL, 0UL, 0UL);
}
