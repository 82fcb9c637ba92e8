// Package wayland starts Wayland sessions for tests: sway without a monitor,
// drawing in software, with a D-Bus, PipeWire and the portals of its own, all in
// a private runtime directory. A session ends with its test.
//
// The portal's question is answered with yes at once (chooser_type=none).
package wayland
