// Package pipewire takes the frames of a screen from PipeWire, through
// libpipewire-0.3, which is loaded when a stream is opened and not needed
// otherwise.
//
// A Stream has the newest frame and adds up what became different since it was
// last taken; whoever waits on Changed is told. Frames lie in memory that is
// shared with the compositor (MemFd or MemPtr; buffers of a graphics card are
// not asked for), four bytes a pixel.
//
// libpipewire runs two threads for a stream, which end with Close; the package
// starts no goroutine. The compositor is trusted as far as its own picture
// goes: sizes and offsets that it tells are checked before memory is read, but
// the memory itself is mapped by libpipewire.
//
// Sources: docs.pipewire.org, the pages Stream, SPA POD and SPA Buffers.
package pipewire
