// Package process starts programs that outlive the node, knows them again after
// its restart, and ends them with everything they started. It trusts /proc, and
// touches only processes that it can prove to be the ones it started: by PID and
// start time within one boot, or by a mark in their environment. Linux only.
package process
