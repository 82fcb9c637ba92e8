// Package app puts the node together: it opens each subsystem, gives each what
// it needs of the others, serves the API, and stops all of it in reverse order.
// It is the one place that knows whether a host is this computer or another.
package app
