// Package awake keeps a computer's processors out of their idle sleep while
// something is measured or tested. Waking takes its time there: microseconds on
// bare metal, seconds on some virtual machines, which were seen to leave a
// process that had become runnable lying on an idle processor until its next
// timer. Measuring programs do the same by other means, such as Linux's
// /dev/cpu_dma_latency, which virtual machines do not have.
package awake

import "time"

// every is how often each processor has a timer.
const every = 5 * time.Millisecond
