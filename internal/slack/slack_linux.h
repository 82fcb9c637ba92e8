#define SLACK 500000 /* nanoseconds */
