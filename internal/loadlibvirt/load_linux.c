//go:build cgo && libvirt_dlopen

#define _GNU_SOURCE
#include <dlfcn.h>
#include <string.h>

static int node;

/* glibc hands a constructor what main would get. */
__attribute__((constructor)) static void look(int argc, char **argv) {
	for (int i = 1; i < argc; i++)
		node = node || strcmp(argv[i], "up") == 0;
}

__attribute__((visibility("hidden"))) void *dlopen(const char *file, int mode) {
	void *(*next)(const char *, int) = (void *(*)(const char *, int))dlsym(RTLD_NEXT, "dlopen");

	if (!node && file && strncmp(file, "libvirt", 7) == 0)
		file = "/no libvirt: only hither up loads it"; /* what dlerror will say */
	return next(file, mode);
}
